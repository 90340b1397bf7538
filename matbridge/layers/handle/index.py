"""Indexing in a handle, x(1:3, :, end): which elements are meant."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from matbridge.core.dims import Extent
from matbridge.layers.handle.arrays import Arrays
from matbridge.layers.handle.parse import Node, unsupported
from matbridge.layers.handle.reshape import reshaped
from matbridge.layers.handle.values import Labelled, Operand, known
from matbridge.ops import ArrayOps, Value

__all__ = ["indexed"]

# As many elements may be named one by one.
MOST = 1024

Places = slice | list[int]
# The value of an index in a dimension of a size.
Number = Callable[[Node, Extent], np.ndarray | None]
COLON = Node("colon")


def indexed(run: Arrays, value: Operand, parts: Sequence[Node], number: Number) -> Operand:
    """value(1:3, :, end): one index for each dimension, a last : for all that are left."""
    if not isinstance(value, Labelled):
        raise unsupported(run.text, "text cannot be computed with")
    if not parts:
        return value
    row = len(parts) == 1 and parts[0] != COLON and run.sizes(value)[1:] != (1,)
    value = run.spread(_merged(run, value, parts), len(parts))
    x = value.value
    for place, part in enumerate(parts):
        if part == COLON:
            continue
        label = value.order[place]
        if label == "B":
            raise unsupported(run.text, "observations cannot be indexed")
        x = taken(run.words(value), x, label, _places(run, value, place, part, number))
    picked = run.result(x, value.order, value)
    # A(1:3) of a matrix or row is a row.
    return run.result(x, picked.order[::-1], value) if row else picked


def _merged(run: Arrays, value: Labelled, parts: Sequence[Node]) -> Labelled:
    """With as many dimensions as there are indices: the last one counts through all the rest."""
    count = len(parts)
    value = run.trimmed(value, count)
    if len(value.order) <= count:
        return value if count > 1 else run.spread(value, 2)
    if not value.constant and parts[-1] != COLON:
        raise unsupported(run.text, "one index for each dimension is needed")
    sizes = [run.size(value, place) for place in range(len(value.order))]
    rest = math.prod(sizes[count - 1 :])
    # A(:) is a column.
    return reshaped(run, value, [*sizes[: count - 1], rest, *([1] if count == 1 else [])])


def _places(run: Arrays, value: Labelled, place: int, part: Node, number: Number) -> Places:
    size = run.sizes(value)[place]
    places = None if known(size) else counted_from_end(part)
    if places is None:
        numbers = number(part, run.size(value, place))
        places = None if numbers is None else checked(numbers, size)
    if places is None:
        raise run.refuse("an index is not within its dimension")
    return places


def counted_from_end(node: Node) -> Places | None:
    """``end``, ``end-2``, ``end-2:end``, ``3:end``, ``3:end-1`` where the size is not known."""
    if node.kind == "range" and len(node.parts) == 2:
        first, last = node.parts
        stop = _from_end(last)
        start = int(first.value) - 1 if _whole(first) else _from_end(first)
        if stop is None or start is None or first.value == "0":
            return None
        # Up to and with the last element, -1, a slice has no stop: 0 would be the first.
        return slice(start, stop + 1 or None)
    at = _from_end(node)
    return None if at is None else slice(at, at + 1 or None)


def _from_end(node: Node) -> int | None:
    """-1 for ``end``, -3 for ``end-2``."""
    if node == Node("name", "end"):
        return -1
    if node.kind == "binary" and node.value == "-" and _whole(node.parts[1]):
        return -1 - int(node.parts[1].value) if node.parts[0] == Node("name", "end") else None
    return None


def _whole(node: Node) -> bool:
    return node.kind == "number" and node.value.isdigit()


def checked(numbers: np.ndarray, size: Extent) -> Places | None:
    """The places, from 0, of these numbers, from 1; None where one is outside."""
    flat = numbers.reshape(-1, order="F").astype(float)
    if not flat.size or not np.isfinite(flat).all() or np.any(flat != np.floor(flat)):
        return None
    if flat.min() < 1 or (known(size) and flat.max() > size):
        return None
    places = [int(n) - 1 for n in flat]
    steps = {b - a for a, b in itertools.pairwise(places)} or {1}
    if len(steps) == 1 and min(steps) > 0:
        return slice(places[0], places[-1] + 1, steps.pop())
    return places if len(places) <= MOST else None


def taken(ops: ArrayOps, x: Value, label: str, places: Places) -> Value:
    """These elements of one dimension, which stays."""
    if places == slice(None):
        return x
    if isinstance(places, slice):
        return ops.slice(x, label, places.start, places.stop, places.step or 1)
    return ops.concatenate([ops.slice(x, label, n, n + 1) for n in places], label)
