"""Networks as each release of MATLAB's converter writes them: what the tests over reading try.

Each case is a function of a :class:`Converter`, and the releases that write it in this form.
"""

from matlab_exports import RELEASES, Converter

__all__ = ["BROKEN", "CASES", "export"]

EVERY = tuple(RELEASES)
IMAGES = EVERY
# From here on sequences and features were seen.
SEQUENCES = ("19.2.0", "19.2.1", "20.2.0", "21.1.1", "21.2.0", "24.2.0")
FEATURES = ("21.2.0", "22.2.1", "24.2.0")
STATIC = tuple(r for r in EVERY if not r.startswith("24"))


def perceptron(c):
    """The controllers of 18.2.0 and the classifiers of 19.2.0: a row of inputs."""
    x = c.images("input", 1, 5, 1)
    x = c.activation(c.fully_connected(x, "Operation_1", 7), "relu_1")
    x = c.activation(c.fully_connected(x, "Operation_2", 6), "tanh_2", "Tanh")
    x = c.activation(c.fully_connected(x, "Operation_3", 6), "sigmoid_3", "Sigmoid")
    return c.finish(c.fully_connected(x, "linear_4", 3))


def column(c):
    """Reinforcement learning: [n 1 1] observations, two inputs, an addition."""
    a = c.images("observation", 6, 1, 1, normalization="none")
    b = c.images("action", 4, 1, 1, normalization="none")
    a = c.activation(c.fully_connected(a, "CriticStateFC1", 8), "CriticStateRelu1")
    a = c.fully_connected(a, "CriticStateFC2", 5)
    b = c.fully_connected(b, "CriticActionFC1", 5)
    x = c.activation(c.addition([a, b], "add"), "CriticCommonRelu1")
    return c.finish(c.fully_connected(x, "CriticOutput", 1))


def classifier(c):
    """A convolutional network for classification, of an image that is not square."""
    x = c.images("imageinput", 9, 12, 2)
    x = c.convolution(x, "conv_1", 4, (3, 2), stride=(1, 2), padding=[(1, 0), (2, 1)])
    x = c.activation(c.batch_normalization(x, "batchnorm_1"), "relu_1")
    x = c.pool(x, "maxpool_1", "Max", 2, 2, padding=[(0, 1), (0, 1)])
    x = c.convolution(x, "conv_2", 3, (2, 3), dilation=(1, 2), padding=[(1, 1), (2, 2)])
    x = c.pool(c.activation(x, "relu_2"), "avgpool_1", "Average", (2, 3), (2, 1))
    x = c.dropout(c.activation(c.fully_connected(x, "fc_1", 7), "relu_3"), "dropout")
    return c.finish(c.softmax(c.fully_connected(x, "fc_2", 4), "softmax"))


def same_padding(c):
    """Padding 'same' where it is not symmetric: even sizes at stride 2, an even window."""
    x = c.images("imageinput", 10, 9, 1, statistic="channel")
    x = c.convolution(x, "conv_1", 3, 5, stride=2, padding="same")
    x = c.convolution(c.activation(x, "relu_1"), "conv_2", 2, (2, 3), stride=(1, 2), padding="same")
    x = c.convolution(x, "conv_3", 2, 3, padding="same")
    x = c.pool(x, "maxpool", "Max", 2, 1, padding="same")
    return c.finish(c.softmax(c.fully_connected(x, "fc", 3), "softmax"))


def residual(c):
    """The addition of a residual network, global pooling, a fully connected layer."""
    x = c.images("input", 6, 6, 3)
    x = c.activation(
        c.batch_normalization(c.convolution(x, "convInp", 4, 3, padding=1), "BNInp"), "reluInp"
    )
    y = c.activation(c.convolution(x, "S1U1_conv1", 4, 3, padding=1), "S1U1_relu1")
    y = c.batch_normalization(c.convolution(y, "S1U1_conv2", 4, 3, padding=1), "S1U1_BN2")
    x = c.activation(c.addition([y, x], "add11"), "relu11")
    x = c.pool(x, "globalPool", "Average", 6, 1)
    return c.finish(c.softmax(c.fully_connected(x, "fcFinal", 5), "softmax"))


def fire(c):
    """squeezenet: depth concatenation, dropout, scores by convolution and global pooling."""
    x = c.images("data", 8, 8, 3, statistic="channel")
    x = c.activation(c.convolution(x, "fire2_squeeze1x1", 4, 1), "fire2_relu_squeeze1x1")
    a = c.activation(c.convolution(x, "fire2_expand1x1", 3, 1), "fire2_relu_expand1x1")
    b = c.activation(c.convolution(x, "fire2_expand3x3", 5, 3, padding=1), "fire2_relu_expand3x3")
    x = c.dropout(c.concatenation([a, b], "fire2_concat"), "drop9")
    x = c.activation(c.convolution(x, "conv10", 6, 1), "relu_conv10")
    return c.finish(c.softmax(c.global_average(x, "pool10"), "prob"))


def grouped(c):
    """Grouped and channel-wise convolution."""
    x = c.images("imageinput", 7, 6, 4, statistic="one")
    x = c.convolution(x, "groupedconv", 6, 3, padding=1, groups=2)
    x = c.convolution(x, "channelwise", 6, (3, 2), groups=6)
    return c.finish(c.fully_connected(x, "fc", 2))


def volume(c):
    """Three spatial dimensions."""
    x = c.images("image3dinput", 6, 5, 7, 2)
    x = c.activation(
        c.convolution(x, "conv3d", 3, (3, 2, 3), padding=[(1, 1), (0, 1), (2, 0)]), "relu"
    )
    return c.finish(c.pool(x, "maxpool3d", "Max", (2, 1, 2), 2))


def pixels(c):
    """Unpooling once, and a softmax over the channels of each pixel."""
    image = c.images("inputImage", 8, 6, 2)
    before = c.convolution(image, "encoder1_conv1", 3, 3, padding=1)
    x = c.pool_with_places(before, "encoder1_maxpool", 2)
    x = c.activation(x, "encoder1_relu")
    x = c.unpool(x, "decoder1_unpool", "encoder1_maxpool", 2, before)
    x = c.convolution(x, "decoder1_conv1", 4, 3, padding=1)
    return c.finish(c.softmax(x, "softmax"))


def paths(c):
    """A sequence through three paths and a concatenation."""
    x = c.sequence("InputLayer", 2)
    a = c.activation(c.fully_connected(x, "XiPathIn", 4), "relu_XiPath")
    b = c.activation(c.fully_connected(x, "NegXiPathIn", 3), "relu_NegXiPath", "Tanh")
    x = c.concatenation([a, b, c.fully_connected(x, "BetaPathIn", 1)], "ConcatenationLayer")
    x = c.activation(c.fully_connected(x, "PathDifferences1", 4), "relu_Differences1")
    return c.finish(c.fully_connected(x, "PathDifferences2", 2))


def each_step(c):
    """A softmax at each step of a sequence."""
    x = c.sequence("input", 4)
    x = c.activation(c.fully_connected(x, "dense_1", 5), "tanh_1", "Tanh")
    return c.finish(c.softmax(c.fully_connected(x, "dense_2", 3), "softmax"))


def policy(c):
    """Features."""
    x = c.features("input_1", 5)
    x = c.activation(c.fully_connected(x, "fc_1", 8), "relu_body")
    x = c.batch_normalization(x, "batchnorm")
    return c.finish(c.softmax(c.fully_connected(x, "fc_action", 6), "output"))


def normalized(kind):
    """An image, features and a sequence, each normalized in this way."""

    def build(c):
        a = c.images("image", 4, 3, 2, normalization=kind, statistic="channel")
        a = c.fully_connected(a, "fc_image", 3)
        b = c.images("map", 4, 3, 2, normalization=kind)
        x = c.addition([a, c.fully_connected(b, "fc_map", 3)], "add")
        return c.finish(c.fully_connected(x, "fc", 2))

    return build


def normalized_features(kind):
    def build(c):
        x = c.features("features", 4, normalization=kind)
        return c.finish(c.fully_connected(x, "fc", 2))

    return build


def normalized_sequence(kind):
    def build(c):
        x = c.sequence("signal", 4, normalization=kind)
        return c.finish(c.fully_connected(x, "fc", 2))

    return build


def imported(c):
    """A network that MATLAB imported from ONNX and wrote again: each name doubled, the bias of
    the fully connected layers zero, and the former bias a layer of its own."""
    x = c.features("input", 5)
    x = c.offset(c.fully_connected(x, "fc_1_MatMul", 4, biased=False), "fc_1_Add")
    x = c.activation(x, "relu_1")
    x = c.offset(c.fully_connected(x, "fc_2_MatMul", 2, biased=False), "fc_2_Add")
    return c.finish(x)


def two_outputs(c):
    """A network with two heads, the first of which ends before the second."""
    x = c.images("input", 6, 6, 2, normalization="none")
    x = c.activation(c.convolution(x, "conv_1", 3, 3), "relu_1")
    first = c.softmax(c.fully_connected(x, "fc_1", 3), "softmax_1")
    second = c.activation(c.fully_connected(x, "fc_2", 2), "tanh_2", "Tanh")
    return c.finish(first, second)


def last(**options):
    """A recurrent layer with OutputMode 'last' and what classifies its result."""

    def build(c):
        x = c.sequence("sequenceinput", 3)
        x = c.recurrent(x, "recurrent", 4, mode="last", **options)
        return c.finish(c.softmax(c.fully_connected(x, "fc", 3), "softmax"))

    return build


def steps(**options):
    """A recurrent layer with OutputMode 'sequence'."""

    def build(c):
        x = c.sequence("sequenceinput", 3)
        x = c.recurrent(x, "recurrent", 4, mode="sequence", **options)
        return c.finish(c.fully_connected(x, "fc", 3))

    return build


def stacked(c):
    """A bidirectional layer before one whose last step counts."""
    x = c.sequence("sequenceinput", 3)
    x = c.recurrent(x, "biLSTM_1", 4, both=True, mode="sequence")
    x = c.recurrent(c.dropout(x, "drop"), "lstm_2", 5, mode="last", ending="squeeze")
    return c.finish(c.softmax(c.fully_connected(x, "fc", 2), "softmax"))


RECURRENT = {"LSTM": {}, "GRU": {"operator": "GRU"}, "biLSTM": {"both": True}}
RESETS = ("after-multiplication", "before-multiplication", "recurrent-bias-after-multiplication")

CASES = {
    "perceptron": (perceptron, EVERY),
    "column": (column, EVERY),
    "classifier": (classifier, EVERY),
    "same padding": (same_padding, EVERY),
    "residual": (residual, EVERY),
    "fire": (fire, STATIC),
    "grouped": (grouped, ("19.2.0", "20.1.0", "21.2.0", "24.2.0")),
    "volume": (volume, ("19.1.5", "20.2.0", "24.2.0")),
    "pixels": (pixels, ("20.2.2", "21.2.0", "24.2.0")),
    "paths": (paths, SEQUENCES),
    "each step": (each_step, SEQUENCES),
    "policy": (policy, FEATURES),
    "imported": (imported, FEATURES),
    "two outputs": (two_outputs, ("19.2.0", "20.2.0", "24.2.0")),
    "stacked": (stacked, ("20.2.0", "21.2.0", "24.2.0")),
}
for kind in ("zscore", "rescale-zero-one", "rescale-symmetric"):
    CASES[kind] = (normalized(kind), ("19.2.0", "20.2.0", "22.1.2", "24.2.0"))
for kind in ("zerocenter", "zscore", "rescale-zero-one", "rescale-symmetric"):
    CASES[f"{kind} features"] = (normalized_features(kind), FEATURES)
    CASES[f"{kind} sequence"] = (normalized_sequence(kind), SEQUENCES)
for name, options in RECURRENT.items():
    for mode, build in (("last", last), ("sequence", steps)):
        CASES[f"{name} {mode}"] = (build(**options), SEQUENCES)
        if name != "biLSTM":
            CASES[f"{name} {mode} squeezed"] = (build(ending="squeeze", **options), SEQUENCES)
for reset in RESETS:
    CASES[f"GRU {reset}"] = (last(operator="GRU", reset=reset), ("20.2.0", "24.2.0"))

# A law written wrongly, and a case in which that must be seen.
BROKEN = {
    "filters": ("residual", "20.1.0"),
    "pads": ("same padding", "20.1.0"),
    "mean": ("classifier", "20.1.0"),
    "normalization": ("classifier", "18.2.4"),
    "rows": ("classifier", "18.2.5"),
    "gates": ("biLSTM last", "21.2.0"),
    "reset": ("GRU after-multiplication", "20.2.0"),
}


def export(name, release, opset=None, broken=()):
    """The model of a case, with its data and what MATLAB's layers make of them."""
    return CASES[name][0](Converter(release, opset, broken))
