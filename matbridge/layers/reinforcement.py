"""Layers of the Reinforcement Learning Toolbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.card import Layer, prop
from matbridge.layers.output import OutputLayer
from matbridge.ops import Ops, Parameters, Value

__all__ = ["ClassificationWithEntropy", "FcnLoss", "Scaling"]


def factors(value: Any) -> np.ndarray:
    """One number, or one for each element."""
    return np.asarray(value, dtype=float)


@dataclass(frozen=True, eq=False)
class Scaling(Layer):
    """scalingLayer: Scale·x + Bias, each a number or an array of the input's size."""

    MATLAB = ("rl.layer.ScalingLayer",)
    BUILDER = "scalingLayer"
    PRODUCT = "Reinforcement Learning Toolbox"
    SINCE = "R2019a"

    scale: np.ndarray = prop("Scale", factors, default=1.0)
    bias: np.ndarray = prop("Bias", factors, default=0.0)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        x = inputs[0]
        return ops.add(
            ops.multiply(x, self._operand(ops, self.scale, x)), self._operand(ops, self.bias, x)
        )

    def _operand(self, ops: Ops, array: Any, x: Value) -> Value | float:
        array = np.asarray(array, dtype=float)
        if array.size == 1:
            return float(array.reshape(-1)[0])
        if x.dims.count("S") == 0 or sum(n != 1 for n in array.shape) == 1:
            return ops.constant(array.reshape(-1), "C")
        labels = "S" * x.dims.count("S") + "C"
        return ops.constant(array.reshape(array.shape + (1,) * (len(labels) - array.ndim)), labels)


@dataclass(frozen=True, eq=False)
class FcnLoss(OutputLayer):
    """The loss of an agent's model: the identity at prediction."""

    MATLAB = ("rl.layer.FcnLossLayer",)
    PRODUCT = "Reinforcement Learning Toolbox"
    TRAINING = (*OutputLayer.TRAINING, "ResponseNames", "LossFcn", "IsNetworkStateful")


@dataclass(frozen=True, eq=False)
class ClassificationWithEntropy(OutputLayer):
    """The loss of an agent's policy: the identity at prediction."""

    MATLAB = ("rl.layer.internal.ClassificationLayerWithEntropy",)
    PRODUCT = "Reinforcement Learning Toolbox"
    TRAINING = (*OutputLayer.TRAINING, "Classes", "EntropyLossWeight", "CrossEntropyLoss")
