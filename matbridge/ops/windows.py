"""Convolution, pooling, padding and resizing, over the dimensions named.

``over`` names the dimensions that the window moves over: "S", "SS", "T", "ST".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matbridge.core.dims import same_padding, without
from matbridge.ops.arithmetic import add, multiply
from matbridge.ops.backend import Backend, Data, Pairs
from matbridge.ops.layout import (
    Value,
    align,
    batched,
    constant,
    numbered,
    rename,
    sizes,
    spatial,
    unnumbered,
)

__all__ = [
    "Padding",
    "average_pool",
    "convolve",
    "max_pool",
    "max_pool_places",
    "pad",
    "padding_for",
    "region_means",
    "resize",
    "transposed_convolve",
    "unpool",
]

# ((top, bottom), (left, right), ...), or a word: 'same', 'causal'.
Padding = Pairs | str


def padding_for(
    backend: Backend,
    x: Value,
    over: str,
    padding: Padding,
    window: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Pairs:
    """The amounts that 'same' and 'causal' stand for with an input of this size."""
    if not isinstance(padding, str):
        return padding
    if padding == "causal":
        return [((k - 1) * d, 0) for k, d in zip(window, dilation, strict=True)]
    inner = sizes(backend, align(backend, x, without(x.dims, over) + over))[-len(over) :]
    quads = zip(inner, window, stride, dilation, strict=True)
    return [same_padding(n, k, s, d) for n, k, s, d in quads]


def pad(backend: Backend, x: Value, over: str, padding: Pairs, value: float | str = 0.0) -> Value:
    """Padded with a number, or by 'symmetric-include-edge', 'symmetric-exclude-edge'
    or 'replicate'."""
    data, restore = batched(backend, x, "C" + over)
    return restore(backend.pad(data, padding, value), "C" + over)


def convolve(
    backend: Backend,
    x: Value,
    weights: Value,
    bias: Value,
    *,
    over: str,
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Padding,
    padding_value: float | str = 0.0,
) -> Value:
    """Correlation, without a flip; by groups where ``weights`` has a G.

    ``weights`` are S…×I×O or S…×I×O×G and ``bias`` O or O×G, in MATLAB's layout.
    """
    window = spatial(backend, weights)
    kernel, offsets, groups = _kernel(backend, weights, bias)
    amounts = padding_for(backend, x, over, padding, window, stride, dilation)
    data, restore = batched(backend, x, "C" + over)
    # A convolution pads with zeros alone.
    if padding_value != 0.0:
        data, amounts = backend.pad(data, amounts, padding_value), [(0, 0)] * len(window)
    y = backend.convolution(data, kernel, offsets, amounts, stride, dilation, groups)
    return restore(y, "C" + over)


def _kernel(backend: Backend, weights: Value, bias: Value) -> tuple[Data, Data, int]:
    """Weights as (O, I, ...), bias as (O), and the number of groups."""
    places = "OI" + "S" * weights.dims.count("S")
    if "G" not in weights.dims:
        return align(backend, weights, places).data, bias.data, 1
    kernel = align(backend, weights, "G" + places)
    groups, outputs, *rest = sizes(backend, kernel)
    # Group after group, as libraries count the outputs.
    merged = backend.reshape(kernel.data, (groups * outputs, *rest))
    offsets = backend.reshape(align(backend, bias, "GO").data, (groups * outputs,))
    return merged, offsets, groups


def transposed_convolve(
    backend: Backend,
    x: Value,
    weights: Value,
    bias: Value,
    *,
    over: str,
    stride: Sequence[int],
    cropping: Pairs,
) -> Value:
    """The adjoint of a strided correlation, then ``cropping`` cut off each end.

    ``weights`` are S…×O×I, in MATLAB's layout. Negative cropping adds output beyond
    the last filter: the bias alone.
    """
    kernel = align(backend, weights, "IO" + "S" * weights.dims.count("S"))
    data, restore = batched(backend, x, "C" + over)
    padding = [(-before, -after) for before, after in cropping]
    if all(n <= 0 for pair in padding for n in pair):
        y = backend.transposed_convolution(data, kernel.data, bias.data, stride)
        return restore(backend.pad(y, padding, 0.0), "C" + over)
    # What is added at the ends is output as well, so the bias comes after.
    nothing = multiply(backend, bias, 0.0)
    y = backend.transposed_convolution(data, kernel.data, nothing.data, stride)
    padded = restore(backend.pad(y, padding, 0.0), "C" + over)
    return add(backend, padded, rename(backend, bias, "C"))


def max_pool(
    backend: Backend,
    x: Value,
    *,
    over: str,
    window: Sequence[int],
    stride: Sequence[int],
    padding: Padding,
) -> Value:
    """The largest element of each window; padding never wins."""
    amounts = padding_for(backend, x, over, padding, window, stride, [1] * len(window))
    data, restore = batched(backend, x, "C" + over)
    return restore(backend.max_pool(data, window, stride, amounts), "C" + over)


def max_pool_places(
    backend: Backend, x: Value, *, window: Sequence[int], stride: Sequence[int], padding: Padding
) -> tuple[Value, Value]:
    """As :func:`max_pool` over the spatial dimensions, and where each maximum stood:
    the first one in MATLAB's order on a tie."""
    over = "S" * x.dims.count("S")
    amounts = padding_for(backend, x, over, padding, window, stride, [1] * len(window))
    # The first in MATLAB's column-major order is what row-major data meet first when turned round.
    numbers = numbered(over)[::-1]
    data, restore = batched(backend, rename(backend, x, numbered(x.dims)), "C" + numbers)
    both = backend.max_pool_places(data, window[::-1], stride[::-1], amounts[::-1])
    values, places = (_in_order(backend, restore(part, "C" + numbers)) for part in both)
    return values, places


def _in_order(backend: Backend, x: Value) -> Value:
    """Numbered spatial dimensions in their order, named S again."""
    ordered = "".join(sorted(x.dims))
    return rename(backend, align(backend, x, ordered), unnumbered(ordered))


def unpool(backend: Backend, x: Value, places: Value, like: Value) -> Value:
    """The inverse of :func:`max_pool_places`: zeros but for x, of the size of ``like``."""
    numbers = numbered("S" * x.dims.count("S"))[::-1]
    data, restore = batched(backend, rename(backend, x, numbered(x.dims)), "C" + numbers)
    places = align(backend, places, x.dims)
    at, _ = batched(backend, rename(backend, places, numbered(x.dims)), "C" + numbers)
    filled = backend.unpool(data, at, spatial(backend, like)[::-1])
    return _in_order(backend, restore(filled, "C" + numbers))


def average_pool(
    backend: Backend,
    x: Value,
    *,
    over: str,
    window: Sequence[int],
    stride: Sequence[int],
    padding: Padding,
    count_padding: bool,
) -> Value:
    """The mean of each window, with or without the padding counted in it."""
    amounts = padding_for(backend, x, over, padding, window, stride, [1] * len(window))
    data, restore = batched(backend, x, "C" + over)
    y = backend.average_pool(data, window, stride, amounts, count_padding)
    return restore(y, "C" + over)


def region_means(backend: Backend, x: Value, label: str, outputs: int) -> Value:
    """The means of ``outputs`` regions along the spatial dimension "1", "2" or "3".

    Region i of n elements goes from floor(i·n/outputs) up to ceil((i + 1)·n/outputs).
    """
    x = rename(backend, x, numbered(x.dims))
    x = align(backend, x, without(x.dims, label) + label)
    n = sizes(backend, x)[-1]
    # As a matrix, for every backend: pooling in libraries has no regions that overlap.
    matrix = np.zeros((outputs, n))
    for i in range(outputs):
        region = slice(i * n // outputs, -(-(i + 1) * n // outputs))
        matrix[i, region] = 1 / (region.stop - region.start)
    means = backend.linear(x.data, constant(backend, matrix, "OI").data, None)
    return _in_order(backend, Value(means, x.dims))


def resize(
    backend: Backend,
    x: Value,
    *,
    over: str,
    sizes: Sequence[int],
    method: str,
    transform: str,
    rounding: str,
) -> Value:
    """Interpolated to new sizes; the words are resize2dLayer's."""
    data, restore = batched(backend, x, "C" + over)
    return restore(backend.resize(data, sizes, method, transform, rounding), "C" + over)
