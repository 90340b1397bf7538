"""The operators and functions of a transform, on NumPy arrays as MATLAB computes them.

Every value has two dimensions at least. Sizes of 1 expand, the first dimensions matched first.
What a single has a part in is single. ValueError says why something cannot be computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from matbridge.core.dims import reorder

__all__ = ["FUNCTIONS", "OPERATORS", "Value", "as_value"]

# An array, or a text such as 'all'.
Value: TypeAlias = np.ndarray | str
Function: TypeAlias = Callable[..., np.ndarray]


def as_value(value: object) -> np.ndarray:
    """A number or array as MATLAB has it: of two dimensions, double unless it is single."""
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise ValueError("it is not of numbers")
    array = array if array.dtype in (np.float32, np.complex64) else array.astype(_wide(array))
    return array.reshape(array.shape + (1,) * (2 - array.ndim))


def _wide(array: np.ndarray) -> str:
    return "complex128" if array.dtype.kind == "c" else "float64"


def _numbers(value: Value) -> np.ndarray:
    if isinstance(value, str):
        raise ValueError("text cannot be computed with")
    return value


def _matched(values: Sequence[Value]) -> list[np.ndarray]:
    """With as many dimensions each: the missing ones are the last."""
    arrays = [_numbers(value) for value in values]
    count = max(array.ndim for array in arrays)
    return [array.reshape(array.shape + (1,) * (count - array.ndim)) for array in arrays]


def _rounded(result: np.ndarray, values: Sequence[np.ndarray]) -> np.ndarray:
    """Single where one of these is."""
    if any(value.dtype in (np.float32, np.complex64) for value in values):
        return result.astype("complex64" if result.dtype.kind == "c" else "float32")
    return result.astype(_wide(result))


def each(function: Callable[..., np.ndarray], count: int = 1) -> Function:
    """Element by element over so many arguments, which expand to one size."""

    def apply(*values: Value) -> np.ndarray:
        if len(values) != count:
            raise ValueError(f"it takes {count} argument{'s' if count > 1 else ''}")
        arrays = _matched(values)
        if not _fit(arrays):
            sizes = " and ".join("×".join(map(str, array.shape)) for array in arrays)
            raise ValueError(f"arrays of sizes {sizes} cannot be combined")
        return _rounded(np.asarray(function(*arrays)), arrays)

    return apply


def _fit(arrays: Sequence[np.ndarray]) -> bool:
    return all(len(set(sizes) - {1}) <= 1 for sizes in zip(*(a.shape for a in arrays), strict=True))


# -- by dimension --------------------------------------------------------------------------------


def _axis(array: np.ndarray, dimension: Sequence[Value]) -> int | None:
    """The axis of sum(x), sum(x, 2) or sum(x, 'all'), which is None."""
    if not dimension:
        return next((axis for axis, n in enumerate(array.shape) if n != 1), 0)
    if isinstance(dimension[0], str):
        if dimension[0] != "all":
            raise ValueError(f"{dimension[0]!r} names no dimension")
        return None
    place = dimension[0].item() if dimension[0].size == 1 else 0
    if place < 1 or place != int(place) or len(dimension) > 1:
        raise ValueError("a dimension is a number from 1")
    return int(place) - 1


def over(function: Callable[..., np.ndarray]) -> Function:
    """Along a dimension, which stays with size 1: the first not of size 1, or as named."""

    def apply(value: Value, *dimension: Value) -> np.ndarray:
        array = _numbers(value)
        axis = _axis(array, dimension)
        if axis is not None and axis >= array.ndim:
            array = array.reshape(array.shape + (1,) * (axis + 1 - array.ndim))
        if not array.size:
            raise ValueError("the array is empty")
        return _rounded(np.asarray(function(array, axis=axis, keepdims=True)), [array])

    return apply


def extreme(pair: Callable[..., np.ndarray], along: Callable[..., np.ndarray]) -> Function:
    """max(x, y), max(x), max(x, [], dim); NaN does not count."""

    def apply(value: Value, *rest: Value) -> np.ndarray:
        if len(rest) == 1:
            return each(pair, 2)(value, rest[0])
        if rest and np.size(rest[0]):
            raise ValueError("of two arrays it takes no dimension")
        return over(along)(value, *rest[1:])

    return apply


def _place(array: np.ndarray, axis: int | None, keepdims: bool) -> np.ndarray:
    """Where the largest is, from 1."""
    if axis is None:
        raise ValueError("argmax takes a dimension")
    return np.argmax(array, axis, keepdims=keepdims) + 1.0


def _softmax(array: np.ndarray, axis: int | None, keepdims: bool) -> np.ndarray:
    e = np.exp(array - array.max(axis, keepdims=True))
    return np.asarray(e / e.sum(axis, keepdims=True))


def _deviation(array: np.ndarray, axis: int | None, keepdims: bool) -> np.ndarray:
    count = array.size if axis is None else array.shape[axis]
    return np.asarray(array.std(axis, ddof=min(1, count - 1), keepdims=keepdims))


# -- matrices ------------------------------------------------------------------------------------


def _transpose(value: Value) -> np.ndarray:
    array = _numbers(value)
    if array.ndim > 2:
        raise ValueError("only matrices can be transposed")
    return reorder(array, "CB", "BC")


def _turned(value: Value) -> np.ndarray:
    return np.conj(_transpose(value))


def _product(left: Value, right: Value) -> np.ndarray:
    a, b = _numbers(left), _numbers(right)
    if a.size == 1 or b.size == 1:
        return each(np.multiply, 2)(a, b)
    if a.ndim > 2 or b.ndim > 2 or a.shape[1] != b.shape[0]:
        sizes = " and ".join("×".join(map(str, array.shape)) for array in (a, b))
        raise ValueError(f"matrices of sizes {sizes} cannot be multiplied; .* is by element")
    return _rounded(a @ b, [a, b])


def _quotient(left: Value, right: Value) -> np.ndarray:
    if np.size(right) != 1:
        raise ValueError("/ needs a scalar; ./ divides element by element")
    return each(np.divide, 2)(left, right)


def _power(left: Value, right: Value) -> np.ndarray:
    if np.size(left) != 1 or np.size(right) != 1:
        raise ValueError("^ needs scalars; .^ is by element")
    return each(_raised, 2)(left, right)


def _raised(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """A root of a negative number is complex in MATLAB."""
    if base.dtype.kind != "c" and np.any((base < 0) & (exponent != np.floor(exponent))):
        raise ValueError("a negative number has no real root")
    return np.power(base, exponent)


def _real(function: Callable[[np.ndarray], np.ndarray], least: float) -> Function:
    """Of numbers down to ``least``: below, MATLAB's result is complex."""

    def apply(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind != "c" and np.any(array < least):
            raise ValueError("of negative numbers it is complex")
        return function(array)

    return each(apply)


def _away(array: np.ndarray) -> np.ndarray:
    """Halves go away from zero."""
    return np.trunc(array + np.copysign(0.5, array))


def _sigmoid(array: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-array)))


def _as_double(value: Value) -> np.ndarray:
    array = _numbers(value)
    return array.astype(_wide(array))


def _as_single(value: Value) -> np.ndarray:
    return _numbers(value).astype("float32")


FUNCTIONS: dict[str, Function] = {
    "exp": each(np.exp),
    "expm1": each(np.expm1),
    "log": _real(np.log, 0.0),
    "log2": _real(np.log2, 0.0),
    "log10": _real(np.log10, 0.0),
    "log1p": _real(np.log1p, -1.0),
    "sqrt": _real(np.sqrt, 0.0),
    "abs": each(np.abs),
    "sign": each(np.sign),
    "round": each(_away),
    "floor": each(np.floor),
    "ceil": each(np.ceil),
    "fix": each(np.trunc),
    "tanh": each(np.tanh),
    "sigmoid": each(_sigmoid),
    "max": extreme(np.fmax, np.fmax.reduce),
    "min": extreme(np.fmin, np.fmin.reduce),
    "sum": over(np.sum),
    "mean": over(np.mean),
    "std": over(_deviation),
    "argmax": over(_place),
    "softmax": over(_softmax),
    "transpose": _transpose,
    "double": _as_double,
    "single": _as_single,
}
OPERATORS: dict[str, Function] = {
    "+": each(np.add, 2),
    "-": each(np.subtract, 2),
    ".*": each(np.multiply, 2),
    "./": each(np.divide, 2),
    ".^": each(_raised, 2),
    "*": _product,
    "/": _quotient,
    "^": _power,
    "<": each(np.less, 2),
    ">": each(np.greater, 2),
    "<=": each(np.less_equal, 2),
    ">=": each(np.greater_equal, 2),
    "==": each(np.equal, 2),
    "~=": each(np.not_equal, 2),
    "unary -": each(np.negative),
    "unary +": each(np.positive),
    "transpose": _turned,
}
