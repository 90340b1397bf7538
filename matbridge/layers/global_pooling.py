"""Global pooling layers: one value per channel.

Spatial dimensions stay with size 1. Where there is one spatial dimension less than the
layer has, and time, it pools over time as well, and time goes. Source: the documentation of
globalAveragePooling1dLayer and its relatives.
"""

from __future__ import annotations

from typing import ClassVar

from matbridge.core.card import RECORDED, Layer
from matbridge.core.dims import Size
from matbridge.layers.windowed import WINDOWED, moved_over
from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
]


class GlobalPooling(Layer):
    """The mean or the largest element over RANK dimensions."""

    RANK: ClassVar[int] = 2
    REDUCTION: ClassVar[str] = "mean"

    @classmethod
    def formats(cls) -> str:
        return WINDOWED[cls.RANK]

    def infer(self, x: Size) -> Size:
        pooled = x.with_spatial(*(1 for _ in x.spatial))
        return pooled.drop("T") if "T" in moved_over(self, x, self.RANK) else pooled

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        over = moved_over(self, x, self.RANK)
        y = ops.reduce(self.REDUCTION, x, over, keep=True)
        return ops.drop(y, "T") if "T" in over else y


class GlobalAveragePooling1D(GlobalPooling):
    """globalAveragePooling1dLayer."""

    MATLAB = ("nnet.cnn.layer.GlobalAveragePooling1DLayer",)
    BUILDER = "globalAveragePooling1dLayer"
    NICKNAME = "gapool1d"
    SINCE = "R2021b"
    EVIDENCE = RECORDED
    RANK = 1


class GlobalAveragePooling2D(GlobalPooling):
    """globalAveragePooling2dLayer."""

    MATLAB = (
        "nnet.cnn.layer.GlobalAveragePooling2DLayer",
        "nnet.keras.layer.GlobalAveragePooling2dLayer",
        "nnet.onnx.layer.GlobalAveragePooling2dLayer",
    )
    BUILDER = "globalAveragePooling2dLayer"
    NICKNAME = "gapool"
    SINCE = "R2019b"
    EVIDENCE = RECORDED


class GlobalAveragePooling3D(GlobalPooling):
    """globalAveragePooling3dLayer."""

    MATLAB = ("nnet.cnn.layer.GlobalAveragePooling3DLayer",)
    BUILDER = "globalAveragePooling3dLayer"
    NICKNAME = "gapool3d"
    SINCE = "R2019b"
    RANK = 3


class GlobalMaxPooling1D(GlobalPooling):
    """globalMaxPooling1dLayer."""

    MATLAB = ("nnet.cnn.layer.GlobalMaxPooling1DLayer",)
    BUILDER = "globalMaxPooling1dLayer"
    NICKNAME = "gmpool1d"
    SINCE = "R2021b"
    RANK = 1
    REDUCTION = "max"


class GlobalMaxPooling2D(GlobalPooling):
    """globalMaxPooling2dLayer."""

    MATLAB = ("nnet.cnn.layer.GlobalMaxPooling2DLayer",)
    BUILDER = "globalMaxPooling2dLayer"
    NICKNAME = "gmpool"
    SINCE = "R2020a"
    REDUCTION = "max"


class GlobalMaxPooling3D(GlobalPooling):
    """globalMaxPooling3dLayer."""

    MATLAB = ("nnet.cnn.layer.GlobalMaxPooling3DLayer",)
    BUILDER = "globalMaxPooling3dLayer"
    NICKNAME = "gmpool3d"
    SINCE = "R2020a"
    RANK = 3
    REDUCTION = "max"
