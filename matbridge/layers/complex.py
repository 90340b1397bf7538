"""Layers for complex numbers. ONNX has none, so these networks cannot be written to it."""

from __future__ import annotations

from typing import Any

from matbridge.core.card import Layer, prop
from matbridge.core.dims import Size, canonical
from matbridge.core.kinds import integer, one_of
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered, numbered_axis

__all__ = ["ComplexReLU", "ComplexToReal", "RealToComplex"]


class ComplexReLU(Layer):
    """complexReluLayer: max(0, ·) of the real and of the imaginary part."""

    MATLAB = ("nnet.cnn.layer.ComplexReLULayer",)
    BUILDER = "complexReluLayer"
    COMPLEX = True
    SINCE = "R2025a"

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        real, imaginary = (ops.map("relu", ops.map(part, x)) for part in ("real", "imag"))
        return ops.complex(real, imaginary)


def dimension(value: Any) -> str | int:
    """A label, 'last', or a number from 1."""
    if not isinstance(value, str):
        return integer(value)
    found = one_of("c", "s", "b", "t", "u", "last")(value)
    return found if found == "last" else found.upper()


class Interleaving(Layer):
    """What the pair shares: along OperationDimension, real parts stand at odd places (from
    1) and imaginary parts at even ones."""

    operation_dimension: str | int = prop("OperationDimension", dimension, default="C")

    def label(self, format: str) -> str:
        """The dimension as a label, the spatial ones told apart as 1, 2, 3."""
        labels, wanted = numbered(format), self.operation_dimension
        if wanted == "last":
            return labels[-1]
        if isinstance(wanted, int):
            if wanted > len(labels):
                self.refuse(f"works along dimension {wanted}, but its input is {format}")
            return labels[wanted - 1]
        found = "1" if wanted == "S" else wanted
        if found not in labels:
            self.refuse(f"needs a dimension {wanted}, but its input has the format {format}")
        return found

    def resized(self, x: Size, label: str, n: int | None) -> Size:
        place = numbered(x.format).index(label)
        return Size(x.format, (*x.sizes[:place], n, *x.sizes[place + 1 :]))


class ComplexToReal(Interleaving):
    """complexToRealLayer: Y(2n-1) = real(X(n)), Y(2n) = imag(X(n))."""

    MATLAB = ("nnet.cnn.layer.ComplexToRealLayer",)
    BUILDER = "complexToRealLayer"
    COMPLEX = True
    SINCE = "R2024b"

    def infer(self, x: Size) -> Size:
        label = self.label(x.format)
        n = x.sizes[numbered(x.format).index(label)]
        return self.resized(x, label, None if n is None else 2 * n)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        axis = numbered_axis(x.dims, self.label(canonical(x.dims)))
        parts = [ops.align(ops.map(part, x), x.dims + "P") for part in ("real", "imag")]
        pairs = ops.align(
            ops.concatenate(parts, "P"), x.dims[: axis + 1] + "P" + x.dims[axis + 1 :]
        )
        sizes = ops.sizes(x)
        return ops.reshape(pairs, (*sizes[:axis], 2 * sizes[axis], *sizes[axis + 1 :]), x.dims)


class RealToComplex(Interleaving):
    """realToComplexLayer: Y(n) = X(2n-1) + i·X(2n)."""

    MATLAB = ("nnet.cnn.layer.RealToComplexLayer",)
    BUILDER = "realToComplexLayer"
    SINCE = "R2024b"

    def infer(self, x: Size) -> Size:
        label = self.label(x.format)
        n = x.sizes[numbered(x.format).index(label)]
        if n is not None and n % 2:
            self.refuse(f"needs pairs along {label}, but its input is {x}")
        return self.resized(x, label, None if n is None else n // 2)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        label = self.label(canonical(x.dims))
        real, imaginary = (ops.slice(x, label, start, None, 2) for start in (0, 1))
        return ops.complex(real, imaginary)
