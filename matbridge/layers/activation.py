"""Activation layers: element by element, any format."""

from __future__ import annotations

import numpy as np

from matbridge.core.card import RECORDED, Layer, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import number, one_of
from matbridge.layers.expanding import Expanding, by_position
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered, unnumbered

__all__ = [
    "ELU",
    "GELU",
    "ClippedReLU",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Swish",
    "Tanh",
]


class ReLU(Layer):
    """reluLayer: max(x, 0)."""

    MATLAB = ("nnet.cnn.layer.ReLULayer",)
    BUILDER = "reluLayer"
    NICKNAME = "relu"
    SINCE = "R2016a"
    EVIDENCE = RECORDED

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.map("relu", x)


class LeakyReLU(Layer):
    """leakyReluLayer: x for x >= 0, else Scale·x."""

    MATLAB = ("nnet.cnn.layer.LeakyReLULayer",)
    BUILDER = "leakyReluLayer"
    NICKNAME = "leakyrelu"
    SINCE = "R2017b"
    EVIDENCE = RECORDED

    scale: float = prop("Scale", number, arg=1, default=0.01)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.map("leaky-relu", x, scale=self.scale)


class ClippedReLU(Layer):
    """clippedReluLayer: min(max(x, 0), Ceiling)."""

    MATLAB = ("nnet.cnn.layer.ClippedReLULayer",)
    BUILDER = "clippedReluLayer"
    NICKNAME = "clippedrelu"
    SINCE = "R2017b"

    ceiling: float = prop("Ceiling", number, arg=1)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.map("clip", x, low=0.0, high=self.ceiling)


class PReLU(Expanding):
    """preluLayer: x for x >= 0, else Alpha·x. Alpha is learned, 0.25 at first, and expands to
    the data by position: a number, 1×1×C, H×W or H×W×C for images."""

    MATLAB = ("nnet.cnn.layer.PReLULayer",)
    BUILDER = "preluLayer"
    NICKNAME = "prelu"
    SINCE = "R2024a"
    ARRAYS = (by_position("Alpha", "learnable"),)
    TRAINING = ("AlphaInitializer", "AlphaLearnRateFactor", "AlphaL2Factor", "NumChannels")

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """Without Alpha, a layer that was never trained."""
        saved.setdefault("Alpha", np.array([[0.25]]))
        return saved

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        x = ops.rename(x, numbered(x.dims))
        # max(x, 0) + Alpha·min(x, 0): one of the two is 0.
        below = ops.multiply(ops.minimum(x, 0.0), self.beside(ops, p, "Alpha", x))
        y = ops.add(ops.map("relu", x), below)
        return ops.rename(y, unnumbered(y.dims))


class ELU(Layer):
    """eluLayer: x for x >= 0, else Alpha·(exp(x) - 1)."""

    MATLAB = ("nnet.cnn.layer.ELULayer",)
    BUILDER = "eluLayer"
    NICKNAME = "elu"
    SINCE = "R2019a"

    alpha: float = prop("Alpha", number, arg=1, default=1.0)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.map("elu", x, alpha=self.alpha)


class Tanh(Layer):
    """tanhLayer: tanh(x)."""

    MATLAB = (
        "nnet.cnn.layer.TanhLayer",
        "nnet.onnx.layer.TanhLayer",
        "nnet.keras.layer.TanhLayer",
    )
    BUILDER = "tanhLayer"
    NICKNAME = "tanh"
    SINCE = "R2019a"

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.map("tanh", x)


class Sigmoid(Layer):
    """sigmoidLayer: 1 / (1 + exp(-x))."""

    MATLAB = (
        "nnet.cnn.layer.SigmoidLayer",
        "nnet.onnx.layer.SigmoidLayer",
        "nnet.keras.layer.SigmoidLayer",
    )
    BUILDER = "sigmoidLayer"
    SINCE = "R2020b"

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.map("sigmoid", x)


class Softplus(Layer):
    """softplusLayer: log(1 + exp(x)), for any x without a threshold."""

    MATLAB = ("rl.layer.SoftplusLayer", "nnet.cnn.layer.SoftplusLayer")
    BUILDER = "softplusLayer"
    NICKNAME = "softplus"
    PRODUCT = "Reinforcement Learning Toolbox"
    SINCE = "R2020a"

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.map("softplus", x)


class Swish(Layer):
    """swishLayer: x / (1 + exp(-x))."""

    MATLAB = ("nnet.cnn.layer.SwishLayer",)
    BUILDER = "swishLayer"
    NICKNAME = "swish"
    SINCE = "R2021a"

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.multiply(x, ops.map("sigmoid", x))


class GELU(Layer):
    """geluLayer: x/2·(1 + erf(x/√2)), or with Approximation 'tanh'
    x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))."""

    MATLAB = ("nnet.cnn.layer.GELULayer",)
    BUILDER = "geluLayer"
    NICKNAME = "gelu"
    SINCE = "R2022b"

    approximation: str = prop("Approximation", one_of("none", "tanh"), default="none")

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.map("gelu", x, approximation=self.approximation)


class Softmax(Layer):
    """softmaxLayer: exp(x) / Σ exp(x) over the channels, at each position and step."""

    MATLAB = ("nnet.cnn.layer.SoftmaxLayer",)
    BUILDER = "softmaxLayer"
    NICKNAME = "softmax"
    SINCE = "R2016a"
    EVIDENCE = RECORDED
    # Both only restate that the sum runs over the channels.
    TRAINING = ("VectorFormat", "ChannelDim")

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        return x

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.softmax(x, "C")
