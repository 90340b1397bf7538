"""Indexing in a handle, x(1:3, :, end): which elements are meant."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from matbridge.layers.handle.parse import Node
from matbridge.ops import Ops, Value

__all__ = ["chosen", "elements", "taken"]

# As many elements may be named one by one.
MOST = 64

Places = slice | list[int]


def chosen(node: Node, size: Any, number: Callable[[Node], np.ndarray | None]) -> Places | None:
    """The places, from 0, that an index means in a dimension of this size.

    ``number`` gives the value of a part, with ``end`` as the size where that is known. None
    for what cannot be told: an index outside, or one that depends on a size not known yet.
    """
    if node.kind == "colon":
        return slice(None)
    if node.kind == "range" and node.parts[-1] == Node("name", "end") and len(node.parts) == 2:
        start = number(node.parts[0])
        return None if start is None else _checked(start, size, rest=True)
    found = number(node)
    return None if found is None else _checked(found, size)


def _checked(found: np.ndarray, size: Any, rest: bool = False) -> Places | None:
    if not found.size or not np.isfinite(found).all() or np.any(found != np.floor(found)):
        return None
    places = [int(n) for n in found.reshape(-1, order="F")]
    if min(places) < 1 or (isinstance(size, int) and max(places) > size):
        return None
    if rest:
        return slice(places[0] - 1, None)
    steps = {b - a for a, b in itertools.pairwise(places)} or {1}
    if len(steps) == 1 and min(steps) > 0:
        return slice(places[0] - 1, places[-1], steps.pop())
    return [n - 1 for n in places] if len(places) <= MOST else None


def taken(ops: Ops, x: Value, label: str, places: Places) -> Value:
    """These elements of one dimension, which stays."""
    if places == slice(None):
        return x
    if isinstance(places, slice):
        return ops.slice(x, label, places.start, places.stop, places.step or 1)
    return ops.concatenate([ops.slice(x, label, n, n + 1) for n in places], label)


def elements(array: np.ndarray, places: list[Places]) -> np.ndarray:
    """Those of a constant: by one index column by column, or by one for each dimension."""
    if len(places) == 1:
        found = array.reshape(-1, order="F")[places[0]]
        return found.reshape(-1, 1) if array.shape[1:] == (1,) else found.reshape(1, -1)
    axes = [np.arange(n)[p] for n, p in zip(array.shape, places, strict=True)]
    return array[np.ix_(*axes)]
