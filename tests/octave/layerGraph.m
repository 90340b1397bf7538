function graph = layerGraph(layers)
% Stub.
graph = struct('Class', 'nnet.cnn.LayerGraph', 'Layers', {{}}, ...
    'Connections', struct('Source', {{}}, 'Destination', {{}}));
if nargin
    graph.Layers = num2cell(layers);
end
end
