"""Normalization layers."""

from __future__ import annotations

from typing import ClassVar

from matbridge.core.card import (
    CHANNEL,
    RECORDED,
    Array,
    Layer,
    learnable,
    prop,
    statistic,
)
from matbridge.core.dims import Size
from matbridge.core.kinds import number, one_of, optional, positive
from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "BatchNormalization",
    "CrossChannelNormalization",
    "GroupNormalization",
    "InstanceNormalization",
    "LayerNormalization",
]


class Normalization(Layer):
    """Offset and Scale have one value per channel (1×1×C for images, C×1 otherwise)."""

    FINITE = True

    ARRAYS: ClassVar[tuple[Array, ...]] = (
        learnable("Offset", CHANNEL, dims="C"),
        learnable("Scale", CHANNEL, dims="C"),
    )

    epsilon: float = prop("Epsilon", number, default=1e-5)
    num_channels: int | None = prop("NumChannels", optional(positive), default=None)

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        self.expect(x["C"], self.num_channels, "channels", x)
        return x


class BatchNormalization(Normalization):
    """batchNormalizationLayer: per channel, in any format,
    (x - TrainedMean)/sqrt(TrainedVariance + Epsilon)·Scale + Offset.

    In training the mean and the biased variance of the mini-batch stand in, and the trained
    statistics move by MeanDecay and VarianceDecay. Source: dlarray/batchnorm; at prediction
    confirmed by MATLAB's own ONNX export and by its recorded results.
    """

    MATLAB = ("nnet.cnn.layer.BatchNormalizationLayer",)
    BUILDER = "batchNormalizationLayer"
    NICKNAME = "batchnorm"
    SINCE = "R2017b"
    EVIDENCE = RECORDED
    ARRAYS = (
        *Normalization.ARRAYS,
        statistic("TrainedMean", CHANNEL, dims="C"),
        statistic("TrainedVariance", CHANNEL, dims="C"),
    )
    TRAINING = ("ChannelDim", "IsMovingAverageMode", "NumTrainingSamples")

    mean_decay: float = prop("MeanDecay", number, default=0.1)
    variance_decay: float = prop("VarianceDecay", number, default=0.1)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
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
        # As one factor and one summand per channel: at prediction both are constants.
        root = ops.map("sqrt", ops.add(variance, self.epsilon))
        scale = ops.divide(p["Scale"], root)
        shift = ops.subtract(p["Offset"], ops.multiply(mean, scale))
        return ops.add(ops.multiply(x, scale), shift)


def _moved(ops: Ops, old: Value, new: Value, decay: float) -> Value:
    return ops.add(ops.multiply(new, decay), ops.multiply(old, 1.0 - decay))


class Standardizing(Normalization):
    """(x - mean)/sqrt(variance + Epsilon)·Scale + Offset, with the mean and the biased
    variance of each observation; one Offset and one Scale per channel."""

    TRAINING = ("ChannelDim", "OffsetInitializer", "ScaleInitializer")

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        y = self.standardized(ops, x)
        return ops.add(ops.multiply(y, p["Scale"]), p["Offset"])

    def standardized(self, ops: Ops, x: Value) -> Value:
        """Without Scale and Offset."""
        raise NotImplementedError


class LayerNormalization(Standardizing):
    """layerNormalizationLayer, over the dimensions that OperationDimension says.

    'auto': the channels alone for features, sequences, 1-D images and image sequences, else
    spatial dimensions and channels. 'batch-excluded' takes time as well: the only way
    before R2023a, so an object saved without the property means it.
    """

    MATLAB = ("nnet.cnn.layer.LayerNormalizationLayer",)
    BUILDER = "layerNormalizationLayer"
    NICKNAME = "layernorm"
    SINCE = "R2021a"

    operation_dimension: str = prop(
        "OperationDimension",
        one_of("auto", "channel-only", "spatial-channel", "batch-excluded"),
        default="auto",
    )

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """Only objects, which have a Version, were saved before the property existed."""
        if "Version" in saved:
            saved.setdefault("OperationDimension", "batch-excluded")
        return saved

    def standardized(self, ops: Ops, x: Value) -> Value:
        channels = "T" in x.dims or x.dims.count("S") <= 1
        over = {
            "auto": "C" if channels else "SC",
            "channel-only": "C",
            "spatial-channel": "SC",
            "batch-excluded": "SCTU",
        }
        return ops.standardize(x, over[self.operation_dimension], self.epsilon)


class InstanceNormalization(Standardizing):
    """instanceNormalizationLayer: over space and time, each channel by itself."""

    MATLAB = ("nnet.cnn.layer.InstanceNormalizationLayer",)
    BUILDER = "instanceNormalizationLayer"
    NICKNAME = "instancenorm"
    SINCE = "R2021a"

    def standardized(self, ops: Ops, x: Value) -> Value:
        return ops.standardize(x, "STU", self.epsilon)


def groups(value: object) -> int | str:
    """A number, 'all-channels' or 'channel-wise'."""
    words = one_of("all-channels", "channel-wise")
    return words(value) if isinstance(value, str) else positive(value)


class GroupNormalization(Standardizing):
    """groupNormalizationLayer: over space, time and the channels of a group; groups are
    contiguous. 'all-channels' is one group, 'channel-wise' one for each channel."""

    MATLAB = ("nnet.cnn.layer.GroupNormalizationLayer",)
    BUILDER = "groupNormalizationLayer"
    NICKNAME = "groupnorm"
    SINCE = "R2020b"

    num_groups: int | str = prop("NumGroups", groups, arg=1)

    def groups(self, channels: int) -> int:
        """How many groups there are."""
        words = {"all-channels": 1, "channel-wise": channels}
        return self.num_groups if isinstance(self.num_groups, int) else words[self.num_groups]

    def infer(self, x: Size) -> Size:
        super().infer(x)
        channels = x["C"]
        if channels is not None and channels % self.groups(channels):
            self.refuse(f"cannot split {channels} channels into {self.num_groups} groups")
        return x

    def standardized(self, ops: Ops, x: Value) -> Value:
        channels = ops.size(x, "C")
        count = self.groups(channels)
        split = ops.split(x, "C", (count, channels // count), "GC")
        return ops.merge(ops.standardize(split, "SCTU", self.epsilon), "GC", "C")


class CrossChannelNormalization(Layer):
    """crossChannelNormalizationLayer: x/(K + Alpha·Σx²/WindowChannelSize)^Beta.

    The window reaches floor((w - 1)/2) channels back and floor(w/2) on; the divisor is w
    at the borders too. Source: the documentation of crosschannelnorm and its printed
    example.
    """

    FINITE = True
    MATLAB = ("nnet.cnn.layer.CrossChannelNormalizationLayer",)
    BUILDER = "crossChannelNormalizationLayer"
    NICKNAME = "crossnorm"
    SINCE = "R2016a"

    window_channel_size: int = prop("WindowChannelSize", positive, arg=1)
    alpha: float = prop("Alpha", number, default=1e-4)
    beta: float = prop("Beta", number, default=0.75)
    k: float = prop("K", number, default=2.0)

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        return x

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        window = self.window_channel_size
        # A mean over a window of channels is a pool whose padding counts.
        squares = ops.rename(ops.multiply(x, x), x.dims.replace("C", "W"))
        mean = ops.average_pool(
            squares,
            over="W",
            window=(window,),
            stride=(1,),
            padding=[((window - 1) // 2, window // 2)],
            count_padding=True,
        )
        # The pool slid over W; the C that it needs beside it has size 1.
        mean = ops.drop(mean, "C")
        mean = ops.rename(mean, mean.dims.replace("W", "C"))
        base = ops.add(ops.multiply(mean, self.alpha), self.k)
        return ops.divide(x, ops.power(base, self.beta))
