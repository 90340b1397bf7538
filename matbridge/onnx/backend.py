"""The backend in ONNX."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from onnx import TensorProto

from matbridge.errors import UnsupportedError
from matbridge.onnx import recurrence, windows
from matbridge.onnx.elementwise import ELEMENTWISE
from matbridge.onnx.graph import Builder, Data, Dim, Size, Tensor
from matbridge.onnx.windows import sizes_of
from matbridge.ops.backend import Recurrence
from matbridge.ops.constants import Constants
from matbridge.version import DOCS

__all__ = ["OnnxBackend"]

REDUCTIONS = {"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin"}


P = ParamSpec("P")
R = TypeVar("R")


def _built(
    function: Callable[Concatenate[Builder, P], R],
) -> Callable[Concatenate[OnnxBackend, P], R]:
    """A function of a builder as a method of what holds one."""

    @functools.wraps(function)
    def method(backend: OnnxBackend, *arguments: P.args, **options: P.kwargs) -> R:
        return function(backend.builder, *arguments, **options)

    return method


class OnnxBackend:
    """Adds nodes to a graph. What depends on constants alone is computed at once."""

    training = False

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.constants = Constants()

    # -- layout ------------------------------------------------------------------------

    def sizes(self, data: Data) -> tuple[Any, ...]:
        return sizes_of(data)

    def constant(self, array: Any) -> Data:
        return np.asarray(array, dtype=np.float64)

    def permute(self, data: Data, axes: tuple[int, ...]) -> Data:
        if isinstance(data, np.ndarray):
            return data.transpose(axes)
        sizes = [data.sizes[axis] for axis in axes]
        return self.builder.node("Transpose", [data], sizes, perm=axes)

    def reshape(self, data: Data, sizes: tuple[Any, ...]) -> Data:
        if isinstance(data, np.ndarray):
            return data.reshape(sizes)
        return self.builder.node("Reshape", [data, self._new_shape(data.sizes, sizes)], sizes)

    def _new_shape(self, old: Sequence[Size], new: Sequence[Size]) -> str:
        """0 keeps the size at the same place, -1 is what is left; others are computed."""
        symbols = [place for place, n in enumerate(new) if isinstance(n, Dim)]
        kept = [p for p in symbols if p < len(old) and old[p] == new[p]]
        left = [p for p in symbols if p not in kept]
        if len(left) > 1:
            return self.builder.shape(new)
        special = {**dict.fromkeys(kept, 0), **dict.fromkeys(left, -1)}
        return self.builder.integers(
            [n if isinstance(n, int) else special[place] for place, n in enumerate(new)]
        )

    def expand(self, data: Data, sizes: tuple[Any, ...]) -> Data:
        if isinstance(data, np.ndarray) and all(isinstance(n, int) for n in sizes):
            return np.broadcast_to(data, sizes)
        zero = isinstance(data, np.ndarray) and not data.any()
        made = self.builder.node("Expand", [data, self.builder.shape(sizes)], sizes)
        return Tensor(made.name, made.sizes, zero)

    def slice(self, data: Data, axis: int, start: Any, stop: Any, step: int) -> Data:
        size = sizes_of(data)[axis]
        if isinstance(data, np.ndarray) and not isinstance(stop, Dim):
            place: list[slice] = [slice(None)] * data.ndim
            place[axis] = slice(start, stop, step)
            return data[tuple(place)]
        length: Size | None
        if isinstance(stop, Dim):
            end, length = self.builder.dim(stop), stop
        else:
            end = self.builder.integers([np.iinfo(np.int64).max if stop is None else stop])
            length = _sliced(size, start, stop, step)
        sizes = [length if place == axis else n for place, n in enumerate(sizes_of(data))]
        more = [self.builder.integers([start]), end, *map(self.builder.integers, ([axis], [step]))]
        return self.builder.node("Slice", [data, *more], sizes)

    def concatenate(self, data: Sequence[Data], axis: int) -> Data:
        arrays = [one for one in data if isinstance(one, np.ndarray)]
        if len(arrays) == len(data):
            return np.concatenate(arrays, axis)
        along = [sizes_of(one)[axis] for one in data]
        first = next(one for one in data if isinstance(one, Tensor))
        total = None if any(isinstance(n, Dim) for n in along) else sum(along)
        sizes = [total if p == axis else n for p, n in enumerate(first.sizes)]
        return self.builder.node("Concat", list(data), sizes, axis=axis)

    def flip(self, data: Data, axis: int) -> Data:
        if isinstance(data, np.ndarray):
            return np.flip(data, axis)
        ends = ([-1], [np.iinfo(np.int64).min], [axis], [-1])
        return self.builder.node("Slice", [data, *map(self.builder.integers, ends)], data.sizes)

    # -- arithmetic ----------------------------------------------------------------------

    def elementwise(self, name: str, *data: Any, **options: float | str) -> Data:
        arrays = [np.asarray(one) for one in data if not isinstance(one, Tensor)]
        if len(arrays) == len(data):
            return self.constants.elementwise(name, *arrays, **options)
        operands = [one if isinstance(one, Tensor) else np.asarray(one, float) for one in data]
        return ELEMENTWISE[name](self.builder, *operands, **options)

    def reduce(self, name: str, data: Data, axes: tuple[int, ...], keep: bool) -> Data:
        if isinstance(data, np.ndarray):
            return self.constants.reduce(name, data, axes, keep)
        sizes = [1 if axis in axes else n for axis, n in enumerate(data.sizes)]
        sizes = [n for axis, n in enumerate(sizes) if keep or axis not in axes]
        # In opset 17 only ReduceSum takes its axes as an input.
        if name == "sum":
            places = self.builder.integers(axes, "axes")
            return self.builder.node("ReduceSum", [data, places], sizes, keepdims=int(keep))
        return self.builder.node(REDUCTIONS[name], [data], sizes, axes=axes, keepdims=int(keep))

    def positions(self, data: Data, axis: int) -> Data:
        size = sizes_of(data)[axis]
        if isinstance(size, int):
            return np.arange(1.0, size + 1)
        ones = self.expand(np.ones(1), (size,))
        return self.builder.node("CumSum", [ones, self.builder.scalar(0)], (size,))

    def lookup(self, table: Data, data: Data, words: int, strict: bool) -> Data:
        last = sizes_of(table)[0] - 1
        sizes = sizes_of(data)
        inside = self.elementwise(
            "clip", self.elementwise("floor", data), low=1.0, high=float(words)
        )
        same = self.builder.node("Equal", [inside, data], sizes)
        index = self.builder.node(
            "Where", [same, self.elementwise("subtract", data, 1.0), np.array(float(last))], sizes
        )
        whole = self.builder.node("Cast", [index], sizes, to=TensorProto.INT64)
        return self.builder.node("Gather", [table, whole], (*sizes, sizes_of(table)[1]), axis=0)

    def softmax(self, data: Data, axis: int) -> Data:
        return self.builder.node("Softmax", [data], sizes_of(data), axis=axis)

    def matmul(self, a: Data, b: Data) -> Data:
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            return a @ b
        sizes = (*sizes_of(a)[:-1], sizes_of(b)[-1])
        return self.builder.node("MatMul", [a, b], sizes)

    def linear(self, data: Data, weights: Data, bias: Data | None) -> Data:
        y = self.matmul(data, self.permute(weights, (1, 0)))
        return y if bias is None else self.elementwise("add", y, bias)

    # -- windows ---------------------------------------------------------------------------

    pad = _built(windows.pad)
    convolution = _built(windows.convolution)
    transposed_convolution = _built(windows.transposed_convolution)
    max_pool = _built(windows.max_pool)
    max_pool_places = _built(windows.max_pool_places)
    unpool = _built(windows.unpool)
    average_pool = _built(windows.average_pool)
    resize = _built(windows.resize)

    # -- sequences -------------------------------------------------------------------------

    def recur(
        self, how: Recurrence, data: Data, weights: tuple[Any, ...], states: list[Data]
    ) -> tuple[Data, list[Data]]:
        y, last = recurrence.recur(self.builder, how, data, weights, states)
        # ONNX gives (T, directions, B, H).
        steps, directions, batch, units = y.sizes
        turned = self.permute(y, (0, 2, 1, 3))
        return self.reshape(turned, (steps, batch, directions * units)), list(last)

    def attend(
        self,
        query: Data,
        key: Data,
        value: Data,
        scale: float,
        causal: bool,
        mask: Data | None,
        want_scores: bool,
    ) -> tuple[Data, Data | None]:
        rank = len(sizes_of(key))
        turned = self.permute(key, (*range(rank - 2), rank - 1, rank - 2))
        products = self.elementwise("multiply", self.matmul(query, turned), scale)
        allowed = self._lower(sizes_of(products)[-2:]) if causal else mask
        if causal and mask is not None:
            allowed = self.elementwise("multiply", allowed, mask)
        if allowed is not None:
            short = self.elementwise("subtract", allowed, 1.0)
            products = self.elementwise("add", products, self.elementwise("multiply", short, 1e30))
        scores = self.softmax(products, rank - 1)
        if mask is not None:
            # Where no key counts, every score is 0.
            scores = self.elementwise("multiply", scores, allowed)
        return self.matmul(scores, value), scores if want_scores else None

    def _lower(self, sizes: Sequence[Size]) -> Tensor:
        """Ones on and below the diagonal."""
        one = np.ones(1, dtype=self.builder.dtype)
        ones = self.builder.node("Expand", [one, self.builder.shape(sizes)], sizes)
        return self.builder.node("Trilu", [ones], sizes, upper=0)

    # -- training --------------------------------------------------------------------------

    def plain(self, function: Callable[..., Any], *data: Data) -> Any:
        raise UnsupportedError(
            "a card computes in plain torch, which cannot be written to ONNX",
            mend="Convert it to .pt2, or say its forward in the words of ops: "
            f"{DOCS}/adding-a-layer.md",
        )

    def dropped(self, data: Data, probability: float, shared: tuple[int, ...]) -> Data:
        return data

    def noisy(self, data: Data, deviation: float) -> Data:
        return data


def _sliced(size: Size, start: int, stop: int | None, step: int) -> Size | None:
    if isinstance(size, int):
        return len(range(size)[start:stop:step])
    if stop is None and start < 0:
        return -start
    if stop is not None and 0 <= start <= stop:
        return math.ceil((stop - start) / step)
    return None
