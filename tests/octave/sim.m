function [Y, Xf, Af] = sim(net, X, Xi, Ai)
% Stub of a shallow network of one layer with the input delays 1 and 2.
series = [Xi, X];
for t = 1:size(X, 2)
    past = [series{t + 1}; series{t}];
    Y{t} = tanh(net.IW * past + net.b);
end
Xf = series(end - 1:end);
Af = cell(1, 0);
end
