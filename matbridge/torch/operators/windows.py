"""Operators whose window moves over the spatial dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table

__all__ = ["WINDOWS"]

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
POOLS = {
    1: F.max_pool1d_with_indices,
    2: F.max_pool2d_with_indices,
    3: F.max_pool3d_with_indices,
}
Pairs = list[tuple[int, int]]


def _options(call: Call, rank: int) -> tuple[list[int], list[int]]:
    return call.wholes("strides", [1] * rank), call.wholes("dilations", [1] * rank)


def _pads(call: Call, sizes: Sequence[int], window: Sequence[int]) -> Pairs:
    """The amounts before and after, as the attributes say them or auto_pad finds them."""
    rank, auto = len(window), call.text("auto_pad", "NOTSET")
    strides, dilations = _options(call, rank)
    if auto in ("NOTSET", "VALID"):
        pads = call.wholes("pads", [0] * 2 * rank) if auto == "NOTSET" else [0] * 2 * rank
        return list(zip(pads[:rank], pads[rank:], strict=True))
    pairs = []
    for n, k, s, d in zip(sizes, window, strides, dilations, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pairs.append(_shared(total, auto == "SAME_UPPER"))
    return pairs


def _shared(total: int, upper: bool) -> tuple[int, int]:
    """Half before, half after; the odd one at the end if upper."""
    half = total // 2
    return (half, total - half) if upper else (total - half, half)


def _ceiling(call: Call, sizes: Sequence[int], window: Sequence[int], pairs: Pairs) -> list[int]:
    """What more is needed at the end so that ceil_mode's last window fits."""
    strides, dilations = _options(call, len(window))
    more = []
    for n, k, (a, b), s, d in zip(sizes, window, pairs, strides, dilations, strict=True):
        left = n + a + b - ((k - 1) * d + 1)
        count = -(-left // s)
        # The last window must begin within the input or the padding before it.
        count -= count * s >= n + a
        more.append(max(count * s - left, 0) if call.whole("ceil_mode") else 0)
    return more


def _grow(x: Tensor, pairs: Pairs, value: float = 0.0) -> Tensor:
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=value)


def convolve(call: Call, x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
    window = list(w.shape[2:])
    strides, dilations = _options(call, len(window))
    x = _grow(x, _pads(call, x.shape[2:], window))
    groups = call.whole("group", 1)
    return CONVOLUTIONS[len(window)](x, w, bias, strides, 0, dilations, groups)


def convolve_transposed(call: Call, x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
    rank = w.ndim - 2
    strides, dilations = _options(call, rank)
    more = call.wholes("output_padding", [0] * rank)
    y = TRANSPOSED[rank](x, w, None, strides, 0, 0, call.whole("group", 1), dilations)
    y = _grow(y, [(0, n) for n in more])
    y = _grow(y, [(-a, -b) for a, b in _cropping(call, x, y, strides)])
    return y if bias is None else y + bias.reshape(-1, *(1,) * rank)


def _cropping(call: Call, x: Tensor, y: Tensor, strides: Sequence[int]) -> Pairs:
    """What is cut off the full result: the pads, or what output_shape leaves."""
    rank, auto = len(strides), call.text("auto_pad", "NOTSET")
    same = auto.startswith("SAME")
    if call.has("output_shape") or same:
        sizes = [n * s for n, s in zip(x.shape[2:], strides, strict=True)]
        sizes = call.wholes("output_shape", sizes)[-rank:]
        totals = [have - n for have, n in zip(y.shape[2:], sizes, strict=True)]
        return [_shared(total, auto == "SAME_UPPER") for total in totals]
    pads = call.wholes("pads", [0] * 2 * rank)
    return list(zip(pads[:rank], pads[rank:], strict=True))


def max_pool(call: Call, x: Tensor) -> tuple[Tensor, Tensor]:
    """The maxima, and their places counted through the whole tensor."""
    window = call.wholes("kernel_shape")
    strides, dilations = _options(call, len(window))
    pairs = _pads(call, x.shape[2:], window)
    more = _ceiling(call, x.shape[2:], window, pairs)
    ends = [(a, b + n) for (a, b), n in zip(pairs, more, strict=True)]
    floating = x if x.is_floating_point() else x.double()
    padded = _grow(floating, ends, -math.inf)
    y, places = POOLS[len(window)](padded, window, strides, [0] * len(window), dilations)
    return y.to(x.dtype), _places(call, x, places, padded.shape[2:], pairs)


def _places(call: Call, x: Tensor, places: Tensor, padded: Sequence[int], pairs: Pairs) -> Tensor:
    """Places in a padded plane as places in the whole tensor."""
    sizes, coordinates, left = list(x.shape[2:]), [], places
    for n in reversed(padded):
        coordinates.append(left % n)
        left = left // n
    coordinates = [c - a for c, (a, _) in zip(reversed(coordinates), pairs, strict=True)]
    order = list(range(len(sizes)))
    order = order[::-1] if call.whole("storage_order") else order
    flat = torch.zeros_like(places)
    for axis in order:
        flat = flat * sizes[axis] + coordinates[axis]
    planes = torch.arange(x.shape[0] * x.shape[1], device=x.device)
    begin = planes.reshape(*x.shape[:2], *(1,) * len(sizes)) * math.prod(sizes)
    return flat + begin


def _sums(call: Call, x: Tensor, window: Sequence[int]) -> Tensor:
    """The sum over each window, of each channel by itself."""
    strides, dilations = _options(call, len(window))
    ones = torch.ones(1, 1, *window, dtype=x.dtype, device=x.device)
    planes = x.reshape(-1, 1, *x.shape[2:])
    y = CONVOLUTIONS[len(window)](planes, ones, None, strides, 0, dilations)
    return y.reshape(*x.shape[:2], *y.shape[2:])


def _windowed(call: Call, x: Tensor) -> tuple[Tensor, Tensor]:
    """The sums over windows, and how many elements count in each."""
    window = call.wholes("kernel_shape")
    pairs = _pads(call, x.shape[2:], window)
    more = [(0, n) for n in _ceiling(call, x.shape[2:], window, pairs)]
    inside = torch.ones_like(x[:1, :1])
    counted = _grow(inside, pairs, 1.0 if call.whole("count_include_pad") else 0.0)
    sums = _sums(call, _grow(_grow(x, pairs), more), window)
    return sums, _sums(call, _grow(counted, more), window)


def average_pool(call: Call, x: Tensor) -> Tensor:
    sums, counts = _windowed(call, x)
    return sums / counts


def lp_pool(call: Call, x: Tensor) -> Tensor:
    p = call.number("p", 2)
    sums, _ = _windowed(call, x.abs() ** p)
    return sums ** (1 / p)


def global_lp_pool(call: Call, x: Tensor) -> Tensor:
    p = call.number("p", 2)
    return (x.abs() ** p).sum(list(range(2, x.ndim)), keepdim=True) ** (1 / p)


def global_average_pool(call: Call, x: Tensor) -> Tensor:
    return x.mean(list(range(2, x.ndim)), keepdim=True)


def global_max_pool(call: Call, x: Tensor) -> Tensor:
    return x.amax(list(range(2, x.ndim)), keepdim=True)


def max_unpool(call: Call, x: Tensor, places: Tensor, shape: Sequence[int] | None = None) -> Tensor:
    """Places count through a tensor of the size that the attributes tell."""
    window = call.wholes("kernel_shape")
    strides, _ = _options(call, len(window))
    pairs = _pads(call, x.shape[2:], window)
    inner = [
        (n - 1) * s + k - a - b
        for n, s, k, (a, b) in zip(x.shape[2:], strides, window, pairs, strict=True)
    ]
    told = [*x.shape[:2], *inner]
    filled = x.new_zeros(math.prod(told)).scatter(0, places.flatten(), x.flatten())
    filled = filled.reshape(told)
    if shape is None:
        return filled
    return _grow(filled, [(0, n - m) for n, m in zip(shape[2:], inner, strict=True)])


def grid_sample(call: Call, x: Tensor, grid: Tensor) -> Tensor:
    words = {"linear": "bilinear", "cubic": "bicubic"}
    mode = call.text("mode", "linear")
    padding, corners = call.text("padding_mode", "zeros"), bool(call.whole("align_corners"))
    if mode in ("cubic", "bicubic") and x.ndim != 4:
        raise call.refuse("with mode cubic takes images alone")
    return F.grid_sample(x, grid, words.get(mode, mode), padding, corners)


def affine_grid(call: Call, theta: Tensor, size: Sequence[int]) -> Tensor:
    return F.affine_grid(theta, list(size), bool(call.whole("align_corners")))


def column_to_image(call: Call, x: Tensor, sizes: Sequence[int], window: Sequence[int]) -> Tensor:
    """Overlapping blocks summed up; images only."""
    pads = call.wholes("pads", [0] * 4)
    if len(window) != 2 or pads[:2] != pads[2:]:
        raise call.refuse("takes images with equal padding alone")
    strides, dilations = _options(call, 2)
    options = (dilations, pads[:2], strides)
    return F.fold(x, tuple(sizes), tuple(window), *map(tuple, options))


WINDOWS: Table = {
    "AffineGrid": Entry(affine_grid, lists=(1,)),
    "AveragePool": Entry(average_pool),
    "Col2Im": Entry(column_to_image, lists=(1, 2)),
    "Conv": Entry(convolve),
    "ConvTranspose": Entry(convolve_transposed),
    "GlobalAveragePool": Entry(global_average_pool),
    "GlobalLpPool": Entry(global_lp_pool),
    "GlobalMaxPool": Entry(global_max_pool),
    "GridSample": Entry(grid_sample),
    "LpPool": Entry(lp_pool),
    "MaxPool": Entry(max_pool),
    "MaxUnpool": Entry(max_unpool, lists=(2,)),
}
