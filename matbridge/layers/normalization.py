"""Normalization layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matbridge.card import (
    CHANNEL,
    EXPORTED,
    Layer,
    integer,
    learnable,
    number,
    optional,
    prop,
    statistic,
)
from matbridge.dims import Size
from matbridge.ops import Ops, Parameters, Value

__all__ = ["BatchNormalization"]


@dataclass(frozen=True, eq=False)
class BatchNormalization(Layer):
    """batchNormalizationLayer: per channel, in any format,
    (x - TrainedMean)/sqrt(TrainedVariance + Epsilon)·Scale + Offset.

    Arrays hold one value per channel (1×1×C for images, C×1 otherwise). In training the
    mean and the biased variance of the mini-batch stand in, and the trained statistics
    move by MeanDecay and VarianceDecay. Source: dlarray/batchnorm; at prediction
    confirmed by MATLAB's own ONNX export.
    """

    MATLAB = ("nnet.cnn.layer.BatchNormalizationLayer",)
    BUILDER = "batchNormalizationLayer"
    NICKNAME = "batchnorm"
    SINCE = "R2017b"
    EVIDENCE = EXPORTED
    ARRAYS = (
        learnable("Offset", CHANNEL, dims="C"),
        learnable("Scale", CHANNEL, dims="C"),
        statistic("TrainedMean", CHANNEL, dims="C"),
        statistic("TrainedVariance", CHANNEL, dims="C"),
    )
    TRAINING = ("ChannelDim", "IsMovingAverageMode", "NumTrainingSamples")

    epsilon: float = prop("Epsilon", number, default=1e-5)
    num_channels: int | None = prop("NumChannels", optional(integer), default=None)
    mean_decay: float = prop("MeanDecay", number, default=0.1)
    variance_decay: float = prop("VarianceDecay", number, default=0.1)

    def infer(self, *inputs: Size) -> Size:
        self.need(inputs[0], "C")
        self.expect(inputs[0]["C"], self.num_channels, "channels", inputs[0])
        return inputs[0]

    def scale_and_shift(self) -> tuple[np.ndarray, np.ndarray] | None:
        mean, variance, offset, scale = (
            self.arrays[name].reshape(-1).astype(np.float64)
            for name in ("TrainedMean", "TrainedVariance", "Offset", "Scale")
        )
        factor = scale / np.sqrt(variance + self.epsilon)
        return factor, offset - mean * factor

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        x = inputs[0]
        mean, variance = p["TrainedMean"], p["TrainedVariance"]
        if ops.training:
            over = x.dims.replace("C", "")
            mean = ops.reduce("mean", x, over)
            centred = ops.subtract(x, mean)
            variance = ops.reduce("mean", ops.multiply(centred, centred), over)
            p.update(
                TrainedMean=_moved(ops, p["TrainedMean"], mean, self.mean_decay),
                TrainedVariance=_moved(ops, p["TrainedVariance"], variance, self.variance_decay),
            )
        root = ops.map("sqrt", ops.add(variance, self.epsilon))
        scale = ops.divide(p["Scale"], root)
        shift = ops.subtract(p["Offset"], ops.multiply(mean, scale))
        return ops.add(ops.multiply(x, scale), shift)


def _moved(ops: Ops, old: Value, new: Value, decay: float) -> Value:
    return ops.add(ops.multiply(new, decay), ops.multiply(old, 1.0 - decay))
