function [values, formats, states] = layerValues(net, inputs, format)
% Stub of MATLAB's arithmetic: what each layer gives, by name, from CB, SSCB or CT data.
values = struct();
formats = struct();
states = struct('Layer', {{}}, 'Parameter', {{}}, 'Value', {{}});
entered = 0;
for i = 1:numel(net.Layers)
    layer = net.Layers{i};
    sources = sourcesOf(net, layer.Name);
    if isempty(sources)
        entered = entered + 1;
        x = inputs{entered};
        label = format;
    else
        x = values.(sources{1});
        label = formats.(sources{1});
    end
    switch regexprep(layer.Class, '^.*\.', '')
        case {'SequenceInputLayer', 'FeatureInputLayer', 'ImageInputLayer', ...
              'RegressionOutputLayer'}
        case 'FullyConnectedLayer'
            if strcmp(label, 'SSCB')
                x = reshape(x, [], size(x, 4));
                label = 'CB';
            end
            x = layer.Weights * x + layer.Bias;
        case 'Convolution2DLayer'
            x = convolution(layer, x);
        case 'ReLULayer'
            x = max(x, 0);
        case 'AdditionLayer'
            for k = 2:numel(sources)
                x = x + values.(sources{k});
            end
        case 'myScale'
            x = x .* layer.Alpha;
        case 'LSTMLayer'
            [x, h, c] = lstm(layer, x);
            if strcmp(modeOf(layer), 'last')
                label = 'CB';
            end
            states.Layer = [states.Layer; {layer.Name; layer.Name}];
            states.Parameter = [states.Parameter; {'HiddenState'; 'CellState'}];
            states.Value = [states.Value; {h; c}];
        otherwise
            error('no stub of %s', layer.Class);
    end
    values.(layer.Name) = x;
    formats.(layer.Name) = label;
end
end

function sources = sourcesOf(net, name)
ends = strtok(net.Connections.Destination, '/');
sources = net.Connections.Source(strcmp(ends, name));
end

function y = convolution(layer, x)
w = layer.Weights;
size_y = [size(x, 1) - size(w, 1) + 1, size(x, 2) - size(w, 2) + 1];
y = zeros(size_y(1), size_y(2), size(w, 4), size(x, 4));
for r = 1:size_y(1)
    for c = 1:size_y(2)
        part = x(r:r + size(w, 1) - 1, c:c + size(w, 2) - 1, :, :);
        y(r, c, :, :) = reshape(w, [], size(w, 4))' * reshape(part, [], size(x, 4));
    end
end
y = y + reshape(layer.Bias, 1, 1, []);
end

function [y, h, c] = lstm(layer, x)
% Rows of the weights are i, f, g, o.
n = layer.NumHiddenUnits;
h = zeros(n, 1);
c = zeros(n, 1);
if isfield(layer, 'HiddenState') && ~isempty(layer.HiddenState)
    h = layer.HiddenState;
    c = layer.CellState;
end
sigma = @(z) 1 ./ (1 + exp(-z));
for t = 1:size(x, 2)
    z = layer.InputWeights * x(:, t) + layer.RecurrentWeights * h + layer.Bias;
    z = reshape(z, n, 4);
    c = sigma(z(:, 2)) .* c + sigma(z(:, 1)) .* tanh(z(:, 3));
    h = sigma(z(:, 4)) .* tanh(c);
    y(:, t) = h;
end
if strcmp(modeOf(layer), 'last')
    y = h;
end
end

function mode = modeOf(layer)
mode = 'sequence';
if isfield(layer, 'OutputMode')
    mode = layer.OutputMode;
end
end
