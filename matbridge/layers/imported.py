"""Layers that MATLAB's importers of ONNX and Keras networks leave in a network.

Their classes come with the importers (nnet.onnx.layer, nnet.keras.layer) and are not
documented; what a layer computes is what the operator of ONNX or the layer of Keras that
it stands for computes. Sigmoid, tanh, identity and global average pooling of the importers
are read by the cards of MATLAB's own layers.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from matbridge.core.card import EQUATION, EXPORTED, Array, Layer, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import logical, number, padding
from matbridge.layers.activation import PReLU
from matbridge.layers.expanding import Expanding, by_position
from matbridge.layers.output import Regressing
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered, unnumbered

__all__ = [
    "BinaryCrossEntropyRegression",
    "Clip",
    "CustomOutputPort",
    "ElementwiseAffine",
    "ImportedPReLU",
    "KerasFlatten",
    "ONNXFlatten",
    "ONNXFlattenInto2D",
    "TimeDistributedFlatten",
    "VerifyBatchSize",
    "ZeroPadding1D",
    "ZeroPadding2D",
]

CONVERTER_ONNX = "Deep Learning Toolbox Converter for ONNX Model Format"
CONVERTER_KERAS = "Deep Learning Toolbox Converter for TensorFlow Models"


class ElementwiseAffine(Expanding):
    """nnet.onnx.layer.ElementwiseAffineLayer: Scale.*x + Offset, either of which may be
    left out (DoScale, DoOffset). On data without spatial dimensions one value per channel
    may lie along any dimension."""

    ANY_DIMENSION = True

    PRODUCT = CONVERTER_ONNX
    MATLAB = ("nnet.onnx.layer.ElementwiseAffineLayer",)
    BUILDER = MATLAB[0]
    SINCE = "R2018a"
    EVIDENCE = EQUATION
    ARRAYS: ClassVar[tuple[Array, ...]] = (
        by_position("Scale"),
        by_position("Offset"),
    )

    do_scale: bool = prop("DoScale", logical, default=True)
    do_offset: bool = prop("DoOffset", logical, default=True)

    @property
    def used(self) -> tuple[str, ...]:
        wanted = {"Scale": self.do_scale, "Offset": self.do_offset}
        return tuple(name for name, counts in wanted.items() if counts)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        y = ops.rename(x, numbered(x.dims))
        if self.do_scale:
            y = ops.multiply(y, self.beside(ops, p, "Scale", y))
        if self.do_offset:
            y = ops.add(y, self.beside(ops, p, "Offset", y))
        return ops.rename(y, unnumbered(y.dims))


class ImportedPReLU(PReLU):
    """nnet.onnx.layer.PreluLayer: x where x > 0, else Alpha.*x."""

    ANY_DIMENSION = True

    MATLAB = ("nnet.onnx.layer.PreluLayer",)
    BUILDER = MATLAB[0]
    NICKNAME = "layer"
    PRODUCT = CONVERTER_ONNX
    SINCE = "R2019b"
    EVIDENCE = EQUATION

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """Alpha comes from the model that was imported: there is no first value."""
        return saved


class Clip(Layer):
    """nnet.onnx.layer.ClipLayer, nnet.keras.layer.ClipLayer: x cut off at Min and Max."""

    MATLAB = ("nnet.onnx.layer.ClipLayer", "nnet.keras.layer.ClipLayer")
    BUILDER = MATLAB[0]
    PRODUCT = CONVERTER_ONNX
    SINCE = "R2019b"
    EVIDENCE = EQUATION

    low: float = prop("Min", number)
    high: float = prop("Max", number)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.minimum(ops.maximum(x, self.low), self.high)


class VerifyBatchSize(Layer):
    """nnet.onnx.layer.VerifyBatchSizeLayer: the identity; MATLAB refuses any other number
    of observations than RequiredBatchSize, which a written model need not."""

    MATLAB = ("nnet.onnx.layer.VerifyBatchSizeLayer",)
    BUILDER = MATLAB[0]
    PRODUCT = CONVERTER_ONNX
    SINCE = "R2020b"
    EVIDENCE = EXPORTED
    TRAINING = ("RequiredBatchSize", "BatchDim", "InputLayerName")

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return x


class CustomOutputPort(Layer):
    """nnet.onnx.layer.CustomOutputLayer: an output of the ONNX model; the identity."""

    MATLAB = ("nnet.onnx.layer.CustomOutputLayer",)
    BUILDER = MATLAB[0]
    PRODUCT = CONVERTER_ONNX
    SINCE = "R2021b"
    EVIDENCE = EQUATION

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return x


class CStyleFlatten(Layer):
    """Spatial dimensions and channels in one, row by row, which is not the order of
    flattenLayer. The weights of what follows are in this order."""

    FORMATS = "CB SCB SSCB SSSCB"
    # Where the channels stand: among ONNX's dimensions first, among Keras's last.
    CHANNELS_FIRST: ClassVar[bool] = False
    # Whether the result keeps spatial dimensions, of size 1.
    KEEPS_SPATIAL: ClassVar[bool] = True

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        if "T" in x and "T" not in self.FORMATS:
            self.refuse(f"flattens images, but its input is {x}")
        ones = (1,) * len(x.spatial) if self.KEEPS_SPATIAL else ()
        return x.put(C=x.elements("SC")).with_spatial(*ones)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        spatial = "123"[: x.dims.count("S")]
        flat = ops.merge(x, "C" + spatial if self.CHANNELS_FIRST else spatial + "C", "C")
        return ops.align(flat, flat.dims + "S" * len(spatial)) if self.KEEPS_SPATIAL else flat


class ONNXFlatten(CStyleFlatten):
    """nnet.onnx.layer.FlattenLayer: ONNX's order of C×H×W, the width fastest, then the
    height, then the channels; the result is 1×1×K."""

    MATLAB = ("nnet.onnx.layer.FlattenLayer",)
    BUILDER = MATLAB[0]
    PRODUCT = CONVERTER_ONNX
    SINCE = "R2018a"
    EVIDENCE = EQUATION
    CHANNELS_FIRST = True


class ONNXFlattenInto2D(CStyleFlatten):
    """nnet.onnx.layer.FlattenInto2dLayer: ONNX's order of C×H×W, the width fastest, then
    the height, then the channels; the result is K×N. That the channels are slowest is met by
    an imported network and the ONNX model that it came from; the height was 1 there."""

    MATLAB = ("nnet.onnx.layer.FlattenInto2dLayer",)
    BUILDER = MATLAB[0]
    PRODUCT = CONVERTER_ONNX
    SINCE = "R2020b"
    EVIDENCE = EXPORTED
    CHANNELS_FIRST = True
    KEEPS_SPATIAL = False


class KerasFlatten(CStyleFlatten):
    """nnet.keras.layer.FlattenCStyleLayer and FlattenCStyleTFLayer: Keras's order of H×W×C, the
    channels fastest, then the width, then the height; the result is 1×1×K."""

    MATLAB = ("nnet.keras.layer.FlattenCStyleLayer", "nnet.keras.layer.FlattenCStyleTFLayer")
    BUILDER = MATLAB[0]
    PRODUCT = CONVERTER_KERAS
    SINCE = "R2017b"
    EVIDENCE = EQUATION


class TimeDistributedFlatten(CStyleFlatten):
    """nnet.keras.layer.TimeDistributedFlattenCStyleLayer: each step of an image sequence
    by itself, in Keras's order: the channels fastest, then the width, then the height."""

    MATLAB = ("nnet.keras.layer.TimeDistributedFlattenCStyleLayer",)
    BUILDER = MATLAB[0]
    FORMATS = "CBT SCBT SSCBT SSSCBT"
    PRODUCT = CONVERTER_KERAS
    SINCE = "R2019b"
    EVIDENCE = EQUATION
    KEEPS_SPATIAL = False


class ZeroPadding(Layer):
    """Zeros before and after."""

    PRODUCT = CONVERTER_KERAS

    def padded(self, n: int | None, pair: tuple[int, int]) -> int | None:
        return None if n is None else n + sum(pair)


class ZeroPadding1D(ZeroPadding):
    """nnet.keras.layer.ZeroPadding1dLayer: Amounts [before after], or one for both, of the
    steps: of time, or of the only spatial dimension where there is no time."""

    MATLAB = ("nnet.keras.layer.ZeroPadding1dLayer",)
    BUILDER = MATLAB[0]
    FORMATS = "CBT SCB"
    SINCE = "R2021b"
    EVIDENCE = EQUATION

    amounts: tuple[tuple[int, int], ...] = prop("Amounts", padding(1))

    def over(self, format: str) -> str:
        steps = [label for label in format if label in "ST"]
        if len(steps) != 1:
            self.refuse(f"pads one dimension, but its input has the format {format}")
        return steps[0]

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        if self.over(x.format) == "T":
            return x
        return x.with_spatial(self.padded(x.spatial[0], self.amounts[0]))

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.pad(x, self.over(x.dims), self.amounts)


class ZeroPadding2D(ZeroPadding):
    """nnet.keras.layer.ZeroPadding2dLayer: Amounts [top bottom left right], [height width] or
    one for all; saved as Top, Bottom, Left and Right, too. Amounts of 2×2, which say two
    orders, are refused unless they are all the same."""

    MATLAB = ("nnet.keras.layer.ZeroPadding2dLayer",)
    BUILDER = MATLAB[0]
    FORMATS = "SSCB SSCBT"
    SINCE = "R2017b"
    EVIDENCE = EQUATION

    amounts: tuple[tuple[int, int], ...] = prop("Amounts", padding(2))

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        sides = ("Top", "Bottom", "Left", "Right")
        if all(side in saved for side in sides):
            saved["Amounts"] = [number(saved.pop(side)) for side in sides]
        amounts = np.asarray(saved.get("Amounts", 0))
        if amounts.shape == (2, 2) and len(np.unique(amounts)) > 1:
            raise ValueError("Amounts is 2×2, whose order is not documented")
        return saved

    def infer(self, x: Size) -> Size:
        self.need(x, "SC")
        if len(x.spatial) != 2:
            self.refuse(f"pads two dimensions, but its input is {x}")
        return x.with_spatial(*map(self.padded, x.spatial, self.amounts))

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.pad(x, "SS", self.amounts)


class BinaryCrossEntropyRegression(Regressing):
    """nnet.keras.layer.BinaryCrossEntropyRegressionLayer: the identity at prediction. Over
    what its loss is a mean is not documented, so it has none here."""

    MATLAB = ("nnet.keras.layer.BinaryCrossEntropyRegressionLayer",)
    BUILDER = MATLAB[0]
    PRODUCT = CONVERTER_KERAS
    SINCE = "R2017b"
    EVIDENCE = EQUATION
