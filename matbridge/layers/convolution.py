"""Convolution layers: correlation, no flip of the filter.

Filter layout, bias layout and flatten order are confirmed by MATLAB's own ONNX export;
'same' padding by the PaddingSize that MATLAB saved. Source of the rest: the documentation
of convolution1dLayer, convolution2dLayer, convolution3dLayer, groupedConvolution2dLayer.
"""

from __future__ import annotations

from matbridge.core.arrays import declared_size
from matbridge.core.card import RECORDED, learnable, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import ends, integer, number, optional, per_dimension, positive
from matbridge.layers.windowed import (
    Windowed,
    check_fits,
    moved_over,
    slide,
)
from matbridge.ops import Ops, Padding, Parameters, Value

__all__ = [
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "GroupedConvolution2D",
]


def padding_value(value: object) -> float | str:
    """A number, or one of MATLAB's three words."""
    words = ("symmetric-include-edge", "symmetric-exclude-edge", "replicate")
    if isinstance(value, str):
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return value
    return number(value)


class Convolution(Windowed):
    """What convolution layers share, grouped or not.

    PaddingSize in the order top, bottom, left, right. Output
    floor((n + padding - span)/stride) + 1. The window moves over the spatial dimensions,
    and over time where there is one spatial dimension less than it has.
    """

    ENDS = "Padding"
    TRAINING = (
        "ConvolveOverTime",
        "DistributeOverTime",
        "ConvolutionDimIdx",
        "CudnnGPUAlgoForward",
        "PaddingSize",
    )

    filter_size: tuple[int, ...] = prop("FilterSize", per_dimension, arg=1)
    stride: tuple[int, ...] = prop("Stride", per_dimension, default=1)
    dilation_factor: tuple[int, ...] = prop("DilationFactor", per_dimension, default=1)
    padding: Padding = prop("Padding", ends, default=0)
    padding_value: float | str = prop("PaddingValue", padding_value, default=0.0)

    @property
    def channels(self) -> tuple[int | None, int | None]:
        """The number of channels that go in, and of those that come out, as Weights has them."""
        return declared_size(self, "Weights", "IG"), declared_size(self, "Weights", "OG")

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        inner, outer = self.channels
        self.expect(x["C"], inner, "channels", x)
        over = moved_over(self, x, self.RANK)
        y = slide(x, over, self.filter_size, self.stride, self.dilation_factor, self.padding)
        return check_fits(self, x, y).put(C=outer)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.convolve(
            x,
            p["Weights"],
            p["Bias"],
            over=moved_over(self, x, self.RANK),
            stride=self.stride,
            dilation=self.dilation_factor,
            padding=self.padding,
            padding_value=self.padding_value,
        )


class Convolution1D(Convolution):
    """convolution1dLayer: over the spatial dimension, or over time where there is none.

    Weights f×C×F, Bias 1×F; Padding 'causal' looks back only.
    """

    MATLAB = ("nnet.cnn.layer.Convolution1DLayer",)
    BUILDER = "convolution1dLayer"
    NICKNAME = "conv1d"
    SINCE = "R2021b"
    EVIDENCE = RECORDED
    RANK = 1
    ARRAYS = (
        learnable("Weights", "FilterSize", "NumChannels", "NumFilters", dims="SIO"),
        learnable("Bias", "1", "NumFilters", dims="O"),
    )

    num_filters: int = prop("NumFilters", positive, arg=2)
    num_channels: int | None = prop("NumChannels", optional(positive), default=None)


class Convolution2D(Convolution):
    """convolution2dLayer. Weights fh×fw×C×F, Bias 1×1×F."""

    MATLAB = ("nnet.cnn.layer.Convolution2DLayer",)
    BUILDER = "convolution2dLayer"
    NICKNAME = "conv"
    SINCE = "R2016a"
    EVIDENCE = RECORDED
    ARRAYS = (
        learnable("Weights", "FilterSize", "NumChannels", "NumFilters", dims="SIO"),
        learnable("Bias", "1", "1", "NumFilters", dims="O"),
    )

    num_filters: int = prop("NumFilters", positive, arg=2)
    num_channels: int | None = prop("NumChannels", optional(positive), default=None)


class Convolution3D(Convolution):
    """convolution3dLayer. Weights fh×fw×fd×C×F, Bias 1×1×1×F."""

    MATLAB = ("nnet.cnn.layer.Convolution3DLayer",)
    BUILDER = "convolution3dLayer"
    NICKNAME = "conv3d"
    SINCE = "R2019a"
    RANK = 3
    ARRAYS = (
        learnable("Weights", "FilterSize", "NumChannels", "NumFilters", dims="SIO"),
        learnable("Bias", "1", "1", "1", "NumFilters", dims="O"),
    )

    num_filters: int = prop("NumFilters", positive, arg=2)
    num_channels: int | None = prop("NumChannels", optional(positive), default=None)


class GroupedConvolution2D(Convolution):
    """groupedConvolution2dLayer: each of NumGroups groups of channels has its own filters;
    'channel-wise' is one group for each channel.

    Weights fh×fw×C/G×F/G×G, Bias 1×1×F/G×G.
    """

    MATLAB = ("nnet.cnn.layer.GroupedConvolution2DLayer",)
    BUILDER = "groupedConvolution2dLayer"
    NICKNAME = "groupedconv"
    SINCE = "R2019a"
    ARRAYS = (
        learnable(
            "Weights",
            "FilterSize",
            "NumChannelsPerGroup",
            "NumFiltersPerGroup",
            "NumGroups",
            dims="SIOG",
        ),
        learnable("Bias", "1", "1", "NumFiltersPerGroup", "NumGroups", dims="OG"),
    )

    num_filters_per_group: int = prop("NumFiltersPerGroup", positive, arg=2)
    num_groups: int | None = prop("NumGroups", optional(integer, "channel-wise"), arg=3)
    num_channels_per_group: int | None = prop(
        "NumChannelsPerGroup", optional(integer), default=None
    )
