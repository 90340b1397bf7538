"""Small networks of images, features and sequences, each with data to run it on."""

import functools
import zlib

import numpy as np
from helpers import layer

import matbridge
from matbridge import Network
from matbridge.matlab.file import read_mat


def draw(seed, *shape, scale=1.0):
    """Normal numbers that depend on the seed alone."""
    return np.random.default_rng(zlib.crc32(str(seed).encode())).standard_normal(shape) * scale


def statistics(seed, channels, shape):
    return {
        "Offset": draw(seed, channels).reshape(shape),
        "Scale": 1 + 0.3 * draw(seed + 1, channels).reshape(shape),
        "TrainedMean": draw(seed + 2, channels).reshape(shape),
        "TrainedVariance": 0.05 + np.abs(draw(seed + 3, channels)).reshape(shape) / 4,
    }


def convolution(seed, window, inner, outer, **named):
    weights = draw(seed, *window, inner, outer, scale=(inner * np.prod(window)) ** -0.5)
    named = {"Padding": "same", **named}
    bias = draw(f"{seed} bias", 1, 1, outer, scale=0.3)
    return layer("convolution2dLayer", list(window), outer, Weights=weights, Bias=bias, **named)


def dense(seed, inner, outer, name="fc"):
    weights = draw(seed, outer, inner, scale=2 * inner**-0.5)
    return layer(
        "fullyConnectedLayer",
        outer,
        Weights=weights,
        Bias=draw(f"{seed} bias", outer, 1),
        Name=name,
    )


def images(height, width, channels, seed=0, count=6):
    """Whole numbers 0..255, H×W×C×N."""
    draws = np.random.default_rng(seed).integers(0, 256, (height, width, channels, count))
    return draws.astype(np.uint8)


def input_of(height, width, channels, **named):
    return layer("imageInputLayer", [height, width, channels], **named)


PER_CHANNEL = {
    "Normalization": "zscore",
    "Mean": np.array([120.0, 90.0, 140.0]).reshape(1, 1, 3),
    "StandardDeviation": np.array([50.0, 70.0, 60.0]).reshape(1, 1, 3),
}


def square():
    """Square images, zscore per channel, convolutions, batch normalization, scores."""
    shape = (1, 1, 4)
    network = Network.of(
        [
            input_of(6, 6, 3, **PER_CHANNEL),
            convolution(1, (3, 3), 3, 4, Stride=2),
            layer("batchNormalizationLayer", **statistics(5, 4, shape)),
            layer("leakyReluLayer", 0.1),
            convolution(11, (3, 3), 4, 4),
            layer("reluLayer"),
            dense(21, 36, 5),
            layer("softmaxLayer"),
        ]
    )
    return network, images(6, 6, 3)


def tall():
    """Images 8×5, zerocenter per element, average pooling, two responses."""
    mean = 128 + draw(3, 8, 5, 3, scale=40)
    network = Network.of(
        [
            input_of(8, 5, 3, Normalization="zerocenter", Mean=mean),
            convolution(31, (3, 2), 3, 4, Stride=2),
            layer("batchNormalizationLayer", **statistics(35, 4, (1, 1, 4))),
            layer("reluLayer"),
            layer("averagePooling2dLayer", [2, 2], Padding="same"),
            convolution(41, (3, 3), 4, 4),
            layer("tanhLayer"),
            layer("flattenLayer"),
            dense(45, 48, 2),
        ]
    )
    return network, images(8, 5, 3, 7, 8)


def raw():
    """Square images taken as they are, 0..1, leaky ReLU, pooling with padding, 4 scores."""
    network = Network.of(
        [
            input_of(6, 6, 3, Normalization="none"),
            convolution(51, (2, 2), 3, 4, Padding=[1, 0, 1, 0]),
            layer("leakyReluLayer", 0.2),
            layer("averagePooling2dLayer", [3, 3], Stride=2, Padding=[1, 1, 1, 1]),
            convolution(55, (3, 3), 4, 4),
            layer("batchNormalizationLayer", **statistics(59, 4, (1, 1, 4))),
            layer("reluLayer"),
            dense(61, 36, 4),
            layer("softmaxLayer"),
        ]
    )
    return network, np.random.default_rng(9).random((6, 6, 3, 6))


def picture():
    """From image to image: 8×8×3 to 8×8×2."""
    network = Network.of(
        [
            input_of(8, 8, 3, Normalization="rescale-symmetric",
                     Min=np.array([[[5.0, 0, 2]]]), Max=np.array([[[250.0, 255, 249]]])),
            convolution(71, (3, 3), 3, 4, Stride=2),
            layer("reluLayer"),
            layer("resize2dLayer", OutputSize=[8, 8], Method="bilinear", Name="up"),
            convolution(75, (3, 3), 4, 2),
        ]
    )  # fmt: skip
    return network, images(8, 8, 3, 11, 3)


def fixture(name):
    """A network of fixtures/ and its data."""

    def opened():
        from conftest import FIXTURES

        data = read_mat(FIXTURES / f"{name}.mat")
        x = data["X"] if isinstance(data["X"], np.ndarray) else list(data["X"])
        return matbridge.load(FIXTURES / f"{name}.mat"), x

    return opened


def joining(n):
    """Two convolutions of one image side by side, in two sizes of joins."""
    size, first, second = ((6, 2, 3), (5, 3, 2), (7, 2, 4))[n]
    layers = [
        input_of(size, 5, 2, Normalization="none", Name="in"),
        convolution(100 + n, (3, 3), 2, first, Name="one"),
        convolution(110 + n, (1, 1), 2, second, Name="other"),
        layer("depthConcatenationLayer", 2, Name="join"),
        convolution(120 + n, (3, 3), first + second, 3, Name="last"),
        layer("reluLayer", Name="relu"),
        dense(130 + n, size * 5 * 3, 4),
    ]
    pairs = [("in", "one"), ("in", "other"), ("one", "join/in1"), ("other", "join/in2"),
             ("join", "last"), ("last", "relu"), ("relu", "fc")]  # fmt: skip
    return Network.of(layers, pairs), draw(140 + n, size, 5, 2, 6)


def resizing(n):
    """From image to image by a resize layer: nearest, bilinear, and of another ratio."""
    size, method = (([12, 9], "nearest"), ([8, 10], "bilinear"), ([9, 12], "bilinear"))[n]
    network = Network.of(
        [
            input_of(5, 6, 2, Normalization="none"),
            convolution(150 + n, (3, 3), 2, 3),
            layer("reluLayer"),
            layer("resize2dLayer", OutputSize=size, Method=method, Name="up"),
            convolution(160 + n, (3, 3), 3, 2),
        ]
    )
    return network, draw(170 + n, 5, 6, 2, 3)


def grouped(n):
    """A grouped convolution with several filters for each group."""
    groups, filters = ((2, 3), (3, 2), (2, 2))[n]
    each = (6 // groups, filters, groups)
    arrays = {"Weights": draw(180 + n, 3, 3, *each), "Bias": draw(185 + n, 1, 1, *each[1:])}
    network = Network.of(
        [
            input_of(5, 6, 6, Normalization="none"),
            layer("groupedConvolution2dLayer", 3, filters, groups, Padding="same", **arrays),
            layer("reluLayer"),
            dense(190 + n, 30 * groups * filters, 4),
        ]
    )
    return network, draw(195 + n, 5, 6, 6, 6)


def crossing(n):
    """Cross channel normalization."""
    window, channels = ((5, 6), (3, 5), (5, 8))[n]
    network = Network.of(
        [
            input_of(5, 4, 2, Normalization="none"),
            convolution(200 + n, (3, 3), 2, channels),
            layer("crossChannelNormalizationLayer", window, Alpha=0.3, K=2),
            layer("leakyReluLayer", 0.01 if n else 0.2),
            dense(210 + n, 20 * channels, 4),
        ]
    )
    return network, draw(220 + n, 5, 4, 2, 6)


def growing(n):
    """Down and up again by a transposed convolution that crops 'same'."""
    window, stride = ((3, 2), (5, 2), (4, 3))[n]
    weights = draw(230 + n, window, window, 2, 3, scale=0.3)
    network = Network.of(
        [
            input_of(6, 6, 2, Normalization="none"),
            convolution(240 + n, (3, 3), 2, 3, Stride=2),
            layer("clippedReluLayer", 2),
            layer("transposedConv2dLayer", window, 2, Weights=weights, Stride=stride,
                  Bias=draw(250 + n, 1, 1, 2), Cropping="same"),
        ]
    )  # fmt: skip
    return network, draw(260 + n, 6, 6, 2, 4)


def regrouped(n):
    """Group normalization behind a convolution whose channels are alike in no group."""
    groups, channels = ((2, 4), (4, 8), (2, 8))[n]
    shape = {"Offset": draw(270, 1, 1, channels), "Scale": 1 + draw(271, 1, 1, channels) / 3}
    network = Network.of(
        [
            input_of(5, 4, 2, Normalization="none"),
            convolution(280 + n, (3, 3), 2, channels),
            layer("groupNormalizationLayer", groups, **shape),
            layer("eluLayer", 0.5),
            dense(290 + n, 20 * channels, 4),
        ]
    )
    return network, draw(300 + n, 5, 4, 2, 6)


def featured(n):
    """Features: fully connected layers of one size, batch normalization, sigmoid."""
    size = (4, 5, 6)[n]
    scale = {"Mean": draw(310, size, 1), "StandardDeviation": 1 + np.abs(draw(311, size, 1))}
    network = Network.of(
        [
            layer("featureInputLayer", size, Normalization="zscore", **scale),
            dense(320 + n, size, size, "inner"),
            layer("batchNormalizationLayer", **statistics(330 + n, size, (size, 1))),
            layer("clippedReluLayer", 3),
            dense(340 + n, size, 3),
            layer("sigmoidLayer"),
        ]
    )
    return network, draw(350 + n, 12, size, scale=2)


def attending(n):
    """Tokens: positions, self attention, layer normalization, GELU, a response at each step."""
    channels, heads = ((4, 2), (6, 2), (8, 4))[n]
    names = ("Query", "Key", "Value", "Output")
    arrays = {f"{k}Weights": draw(f"{k}{n}", channels, channels) for k in names}
    arrays |= {f"{k}Bias": draw(f"{k}b{n}", channels, 1) for k in names}
    norm = {"Offset": draw(360, channels, 1), "Scale": 1 + draw(361, channels, 1) / 3}
    layers = [
        layer("sequenceInputLayer", channels, Name="tokens"),
        layer("positionEmbeddingLayer", channels, 12, Weights=draw(370 + n, channels, 12),
              Name="positions"),
        layer("additionLayer", 2, Name="add"),
        layer("selfAttentionLayer", heads, channels, Name="attention", **arrays),
        layer("layerNormalizationLayer", Name="norm", **norm),
        layer("geluLayer", Name="gelu"),
        dense(380 + n, channels, 3),
    ]  # fmt: skip
    pairs = [("tokens", "positions"), ("tokens", "add/in1"), ("positions", "add/in2"),
             ("add", "attention"), ("attention", "norm"), ("norm", "gelu"),
             ("gelu", "fc")]  # fmt: skip
    sequences = [draw(f"tokens{n}{i}", channels, 7 + i) for i in range(2)]
    return Network.of(layers, pairs), sequences


def shuffling(n):
    """Channels that become rows and columns, behind a convolution and average pooling."""
    channels, mode = ((8, "dcr"), (12, "crd"), (16, "dcr"))[n]
    network = Network.of(
        [
            input_of(5, 6, 2, Normalization="none"),
            convolution(400 + n, (3, 3), 2, channels),
            layer("averagePooling2dLayer", 3, Padding="same"),
            layer("depthToSpace2dLayer", 2, Mode=mode),
        ]
    )
    return network, draw(410 + n, 5, 6, 2, 3)


PARAMETRIC = (
    shuffling,
    joining,
    resizing,
    grouped,
    crossing,
    growing,
    regrouped,
    featured,
    attending,
)
FIXTURED = ("cnn", "dag", "resnet", "unet", "transformer_encoder", "temporal_convolution")
NETWORKS = {
    **{make.__name__: make for make in (square, tall, raw, picture)},
    **{f"{make.__name__}{n}": functools.partial(make, n) for make in PARAMETRIC for n in range(3)},
    **{name: fixture(name) for name in FIXTURED},
}
