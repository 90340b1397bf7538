function graph = connectLayers(graph, source, destination)
% Stub.
names = cellfun(@(layer) layer.Name, graph.Layers, 'UniformOutput', false);
assert(any(strcmp(strtok(source, '/'), names)) && any(strcmp(strtok(destination, '/'), names)));
graph.Connections.Source{end + 1, 1} = source;
graph.Connections.Destination{end + 1, 1} = destination;
end
