"""The backend in ONNX."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Concatenate, NoReturn, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from onnx import TensorProto

from matbridge.errors import UnsupportedError
from matbridge.onnx import loops, operators, recurrence, windows
from matbridge.onnx.elementwise import ELEMENTWISE
from matbridge.onnx.graph import TYPES, Builder, Data, Dim, Extent, Tensor, settled
from matbridge.onnx.windows import known
from matbridge.ops.backend import Loop, Recurrence
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
        # What each result of a Reshape was made of.
        self.reshaped: dict[str, Tensor] = {}

    # -- layout ------------------------------------------------------------------------

    def sizes(self, data: Data) -> tuple[Extent, ...]:
        return data.shape

    def constant(self, array: ArrayLike) -> Data:
        return np.asarray(array, dtype=np.float64)

    def permute(self, data: Data, axes: tuple[int, ...]) -> Data:
        if isinstance(data, np.ndarray):
            return data.transpose(axes)
        shape = tuple(data.shape[axis] for axis in axes)
        longer = [axis for axis in axes if data.shape[axis] != 1]
        if longer == sorted(longer):
            # Nothing moves in memory.
            return self.reshape(data, shape)
        return self.builder.node("Transpose", [data], shape, perm=axes)

    def reshape(self, data: Data, sizes: tuple[Extent, ...]) -> Data:
        if isinstance(data, np.ndarray) and settled(sizes):
            return data.reshape(sizes)
        # Of what was reshaped before, only the last shape counts.
        source = self.reshaped.get(data.name, data) if isinstance(data, Tensor) else data
        if source.shape == tuple(sizes):
            return source
        result = self.builder.node("Reshape", [source, self._new_shape(source.shape, sizes)], sizes)
        if isinstance(source, Tensor):
            self.reshaped[result.name] = source
        return result

    def _new_shape(self, old: Sequence[Extent], new: Sequence[Extent]) -> str:
        """0 keeps the length at the same place, -1 is what is left; others are computed."""
        symbols = [place for place, n in enumerate(new) if isinstance(n, Dim)]
        kept = [p for p in symbols if p < len(old) and old[p] == new[p]]
        left = [p for p in symbols if p not in kept]
        if len(left) > 1:
            return self.builder.shape(new)
        special = {**dict.fromkeys(kept, 0), **dict.fromkeys(left, -1)}
        return self.builder.integers(
            [n if isinstance(n, int) else special[place] for place, n in enumerate(new)]
        )

    def expand(self, data: Data, sizes: tuple[Extent, ...]) -> Data:
        if isinstance(data, Tensor) and data.shape == tuple(sizes):
            return data
        if isinstance(data, np.ndarray) and settled(sizes):
            return np.broadcast_to(data, sizes)
        expanded = self.builder.node("Expand", [data, self.builder.shape(sizes)], sizes)
        zero = isinstance(data, np.ndarray) and not data.any()
        return replace(expanded, zero=zero)

    def slice(self, data: Data, axis: int, start: int, stop: Extent | None, step: int) -> Data:
        if isinstance(data, np.ndarray) and not isinstance(stop, Dim):
            index = [slice(None)] * data.ndim
            index[axis] = slice(start, stop, step)
            return data[tuple(index)]
        length: Extent | None
        if isinstance(stop, Dim) and self.builder.opset < 10 and (start, step) == (0, 1):
            shape = [stop if place == axis else n for place, n in enumerate(data.shape)]
            return self.builder.node("Gather", [data, self._places(stop)], shape, axis=axis)
        if isinstance(stop, Dim):
            end, length = self.builder.dim(stop), stop
        else:
            end = self.builder.integers([np.iinfo(np.int64).max if stop is None else stop])
            # ONNX says "to the last" by a number past every length.
            length = _sliced(data.shape[axis], start, stop, step)
        shape = [length if place == axis else n for place, n in enumerate(data.shape)]
        more = [self.builder.integers([start]), end, *map(self.builder.integers, ([axis], [step]))]
        return self.builder.node("Slice", [data, *more], shape)

    def take(self, data: Data, axis: int, places: tuple[int, ...]) -> Data:
        if isinstance(data, np.ndarray):
            return self.constants.take(data, axis, places)
        shape = [len(places) if place == axis else n for place, n in enumerate(data.shape)]
        return self.builder.node("Gather", [data, self.builder.integers(places)], shape, axis=axis)

    def concatenate(self, data: Sequence[Data], axis: int) -> Data:
        arrays = [part for part in data if isinstance(part, np.ndarray)]
        if len(arrays) == len(data):
            return np.concatenate(arrays, axis)
        along = [part.shape[axis] for part in data]
        first = next(part for part in data if isinstance(part, Tensor))
        total = sum(along) if settled(along) else None
        shape = [total if p == axis else n for p, n in enumerate(first.shape)]
        return self.builder.node("Concat", list(data), shape, axis=axis)

    def flip(self, data: Data, axis: int) -> Data:
        if isinstance(data, np.ndarray):
            return np.flip(data, axis)
        # From the last element down past the first, which no number but the smallest says.
        ends = ([-1], [np.iinfo(np.int64).min], [axis], [-1])
        return self.builder.node("Slice", [data, *map(self.builder.integers, ends)], data.shape)

    # -- arithmetic ----------------------------------------------------------------------

    def elementwise(self, name: str, *data: Data | float, **options: float | str) -> Data:
        arrays = [_wide(x) for x in data if not isinstance(x, Tensor)]
        if len(arrays) == len(data):
            return self.constants.elementwise(name, *arrays, **options)
        operands = [x if isinstance(x, Tensor) else np.asarray(x, float) for x in data]
        return ELEMENTWISE[name](self.builder, *operands, **options)

    def reduce(self, name: str, data: Data, axes: tuple[int, ...], keep: bool) -> Data:
        if isinstance(data, np.ndarray):
            return self.constants.reduce(name, _wide(data), axes, keep)
        shape = [1 if axis in axes else n for axis, n in enumerate(data.shape)]
        shape = [n for axis, n in enumerate(shape) if keep or axis not in axes]
        places = self.builder.integers(axes, "axes")
        return self.builder.node(REDUCTIONS[name], [data, places], shape, keepdims=int(keep))

    def positions(self, data: Data, axis: int) -> Data:
        length = data.shape[axis]
        if isinstance(length, int):
            return np.arange(1.0, length + 1)
        kind = TYPES[self.builder.dtype.name]
        numbers = self.builder.node("Cast", [self._places(length)], (length,), to=kind)
        return self.elementwise("add", numbers, 1.0)

    def _places(self, length: Dim) -> Data:
        """Whole numbers from 0: the places of as many ones as there will be."""
        ones = self.expand(np.ones(1), (length,))
        return self.reshape(self.builder.node("NonZero", [ones], (1, length)), (length,))

    def lookup(self, table: Data, data: Data, words: int, strict: bool) -> Data:
        inside = self.elementwise(
            "clip", self.elementwise("floor", data), low=1.0, high=float(words)
        )
        # Equal to itself rounded and brought inside: one of the words, counted from 1.
        same = self.builder.node("Cast", [self.elementwise("equal", inside, data)], data.shape,
                                 to=TensorProto.BOOL)  # fmt: skip
        other = np.array(known(table.shape[0], "an embedding") - 1.0)
        index = self.builder.node(
            "Where", [same, self.elementwise("subtract", data, 1.0), other], data.shape
        )
        whole = self.builder.node("Cast", [index], data.shape, to=TensorProto.INT64)
        return self.builder.node("Gather", [table, whole], (*data.shape, table.shape[1]), axis=0)

    def softmax(self, data: Data, axis: int) -> Data:
        if self.builder.opset < 13 and axis != len(data.shape) - 1:
            # Until then Softmax was over all dimensions from the axis on.
            high = self.reduce("max", data, (axis,), keep=True)
            powers = self.elementwise("exp", self.elementwise("subtract", data, high))
            return self.elementwise("divide", powers, self.reduce("sum", powers, (axis,), True))
        return self.builder.node("Softmax", [data], data.shape, axis=axis)

    def matmul(self, a: Data, b: Data) -> Data:
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            return np.asarray(_wide(a) @ _wide(b))
        return self.builder.node("MatMul", [a, b], (*a.shape[:-1], b.shape[-1]))

    def linear(self, data: Data, weights: Data, bias: Data | None) -> Data:
        if len(data.shape) == 2 and isinstance(data, Tensor) and bias is not None:
            rows, columns = data.shape[0], weights.shape[0]
            return self.builder.node("Gemm", [data, weights, bias], (rows, columns), transB=1)
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

    operate = _built(operators.operate)

    # -- sequences -------------------------------------------------------------------------

    def recur(
        self, how: Recurrence, data: Data, weights: tuple[Data, ...], states: list[Data]
    ) -> tuple[Data, list[Data]]:
        y, last = recurrence.recur(self.builder, how, data, weights, states)
        # ONNX gives (T, directions, B, H).
        steps, directions, batch, units = y.shape
        turned = self.permute(y, (0, 2, 1, 3))
        return self.reshape(turned, (steps, batch, directions * units)), list(last)

    def loop(
        self, body: Loop, states: list[Data], sequences: list[Data]
    ) -> tuple[list[Data], list[Data]]:
        results, last = loops.loop(self.builder, self, body, states, sequences)
        return list(results), list(last)

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
        rank = len(key.shape)
        turned = self.permute(key, (*range(rank - 2), rank - 1, rank - 2))
        products = self.elementwise("multiply", self.matmul(query, turned), scale)
        # Whatever is positive counts, as in PyTorch.
        allowed = None if mask is None else self.elementwise("less", 0.0, mask)
        if causal:
            lower = self._lower(products)
            allowed = lower if allowed is None else self.elementwise("multiply", lower, allowed)
        if allowed is not None:
            # 1 adds nothing, 0 takes so much that softmax makes 0 of it; -Inf would make NaN
            # where a whole row is out.
            short = self.elementwise("subtract", allowed, 1.0)
            products = self.elementwise("add", products, self.elementwise("multiply", short, 1e30))
        scores = self.softmax(products, rank - 1)
        if mask is not None and allowed is not None:
            # Where no key counts, every score is 0.
            scores = self.elementwise("multiply", scores, allowed)
        return self.matmul(scores, value), scores if want_scores else None

    def _lower(self, products: Data) -> Data:
        """Ones on and below the diagonal of the last two dimensions."""
        queries, keys = len(products.shape) - 2, len(products.shape) - 1
        row = self.reshape(self.positions(products, queries), (products.shape[queries], 1))
        above = self.elementwise("less", row, self.positions(products, keys))
        return self.elementwise("subtract", 1.0, above)

    # -- training --------------------------------------------------------------------------

    def plain(self, function: Callable[..., object], *data: Data) -> NoReturn:
        raise UnsupportedError(
            "a card computes in plain torch, which cannot be written to ONNX",
            mend="Convert it to .pt2, or say its forward in the words of ops: "
            f"{DOCS}/adding-a-layer.md",
        )

    def dropped(self, data: Data, probability: float, shared: tuple[int, ...]) -> Data:
        return data

    def noisy(self, data: Data, deviation: float) -> Data:
        return data


def _wide(x: ArrayLike) -> np.ndarray:
    """A constant as it is computed with: in float64, so that a model only rounds once."""
    array = np.asarray(x)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _sliced(extent: Extent, start: int, stop: int | None, step: int) -> int | None:
    """The length of a slice; None where it depends on a length not known yet."""
    if isinstance(extent, int):
        return len(range(extent)[start:stop:step])
    if stop is None and start < 0:
        return -start
    if stop is not None and 0 <= start <= stop:
        return math.ceil((stop - start) / step)
    return None
