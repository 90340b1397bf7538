"""Transposed convolution layers: the adjoint of a correlation with stride.

Source: the documentation of transposedConv1dLayer, transposedConv2dLayer and
transposedConv3dLayer. Layout of Weights, Cropping, and that 'same' cuts the odd one at the
end: confirmed by images that MATLAB computed. That 'same' adds at the end where the filter
is smaller than the stride is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from matbridge.core.card import RECORDED, Array, learnable, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import ends, optional, per_dimension, positive
from matbridge.layers.windowed import (
    Windowed,
    check_fits,
    extents,
    moved,
    moved_over,
)
from matbridge.ops import Ops, Padding, Parameters, Value

__all__ = ["TransposedConvolution1D", "TransposedConvolution2D", "TransposedConvolution3D"]


class TransposedConvolution(Windowed):
    """What transposed convolution layers of every rank share.

    Output stride·(n - 1) + f - cropping; with Cropping 'same' stride·n.
    Weights FilterSize×NumFilters×NumChannels.
    """

    ENDS = "Cropping"
    TRAINING = ("OutputSizeOffset", "CroppingSize")
    ONLY: ClassVar[Mapping[str, object]] = {"OutputSizeOffset": 0}

    filter_size: tuple[int, ...] = prop("FilterSize", per_dimension, arg=1)
    num_filters: int = prop("NumFilters", positive, arg=2)
    num_channels: int | None = prop("NumChannels", optional(positive), default=None)
    stride: tuple[int, ...] = prop("Stride", per_dimension, default=1)
    cropping: Padding = prop("Cropping", ends, default=0)

    @property
    def amounts(self) -> list[tuple[int, int]]:
        """What is cut before and after each dimension; negative where zeros are added."""
        if not isinstance(self.cropping, str):
            return list(self.cropping)
        # 'same' gives stride·n: f - s less than the whole.
        totals = [f - s for f, s in zip(self.filter_size, self.stride, strict=True)]
        return [(t // 2, t - t // 2) if t > 0 else (0, t) for t in totals]

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        self.expect(x["C"], self.num_channels, "channels", x)
        over = moved_over(self, x, self.RANK)
        out = [
            None if n is None else s * (n - 1) + f - sum(crop)
            for n, s, f, crop in zip(
                extents(x, over), self.stride, self.filter_size, self.amounts, strict=True
            )
        ]
        return check_fits(self, x, moved(x, over, out)).put(C=self.num_filters)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.transposed_convolve(
            x,
            p["Weights"],
            p["Bias"],
            over=moved_over(self, x, self.RANK),
            stride=self.stride,
            cropping=self.amounts,
        )


def _arrays(*ones: str) -> tuple[Array, ...]:
    return (
        learnable("Weights", "FilterSize", "NumFilters", "NumChannels", dims="SOI"),
        learnable("Bias", *ones, "NumFilters", dims="O"),
    )


class TransposedConvolution1D(TransposedConvolution):
    """transposedConv1dLayer, over S, or over T where there is no S. Weights f×F×C, Bias
    1×F."""

    MATLAB = ("nnet.cnn.layer.TransposedConvolution1DLayer",)
    BUILDER = "transposedConv1dLayer"
    NICKNAME = "transposed-conv1d"
    SINCE = "R2022a"
    RANK = 1
    ARRAYS = _arrays("1")


class TransposedConvolution2D(TransposedConvolution):
    """transposedConv2dLayer. Weights fh×fw×F×C, Bias 1×1×F."""

    MATLAB = ("nnet.cnn.layer.TransposedConvolution2DLayer",)
    BUILDER = "transposedConv2dLayer"
    NICKNAME = "transposed-conv"
    SINCE = "R2017b"
    EVIDENCE = RECORDED
    ARRAYS = _arrays("1", "1")


class TransposedConvolution3D(TransposedConvolution):
    """transposedConv3dLayer. Weights fh×fw×fd×F×C, Bias 1×1×1×F."""

    MATLAB = ("nnet.cnn.layer.TransposedConvolution3DLayer",)
    BUILDER = "transposedConv3dLayer"
    NICKNAME = "transposed-conv3d"
    SINCE = "R2019a"
    RANK = 3
    ARRAYS = _arrays("1", "1", "1")
