"""Convolution, pooling and resizing against plain loops."""

import numpy as np
import pytest
from helpers import assert_layer, layer
from hypothesis import assume, given
from hypothesis import strategies as st
from reference import windows

SEEDS = st.integers(0, 2**32 - 1)
PAIR = st.tuples(st.integers(1, 4), st.integers(1, 4))
STEP = st.tuples(st.integers(1, 3), st.integers(1, 3))
PADDING = st.one_of(st.just("same"), st.tuples(*[st.integers(0, 3)] * 4))


def pairs_of(padding, sizes, window, stride, dilation):
    if padding == "same":
        return windows.same(sizes, window, stride, dilation)
    return list(zip(padding[::2], padding[1::2], strict=True))


def fits(sizes, pairs, window, dilation):
    return all(
        n + a + b >= (k - 1) * d + 1
        for n, (a, b), k, d in zip(sizes, pairs, window, dilation, strict=True)
    )


@given(
    seed=SEEDS,
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    window=PAIR,
    stride=STEP,
    dilation=STEP,
    padding=PADDING,
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    N=st.integers(1, 2),
)
def test_convolution_2d(seed, sizes, window, stride, dilation, padding, channels, filters, N):
    pairs = pairs_of(padding, sizes, window, stride, dilation)
    assume(fits(sizes, pairs, window, dilation))
    draw = np.random.default_rng(seed)
    W = draw.standard_normal((*window, channels, filters))
    b = draw.standard_normal((1, 1, filters))
    x = draw.standard_normal((*sizes, channels, N))
    expected = windows.convolution(x, W, b, stride, pairs, dilation)
    options = {"Stride": stride, "DilationFactor": dilation, "Padding": padding}
    one = layer("convolution2dLayer", window, filters, Weights=W, Bias=b, **options)
    assert_layer(one, x, "SSCB", expected)


@pytest.mark.parametrize(
    "value", [2.5, "symmetric-include-edge", "symmetric-exclude-edge", "replicate"]
)
@pytest.mark.parametrize("padding", ["same", (1, 2, 3, 0)])
def test_padding_values(value, padding):
    draw = np.random.default_rng(1)
    W, b = draw.standard_normal((3, 4, 2, 3)), draw.standard_normal((1, 1, 3))
    x = draw.standard_normal((6, 7, 2, 2))
    pairs = pairs_of(padding, (6, 7), (3, 4), (2, 1), (1, 1))
    expected = windows.convolution(x, W, b, (2, 1), pairs, (1, 1), value)
    options = {"Stride": (2, 1), "Padding": padding, "PaddingValue": value}
    one = layer("convolution2dLayer", (3, 4), 3, Weights=W, Bias=b, **options)
    assert_layer(one, x, "SSCB", expected)


def test_image_sequences_are_convolved_step_by_step():
    draw = np.random.default_rng(2)
    W, b = draw.standard_normal((3, 3, 2, 4)), draw.standard_normal((1, 1, 4))
    x = draw.standard_normal((5, 6, 2, 2, 3))
    steps = [
        windows.convolution(
            x[..., t], W, b, (2, 2), windows.same((5, 6), (3, 3), (2, 2), (1, 1)), (1, 1)
        )
        for t in range(3)
    ]
    one = layer("convolution2dLayer", 3, 4, Stride=2, Padding="same", Weights=W, Bias=b)
    assert_layer(one, x, "SSCBT", np.stack(steps, -1))


@given(
    seed=SEEDS,
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    window=PAIR,
    stride=STEP,
    cropping=st.one_of(st.just("same"), st.tuples(*[st.integers(0, 1)] * 4)),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
)
def test_transposed_convolution_2d(seed, sizes, window, stride, cropping, channels, filters):
    if cropping == "same":
        totals = [k - s for k, s in zip(window, stride, strict=True)]
        assume(all(t >= 0 for t in totals))
        pairs = [(t // 2, t - t // 2) for t in totals]
    else:
        pairs = list(zip(cropping[::2], cropping[1::2], strict=True))
    full = [s * (n - 1) + k for n, s, k in zip(sizes, stride, window, strict=True)]
    assume(all(n > a + b for n, (a, b) in zip(full, pairs, strict=True)))
    draw = np.random.default_rng(seed)
    W = draw.standard_normal((*window, filters, channels))
    b, x = draw.standard_normal((1, 1, filters)), draw.standard_normal((*sizes, channels, 2))
    expected = windows.transposed_convolution(x, W, b, stride, pairs)
    options = {"Stride": stride, "Cropping": cropping, "Weights": W, "Bias": b}
    assert_layer(layer("transposedConv2dLayer", window, filters, **options), x, "SSCB", expected)


@given(
    seed=SEEDS,
    sizes=st.tuples(st.integers(2, 9), st.integers(2, 9)),
    window=PAIR,
    stride=STEP,
    padding=PADDING,
    kind=st.sampled_from(["max", "average", "average without padding"]),
)
def test_pooling_2d(seed, sizes, window, stride, padding, kind):
    pairs = pairs_of(padding, sizes, window, stride, (1, 1))
    # MATLAB wants PaddingSize smaller than PoolSize.
    assume(all(max(p) < k for p, k in zip(pairs, window, strict=True)))
    assume(fits(sizes, pairs, window, (1, 1)))
    x = np.random.default_rng(seed).standard_normal((*sizes, 2, 2))
    options = {"Stride": stride, "Padding": padding}
    if kind == "max":
        expected = windows.max_pool(x, window, stride, pairs)
        one = layer("maxPooling2dLayer", window, **options)
    else:
        without = kind != "average"
        expected = windows.average_pool(x, window, stride, pairs, without)
        more = {"PaddingValue": "mean"} if without else {}
        one = layer("averagePooling2dLayer", window, **options, **more)
    assert_layer(one, x, "SSCB", expected)


@pytest.mark.parametrize("transform", ["half-pixel", "asymmetric"])
@pytest.mark.parametrize("sizes", [(7, 3), (4, 10), (5, 6)])
def test_resize_bilinear(transform, sizes):
    x = np.random.default_rng(4).standard_normal((5, 6, 2, 2))
    expected = windows.resize(x, sizes, "bilinear", transform)
    options = {"Method": "bilinear", "GeometricTransformMode": transform}
    assert_layer(layer("resize2dLayer", OutputSize=sizes, **options), x, "SSCB", expected)


@pytest.mark.parametrize("transform", ["half-pixel", "asymmetric"])
@pytest.mark.parametrize("rounding", ["round", "floor", "onnx-10"])
@pytest.mark.parametrize("sizes", [(10, 3), (4, 12), (5, 6), (2, 9)])
def test_resize_nearest(transform, rounding, sizes):
    x = np.random.default_rng(5).standard_normal((5, 6, 2, 1))
    expected = windows.resize(x, sizes, "nearest", transform, rounding)
    options = {"GeometricTransformMode": transform, "NearestRoundingMode": rounding}
    assert_layer(layer("resize2dLayer", OutputSize=sizes, **options), x, "SSCB", expected)


def test_resize_by_scale_and_by_aspect_ratio():
    x = np.random.default_rng(6).standard_normal((4, 6, 1, 1))
    by_scale = windows.resize(x, (10, 15), "bilinear")
    assert_layer(layer("resize2dLayer", Scale=2.5, Method="bilinear"), x, "SSCB", by_scale)
    by_width = windows.resize(x, (8, 12), "bilinear")
    one = layer("resize2dLayer", OutputSize=[np.nan, 12], Method="bilinear")
    assert_layer(one, x, "SSCB", by_width)
