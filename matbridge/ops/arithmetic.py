"""Element by element, reductions and matrices, on labelled values."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from matbridge.core.dims import union, without
from matbridge.ops.layout import Layout, Value, column_major, numbered

__all__ = ["Arithmetic"]

Operand = Value | float


class Arithmetic(Layout):
    """Binary operations match dimensions by label and expand the missing ones."""

    @abstractmethod
    def _map(self, name: str, *data: Any, **options: Any) -> Any:
        """The named element-wise function of data of compatible sizes, or numbers."""

    @abstractmethod
    def _reduce(self, name: str, data: Any, axes: tuple[int, ...], keep: bool) -> Any: ...

    @abstractmethod
    def _softmax(self, data: Any, axis: int) -> Any: ...

    @abstractmethod
    def _matmul(self, a: Any, b: Any) -> Any:
        """Over the last two dimensions; leading ones are equal or broadcast."""

    @abstractmethod
    def _linear(self, data: Any, weights: Any, bias: Any | None) -> Any:
        """data (..., I), weights (O, I), bias (O) to (..., O)."""

    def map(self, name: str, x: Value, **options: float | str) -> Value:
        """One of the functions of one argument, by name.

        negative, exp, log, sqrt, abs, sign, floor, round, sin, cos, tanh, sigmoid, erf,
        relu, softplus, softsign, hard-sigmoid, leaky-relu (scale), elu (alpha), gelu
        (approximation), clip (low, high); real and imag of complex numbers.
        """
        return Value(self._map(name, x.data, **options), x.dims)

    def _binary(self, name: str, x: Operand, y: Operand) -> Value:
        if isinstance(x, Value) and isinstance(y, Value):
            if x.dims != y.dims:
                long, short = (x, y) if len(x.dims) >= len(y.dims) else (y, x)
                dims = union(long.dims, short.dims)
                x, y = self.align(x, dims), self.align(y, dims)
            return Value(self._map(name, x.data, y.data), x.dims)
        if isinstance(x, Value):
            return Value(self._map(name, x.data, y), x.dims)
        if isinstance(y, Value):
            return Value(self._map(name, x, y.data), y.dims)
        raise TypeError(f"{name} needs a value")

    def add(self, x: Operand, y: Operand) -> Value:
        return self._binary("add", x, y)

    def subtract(self, x: Operand, y: Operand) -> Value:
        return self._binary("subtract", x, y)

    def multiply(self, x: Operand, y: Operand) -> Value:
        return self._binary("multiply", x, y)

    def divide(self, x: Operand, y: Operand) -> Value:
        return self._binary("divide", x, y)

    def power(self, x: Operand, y: Operand) -> Value:
        return self._binary("power", x, y)

    def maximum(self, x: Operand, y: Operand) -> Value:
        return self._binary("maximum", x, y)

    def minimum(self, x: Operand, y: Operand) -> Value:
        return self._binary("minimum", x, y)

    def complex(self, real: Value, imaginary: Value) -> Value:
        """real + i·imaginary, where the backend has complex numbers."""
        return self._binary("complex", real, imaginary)

    def reduce(self, name: str, x: Value, over: str, keep: bool = False) -> Value:
        """The mean, sum, max or min over every dimension with these labels."""
        axes = tuple(axis for axis, label in enumerate(x.dims) if label in over)
        dims = x.dims if keep else "".join(label for label in x.dims if label not in over)
        return Value(self._reduce(name, x.data, axes, keep), dims)

    def standardize(self, x: Value, over: str, epsilon: float) -> Value:
        """(x - mean) / sqrt(variance + epsilon), the variance biased, over these labels."""
        centred = self.subtract(x, self.reduce("mean", x, over, keep=True))
        variance = self.reduce("mean", self.multiply(centred, centred), over, keep=True)
        return self.divide(centred, self.map("sqrt", self.add(variance, epsilon)))

    @abstractmethod
    def _positions(self, data: Any, axis: int) -> Any:
        """1, 2, ... along this axis of data, as a vector."""

    def positions(self, x: Value, over: str) -> Value:
        """1, 2, ... as far as the dimension with this label goes."""
        return Value(self._positions(x.data, x.dims.index(over)), over)

    @abstractmethod
    def _lookup(self, table: Any, data: Any, words: int, strict: bool) -> Any:
        """Rows of ``table`` (V, D) at data - 1, as (..., D); the last row for all that is
        not one of 1 to ``words``, or MismatchError if ``strict``."""

    def lookup(self, table: Value, x: Value, words: int, strict: bool) -> Value:
        """The columns of ``table`` (C×W) at the whole numbers x, from 1, as channels.

        x has one channel. Anything else than 1 to ``words`` gives the last column, or
        with ``strict`` MismatchError.
        """
        index = self.drop(x, "C") if "C" in x.dims else x
        rows = self.align(table, "WC")
        return Value(self._lookup(rows.data, index.data, words, strict), index.dims + "C")

    def softmax(self, x: Value, over: str = "C") -> Value:
        """exp(x) / sum(exp(x)) over one dimension."""
        return Value(self._softmax(x.data, x.dims.index(over)), x.dims)

    def transpose(self, weights: Value) -> Value:
        """The transpose of a matrix of weights; its labels stay O, I."""
        return Value(self._permute(weights.data, (1, 0)), weights.dims)

    def matmul(self, a: Value, b: Value) -> Value:
        """The product of two matrices of weights."""
        return Value(self._matmul(a.data, b.data), a.dims)

    def affine(self, weights: Value, x: Value, bias: Value | None = None) -> Value:
        """weights (O×I) times the channels of x, plus bias (O). Spatial dimensions stay."""
        x = self.align(x, without(x.dims, "C") + "C")
        offsets = None if bias is None else bias.data
        return Value(self._linear(x.data, weights.data, offsets), x.dims)

    def fully_connect(self, x: Value, weights: Value, bias: Value) -> Value:
        """As :meth:`affine`, over all spatial dimensions and the channels at once.

        The columns of ``weights`` are in column-major order of H×W×D×C; they, not the
        data, are brought to the order in which x lies.
        """
        if "S" not in x.dims:
            return self.affine(weights, x, bias)
        dims, order = numbered(x.dims), column_major(x.dims)
        at_hand = "".join(label for label in dims if label in order)
        sizes = dict(zip(dims, self.sizes(x), strict=True))
        outputs, inputs = self.sizes(weights)
        split = self.reshape(weights, (outputs, *(sizes[label] for label in order)), "O" + order)
        matrix = self.reshape(self.align(split, "O" + at_hand), (outputs, inputs), "OI")
        return self.affine(matrix, self.merge(x, at_hand, "C"), bias)
