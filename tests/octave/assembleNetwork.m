function net = assembleNetwork(layers)
% Stub.
net = struct('Class', 'DAGNetwork', 'Of', {layers});
end
