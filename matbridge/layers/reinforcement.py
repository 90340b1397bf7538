"""Layers of the Reinforcement Learning Toolbox."""

from __future__ import annotations

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import Size
from matbridge.layers.expanding import Expanding, by_position
from matbridge.layers.output import LossLayer
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered, unnumbered

__all__ = ["ClassificationWithEntropy", "FcnLoss", "Quadratic", "Scaling"]


class Scaling(Expanding):
    """scalingLayer: Scale·x + Bias, each a number (1 and 0 unless given) or an array that
    expands to the data by position."""

    MATLAB = ("rl.layer.ScalingLayer", "nnet.cnn.layer.ScalingLayer")
    BUILDER = "scalingLayer"
    PRODUCT = "Reinforcement Learning Toolbox"
    SINCE = "R2019a"
    ARRAYS = (by_position("Scale"), by_position("Bias"))

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """Without Scale or Bias, the defaults."""
        return {"Scale": np.ones((1, 1)), "Bias": np.zeros((1, 1))} | saved

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        x = ops.rename(x, numbered(x.dims))
        scale, bias = (self.beside(ops, p, name, x) for name in ("Scale", "Bias"))
        y = ops.add(ops.multiply(x, scale), bias)
        return ops.rename(y, unnumbered(y.dims))


class Quadratic(Layer):
    """quadraticLayer: the products of any two channels, [u1·u1 u1·u2 u2·u2 u1·u3 u2·u3 u3·u3]
    for three."""

    MATLAB = ("rl.layer.QuadraticLayer",)
    BUILDER = "quadraticLayer"
    NICKNAME = "quadratic"
    PRODUCT = "Reinforcement Learning Toolbox"
    SINCE = "R2019a"

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        n = x["C"]
        return x.put(C=None if n is None else n * (n + 1) // 2)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        # Channel j times all up to it, which is the order of the docstring.
        rows = [
            ops.multiply(ops.slice(x, "C", 0, j + 1), ops.slice(x, "C", j, j + 1))
            for j in range(ops.size(x, "C"))
        ]
        return ops.concatenate(rows, "C")


class FcnLoss(LossLayer):
    """The loss of an agent's model: the identity at prediction."""

    MATLAB = ("rl.layer.FcnLossLayer",)
    PRODUCT = "Reinforcement Learning Toolbox"
    TRAINING = (*LossLayer.TRAINING, "ResponseNames", "LossFcn", "IsNetworkStateful")


class ClassificationWithEntropy(LossLayer):
    """The loss of an agent's policy: the identity at prediction."""

    MATLAB = ("rl.layer.internal.ClassificationLayerWithEntropy",)
    PRODUCT = "Reinforcement Learning Toolbox"
    TRAINING = (*LossLayer.TRAINING, "Classes", "EntropyLossWeight", "CrossEntropyLoss")
