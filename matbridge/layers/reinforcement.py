"""Layers of the Reinforcement Learning Toolbox."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.card import Layer, prop
from matbridge.converters import reals
from matbridge.dims import Size
from matbridge.layers.output import OutputLayer
from matbridge.ops import Ops, Parameters, Value

__all__ = ["ClassificationWithEntropy", "FcnLoss", "Quadratic", "Scaling"]


@dataclass(frozen=True, eq=False)
class Scaling(Layer):
    """scalingLayer: Scale·x + Bias, each a number or an array of the input's size."""

    MATLAB = ("rl.layer.ScalingLayer", "nnet.cnn.layer.ScalingLayer")
    BUILDER = "scalingLayer"
    PRODUCT = "Reinforcement Learning Toolbox"
    SINCE = "R2019a"

    scale: np.ndarray = prop("Scale", reals, default=1.0)
    bias: np.ndarray = prop("Bias", reals, default=0.0)

    def infer(self, *inputs: Size) -> Size:
        x = inputs[0]
        for name, array in (("Scale", self.scale), ("Bias", self.bias)):
            shape, sizes = np.shape(array), x.all("SC")
            if np.size(array) == max((1, *shape)):
                shape, sizes = (np.size(array),), sizes[-1:]
            pairs = itertools.zip_longest(shape, sizes, fillvalue=1)
            if any(n != 1 and m is not None and n != m for n, m in pairs):
                self.refuse(f"has a {name} of size {np.shape(array)}, but its input is {x}")
        return x

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
class Quadratic(Layer):
    """quadraticLayer: the products of any two channels, [u1·u1 u1·u2 u2·u2 u1·u3 u2·u3 u3·u3]
    for three."""

    MATLAB = ("rl.layer.QuadraticLayer",)
    BUILDER = "quadraticLayer"
    NICKNAME = "quadratic"
    PRODUCT = "Reinforcement Learning Toolbox"
    SINCE = "R2019a"

    def infer(self, *inputs: Size) -> Size:
        self.need(inputs[0], "C")
        n = inputs[0]["C"]
        return inputs[0].put(C=None if n is None else n * (n + 1) // 2)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        x = inputs[0]
        rows = [
            ops.multiply(ops.slice(x, "C", 0, j + 1), ops.slice(x, "C", j, j + 1))
            for j in range(ops.size(x, "C"))
        ]
        return ops.concatenate(rows, "C")


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
