"""Operators on each element."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table, as_type

__all__ = ["ELEMENTWISE"]


def plain(function: Callable[..., Tensor]) -> Entry:
    """The function of the same meaning; no attribute matters."""
    return Entry(lambda call, *x: function(*x))


def along_axis(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """The second operand as operator sets before 7 expand it: from ``axis`` on."""
    if call.version >= 7 or not call.has("axis"):
        return b
    behind = a.ndim - call.whole("axis") % a.ndim - b.ndim
    return b.reshape(*b.shape, *(1,) * behind)


def binary(function: Callable[[Tensor, Tensor], Tensor]) -> Entry:
    """A function of two operands that expand to each other."""
    return Entry(lambda call, a, b: function(a, along_axis(call, a, b)))


def variadic(function: Callable[[Tensor, Tensor], Tensor]) -> Entry:
    """A function of two, over any number of operands."""
    return Entry(lambda call, *x: functools.reduce(function, x))


def divide(a: Tensor, b: Tensor) -> Tensor:
    """Whole numbers are cut towards zero."""
    floating = a.is_floating_point() or b.is_floating_point()
    return a / b if floating else torch.div(a, b, rounding_mode="trunc")


def power(a: Tensor, b: Tensor) -> Tensor:
    """The result has the type of the base."""
    return torch.pow(a.double() if not a.is_floating_point() else a, b).to(a.dtype)


def modulo(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """The sign is the divisor's, with fmod the dividend's."""
    return torch.fmod(a, b) if call.whole("fmod") else torch.remainder(a, b)


def shift(call: Call, a: Tensor, b: Tensor) -> Tensor:
    left = call.text("direction") == "LEFT"
    return torch.bitwise_left_shift(a, b) if left else torch.bitwise_right_shift(a, b)


def clip(call: Call, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Bounds are attributes before operator set 11, operands since."""
    if call.has("min"):
        low = torch.as_tensor(call.number("min", 0), dtype=x.dtype, device=x.device)
    if call.has("max"):
        high = torch.as_tensor(call.number("max", 0), dtype=x.dtype, device=x.device)
    x = x if low is None else torch.maximum(x, low.to(x.dtype))
    return x if high is None else torch.minimum(x, high.to(x.dtype))


def gelu(call: Call, x: Tensor) -> Tensor:
    return F.gelu(x, approximate=call.text("approximate", "none"))


def hard_sigmoid(call: Call, x: Tensor) -> Tensor:
    return (call.number("alpha", 0.2) * x + call.number("beta", 0.5)).clamp(0, 1)


def elu(call: Call, x: Tensor) -> Tensor:
    return F.elu(x, call.number("alpha", 1.0))


def celu(call: Call, x: Tensor) -> Tensor:
    return F.celu(x, call.number("alpha", 1.0))


def leaky_relu(call: Call, x: Tensor) -> Tensor:
    return F.leaky_relu(x, call.number("alpha", 0.01))


def selu(call: Call, x: Tensor) -> Tensor:
    alpha = call.number("alpha", 1.67326319217681884765625)
    gamma = call.number("gamma", 1.05070102214813232421875)
    return gamma * torch.where(x > 0, x, alpha * torch.expm1(x))


def thresholded_relu(call: Call, x: Tensor) -> Tensor:
    return torch.where(x > call.number("alpha", 1.0), x, 0.0)


def shrink(call: Call, x: Tensor) -> Tensor:
    bias, limit = call.number("bias", 0.0), call.number("lambd", 0.5)
    shrunk = torch.where(x > limit, x - bias, torch.zeros_like(x))
    return torch.where(x < -limit, x + bias, shrunk)


def swish(call: Call, x: Tensor) -> Tensor:
    return x * torch.sigmoid(call.number("alpha", 1.0) * x)


def hard_swish(x: Tensor) -> Tensor:
    return x * (x / 6 + 0.5).clamp(0, 1)


def softplus(x: Tensor) -> Tensor:
    return torch.logaddexp(x, torch.zeros_like(x))


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x >= 0, x, slope * x)


def prelu_of_channels(call: Call, x: Tensor, slope: Tensor) -> Tensor:
    """Before operator set 7 one slope for each channel."""
    if call.version < 7 and slope.ndim == 1 and x.ndim > 2:
        slope = slope.reshape(-1, *(1,) * (x.ndim - 2))
    return prelu(x, slope)


def is_inf(call: Call, x: Tensor) -> Tensor:
    positive = bool(call.whole("detect_positive", 1)) & (x == math.inf)
    return positive | (bool(call.whole("detect_negative", 1)) & (x == -math.inf))


def cast(call: Call, x: Tensor) -> Tensor:
    return x.to(as_type(call, call.whole("to")))


def where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(condition.bool(), a, b)


def mean_of(*x: Tensor) -> Tensor:
    return functools.reduce(torch.add, x) / len(x)


def sign(x: Tensor) -> Tensor:
    return torch.sign(x)


def dropout(call: Call, x: Tensor, *_: object) -> tuple[Tensor, Tensor]:
    """As in inference: nothing drops."""
    return x, torch.ones_like(x, dtype=torch.bool)


ELEMENTWISE: Table = {
    "Abs": plain(torch.abs),
    "Acos": plain(torch.acos),
    "Acosh": plain(torch.acosh),
    "Add": binary(torch.add),
    "And": binary(torch.logical_and),
    "Asin": plain(torch.asin),
    "Asinh": plain(torch.asinh),
    "Atan": plain(torch.atan),
    "Atanh": plain(torch.atanh),
    "BitShift": Entry(shift),
    "BitwiseAnd": binary(torch.bitwise_and),
    "BitwiseNot": plain(torch.bitwise_not),
    "BitwiseOr": binary(torch.bitwise_or),
    "BitwiseXor": binary(torch.bitwise_xor),
    "Cast": Entry(cast),
    "CastLike": Entry(lambda call, x, like: x.to(like.dtype)),
    "Ceil": plain(torch.ceil),
    "Celu": Entry(celu),
    "Clip": Entry(clip),
    "Cos": plain(torch.cos),
    "Cosh": plain(torch.cosh),
    "Div": binary(divide),
    "Dropout": Entry(dropout),
    "Elu": Entry(elu),
    "Equal": binary(torch.eq),
    "Erf": plain(torch.erf),
    "Exp": plain(torch.exp),
    "Floor": plain(torch.floor),
    "Gelu": Entry(gelu),
    "Greater": binary(torch.gt),
    "GreaterOrEqual": binary(torch.ge),
    "HardSigmoid": Entry(hard_sigmoid),
    "HardSwish": plain(hard_swish),
    "Identity": plain(lambda x: x.clone()),
    "IsInf": Entry(is_inf),
    "IsNaN": plain(torch.isnan),
    "LeakyRelu": Entry(leaky_relu),
    "Less": binary(torch.lt),
    "LessOrEqual": binary(torch.le),
    "Log": plain(torch.log),
    "Max": variadic(torch.maximum),
    "Mean": plain(mean_of),
    "Min": variadic(torch.minimum),
    "Mish": plain(lambda x: x * torch.tanh(softplus(x))),
    "Mod": Entry(modulo),
    "Mul": binary(torch.mul),
    "Neg": plain(torch.neg),
    "Not": plain(torch.logical_not),
    "Or": binary(torch.logical_or),
    "PRelu": Entry(prelu_of_channels),
    "Pow": binary(power),
    "Reciprocal": plain(torch.reciprocal),
    "Relu": plain(torch.relu),
    "Round": plain(torch.round),
    "Selu": Entry(selu),
    "Shrink": Entry(shrink),
    "Sigmoid": plain(torch.sigmoid),
    "Sign": plain(sign),
    "Sin": plain(torch.sin),
    "Sinh": plain(torch.sinh),
    "Softplus": plain(softplus),
    "Softsign": plain(F.softsign),
    "Sqrt": plain(torch.sqrt),
    "Sub": binary(torch.sub),
    "Sum": variadic(torch.add),
    "Swish": Entry(swish),
    "Tan": plain(torch.tan),
    "Tanh": plain(torch.tanh),
    "ThresholdedRelu": Entry(thresholded_relu),
    "Where": plain(where),
    "Xor": binary(torch.logical_xor),
}
