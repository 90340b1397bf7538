classdef stubLayer
    % Stub of a layer: what its constructor accepts, what may be set, and nothing else.
    properties
        values
        settable
    end
    methods
        function obj = stubLayer(class, positions, accepted, settable, given)
            obj.values = struct('Class', class, 'Name', '');
            obj.settable = settable;
            for i = 1:numel(positions)
                obj.values.(positions{i}) = given{i};
            end
            pairs = given(numel(positions) + 1:end);
            for i = 1:2:numel(pairs)
                if ~any(strcmp(pairs{i}, accepted))
                    error('''%s'' is not an argument of %s', pairs{i}, class);
                end
                obj.values.(pairs{i}) = pairs{i + 1};
            end
        end
        function value = subsref(obj, place)
            if strcmp(place(1).subs, 'values')
                value = obj.values;
            else
                value = obj.values.(place(1).subs);
            end
        end
        function obj = subsasgn(obj, place, value)
            if ~any(strcmp(place(1).subs, obj.settable))
                error('no property %s may be set', place(1).subs);
            end
            obj.values.(place(1).subs) = value;
        end
        function layers = vertcat(varargin)
            layers = cellfun(@(layer) layer.values, varargin, 'UniformOutput', false);
        end
    end
end
