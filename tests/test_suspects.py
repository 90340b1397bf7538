"""Every suspect that is not recurrent: planted by other code, and named.

What is planted comes from tests/otherwise.py, plain torch; of the outputs, from NumPy.
"""

from dataclasses import dataclass, field

import numpy as np
import otherwise
import pytest
import torch
from helpers import layer
from torch.nn import functional as F

import matbridge
from matbridge import Network
from matbridge.matlab.file import read_mat
from matbridge.verify.case import Case, Transform
from matbridge.verify.diagnose import diagnose


def draw(seed, *shape, scale=1.0):
    return np.random.default_rng(seed).standard_normal(shape) * scale


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
    bias = draw(seed + 1, 1, 1, outer, scale=0.3)
    return layer("convolution2dLayer", list(window), outer, Weights=weights, Bias=bias, **named)


def dense(seed, inner, outer):
    weights = draw(seed, outer, inner, scale=2 * inner**-0.5)
    return layer("fullyConnectedLayer", outer, Weights=weights, Bias=draw(seed + 1, outer, 1))


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


NETWORKS = {
    "square": square,
    "tall": tall,
    "raw": raw,
    "picture": picture,
    **{
        name: fixture(name)
        for name in ("cnn", "dag", "resnet", "unet", "transformer_encoder", "temporal_convolution")
    },
}


@dataclass(frozen=True)
class Plant:
    """A fault as tests/otherwise.py takes it, and what the diagnosis says."""

    suspect: str
    words: str
    networks: str
    faults: dict = field(default_factory=dict)
    # What is as good on these data.
    also: tuple[str, ...] = ()


def flipped(w):
    return w.flip((2, 3))


def hw(w):
    return w.transpose(2, 3)


def io(w):
    return w.transpose(0, 1) if w.shape[0] == w.shape[1] else w


PLANTS = [
    Plant("input normalization", "does not normalize", "square tall picture cnn", {"normalization": "none"}),
    Plant("input normalization", "normalizes twice", "square tall picture cnn", {"times": 2}),
    Plant("input normalization", "without dividing", "square", {"normalization": "zerocenter"}),
    Plant("input normalization", "adds the mean", "tall", {"normalization": "plus"}),
    Plant("input normalization", "other of the ranges", "picture", {"normalization": "rescale-zero-one"}),
    Plant("input normalization", "one deviation for each channel", "tall", {"statistics": "per channel"}),
    Plant("input normalization", "for everything", "square tall cnn", {"statistics": "one"}),
    Plant("input normalization", "reverse order", "square cnn", {"statistics": "bgr"}),
    Plant("image values", "to 0..1", "square tall picture cnn", {"before": (lambda x: x / 255,)}),
    Plant("image values", "to 0..1, without", "square tall picture cnn", {"before": (lambda x: x / 255,), "bare": True}),
    Plant("image values", "to -1..1, without", "square tall cnn", {"before": (lambda x: x / 127.5 - 1,), "bare": True}),
    Plant("image values", "to 0..255", "raw", {"before": (lambda x: 255 * x,)}),
    Plant("image values", "to -1..1", "raw", {"before": (lambda x: 2 * x - 1,)}),
    Plant("order of colours", "reverse order", "square tall raw picture cnn", {"before": (lambda x: x.flip(1),)}),
    Plant("height and width exchanged", "exchanged", "square raw picture", {"before": (lambda x: x.transpose(2, 3),)}),
    Plant("images turned", "upside down", "square tall picture", {"before": (lambda x: x.flip(2),)}),
    Plant("images turned", "mirrored", "square tall raw", {"before": (lambda x: x.flip(3),)}),
    Plant("images turned", "90° counter", "square raw picture", {"before": (lambda x: x.rot90(1, (2, 3)),)}),
    Plant("images turned", "90° clockwise", "square raw picture", {"before": (lambda x: x.rot90(-1, (2, 3)),)}),
    Plant("flatten order", "PyTorch", "square tall cnn", {"flatten": "torch"}),
    Plant("flatten order", "Keras", "square tall raw", {"flatten": "keras"}),
    Plant("filters flipped", "180°", "square raw cnn dag unet", {"filters": (flipped,)}),
    Plant("filters transposed", "exchanged", "square raw unet", {"filters": (hw,)}),
    Plant("bias missing", "no bias", "square raw tall", {"no_bias": True}),
    Plant("padding on the other side", "", "square tall picture", {"side": "lower"}),
    Plant("padding on the other side", "", "square picture", {"side": "even"}),
    Plant("padding value", "copies of the edge", "square picture", {"pad_mode": "replicate"}),
    Plant("padding in the mean", "the other way", "tall raw", {"exclude_padding": True}),
    Plant("batch normalization epsilon", "Epsilon of batchnorm is 0.001", "square raw cnn resnet", {"epsilon": 1e-3}),
    Plant("batch normalization epsilon", "outside", "square raw cnn", {"outside": 1e-3}),
    Plant("batch normalization in training", "mini-batch", "square raw cnn", {"training": True}),
    Plant("statistics of batch normalization", "is the standard deviation", "square raw cnn", {"variance": "squared"}),
    Plant("statistics of batch normalization", "exchanged", "square raw cnn", {"swapped": True}),
    Plant("statistics of batch normalization", "does nothing", "square raw cnn", {"no_batchnorm": True}),
    Plant("activation function", "Scale 0.3", "square raw cnn", {"slope": 0.3}),
    Plant("activation function", "a leaky ReLU", "dag resnet tall", {"relu": lambda x: F.leaky_relu(x, 0.01)}),
    Plant("softmax", "left out", "square raw cnn", {"softmax": "none"}),
    Plant("softmax", "log-softmax", "square raw cnn", {"softmax": "log"}, also=("output values",)),
    Plant("softmax", "sigmoid", "square raw cnn", {"softmax": "sigmoid"}),
    Plant("softmax dimension", "observations", "square raw cnn", {"softmax": 0}),
    Plant("softmax dimension", "height", "unet", {"softmax": 2}),
    Plant("TF32", "TF32", "square raw cnn dag", {"tf32": True}),
    Plant("weights in fewer bits", "float16", "square raw cnn dag", {"saved": torch.float16}),
    Plant("weights in fewer bits", "bfloat16", "square raw cnn dag", {"saved": torch.bfloat16}),
    Plant("weights in fewer bits", "8 bits", "square raw dag", {"int8": True}),
    Plant("half precision", "float16", "square raw dag", {"half": True}),
    Plant("half precision", "bfloat16", "square raw dag", {"bfloat16": True}),
    Plant("resize layers", "nearest as PyTorch", "picture", {"resize": "nearest"}),
    Plant("order of concatenation", "in2, in1", "dag", {"joined": "reversed"}),
    Plant("attention", "causal", "transformer_encoder", {"causal": True}),
    Plant("attention", "interleaved", "transformer_encoder", {"interleaved": True}),
    Plant("attention", "not scaled", "transformer_encoder", {"scale": "none"}),
    Plant("counting from 0 or 1", "one further", "transformer_encoder", {"first_position": 1}),
    Plant("normalization layers", "0.001", "transformer_encoder temporal_convolution", {"layer_epsilon": 1e-3}),
    Plant("activation function", "tanh", "transformer_encoder", {"gelu": "tanh"}),
]  # fmt: skip
EACH = [(plant, name) for plant in PLANTS for name in plant.networks.split()]


def case_of(name, **faults):
    network, x = NETWORKS[name]()
    return Case(network, (x,), (otherwise.walk(network, x, **faults),))


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_fault_none_is_named(name):
    case = case_of(name)
    assert diagnose(case).causes == ()


@pytest.mark.parametrize(
    ("plant", "name"), EACH, ids=[f"{p.suspect}: {p.words}, {n}" for p, n in EACH]
)
def test_what_is_planted_is_named(plant, name):
    causes = diagnose(case_of(name, **plant.faults)).causes
    assert causes, "nothing was named"
    assert (causes[0].suspect, plant.words in causes[0].words) == (plant.suspect, True), causes
    assert {cause.suspect for cause in causes[1:]} <= {plant.suspect, *plant.also}, causes
