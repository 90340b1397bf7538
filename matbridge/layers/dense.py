"""Fully connected layers."""

from __future__ import annotations

from dataclasses import field
from typing import Any

import numpy as np

from matbridge.core.card import RECORDED, Layer, learnable, prop
from matbridge.core.dims import Size, column_major
from matbridge.core.kinds import integers, optional
from matbridge.ops import Ops, Parameters, Value

__all__ = ["FullyConnected"]


def _product(value: Any) -> int:
    """OutputSize and InputSize occur as [1 1 K] and [h w c]: their product counts."""
    return int(np.prod(integers(value)))


class FullyConnected(Layer):
    """fullyConnectedLayer: W·x + b at each time step.

    Weights OutputSize×InputSize, Bias OutputSize×1. Spatial dimensions and channels are
    one vector in column-major order: height fastest, then width, then channels (confirmed
    by MATLAB's recorded scores). In a SeriesNetwork or DAGNetwork the output of an image
    keeps spatial dimensions of size 1; in a dlnetwork they go.
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
    input_size: int | None = prop("InputSize", optional(_product), default=None)
    # Not a MATLAB property: set by whoever knows the class of the network.
    keeps_spatial: bool = field(default=False, kw_only=True)

    @classmethod
    def upgrade(cls, saved: dict[str, Any]) -> dict[str, Any]:
        """Weights also occur as h×w×c×out, Bias as 1×1×out."""
        weights, outputs = saved.get("Weights"), _product(saved["OutputSize"])
        if isinstance(weights, np.ndarray) and weights.size and (weights.ndim > 2 or outputs == 1):
            saved["Weights"] = column_major(weights, (-1, outputs)).T
        if isinstance(saved.get("Bias"), np.ndarray):
            saved["Bias"] = saved["Bias"].reshape(-1, 1)
        return saved

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        self.expect(x.elements("SC"), self.input_size, "inputs", x)
        y = x.put(C=self.output_size)
        return y.with_spatial(*(1 for _ in x.spatial)) if self.keeps_spatial else y.drop("S")

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        y = ops.fully_connect(x, p["Weights"], p["Bias"])
        return ops.align(y, y.dims + "S" * x.dims.count("S")) if self.keeps_spatial else y
