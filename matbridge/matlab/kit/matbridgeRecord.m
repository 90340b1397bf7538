function fixture = matbridgeRecord(net, X, file, varargin)
%MATBRIDGERECORD Record what a network is given and what it gives.
%   MATBRIDGERECORD(NET, X, FILE) runs NET on X and writes both, and what each
%   layer gives, to the MAT-file FILE, so that matbridge can prove outside MATLAB
%   that it computes the same. NET is a SeriesNetwork, a DAGNetwork, a dlnetwork
%   or a shallow network object.
%
%   X is what predict takes: images H-by-W-by-C-by-N, features N-by-C, a sequence
%   C-by-T, sequences as a cell; for a dlnetwork a dlarray with labels, or plain
%   data (sequences of trainnet, T-by-C, too). For several inputs it is a cell
%   with an element for each. A shallow network takes what sim takes.
%
%   MATBRIDGERECORD(..., NAME, VALUE) takes
%     'Activations'    'all' (the default), 'none', or a cell of names of layers
%     'MiniBatchSize', 'SequenceLength', 'SequencePaddingDirection',
%     'SequencePaddingValue'   as predict takes them; the defaults are predict's
%     'ExecutionEnvironment'   'cpu' by default, which rounds least; a dlnetwork
%                      computes where its learnables and X are
%     'Format'         labels of the dimensions of plain data for a dlnetwork:
%                      'SSCB', 'TC'; a cell of them for several inputs
%     'Classes'        class names in the order of the scores, for a dlnetwork
%     'Xi', 'Ai'       initial delays of a shallow network
%     'KeepNetwork'    whether NET is saved in FILE as well (true by default)
%     'NetworkName'    the variable of NET in its own file
%     'NetworkFile'    the name of that file
%
%   FIXTURE = MATBRIDGERECORD(NET, X, [], ...) returns the variables and writes no
%   file.
%
%   Examples:
%       matbridgeRecord(net, XTest(:,:,:,1:10), 'ref.mat')
%       matbridgeRecord(net, XTest(1:5), 'ref.mat', 'MiniBatchSize', 1)
%       matbridgeRecord(net, dlarray(X, 'SSCB'), 'ref.mat', 'Activations', 'none')
%       matbridgeRecord(net, Xs, 'ref.mat', 'Xi', Xi, 'Ai', Ai)
%   and outside MATLAB
%       matbridge verify ref.mat
%
%   See also MATBRIDGEEXPORT, MATBRIDGEIMPORT.

%   Written by matbridge @VERSION@. Needs R2019b or later. The form of the file
%   is told in docs/fixtures.md of matbridge.

options = optionsOf(varargin);
if isempty(options.NetworkName)
    options.NetworkName = inputname(1);
end
switch className(net)
    case {'SeriesNetwork', 'DAGNetwork'}
        [fixture, about] = classicFixture(net, X, options);
    case 'dlnetwork'
        [fixture, about] = formattedFixture(net, X, options);
    case 'network'
        [fixture, about] = shallowFixture(net, X, options);
    otherwise
        error('matbridge:class', ['A SeriesNetwork, DAGNetwork, dlnetwork or network is ' ...
            'recorded, not a %s.'], className(net));
end
fixture.fixture = identified(about, net, options);
if options.KeepNetwork
    fixture.net = net;
end
if ~isempty(file)
    saveVariables(file, fixture);
end
end

function options = optionsOf(pairs)
% The names and values that the caller gave, checked.
parser = inputParser;
parser.FunctionName = 'matbridgeRecord';
parser.addParameter('Activations', 'all');
parser.addParameter('MiniBatchSize', 128);
parser.addParameter('SequenceLength', 'longest');
parser.addParameter('SequencePaddingDirection', 'right');
parser.addParameter('SequencePaddingValue', 0);
parser.addParameter('ExecutionEnvironment', 'cpu');
parser.addParameter('Format', '');
parser.addParameter('Classes', {});
parser.addParameter('Xi', {});
parser.addParameter('Ai', {});
parser.addParameter('KeepNetwork', true);
parser.addParameter('NetworkName', '');
parser.addParameter('NetworkFile', '');
parser.parse(pairs{:});
options = parser.Results;
for name = {'SequenceLength', 'SequencePaddingDirection', 'NetworkName', 'NetworkFile'}
    if isa(options.(name{1}), 'string')
        options.(name{1}) = char(options.(name{1}));
    end
end
end

function about = identified(about, net, options)
% The struct that says what the file is.
about.form = 'matbridge fixture';
about.version = 1;
about.recorder = 'matbridgeRecord @VERSION@';
about.release = version('-release');
about.networkName = options.NetworkName;
about.networkClass = className(net);
about.networkFile = options.NetworkFile;
if ~isfield(about, 'executionEnvironment')
    about.executionEnvironment = options.ExecutionEnvironment;
end
if hasProperty(net, 'Layers')
    about.layers = layerNames(net.Layers);
end
about.start = 'saved';
if ~isempty(options.Classes)
    about.classes = reshape(cellstr(options.Classes), 1, []);
end
end

% -- SeriesNetwork and DAGNetwork --------------------------------------------------

function [fixture, about] = classicFixture(net, X, options)
% What predict and activations give.
[about.inputNames, kinds] = namesOf(net, 'InputNames', 'InputLayer');
about.outputNames = namesOf(net, 'OutputNames', '(Output|Classification|Regression|Loss)Layer');
data = inputsOf(X, numel(about.inputNames));
sequences = any(~cellfun('isempty', regexp(kinds, 'SequenceInputLayer$', 'once')));
given = {'MiniBatchSize', options.MiniBatchSize, ...
    'ExecutionEnvironment', options.ExecutionEnvironment};
about.options = struct('MiniBatchSize', options.MiniBatchSize);
if sequences
    for name = {'SequenceLength', 'SequencePaddingDirection', 'SequencePaddingValue'}
        given = [given, name, {options.(name{1})}]; %#ok<AGROW>
        about.options.(name{1}) = options.(name{1});
    end
end
outputs = cell(1, numel(about.outputNames));
[outputs{:}] = predict(net, data{:}, given{:});
fixture = numbered(struct(), 'input', data);
fixture = numbered(fixture, 'output', outputs);
[fixture, about] = withActivations(fixture, about, wantedLayers(net, options), ...
    @(name) classicActivations(net, data, name, kinds, sequences, options, given));
fixture = withRows(fixture, 'initialStates', layerStates(net));
if ~isempty(layerStates(net)) && observations(data{1}) == 1
    try
        updated = predictAndUpdateState(net, data{:}, given{:});
        fixture = withRows(fixture, 'finalStates', layerStates(updated));
    catch problem
        warning('matbridge:state', 'The states after the run are not recorded: %s', ...
            problem.message);
    end
end
end

function [values, formats] = classicActivations(net, data, name, kinds, sequences, options, given)
% What one layer gives, as predict would return it.
formats = '';
if ~sequences
    as = 'channels';
    if any(~cellfun('isempty', regexp(kinds, 'FeatureInputLayer$', 'once')))
        as = 'rows';
    end
    values = activations(net, data{:}, name, 'OutputAs', as, given{:});
    return
end
% Each sequence by itself, so that it is plain which dimension is time.
if ~unpadded(data, options)
    error('matbridge:padding', ['sequences of different lengths are padded in a ' ...
        'mini-batch; record with ''MiniBatchSize'', 1']);
end
values = cell(observations(data{1}), 1);
steps = false;
for i = 1:numel(values)
    one = cellfun(@(x) observation(x, i), data, 'UniformOutput', false);
    value = activations(net, one{:}, name, 'OutputAs', 'channels', given{:});
    if iscell(value)
        value = value{1};
    end
    long = sequenceLength(one{1});
    steps = steps || (long > 1 && size(value, ndims(value)) == long);
    values{i} = value;
end
values = cellfun(@(value) withoutBatch(value, steps), values, 'UniformOutput', false);
values = together(values, steps, iscell(data{1}));
end

function value = withoutBatch(value, steps)
% C-by-1-by-T and H-by-W-by-C-by-1-by-T without the one observation.
count = ndims(value);
if steps && any(count == [3 5]) && size(value, count - 1) == 1
    sizes = size(value);
    value = reshape(value, [sizes(1:count - 2), sizes(count)]);
elseif ~steps && isvector(value)
    value = reshape(value, 1, []);
end
end

function values = together(parts, steps, several)
% Sequences as a cell, or the only one; one vector each as N-by-C.
if ~steps
    values = vertcat(parts{:});
elseif several
    values = parts;
else
    values = parts{1};
end
end

function answer = unpadded(data, options)
% Whether no sequence is padded.
lengths = cellfun(@sequenceLength, parts(data{1}));
answer = isequal(options.MiniBatchSize, 1) || all(lengths == lengths(1));
end

function items = parts(x)
% The sequences of a cell, or the only one.
items = x;
if ~iscell(x)
    items = {x};
end
end

function count = observations(x)
count = 1;
if iscell(x)
    count = numel(x);
end
end

function one = observation(x, i)
one = x;
if iscell(x)
    one = x{i};
end
end

function steps = sequenceLength(x)
% Of C-by-T and H-by-W-by-C-by-T.
steps = size(x, max(2, ndims(x)));
end

function rows = layerStates(net)
% The states that the layers hold: rows of layer, parameter and value.
rows = cell(0, 3);
for i = 1:numel(net.Layers)
    layer = element(net.Layers, i);
    for name = {'HiddenState', 'CellState'}
        if hasProperty(layer, name{1}) && ~isempty(layer.(name{1}))
            rows(end + 1, :) = {layer.Name, name{1}, plain(layer.(name{1}))}; %#ok<AGROW>
        end
    end
end
end

% -- dlnetwork ---------------------------------------------------------------------

function [fixture, about] = formattedFixture(net, X, options)
% What predict gives of dlarrays; each sequence of a cell is run by itself.
about.inputNames = namesOf(net, 'InputNames', 'InputLayer');
about.outputNames = namesOf(net, 'OutputNames', '');
data = inputsOf(X, numel(about.inputNames));
[data, formats, several] = labelled(net, data, options);
about.inputFormats = formats;
wanted = wantedLayers(net, options);
if several
    [fixture, about] = sequenceFixture(net, data, about, wanted);
    return
end
[values, about.outputFormats, states, about.executionEnvironment] = ...
    run(net, data, about.outputNames, {});
fixture = numbered(struct(), 'input', cellfun(@plain, data, 'UniformOutput', false));
fixture = numbered(fixture, 'output', values);
fixture = withRows(fixture, 'initialStates', stateRows(net));
fixture = withRows(fixture, 'finalStates', tableRows(states));
[fixture, about] = withActivations(fixture, about, wanted, ...
    @(name) firstOf(net, data, name));
end

function [value, format] = firstOf(net, data, name)
% What one layer gives, and its labels.
[values, formats] = run(net, data, {name}, {'Outputs', name});
value = values{1};
format = formats{1};
end

function place = placeOf(values)
% Where a dlnetwork computed: on the GPU if what it gives lies there.
place = 'cpu';
for i = 1:numel(values)
    value = values{i};
    if isa(value, 'dlarray')
        value = extractdata(value);
    end
    if isa(value, 'gpuArray')
        place = 'gpu';
    end
end
end

function [values, formats, states, place] = run(net, data, names, more)
% Numbers and labels of the outputs, the states after, and where it was computed.
values = cell(1, numel(names));
states = [];
known = false;
if hasProperty(net, 'State') && ~isempty(net.State)
    try
        [values{:}, states] = predict(net, data{:}, more{:});
        known = true;
    catch
        % Early releases do not return states; any other problem comes up again.
    end
end
if ~known
    [values{:}] = predict(net, data{:}, more{:});
end
place = placeOf(values);
formats = cellfun(@dimsOf, values, 'UniformOutput', false);
values = cellfun(@plain, values, 'UniformOutput', false);
end

function [fixture, about] = sequenceFixture(net, data, about, wanted)
% Cells of sequences C-by-T without labels.
count = numel(data{1});
about.inputFormats = repmat({''}, 1, numel(data));
about.outputFormats = repmat({''}, 1, numel(about.outputNames));
inputs = cell(1, numel(data));
for k = 1:numel(data)
    inputs{k} = cellfun(@(x) unbatched(plain(x), dimsOf(x)), data{k}(:), ...
        'UniformOutput', false);
end
fixture = numbered(struct(), 'input', inputs);
outputs = cell(1, numel(about.outputNames));
for k = 1:numel(outputs)
    outputs{k} = cell(count, 1);
end
for i = 1:count
    one = cellfun(@(x) x{i}, data, 'UniformOutput', false);
    [values, formats, ~, about.executionEnvironment] = run(net, one, about.outputNames, {});
    for k = 1:numel(outputs)
        outputs{k}{i} = unbatched(values{k}, formats{k});
        steps = any(formats{k} == 'T');
        if i == count
            outputs{k} = together(outputs{k}, steps, true);
        end
    end
end
fixture = numbered(fixture, 'output', outputs);
fixture = withRows(fixture, 'initialStates', stateRows(net));
[fixture, about] = withActivations(fixture, about, wanted, ...
    @(name) sequenceActivations(net, data, name));
end

function [values, format] = sequenceActivations(net, data, name)
% What one layer gives for each sequence.
format = '';
values = cell(numel(data{1}), 1);
for i = 1:numel(values)
    one = cellfun(@(x) x{i}, data, 'UniformOutput', false);
    [value, labels] = firstOf(net, one, name);
    values{i} = unbatched(value, labels);
end
values = together(values, any(labels == 'T'), true);
end

function value = unbatched(value, labels)
% C-by-T or H-by-W-by-C-by-T of one sequence, or a row of its channels.
sizes = size(value);
sizes(end + 1:numel(labels)) = 1;
if any(labels == 'T')
    value = reshape(value, [sizes(labels ~= 'B'), 1]);
else
    value = reshape(value, 1, []);
end
end

function [data, formats, several] = labelled(net, data, options)
% The inputs as dlarrays with labels; SEVERAL tells that they are cells of sequences.
told = options.Format;
if ~iscell(told)
    told = repmat({told}, 1, numel(data));
end
told = cellfun(@char, told, 'UniformOutput', false);
several = iscell(data{1});
formats = cell(1, numel(data));
for k = 1:numel(data)
    layer = inputLayer(net, k);
    if several
        data{k} = cellfun(@(x) asArray(x, told{k}, layer), data{k}, 'UniformOutput', false);
    else
        data{k} = asArray(data{k}, told{k}, layer);
        formats{k} = dimsOf(data{k});
    end
end
end

function x = asArray(x, format, layer)
% A dlarray with the labels that it has, that are told, or that its input layer implies.
if isa(x, 'dlarray') && ~isempty(dims(x))
    return
end
if isempty(format)
    format = impliedFormat(x, layer);
end
x = dlarray(single(x), format);
end

function format = impliedFormat(x, layer)
% The labels of plain data as predict and minibatchpredict take them.
if isempty(layer)
    error('matbridge:format', ['The network has no input layer for this input: give a ' ...
        'dlarray with labels, or ''Format''.']);
end
switch regexprep(className(layer), '^.*\.', '')
    case 'ImageInputLayer'
        format = 'SSCB';
    case 'Image3DInputLayer'
        format = 'SSSCB';
    case 'FeatureInputLayer'
        format = 'BC';
    case 'SequenceInputLayer'
        format = sequenceFormat(x, layer.InputSize);
    otherwise
        error('matbridge:format', ['What the dimensions are does not follow from the input ' ...
            'layer "%s": give ''Format''.'], layer.Name);
end
end

function format = sequenceFormat(x, inputSize)
% One sequence; trainnet has time first, predict of older networks the channels.
if numel(inputSize) > 1
    format = [repmat('S', 1, numel(inputSize) - 1), 'CT'];
elseif size(x, 2) == inputSize && size(x, 1) ~= inputSize
    format = 'TC';
elseif size(x, 1) == inputSize && size(x, 2) ~= inputSize
    format = 'CT';
else
    error('matbridge:format', ['A sequence of size %d-by-%d may be time by channels or ' ...
        'channels by time: give ''Format'', ''TC'' or ''CT''.'], size(x, 1), size(x, 2));
end
end

function layer = inputLayer(net, k)
% The input layer of the k-th input, [] where there is none.
names = namesOf(net, 'InputNames', 'InputLayer');
layer = [];
for i = 1:numel(net.Layers)
    one = element(net.Layers, i);
    if strcmp(one.Name, names{k}) && ~isempty(regexp(className(one), 'InputLayer$', 'once'))
        layer = one;
    end
end
end

function rows = stateRows(net)
% The states of a dlnetwork before the run.
rows = cell(0, 3);
if hasProperty(net, 'State')
    rows = tableRows(net.State);
end
end

function rows = tableRows(states)
% A table of Layer, Parameter, Value as a cell; only states of recurrent layers.
rows = cell(0, 3);
if isempty(states)
    return
end
layers = cellstr(states.Layer);
names = cellstr(states.Parameter);
for i = 1:numel(layers)
    if any(strcmp(names{i}, {'HiddenState', 'CellState'})) && ~isempty(states.Value{i})
        rows(end + 1, :) = {layers{i}, names{i}, plain(states.Value{i})}; %#ok<AGROW>
    end
end
end

function labels = dimsOf(value)
% The labels of a dlarray, '' of anything else.
labels = '';
if isa(value, 'dlarray')
    labels = char(dims(value));
end
end

% -- shallow networks --------------------------------------------------------------

function [fixture, about] = shallowFixture(net, X, options)
% What sim gives, with the delays before and after.
about.options = struct();
[outputs, Xf, Af] = sim(net, X, options.Xi, options.Ai);
inputs = signals(X, net.numInputs);
outputs = signals(outputs, net.numOutputs);
about.inputNames = counted('input', numel(inputs));
about.outputNames = counted('output', numel(outputs));
fixture = numbered(struct(), 'input', inputs);
fixture = numbered(fixture, 'output', outputs);
if ~isempty(options.Xi)
    fixture.inputDelays = options.Xi;
end
if ~isempty(options.Ai)
    fixture.layerDelays = options.Ai;
end
fixture.finalInputDelays = Xf;
fixture.finalLayerDelays = Af;
end

function items = signals(values, count)
% The rows of a cell of signals by time steps, each a cell; a matrix is the only one.
if ~iscell(values)
    items = {values};
    return
end
% A network without inputs takes cell(0,TS) for the number of its steps.
items = cell(1, max(count, 1));
for i = 1:count
    items{i} = values(i, :);
    if size(values, 2) == 1
        items{i} = values{i, 1};
    end
end
if count == 0
    items{1} = values;
end
end

function names = counted(what, count)
names = arrayfun(@(i) sprintf('%s%d', what, i), 1:count, 'UniformOutput', false);
end

% -- activations -------------------------------------------------------------------

function names = wantedLayers(net, options)
% The layers, or their outputs where there are several, whose values are recorded.
wanted = options.Activations;
if isa(wanted, 'string')
    wanted = cellstr(wanted);
end
if iscell(wanted)
    names = reshape(wanted, 1, []);
    return
end
names = {};
if strcmp(wanted, 'none')
    return
elseif ~strcmp(wanted, 'all')
    names = {wanted};
    return
end
for i = 1:numel(net.Layers)
    layer = element(net.Layers, i);
    ports = {};
    if hasProperty(layer, 'OutputNames')
        ports = cellstr(layer.OutputNames);
    end
    if numel(ports) > 1
        names = [names, strcat([layer.Name '/'], reshape(ports, 1, []))]; %#ok<AGROW>
    elseif ~isOutput(layer)
        names{end + 1} = layer.Name; %#ok<AGROW>
    end
end
end

function [fixture, about] = withActivations(fixture, about, names, compute)
% The fixture with what each of these layers gives; of what cannot be had a warning tells.
about.activationNames = cell(1, 0);
about.activationFormats = cell(1, 0);
lost = {};
for i = 1:numel(names)
    try
        [value, format] = compute(names{i});
    catch problem
        lost{end + 1} = sprintf('%s (%s)', names{i}, problem.message); %#ok<AGROW>
        continue
    end
    about.activationNames{end + 1} = names{i};
    about.activationFormats{end + 1} = format;
    fixture.(sprintf('activation%d', numel(about.activationNames))) = plain(value);
end
if ~isempty(lost)
    warning('matbridge:activations', 'Of these layers nothing is recorded: %s', ...
        strjoin(lost, '; '));
end
end

% -- small -------------------------------------------------------------------------

function [names, kinds] = namesOf(net, property, pattern)
% The names of inputs or outputs as the network tells them, or those of the layers whose
% class ends so; with the classes of those layers.
names = {};
kinds = {};
for i = 1:numel(net.Layers)
    layer = element(net.Layers, i);
    if ~isempty(pattern) && ~isempty(regexp(className(layer), [pattern '$'], 'once'))
        names{end + 1} = layer.Name; %#ok<AGROW>
        kinds{end + 1} = className(layer); %#ok<AGROW>
    end
end
if hasProperty(net, property)
    names = reshape(cellstr(net.(property)), 1, []);
end
end

function data = inputsOf(X, count)
% A cell with an element for each input.
if count == 1
    data = {X};
elseif iscell(X) && numel(X) == count
    data = reshape(X, 1, []);
else
    error('matbridge:inputs', 'The network has %d inputs: give a cell with one for each.', ...
        count);
end
if any(cellfun(@(x) isa(x, 'table'), data))
    data = cellfun(@(x) table2array(x), data, 'UniformOutput', false);
end
known = cellfun(@(x) isnumeric(x) || islogical(x) || iscell(x) || isa(x, 'dlarray'), data);
if ~all(known)
    error('matbridge:inputs', 'Give arrays, cells or dlarrays; of a datastore what readall gives.');
end
end

function fixture = numbered(fixture, what, values)
% The fixture with values as numbered variables.
for i = 1:numel(values)
    fixture.(sprintf('%s%d', what, i)) = plain(values{i});
end
end

function fixture = withRows(fixture, name, rows)
% The fixture with states, if there are any.
if ~isempty(rows)
    fixture.(name) = rows;
end
end

function value = plain(value)
% Numbers without labels and in this computer's memory.
if isa(value, 'dlarray')
    value = extractdata(value);
end
if isa(value, 'gpuArray')
    value = gather(value);
end
if iscell(value)
    value = cellfun(@plain, value, 'UniformOutput', false);
end
end

function answer = isOutput(layer)
% Whether the layer only computes a loss.
answer = isa(layer, 'nnet.layer.ClassificationLayer') || ...
    isa(layer, 'nnet.layer.RegressionLayer') || ...
    ~isempty(regexp(className(layer), '(Output|Classification|Regression|Loss)Layer$', 'once'));
end

function names = layerNames(layers)
names = cell(1, numel(layers));
for i = 1:numel(layers)
    layer = element(layers, i);
    names{i} = layer.Name;
end
end

function name = className(value)
% The class; of a struct that stands for an object, what its field Class says.
if isstruct(value) && isfield(value, 'Class')
    name = value(1).Class;
else
    name = class(value);
end
end

function answer = hasProperty(value, name)
% Whether an object or a struct that stands for one has this property.
answer = (isstruct(value) && isfield(value, name)) || ...
    (isobject(value) && any(strcmp(name, properties(value))));
end

function layer = element(layers, i)
% One of several layers.
if iscell(layers)
    layer = layers{i};
else
    layer = layers(i);
end
end

function saveVariables(file, variables) %#ok<INUSD>
% Version 7 carries checksums; a variable beyond 2 GB needs version 7.3.
about = whos('variables');
if about.bytes < 2e9
    save(file, '-struct', 'variables', '-v7');
else
    save(file, '-struct', 'variables', '-v7.3');
end
end
