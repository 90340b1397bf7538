function [net, y] = predictAndUpdateState(net, varargin)
% Stub: the network with the states after one sequence.
count = numel(net.InputNames);
data = varargin(1:count);
if iscell(data{1})
    data = cellfun(@(x) x{1}, data, 'UniformOutput', false);
end
[~, ~, states] = layerValues(net, data, 'CT');
for i = 1:numel(states.Layer)
    for k = 1:numel(net.Layers)
        if strcmp(net.Layers{k}.Name, states.Layer{i})
            net.Layers{k}.(states.Parameter{i}) = states.Value{i};
        end
    end
end
y = predict(net, varargin{:});
end
