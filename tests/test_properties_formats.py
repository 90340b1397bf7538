"""Properties over formats and sizes: normalization, attention, joining, resizing."""

import numpy as np
from helpers import EXACT, SINGLE, assert_close, assert_layer, behind_inputs, layer, run
from hypothesis import given
from hypothesis import strategies as st
from reference import elementwise, windows

from matbridge import Network

SEEDS = st.integers(0, 2**32 - 1)
ALL = ("CB", "CBT", "SCBT", "SSCB", "SSCBT", "SSSCB", "SSSCBT")
SMALL = st.integers(1, 4)


@st.composite
def arrays(draw, formats=ALL, channels=SMALL):
    """A format, and data of it with sizes of their own."""
    format = draw(st.sampled_from(formats))
    sizes = [draw(channels) if label == "C" else draw(SMALL) for label in format]
    return format, np.random.default_rng(draw(SEEDS)).standard_normal(sizes)


def channel(format):
    return format.index("C")


def axes(format, labels):
    return tuple(i for i, label in enumerate(format) if label in labels)


@given(arrays(), SEEDS, st.floats(1e-5, 1e-1))
def test_batch_normalization(data, seed, epsilon):
    format, x = data
    draw, C = np.random.default_rng(seed), x.shape[channel(format)]
    mean, offset, scale = (draw.standard_normal(C) for _ in range(3))
    variance = draw.random(C) + 0.1
    y = elementwise.batch_normalization(x, mean, variance, offset, scale, epsilon, channel(format))
    names = ("TrainedMean", "TrainedVariance", "Offset", "Scale")
    named = dict(zip(names, (mean, variance, offset, scale), strict=True))
    assert_layer(layer("batchNormalizationLayer", Epsilon=epsilon, **named), x, format, y)


@given(
    arrays(channels=st.integers(2, 4)),
    SEEDS,
    st.sampled_from(["auto", "channel-only", "spatial-channel", "batch-excluded"]),
)
def test_layer_normalization(data, seed, over):
    format, x = data
    draw, C = np.random.default_rng(seed), x.shape[channel(format)]
    offset, scale = draw.standard_normal(C), draw.standard_normal(C)
    alone = "T" in format or format.count("S") <= 1
    labels = {
        "auto": "C" if alone else "SC",
        "channel-only": "C",
        "spatial-channel": "SC",
        "batch-excluded": "SCT",
    }[over]
    y = elementwise.standardize(x, axes(format, labels), 1e-5, offset, scale, channel(format))
    named = {"Offset": offset, "Scale": scale, "OperationDimension": over}
    one = layer("layerNormalizationLayer", **named)
    # A variance next to nothing magnifies the rounding of float32.
    assert_close(run(one, x, format), y, 1e-11)


@given(arrays(("CBT", "SCBT", "SSCB", "SSCBT", "SSSCB")), SEEDS)
def test_instance_normalization(data, seed):
    format, x = data
    draw, C = np.random.default_rng(seed), x.shape[channel(format)]
    offset, scale = draw.standard_normal(C), draw.standard_normal(C)
    y = elementwise.standardize(x, axes(format, "ST"), 1e-3, offset, scale, channel(format))
    one = layer("instanceNormalizationLayer", Epsilon=1e-3, Offset=offset, Scale=scale)
    assert_close(run(one, x, format), y, 1e-11)


@given(arrays())
def test_softmax(data):
    format, x = data
    y = elementwise.softmax(3 * x, channel(format))
    assert_layer(layer("softmaxLayer"), 3 * x, format, y)


@given(arrays(), SEEDS, SMALL)
def test_fully_connected(data, seed, outputs):
    """One vector of space and channels, the height fastest, at each time step."""
    format, x = data
    inputs = int(np.prod([x.shape[i] for i in axes(format, "SC")]))
    draw = np.random.default_rng(seed)
    W, b = draw.standard_normal((outputs, inputs)), draw.standard_normal((outputs, 1))
    flat = x.reshape(inputs, *(x.shape[i] for i in axes(format, "BT")), order="F")
    y = np.tensordot(W, flat, 1) + b.reshape(-1, *[1] * (flat.ndim - 1))
    one = layer("fullyConnectedLayer", outputs, Weights=W, Bias=b)
    assert_layer(one, x, format, y)
    assert_layer(layer("flattenLayer"), x, format, flat)


@given(arrays(("CBT", "SSCB", "SSCBT", "SSSCB")), st.data())
def test_joining_along_any_dimension(data, more):
    """Counted as MATLAB stores the array: space, then channels."""
    format, x = data
    place = more.draw(st.integers(0, channel(format)))
    sizes = list(x.shape)
    sizes[place] = more.draw(SMALL)
    y = np.random.default_rng(0).standard_normal(sizes)
    found = joined(layer("concatenationLayer", place + 1, 2, Name="join"), (x, y), format)
    assert_close(found, np.concatenate([x, y], place), EXACT)
    if place == channel(format):
        found = joined(layer("depthConcatenationLayer", 2, Name="join"), (x, y), format)
        assert_close(found, np.concatenate([x, y], place), EXACT)


def joined(one, inputs, format):
    network = behind_inputs(one, [(format, x) for x in inputs])
    return network.predict(*inputs, format=[format] * len(inputs), dtype="float64")


@given(st.data(), SEEDS, st.integers(1, 3))
def test_addition_expands_dimensions_of_size_1(data, seed, count):
    sizes = [data.draw(SMALL) for _ in range(3)]
    draw = np.random.default_rng(seed)
    shapes = [[n if data.draw(st.booleans()) else 1 for n in sizes] for _ in range(count)]
    inputs = [draw.standard_normal((*shape, 2)) for shape in [sizes, *shapes]]
    expected = inputs[0].copy()
    for x in inputs[1:]:
        expected = expected + x
    one = layer("additionLayer", len(inputs), Name="join")
    assert_close(joined(one, inputs, "SSCB"), expected, EXACT)


@given(
    SEEDS,
    st.integers(1, 3),
    SMALL,
    SMALL,
    st.integers(1, 5),
    st.booleans(),
    st.floats(0.1, 2),
)
def test_attention(seed, heads, size, N, T, causal, scale):
    draw = np.random.default_rng(seed)
    q, k, v = (draw.standard_normal((heads * size, N, T)) for _ in range(3))
    y, scores = elementwise.attention(q, k, v, heads, scale, causal)
    mask = "causal" if causal else "none"
    named = {"Scale": scale, "AttentionMask": mask, "HasScoresOutput": True}
    one = layer("attentionLayer", heads, Name="join", **named)
    found = joined(one, (q, k, v), "CBT")
    assert_close(found[0], y, EXACT)
    assert_close(found[1].reshape(scores.shape), scores, EXACT)


@given(
    SEEDS,
    st.integers(1, 2),
    st.data(),
    st.sampled_from(["linear", "nearest"]),
    st.sampled_from(["half-pixel", "asymmetric"]),
    st.sampled_from(["round", "floor", "onnx-10"]),
)
def test_resizing(seed, rank, data, method, transform, rounding):
    rank += 1
    sizes = [data.draw(st.integers(1, 6)) for _ in range(rank)]
    wanted = [data.draw(st.integers(1, 9)) for _ in range(rank)]
    x = np.random.default_rng(seed).standard_normal((*sizes, 2, 1))
    y = windows.resize(x, wanted, method, transform, rounding)
    word = {"linear": "bilinear" if rank == 2 else "trilinear"}.get(method, method)
    named = {"GeometricTransformMode": transform, "NearestRoundingMode": rounding}
    one = layer(f"resize{rank}dLayer", OutputSize=wanted, Method=word, **named)
    assert_close(run(one, x, "S" * rank + "CB"), y, EXACT)


@given(SEEDS, st.data())
def test_cropping(seed, data):
    sizes = [data.draw(st.integers(1, 6)) for _ in range(2)]
    wanted = [data.draw(st.integers(1, n)) for n in sizes]
    start = [data.draw(st.integers(0, n - w)) for n, w in zip(sizes, wanted, strict=True)]
    draw = np.random.default_rng(seed)
    x, ref = draw.standard_normal((*sizes, 2, 3)), draw.standard_normal((*wanted, 1, 3))
    one = layer("crop2dLayer", [start[1] + 1, start[0] + 1], Name="join")
    assert_close(joined(one, (x, ref), "SSCB"), windows.crop(x, wanted, start), EXACT)
    middle = [(n - w) // 2 for n, w in zip(sizes, wanted, strict=True)]
    centred = joined(layer("crop2dLayer", "centercrop", Name="join"), (x, ref), "SSCB")
    assert_close(centred, windows.crop(x, wanted, middle), EXACT)


@given(SEEDS, st.data(), st.integers(1, 3), SMALL, SMALL)
def test_grouped_convolution(seed, data, groups, inner, outer):
    sizes = [data.draw(st.integers(3, 6)) for _ in range(2)]
    window, stride, dilation = (
        tuple(data.draw(st.integers(1, most)) for _ in range(2)) for most in (3, 2, 1)
    )
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((*sizes, groups * inner, 2))
    W = draw.standard_normal((*window, inner, outer, groups))
    b = draw.standard_normal((1, 1, outer, groups))
    pads = windows.same(sizes, window, stride, dilation)
    y = windows.grouped_convolution(x, W, b, stride, pads, dilation)
    named = {"Padding": "same", "Stride": stride, "Weights": W, "Bias": b}
    assert_layer(layer("groupedConvolution2dLayer", window, outer, groups, **named), x, "SSCB", y)


@given(SEEDS, st.integers(1, 6), SMALL, st.integers(1, 5))
def test_word_embedding(seed, words, size, T):
    draw = np.random.default_rng(seed)
    W = draw.standard_normal((size, words + 1))
    x = draw.integers(-1, words + 3, (1, 2, T)).astype(float)
    one = layer("wordEmbeddingLayer", size, words, Weights=W)
    assert_close(run(one, x, "CBT", "float32"), elementwise.embed(x, W, words), SINGLE)


@given(SEEDS, st.integers(2, 7), st.integers(2, 7), st.integers(1, 3), st.integers(1, 3))
def test_unpooling(seed, h, w, window, gap):
    """Windows that do not overlap: each maximum goes back where it was."""
    window = (min(window, h), min(window, w))
    stride = tuple(n + gap - 1 for n in window)
    x = np.random.default_rng(seed).standard_normal((h, w, 2, 2))
    network = Network.of(
        [
            layer("imageInputLayer", [h, w, 2], Normalization="none", Name="in"),
            layer("maxPooling2dLayer", window, Stride=stride, HasUnpoolingOutputs=True, Name="p"),
            layer("maxUnpooling2dLayer", Name="u"),
        ],
        [("in", "p"), ("p/out", "u/in"), ("p/indices", "u/indices"), ("p/size", "u/size")],
    )
    found = network.predict(x, dtype="float64")
    assert_close(found, windows.max_unpool(x, window, stride, [(0, 0)] * 2), EXACT)
