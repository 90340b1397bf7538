"""Values and their labels: the only place where a value's dimensions change order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from matbridge.core.dims import Extent, missing, permutation, without
from matbridge.errors import LayerError, MismatchError
from matbridge.ops.backend import ArrayBackend, Data

__all__ = [
    "Value",
    "align",
    "axis_of",
    "batched",
    "column_major",
    "concatenate",
    "constant",
    "drop",
    "expand",
    "flatten",
    "flip",
    "merge",
    "numbered",
    "numbered_axis",
    "pick",
    "rename",
    "reshape",
    "size",
    "sizes",
    "slice",
    "spatial",
    "split",
    "take",
    "unnumbered",
]


@dataclass(frozen=True)
class Value:
    """Data of a backend and the labels of its dimensions, in the order at hand."""

    data: Data
    dims: str


# Data with one leading dimension for all that ride along, and what turns it back.
Batched = tuple[Data, Callable[[Data, str], Value]]


def numbered(dims: str) -> str:
    """The spatial labels told apart: ``numbered("BCSS") == "BC12"``."""
    count = 0
    named = ""
    for label in dims:
        count += label == "S"
        named += str(count) if label == "S" else label
    return named


def unnumbered(dims: str) -> str:
    """The inverse of :func:`numbered`."""
    return dims.translate(str.maketrans("123", "SSS"))


def column_major(dims: str) -> str:
    """The numbered spatial labels and C such that the last runs fastest: "C21"."""
    return "C" + "321"[3 - dims.count("S") :]


def axis_of(x: Value, label: str) -> int:
    """Where the first dimension with this label lies; LayerError if there is none."""
    axis = x.dims.find(label)
    if axis < 0:
        raise LayerError(f"a value of format {x.dims} has no dimension {label}")
    return axis


def numbered_axis(dims: str, label: str) -> int:
    """The axis of a label, or of a spatial dimension told apart as 1, 2, 3."""
    return (numbered(dims) if label in ("1", "2", "3") else dims).index(label)


def sizes(backend: ArrayBackend, x: Value) -> tuple[Extent, ...]:
    """Sizes in the order at hand; whole numbers where they are known."""
    return backend.sizes(x.data)


def size(backend: ArrayBackend, x: Value, label: str) -> Extent:
    """The size of the first dimension with this label."""
    return backend.sizes(x.data)[axis_of(x, label)]


def spatial(backend: ArrayBackend, x: Value, labels: str = "S") -> tuple[Extent, ...]:
    """The sizes of all dimensions with these labels, in the order at hand."""
    pairs = zip(x.dims, backend.sizes(x.data), strict=True)
    return tuple(n for label, n in pairs if label in labels)


def constant(backend: ArrayBackend, array: ArrayLike, dims: str) -> Value:
    """A value that does not depend on the input."""
    return Value(backend.constant(array), dims)


def align(backend: ArrayBackend, x: Value, dims: str) -> Value:
    """The same value with its dimensions in this order; new ones have size 1."""
    if x.dims == dims:
        return x
    new = missing(x.dims, dims)
    if new:
        # At the end first; the permutation brings them where they belong.
        ones = (1,) * len(new)
        x = Value(backend.reshape(x.data, backend.sizes(x.data) + ones), x.dims + new)
    if len(x.dims) != len(dims):
        raise MismatchError(f"a value of format {x.dims} cannot be brought to {dims}")
    return Value(backend.permute(x.data, permutation(x.dims, dims)), dims)


def reshape(backend: ArrayBackend, x: Value, sizes: Sequence[Extent], dims: str) -> Value:
    """New sizes and labels over the same elements, the last dimension fastest."""
    return Value(backend.reshape(x.data, tuple(sizes)), dims)


def drop(backend: ArrayBackend, x: Value, labels: str) -> Value:
    """Without these dimensions (every S for one "S"), which have size 1."""
    pairs = zip(x.dims, backend.sizes(x.data), strict=True)
    kept = [(label, n) for label, n in pairs if label not in labels]
    return reshape(backend, x, [n for _, n in kept], "".join(label for label, _ in kept))


def rename(backend: ArrayBackend, x: Value, dims: str) -> Value:
    """Other labels for the same dimensions."""
    return Value(x.data, dims)


def expand(backend: ArrayBackend, x: Value, dims: str, like: Value) -> Value:
    """``x`` aligned to ``dims`` and repeated to the sizes that ``like`` has."""
    x = align(backend, x, dims)
    there = dict(zip(like.dims, backend.sizes(like.data), strict=True))
    wanted = (there.get(label, n) for label, n in zip(dims, backend.sizes(x.data), strict=True))
    return Value(backend.expand(x.data, tuple(wanted)), dims)


def merge(backend: ArrayBackend, x: Value, labels: str, into: str) -> Value:
    """Merge these dimensions, the last named running fastest, into one at the end.

    Spatial dimensions are told apart as 1, 2, 3: ``merge(x, "C321", "C")`` is
    MATLAB's column-major order of H×W×D×C.
    """
    x = Value(x.data, numbered(x.dims))
    rest = without(x.dims, labels)
    x = align(backend, x, rest + labels)
    outer, inner = _parted(backend, x, len(rest))
    return reshape(backend, x, (*outer, math.prod(inner)), unnumbered(rest) + into)


def _parted(
    backend: ArrayBackend, x: Value, place: int
) -> tuple[tuple[Extent, ...], tuple[Extent, ...]]:
    """The sizes before this place and from there on."""
    known = backend.sizes(x.data)
    return known[:place], known[place:]


def split(backend: ArrayBackend, x: Value, label: str, sizes: Sequence[Extent], dims: str) -> Value:
    """One dimension as several, the last running fastest; they stand at the end."""
    x = align(backend, x, without(x.dims, label) + label)
    outer = backend.sizes(x.data)[:-1]
    return reshape(backend, x, (*outer, *sizes), x.dims[:-1] + dims)


def flatten(backend: ArrayBackend, x: Value) -> Value:
    """All spatial dimensions and the channels as channels, in column-major order."""
    return merge(backend, x, column_major(x.dims), "C") if "S" in x.dims else x


def batched(backend: ArrayBackend, x: Value, core: str) -> Batched:
    """Data with everything but ``core`` merged into one leading dimension.

    The second result turns data of the same kind back into a value, given its core.
    """
    rest = without(x.dims, core)
    x = align(backend, x, rest + core)
    outer, inner = _parted(backend, x, len(rest))
    # One dimension rides along: no reshape, which an exporter would write down.
    if len(rest) == 1:
        return x.data, lambda data, core: Value(data, rest + core)

    def restore(data: Data, core: str) -> Value:
        return Value(backend.reshape(data, (*outer, *backend.sizes(data)[1:])), rest + core)

    return backend.reshape(x.data, (math.prod(outer), *inner)), restore


def slice(
    backend: ArrayBackend, x: Value, label: str, start: Extent, stop: Extent = None, step: int = 1
) -> Value:
    """Elements start (from 0) up to, not including, stop along one dimension.

    "1", "2", "3" name the spatial ones.
    """
    axis = numbered_axis(x.dims, label)
    return Value(backend.slice(x.data, axis, start, stop, step), x.dims)


def take(backend: ArrayBackend, x: Value, label: str, places: Sequence[int]) -> Value:
    """The elements at these places (from 0) along one dimension, in this order."""
    return Value(backend.take(x.data, axis_of(x, label), tuple(places)), x.dims)


def pick(backend: ArrayBackend, x: Value, label: str, index: int) -> Value:
    """One element along a dimension, which goes; -1 is the last."""
    # -1 + 1 is 0, where a slice would end before it began.
    stop = None if index == -1 else index + 1
    return drop(backend, slice(backend, x, label, index, stop), label)


def concatenate(backend: ArrayBackend, values: Sequence[Value], label: str) -> Value:
    """Side by side along one dimension; "1", "2", "3" name the spatial ones."""
    # The fullest format: the others get what they lack, with size 1.
    dims = max((value.dims for value in values), key=len)
    data = [align(backend, value, dims).data for value in values]
    return Value(backend.concatenate(data, numbered_axis(dims, label)), dims)


def flip(backend: ArrayBackend, x: Value, label: str) -> Value:
    """Turned round along one dimension."""
    return Value(backend.flip(x.data, axis_of(x, label)), x.dims)
