"""Layers that crop, resize, and move blocks between space and depth."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from matbridge.core.card import EQUATION, Layer, prop
from matbridge.core.dims import Extent, Size, without
from matbridge.core.kinds import logical, numbers, one_of, optional, spread
from matbridge.errors import LayerError
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered

__all__ = [
    "Crop2D",
    "Crop3D",
    "DepthToSpace2D",
    "Resize2D",
    "Resize3D",
    "SpaceToDepth",
    "YOLOv2Reorg",
]


def location(value: object) -> tuple[int, ...] | None:
    """[x y] or [x y z] from 1, or None for 'auto'."""
    places = optional(numbers)(value)
    return None if places is None else tuple(int(n) for n in places)


class Crop(Layer):
    """'in' cut to the spatial sizes of 'ref'.

    Mode 'centercrop', where an odd surplus leaves one more row below, column to the right
    and plane behind (assumed), or Location [x y z]: column, row and plane of the first
    element, from 1.
    """

    RANK: ClassVar[int] = 2
    INPUTS = ("in", "ref")

    mode: str = prop("Mode", one_of("centercrop", "custom"), arg=1, default="centercrop")
    location: tuple[int, ...] | None = prop("Location", location, default=None)

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """crop2dLayer("centercrop") or crop2dLayer([x y]): numbers are the Location."""
        if not isinstance(saved.get("Mode", ""), str):
            saved |= {"Location": saved["Mode"], "Mode": "custom"}
        return saved

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.location is not None and (
            len(self.location) != self.RANK or min(self.location) < 1
        ):
            raise LayerError(f"Location: {self.RANK} whole numbers above 0 are needed")

    def infer(self, x: Size, ref: Size) -> Size:
        for size in (x, ref):
            if len(size.spatial) != self.RANK:
                self.refuse(f"needs {self.RANK} spatial dimensions, but an input is {size}")
        # MATLAB says x before y here, unlike in sizes.
        column, row, *plane = self.location or (1,) * self.RANK
        starts = (row, column, *plane)
        if any(
            a is not None and b is not None and a < b + start - 1
            for a, b, start in zip(x.spatial, ref.spatial, starts, strict=True)
        ):
            at = "" if self.location is None else f" from {self.location}"
            self.refuse(f"cannot crop {x} to the larger {ref}{at}")
        return x.with_spatial(*ref.spatial)

    def forward(self, ops: Ops, p: Parameters, x: Value, ref: Value) -> Value:
        sizes, wanted = ops.spatial(x), ops.spatial(ref)
        corner = [(n - w) // 2 for n, w in zip(sizes, wanted, strict=True)]
        if self.location is not None:
            column, row, *plane = self.location
            corner = [n - 1 for n in (row, column, *plane)]
        for axis, (start, size) in enumerate(zip(corner, wanted, strict=True), 1):
            x = ops.slice(x, str(axis), start, start + size)
        return x


class Crop2D(Crop):
    """crop2dLayer: height and width."""

    MATLAB = ("nnet.cnn.layer.Crop2DLayer",)
    BUILDER = "crop2dLayer"
    FORMATS = "SSCB SSCBT"
    NICKNAME = "crop2d"
    SINCE = "R2017b"


class Crop3D(Crop):
    """crop3dLayer: height, width and depth."""

    MATLAB = ("nnet.cnn.layer.Crop3DLayer",)
    BUILDER = "crop3dLayer"
    FORMATS = "SSSCB SSSCBT"
    NICKNAME = "crop3d"
    SINCE = "R2019b"
    RANK = 3


class Resize(Layer):
    """To OutputSize, by Scale, or to the size of 'ref'.

    Source coordinate of output i (from 0): 'half-pixel' (i + 0.5)/s - 0.5, 'asymmetric'
    i/s, clamped at the edges, with s = out/in. Method 'nearest' or linear. The documentation
    does not say how sizes round: assumed are floor(n·Scale), and for a NaN in OutputSize the
    nearest whole number, halves up.
    """

    RANK: ClassVar[int] = 2
    PRODUCT = "Image Processing Toolbox"
    SINCE = "R2020b"
    TRAINING = ("DlresizeMethodName", "GetOutputSizeAndScale")

    scale: tuple[float, ...] | None = prop("Scale", optional(numbers), default=None)
    output_size: tuple[float, ...] | None = prop("OutputSize", optional(numbers), default=None)
    enable_reference_input: bool = prop("EnableReferenceInput", logical, default=False)
    method: str = prop("Method", one_of("nearest", "bilinear", "trilinear"), default="nearest")
    transform: str = prop(
        "GeometricTransformMode", one_of("half-pixel", "asymmetric"), default="half-pixel"
    )
    rounding: str = prop(
        "NearestRoundingMode", one_of("round", "floor", "onnx-10"), default="round"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, free in (("scale", False), ("output_size", True)):
            values = getattr(self, name)
            if values is None:
                continue
            known = [v for v in values if not (free and math.isnan(v))]
            if len(values) not in (1, self.RANK):
                raise LayerError(f"{self.properties()[name].name}: {self.RANK} values are needed")
            if not known or not all(0 < v < math.inf for v in known):
                raise LayerError(f"{self.properties()[name].name}: sizes above 0 are needed")
            # One number stands for every dimension.
            object.__setattr__(self, name, values * (self.RANK // len(values)))

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("in", "ref") if self.enable_reference_input else ("in",)

    def target(
        self, spatial: tuple[Extent, ...], ref: tuple[Extent, ...] | None
    ) -> tuple[Extent, ...]:
        """The new spatial sizes, by whichever of the three ways the layer is set to."""
        if ref is not None:
            return ref
        if self.scale is not None:
            return tuple(
                None if n is None else int(np.floor(n * s))
                for n, s in zip(spatial, self.scale, strict=True)
            )
        if self.output_size is None:
            self.refuse("has neither Scale nor OutputSize nor a reference input")
        pairs = list(zip(spatial, self.output_size, strict=True))
        n, size = next(pair for pair in pairs if not math.isnan(pair[1]))
        # What is NaN follows the ratio of the size that is given.
        ratio = None if n is None else size / n

        def followed(n: int | None) -> int | None:
            return None if n is None or ratio is None else math.floor(n * ratio + 0.5)

        return tuple(followed(n) if math.isnan(size) else int(size) for n, size in pairs)

    def infer(self, x: Size, ref: Size | None = None) -> Size:
        if len(x.spatial) != self.RANK:
            self.refuse(f"needs {self.RANK} spatial dimensions, but its input is {x}")
        return x.with_spatial(*self.target(x.spatial, ref.spatial if ref else None))

    def forward(self, ops: Ops, p: Parameters, x: Value, ref: Value | None = None) -> Value:
        wanted = None if ref is None else ops.spatial(ref)
        return ops.resize(
            x,
            over="S" * self.RANK,
            sizes=self.target(ops.spatial(x), wanted),
            method=self.method,
            transform=self.transform,
            rounding=self.rounding,
        )


class Resize2D(Resize):
    """resize2dLayer: height and width; Method 'nearest' or 'bilinear'."""

    MATLAB = ("nnet.cnn.layer.Resize2DLayer",)
    BUILDER = "resize2dLayer"
    FORMATS = "SSCB SSCBT"
    NICKNAME = "resize2d"


class Resize3D(Resize):
    """resize3dLayer: height, width and depth; Method 'nearest' or 'trilinear'."""

    MATLAB = ("nnet.cnn.layer.Resize3DLayer",)
    BUILDER = "resize3dLayer"
    FORMATS = "SSSCB SSSCBT"
    NICKNAME = "resize3d"
    RANK = 3


class DepthToSpace2D(Layer):
    """depthToSpace2dLayer: blocks of channels become blocks of BlockSize rows and columns.

    With blocks of bh×bw and C channels in the output, row i and column j of a block come
    from channel (all from 0) c + C·(j + bw·i) for Mode 'dcr', (c·bh + i)·bw + j for 'crd'.
    'dcr' meets the example that depthToSpace's documentation prints.
    """

    MATLAB = ("nnet.cnn.layer.DepthToSpace2DLayer",)
    BUILDER = "depthToSpace2dLayer"
    FORMATS = "SSCB SSCBT"
    NICKNAME = "depth-to-space"
    PRODUCT = "Image Processing Toolbox"
    SINCE = "R2021a"

    block_size: tuple[int, ...] = prop("BlockSize", spread(2), arg=1)
    mode: str = prop("Mode", one_of("dcr", "crd"), default="dcr")

    def infer(self, x: Size) -> Size:
        self.need(x, "SC")
        channels, block = x["C"], self.block_size[0] * self.block_size[1]
        if len(x.spatial) != 2 or (channels is not None and channels % block):
            self.refuse(f"needs an image with a multiple of {block} channels, not {x}")
        grown = [
            None if n is None else n * b for n, b in zip(x.spatial, self.block_size, strict=True)
        ]
        return x.with_spatial(*grown).put(C=None if channels is None else channels // block)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        x = ops.rename(x, numbered(x.dims))
        rows, columns = self.block_size
        depth = ops.size(x, "C") // (rows * columns)
        if self.mode == "dcr":
            x = ops.split(x, "C", (rows, columns, depth), "IJC")
        else:
            x = ops.split(x, "C", (depth, rows, columns), "CIJ")
        # The rows I of a block behind the row 1 that it lies in, J behind 2: so each pair is one
        # dimension when reshaped.
        rest = without(x.dims, "1I2JC")
        *outer, height, _, width, _, _ = ops.sizes(x := ops.align(x, rest + "1I2JC"))
        return ops.reshape(x, (*outer, height * rows, width * columns, depth), rest + "SSC")


class SpaceToDepth(Layer):
    """spaceToDepthLayer: the inverse of depthToSpace2dLayer's 'dcr'; rows and columns that
    fill no block go. Meets the example that spaceToDepth's documentation prints."""

    MATLAB = ("nnet.cnn.layer.SpaceToDepthLayer",)
    BUILDER = "spaceToDepthLayer"
    FORMATS = "SSCB SSCBT"
    NICKNAME = "space-to-depth"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2020b"

    block_size: tuple[int, ...] = prop("BlockSize", spread(2), arg=1)

    def infer(self, x: Size) -> Size:
        self.need(x, "SC")
        if len(x.spatial) != 2:
            self.refuse(f"needs 2 spatial dimensions, but its input is {x}")
        rows, columns = self.block_size
        shrunk = [
            None if n is None else n // b for n, b in zip(x.spatial, self.block_size, strict=True)
        ]
        return x.with_spatial(*shrunk).put(C=None if x["C"] is None else x["C"] * rows * columns)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        x = ops.rename(x, numbered(x.dims))
        for label, inner, block in (("1", "I", self.block_size[0]), ("2", "J", self.block_size[1])):
            count = ops.size(x, label) // block
            x = ops.slice(x, label, 0, count * block)
            x = ops.split(x, label, (count, block), label + inner)
        return ops.merge(x, "IJC", "C")


class YOLOv2Reorg(SpaceToDepth):
    """yolov2ReorgLayer, the older spaceToDepthLayer; assumed to order channels as that."""

    MATLAB = ("nnet.cnn.layer.YOLOv2ReorgLayer",)
    BUILDER = "yolov2ReorgLayer"
    FORMATS = "SSCB SSCBT"
    NICKNAME = "reorg"
    SINCE = "R2019a"
    EVIDENCE = EQUATION

    block_size: tuple[int, ...] = prop("Stride", spread(2), arg=1)
