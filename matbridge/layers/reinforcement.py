"""Layers of the Reinforcement Learning Toolbox."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from matbridge.core.card import Layer, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import reals
from matbridge.layers.output import LossLayer
from matbridge.ops import Ops, Parameters, Value

__all__ = ["ClassificationWithEntropy", "FcnLoss", "Quadratic", "Scaling"]


class Scaling(Layer):
    """scalingLayer: Scale·x + Bias, each a number or an array of the input's size."""

    MATLAB = ("rl.layer.ScalingLayer", "nnet.cnn.layer.ScalingLayer")
    BUILDER = "scalingLayer"
    PRODUCT = "Reinforcement Learning Toolbox"
    SINCE = "R2019a"

    scale: np.ndarray = prop("Scale", reals, default=1.0)
    bias: np.ndarray = prop("Bias", reals, default=0.0)

    def infer(self, x: Size) -> Size:
        for name, array in (("Scale", self.scale), ("Bias", self.bias)):
            fitted, labels = _labelled(array, x.format)
            pairs = itertools.zip_longest(fitted.shape, x.all(labels), fillvalue=1)
            if any(n != 1 and m is not None and n != m for n, m in pairs):
                self.refuse(f"has a {name} of size {np.shape(array)}, but its input is {x}")
        return x

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        scale, bias = (
            np.asarray(array).item()
            if np.size(array) == 1
            else ops.constant(*_labelled(array, x.dims))
            for array in (self.scale, self.bias)
        )
        return ops.add(ops.multiply(x, scale), bias)


def _labelled(array: Any, format: str) -> tuple[np.ndarray, str]:
    """The array and its labels: one value per channel, or one per element of space too."""
    array = np.asarray(array, dtype=float)
    spatial = format.count("S")
    if spatial == 0 or array.size == max(array.shape, default=1):
        return array.reshape(-1), "C"
    return array.reshape(array.shape + (1,) * (spatial + 1 - array.ndim)), "S" * spatial + "C"


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
