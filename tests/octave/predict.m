function varargout = predict(net, varargin)
% Stub of predict: of dlarrays as a dlnetwork has it, else of a SeriesNetwork or DAGNetwork.
count = numel(net.InputNames);
data = varargin(1:count);
options = struct(varargin{count + 1:end});
names = net.OutputNames;
if isa(data{1}, 'dlarray')
    if isfield(options, 'Outputs')
        names = {options.Outputs};
    end
    assert(nargout <= numel(names) || ~isfield(net, 'Early'), 'Too many output arguments.');
    varargout = formatted(net, data, names);
    return
end
assert(isfield(options, 'MiniBatchSize') && strcmp(options.ExecutionEnvironment, 'cpu'));
for k = 1:numel(names)
    varargout{k} = classic(net, data, names{k});
end
end

function results = formatted(net, data, names)
format = dims(data{1});
inputs = cellfun(@(x) double(reshape2(extractdata(x), format)), data, 'UniformOutput', false);
[values, formats, states] = layerValues(net, inputs, strrep(format, 'CBT', 'CT'));
for k = 1:numel(names)
    results{k} = dlarray(values.(names{k}), formats.(names{k}));
end
results{end + 1} = states;
end

function x = reshape2(x, format)
if strcmp(format, 'CBT')
    x = reshape(x, size(x, 1), size(x, 3));
end
end

function y = classic(net, data, name)
if iscell(data{1})
    for i = 1:numel(data{1})
        one = cellfun(@(x) x{i}, data, 'UniformOutput', false);
        [values, formats] = layerValues(net, one, 'CT');
        y{i, 1} = values.(name);
        last = formats.(name);
    end
    if strcmp(last, 'CB')
        y = horzcat(y{:})';
    end
    return
end
kind = net.Layers{1}.Class;
if strcmp(kind, 'nnet.cnn.layer.FeatureInputLayer')
    data = cellfun(@(x) x', data, 'UniformOutput', false);
    format = 'CB';
elseif strcmp(kind, 'nnet.cnn.layer.ImageInputLayer')
    format = 'SSCB';
else
    format = 'CT';
end
[values, formats] = layerValues(net, data, format);
y = values.(name);
if strcmp(formats.(name), 'CB')
    y = y';
end
end
