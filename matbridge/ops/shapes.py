"""A backend of sizes alone: what a function does to the size of its input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from matbridge.errors import LayerError

__all__ = ["Shapes"]

# None is a size that only data will tell.
Shape = tuple[int | None, ...]


class Shapes:
    """Data are tuples of sizes."""

    training = False

    def sizes(self, data: Shape) -> Shape:
        return data

    def constant(self, array: ArrayLike) -> Shape:
        return tuple(np.shape(array))

    def permute(self, data: Shape, axes: tuple[int, ...]) -> Shape:
        return tuple(data[axis] for axis in axes)

    def reshape(self, data: Shape, sizes: Shape) -> Shape:
        return tuple(sizes)

    def expand(self, data: Shape, sizes: Shape) -> Shape:
        return tuple(sizes)

    def slice(
        self, data: Shape, axis: int, start: int | None, stop: int | None, step: int
    ) -> Shape:
        size = data[axis]
        # Python's own arithmetic of slices.
        left = None if size is None else len(range(size)[start:stop:step])
        return (*data[:axis], left, *data[axis + 1 :])

    def take(self, data: Shape, axis: int, places: tuple[int, ...]) -> Shape:
        return (*data[:axis], len(places), *data[axis + 1 :])

    def concatenate(self, data: Sequence[Shape], axis: int) -> Shape:
        first = data[0]
        along = [shape[axis] for shape in data]
        total = None if None in along else sum(n for n in along if n is not None)
        return (*first[:axis], total, *first[axis + 1 :])

    def flip(self, data: Shape, axis: int) -> Shape:
        return data

    def elementwise(self, name: str, *data: Shape | float, **options: float | str) -> Shape:
        shapes = [shape for shape in data if isinstance(shape, tuple)]
        rank = max(map(len, shapes))
        # From the right, as arrays expand.
        full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
        return tuple(_expanded(extents, shapes) for extents in zip(*full, strict=True))

    def reduce(self, name: str, data: Shape, axes: tuple[int, ...], keep: bool) -> Shape:
        extents = [1 if axis in axes else n for axis, n in enumerate(data)]
        return tuple(n for axis, n in enumerate(extents) if keep or axis not in axes)

    def softmax(self, data: Shape, axis: int) -> Shape:
        return data

    def matmul(self, a: Shape, b: Shape) -> Shape:
        return (*a[:-1], b[-1])

    def linear(self, data: Shape, weights: Shape, bias: Shape | None) -> Shape:
        if data[-1] not in (None, weights[-1]):
            raise LayerError(f"a {_shown(weights)} matrix cannot multiply {data[-1]} rows")
        return (*data[:-1], weights[0])

    def positions(self, data: Shape, axis: int) -> Shape:
        return (data[axis],)

    def lookup(self, table: Shape, data: Shape, words: int, strict: bool) -> Shape:
        return (*data, table[-1])


def _expanded(extents: Sequence[int | None], shapes: Sequence[Shape]) -> int | None:
    """The size to which these expand."""
    plain = {n for n in extents if n not in (None, 1)}
    if len(plain) > 1:
        listed = " and ".join(map(_shown, shapes))
        raise LayerError(f"arrays of sizes {listed} cannot be combined")
    # What is not known yet must turn out to be the known size, or 1.
    return next(iter(plain), None if None in extents else 1)


def _shown(shape: Shape) -> str:
    return "×".join(map(str, shape))
