"""Activation layers: element by element, any format."""

from __future__ import annotations

from dataclasses import dataclass

from matbridge.card import EXPORTED, RECORDED, Layer, number, prop
from matbridge.dims import Size
from matbridge.ops import Ops, Parameters, Value

__all__ = ["ELU", "LeakyReLU", "ReLU", "Sigmoid", "Softmax", "Tanh"]


@dataclass(frozen=True, eq=False)
class ReLU(Layer):
    """reluLayer: max(x, 0)."""

    MATLAB = ("nnet.cnn.layer.ReLULayer",)
    BUILDER = "reluLayer"
    NICKNAME = "relu"
    SINCE = "R2016a"
    EVIDENCE = EXPORTED

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.map("relu", inputs[0])


@dataclass(frozen=True, eq=False)
class LeakyReLU(Layer):
    """leakyReluLayer: x for x >= 0, else Scale·x."""

    MATLAB = ("nnet.cnn.layer.LeakyReLULayer",)
    BUILDER = "leakyReluLayer"
    NICKNAME = "leakyrelu"
    SINCE = "R2017b"

    scale: float = prop("Scale", number, arg=1, default=0.01)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.map("leaky-relu", inputs[0], scale=self.scale)


@dataclass(frozen=True, eq=False)
class ELU(Layer):
    """eluLayer: x for x >= 0, else Alpha·(exp(x) - 1)."""

    MATLAB = ("nnet.cnn.layer.ELULayer",)
    BUILDER = "eluLayer"
    NICKNAME = "elu"
    SINCE = "R2019a"

    alpha: float = prop("Alpha", number, arg=1, default=1.0)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.map("elu", inputs[0], alpha=self.alpha)


@dataclass(frozen=True, eq=False)
class Tanh(Layer):
    """tanhLayer: tanh(x)."""

    MATLAB = ("nnet.cnn.layer.TanhLayer",)
    BUILDER = "tanhLayer"
    NICKNAME = "tanh"
    SINCE = "R2019a"

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.map("tanh", inputs[0])


@dataclass(frozen=True, eq=False)
class Sigmoid(Layer):
    """sigmoidLayer: 1 / (1 + exp(-x))."""

    MATLAB = ("nnet.cnn.layer.SigmoidLayer",)
    BUILDER = "sigmoidLayer"
    SINCE = "R2020b"

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.map("sigmoid", inputs[0])


@dataclass(frozen=True, eq=False)
class Softmax(Layer):
    """softmaxLayer: exp(x) / Σ exp(x) over the channels, at each position and step."""

    MATLAB = ("nnet.cnn.layer.SoftmaxLayer",)
    BUILDER = "softmaxLayer"
    NICKNAME = "softmax"
    SINCE = "R2016a"
    EVIDENCE = RECORDED
    # Both only restate that the sum runs over the channels.
    TRAINING = ("VectorFormat", "ChannelDim")

    def infer(self, *inputs: Size) -> Size:
        self.need(inputs[0], "C")
        return inputs[0]

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.softmax(inputs[0], "C")
