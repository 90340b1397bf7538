function net = dlnetwork(graph)
% Stub.
net = struct('Class', 'dlnetwork', 'Of', {graph});
end
