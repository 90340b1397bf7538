"""Windows, padding and resizing in ONNX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matbridge.core.dims import pool_output, window_span
from matbridge.errors import UnsupportedError
from matbridge.onnx.graph import Builder, Data, Dim, Extent
from matbridge.ops.backend import Pairs

__all__ = [
    "average_pool",
    "convolution",
    "known",
    "max_pool",
    "max_pool_places",
    "pad",
    "resize",
    "transposed_convolution",
    "unpool",
]

PAD_MODES = {"symmetric-exclude-edge": "reflect", "replicate": "edge"}
TRANSFORMS = {"half-pixel": "half_pixel", "asymmetric": "asymmetric"}


def pad(builder: Builder, data: Data, padding: Pairs, value: float | str) -> Data:
    """The last dimensions padded with a number or by a mode, as ONNX's Pad."""
    if all(a == 0 and b == 0 for a, b in padding):
        return data
    if value == "symmetric-include-edge":
        return _mirror(builder, data, padding)
    every = [(0, 0)] * (len(data.shape) - len(padding)) + list(padding)
    shape = [_padded(n, pair) for n, pair in zip(data.shape, every, strict=True)]
    amounts = builder.integers(ends(every), "pads")
    if isinstance(value, str):
        return builder.node("Pad", [data, amounts], shape, mode=PAD_MODES[value])
    number = builder.name_of(np.array(value, dtype=builder.dtype))
    return builder.node("Pad", [data, amounts, number], shape)


def _mirror(builder: Builder, data: Data, padding: Pairs) -> Data:
    """Reflection with the edge repeated, which ONNX does not have: elements by index."""
    first = len(data.shape) - len(padding)
    for axis, (before, after) in enumerate(padding, first):
        n = known(data.shape[axis], "a padded dimension")
        # The mirrored row has period 2n: forth 0 to n - 1, back n - 1 to 0.
        index = np.arange(-before, n + after) % (2 * n)
        data = _gather(builder, data, axis, np.minimum(index, 2 * n - 1 - index))
    return data


def _gather(builder: Builder, data: Data, axis: int, index: np.ndarray) -> Data:
    shape = [len(index) if p == axis else n for p, n in enumerate(data.shape)]
    return builder.node("Gather", [data, builder.integers(index.tolist())], shape, axis=axis)


def convolution(
    builder: Builder,
    data: Data,
    kernel: Data,
    bias: Data,
    padding: Pairs,
    stride: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Data:
    """ONNX's Conv, which is a correlation too."""
    batch, _, *spatial = data.shape
    outputs, _, *window = fixed(kernel)
    spans = [window_span(k, d) for k, d in zip(window, dilation, strict=True)]
    return builder.node(
        "Conv",
        [data, kernel, bias],
        [batch, outputs, *_windows(spatial, spans, stride, padding)],
        kernel_shape=window,
        pads=ends(padding),
        strides=stride,
        dilations=dilation,
        group=groups,
    )


def transposed_convolution(
    builder: Builder, data: Data, kernel: Data, bias: Data, stride: Sequence[int]
) -> Data:
    """ONNX's ConvTranspose without padding."""
    batch, _, *spatial = data.shape
    _, outputs, *window = fixed(kernel)
    lengths = [
        None if isinstance(n, Dim) else n * s - s + k
        for n, s, k in zip(spatial, stride, window, strict=True)
    ]
    return builder.node(
        "ConvTranspose",
        [data, kernel, bias],
        [batch, outputs, *lengths],
        kernel_shape=window,
        strides=stride,
    )


def max_pool(
    builder: Builder, data: Data, window: Sequence[int], stride: Sequence[int], padding: Pairs
) -> Data:
    """ONNX's MaxPool."""
    return _maxima(builder, data, window, stride, padding, 1)[0]


def max_pool_places(
    builder: Builder, data: Data, window: Sequence[int], stride: Sequence[int], padding: Pairs
) -> tuple[Data, Data]:
    """ONNX's MaxPool with its second result."""
    values, places = _maxima(builder, data, window, stride, padding, 2)
    return values, places


def _maxima(
    builder: Builder,
    data: Data,
    window: Sequence[int],
    stride: Sequence[int],
    padding: Pairs,
    results: int,
) -> Sequence[Data]:
    batch, channels, *spatial = data.shape
    shape = [batch, channels, *_windows(spatial, window, stride, padding)]
    options = {"kernel_shape": window, "strides": stride, "pads": ends(padding)}
    return builder.nodes_with("MaxPool", [data], [shape] * results, **options)


def unpool(builder: Builder, data: Data, places: Data, sizes: Sequence[Extent]) -> Data:
    """ONNX's MaxUnpool with windows of one element: the places say it all."""
    target = (*data.shape[:2], *sizes)
    ones = [1] * len(sizes)
    inputs = [data, places, builder.shape(target)]
    return builder.node("MaxUnpool", inputs, target, kernel_shape=ones, strides=ones)


def average_pool(
    builder: Builder,
    data: Data,
    window: Sequence[int],
    stride: Sequence[int],
    padding: Pairs,
    count_padding: bool,
) -> Data:
    """ONNX's AveragePool."""
    batch, channels, *spatial = data.shape
    return builder.node(
        "AveragePool",
        [data],
        [batch, channels, *_windows(spatial, window, stride, padding)],
        kernel_shape=window,
        strides=stride,
        pads=ends(padding),
        count_include_pad=int(count_padding),
    )


def resize(
    builder: Builder, data: Data, sizes: Sequence[int], method: str, transform: str, rounding: str
) -> Data:
    """ONNX's Resize of the last dimensions, once or one after the other."""
    batch, channels, *spatial = data.shape
    before = [known(n, "a resized dimension") for n in spatial]
    if rounding == "onnx-10" and len(sizes) > 1:
        # Each dimension rounds its own way, so each is resized by itself.
        for axis in range(len(sizes)):
            steps = [*sizes[: axis + 1], *before[axis + 1 :]]
            data = _resize_once(builder, data, before, steps, method, transform, rounding)
            before = steps
        return data
    return _resize_once(builder, data, before, sizes, method, transform, rounding)


def _resize_once(
    builder: Builder,
    data: Data,
    before: Sequence[int],
    sizes: Sequence[int],
    method: str,
    transform: str,
    rounding: str,
) -> Data:
    batch, channels = data.shape[:2]
    shrinks = any(b > a for b, a in zip(before, sizes, strict=True))
    # 'onnx-10' rounds up where it shrinks and down where it grows.
    nearest = {"round": "round_prefer_ceil", "floor": "floor"}.get(
        rounding, "ceil" if shrinks else "floor"
    )
    scales = np.array([1, 1, *(a / b for a, b in zip(sizes, before, strict=True))], np.float32)
    target = [batch, channels, *sizes]
    return builder.node(
        "Resize",
        [data, "", builder.initializer(scales, "scales")],
        target,
        mode="nearest" if method == "nearest" else "linear",
        coordinate_transformation_mode=TRANSFORMS[transform],
        nearest_mode=nearest,
    )


def known(extent: Extent, what: str) -> int:
    """A length that must be known when the model is written."""
    if isinstance(extent, Dim):
        raise UnsupportedError(f"{what} has no fixed size, which ONNX needs here")
    return extent


def fixed(data: Data) -> list[int]:
    """The shape of weights, which is known."""
    return [known(n, "a filter") for n in data.shape]


def _windows(
    spatial: Sequence[Extent], spans: Sequence[int], stride: Sequence[int], padding: Pairs
) -> list[Extent | None]:
    """Lengths after a window; None where only the result will tell."""
    lengths: list[Extent | None] = []
    for n, span, step, (a, b) in zip(spatial, spans, stride, padding, strict=True):
        if isinstance(n, Dim):
            # "same" padding at stride 1 keeps the length, whatever it is.
            lengths.append(n if step == 1 and a + b == span - 1 else None)
        else:
            lengths.append(pool_output(n, span, step, a + b) or 0)
    return lengths


def _padded(extent: Extent, pair: tuple[int, int]) -> Extent | None:
    if isinstance(extent, Dim):
        return None if any(pair) else extent
    return extent + sum(pair)


def ends(padding: Pairs) -> list[int]:
    """ONNX's order: all beginnings, then all ends."""
    return [a for a, _ in padding] + [b for _, b in padding]
