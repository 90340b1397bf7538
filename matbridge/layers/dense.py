"""Fully connected layers."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from matbridge.core.card import RECORDED, Layer, learnable, prop
from matbridge.core.dims import Size, canonical, column_major
from matbridge.core.kinds import integers, one_of, optional, positive
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered

__all__ = ["FullyConnected"]


def _product(value: object) -> int:
    """OutputSize and InputSize occur as [1 1 K] and [h w c]: their product counts."""
    return int(np.prod(integers(value)))


def dimension(value: object) -> str | int:
    """'spatial-channel', or the number of a dimension, from 1."""
    return one_of("spatial-channel")(value) if isinstance(value, str) else positive(value)


class FullyConnected(Layer):
    """fullyConnectedLayer: W·x + b at each time step.

    Weights OutputSize×InputSize, Bias OutputSize×1. Spatial dimensions and channels are
    one vector in column-major order: height fastest, then width, then channels (confirmed
    by MATLAB's recorded scores). In a SeriesNetwork or DAGNetwork the output of an image
    keeps spatial dimensions of size 1; in a dlnetwork they go.

    OperationDimension (R2026a) is 'spatial-channel', as said, or the number of one dimension
    as MATLAB stores the array: Weights multiply along it, and all others stay.
    """

    MATLAB = ("nnet.cnn.layer.FullyConnectedLayer",)
    BUILDER = "fullyConnectedLayer"
    NICKNAME = "fc"
    SINCE = "R2016a"
    EVIDENCE = RECORDED
    ARRAYS = (
        learnable("Weights", "OutputSize", "InputSize", dims="OI"),
        learnable("Bias", "OutputSize", "1", dims="O"),
    )

    output_size: int = prop("OutputSize", _product, arg=1)
    operation_dimension: str | int = prop(
        "OperationDimension", dimension, arg=2, default="spatial-channel"
    )
    input_size: int | None = prop("InputSize", optional(_product), default=None)
    # Not a MATLAB property: set by whoever knows the class of the network.
    keeps_spatial: bool = field(default=False, kw_only=True)

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """Weights also occur as h×w×c×out, Bias as 1×1×out."""
        # For one output Weights occur as a column, too; this makes either the row.
        weights, outputs = saved.get("Weights"), _product(saved["OutputSize"])
        if isinstance(weights, np.ndarray) and weights.size and (weights.ndim > 2 or outputs == 1):
            saved["Weights"] = column_major(weights, (-1, outputs)).T
        bias = saved.get("Bias")
        if isinstance(bias, np.ndarray):
            saved["Bias"] = bias.reshape(-1, 1)
        return saved

    def along(self, format: str) -> str:
        """The numbered label of the dimension that OperationDimension counts."""
        labels = numbered(format)
        place = int(self.operation_dimension)
        if place > len(labels) or labels[place - 1] == "B":
            self.refuse(f"works along dimension {place}, but its input has the format {format}")
        return labels[place - 1]

    @classmethod
    def shaped(cls, name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Weights h×w×c×out, as version 2 has them for images, run down the rows."""
        return column_major(array if shape == array.shape else array.T, shape)

    def infer(self, x: Size) -> Size:
        if self.operation_dimension != "spatial-channel":
            place = numbered(x.format).index(self.along(x.format))
            self.expect(x.sizes[place], self.input_size, f"elements along {place + 1}", x)
            return x.with_extent(place, self.output_size)
        self.need(x, "C")
        self.expect(x.elements("SC"), self.input_size, "inputs", x)
        y = x.put(C=self.output_size)
        return y.with_spatial(*(1 for _ in x.spatial)) if self.keeps_spatial else y.drop("S")

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        if self.operation_dimension != "spatial-channel":
            return self._along_one(ops, p, x)
        y = ops.fully_connect(x, p["Weights"], p["Bias"])
        return ops.align(y, y.dims + "S" * x.dims.count("S")) if self.keeps_spatial else y

    def _along_one(self, ops: Ops, p: Parameters, x: Value) -> Value:
        """The dimension takes the place of the channels while Weights multiply."""
        format = canonical(x.dims)
        swap = str.maketrans({self.along(format): "C", "C": self.along(format)})
        turned = ops.rename(x, numbered(x.dims).translate(swap))
        y = ops.affine(p["Weights"], turned, p["Bias"])
        back = ops.rename(y, y.dims.translate(swap))
        return ops.rename(ops.align(back, numbered(format)), format)
