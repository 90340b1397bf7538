function y = activations(net, varargin)
% Stub of activations of a SeriesNetwork or DAGNetwork, with OutputAs.
count = numel(net.InputNames);
data = varargin(1:count);
name = varargin{count + 1};
options = struct(varargin{count + 2:end});
kind = net.Layers{1}.Class;
if strcmp(kind, 'nnet.cnn.layer.FeatureInputLayer')
    assert(strcmp(options.OutputAs, 'rows'));
    values = layerValues(net, cellfun(@(x) x', data, 'UniformOutput', false), 'CB');
    y = values.(name)';
    return
end
assert(strcmp(options.OutputAs, 'channels'));
if strcmp(kind, 'nnet.cnn.layer.ImageInputLayer')
    [values, formats] = layerValues(net, data, 'SSCB');
    y = values.(name);
    if strcmp(formats.(name), 'CB')
        y = reshape(y, 1, 1, size(y, 1), size(y, 2));
    end
    return
end
% C-by-N-by-T of sequences that are padded to one length, C-by-N of vectors.
if iscell(data{1})
    data = cellfun(@(x) x{1}, data, 'UniformOutput', false);
end
[values, formats] = layerValues(net, data, 'CT');
y = values.(name);
if strcmp(formats.(name), 'CT')
    y = reshape(y, size(y, 1), 1, size(y, 2));
end
end
