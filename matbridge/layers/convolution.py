"""Convolution layers: correlation, no flip of the filter.

Filter layout, bias layout and flatten order are confirmed by MATLAB's own ONNX export;
'same' padding by the PaddingSize that MATLAB saved. Source of the rest: the documentation
of convolution2dLayer and transposedConv2dLayer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from matbridge.card import (
    EXPORTED,
    Layer,
    integer,
    integers,
    learnable,
    optional,
    padding,
    prop,
    spread,
)
from matbridge.dims import Size, column_major, pool_output, window_span
from matbridge.ops import Ops, Padding, Parameters, Value

__all__ = ["Convolution2D", "TransposedConvolution2D"]


def padding_value(value: Any) -> float | str:
    """A number, or one of MATLAB's three words."""
    words = ("symmetric-include-edge", "symmetric-exclude-edge", "replicate")
    if isinstance(value, str):
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return value
    return float(np.asarray(value).reshape(-1)[0])


def moved_over(layer: Layer, x: Size | Value, rank: int) -> str:
    """The labels that a window of this rank moves over: S, then T if there is one S less."""
    labels = x.format if isinstance(x, Size) else x.dims
    spatial = labels.count("S")
    if spatial == rank:
        return "S" * rank
    if spatial == rank - 1 and "T" in labels:
        return "S" * spatial + "T"
    layer.refuse(f"needs {rank} spatial dimensions, but its input has the format {labels}")


def slide(
    x: Size,
    over: str,
    window: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    pads: Padding,
) -> Size:
    """The sizes that remain after moving a window over these dimensions."""
    sizes = [*x.spatial[: over.count("S")], *([x["T"]] if "T" in over else [])]
    out: list[int | None] = []
    for place, (n, k, s, d) in enumerate(zip(sizes, window, stride, dilation, strict=True)):
        if pads == "same":
            out.append(None if n is None else -(-n // s))
        else:
            amount = (k - 1) * d if isinstance(pads, str) else sum(pads[place])
            out.append(pool_output(n, window_span(k, d), s, amount))
    if "S" in over:
        x = x.with_spatial(*out[: over.count("S")])
    return x.put(T=out[-1]) if "T" in over else x


def check_fits(layer: Layer, x: Size, y: Size) -> Size:
    """``y``, unless a window did not fit into ``x``."""
    if any(n is not None and n < 1 for n in y.sizes):
        layer.refuse(f"has a window that is larger than its padded input {x}")
    return y


@dataclass(frozen=True, eq=False)
class Convolution(Layer):
    """What convolution layers of every rank share.

    Weights FilterSize×NumChannels×NumFilters, Bias 1×…×1×NumFilters; PaddingSize in the
    order top, bottom, left, right. Output floor((n + padding - span)/stride) + 1.
    """

    RANK: ClassVar[int] = 2
    TRAINING = (
        "ConvolveOverTime",
        "DistributeOverTime",
        "ConvolutionDimIdx",
        "CudnnGPUAlgoForward",
        "PaddingSize",
    )

    filter_size: tuple[int, ...] = prop("FilterSize", integers, arg=1)
    num_filters: int = prop("NumFilters", integer, arg=2)
    num_channels: int | None = prop("NumChannels", optional(integer), default=None)
    stride: tuple[int, ...] = prop("Stride", integers, default=(1,))
    dilation_factor: tuple[int, ...] = prop("DilationFactor", integers, default=(1,))
    padding: Padding = prop("Padding", padding(2), default=((0, 0), (0, 0)))
    padding_value: float | str = prop("PaddingValue", padding_value, default=0.0)

    @classmethod
    def upgrade(cls, saved: dict[str, Any]) -> dict[str, Any]:
        """PaddingMode 'manual' and PaddingSize are Padding; another mode is Padding."""
        return upgrade_ends(saved, "Padding")

    def infer(self, *inputs: Size) -> Size:
        x = inputs[0]
        self.need(x, "C")
        self.expect(x["C"], self.num_channels, "channels", x)
        over = moved_over(self, x, self.RANK)
        y = slide(x, over, self.filter_size, self.stride, self.dilation_factor, self.padding)
        return check_fits(self, x, y).put(C=self.num_filters)

    def absorb(self, scale: np.ndarray, shift: np.ndarray) -> Layer | None:
        # The filters are the last dimensions, of groups too, column by column.
        weights, bias = self.arrays["Weights"], self.arrays["Bias"]
        filters = weights.shape[self.RANK + 1 :]
        factors = column_major(scale, filters)
        return self.replace(
            arrays={
                **self.arrays,
                "Weights": weights * factors,
                "Bias": bias * column_major(scale, bias.shape) + column_major(shift, bias.shape),
            }
        )

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.convolve(
            inputs[0],
            p["Weights"],
            p["Bias"],
            over=moved_over(self, inputs[0], self.RANK),
            stride=self.stride,
            dilation=self.dilation_factor,
            padding=self.padding,
            padding_value=self.padding_value,
        )


def upgrade_ends(saved: dict[str, Any], name: str) -> dict[str, Any]:
    """Merge the saved {name}Mode and {name}Size into what the constructor takes."""
    if name in saved:
        return saved
    mode = saved.pop(f"{name}Mode", "manual")
    if mode == "manual":
        saved[name] = saved.pop(f"{name}Size", 0)
    else:
        saved[name] = mode
    return saved


@dataclass(frozen=True, eq=False)
class Convolution2D(Convolution):
    """convolution2dLayer. Weights fh×fw×C×F, Bias 1×1×F."""

    MATLAB = ("nnet.cnn.layer.Convolution2DLayer",)
    BUILDER = "convolution2dLayer"
    NICKNAME = "conv"
    SINCE = "R2016a"
    EVIDENCE = EXPORTED
    ARRAYS = (
        learnable("Weights", "FilterSize", "NumChannels", "NumFilters", dims="SIO"),
        learnable("Bias", "1", "1", "NumFilters", dims="O"),
    )

    filter_size: tuple[int, ...] = prop("FilterSize", spread(2), arg=1)
    stride: tuple[int, ...] = prop("Stride", spread(2), default=(1, 1))
    dilation_factor: tuple[int, ...] = prop("DilationFactor", spread(2), default=(1, 1))


@dataclass(frozen=True, eq=False)
class TransposedConvolution(Layer):
    """What transposed convolution layers of every rank share.

    The adjoint of a correlation with stride: output stride·(n - 1) + f - cropping. With
    Cropping 'same' the output is stride·n; the odd one is cut at the bottom and right.
    Weights FilterSize×NumFilters×NumChannels.
    """

    RANK: ClassVar[int] = 2
    TRAINING = ("OutputSizeOffset", "CroppingSize")

    filter_size: tuple[int, ...] = prop("FilterSize", integers, arg=1)
    num_filters: int = prop("NumFilters", integer, arg=2)
    num_channels: int | None = prop("NumChannels", optional(integer), default=None)
    stride: tuple[int, ...] = prop("Stride", integers, default=(1,))
    cropping: Padding = prop("Cropping", padding(2), default=((0, 0), (0, 0)))

    @classmethod
    def upgrade(cls, saved: dict[str, Any]) -> dict[str, Any]:
        """CroppingMode 'manual' and CroppingSize are Cropping; 'same' is Cropping."""
        return upgrade_ends(saved, "Cropping")

    @property
    def amounts(self) -> list[tuple[int, int]]:
        """What is cut before and after each dimension; negative where zeros are added."""
        if not isinstance(self.cropping, str):
            return list(self.cropping)
        totals = [f - s for f, s in zip(self.filter_size, self.stride, strict=True)]
        return [(t // 2, t - t // 2) if t > 0 else (0, t) for t in totals]

    def infer(self, *inputs: Size) -> Size:
        x = inputs[0]
        self.need(x, "C")
        self.expect(x["C"], self.num_channels, "channels", x)
        over = moved_over(self, x, self.RANK)
        sizes = [*x.spatial[: over.count("S")], *([x["T"]] if "T" in over else [])]
        out = [
            None if n is None else s * (n - 1) + f - sum(crop)
            for n, s, f, crop in zip(
                sizes, self.stride, self.filter_size, self.amounts, strict=True
            )
        ]
        y = x.with_spatial(*out[: over.count("S")]) if "S" in over else x
        y = y.put(T=out[-1]) if "T" in over else y
        return check_fits(self, x, y).put(C=self.num_filters)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.transposed_convolve(
            inputs[0],
            p["Weights"],
            p["Bias"],
            over=moved_over(self, inputs[0], self.RANK),
            stride=self.stride,
            cropping=self.amounts,
        )


@dataclass(frozen=True, eq=False)
class TransposedConvolution2D(TransposedConvolution):
    """transposedConv2dLayer. Weights fh×fw×F×C, Bias 1×1×F."""

    MATLAB = ("nnet.cnn.layer.TransposedConvolution2DLayer",)
    BUILDER = "transposedConv2dLayer"
    NICKNAME = "transposed-conv"
    SINCE = "R2017b"
    ARRAYS = (
        learnable("Weights", "FilterSize", "NumFilters", "NumChannels", dims="SOI"),
        learnable("Bias", "1", "1", "NumFilters", dims="O"),
    )

    filter_size: tuple[int, ...] = prop("FilterSize", spread(2), arg=1)
    stride: tuple[int, ...] = prop("Stride", spread(2), default=(1, 1))
