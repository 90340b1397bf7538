"""Deep graphs of layers with branches, and what the NumPy reference gives at each of them."""

import numpy as np
from reference import elementwise, recurrent, windows

from matbridge import Network
from matbridge.matlab import CONSTRUCTORS, construct

CHANNELS, CLASSES = 4, 3


class Deep:
    """Layers with a function each: what it makes of the values before it."""

    def __init__(self, seed, *input, function, **named):
        self.draw = np.random.default_rng(seed)
        self.layers, self.pairs, self.steps = [], [], []
        self.last = self.add(*input, function=function, after=(), **named)

    def weights(self, *size, scale=None):
        """As a trained network has them, of a size that keeps values near one."""
        scale = np.prod(size[:-1]) ** -0.5 if scale is None else scale
        return (self.draw.standard_normal(size) * scale).astype(np.float32)

    def add(self, builder, *positional, function, after=None, **named):
        """A layer after the last one, or after those named."""
        sources = (self.last,) if after is None else tuple(after)
        kind = builder.removesuffix("Layer").removesuffix("2d").removesuffix("1d")
        name = f"{kind}_{len(self.layers)}"
        layer = construct(CONSTRUCTORS[builder], *positional, Name=name, **named)
        self.layers.append(layer)
        ports = [f"{name}/{port}" for port in layer.inputs] if sources else []
        self.pairs += zip(sources, ports, strict=True)
        self.steps.append((name, function, sources))
        self.last = name
        return name

    def network(self, class_name="DAGNetwork"):
        return Network.of(self.layers, self.pairs, class_name=class_name)

    def activations(self, x):
        """The value of every layer by name, for labelled data with N, in float64."""
        values = {}
        for name, function, sources in self.steps:
            values[name] = function(*(values[source] for source in sources) if sources else (x,))
        return values

    # -- layers of both kinds of data ------------------------------------------------------

    def dense(self, outputs, inputs, function, after=None):
        W, b = self.weights(inputs, outputs).T, self.weights(outputs, 1, scale=0.3)
        return self.add(
            "fullyConnectedLayer", outputs, Weights=W, Bias=b, after=after,
            function=lambda x: function(x, W.astype(float), b.astype(float)),
        )  # fmt: skip

    def add_up(self, *after):
        return self.add("additionLayer", len(after), after=after, function=lambda *x: sum(x))

    def activation(self, after=None):
        """Any of those that lose nothing."""
        builder, options, function = ACTIVATIONS[self.draw.integers(len(ACTIVATIONS))]
        return self.add(builder, *options, function=function, after=after)

    def dropout(self):
        return self.add("dropoutLayer", 0.4, function=lambda x: x)

    def softmax(self):
        return self.add("softmaxLayer", function=lambda x: elementwise.softmax(x, 0))

    def normalization(self, builder, channel, function, after=None):
        """Offset and Scale by channel, and what is computed with them."""
        offset, scale = (self.weights(CHANNELS, 1, scale=0.5) for _ in range(2))
        return self.add(
            builder, Offset=offset, Scale=scale + 1, after=after,
            function=lambda x: function(x, 1e-5, offset.astype(float), scale + 1.0, channel),
        )  # fmt: skip


ACTIVATIONS = (
    ("leakyReluLayer", (0.1,), lambda x: elementwise.leaky_relu(x, 0.1)),
    ("eluLayer", (0.9,), lambda x: elementwise.elu(x, 0.9)),
    ("tanhLayer", (), np.tanh),
    ("reluLayer", (), recurrent.relu),
)


class DeepImages(Deep):
    """H×W×C×N: residual units, branches joined by depth, normalizations, pooling."""

    SIZE = (6, 5)

    def __init__(self, seed, layers=60):
        mean = np.array([0.2, -0.1, 0.4], np.float32).reshape(1, 1, 3)
        super().__init__(
            seed, "imageInputLayer", [*self.SIZE, 3], Normalization="zerocenter", Mean=mean,
            function=lambda x: x - mean.reshape(1, 1, 3, 1),
        )  # fmt: skip
        self.convolution(3, 3)
        blocks = (self.residual, self.branches, self.normalized, self.grouped)
        while len(self.layers) < layers:
            blocks[self.draw.integers(len(blocks))]()
        self.add("globalAveragePooling2dLayer", function=lambda x: x.mean((0, 1)))
        self.dense(CLASSES, CHANNELS, elementwise.fully_connected)
        self.softmax()

    def observations(self, count=5):
        return self.draw.standard_normal((*self.SIZE, 3, count)).astype(np.float32)

    def convolution(self, window, inputs=CHANNELS, after=None):
        W = self.weights(window, window, inputs, CHANNELS)
        b = self.weights(1, 1, CHANNELS, scale=0.3)
        pairs = [((window - 1) // 2,) * 2] * 2
        return self.add(
            "convolution2dLayer", window, CHANNELS, Padding="same", Weights=W, Bias=b, after=after,
            function=lambda x: windows.convolution(x, W, b.ravel(), (1, 1), pairs, (1, 1)),
        )  # fmt: skip

    def batch_normalization(self):
        names = ("TrainedMean", "TrainedVariance", "Offset", "Scale")
        v = [self.weights(1, 1, CHANNELS, scale=0.5) for _ in names]
        v[1] = v[1] ** 2 + np.float32(0.5)
        w = [array.ravel().astype(float) for array in v]
        return self.add(
            "batchNormalizationLayer", **dict(zip(names, v, strict=True)),
            function=lambda x: elementwise.batch_normalization(x, *w, 1e-5, 2),
        )  # fmt: skip

    def residual(self):
        before = self.last
        self.convolution(3)
        self.batch_normalization()
        self.activation()
        self.convolution(3)
        self.add_up(self.batch_normalization(), before)
        self.activation()

    def branches(self):
        before = self.last
        one = self.convolution(1, after=(before,))
        pool, name = [
            (windows.max_pool, "maxPooling2dLayer"),
            (windows.average_pool, "averagePooling2dLayer"),
        ][self.draw.integers(2)]
        pooled = self.add(
            name, 3, Stride=1, Padding="same", after=(before,),
            function=lambda x: pool(x, (3, 3), (1, 1), [(1, 1)] * 2),
        )  # fmt: skip
        three = self.activation(after=(self.convolution(3, after=(before,)),))
        self.add(
            "depthConcatenationLayer", 3, after=(one, pooled, three),
            function=lambda *x: np.concatenate(x, 2),
        )  # fmt: skip
        self.convolution(1, 3 * CHANNELS)

    def normalized(self):
        over = lambda x, *rest: elementwise.standardize(x, (0, 1, 2), *rest)  # noqa: E731
        self.normalization("layerNormalizationLayer", 2, over)
        self.dropout()

    def grouped(self):
        W = self.weights(3, 3, CHANNELS // 2, 2, 2)
        b = self.weights(1, 1, 2, 2, scale=0.3)
        self.add(
            "groupedConvolution2dLayer", 3, 2, 2, Padding="same", Weights=W, Bias=b,
            function=lambda x: windows.grouped_convolution(x, W, b, (1, 1), [(1, 1)] * 2, (1, 1)),
        )  # fmt: skip
        self.activation()


class DeepSequences(Deep):
    """C×N×T: recurrent layers, convolutions in time, joined and added."""

    def __init__(self, seed, layers=60):
        mean = np.array([[0.2], [-0.1], [0.4]], np.float32)
        super().__init__(
            seed, "sequenceInputLayer", 3, Normalization="zerocenter", Mean=mean,
            function=lambda x: x - mean[:, :, None],
        )  # fmt: skip
        self.dense(CHANNELS, 3, elementwise.fully_connected_sequence)
        blocks = (self.recurrent, self.two_ways, self.in_time, self.normalized)
        while len(self.layers) < layers:
            blocks[self.draw.integers(len(blocks))]()
        self.lstm(OutputMode="last")
        self.dense(CLASSES, CHANNELS, elementwise.fully_connected)
        self.softmax()

    def observations(self, lengths=(7, 4, 7, 9)):
        return [self.draw.standard_normal((3, n)).astype(np.float32) for n in lengths]

    def arrays(self, gates, biases=0):
        sizes = {"InputWeights": (gates * CHANNELS, CHANNELS)}
        sizes["RecurrentWeights"] = sizes["InputWeights"]
        arrays = {name: self.weights(*size, scale=0.5) for name, size in sizes.items()}
        return arrays | {"Bias": self.weights((biases or gates) * CHANNELS, 1, scale=0.5)}

    def lstm(self, OutputMode="sequence"):
        arrays = self.arrays(4)
        place = 1 if OutputMode == "last" else 0
        return self.add(
            "lstmLayer", CHANNELS, OutputMode=OutputMode, **arrays,
            function=lambda x: recurrent.lstm(x, *wide(arrays))[place],
        )  # fmt: skip

    def recurrent(self):
        before = self.last
        if self.draw.integers(2):
            name = self.lstm()
        else:
            arrays = self.arrays(3)
            function = lambda x: recurrent.gru(x, *wide(arrays))[0]  # noqa: E731
            name = self.add("gruLayer", CHANNELS, **arrays, function=function)
        self.add_up(before, name)

    def two_ways(self):
        before = self.last
        arrays = self.arrays(8)
        both = self.add(
            "bilstmLayer", CHANNELS, **arrays,
            function=lambda x: recurrent.bilstm(x, *wide(arrays))[0],
        )  # fmt: skip
        self.add(
            "concatenationLayer", 1, 2, after=(both, before),
            function=lambda *x: np.concatenate(x, 0),
        )  # fmt: skip
        self.dense(CHANNELS, 3 * CHANNELS, elementwise.fully_connected_sequence)

    def in_time(self):
        before = self.last
        W, b = self.weights(3, CHANNELS, CHANNELS), self.weights(1, CHANNELS, scale=0.3)

        def convolved(x):
            y = windows.convolution(x.transpose(2, 0, 1), W, b.ravel(), (1,), [(2, 0)], (1,))
            return y.transpose(1, 2, 0)

        self.add(
            "convolution1dLayer", 3, CHANNELS, Padding="causal", Weights=W, Bias=b,
            function=convolved,
        )  # fmt: skip
        self.add_up(self.activation(), before)
        self.dropout()

    def normalized(self):
        over = lambda x, *rest: elementwise.standardize(x, (0,), *rest)  # noqa: E731
        self.normalization("layerNormalizationLayer", 0, over)


def wide(arrays):
    return [array.astype(float) for array in arrays.values()]


# -- recorded as MATLAB has them ----------------------------------------------------------------


def record_images(deep, x):
    """Activations H×W×C×N, and N×C where no spatial dimensions are left; float32."""
    values = {name: y.astype(np.float32) for name, y in deep.activations(x.astype(float)).items()}
    return {name: y.T if y.ndim == 2 else y for name, y in values.items()}


def record_sequences(deep, sequences):
    """Cells of C×T, and N×C where no time is left; float32."""
    each = [deep.activations(x[:, None, :].astype(float)) for x in sequences]
    recorded = {}
    for name in each[0]:
        parts = [values[name][:, 0].astype(np.float32) for values in each]
        recorded[name] = parts if parts[0].ndim == 2 else np.stack(parts)
    return recorded
