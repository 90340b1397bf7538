"""The arithmetic words on sizes alone: what a function does to the size of its input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from matbridge.errors import LayerError
from matbridge.ops.arithmetic import Arithmetic
from matbridge.ops.layout import Value

__all__ = ["ShapeOps"]

# None is a size that only data will tell.
Shape = tuple[int | None, ...]


class ShapeOps(Arithmetic):
    """Data are tuples of sizes."""

    def sizes(self, x: Value) -> tuple[Any, ...]:
        return tuple(x.data)

    def constant(self, array: Any, dims: str) -> Value:
        return Value(tuple(np.shape(array)), dims)

    def _permute(self, data: Shape, axes: tuple[int, ...]) -> Shape:
        return tuple(data[axis] for axis in axes)

    def _reshape(self, data: Shape, sizes: tuple[Any, ...]) -> Shape:
        return tuple(sizes)

    def _expand(self, data: Shape, sizes: tuple[Any, ...]) -> Shape:
        return tuple(sizes)

    def _slice(self, data: Shape, axis: int, start: Any, stop: Any, step: int) -> Shape:
        size = data[axis]
        left = None if size is None else len(range(size)[start:stop:step])
        return (*data[:axis], left, *data[axis + 1 :])

    def _concatenate(self, data: Sequence[Shape], axis: int) -> Shape:
        first = data[0]
        along = [shape[axis] for shape in data]
        total = None if None in along else sum(n for n in along if n is not None)
        return (*first[:axis], total, *first[axis + 1 :])

    def _flip(self, data: Shape, axis: int) -> Shape:
        return data

    def _map(self, name: str, *data: Any, **options: Any) -> Shape:
        shapes = [shape for shape in data if isinstance(shape, tuple)]
        rank = max(map(len, shapes))
        full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
        return tuple(_expanded(sizes, shapes) for sizes in zip(*full, strict=True))

    def _reduce(self, name: str, data: Shape, axes: tuple[int, ...], keep: bool) -> Shape:
        sizes = [1 if axis in axes else n for axis, n in enumerate(data)]
        return tuple(n for axis, n in enumerate(sizes) if keep or axis not in axes)

    def _positions(self, data: Shape, axis: int) -> Shape:
        return (data[axis],)

    def _lookup(self, table: Shape, data: Shape, words: int, strict: bool) -> Shape:
        return (*data, table[-1])

    def _softmax(self, data: Shape, axis: int) -> Shape:
        return data

    def _matmul(self, a: Shape, b: Shape) -> Shape:
        return (*a[:-1], b[-1])

    def _linear(self, data: Shape, weights: Shape, bias: Any | None) -> Shape:
        if data[-1] not in (None, weights[-1]):
            raise LayerError(f"a {weights[0]}×{weights[1]} matrix cannot multiply {data[-1]} rows")
        return (*data[:-1], math.prod(n for n in weights[:-1] if n is not None))


def _expanded(sizes: Sequence[int | None], shapes: Sequence[Shape]) -> int | None:
    """The size to which these expand."""
    plain = {n for n in sizes if n not in (None, 1)}
    if len(plain) > 1:
        listed = " and ".join("×".join(map(str, shape)) for shape in shapes)
        raise LayerError(f"arrays of sizes {listed} cannot be combined")
    return next(iter(plain), None if None in sizes else 1)
