classdef dlarray
    % Stub: numbers with labels, in the order S, C, B, T.
    properties
        data
        labels
    end
    methods
        function obj = dlarray(data, labels)
            order = [];
            for label = 'SCBT'
                order = [order, find(labels == label)];
            end
            obj.labels = labels(order);
            if numel(order) > 1
                data = permute(data, order);
            end
            obj.data = data;
        end
        function x = extractdata(obj)
            x = obj.data;
        end
        function labels = dims(obj)
            labels = obj.labels;
        end
    end
end
