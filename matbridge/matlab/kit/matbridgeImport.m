function [layers, net] = matbridgeImport(file, varargin)
%MATBRIDGEIMPORT Build the layers of a network from a file that matbridge wrote.
%   LAYERS = MATBRIDGEIMPORT(FILE) builds MATLAB's layers, with their learnables,
%   from a MAT-file that "matbridge convert NETWORK -o FILE.mat" or MATBRIDGEEXPORT
%   wrote. A chain is an array of layers, anything else a layer graph.
%
%   [LAYERS, NET] = MATBRIDGEIMPORT(FILE) also assembles the network: a
%   SeriesNetwork or DAGNetwork where there is an output layer, a dlnetwork else.
%
%   MATBRIDGEIMPORT(FILE, NAME, LAYER, ...) takes LAYER for the layer called NAME, and
%   gives it the properties in the file.
%
%   MATLAB's layers are made by their own constructors. For layers of your own
%   their class must be on the path; its constructor is called with the properties
%   that its arguments are named after. Of what a layer of your release does not
%   take, a warning tells. Nothing in the file is run.
%
%   Example, outside MATLAB:
%       matbridge convert net.onnx -o net.mat
%   and in MATLAB
%       [layers, net] = matbridgeImport('net.mat');
%       [layers, net] = matbridgeImport('net.mat', 'scale_1', myScale(3));
%
%   See also MATBRIDGEEXPORT, MATBRIDGERECORD.

%   Written by matbridge @VERSION@. Needs R2019b or later; layers that came after
%   need the release that brought them.

plain = struct();
about = whos('-file', file);
if any(strcmp({about.name}, 'exported'))
    variables = load(file, 'exported');
    plain = variables.exported;
end
if ~isfield(plain, 'Layers')
    error('matbridge:file', ['%s holds no network that matbridgeExport or ' ...
        '"matbridge convert -o FILE.mat" wrote.'], file);
end
[layers, built] = layersOf(plain, varargin);
if nargout > 1
    net = assembled(layers, built, plain);
end
end

% -- networks ----------------------------------------------------------------------

function [layers, built] = layersOf(plain, own)
% An array of layers, or a layer graph unless they are a chain; each layer alone.
plain = renamed(plain);
names = cellfun(@(layer) layer.Name, plain.Layers, 'UniformOutput', false);
built = cell(numel(plain.Layers), 1);
for i = 1:numel(built)
    place = find(strcmp(own(1:2:end), names{i}), 1);
    built{i} = layerOf(plain.Layers{i}, own(2 * place));
end
if isChain(plain, names)
    layers = vertcat(built{:});
    return
end
layers = layerGraph();
for i = 1:numel(built)
    layers = addLayers(layers, built{i});
end
for i = 1:numel(plain.Connections.Source)
    layers = connectLayers(layers, plain.Connections.Source{i}, ...
        plain.Connections.Destination{i});
end
end

function plain = renamed(plain)
% The struct with _ for each / in the names of layers, which MATLAB keeps for ports.
for i = 1:numel(plain.Layers)
    old = plain.Layers{i}.Name;
    new = strrep(old, '/', '_');
    plain.Layers{i}.Name = new;
    for side = {'Source', 'Destination'}
        if isfield(plain, 'Connections') && ~strcmp(old, new)
            ends = plain.Connections.(side{1});
            ends(strcmp(ends, old)) = {new};
            inner = strncmp(ends, [old '/'], numel(old) + 1);
            ends(inner) = cellfun(@(x) [new x(numel(old) + 1:end)], ends(inner), ...
                'UniformOutput', false);
            plain.Connections.(side{1}) = ends;
        end
    end
end
end

function answer = isChain(plain, names)
% Whether each layer feeds the next one and nothing else.
answer = ~isfield(plain, 'Connections') || ...
    (isequal(plain.Connections.Source(:), reshape(names(1:end - 1), [], 1)) && ...
    isequal(plain.Connections.Destination(:), reshape(names(2:end), [], 1)));
end

function net = assembled(layers, built, plain)
% A network of the kind that the layers make.
ends = false;
for i = 1:numel(built)
    ends = ends || isOutput(built{i}, plain.Layers{i}.Class);
end
if ends
    net = assembleNetwork(layers);
elseif isa(layers, 'nnet.cnn.layer.Layer')
    net = dlnetwork(layerGraph(layers));
else
    net = dlnetwork(layers);
end
end

function answer = isOutput(layer, kind)
% Whether the layer ends a network that trainNetwork trains.
answer = isa(layer, 'nnet.layer.ClassificationLayer') || ...
    isa(layer, 'nnet.layer.RegressionLayer') || ...
    ~isempty(regexp(kind, '^nnet\..*(Output|Classification|Regression|Loss)Layer$', 'once'));
end

% -- layers ------------------------------------------------------------------------

function layer = layerOf(plain, own)
% The layer that a struct of its class and properties tells of; OWN holds one to take.
values = constructorValues(plain);
known = find(strcmp(plain.Class, constructors('classes')), 1);
if ~isempty(own)
    layer = own{1};
    used = {};
elseif isempty(known)
    [layer, used] = ownLayer(plain, values);
else
    [layer, used] = knownLayer(plain, values, known);
end
[layer, left] = withProperties(layer, rmfield(values, used));
if ~isempty(left)
    warning('matbridge:property', ['The layer "%s" (%s) does not take these properties ' ...
        'in this release, and has other values: %s.'], plain.Name, plain.Class, ...
        strjoin(left, ', '));
end
end

function values = constructorValues(plain)
% The properties by the names of the arguments, without those that are empty.
values = plain;
for ends = {'Padding', 'Cropping'}
    mode = [ends{1} 'Mode'];
    amount = [ends{1} 'Size'];
    if isfield(values, mode) && strcmp(values.(mode), 'manual')
        values.(ends{1}) = values.(amount);
    elseif isfield(values, mode)
        values.(ends{1}) = values.(mode);
    end
    values = without(values, {mode, amount});
end
values = without(values, {'Class', 'Superclasses', 'Type', 'NumOutputs', 'OutputNames'});
names = fieldnames(values);
for i = 1:numel(names)
    value = values.(names{i});
    if isempty(value)
        values = rmfield(values, names{i});
    elseif isstruct(value) && isfield(value, 'Layers')
        [inner, built] = layersOf(value, {});
        values.(names{i}) = assembled(inner, built, value);
    end
end
end

function [layer, used] = knownLayer(plain, values, known)
% A layer of MATLAB's, made by its constructor with all that it takes.
functions = constructors('functions');
positions = constructors('positions');
used = positions{known};
absent = find(~cellfun(@(name) isfield(values, name), used), 1);
used(absent:end) = [];
% The last of them are names and values in some releases, or not known.
reason = '';
for count = numel(used):-1:0
    inputs = cellfun(@(name) values.(name), used(1:count), 'UniformOutput', false);
    if strcmp(functions{known}, 'reshapeLayer')
        inputs = cellfun(@num2cell, inputs, 'UniformOutput', false);
        inputs = [inputs{:}];
    end
    try
        [layer, taken] = made(functions{known}, inputs, rmfield(values, used(1:count)));
    catch problem
        if isempty(reason)
            reason = problem.message;
        end
        continue
    end
    used = [reshape(used(1:count), [], 1); taken(:)];
    return
end
error('matbridge:layer', 'The layer "%s" (%s) cannot be made by %s: %s', plain.Name, ...
    plain.Class, functions{known}, reason);
end

function [layer, taken] = made(constructor, inputs, values)
% The layer of a constructor, with each name and value that it takes beside others.
layer = feval(constructor, inputs{:});
pairs = {};
taken = {};
waiting = fieldnames(values);
% Some are taken only once others are there: Mean with Normalization.
before = -1;
while numel(taken) > before
    before = numel(taken);
    for i = 1:numel(waiting)
        pair = {waiting{i}, values.(waiting{i})};
        try
            layer = feval(constructor, inputs{:}, pairs{:}, pair{:});
        catch
            continue
        end
        pairs = [pairs, pair]; %#ok<AGROW>
        taken{end + 1} = waiting{i}; %#ok<AGROW>
    end
    waiting = setdiff(waiting, taken, 'stable');
end
end

function [layer, used] = ownLayer(plain, values)
% A layer of a class of the user's own, if that is a layer.
try
    bases = superclasses(plain.Class);
catch
    bases = {};
end
if ~any(strncmp(bases, 'nnet.', 5))
    error('matbridge:layer', ['The class %s of the layer "%s" is no layer on MATLAB''s ' ...
        'path. Add the folder that holds %s.m, or give a layer: matbridgeImport(file, ' ...
        '"%s", layer).'], plain.Class, plain.Name, plain.Class, plain.Name);
end
used = argumentNames(plain.Class, fieldnames(values));
inputs = cellfun(@(name) values.(name), used, 'UniformOutput', false);
try
    layer = feval(plain.Class, inputs{:});
catch problem
    error('matbridge:layer', ['The constructor of %s, whose arguments are taken from the ' ...
        'properties of the same names, fails for the layer "%s": %s\nGive that layer: ' ...
        'matbridgeImport(file, "%s", layer).'], plain.Class, plain.Name, ...
        problem.message, plain.Name);
end
end

function used = argumentNames(name, properties)
% The properties that the arguments of a constructor are named after, in its order.
about = meta.class.fromName(name);
used = {};
for i = 1:numel(about.MethodList)
    method = element(about.MethodList, i);
    if ~strcmp(method.Name, regexprep(name, '^.*\.', ''))
        continue
    end
    for k = 1:numel(method.InputNames)
        property = properties(strcmpi(properties, method.InputNames{k}));
        if isempty(property)
            return
        end
        used(end + 1) = property(1); %#ok<AGROW>
    end
end
end

function [layer, left] = withProperties(layer, values)
% The layer with properties that no constructor took; LEFT are those that differ still.
names = fieldnames(values);
left = {};
for i = 1:numel(names)
    value = values.(names{i});
    if holds(layer, names{i}, value)
        continue
    end
    try
        layer.(names{i}) = value;
    catch
        % Sizes follow from the arrays; what an older release does not know may be off.
        if ~any(strcmp(names{i}, {'InputSize', 'NumChannels', 'NumChannelsPerGroup', ...
                'NumInputs', 'InputNames', 'Description'})) && ~isNeutral(value)
            left{end + 1} = names{i}; %#ok<AGROW>
        end
    end
end
end

function answer = isNeutral(value)
% Whether a value leaves things as they are: zero, off, automatic.
if ischar(value)
    answer = any(strcmp(value, {'auto', 'none', 'default'}));
else
    answer = (isnumeric(value) || islogical(value)) && ~any(value(:));
end
end

function answer = holds(layer, name, value)
% Whether the layer has this value already, as far as it tells.
try
    has = layer.(name);
    if isnumeric(value) && isnumeric(has) && numel(value) == numel(has)
        answer = isequaln(double(value(:)), double(has(:)));
    elseif iscellstr(value) %#ok<ISCLSTR>
        answer = isequal(reshape(value, [], 1), reshape(cellstr(has), [], 1));
    else
        answer = isequal(value, has);
    end
catch
    answer = false;
end
end

% -- small -------------------------------------------------------------------------

function values = without(values, names)
% The struct without these fields.
values = rmfield(values, intersect(fieldnames(values), names));
end

function item = element(items, i)
% One of several objects.
if iscell(items)
    item = items{i};
else
    item = items(i);
end
end

function values = constructors(what)
% MATLAB's layers: the class, the function that makes one, its arguments in order.
rows = {
@CONSTRUCTORS@
    };
switch what
    case 'classes'
        values = rows(:, 1);
    case 'functions'
        values = rows(:, 2);
    otherwise
        values = rows(:, 3);
end
end
