"""Element-wise functions: as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from matbridge.errors import UnsupportedError
from matbridge.onnx.graph import TYPES, Attribute, Builder, Data, Extent, Tensor

__all__ = ["ELEMENTWISE"]

Make = Callable[..., Tensor]


def _broadcast(*data: Data) -> list[Extent]:
    """The shape after expansion; a symbolic length wins over 1."""
    shapes = [operand.shape for operand in data]
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return [next((n for n in lengths if n != 1), 1) for lengths in zip(*padded, strict=True)]


def plain(operator: str, **fixed: Attribute) -> Make:
    """The ONNX operator of the same meaning."""

    def make(builder: Builder, *data: Data, **options: Attribute) -> Tensor:
        return builder.node(operator, list(data), _broadcast(*data), **fixed, **options)

    return make


def _scaled(operator: str) -> Make:
    """Mul or Div whose numbers stay in double precision.

    onnxruntime takes a number beside MatMul into the product, as float32 (its MatMulScaleFusion);
    one as large as the other operand it leaves alone.
    """

    def make(builder: Builder, x: Data, y: Data) -> Tensor:
        operands = [_spread(builder, x, y), _spread(builder, y, x)]
        return builder.node(operator, operands, _broadcast(x, y))

    return make


def _spread(builder: Builder, factor: Data, other: Data) -> Data:
    """A number that float32 does not hold, as large as the other operand."""
    if not isinstance(factor, np.ndarray) or factor.size != 1 or not isinstance(other, Tensor):
        return factor
    if builder.dtype != np.float64 or float(np.float32(factor.item())) == factor.item():
        return factor
    shape = _broadcast(factor, other)
    return builder.node("Expand", [factor, builder.shape(shape)], shape)


def _number(value: float) -> np.ndarray:
    return np.array(value, dtype=float)


def _leaky_relu(builder: Builder, x: Data, scale: float) -> Tensor:
    return builder.node("LeakyRelu", [x], x.shape, alpha=scale)


def _clip(builder: Builder, x: Data, low: float, high: float) -> Tensor:
    return builder.node("Clip", [x, _number(low), _number(high)], x.shape)


def _gelu(builder: Builder, x: Data, approximation: str = "none") -> Tensor:
    """x/2·(1 + erf(x/√2)), or its approximation by tanh."""

    def apply(name: str, *data: Data) -> Tensor:
        return ELEMENTWISE[name](builder, *data)

    if approximation == "tanh":
        cube = apply("multiply", apply("multiply", x, x), x)
        inner = apply("add", x, apply("multiply", cube, _number(0.044715)))
        curve = apply("tanh", apply("multiply", inner, _number(math.sqrt(2 / math.pi))))
    else:
        curve = apply("erf", apply("multiply", x, _number(math.sqrt(0.5))))
    half = apply("multiply", x, _number(0.5))
    return apply("multiply", half, apply("add", curve, _number(1.0)))


def _less(builder: Builder, x: Data, y: Data) -> Tensor:
    return _as_number(builder, builder.node("Less", [x, y], _broadcast(x, y)))


def _equal(builder: Builder, x: Data, y: Data) -> Tensor:
    if builder.opset >= 11:
        return _as_number(builder, builder.node("Equal", [x, y], _broadcast(x, y)))
    # Before, only whole numbers were compared so: neither less, nor greater, nor NaN.
    shape = _broadcast(x, y)
    apart = builder.node("Or", [builder.node(c, [x, y], shape) for c in ("Less", "Greater")], shape)
    absent = builder.node("IsNaN", [builder.node("Add", [x, y], shape)], shape)
    other = builder.node("Or", [apart, absent], shape)
    return _as_number(builder, builder.node("Not", [other], shape))


def _as_number(builder: Builder, answer: Tensor) -> Tensor:
    """1 for true, 0 for false."""
    return builder.node("Cast", [answer], answer.shape, to=TYPES[builder.dtype.name])


def _number_of(operator: str) -> Make:
    """Max or Min in which NaN gives way to the other operand."""

    def make(builder: Builder, x: Data, y: Data) -> Tensor:
        shape = _broadcast(x, y)

        def without_nan(operand: Data, other: Data) -> Data:
            if isinstance(operand, np.ndarray) and not np.isnan(operand).any():
                return operand
            absent = builder.node("IsNaN", [operand], operand.shape)
            return builder.node("Where", [absent, other, operand], shape)

        return builder.node(operator, [without_nan(x, y), without_nan(y, x)], shape)

    return make


def _round(builder: Builder, x: Data) -> Tensor:
    """Half away from zero, as MATLAB; ONNX rounds half to even."""
    away = ELEMENTWISE["floor"](
        builder, ELEMENTWISE["add"](builder, ELEMENTWISE["abs"](builder, x), _number(0.5))
    )
    return ELEMENTWISE["multiply"](builder, away, ELEMENTWISE["sign"](builder, x))


def _no_complex(builder: Builder, *data: Data) -> Tensor:
    raise UnsupportedError("ONNX has no complex numbers, so this network cannot be written to it")


ELEMENTWISE: dict[str, Make] = {
    "add": plain("Add"),
    "subtract": plain("Sub"),
    "multiply": _scaled("Mul"),
    "divide": _scaled("Div"),
    "power": plain("Pow"),
    "maximum": plain("Max"),
    "minimum": plain("Min"),
    "maximum-number": _number_of("Max"),
    "minimum-number": _number_of("Min"),
    "less": _less,
    "equal": _equal,
    "negative": plain("Neg"),
    "exp": plain("Exp"),
    "log": plain("Log"),
    "sqrt": plain("Sqrt"),
    "abs": plain("Abs"),
    "sign": plain("Sign"),
    "floor": plain("Floor"),
    "round": _round,
    "sin": plain("Sin"),
    "cos": plain("Cos"),
    "tanh": plain("Tanh"),
    "sigmoid": plain("Sigmoid"),
    "erf": plain("Erf"),
    "relu": plain("Relu"),
    "softplus": plain("Softplus"),
    "softsign": plain("Softsign"),
    "hard-sigmoid": plain("HardSigmoid", alpha=0.2, beta=0.5),
    "leaky-relu": _leaky_relu,
    "elu": plain("Elu"),
    "gelu": _gelu,
    "clip": _clip,
    "complex": _no_complex,
    "real": _no_complex,
    "imag": _no_complex,
}
