"""The arithmetic words in NumPy, for what in a handle does not depend on its input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from matbridge.ops.arithmetic import Arithmetic
from matbridge.ops.layout import Value

__all__ = ["ConstantOps"]

ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "maximum-number": np.fmax,
    "minimum-number": np.fmin,
    "less": lambda x, y: np.less(x, y) * 1.0,
    "equal": lambda x, y: np.equal(x, y) * 1.0,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "negative": np.negative,
    "round": lambda x: np.floor(np.abs(x) + 0.5) * np.sign(x),
    **{name: getattr(np, name) for name in "exp log sqrt abs sign floor sin cos tanh".split()},
}
REDUCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
}


class ConstantOps(Arithmetic):
    """Data are arrays. A size of an array that is not known yet stands in one of objects."""

    def sizes(self, x: Value) -> tuple[Any, ...]:
        return tuple(x.data.shape)

    def constant(self, array: Any, dims: str) -> Value:
        return Value(np.asarray(array), dims)

    def _permute(self, data: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        return data.transpose(axes)

    def _reshape(self, data: np.ndarray, sizes: tuple[Any, ...]) -> np.ndarray:
        return data.reshape(sizes)

    def _expand(self, data: np.ndarray, sizes: tuple[Any, ...]) -> np.ndarray:
        return np.broadcast_to(data, sizes)

    def _slice(self, data: np.ndarray, axis: int, start: Any, stop: Any, step: int) -> np.ndarray:
        return data[(slice(None),) * axis + (slice(start, stop, step),)]

    def _concatenate(self, data: Sequence[np.ndarray], axis: int) -> np.ndarray:
        return np.concatenate(data, axis)

    def _flip(self, data: np.ndarray, axis: int) -> np.ndarray:
        return np.flip(data, axis)

    def _map(self, name: str, *data: Any, **options: Any) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.asarray(ELEMENTWISE[name](*data, **options))

    def _reduce(self, name: str, data: np.ndarray, axes: tuple[int, ...], keep: bool) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.asarray(REDUCTIONS[name](data, axis=axes, keepdims=keep))

    def _softmax(self, data: np.ndarray, axis: int) -> np.ndarray:
        e = np.exp(data - data.max(axis, keepdims=True))
        return e / e.sum(axis, keepdims=True)

    def _matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a @ b

    def _linear(self, data: np.ndarray, weights: np.ndarray, bias: Any) -> np.ndarray:
        return data @ weights.T

    def _positions(self, data: np.ndarray, axis: int) -> np.ndarray:
        return np.arange(1.0, data.shape[axis] + 1)

    def _lookup(self, table: np.ndarray, data: np.ndarray, words: int, strict: bool) -> np.ndarray:
        raise TypeError("words cannot be looked up in a constant")
