"""Element by element, reductions and matrices, on labelled values.

Binary words match dimensions by label and expand the missing ones.
"""

from __future__ import annotations

from matbridge.core.dims import union, without
from matbridge.ops.backend import ArrayBackend
from matbridge.ops.elementwise import check_binary, check_unary
from matbridge.ops.layout import (
    Value,
    align,
    axis_of,
    column_major,
    drop,
    merge,
    numbered,
    reshape,
)

__all__ = [
    "Operand",
    "add",
    "affine",
    "binary",
    "complex",
    "divide",
    "fully_connect",
    "lookup",
    "map",
    "matmul",
    "maximum",
    "minimum",
    "multiply",
    "positions",
    "power",
    "reduce",
    "softmax",
    "subtract",
    "transpose",
]

Operand = Value | float


def map(backend: ArrayBackend, name: str, x: Value, /, **options: float | str) -> Value:
    """One of the functions of one argument, by name; see ops.elementwise.

    negative, exp, log, sqrt, abs, sign, floor, round, sin, cos, tanh, sigmoid, erf,
    relu, softplus, softsign, hard-sigmoid, leaky-relu (scale), elu (alpha), gelu
    (approximation), clip (low, high); real and imag of complex numbers. Raises LayerError
    for any other.
    """
    check_unary(name, options)
    return Value(backend.elementwise(name, x.data, **options), x.dims)


def binary(backend: ArrayBackend, name: str, x: Operand, y: Operand) -> Value:
    """One of the functions of two arguments, by name; see ops.elementwise.

    Those with words of their own, and less, equal (1 or 0), maximum-number and
    minimum-number, in which NaN gives way to a number. Raises LayerError for any other.
    """
    check_binary(name)
    if isinstance(x, Value) and isinstance(y, Value):
        if x.dims != y.dims:
            long, short = (x, y) if len(x.dims) >= len(y.dims) else (y, x)
            # The longer one keeps its order, and with luck lies as it is.
            dims = union(long.dims, short.dims)
            x, y = align(backend, x, dims), align(backend, y, dims)
        return Value(backend.elementwise(name, x.data, y.data), x.dims)
    if isinstance(x, Value):
        return Value(backend.elementwise(name, x.data, y), x.dims)
    if isinstance(y, Value):
        return Value(backend.elementwise(name, x, y.data), y.dims)
    raise TypeError(f"{name} needs a value")


def add(backend: ArrayBackend, x: Operand, y: Operand) -> Value:
    """x + y."""
    return binary(backend, "add", x, y)


def subtract(backend: ArrayBackend, x: Operand, y: Operand) -> Value:
    """x - y."""
    return binary(backend, "subtract", x, y)


def multiply(backend: ArrayBackend, x: Operand, y: Operand) -> Value:
    """x·y, element by element."""
    return binary(backend, "multiply", x, y)


def divide(backend: ArrayBackend, x: Operand, y: Operand) -> Value:
    """x / y, element by element."""
    return binary(backend, "divide", x, y)


def power(backend: ArrayBackend, x: Operand, y: Operand) -> Value:
    """x to the power of y, element by element."""
    return binary(backend, "power", x, y)


def maximum(backend: ArrayBackend, x: Operand, y: Operand) -> Value:
    """The larger of x and y, element by element."""
    return binary(backend, "maximum", x, y)


def minimum(backend: ArrayBackend, x: Operand, y: Operand) -> Value:
    """The smaller of x and y, element by element."""
    return binary(backend, "minimum", x, y)


def complex(backend: ArrayBackend, real: Value, imaginary: Value) -> Value:
    """real + i·imaginary, where the backend has complex numbers."""
    return binary(backend, "complex", real, imaginary)


def reduce(backend: ArrayBackend, name: str, x: Value, over: str, keep: bool = False) -> Value:
    """The mean, sum, max or min over every dimension with these labels.

    Over none, each element is the mean, sum, max and min of itself. (To a library an empty
    list of axes often means all of them.)
    """
    axes = tuple(axis for axis, label in enumerate(x.dims) if label in over)
    if not axes:
        return x
    dims = x.dims if keep else "".join(label for label in x.dims if label not in over)
    return Value(backend.reduce(name, x.data, axes, keep), dims)


def positions(backend: ArrayBackend, x: Value, over: str) -> Value:
    """1, 2, ... as far as the dimension with this label goes."""
    return Value(backend.positions(x.data, axis_of(x, over)), over)


def lookup(backend: ArrayBackend, table: Value, x: Value, words: int, strict: bool) -> Value:
    """The columns of ``table`` (C×W) at the whole numbers x, from 1, as channels.

    x has one channel. Anything else than 1 to ``words`` gives the last column, or
    with ``strict`` MismatchError.
    """
    index = drop(backend, x, "C") if "C" in x.dims else x
    # A row a word, as libraries look them up.
    rows = align(backend, table, "WC")
    return Value(backend.lookup(rows.data, index.data, words, strict), index.dims + "C")


def softmax(backend: ArrayBackend, x: Value, over: str = "C") -> Value:
    """exp(x) / sum(exp(x)) over one dimension."""
    return Value(backend.softmax(x.data, axis_of(x, over)), x.dims)


def transpose(backend: ArrayBackend, weights: Value) -> Value:
    """The transpose of a matrix of weights; its labels stay O, I."""
    return Value(backend.permute(weights.data, (1, 0)), weights.dims)


def matmul(backend: ArrayBackend, a: Value, b: Value) -> Value:
    """The product of two matrices of weights."""
    return Value(backend.matmul(a.data, b.data), a.dims)


def affine(backend: ArrayBackend, weights: Value, x: Value, bias: Value | None = None) -> Value:
    """weights (O×I) times the channels of x, plus bias (O). Spatial dimensions stay."""
    x = align(backend, x, without(x.dims, "C") + "C")
    offsets = None if bias is None else bias.data
    return Value(backend.linear(x.data, weights.data, offsets), x.dims)


def fully_connect(backend: ArrayBackend, x: Value, weights: Value, bias: Value) -> Value:
    """As :func:`affine`, over all spatial dimensions and the channels at once.

    The columns of ``weights`` are in column-major order of H×W×D×C; they, not the
    data, are brought to the order in which x lies.
    """
    if "S" not in x.dims:
        return affine(backend, weights, x, bias)
    dims, order = numbered(x.dims), column_major(x.dims)
    at_hand = "".join(label for label in dims if label in order)
    sizes = dict(zip(dims, backend.sizes(x.data), strict=True))
    outputs, inputs = backend.sizes(weights.data)
    # A prepared module lays its weights out once; another order of the data would cost each run.
    apart = reshape(backend, weights, (outputs, *(sizes[label] for label in order)), "O" + order)
    matrix = reshape(backend, align(backend, apart, "O" + at_hand), (outputs, inputs), "OI")
    return affine(backend, matrix, merge(backend, x, at_hand, "C"), bias)
