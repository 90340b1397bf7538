"""Layers for complex numbers. ONNX has none, so these networks cannot be written to it."""

from __future__ import annotations

import numpy as np

from matbridge.core.card import Layer, learnable, prop
from matbridge.core.dims import Size, canonical
from matbridge.core.kinds import integer, one_of, optional, positive
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered, numbered_axis

__all__ = ["ComplexFullyConnected", "ComplexReLU", "ComplexToReal", "RealToComplex"]


class ComplexReLU(Layer):
    """complexReluLayer: max(0, ·) of the real and of the imaginary part."""

    MATLAB = ("nnet.cnn.layer.ComplexReLULayer",)
    BUILDER = "complexReluLayer"
    COMPLEX = True
    SINCE = "R2025a"

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        real, imaginary = (ops.map("relu", ops.map(part, x)) for part in ("real", "imag"))
        return ops.complex(real, imaginary)


def dimension(value: object) -> str | int:
    """A label, 'last', or a number from 1."""
    if not isinstance(value, str):
        return integer(value)
    word = one_of("c", "s", "b", "t", "u", "last")(value)
    return word if word == "last" else word.upper()


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
        # Of several spatial dimensions, the first.
        label = "1" if wanted == "S" else wanted
        if label not in labels:
            self.refuse(f"needs a dimension {wanted}, but its input has the format {format}")
        return label

    def resized(self, x: Size, label: str, n: int | None) -> Size:
        place = numbered(x.format).index(label)
        return x.with_extent(place, n)


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
        # Both parts side by side along P, which then stands right behind their dimension, so
        # that the two in one alternate.
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


class ComplexFullyConnected(Layer):
    """complexFullyConnectedLayer: W·x + b with complex W and b, over the spatial dimensions
    and channels as one vector, height fastest. Here the real parts of Weights and Bias bear
    their names and the imaginary ones are arrays of their own. OperationDimension must be
    'spatial-channel'."""

    MATLAB = ("nnet.cnn.layer.ComplexFullyConnectedLayer",)
    BUILDER = "complexFullyConnectedLayer"
    NICKNAME = "complex_fc"
    COMPLEX = True
    SINCE = "R2026a"
    ARRAYS = (
        learnable("Weights", "OutputSize", "InputSize", dims="OI"),
        learnable("WeightsImaginary", "OutputSize", "InputSize", dims="OI"),
        learnable("Bias", "OutputSize", "1", dims="O"),
        learnable("BiasImaginary", "OutputSize", "1", dims="O"),
    )

    output_size: int = prop("OutputSize", positive, arg=1)
    operation_dimension: str = prop(
        "OperationDimension", one_of("spatial-channel"), arg=2, default="spatial-channel"
    )
    input_size: int | None = prop("InputSize", optional(positive), default=None)

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        for name in ("Weights", "Bias"):
            array = saved.get(name)
            if isinstance(array, np.ndarray) and array.size and f"{name}Imaginary" not in saved:
                saved[name], saved[f"{name}Imaginary"] = array.real.copy(), array.imag.copy()
        return saved

    @classmethod
    def downgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        for name in ("Weights", "Bias"):
            imaginary, real = saved.pop(f"{name}Imaginary", None), saved.get(name)
            if (
                isinstance(real, dict)
                and isinstance(imaginary, dict)
                and np.size(imaginary["Value"])
            ):
                saved[name] = {**real, "Value": real["Value"] + 1j * imaginary["Value"]}
        return saved

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        self.expect(x.elements("SC"), self.input_size, "inputs", x)
        return x.put(C=self.output_size).drop("S")

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        real, imaginary = (ops.map(part, x) for part in ("real", "imag"))
        none = ops.constant(np.zeros(self.output_size), "O")
        # (W + iV)(x + iy) = (W·x - V·y) + i(V·x + W·y).
        W, V = p["Weights"], p["WeightsImaginary"]
        return ops.complex(
            ops.subtract(
                ops.fully_connect(real, W, p["Bias"]), ops.fully_connect(imaginary, V, none)
            ),
            ops.add(
                ops.fully_connect(real, V, p["BiasImaginary"]),
                ops.fully_connect(imaginary, W, none),
            ),
        )
