function graph = addLayers(graph, layer)
% Stub.
graph.Layers{end + 1, 1} = layer;
end
