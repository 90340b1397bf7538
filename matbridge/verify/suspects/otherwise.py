"""Layers that compute otherwise than MATLAB's, as other programs do: cards for suspects alone."""

from __future__ import annotations

from dataclasses import field

from matbridge.layers.activation import Softmax
from matbridge.layers.input import AnyInput
from matbridge.layers.normalization import BatchNormalization
from matbridge.layers.shape import Flatten
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered, unnumbered

__all__ = [
    "FlattenIn",
    "LogSoftmax",
    "MiniBatchNormalization",
    "ScaledInput",
    "SoftmaxOver",
]


class FlattenIn(Flatten):
    """flattenLayer in another order: ``order`` from the slowest to the fastest, such as "12C"."""

    order: str = field(default="", kw_only=True)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.merge(x, self.order, "C")


class SoftmaxOver(Softmax):
    """softmaxLayer over another dimension: "B", "T", or "1", "2", "3" of the spatial ones."""

    over: str = field(default="B", kw_only=True)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        y = ops.softmax(ops.rename(x, numbered(x.dims)), self.over)
        return ops.rename(y, unnumbered(y.dims))


class LogSoftmax(Softmax):
    """The logarithm of softmaxLayer: x less log Σ exp(x), the largest x taken out first."""

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        below = ops.subtract(x, ops.reduce("max", x, "C", keep=True))
        total = ops.reduce("sum", ops.map("exp", below), "C", keep=True)
        return ops.subtract(below, ops.map("log", total))


class MiniBatchNormalization(BatchNormalization):
    """batchNormalizationLayer as in training: with the mean and variance of the mini-batch."""

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        unit = ops.standardize(x, x.dims.replace("C", ""), self.epsilon)
        return ops.add(ops.multiply(unit, p["Scale"]), p["Offset"])


class ScaledInput(AnyInput):
    """inputLayer that makes Factor·x + Summand of its data."""

    factor: float = field(default=1.0, kw_only=True)
    summand: float = field(default=0.0, kw_only=True)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.add(ops.multiply(x, self.factor), self.summand)
