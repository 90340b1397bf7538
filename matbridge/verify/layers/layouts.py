"""Recorded values as they lie in MATLAB, brought beside what is computed there, and back.

A recorded value tells by its sizes alone in which order its dimensions lie: H×W×C×N, C×N or N×C,
C×T×N or a cell of C×T, or flattened as 'OutputAs' has it. Where several orders fit, that is meant
whose values are nearest to what is computed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from matbridge.core.dims import canonical, column_major, reorder, without

__all__ = ["Layout", "Observations", "Recorded", "layouts", "read_misfit"]

# A recorded value: an array, or one for each observation.
Recorded: TypeAlias = np.ndarray | Sequence[np.ndarray]


@dataclass(frozen=True)
class Observations:
    """Values by observation, from 0, in ``dims`` without B, the spatial ones told apart (12C)."""

    dims: str
    values: Mapping[int, np.ndarray]

    def among(self, members: Sequence[int]) -> Observations:
        """Those of these observations alone."""
        return Observations(self.dims, {m: self.values[m] for m in members})

    @property
    def alike(self) -> bool:
        """Whether all have the same sizes."""
        return len({value.shape for value in self.values.values()}) == 1

    def sizes(self, member: int) -> dict[str, int]:
        """The size of each dimension of an observation."""
        return dict(zip(self.dims, self.values[member].shape, strict=True))


@dataclass(frozen=True)
class Layout:
    """The order of the dimensions of a recorded value, in an array or, in ``cells``, in one for
    each observation; ``flat`` where C stands for all of them, column-major."""

    dims: str
    cells: bool = False
    flat: bool = False

    def read(self, value: Recorded, like: Observations) -> Observations:
        """The observations of a recorded value, in the dims of what is computed."""
        if self.cells:
            own = [like.sizes(member) for member in sorted(like.values)]
            items = [_read(x, self.dims, like.dims, n) for x, n in zip(value, own, strict=False)]
        elif self.flat:
            shape = next(iter(like.values.values())).shape
            rows = _read(np.asarray(value), self.dims, "BC", {"C": math.prod(shape)})
            items = [column_major(row, shape) for row in rows]
        else:
            sizes = like.sizes(min(like.values))
            items = list(_read(np.asarray(value), self.dims, "B" + like.dims, sizes))
        return Observations(like.dims, dict(enumerate(items)))

    def lay(self, own: Observations) -> np.ndarray | list[np.ndarray]:
        """What is computed, in the order in which the recorded value lies."""
        items = [own.values[member] for member in sorted(own.values)]
        if self.cells:
            return [reorder(item, own.dims, self.dims) for item in items]
        if self.flat:
            return reorder(np.stack([column_major(i, (-1,)) for i in items]), "BC", self.dims)
        return reorder(np.stack(items), "B" + own.dims, self.dims)


def layouts(
    value: Recorded, own: Observations, count: int, rows_first: bool = False
) -> list[Layout]:
    """Those that fit the sizes of a recorded value of at most ``count`` observations, the
    likeliest first; ``rows_first`` where a row for each observation is."""
    if isinstance(value, list | tuple):
        if not 0 < len(value) <= count:
            return []
        orders = [Layout(dims, cells=True) for dims in _orders(own.dims)]
        return [one for one in orders if _fits_cells(one.dims, value, own)]
    if not own.alike:
        return []
    shape = np.shape(value)
    sizes: dict[str, int] = own.sizes(min(own.values))
    orders = [Layout(dims) for dims in _orders(canonical(own.dims + "B"), rows_first)]
    found = [(one, _observations_in(shape, one.dims, sizes)) for one in orders]
    if set(own.dims) & set("123"):
        whole = {"C": math.prod(sizes.values())}
        flat = [Layout(dims, flat=True) for dims in ("CB", "BC")]
        found += [(one, _observations_in(shape, one.dims, whole)) for one in flat]
    return [one for one, n in found if n == count] or [one for one, n in found if 0 < n < count]


def read_misfit(value: Recorded, own: Observations, count: int) -> Observations | None:
    """A recorded value of all observations that has other sizes than what is computed, but as many
    channels, in MATLAB's order; None where that is not what it is."""
    cells = isinstance(value, list | tuple)
    if cells and len(value) != count:
        return None
    dims = own.dims if cells else canonical(own.dims + "B")
    wanted = {"B": count, "C": own.sizes(min(own.values)).get("C")}
    rows: list[np.ndarray] = []
    for array in map(np.asarray, value if cells else [value]):
        shape = (*array.shape, *(1,) * (len(dims) - array.ndim))
        sizes = dict(zip(dims, shape, strict=False))
        other = any(sizes[label] != n for label, n in wanted.items() if label in dims)
        if other or len(shape) > len(dims):
            return None
        rows.extend(_read(array, dims, "B" + own.dims, sizes))
    return Observations(own.dims, dict(enumerate(rows)))


def _orders(dims: str, rows_first: bool = False) -> Iterator[str]:
    """The orders of these dims, the spatial ones side by side: MATLAB's, the observations last,
    then first, then all others."""
    spatial = "".join(label for label in dims if label in "123")
    rest = without(dims, spatial + "B")
    likely = [dims, spatial + rest + "B", "B" + spatial + rest] if "B" in dims else [dims]
    blocks = [block for block in (spatial, *without(dims, spatial)) if block]
    every = ("".join(order) for order in itertools.permutations(blocks))
    yield from dict.fromkeys([*(likely[::-1] if rows_first else likely), *every])


def _fits_cells(dims: str, value: Sequence[np.ndarray], own: Observations) -> bool:
    pairs = zip(sorted(own.values), value, strict=False)
    return all(_observations_in(np.shape(x), dims, own.sizes(m)) == 1 for m, x in pairs)


def _observations_in(shape: tuple[int, ...], dims: str, sizes: Mapping[str, int]) -> int:
    """How many observations an array of this shape has if it lies in these dims, 1 without B; 0
    where it does not. Dimensions of size 1 make no difference."""
    full = _full(shape, dims, sizes)
    return dict(zip(dims, full, strict=True)).get("B", 1) if _lies(shape, full) else 0


def _lies(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    return [n for n in shape if n != 1] == [n for n in full if n != 1]


def _full(shape: tuple[int, ...], dims: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The sizes of all these dims in an array of this shape: as many observations as there is
    room for."""
    known = math.prod(sizes[label] for label in dims if label != "B")
    count = math.prod(shape) // known if known else 0
    return tuple(count if label == "B" else sizes[label] for label in dims)


def _read(value: np.ndarray, have: str, want: str, sizes: Mapping[str, int]) -> np.ndarray:
    """The array with all its dimensions, in another order."""
    array = np.asarray(value)
    return reorder(array.reshape(_full(array.shape, have, sizes)), have, want)
