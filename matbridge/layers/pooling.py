"""Pooling layers. A window must fit the padded input; there is no ceiling mode.

Source: the documentation of maxPooling2dLayer, averagePooling2dLayer and their
relatives.
"""

from __future__ import annotations

from matbridge.core.card import EQUATION, RECORDED, Layer, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import ends, logical, per_dimension
from matbridge.layers.windowed import (
    Windowed,
    check_fits,
    moved_over,
    slide,
)
from matbridge.ops import Ops, Padding, Parameters, Value

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "MaxUnpooling2D",
]


def pooled(
    layer: Windowed, x: Size, window: tuple[int, ...], stride: tuple[int, ...], padding: Padding
) -> Size:
    """The size after a pool."""
    over = moved_over(layer, x, layer.RANK)
    return check_fits(layer, x, slide(x, over, window, stride, (1,) * layer.RANK, padding))


class MaxPooling(Windowed):
    """The largest element of each window; padding never wins. The stride defaults to 1, not
    PoolSize."""

    ENDS = "Padding"
    TRAINING = ("PoolOverTime", "DistributeOverTime", "PoolingDimIdx", "PaddingSize")

    pool_size: tuple[int, ...] = prop("PoolSize", per_dimension, arg=1)
    stride: tuple[int, ...] = prop("Stride", per_dimension, default=1)
    padding: Padding = prop("Padding", ends, default=0)

    def infer(self, x: Size) -> Size | tuple[Size, ...]:
        return pooled(self, x, self.pool_size, self.stride, self.padding)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value | tuple[Value, ...]:
        return ops.max_pool(
            x,
            over=moved_over(self, x, self.RANK),
            window=self.pool_size,
            stride=self.stride,
            padding=self.padding,
        )


class MaxPooling1D(MaxPooling):
    """maxPooling1dLayer: over the spatial dimension, or over time where there is none."""

    MATLAB = ("nnet.cnn.layer.MaxPooling1DLayer",)
    BUILDER = "maxPooling1dLayer"
    NICKNAME = "maxpool1d"
    SINCE = "R2021b"
    EVIDENCE = RECORDED
    RANK = 1


class MaxPooling2D(MaxPooling):
    """maxPooling2dLayer. With HasUnpoolingOutputs the outputs are out, indices and size:
    where each maximum stood (the first in MATLAB's order on a tie), and the input's size,
    both for maxUnpooling2dLayer alone."""

    MATLAB = ("nnet.cnn.layer.MaxPooling2DLayer",)
    BUILDER = "maxPooling2dLayer"
    NICKNAME = "maxpool"
    SINCE = "R2016a"
    EVIDENCE = RECORDED
    INNER = ("indices",)

    has_unpooling_outputs: bool = prop("HasUnpoolingOutputs", logical, default=False)

    @property
    def outputs(self) -> tuple[str, ...]:
        return ("out", "indices", "size") if self.has_unpooling_outputs else ("out",)

    def infer(self, x: Size) -> Size | tuple[Size, ...]:
        y = super().infer(x)
        assert isinstance(y, Size)
        return (y, y, x) if self.has_unpooling_outputs else y

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value | tuple[Value, ...]:
        if not self.has_unpooling_outputs:
            return super().forward(ops, p, x)
        largest, places = ops.max_pool_places(
            x, window=self.pool_size, stride=self.stride, padding=self.padding
        )
        # The input itself stands for its size.
        return largest, places, x


class MaxPooling3D(MaxPooling):
    """maxPooling3dLayer."""

    MATLAB = ("nnet.cnn.layer.MaxPooling3DLayer",)
    BUILDER = "maxPooling3dLayer"
    NICKNAME = "maxpool3d"
    SINCE = "R2019a"
    RANK = 3


class MaxUnpooling2D(Layer):
    """maxUnpooling2dLayer: each element where the pooling layer found it, zeros elsewhere.

    Inputs in, indices and size: the latter two from a maxPooling2dLayer with
    HasUnpoolingOutputs. Confirmed by counts of pixels that MATLAB recorded.
    """

    MATLAB = ("nnet.cnn.layer.MaxUnpooling2DLayer",)
    BUILDER = "maxUnpooling2dLayer"
    NICKNAME = "unpool"
    SINCE = "R2017b"
    EVIDENCE = RECORDED
    INPUTS = ("in", "indices", "size")
    FORMATS = "SSCB SSCBT"

    def infer(self, x: Size, indices: Size, size: Size) -> Size:
        if x.spatial != indices.spatial:
            self.refuse(f"has an input {x}, but indices {indices}")
        return x.with_spatial(*size.spatial)

    def forward(self, ops: Ops, p: Parameters, x: Value, indices: Value, size: Value) -> Value:
        return ops.unpool(x, indices, size)


def average_padding(value: object) -> float | str:
    """0, counted as zeros, or 'mean', left out of the mean."""
    return "mean" if isinstance(value, str) else 0.0


class AveragePooling(Windowed):
    """The mean over the whole window, zeros in the padding counted, unless PaddingValue is
    'mean'. The stride defaults to 1, not PoolSize."""

    ENDS = "Padding"
    TRAINING = MaxPooling.TRAINING

    pool_size: tuple[int, ...] = prop("PoolSize", per_dimension, arg=1)
    stride: tuple[int, ...] = prop("Stride", per_dimension, default=1)
    padding: Padding = prop("Padding", ends, default=0)
    padding_value: float | str = prop("PaddingValue", average_padding, default=0.0)

    def infer(self, x: Size) -> Size:
        return pooled(self, x, self.pool_size, self.stride, self.padding)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.average_pool(
            x,
            over=moved_over(self, x, self.RANK),
            window=self.pool_size,
            stride=self.stride,
            padding=self.padding,
            count_padding=self.padding_value != "mean",
        )


class AveragePooling1D(AveragePooling):
    """averagePooling1dLayer: over the spatial dimension, or over time where there is none."""

    MATLAB = ("nnet.cnn.layer.AveragePooling1DLayer",)
    BUILDER = "averagePooling1dLayer"
    NICKNAME = "avgpool1d"
    SINCE = "R2021b"
    RANK = 1


class AveragePooling2D(AveragePooling):
    """averagePooling2dLayer."""

    MATLAB = ("nnet.cnn.layer.AveragePooling2DLayer",)
    BUILDER = "averagePooling2dLayer"
    NICKNAME = "avgpool2d"
    SINCE = "R2016a"
    EVIDENCE = RECORDED


class AveragePooling3D(AveragePooling):
    """averagePooling3dLayer."""

    MATLAB = ("nnet.cnn.layer.AveragePooling3DLayer",)
    BUILDER = "averagePooling3dLayer"
    NICKNAME = "avgpool3d"
    SINCE = "R2019a"
    RANK = 3


class AdaptiveAveragePooling(Windowed):
    """The mean of each of OutputSize regions. Region i (from 0) of n elements goes from
    floor(i·n/outputs) up to ceil((i + 1)·n/outputs): assumed, since MATLAB's documentation
    does not say where the regions lie; for n divisible by outputs there is no other way."""

    EVIDENCE = EQUATION

    output_size: tuple[int, ...] = prop("OutputSize", per_dimension, arg=1)

    @classmethod
    def formats(cls) -> str:
        return {1: "SCB SCBT", 2: "SSCB SSCBT"}[cls.RANK]

    def infer(self, x: Size) -> Size:
        if x.format.count("S") != self.RANK:
            self.refuse(f"needs {self.RANK} spatial dimensions, but its input is {x}")
        return x.with_spatial(*self.output_size)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        y = x
        for axis, outputs in enumerate(self.output_size, 1):
            y = ops.region_means(y, str(axis), outputs)
        return y


class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """adaptiveAveragePooling1dLayer."""

    MATLAB = ("nnet.cnn.layer.AdaptiveAveragePooling1DLayer",)
    BUILDER = "adaptiveAveragePooling1dLayer"
    NICKNAME = "adaptiveavgpool1d"
    SINCE = "R2024a"
    RANK = 1


class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """adaptiveAveragePooling2dLayer."""

    MATLAB = ("nnet.cnn.layer.AdaptiveAveragePooling2DLayer",)
    BUILDER = "adaptiveAveragePooling2dLayer"
    NICKNAME = "adaptiveavgpool2d"
    SINCE = "R2024a"
