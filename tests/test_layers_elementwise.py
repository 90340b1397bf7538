"""Activations, normalization, dense layers, shapes and combinations against NumPy."""

import numpy as np
import pytest
from helpers import assert_close, assert_layer, behind_inputs, layer, run
from hypothesis import given
from hypothesis import strategies as st
from reference import elementwise

from matbridge import Network

SHAPES = {
    "CB": (3, 4),
    "CBT": (3, 2, 5),
    "SCBT": (4, 3, 2, 3),
    "SSCB": (4, 5, 3, 2),
    "SSCBT": (2, 3, 3, 2, 4),
    "SSSCB": (2, 3, 2, 3, 2),
}
FORMATS = pytest.mark.parametrize("format", list(SHAPES))


def data(format, seed=0, scale=2.0):
    return np.random.default_rng(seed).standard_normal(SHAPES[format]) * scale


@FORMATS
@pytest.mark.parametrize(
    ("builder", "arguments", "function"),
    [
        ("reluLayer", (), lambda x: np.maximum(x, 0)),
        ("leakyReluLayer", (0.2,), lambda x: elementwise.leaky_relu(x, 0.2)),
        ("eluLayer", (0.7,), lambda x: elementwise.elu(x, 0.7)),
        ("tanhLayer", (), np.tanh),
        ("sigmoidLayer", (), lambda x: 1 / (1 + np.exp(-x))),
        ("dropoutLayer", (0.5,), lambda x: x),
        ("scalingLayer", (), lambda x: x),
    ],
)
def test_activations(format, builder, arguments, function):
    x = data(format)
    assert_layer(layer(builder, *arguments), x, format, function(x))


@FORMATS
def test_softmax(format):
    x = data(format)
    expected = elementwise.softmax(x, format.index("C"))
    assert_layer(layer("softmaxLayer"), x, format, expected)


@FORMATS
def test_batch_normalization(format):
    x, draw = data(format), np.random.default_rng(1)
    mean, offset, scale = draw.standard_normal((3, 3))
    variance = draw.random(3) + 0.1
    expected = elementwise.batch_normalization(
        x, mean, variance, offset, scale, 1e-3, format.index("C")
    )
    shape = (1, 1, 3) if format == "SSCB" else (3, 1)
    named = {"TrainedMean": mean, "TrainedVariance": variance, "Offset": offset, "Scale": scale}
    arrays = {name: value.reshape(shape) for name, value in named.items()}
    assert_layer(layer("batchNormalizationLayer", Epsilon=1e-3, **arrays), x, format, expected)


@FORMATS
def test_fully_connected(format):
    x, draw = data(format), np.random.default_rng(2)
    inputs = int(np.prod([n for n, label in zip(x.shape, format, strict=True) if label in "SC"]))
    W, b = draw.standard_normal((4, inputs)), draw.standard_normal((4, 1))
    if "T" in format:
        flat = x.reshape(inputs, *x.shape[-2:], order="F")
        expected = elementwise.fully_connected_sequence(flat, W, b)
    else:
        expected = elementwise.fully_connected(x, W, b)
    one = layer("fullyConnectedLayer", 4, Weights=W, Bias=b)
    assert_layer(one, x, format, expected)


@FORMATS
def test_flatten(format):
    x = data(format)
    tail = x.shape[format.index("B") :]
    assert_layer(layer("flattenLayer"), x, format, x.reshape(-1, *tail, order="F"))


STATISTICS = {
    "none": (),
    "zerocenter": ("Mean",),
    "zscore": ("Mean", "StandardDeviation"),
    "rescale-symmetric": ("Min", "Max"),
    "rescale-zero-one": ("Min", "Max"),
}
INPUT_BUILDERS = {
    "CB": "featureInputLayer",
    "CBT": "sequenceInputLayer",
    "SCBT": "sequenceInputLayer",
    "SSCB": "imageInputLayer",
    "SSCBT": "sequenceInputLayer",
    "SSSCB": "image3dInputLayer",
}


@FORMATS
@pytest.mark.parametrize("kind", list(STATISTICS))
@pytest.mark.parametrize("per", ["channel", "element", "all"])
def test_input_normalization(format, kind, per):
    x, draw = data(format), np.random.default_rng(3)
    size = x.shape[: format.index("C") + 1]
    shape = {
        "element": size,
        "channel": (1,) * (len(size) - 1) + size[-1:],
        "all": (1,) * len(size),
    }
    low = draw.standard_normal(shape[per])
    found = {"Mean": low, "StandardDeviation": draw.random(shape[per]) + 0.5, "Min": low}
    found["Max"] = low + draw.random(shape[per]) + 0.5
    chosen = {name: found[name] for name in STATISTICS[kind]}
    more = (1,) * (x.ndim - len(size))
    wide = {name: value.reshape(value.shape + more) for name, value in chosen.items()}
    expected = elementwise.normalize_input(x, kind, **wide)
    saved = {n: v.reshape(v.shape + (1,) * (2 - v.ndim)) for n, v in chosen.items()}
    start = layer(INPUT_BUILDERS[format], list(size), Normalization=kind, **saved)
    network = Network.of([start, layer("reluLayer")])
    result = network.predict(x, format=format, dtype="float64")
    assert_close(result, np.maximum(expected, 0))


def test_a_grey_image_has_a_mean_without_channels():
    mean = np.arange(12.0).reshape(3, 4)
    start = layer("imageInputLayer", [3, 4, 1], Normalization="zerocenter", Mean=mean)
    network = Network.of([start])
    assert_close(network.predict(np.zeros((3, 4))), -mean[:, :, None, None])


def test_complex_inputs_become_channels():
    draw = np.random.default_rng(4)
    x = draw.standard_normal((2, 5)) + 1j * draw.standard_normal((2, 5))
    network = Network.of([layer("sequenceInputLayer", 2, SplitComplexInputs=True)])
    assert_close(network.predict(x, dtype="float64"), np.concatenate([x.real, x.imag]))


@given(seed=st.integers(0, 2**32 - 1), causal=st.booleans(), heads=st.sampled_from([1, 2, 3]),
       N=st.integers(1, 3), T=st.integers(1, 6))  # fmt: skip
def test_self_attention(seed, causal, heads, N, T):
    C, keys, values, outputs = 4, 6, 12, 5
    draw = np.random.default_rng(seed)
    sizes = {
        "Query": (keys, C),
        "Key": (keys, C),
        "Value": (values, C),
        "Output": (outputs, values),
    }
    weights = {f"{n}Weights": draw.standard_normal(s) for n, s in sizes.items()}
    weights |= {f"{n}Bias": draw.standard_normal((s[0], 1)) for n, s in sizes.items()}
    x = draw.standard_normal((C, N, T))
    expected, scores = elementwise.self_attention(x, weights, heads, causal)
    options = {"NumValueChannels": values, "OutputSize": outputs, **weights}
    options["AttentionMask"] = "causal" if causal else "none"
    assert_layer(layer("selfAttentionLayer", heads, keys, **options), x, "CBT", expected)
    both = run(layer("selfAttentionLayer", heads, keys, HasScoresOutput=True, **options), x, "CBT")
    assert_close(both[0], expected)
    assert_close(both[1], scores)


def test_position_embedding_is_added_by_others():
    draw = np.random.default_rng(5)
    W, x = draw.standard_normal((3, 9)), draw.standard_normal((3, 2, 6))
    one = layer("positionEmbeddingLayer", 3, 9, Weights=W)
    expected = np.repeat(W[:, None, :6], 2, axis=1)
    assert_layer(one, x, "CBT", expected)


@pytest.mark.parametrize(("index", "place"), [("last", -1), ("first", 0), (3, 2)])
def test_indexing_1d(index, place):
    x = data("CBT")
    assert_layer(layer("indexing1dLayer", index), x, "CBT", x[:, :, place])


def combined(builder, arguments, values, formats):
    """Inputs of these formats into the ports of one layer."""
    one = layer(builder, *arguments, Name="both")
    network = behind_inputs(one, list(zip(formats, values, strict=True)))
    return network.predict(*values, format=formats, dtype="float64")


def test_addition():
    x, y, z = (data("SSCB", seed) for seed in range(3))
    found = combined("additionLayer", (3,), [x, y, z], ["SSCB"] * 3)
    assert_close(found, x + y + z)


def test_addition_expands_by_label():
    x, y = data("CBT"), data("CB")[:, :2]
    assert_close(combined("additionLayer", (2,), [x, y], ["CBT", "CB"]), x + y[:, :, None])


@pytest.mark.parametrize(("dim", "axis"), [(1, 0), (2, 1), (3, 2)])
def test_concatenation_of_images(dim, axis):
    x, y = data("SSCB", 1), data("SSCB", 2)
    found = combined("concatenationLayer", (dim, 2), [x, y], ["SSCB"] * 2)
    assert_close(found, np.concatenate([x, y], axis))


def test_concatenation_of_sequences():
    x, y = data("CBT", 1), data("CBT", 2)
    found = combined("concatenationLayer", (1, 2), [x, y], ["CBT"] * 2)
    assert_close(found, np.concatenate([x, y]))
    found = combined("depthConcatenationLayer", (2,), [x, y], ["CBT"] * 2)
    assert_close(found, np.concatenate([x, y]))


def test_crop_2d():
    draw = np.random.default_rng(6)
    x, ref = draw.standard_normal((7, 9, 2, 2)), draw.standard_normal((4, 6, 1, 2))

    def cropped(**options):
        one = layer("crop2dLayer", Name="crop", **options)
        network = behind_inputs(one, [("SSCB", x), ("SSCB", ref)])
        return network.predict(x, ref, format=["SSCB", "SSCB"], dtype="float64")

    assert_close(cropped(), x[1:5, 1:7])
    # Location is [x y]: the column first, from 1.
    assert_close(cropped(Mode="custom", Location=[2, 3]), x[2:6, 1:7])


def test_yolov2_transform():
    A, K = 2, 3
    x = np.random.default_rng(7).standard_normal((3, 3, A * (5 + K), 2))
    parts = np.split(x, [3 * A, 5 * A], axis=2)
    scores = parts[2].reshape(3, 3, K, A, 2)
    classes = elementwise.softmax(scores, 2).reshape(3, 3, K * A, 2)
    expected = np.concatenate([1 / (1 + np.exp(-parts[0])), np.exp(parts[1]), classes], 2)
    assert_layer(layer("yolov2TransformLayer", A), x, "SSCB", expected)


@pytest.mark.parametrize("scale", [3.0, np.array([[1.0], [2.0], [3.0]])])
def test_scaling(scale):
    x = data("CB")
    one = layer("scalingLayer", Scale=scale, Bias=np.array([[0.5], [1.0], [1.5]]))
    assert_layer(one, x, "CB", np.asarray(scale) * x + np.array([[0.5], [1.0], [1.5]]))
