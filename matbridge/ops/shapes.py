"""A backend of sizes alone: what a function does to the size of its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from matbridge.core.dims import pool_output, window_span
from matbridge.errors import LayerError
from matbridge.ops.backend import Pairs, Recurrence

__all__ = ["Shapes"]

# None is a size that only data will tell.
Shape = tuple[int | None, ...]


class Shapes:
    """Data are tuples of sizes."""

    training = False

    def sizes(self, data: Shape) -> Shape:
        return data

    def constant(self, array: Any) -> Shape:
        return np.shape(array)

    def permute(self, data: Shape, axes: tuple[int, ...]) -> Shape:
        return tuple(data[axis] for axis in axes)

    def reshape(self, data: Shape, sizes: tuple[Any, ...]) -> Shape:
        return sizes

    def expand(self, data: Shape, sizes: tuple[Any, ...]) -> Shape:
        return sizes

    def slice(self, data: Shape, axis: int, start: Any, stop: Any, step: int) -> Shape:
        size = data[axis]
        left = None if size is None else len(range(size)[start:stop:step])
        return (*data[:axis], left, *data[axis + 1 :])

    def concatenate(self, data: Sequence[Shape], axis: int) -> Shape:
        first = data[0]
        along = [shape[axis] for shape in data]
        total = None if None in along else sum(n for n in along if n is not None)
        return (*first[:axis], total, *first[axis + 1 :])

    def flip(self, data: Shape, axis: int) -> Shape:
        return data

    def elementwise(self, name: str, *data: Any, **options: float | str) -> Shape:
        shapes = [shape for shape in data if isinstance(shape, tuple)]
        rank = max(map(len, shapes))
        full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
        return tuple(_expanded(sizes, shapes) for sizes in zip(*full, strict=True))

    def reduce(self, name: str, data: Shape, axes: tuple[int, ...], keep: bool) -> Shape:
        sizes = [1 if axis in axes else n for axis, n in enumerate(data)]
        return tuple(n for axis, n in enumerate(sizes) if keep or axis not in axes)

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

    def pad(self, data: Shape, padding: Pairs, value: float | str) -> Shape:
        outer = len(data) - len(padding)
        pairs = zip(data[outer:], padding, strict=True)
        inner = (None if n is None else n + a + b for n, (a, b) in pairs)
        return (*data[:outer], *inner)

    def convolution(
        self,
        data: Shape,
        kernel: Shape,
        bias: Shape,
        padding: Pairs,
        stride: Sequence[int],
        dilation: Sequence[int],
        groups: int,
    ) -> Shape:
        spans = [window_span(k or 1, d) for k, d in zip(kernel[2:], dilation, strict=True)]
        return (data[0], kernel[0], *_windows(data[2:], spans, stride, padding))

    def transposed_convolution(
        self, data: Shape, kernel: Shape, bias: Shape, stride: Sequence[int]
    ) -> Shape:
        triples = zip(data[2:], stride, kernel[2:], strict=True)
        sizes = (None if n is None else (n - 1) * s + (k or 1) for n, s, k in triples)
        return (data[0], kernel[1], *sizes)

    def max_pool(
        self, data: Shape, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> Shape:
        return (*data[:2], *_windows(data[2:], window, stride, padding))

    def average_pool(
        self,
        data: Shape,
        window: Sequence[int],
        stride: Sequence[int],
        padding: Pairs,
        count_padding: bool,
    ) -> Shape:
        return self.max_pool(data, window, stride, padding)

    def max_pool_places(
        self, data: Shape, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> tuple[Shape, Shape]:
        pooled = self.max_pool(data, window, stride, padding)
        return pooled, pooled

    def unpool(self, data: Shape, places: Shape, sizes: Sequence[Any]) -> Shape:
        return (*data[:2], *sizes)

    def resize(
        self, data: Shape, sizes: Sequence[int], method: str, transform: str, rounding: str
    ) -> Shape:
        return (*data[:2], *sizes)

    def recur(
        self, how: Recurrence, data: Shape, weights: tuple[Shape, ...], states: list[Shape]
    ) -> tuple[Shape, list[Shape]]:
        return (*data[:2], how.directions * (weights[1][-1] or 1)), states

    def attend(
        self,
        query: Shape,
        key: Shape,
        value: Shape,
        scale: float,
        causal: bool,
        mask: Shape | None,
        want_scores: bool,
    ) -> tuple[Shape, Shape | None]:
        scores = (*query[:-1], key[-2])
        return (*query[:-1], value[-1]), scores if want_scores else None

    def dropped(self, data: Shape, probability: float, shared: tuple[int, ...]) -> Shape:
        return data

    def noisy(self, data: Shape, deviation: float) -> Shape:
        return data


def _windows(
    sizes: Shape, spans: Sequence[int], stride: Sequence[int], padding: Pairs
) -> list[int | None]:
    pairs = zip(sizes, spans, stride, padding, strict=True)
    return [pool_output(n, span, s, a + b) for n, span, s, (a, b) in pairs]


def _expanded(sizes: Sequence[int | None], shapes: Sequence[Shape]) -> int | None:
    """The size to which these expand."""
    plain = {n for n in sizes if n not in (None, 1)}
    if len(plain) > 1:
        listed = " and ".join(map(_shown, shapes))
        raise LayerError(f"arrays of sizes {listed} cannot be combined")
    return next(iter(plain), None if None in sizes else 1)


def _shown(sizes: Shape) -> str:
    return "×".join(map(str, sizes))
