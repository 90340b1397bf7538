"""Operators of linear algebra, and numbers that are rounded to few bits."""

from __future__ import annotations

import torch
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table, as_type

__all__ = ["MATRICES"]


def gemm(call: Call, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    """alpha·A·B + beta·C; before operator set 7 C expands where broadcast says so."""
    a = a.mT if call.whole("transA") else a
    b = b.mT if call.whole("transB") else b
    y = call.number("alpha", 1.0) * (a @ b)
    return y.to(a.dtype) if c is None else (y + call.number("beta", 1.0) * c).to(a.dtype)


def einsum(call: Call, *x: Tensor) -> Tensor:
    return torch.einsum(call.text("equation").replace(" ", ""), *x)


def _per_axis(call: Call, x: Tensor, scale: Tensor) -> Tensor:
    """One number for all, or one for each place along the axis."""
    if scale.ndim != 1 or x.ndim == 0:
        return scale
    shape = [1] * x.ndim
    shape[call.whole("axis", 1)] = -1
    return scale.reshape(shape) if scale.numel() > 1 else scale


def dequantize(call: Call, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    if call.whole("block_size"):
        raise call.refuse("by blocks is not supported")
    factor = _per_axis(call, x, scale)
    centred = x.to(call.dtype)
    return (centred if zero is None else centred - _per_axis(call, x, zero).to(call.dtype)) * factor


def quantize(call: Call, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    if call.whole("block_size"):
        raise call.refuse("by blocks is not supported")
    kind = torch.uint8 if zero is None else zero.dtype
    kind = as_type(call, call.whole("output_dtype")) if call.whole("output_dtype") else kind
    y = torch.round(x / _per_axis(call, x, scale))
    y = y if zero is None else y + _per_axis(call, x, zero).to(y.dtype)
    limits = torch.iinfo(kind)
    return y.clamp(limits.min, limits.max).to(kind)


def quantize_dynamically(call: Call, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    low, high = x.min().clamp(max=0), x.max().clamp(min=0)
    scale = (high - low) / 255
    zero = torch.round(-low / scale).clamp(0, 255)
    y = (torch.round(x / scale) + zero).clamp(0, 255)
    return y.to(torch.uint8), scale, zero.to(torch.uint8)


def matmul_of_integers(
    call: Call, a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None
) -> Tensor:
    """Exact: whole numbers as float64."""
    left = a.double() if a_zero is None else a.double() - _rows(a_zero).double()
    right = b.double() if b_zero is None else b.double() - b_zero.double()
    return (left @ right).to(torch.int32)


def _rows(zero: Tensor) -> Tensor:
    return zero.reshape(-1, 1) if zero.ndim == 1 and zero.numel() > 1 else zero


MATRICES: Table = {
    "DequantizeLinear": Entry(dequantize),
    "Det": Entry(lambda call, x: torch.linalg.det(x)),
    "DynamicQuantizeLinear": Entry(quantize_dynamically),
    "Einsum": Entry(einsum),
    "Gemm": Entry(gemm),
    "MatMul": Entry(lambda call, a, b: a @ b),
    "MatMulInteger": Entry(matmul_of_integers),
    "QuantizeLinear": Entry(quantize),
}
