"""The words of :mod:`matbridge.ops` in ONNX."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto

from matbridge.dims import pool_output, window_span
from matbridge.errors import UnsupportedError
from matbridge.ops import Ops, Recurrence, Value
from matbridge.write import onnx_recurrence
from matbridge.write.onnx_elementwise import ELEMENTWISE, NUMPY
from matbridge.write.onnx_graph import Builder, Data, Dim, Size, Tensor

__all__ = ["OnnxOps"]

Pairs = Sequence[tuple[Any, Any]]

REDUCTIONS = {"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin"}
PAD_MODES = {"symmetric-exclude-edge": "reflect", "replicate": "edge"}
TRANSFORMS = {"half-pixel": "half_pixel", "asymmetric": "asymmetric"}


class OnnxOps(Ops):
    """Adds nodes to a graph. What depends on constants alone is computed at once."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    # -- layout ------------------------------------------------------------------------

    def sizes(self, x: Value) -> tuple[Any, ...]:
        return sizes_of(x.data)

    def constant(self, array: Any, dims: str) -> Value:
        return Value(np.asarray(array, dtype=np.float64), dims)

    def _permute(self, data: Data, axes: tuple[int, ...]) -> Data:
        if isinstance(data, np.ndarray):
            return data.transpose(axes)
        sizes = [data.sizes[axis] for axis in axes]
        return self.builder.node("Transpose", [data], sizes, perm=axes)

    def _reshape(self, data: Data, sizes: tuple[Any, ...]) -> Data:
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

    def _expand(self, data: Data, sizes: tuple[Any, ...]) -> Data:
        if isinstance(data, np.ndarray) and all(isinstance(n, int) for n in sizes):
            return np.broadcast_to(data, sizes)
        zero = isinstance(data, np.ndarray) and not data.any()
        made = self.builder.node("Expand", [data, self.builder.shape(sizes)], sizes)
        return Tensor(made.name, made.sizes, zero)

    def _slice(self, data: Data, axis: int, start: Any, stop: Any, step: int) -> Data:
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

    def _concatenate(self, data: Sequence[Data], axis: int) -> Data:
        arrays = [one for one in data if isinstance(one, np.ndarray)]
        if len(arrays) == len(data):
            return np.concatenate(arrays, axis)
        along = [sizes_of(one)[axis] for one in data]
        first = next(one for one in data if isinstance(one, Tensor))
        total = None if any(isinstance(n, Dim) for n in along) else sum(along)
        sizes = [total if p == axis else n for p, n in enumerate(first.sizes)]
        return self.builder.node("Concat", list(data), sizes, axis=axis)

    def _flip(self, data: Data, axis: int) -> Data:
        if isinstance(data, np.ndarray):
            return np.flip(data, axis)
        ends = ([-1], [np.iinfo(np.int64).min], [axis], [-1])
        return self.builder.node("Slice", [data, *map(self.builder.integers, ends)], data.sizes)

    # -- arithmetic ----------------------------------------------------------------------

    def _map(self, name: str, *data: Any, **options: Any) -> Data:
        arrays = [np.asarray(one) for one in data if not isinstance(one, Tensor)]
        if len(arrays) == len(data):
            return np.asarray(NUMPY[name](*arrays, **options))
        operands = [one if isinstance(one, Tensor) else np.asarray(one, float) for one in data]
        return ELEMENTWISE[name](self.builder, *operands, **options)

    def _reduce(self, name: str, data: Data, axes: tuple[int, ...], keep: bool) -> Data:
        if isinstance(data, np.ndarray):
            return np.asarray(getattr(np, name)(data, axis=axes, keepdims=keep))
        sizes = [1 if axis in axes else n for axis, n in enumerate(data.sizes)]
        sizes = [n for axis, n in enumerate(sizes) if keep or axis not in axes]
        # In opset 17 only ReduceSum takes its axes as an input.
        if name == "sum":
            places = self.builder.integers(axes, "axes")
            return self.builder.node("ReduceSum", [data, places], sizes, keepdims=int(keep))
        return self.builder.node(REDUCTIONS[name], [data], sizes, axes=axes, keepdims=int(keep))

    def _positions(self, data: Data, axis: int) -> Data:
        size = sizes_of(data)[axis]
        if isinstance(size, int):
            return np.arange(1.0, size + 1)
        ones = self._expand(np.ones(1), (size,))
        return self.builder.node("CumSum", [ones, self.builder.scalar(0)], (size,))

    def _lookup(self, table: Data, data: Data, words: int, strict: bool) -> Data:
        last = sizes_of(table)[0] - 1
        sizes = sizes_of(data)
        inside = self._map("clip", data, low=1.0, high=float(words))
        same = self.builder.node("Equal", [inside, data], sizes)
        index = self.builder.node(
            "Where", [same, self._map("subtract", data, 1.0), np.array(float(last))], sizes
        )
        whole = self.builder.node("Cast", [index], sizes, to=TensorProto.INT64)
        return self.builder.node("Gather", [table, whole], (*sizes, sizes_of(table)[1]), axis=0)

    def _softmax(self, data: Data, axis: int) -> Data:
        return self.builder.node("Softmax", [data], sizes_of(data), axis=axis)

    def _matmul(self, a: Data, b: Data) -> Data:
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            return a @ b
        sizes = (*sizes_of(a)[:-1], sizes_of(b)[-1])
        return self.builder.node("MatMul", [a, b], sizes)

    def _linear(self, data: Data, weights: Data, bias: Data | None) -> Data:
        y = self._matmul(data, self._permute(weights, (1, 0)))
        return y if bias is None else self._map("add", y, bias)

    # -- windows -------------------------------------------------------------------------

    def _pad(self, data: Data, padding: Pairs, value: float | str) -> Data:
        if all(a == 0 and b == 0 for a, b in padding):
            return data
        if value == "symmetric-include-edge":
            return self._mirror(data, padding)
        outer = len(sizes_of(data)) - len(padding)
        sizes = [
            n if p < outer else _padded(n, padding[p - outer]) for p, n in enumerate(sizes_of(data))
        ]
        starts, ends = [0] * outer + [a for a, _ in padding], [0] * outer + [b for _, b in padding]
        amounts = self.builder.integers([*starts, *ends], "pads")
        if isinstance(value, str):
            return self.builder.node("Pad", [data, amounts], sizes, mode=PAD_MODES[value])
        number = self.builder.name_of(np.array(value, dtype=self.builder.dtype))
        return self.builder.node("Pad", [data, amounts, number], sizes)

    def _mirror(self, data: Data, padding: Pairs) -> Data:
        """Reflection with the edge repeated, which ONNX does not have: elements by index."""
        first = len(sizes_of(data)) - len(padding)
        for axis, (before, after) in enumerate(padding, first):
            size = known(sizes_of(data)[axis], "a padded dimension")
            index = np.arange(-before, size + after) % (2 * size)
            data = self._gather(data, axis, np.minimum(index, 2 * size - 1 - index))
        return data

    def _gather(self, data: Data, axis: int, index: np.ndarray) -> Data:
        sizes = [len(index) if p == axis else n for p, n in enumerate(sizes_of(data))]
        return self.builder.node(
            "Gather", [data, self.builder.integers(index.tolist())], sizes, axis=axis
        )

    def _convolution(
        self,
        data: Data,
        kernel: Data,
        bias: Data,
        padding: Pairs,
        stride: Sequence[int],
        dilation: Sequence[int],
        groups: int,
    ) -> Data:
        batch, _, *spatial = sizes_of(data)
        outputs, _, *window = fixed(kernel)
        spans = [window_span(k, d) for k, d in zip(window, dilation, strict=True)]
        return self.builder.node(
            "Conv",
            [data, kernel, bias],
            [batch, outputs, *_windows(spatial, spans, stride, padding)],
            kernel_shape=window,
            pads=ends(padding),
            strides=stride,
            dilations=dilation,
            group=groups,
        )

    def _transposed_convolution(
        self, data: Data, kernel: Data, bias: Data, stride: Sequence[int]
    ) -> Data:
        batch, _, *spatial = sizes_of(data)
        _, outputs, *window = fixed(kernel)
        sizes = [
            None if isinstance(n, Dim) else n * s - s + k
            for n, s, k in zip(spatial, stride, window, strict=True)
        ]
        return self.builder.node(
            "ConvTranspose",
            [data, kernel, bias],
            [batch, outputs, *sizes],
            kernel_shape=window,
            strides=stride,
        )

    def _max_pool(
        self, data: Data, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> Data:
        batch, channels, *spatial = sizes_of(data)
        sizes = [batch, channels, *_windows(spatial, window, stride, padding)]
        return self.builder.node(
            "MaxPool", [data], sizes, kernel_shape=window, strides=stride, pads=ends(padding)
        )

    def _max_pool_places(
        self, data: Data, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> tuple[Data, Data]:
        batch, channels, *spatial = sizes_of(data)
        sizes = [batch, channels, *_windows(spatial, window, stride, padding)]
        values, places = self.builder.nodes_with(
            "MaxPool",
            [data],
            [sizes, sizes],
            kernel_shape=window,
            strides=stride,
            pads=ends(padding),
        )
        return values, places

    def _unpool(self, data: Data, places: Data, sizes: Sequence[Any]) -> Data:
        target = (*sizes_of(data)[:2], *sizes)
        ones = [1] * len(sizes)
        inputs = [data, places, self.builder.shape(target)]
        return self.builder.node("MaxUnpool", inputs, target, kernel_shape=ones, strides=ones)

    def _average_pool(
        self,
        data: Data,
        window: Sequence[int],
        stride: Sequence[int],
        padding: Pairs,
        count_padding: bool,
    ) -> Data:
        batch, channels, *spatial = sizes_of(data)
        return self.builder.node(
            "AveragePool",
            [data],
            [batch, channels, *_windows(spatial, window, stride, padding)],
            kernel_shape=window,
            strides=stride,
            pads=ends(padding),
            count_include_pad=int(count_padding),
        )

    def _resize(
        self, data: Data, sizes: Sequence[int], method: str, transform: str, rounding: str
    ) -> Data:
        batch, channels, *spatial = sizes_of(data)
        before = [known(n, "a resized dimension") for n in spatial]
        shrinks = any(b > a for b, a in zip(before, sizes, strict=True))
        nearest = {"round": "round_prefer_ceil", "floor": "floor"}.get(
            rounding, "ceil" if shrinks else "floor"
        )
        scales = np.array([1, 1, *(a / b for a, b in zip(sizes, before, strict=True))], np.float32)
        target = [batch, channels, *sizes]
        return self.builder.node(
            "Resize",
            [data, "", self.builder.initializer(scales, "scales")],
            target,
            mode="nearest" if method == "nearest" else "linear",
            coordinate_transformation_mode=TRANSFORMS[transform],
            nearest_mode=nearest,
        )

    # -- sequences -------------------------------------------------------------------------

    def _recur(
        self, how: Recurrence, data: Data, weights: tuple[Any, ...], states: list[Data]
    ) -> tuple[Data, list[Data]]:
        y, last = onnx_recurrence.recur(self.builder, how, data, weights, states)
        # ONNX gives (T, directions, B, H).
        steps, directions, batch, units = y.sizes
        turned = self._permute(y, (0, 2, 1, 3))
        return self._reshape(turned, (steps, batch, directions * units)), list(last)

    def _attend(
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
        turned = self._permute(key, (*range(rank - 2), rank - 1, rank - 2))
        products = self._map("multiply", self._matmul(query, turned), scale)
        for allowed in (mask, self._lower(sizes_of(products)[-2:]) if causal else None):
            if allowed is not None:
                penalty = self._map("multiply", self._map("subtract", allowed, 1.0), 1e30)
                products = self._map("add", products, penalty)
        scores = self._softmax(products, rank - 1)
        return self._matmul(scores, value), scores if want_scores else None

    def _lower(self, sizes: Sequence[Size]) -> Tensor:
        """Ones on and below the diagonal."""
        one = np.ones(1, dtype=self.builder.dtype)
        ones = self.builder.node("Expand", [one, self.builder.shape(sizes)], sizes)
        return self.builder.node("Trilu", [ones], sizes, upper=0)

    def native(self, **ways: Any) -> Any:
        return ways["onnx"]


def sizes_of(data: Data) -> tuple[Size, ...]:
    return data.shape if isinstance(data, np.ndarray) else data.sizes


def known(size: Size, what: str) -> int:
    """A size that must be known when the model is written."""
    if isinstance(size, Dim):
        raise UnsupportedError(f"{what} has no fixed size, which ONNX needs here")
    return size


def fixed(data: Data) -> list[int]:
    """The sizes of weights, which are known."""
    return [known(n, "a filter") for n in sizes_of(data)]


def _windows(
    sizes: Sequence[Size], spans: Sequence[Any], stride: Sequence[int], padding: Pairs
) -> list[Size | None]:
    """Sizes after a window; None where only the result will tell."""
    found: list[Size | None] = []
    for n, span, step, (a, b) in zip(sizes, spans, stride, padding, strict=True):
        if isinstance(n, Dim):
            found.append(n if step == 1 and a + b == span - 1 else None)
        else:
            found.append(pool_output(n, span, step, a + b) or 0)
    return found


def _padded(size: Size, pair: tuple[int, int]) -> Size | None:
    if isinstance(size, Dim):
        return None if any(pair) else size
    return size + sum(pair)


def _sliced(size: Size, start: int, stop: int | None, step: int) -> Size | None:
    if isinstance(size, int):
        return len(range(size)[start:stop:step])
    if stop is None and start < 0:
        return -start
    if stop is not None and 0 <= start <= stop:
        return math.ceil((stop - start) / step)
    return None


def ends(padding: Pairs) -> list[int]:
    """ONNX's order: all beginnings, then all ends."""
    return [a for a, _ in padding] + [b for _, b in padding]
