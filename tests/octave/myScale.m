classdef myScale
    % Stub of a layer of the user's own: a dlarray among its learnables, a hidden property,
    % one that nobody else may read, one that cannot be written as plain values.
    properties
        Name = 'scale'
        Alpha = dlarray([1; 2; 3], 'CB')
        Power = 2
        Modes = {'a', 'b'}
        Parser = inputParser
    end
    properties (Hidden)
        Gain = single(4)
    end
    properties (Access = private)
        Secret = 7
    end
end
