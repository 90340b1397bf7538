"""Which elements of a network's arrays stand unchanged in a model, and where.

The inverse of the writer is the writer itself: it is run on a network whose arrays hold the
numbers of their own elements. Where an initializer holds such a number it holds that element,
whatever was turned, stacked by gates or joined on the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from matbridge.core.network import Network

__all__ = ["ArrayName", "Copies", "Copy", "Gathered", "copies_of", "gather"]

# Element k is the number BASE + SPACE·k, below 2·BASE: no sum, difference or small change of such
# numbers is another one, and float64 holds each.
BASE, SPACE, MOST = 2.0**40, 1024.0, 2**30
# More pieces than this are no copy that is worth telling.
MOST_PIECES = 4096
# Elements looked at together.
CHUNK = 1 << 20

# A layer and the name of one of its arrays.
ArrayName = tuple[str, str]


@dataclass(frozen=True)
class Copy:
    """Elements of an array in an initializer, both counted as they lie in memory.

    From each of ``starts`` (in the initializer, in the array) a grid of ``counts`` elements
    goes by ``steps`` (in the initializer, in the array).
    """

    initializer: str
    counts: tuple[int, ...]
    steps: tuple[tuple[int, int], ...]
    starts: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        return math.prod(self.counts) * len(self.starts)

    def in_initializer(self, data: np.ndarray) -> Iterator[np.ndarray]:
        """Views of the elements there; ValueError where they do not lie inside."""
        return self._views(data, 0)

    def in_array(self, data: np.ndarray) -> Iterator[np.ndarray]:
        """The same elements in the array, in the same order."""
        return self._views(data, 1)

    def _views(self, data: np.ndarray, side: int) -> Iterator[np.ndarray]:
        steps = tuple(step[side] * data.itemsize for step in self.steps)
        for start in self.starts:
            yield np.ndarray(self.counts, data.dtype, data, start[side] * data.itemsize, steps)


Copies = dict[ArrayName, list[Copy]]


class Gathered(NamedTuple):
    """The elements of an array that initializers hold, and which those are."""

    values: np.ndarray
    held: np.ndarray


def gather(
    shape: tuple[int, ...], copies: list[Copy], initializers: Mapping[str, np.ndarray]
) -> Gathered:
    """The elements of an array of this shape from the initializers that hold them.

    Raises ValueError or KeyError for copies that lead nowhere.
    """
    kind = np.result_type(*(initializers[copy.initializer].dtype for copy in copies))
    values, held = np.zeros(shape, kind), np.zeros(shape, bool)
    for copy in copies:
        initializer = initializers[copy.initializer]
        if copy.size > initializer.size:
            raise ValueError(f"{copy.initializer} does not hold {copy.size} elements")
        views = zip(*map(copy.in_array, (values, held)), strict=True)
        for source, (target, flags) in zip(copy.in_initializer(initializer), views, strict=True):
            target[...] = source
            flags[...] = True
    return Gathered(values, held)


def copies_of(network: Network, build: Callable[[Network], Mapping[str, np.ndarray]]) -> Copies:
    """Where the initializers that ``build`` makes hold elements of the network's arrays.

    ``build`` must keep float64. States, and arrays of other than floating-point numbers, keep
    their values.
    """
    ranges = _ranges(network)
    copies: Copies = {}
    if ranges:
        for initializer, array in build(_numbered(network, ranges)).items():
            if array.dtype == np.float64 and array.size:
                for name, copy in _located(initializer, array, ranges):
                    copies.setdefault(name, []).append(copy)
    return copies


def _ranges(network: Network) -> dict[ArrayName, range]:
    """The numbers of the elements of each array."""
    ranges: dict[ArrayName, range] = {}
    total = 0
    for layer in network.layers:
        for declared in layer.declared:
            array = layer.arrays.get(declared.name)
            if array is not None and declared.role != "state" and array.dtype.kind == "f":
                ranges[layer.name, declared.name] = range(total, total + array.size)
                total += array.size
    return ranges


def _numbered(network: Network, ranges: Mapping[ArrayName, range]) -> Network:
    arrays: dict[str, dict[str, np.ndarray]] = {}
    for (layer, name), numbers in ranges.items():
        elements = np.arange(numbers.start, numbers.stop, dtype=np.float64)
        shape = network[layer].arrays[name].shape
        arrays.setdefault(layer, {})[name] = (BASE + SPACE * elements).reshape(shape)
    return network.with_states(arrays)


def _located(
    initializer: str, array: np.ndarray, ranges: Mapping[ArrayName, range]
) -> Iterator[tuple[ArrayName, Copy]]:
    names, firsts = list(ranges), np.array([numbers.start for numbers in ranges.values()])
    places, elements, counts, steps = _rows(array, firsts) or _single(array)
    inside = (elements >= 0) & (elements < max(numbers.stop for numbers in ranges.values()))
    places, elements = places[inside], elements[inside]
    owners = np.searchsorted(firsts, elements, side="right") - 1
    for owner in np.unique(owners):
        mine = owners == owner
        points = np.stack([places[mine], elements[mine] - firsts[owner]], axis=1)
        copy = _copy(initializer, points, counts, steps)
        if len(copy.starts) <= MOST_PIECES:
            yield names[owner], copy


Steps = list[tuple[int, int]]
# Places in an initializer and the elements there, of which a grid of counts by steps goes out.
Points = tuple[np.ndarray, np.ndarray, list[int], Steps]


def _single(array: np.ndarray) -> Points:
    """Each element by itself."""
    elements = _elements(array.reshape(-1))
    places = np.flatnonzero(elements >= 0)
    return places, elements[places], [], []


def _rows(array: np.ndarray, firsts: np.ndarray) -> Points | None:
    """Rows along the last dimension, if elements of one array go through each by one step.

    Only ends are kept, for there may be many.
    """
    length = array.shape[-1] if array.ndim else 1
    rows = array.reshape(-1, length)
    if length == 1:
        return None
    step = rows[0, 1] - rows[0, 0]
    stride = max(1, CHUNK // length)
    chunks = (rows[i : i + stride] for i in range(0, len(rows), stride))
    if any((np.diff(chunk) != step).any() for chunk in chunks):
        return None
    ends = [_elements(rows[:, 0]), _elements(rows[:, -1])]
    if any((end < 0).any() for end in ends):
        return None
    first, last = (np.searchsorted(firsts, end, side="right") for end in ends)
    if (first != last).any():
        return None
    return np.arange(len(rows)) * length, ends[0], [length], [(1, int(step / SPACE))]


def _elements(numbers: np.ndarray) -> np.ndarray:
    """The elements that bear these numbers, -1 for what is none."""
    with np.errstate(invalid="ignore"):
        elements = (numbers - BASE) / SPACE
        right = (elements >= 0) & (elements < MOST) & (elements == np.floor(elements))
    return np.where(right, elements, -1.0).astype(np.int64)


def _copy(initializer: str, points: np.ndarray, counts: list[int], steps: Steps) -> Copy:
    """Points with equal steps between them as grids, as long as that makes them fewer."""
    counts, steps = [*counts], [*steps]
    while len(points) > 1:
        between = np.diff(points, axis=0)
        other = np.flatnonzero((between != between[0]).any(axis=1))
        count = int(other[0]) + 1 if len(other) else len(points)
        if len(points) % count:
            break
        rows = points.reshape(-1, count, 2)
        if (np.diff(rows, axis=1) != between[0]).any():
            break
        counts.insert(0, count)
        steps.insert(0, (int(between[0, 0]), int(between[0, 1])))
        points = rows[:, 0]
    starts = tuple((int(place), int(element)) for place, element in points[: MOST_PIECES + 1])
    return Copy(initializer, tuple(counts), tuple(steps), starts)
