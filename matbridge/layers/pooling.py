"""Pooling layers. A window must fit the padded input; there is no ceiling mode.

Source: the documentation of maxPooling2dLayer and averagePooling2dLayer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from matbridge.card import EXPORTED, Layer, integers, logical, padding, prop, spread
from matbridge.dims import Size
from matbridge.layers.convolution import check_fits, moved_over, slide, upgrade_ends
from matbridge.ops import Ops, Padding, Parameters, Value

__all__ = ["AveragePooling2D", "MaxPooling2D"]


@dataclass(frozen=True, eq=False)
class Pooling(Layer):
    """What pooling layers of every rank share. The stride defaults to 1, not PoolSize."""

    RANK: ClassVar[int] = 2
    TRAINING = ("PoolOverTime", "DistributeOverTime", "PoolingDimIdx", "PaddingSize")

    pool_size: tuple[int, ...] = prop("PoolSize", integers, arg=1)
    stride: tuple[int, ...] = prop("Stride", integers, default=(1,))
    padding: Padding = prop("Padding", padding(2), default=((0, 0), (0, 0)))

    @classmethod
    def upgrade(cls, saved: dict[str, Any]) -> dict[str, Any]:
        """PaddingMode 'manual' and PaddingSize are Padding; 'same' is Padding."""
        return upgrade_ends(saved, "Padding")

    def infer(self, *inputs: Size) -> Size | tuple[Size, ...]:
        x = inputs[0]
        over = moved_over(self, x, self.RANK)
        ones = (1,) * self.RANK
        y = slide(x, over, self.pool_size, self.stride, ones, self.padding)
        return check_fits(self, x, y)


@dataclass(frozen=True, eq=False)
class MaxPooling2D(Pooling):
    """maxPooling2dLayer: the largest element of each window; padding never wins."""

    MATLAB = ("nnet.cnn.layer.MaxPooling2DLayer",)
    BUILDER = "maxPooling2dLayer"
    NICKNAME = "maxpool"
    SINCE = "R2016a"
    EVIDENCE = EXPORTED

    pool_size: tuple[int, ...] = prop("PoolSize", spread(2), arg=1)
    stride: tuple[int, ...] = prop("Stride", spread(2), default=(1, 1))
    has_unpooling_outputs: bool = prop("HasUnpoolingOutputs", logical, default=False)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.max_pool(
            inputs[0],
            over=moved_over(self, inputs[0], self.RANK),
            window=self.pool_size,
            stride=self.stride,
            padding=self.padding,
        )


def average_padding(value: Any) -> float | str:
    """0, counted as zeros, or 'mean', left out of the mean."""
    return "mean" if isinstance(value, str) else 0.0


@dataclass(frozen=True, eq=False)
class AveragePooling2D(Pooling):
    """averagePooling2dLayer: the mean over the whole window, zeros in the padding counted,
    unless PaddingValue is 'mean'."""

    MATLAB = ("nnet.cnn.layer.AveragePooling2DLayer",)
    BUILDER = "averagePooling2dLayer"
    NICKNAME = "avgpool2d"
    SINCE = "R2016a"

    pool_size: tuple[int, ...] = prop("PoolSize", spread(2), arg=1)
    stride: tuple[int, ...] = prop("Stride", spread(2), default=(1, 1))
    padding_value: float | str = prop("PaddingValue", average_padding, default=0.0)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.average_pool(
            inputs[0],
            over=moved_over(self, inputs[0], self.RANK),
            window=self.pool_size,
            stride=self.stride,
            padding=self.padding,
            count_padding=self.padding_value != "mean",
        )
