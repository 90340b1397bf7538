"""Operators that move elements and dimensions, and those that tell sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table, as_type

__all__ = ["SHAPES"]


def reshape(call: Call, x: Tensor, shape: Sequence[int] | None = None) -> Tensor:
    """0 keeps the size at its place, unless allowzero says that it is one."""
    wanted = call.wholes("shape") if shape is None else list(shape)
    if not call.whole("allowzero"):
        wanted = [x.shape[axis] if n == 0 else n for axis, n in enumerate(wanted)]
    return x.reshape(wanted)


def flatten(call: Call, x: Tensor) -> Tensor:
    axis = call.whole("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def squeeze(call: Call, x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    over = call.wholes("axes") if axes is None else list(axes)
    if not over and axes is None and not call.has("axes"):
        return x.squeeze()
    gone = {axis % x.ndim for axis in over}
    return x.reshape([n for axis, n in enumerate(x.shape) if axis not in gone])


def unsqueeze(call: Call, x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    new = call.wholes("axes") if axes is None else list(axes)
    rank = x.ndim + len(new)
    places = {axis % rank for axis in new}
    sizes = iter(x.shape)
    return x.reshape([1 if axis in places else next(sizes) for axis in range(rank)])


def transpose(call: Call, x: Tensor) -> Tensor:
    return x.permute(call.wholes("perm", range(x.ndim)[::-1]))


def concatenate(call: Call, *x: Tensor) -> Tensor:
    return torch.cat(x, call.whole("axis", 1))


def split(call: Call, x: Tensor, sizes: Sequence[int] | None = None) -> tuple[Tensor, ...]:
    """Into the sizes that are said, or into equal parts, the last one smaller."""
    axis = call.whole("axis")
    parts = call.wholes("split") if sizes is None else list(sizes)
    if not parts:
        count = call.whole("num_outputs", len(call.operation.wanted))
        return torch.split(x, -(-x.shape[axis] // count), axis)
    return torch.split(x, parts, axis)


def slice_(
    call: Call,
    x: Tensor,
    starts: Sequence[int] | None = None,
    ends: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    steps: Sequence[int] | None = None,
) -> Tensor:
    first = call.wholes("starts") if starts is None else list(starts)
    last = call.wholes("ends") if ends is None else list(ends)
    along = call.wholes("axes", range(len(first))) if axes is None else list(axes)
    by = [1] * len(first) if steps is None else list(steps)
    for start, end, axis, step in zip(first, last, along, by, strict=True):
        x = _sliced(x, start, end, axis % x.ndim, step)
    return x


def _sliced(x: Tensor, start: int, end: int, axis: int, step: int) -> Tensor:
    if step > 0:
        return x[(*(slice(None),) * axis, slice(start, end, step))]
    places = range(*slice(start, end, step).indices(x.shape[axis]))
    return x.index_select(axis, torch.tensor(places, dtype=torch.long, device=x.device))


def expand(call: Call, x: Tensor, shape: Sequence[int]) -> Tensor:
    """Sizes of 1 on either side give way to the other."""
    return x.expand(torch.broadcast_shapes(x.shape, tuple(shape)))


def tile(call: Call, x: Tensor, repeats: Sequence[int] | int, axis: int | None = None) -> Tensor:
    """Before operator set 6 one number of repeats along one axis."""
    if axis is None and isinstance(repeats, Sequence):
        return x.repeat(*repeats)
    counts = [1] * x.ndim
    counts[_single(axis)] = _single(repeats)
    return x.repeat(*counts)


def _single(number: object) -> int:
    return int(np.asarray(number).item())


def pad(
    call: Call,
    x: Tensor,
    pads: Sequence[int] | None = None,
    value: Tensor | None = None,
    axes: Sequence[int] | None = None,
) -> Tensor:
    """Amounts below 0 crop."""
    amounts = call.wholes("pads", call.wholes("paddings")) if pads is None else list(pads)
    along = list(range(x.ndim)) if axes is None else [axis % x.ndim for axis in axes]
    half, mode = len(along), call.text("mode", "constant")
    pairs = {axis: (amounts[i], amounts[i + half]) for i, axis in enumerate(along)}
    if mode != "constant":
        for axis, pair in pairs.items():
            x = _padded(x, axis, pair, mode)
        return x
    fill = call.number("value", 0.0) if value is None else value.item()
    ends = [n for axis in range(x.ndim)[::-1] for n in pairs.get(axis, (0, 0))]
    return F.pad(x.to(torch.uint8) if x.dtype == torch.bool else x, ends, value=fill).to(x.dtype)


def _padded(x: Tensor, axis: int, pair: tuple[int, int], mode: str) -> Tensor:
    """By elements of its own: the same places as NumPy takes."""
    grown = [max(n, 0) for n in pair]
    places = np.pad(np.arange(x.shape[axis]), grown, mode=mode)  # type: ignore[call-overload]
    places = places[max(-pair[0], 0) : len(places) - max(-pair[1], 0)]
    return x.index_select(axis, torch.as_tensor(places, device=x.device))


def shape_of(call: Call, x: Tensor) -> Tensor:
    start = call.whole("start")
    end = call.whole("end") if call.has("end") else None
    return torch.tensor(list(x.shape[start:end]), dtype=torch.long, device=x.device)


def size_of(call: Call, x: Tensor) -> Tensor:
    return torch.tensor(x.numel(), dtype=torch.long, device=x.device)


def constant_of_shape(call: Call, shape: Sequence[int]) -> Tensor:
    value = call.operation.attributes.get("value")
    fill = torch.zeros(1, dtype=call.dtype) if value is None else torch.as_tensor(value)
    fill = fill.to(call.dtype) if fill.is_floating_point() else fill
    return fill.expand(tuple(shape)).clone() if shape else fill.reshape(()).clone()


def range_(call: Call, start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    ends = start.item(), limit.item(), delta.item()
    return torch.arange(*ends, dtype=start.dtype, device=start.device)


def eye_like(call: Call, x: Tensor) -> Tensor:
    dtype = as_type(call, call.whole("dtype")) if call.has("dtype") else x.dtype
    ones = torch.ones(x.shape, dtype=torch.bool, device=x.device)
    k = call.whole("k")
    return (ones.triu(k) & ones.tril(k)).to(dtype)


def triangle(call: Call, x: Tensor, k: int = 0) -> Tensor:
    offset = _single(k if k is not None else 0)
    return x.triu(offset) if call.whole("upper", 1) else x.tril(offset)


def depth_to_space(call: Call, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    b = call.whole("blocksize")
    if call.text("mode", "DCR") == "CRD":
        parts = x.reshape(n, c // b**2, b, b, h, w).permute(0, 1, 4, 2, 5, 3)
    else:
        parts = x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(n, c // b**2, h * b, w * b)


def space_to_depth(call: Call, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    b = call.whole("blocksize")
    parts = x.reshape(n, c, h // b, b, w // b, b)
    # CRD counts the channels slowest, DCR the places in a block.
    rows_first = call.text("mode", "DCR") == "DCR"
    parts = parts.permute(*((0, 3, 5, 1, 2, 4) if rows_first else (0, 1, 3, 5, 2, 4)))
    return parts.reshape(n, c * b**2, h // b, w // b)


def center_crop_pad(call: Call, x: Tensor, shape: Sequence[int]) -> Tensor:
    axes = call.wholes("axes", range(x.ndim))
    for axis, wanted in zip(axes, shape, strict=True):
        axis %= x.ndim
        more = wanted - x.shape[axis]
        if more < 0:
            x = x.narrow(axis, -more // 2, wanted)
        else:
            ends = [0, 0] * (x.ndim - axis - 1) + [more // 2, more - more // 2]
            x = F.pad(x, ends)
    return x


SHAPES: Table = {
    "CenterCropPad": Entry(center_crop_pad, lists=(1,)),
    "Concat": Entry(concatenate),
    "ConstantOfShape": Entry(constant_of_shape, lists=(0,)),
    "DepthToSpace": Entry(depth_to_space),
    "Expand": Entry(expand, lists=(1,)),
    "EyeLike": Entry(eye_like),
    "Flatten": Entry(flatten),
    "Pad": Entry(pad, lists=(1, 3)),
    "Range": Entry(range_),
    "Reshape": Entry(reshape, lists=(1,)),
    "Shape": Entry(shape_of),
    "Size": Entry(size_of),
    "Slice": Entry(slice_, lists=(1, 2, 3, 4)),
    "SpaceToDepth": Entry(space_to_depth),
    "Split": Entry(split, lists=(1,)),
    "Squeeze": Entry(squeeze, lists=(1,)),
    "Tile": Entry(tile, lists=(1, 2)),
    "Transpose": Entry(transpose),
    "Trilu": Entry(triangle, lists=(1,)),
    "Unsqueeze": Entry(unsqueeze, lists=(1,)),
}
