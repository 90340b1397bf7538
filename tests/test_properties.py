"""Properties over shapes, strides, paddings and modes of layers of every rank."""

import numpy as np
from helpers import assert_layer, layer, run
from hypothesis import assume, given
from hypothesis import strategies as st
from reference import elementwise, recurrent, windows

SEEDS = st.integers(0, 2**32 - 1)
FORMATS = {1: "CBT", 2: "SSCB", 3: "SSSCB"}
RANKS = st.integers(1, 3)


@st.composite
def slides(draw, rank, largest=6):
    """Sizes, a window that fits them, stride, dilation and padding."""

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    sizes, window, stride, dilation = each(1, largest), each(1, 3), each(1, 3), each(1, 2)
    pairs = [tuple(draw(st.integers(0, 2)) for _ in range(2)) for _ in range(rank)]
    assume(
        all(
            n + a + b >= (k - 1) * d + 1
            for n, (a, b), k, d in zip(sizes, pairs, window, dilation, strict=True)
        )
    )
    return sizes, window, stride, dilation, pairs


def sides(pairs):
    """Padding as MATLAB takes it."""
    return [n for p in pairs for n in p] if len(pairs) < 3 else np.array(pairs).T


def plane(draw, rank, sizes, channels, N=2):
    """Data, and its view as S...×C×N; sequences stand for one spatial dimension."""
    x = draw.standard_normal((*sizes, channels, N))
    return (x.transpose(1, 2, 0), x) if rank == 1 else (x, x)


def back(y, rank):
    return y.transpose(1, 2, 0) if rank == 1 else y


@given(data=st.data(), rank=RANKS, seed=SEEDS, C=st.integers(1, 3), F=st.integers(1, 3))
def test_convolution(data, rank, seed, C, F):
    sizes, window, stride, dilation, pairs = data.draw(slides(rank))
    draw = np.random.default_rng(seed)
    W, b = draw.standard_normal((*window, C, F)), draw.standard_normal((*(1,) * rank, F))
    given_, x = plane(draw, rank, sizes, C)
    y = windows.convolution(x, W, b, stride, pairs, dilation)
    named = {"Stride": stride, "DilationFactor": dilation, "Padding": sides(pairs)}
    one = layer(f"convolution{rank}dLayer", window, F, Weights=W, Bias=b, **named)
    assert_layer(one, given_, FORMATS[rank], back(y, rank))


@given(data=st.data(), rank=RANKS, seed=SEEDS, padding=st.sampled_from(["same", "causal"]))
def test_padding_by_a_word(data, rank, seed, padding):
    assume(padding == "same" or rank == 1)
    sizes, window, stride, dilation, _ = data.draw(slides(rank))
    pairs = windows.same(sizes, window, stride, dilation)
    if padding == "causal":
        pairs = [((k - 1) * d, 0) for k, d in zip(window, dilation, strict=True)]
    draw = np.random.default_rng(seed)
    W, b = draw.standard_normal((*window, 2, 2)), draw.standard_normal((*(1,) * rank, 2))
    given_, x = plane(draw, rank, sizes, 2)
    y = windows.convolution(x, W, b, stride, pairs, dilation)
    named = {"Stride": stride, "DilationFactor": dilation, "Padding": padding}
    one = layer(f"convolution{rank}dLayer", window, 2, Weights=W, Bias=b, **named)
    assert_layer(one, given_, FORMATS[rank], back(y, rank))


@given(
    data=st.data(),
    seed=SEEDS,
    G=st.integers(1, 3),
    C=st.integers(1, 2),
    F=st.integers(1, 2),
)
def test_grouped_convolution(data, seed, G, C, F):
    rank = 2
    sizes, window, stride, dilation, pairs = data.draw(slides(rank))
    draw = np.random.default_rng(seed)
    W = draw.standard_normal((*window, C, F, G))
    b = draw.standard_normal((*(1,) * rank, F, G))
    given_, x = plane(draw, rank, sizes, C * G)
    y = windows.grouped_convolution(x, W, b, stride, pairs, dilation)
    named = {"Stride": stride, "DilationFactor": dilation, "Padding": sides(pairs)}
    count = "channel-wise" if C == 1 else G
    one = layer("groupedConvolution2dLayer", window, F, count, Weights=W, Bias=b, **named)
    assert_layer(one, given_, FORMATS[rank], back(y, rank))


@given(data=st.data(), rank=RANKS, seed=SEEDS, C=st.integers(1, 3), F=st.integers(1, 3))
def test_transposed_convolution(data, rank, seed, C, F):
    sizes, window, stride, _, pairs = data.draw(slides(rank, 4))
    full = [s * (n - 1) + k for n, s, k in zip(sizes, stride, window, strict=True)]
    assume(all(n > a + b for n, (a, b) in zip(full, pairs, strict=True)))
    draw = np.random.default_rng(seed)
    W, b = draw.standard_normal((*window, F, C)), draw.standard_normal((*(1,) * rank, F))
    given_, x = plane(draw, rank, sizes, C)
    y = windows.transposed_convolution(x, W, b, stride, pairs)
    named = {"Stride": stride, "Cropping": sides(pairs), "Weights": W, "Bias": b}
    one = layer(f"transposedConv{rank}dLayer", window, F, **named)
    assert_layer(one, given_, FORMATS[rank], back(y, rank))


@given(data=st.data(), rank=RANKS, seed=SEEDS, kind=st.sampled_from(["max", "zeros", "mean"]))
def test_pooling(data, rank, seed, kind):
    sizes, window, stride, _, pairs = data.draw(slides(rank))
    # MATLAB wants PaddingSize smaller than PoolSize.
    assume(all(max(p) < k for p, k in zip(pairs, window, strict=True)))
    assume(all(n + a + b >= k for n, (a, b), k in zip(sizes, pairs, window, strict=True)))
    given_, x = plane(np.random.default_rng(seed), rank, sizes, 2)
    named = {"Stride": stride, "Padding": sides(pairs)}
    if kind == "max":
        y = windows.max_pool(x, window, stride, pairs)
        one = layer(f"maxPooling{rank}dLayer", window, **named)
    else:
        y = windows.average_pool(x, window, stride, pairs, kind == "mean")
        more = {"PaddingValue": "mean"} if kind == "mean" else {}
        one = layer(f"averagePooling{rank}dLayer", window, **named, **more)
    assert_layer(one, given_, FORMATS[rank], back(y, rank))


@given(
    seed=SEEDS,
    C=st.integers(1, 9),
    window=st.integers(1, 6),
    alpha=st.floats(1e-4, 2),
    beta=st.floats(0.1, 2),
    k=st.floats(0.5, 3),
)
def test_cross_channel_normalization(seed, C, window, alpha, beta, k):
    x = np.random.default_rng(seed).standard_normal((2, 3, C, 2))
    y = elementwise.cross_channel(x, window, alpha, beta, k, 2)
    one = layer("crossChannelNormalizationLayer", window, Alpha=alpha, Beta=beta, K=k)
    assert_layer(one, x, "SSCB", y)


@given(
    seed=SEEDS,
    groups=st.integers(1, 3),
    size=st.integers(1, 3),
    T=st.integers(2, 5),
    epsilon=st.floats(1e-4, 1e-1),
)
def test_group_normalization(seed, groups, size, T, epsilon):
    draw, C = np.random.default_rng(seed), groups * size
    x, offset, scale = draw.standard_normal((C, 2, T)), draw.random((C, 1)), draw.random((C, 1))
    y = elementwise.group_normalization(x, groups, (2,), epsilon, offset, scale, 0)
    named = {"Epsilon": epsilon, "Offset": offset, "Scale": scale}
    assert_layer(layer("groupNormalizationLayer", groups, **named), x, "CBT", y)


@given(
    seed=SEEDS,
    p=st.integers(1, 4),
    q=st.integers(1, 4),
    D=st.integers(1, 4),
    H=st.integers(1, 4),
    T=st.integers(1, 5),
    mode=st.sampled_from(["after-multiplication", "before-multiplication"]),
)
def test_projected_gru(seed, p, q, D, H, T, mode):
    draw = np.random.default_rng(seed)
    W, R, b = (draw.standard_normal((3 * H, n)) for n in (p, q, 1))
    x, Qi, Qo = (draw.standard_normal(n) for n in ((D, 2, T), (D, p), (H, q)))
    y, _ = recurrent.gru_projected(x, W, R, b, Qi, Qo, mode=mode)
    named = {"InputWeights": W, "RecurrentWeights": R, "Bias": b, "ResetGateMode": mode}
    projectors = {"InputProjector": Qi, "OutputProjector": Qo}
    assert_layer(layer("gruProjectedLayer", H, q, p, **named, **projectors), x, "CBT", y)


@given(
    seed=SEEDS,
    D=st.integers(1, 4),
    H=st.integers(1, 4),
    N=st.integers(1, 3),
    T=st.integers(1, 6),
)
def test_peephole_lstm(seed, D, H, N, T):
    draw = np.random.default_rng(seed)
    W, R, b, P = (draw.standard_normal(n) for n in ((4 * H, D), (4 * H, H), (4 * H, 1), (3 * H, 1)))
    x = draw.standard_normal((D, N, T))
    y, *_ = recurrent.lstm(x, W, R, b, P=P)
    named = {"InputWeights": W, "RecurrentWeights": R, "Bias": b, "PeepholeWeights": P}
    assert_layer(layer("peepholeLSTMLayer", H, **named), x, "CBT", y)


@given(
    seed=SEEDS,
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    depth=st.integers(1, 3),
    h=st.integers(1, 3),
    w=st.integers(1, 3),
)
def test_depth_to_space_and_back(seed, rows, columns, depth, h, w):
    x = np.random.default_rng(seed).standard_normal((h, w, depth * rows * columns, 2))
    for mode in ("dcr", "crd"):
        y = windows.depth_to_space(x, rows, columns, mode)
        assert_layer(layer("depthToSpace2dLayer", (rows, columns), Mode=mode), x, "SSCB", y)
    both = [
        layer("depthToSpace2dLayer", (rows, columns)),
        layer("spaceToDepthLayer", (rows, columns)),
    ]
    assert np.array_equal(run(both, x, "SSCB"), x)


def test_depth_to_space_meets_the_example_that_matlab_prints():
    x = np.arange(1.0, 49).reshape(2, 2, 12, 1, order="F")
    y = run(layer("depthToSpace2dLayer", 2), x, "SSCB")
    first = [[1, 13, 3, 15], [25, 37, 27, 39], [2, 14, 4, 16], [26, 38, 28, 40]]
    assert np.array_equal(y[:, :, 0, 0], first)
    assert np.array_equal(y[0, :, 2, 0], [9, 21, 11, 23])


def test_space_to_depth_meets_the_example_that_matlab_prints():
    x = np.arange(1.0, 49).reshape(4, 4, 3, 1, order="F")
    y = run(layer("spaceToDepthLayer", 2), x, "SSCB")
    assert np.array_equal(y[:, :, 0, 0], [[1, 9], [3, 11]])
    assert np.array_equal(y[:, :, 4, 0], [[21, 29], [23, 31]])
    assert np.array_equal(y[:, :, 11, 0], [[38, 46], [40, 48]])


def test_cross_channel_normalization_meets_the_example_that_matlab_prints():
    named = {"Alpha": 1, "Beta": 1, "K": 1e-5}
    y = run(layer("crossChannelNormalizationLayer", 3, **named), np.ones((2, 2, 3, 1)), "SSCB")
    assert np.allclose(y[0, 0, :, 0], [1.5, 1.0, 1.5], atol=1e-4)


@given(seed=SEEDS, n=st.integers(1, 9), outputs=st.integers(1, 9))
def test_adaptive_pooling(seed, n, outputs):
    x = np.random.default_rng(seed).standard_normal((n, 5, 2, 1))
    y = windows.adaptive_average_pool(x, (outputs, 3))
    assert_layer(layer("adaptiveAveragePooling2dLayer", (outputs, 3)), x, "SSCB", y)


def test_quadratic_meets_the_example_that_matlab_prints():
    y = run(layer("quadraticLayer"), np.array([[1.0], [2.0], [3.0]]), "CB")
    assert y[:, 0].tolist() == [1, 2, 4, 3, 6, 9]
