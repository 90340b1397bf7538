"""Operators that take elements by their places, or put them there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table

__all__ = ["INDEXING"]

# ONNX's words for what becomes of several elements at one place.
JOINED = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def _counted_from_end(places: Tensor, size: int) -> Tensor:
    places = places.long()
    return torch.where(places < 0, places + size, places)


def gather(call: Call, x: Tensor, places: Tensor) -> Tensor:
    axis = call.whole("axis") % x.ndim
    index = _counted_from_end(places, x.shape[axis])
    rows = x.index_select(axis, index.flatten())
    return rows.reshape((*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]))


def gather_elements(call: Call, x: Tensor, places: Tensor) -> Tensor:
    axis = call.whole("axis")
    return x.gather(axis, _counted_from_end(places, x.shape[axis]))


def _flat(places: Tensor, sizes: Sequence[int]) -> Tensor:
    """Places by several coordinates, the last dimension of ``places``, as one number."""
    total = torch.zeros(places.shape[:-1], dtype=torch.long, device=places.device)
    for axis, size in enumerate(sizes):
        total = total * size + _counted_from_end(places[..., axis], size)
    return total


def gather_nd(call: Call, x: Tensor, places: Tensor) -> Tensor:
    batch, depth = call.whole("batch_dims"), places.shape[-1]
    outer, inner = x.shape[:batch], x.shape[batch + depth :]
    rows = x.reshape(math.prod(outer), -1, *inner)
    flat = _flat(places, x.shape[batch : batch + depth]).reshape(math.prod(outer), -1)
    picked = torch.stack([own[index] for own, index in zip(rows, flat, strict=True)])
    return picked.reshape((*places.shape[:-1], *inner))


def scatter_elements(call: Call, x: Tensor, places: Tensor, updates: Tensor) -> Tensor:
    axis = call.whole("axis")
    index = _counted_from_end(places, x.shape[axis])
    return _put(x, axis, index, updates, call.text("reduction", "none"))


def _put(x: Tensor, axis: int, index: Tensor, updates: Tensor, joined: str) -> Tensor:
    if joined == "none":
        return x.scatter(axis, index, updates)
    return x.scatter_reduce(axis, index, updates, JOINED[joined], include_self=True)


def scatter_nd(call: Call, x: Tensor, places: Tensor, updates: Tensor) -> Tensor:
    depth = places.shape[-1]
    rows = x.reshape(math.prod(x.shape[:depth]), -1)
    flat = _flat(places, x.shape[:depth]).reshape(-1, 1).expand(-1, rows.shape[1])
    values = updates.reshape(flat.shape)
    return _put(rows, 0, flat, values, call.text("reduction", "none")).reshape(x.shape)


def one_hot(call: Call, places: Tensor, depth: Tensor, values: Tensor) -> Tensor:
    """``values`` are those of the other places and of the one; none where it is outside."""
    count, axis = int(depth.item()), call.whole("axis", -1)
    index = _counted_from_end(places, count)
    new = axis % (places.ndim + 1)
    along = [1] * (places.ndim + 1)
    along[new] = count
    steps = torch.arange(count, device=places.device).reshape(along)
    return torch.where(index.unsqueeze(new) == steps, values[1], values[0])


def non_zero(call: Call, x: Tensor) -> Tensor:
    return torch.stack(torch.nonzero(x, as_tuple=True))


def compress(call: Call, x: Tensor, condition: Tensor) -> Tensor:
    places = torch.nonzero(condition.flatten()).flatten()
    if not call.has("axis"):
        return x.flatten()[places]
    return x.index_select(call.whole("axis"), places)


def reverse_sequence(call: Call, x: Tensor, lengths: Tensor) -> Tensor:
    """The first elements of each observation turned round, as many as its length."""
    time, batch = call.whole("time_axis", 0), call.whole("batch_axis", 1)
    shape = [1] * x.ndim
    shape[time] = x.shape[time]
    steps = torch.arange(x.shape[time], device=x.device).reshape(shape)
    shape = [1] * x.ndim
    shape[batch] = x.shape[batch]
    ends = lengths.long().reshape(shape)
    places = torch.where(steps < ends, ends - 1 - steps, steps)
    return x.gather(time, places.expand(x.shape))


INDEXING: Table = {
    "Compress": Entry(compress),
    "Gather": Entry(gather),
    "GatherElements": Entry(gather_elements),
    "GatherND": Entry(gather_nd),
    "NonZero": Entry(non_zero),
    "OneHot": Entry(one_hot),
    "ReverseSequence": Entry(reverse_sequence),
    "Scatter": Entry(scatter_elements),
    "ScatterElements": Entry(scatter_elements),
    "ScatterND": Entry(scatter_nd),
}
