"""Layers that rearrange, crop, resize or pick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.card import (
    RECORDED,
    Layer,
    integer,
    logical,
    numbers,
    one_of,
    optional,
    prop,
)
from matbridge.dims import Size
from matbridge.ops import Ops, Parameters, Value

__all__ = ["Crop2D", "Flatten", "Indexing1D", "Resize2D"]


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """flattenLayer: spatial dimensions into channels, height fastest, then width, depth,
    channels: MATLAB's order in memory."""

    MATLAB = ("nnet.cnn.layer.FlattenLayer",)
    BUILDER = "flattenLayer"
    NICKNAME = "flatten"
    SINCE = "R2019a"
    TRAINING = ("NumFlattenDimensions",)

    def infer(self, *inputs: Size) -> Size:
        self.need(inputs[0], "C")
        return inputs[0].drop("S").put(C=inputs[0].elements("SC"))

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return ops.flatten(inputs[0])


def location(value: Any) -> tuple[int, ...] | None:
    """[x y] from 1, or None for 'auto'."""
    found = optional(numbers)(value)
    return None if found is None else tuple(int(n) for n in found)


@dataclass(frozen=True, eq=False)
class Crop2D(Layer):
    """crop2dLayer: 'in' cut to the height and width of 'ref'.

    Mode 'centercrop', or Location [x y]: column and row of the upper left corner from 1.
    An odd surplus leaves one more row below and column to the right.
    """

    MATLAB = ("nnet.cnn.layer.Crop2DLayer",)
    BUILDER = "crop2dLayer"
    NICKNAME = "crop2d"
    SINCE = "R2017b"
    INPUTS = ("in", "ref")

    mode: str = prop("Mode", one_of("centercrop", "custom"), default="centercrop")
    location: tuple[int, ...] | None = prop("Location", location, default=None)

    def infer(self, *inputs: Size) -> Size:
        x, ref = inputs
        if any(
            a is not None and b is not None and a < b
            for a, b in zip(x.spatial, ref.spatial, strict=True)
        ):
            self.refuse(f"cannot crop {x} to the larger {ref}")
        return x.with_spatial(*ref.spatial)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        x, ref = inputs
        sizes, wanted = ops.spatial(x), ops.spatial(ref)
        corner = [(n - w) // 2 for n, w in zip(sizes, wanted, strict=True)]
        if self.location is not None:
            columns, rows = self.location
            corner = [rows - 1, columns - 1]
        for axis, (start, size) in enumerate(zip(corner, wanted, strict=True), 1):
            x = ops.slice(x, str(axis), start, start + size)
        return x


@dataclass(frozen=True, eq=False)
class Resize2D(Layer):
    """resize2dLayer to OutputSize, by Scale, or to the size of 'ref'.

    Source coordinate of output i (from 0): 'half-pixel' (i + 0.5)/s - 0.5, 'asymmetric'
    i/s, clamped at the edges, with s = out/in. Method 'nearest' or 'bilinear'.
    """

    MATLAB = ("nnet.cnn.layer.Resize2DLayer",)
    BUILDER = "resize2dLayer"
    PRODUCT = "Image Processing Toolbox"
    SINCE = "R2020b"
    TRAINING = ("DlresizeMethodName", "GetOutputSizeAndScale")

    scale: tuple[float, ...] | None = prop("Scale", optional(numbers), default=None)
    output_size: tuple[float, ...] | None = prop("OutputSize", optional(numbers), default=None)
    enable_reference_input: bool = prop("EnableReferenceInput", logical, default=False)
    method: str = prop("Method", one_of("nearest", "bilinear"), default="nearest")
    transform: str = prop(
        "GeometricTransformMode", one_of("half-pixel", "asymmetric"), default="half-pixel"
    )
    rounding: str = prop(
        "NearestRoundingMode", one_of("round", "floor", "onnx-10"), default="round"
    )

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("in", "ref") if self.enable_reference_input else ("in",)

    def target(self, spatial: tuple[Any, ...], ref: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """The new spatial sizes, by whichever of the three ways the layer is set to."""
        if ref is not None:
            return ref
        if self.scale is not None:
            scales = self.scale * (len(spatial) // len(self.scale))
            return tuple(
                None if n is None else int(np.floor(n * s))
                for n, s in zip(spatial, scales, strict=True)
            )
        if self.output_size is None:
            self.refuse("has neither Scale nor OutputSize nor a reference input")
        known = [i for i, n in enumerate(self.output_size) if not np.isnan(n)]
        ratio = self.output_size[known[0]] / spatial[known[0]]
        return tuple(
            round(n * ratio) if np.isnan(size) else int(size)
            for n, size in zip(spatial, self.output_size, strict=True)
        )

    def infer(self, *inputs: Size) -> Size:
        ref = inputs[1].spatial if len(inputs) > 1 else None
        return inputs[0].with_spatial(*self.target(inputs[0].spatial, ref))

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        ref = ops.spatial(inputs[1]) if len(inputs) > 1 else None
        return ops.resize(
            inputs[0],
            over="S" * inputs[0].dims.count("S"),
            sizes=self.target(ops.spatial(inputs[0]), ref),
            method=self.method,
            transform=self.transform,
            rounding=self.rounding,
        )


def index(value: Any) -> str | int:
    """'first', 'last', or a number from 1."""
    return one_of("first", "last")(value) if isinstance(value, str) else integer(value)


@dataclass(frozen=True, eq=False)
class Indexing1D(Layer):
    """indexing1dLayer: one time step (or one spatial position where there is no time).

    Index is 'last', 'first' or a number from 1. 'last' is confirmed by a trained network
    and its data.
    """

    MATLAB = ("nnet.cnn.layer.Indexing1DLayer",)
    BUILDER = "indexing1dLayer"
    SINCE = "R2023b"
    EVIDENCE = RECORDED

    index: str | int = prop("Index", index, arg=1, default="last")
    has_padding_mask_input: bool = prop("HasPaddingMaskInput", logical, default=False)

    def _over(self, labels: str) -> str:
        if "T" not in labels and labels.count("S") != 1:
            self.refuse(f"needs one time or spatial dimension, but its input is {labels}")
        return "T" if "T" in labels else "S"

    def infer(self, *inputs: Size) -> Size:
        return inputs[0].drop(self._over(inputs[0].format))

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        places = {"first": 0, "last": -1}
        place = places[self.index] if isinstance(self.index, str) else self.index - 1
        return ops.pick(inputs[0], self._over(inputs[0].dims), place)
