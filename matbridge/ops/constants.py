"""A backend of NumPy arrays: what depends on constants alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["ELEMENTWISE", "Constants"]

_erf: Callable[[np.ndarray], np.ndarray] = np.vectorize(math.erf, otypes=[np.float64])


def _sigmoid(x: np.ndarray) -> Any:
    return 1 / (1 + np.exp(-x))


def _elu(x: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _gelu(x: np.ndarray, approximation: str = "none") -> Any:
    """x/2·(1 + erf(x/√2)), or its approximation by tanh."""
    if approximation == "tanh":
        return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + _erf(x * math.sqrt(0.5)))


ELEMENTWISE: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "maximum-number": np.fmax,
    "minimum-number": np.fmin,
    "less": lambda x, y: np.less(x, y) * 1.0,
    "equal": lambda x, y: np.equal(x, y) * 1.0,
    "complex": lambda x, y: x + 1j * y,
    "negative": np.negative,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "round": lambda x: np.floor(np.abs(x) + 0.5) * np.sign(x),
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "erf": _erf,
    "relu": lambda x: np.maximum(x, 0),
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hard-sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "leaky-relu": lambda x, scale: np.where(x >= 0, x, scale * x),
    "elu": _elu,
    "gelu": _gelu,
    "clip": lambda x, low, high: np.clip(x, low, high),
    "real": np.real,
    "imag": np.imag,
}

REDUCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
}


class Constants:
    """Data are arrays. A size of an array that is not known yet stands in one of objects."""

    training = False

    def sizes(self, data: np.ndarray) -> tuple[int, ...]:
        return data.shape

    def constant(self, array: ArrayLike) -> np.ndarray:
        return np.asarray(array)

    def permute(self, data: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        return data.transpose(axes)

    def reshape(self, data: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
        return data.reshape(sizes)

    def expand(self, data: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
        return np.broadcast_to(data, sizes)

    def slice(
        self, data: np.ndarray, axis: int, start: int | None, stop: int | None, step: int
    ) -> np.ndarray:
        return data[(slice(None),) * axis + (slice(start, stop, step),)]

    def take(self, data: np.ndarray, axis: int, places: tuple[int, ...]) -> np.ndarray:
        return np.take(data, np.array(places, int), axis)

    def concatenate(self, data: Sequence[np.ndarray], axis: int) -> np.ndarray:
        return np.concatenate(data, axis)

    def flip(self, data: np.ndarray, axis: int) -> np.ndarray:
        return np.flip(data, axis)

    def elementwise(
        self, name: str, *data: np.ndarray | float, **options: float | str
    ) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.asarray(ELEMENTWISE[name](*data, **options))

    def reduce(self, name: str, data: np.ndarray, axes: tuple[int, ...], keep: bool) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.asarray(REDUCTIONS[name](data, axis=axes, keepdims=keep))

    def softmax(self, data: np.ndarray, axis: int) -> np.ndarray:
        # Less the largest, so that nothing overflows.
        e = np.exp(data - data.max(axis, keepdims=True))
        return np.asarray(e / e.sum(axis, keepdims=True))

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(a @ b)

    def linear(self, data: np.ndarray, weights: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        y = np.tensordot(data, weights, ([-1], [1]))
        return y if bias is None else y + bias

    def positions(self, data: np.ndarray, axis: int) -> np.ndarray:
        return np.arange(1.0, data.shape[axis] + 1)

    def lookup(self, table: np.ndarray, data: np.ndarray, words: int, strict: bool) -> np.ndarray:
        raise TypeError("words cannot be looked up in a constant")
