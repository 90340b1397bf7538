function exported = matbridgeExport(net, file)
%MATBRIDGEEXPORT Write a network as plain structs and arrays, which matbridge reads.
%   MATBRIDGEEXPORT(NET, FILE) writes the layers of NET with their properties,
%   learnables and states, and the connections between them, to the MAT-file FILE.
%   Layers of your own go along: whoever reads the file needs none of their code
%   to see what they hold. NET is a SeriesNetwork, a DAGNetwork, a dlnetwork, a
%   layer graph or an array of layers. A shallow network object is saved as it is.
%
%   EXPORTED = MATBRIDGEEXPORT(NET) returns the struct and writes no file.
%
%   Example:
%       matbridgeExport(net, 'weights.mat')
%   and outside MATLAB
%       matbridge inspect weights.mat
%       matbridge predict weights.mat --input data.mat:XTest
%
%   See also MATBRIDGEIMPORT, MATBRIDGERECORD.

%   Written by matbridge @VERSION@. Needs R2019b or later.

if strcmp(className(net), 'network')
    exported = net;
    variables = struct('net', {net});
else
    exported = networkStruct(net);
    variables = struct('exported', {exported});
end
if nargin > 1
    saveVariables(file, variables);
end
end

% -- networks ----------------------------------------------------------------------

function plain = networkStruct(net)
% The network as a struct: what it is, its layers, and how they are connected.
if isa(net, 'nnet.cnn.layer.Layer') || iscell(net)
    layers = net;
elseif hasProperty(net, 'Layers')
    layers = net.Layers;
else
    error('matbridge:class', ['A network is needed, not a %s. Of what holds one, give ' ...
        'that: detector.Network, getModel(getActor(agent)).'], className(net));
end
plain = struct('Form', 'matbridge weights', 'Version', 1, 'Class', className(net));
plain.Exporter = 'matbridge @VERSION@';
plain.Release = version('-release');
plain.Layers = cell(numel(layers), 1);
for i = 1:numel(layers)
    plain.Layers{i} = layerStruct(element(layers, i));
end
if hasProperty(net, 'Connections')
    plain.Connections = struct('Source', {column(net.Connections, 'Source')}, ...
        'Destination', {column(net.Connections, 'Destination')});
end
for name = {'InputNames', 'OutputNames'}
    if hasProperty(net, name{1})
        plain.(name{1}) = reshape(cellstr(net.(name{1})), 1, []);
    end
end
% What a dlnetwork learned, also where a layer keeps it to itself.
for name = {'Learnables', 'State'}
    if hasProperty(net, name{1})
        plain.Layers = withRows(plain.Layers, net.(name{1}));
    end
end
end

function layers = withRows(layers, rows)
% The layers with the values of a table of Layer, Parameter, Value. Those of a
% network inside a layer have a path for a name, and come with that network.
names = column(rows, 'Layer');
parameters = column(rows, 'Parameter');
for i = 1:numel(names)
    for k = 1:numel(layers)
        if strcmp(layers{k}.Name, names{i}) && isvarname(parameters{i})
            layers{k}.(parameters{i}) = plainValue(rows.Value{i});
        end
    end
end
end

% -- layers ------------------------------------------------------------------------

function plain = layerStruct(layer)
% The layer as a struct of its class and every property that can be read.
plain = struct('Class', className(layer), 'Name', '');
own = ~strncmp(plain.Class, 'nnet.', 5);
if own && isobject(layer)
    plain.Superclasses = superclasses(layer);
end
names = propertyNames(layer, own);
lost = {};
for i = 1:numel(names)
    try
        [value, known] = plainValue(layer.(names{i}));
    catch
        % Only the class itself may read it.
        known = false;
    end
    if known
        plain.(names{i}) = value;
    else
        lost{end + 1} = names{i}; %#ok<AGROW>
    end
end
if own && ~isempty(lost)
    warning('matbridge:property', 'Of the layer "%s" (%s) is left out: %s.', ...
        plain.Name, plain.Class, strjoin(lost, ', '));
end
end

function names = propertyNames(object, hidden)
% The properties of an object that anybody may read, the hidden ones of a class
% of the user's own as well; the fields of a struct that stands for an object.
if isstruct(object)
    names = setdiff(fieldnames(object), {'Class'}, 'stable');
    return
end
names = properties(object);
if hidden
    about = metaclass(object);
    for i = 1:numel(about.PropertyList)
        property = element(about.PropertyList, i);
        inherited = strncmp(property.DefiningClass.Name, 'nnet.', 5);
        if ~inherited && isequal(property.GetAccess, 'public')
            names{end + 1, 1} = property.Name; %#ok<AGROW>
        end
    end
    names = unique(names, 'stable');
end
end

% -- values ------------------------------------------------------------------------

function [plain, known] = plainValue(value)
% A value as numbers, text, cells and structs; KNOWN is false for other objects.
known = true;
if isa(value, 'dlarray')
    plain = plainValue(extractdata(value));
elseif isa(value, 'gpuArray')
    plain = gather(value);
elseif isnumeric(value) || islogical(value) || ischar(value) || isa(value, 'function_handle')
    plain = value;
elseif isa(value, 'string')
    plain = textOf(value);
elseif isa(value, 'categorical')
    plain = cellstr(value);
elseif iscell(value)
    plain = cell(size(value));
    for i = 1:numel(value)
        [plain{i}, each] = plainValue(value{i});
        known = known && each;
    end
elseif hasProperty(value, 'Layers')
    plain = networkStruct(value);
elseif isstruct(value)
    [plain, known] = plainStruct(value);
elseif isa(value, 'table')
    [plain, known] = plainStruct(table2struct(value, 'ToScalar', true));
elseif isEnumeration(value)
    plain = char(value);
else
    plain = [];
    known = false;
end
end

function [plain, known] = plainStruct(value)
% The struct with plain values.
known = true;
plain = value;
names = fieldnames(value);
for i = 1:numel(value)
    for k = 1:numel(names)
        [plain(i).(names{k}), each] = plainValue(value(i).(names{k}));
        known = known && each;
    end
end
end

function answer = isEnumeration(value)
% Whether this is a member of an enumeration.
about = metaclass(value);
answer = numel(value) == 1 && ~isempty(about) && ~isempty(about.EnumerationMemberList);
end

function plain = textOf(strings)
% A string as characters, several as a cell.
if numel(strings) == 1
    plain = char(strings);
else
    plain = cellstr(strings);
end
end

function values = column(rows, name)
% A column of a table as a cell of text.
values = reshape(cellstr(rows.(name)), [], 1);
end

% -- what classes and structs have in common ---------------------------------------

function name = className(value)
% The class; of a struct that stands for an object, what its field Class says.
if isstruct(value) && isfield(value, 'Class')
    name = value(1).Class;
elseif isa(value, 'nnet.cnn.layer.Layer') && numel(value) ~= 1
    name = 'nnet.cnn.layer.Layer';
else
    name = class(value);
end
end

function answer = hasProperty(value, name)
% Whether an object or a struct that stands for one has this property.
answer = (isstruct(value) && isfield(value, name)) || ...
    (isobject(value) && numel(value) == 1 && any(strcmp(name, properties(value))));
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
% Version 7 carries checksums; beyond 2 GB only version 7.3 holds a variable.
about = whos('variables');
if about.bytes < 2e9
    save(file, '-struct', 'variables', '-v7');
else
    save(file, '-struct', 'variables', '-v7.3');
end
end
