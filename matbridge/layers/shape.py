"""Layers that rearrange or pick."""

from __future__ import annotations

import math

import numpy as np

from matbridge.core.card import RECORDED, Layer, prop
from matbridge.core.dims import Size, canonical, without
from matbridge.core.kinds import integer, integers, logical, one_of, reals
from matbridge.layers.attention import position_label
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered

__all__ = ["Flatten", "Identity", "Indexing1D", "Permute", "Reshape"]


class Flatten(Layer):
    """flattenLayer: spatial dimensions into channels, height fastest, then width, depth,
    channels: MATLAB's order in memory."""

    MATLAB = ("nnet.cnn.layer.FlattenLayer",)
    BUILDER = "flattenLayer"
    NICKNAME = "flatten"
    SINCE = "R2019a"
    TRAINING = ("NumFlattenDimensions",)

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        return x.drop("S").put(C=x.elements("SC"))

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.flatten(x)


class Identity(Layer):
    """identityLayer: the output is the input."""

    MATLAB = ("nnet.cnn.layer.IdentityLayer", "nnet.onnx.layer.IdentityLayer")
    BUILDER = "identityLayer"
    NICKNAME = "identity"
    SINCE = "R2024b"

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return x


def sizes(value: object) -> tuple[int | None, ...]:
    """Whole numbers, one of which may be [] or NaN: what is left."""
    parts = value if isinstance(value, list | tuple) else reals(value).reshape(-1)
    return tuple(None if np.size(part) == 0 or np.isnan(part) else integer(part) for part in parts)


class Reshape(Layer):
    """reshapeLayer([sz1 ... szN]), or reshapeLayer(sz1, ..., szN) with one of them [].

    With OperationDimension 'spatial-channel': spatial dimensions and
    channels, height fastest, as an array of OutputSize, the last of which is C.

    Without it the batch is reshaped as well, which no exported network can do for another
    batch: then the first observation's dimensions must be said to be all but the last, [].
    """

    MATLAB = ("nnet.cnn.layer.ReshapeLayer",)
    BUILDER = "reshapeLayer"
    NICKNAME = "reshape"
    SINCE = "R2025a"
    LISTED = True

    output_size: tuple[int | None, ...] = prop("OutputSize", sizes, arg=1)
    operation_dimension: str = prop(
        "OperationDimension", one_of("all", "spatial-channel"), default="all"
    )

    def target(self, x: str, elements: int | None) -> tuple[str, list[int | None]]:
        """The labels of the result and the sizes of its spatial dimensions and channels."""
        wanted = list(self.output_size)
        if self.operation_dimension == "all":
            batch = x.count("B") + x.count("T")
            if batch != 1 or wanted[-1] is not None:
                self.refuse(
                    f"reshapes the batch of {x} as well, which is not supported",
                    "Use OperationDimension='spatial-channel' in MATLAB.",
                )
            wanted.pop()
        known = math.prod(n for n in wanted if n is not None)
        if elements is not None and (
            elements % known or (None not in wanted and elements != known)
        ):
            self.refuse(f"cannot make {self.output_size} of {elements} elements")
        # [] is what is left, or open where the number of elements is.
        filled = [n if n is not None else elements and elements // known for n in wanted]
        return "S" * (len(wanted) - 1) + "C", filled

    def infer(self, x: Size) -> Size:
        labels, sizes = self.target(x.format, x.elements("SC"))
        rest = x.drop("SC")
        return Size(labels + rest.format, (*sizes, *rest.sizes))

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        flat = ops.flatten(x)
        labels, sizes = self.target(x.dims, ops.size(flat, "C"))
        # The first spatial dimension runs fastest, so it stands last.
        order = numbered(labels)[::-1]
        split = ops.split(flat, "C", sizes[::-1], order)
        rest = without(split.dims, order)
        return ops.rename(ops.align(split, rest + order[::-1]), rest + labels)


class Permute(Layer):
    """permuteLayer: dimension i of the result is dimension DimensionOrder(i) of the input,
    counted as MATLAB stores the array; the labels stay where they are."""

    MATLAB = ("nnet.cnn.layer.PermuteLayer",)
    BUILDER = "permuteLayer"
    NICKNAME = "permute"
    SINCE = "R2025a"

    dimension_order: tuple[int, ...] = prop("DimensionOrder", integers, arg=1)

    def moved(self, format: str) -> str:
        """For each place of the result, the numbered label that the input has there."""
        labels = numbered(format)
        places = [n - 1 for n in self.dimension_order[: len(labels)]]
        if sorted(places) != list(range(len(labels))):
            self.refuse(f"cannot bring {format} to the order {self.dimension_order}")
        order = "".join(labels[n] for n in places)
        for old, new in zip(labels, order, strict=True):
            if old != new and {old, new} & set("BT"):
                self.refuse(f"moves the batch or time of {format}, which is not supported")
        return order

    def infer(self, x: Size) -> Size:
        sizes = dict(zip(numbered(x.format), x.sizes, strict=True))
        return Size(x.format, tuple(sizes[label] for label in self.moved(x.format)))

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        format = canonical(x.dims)
        x = ops.rename(x, numbered(x.dims))
        return ops.rename(ops.align(x, self.moved(format)), format)


def index(value: object) -> str | int:
    """'first', 'last', or a number from 1."""
    return one_of("first", "last")(value) if isinstance(value, str) else integer(value)


class Indexing1D(Layer):
    """indexing1dLayer: one time step (or one spatial position where there is no time).

    Index is 'first', 'last' or a number from 1. With a padding mask (1×N×T, 1 where an
    element counts) first and last are those of the elements that count; where none does, the
    result is 0 (assumed). 'last' is confirmed by a trained network and its data.
    """

    MATLAB = ("nnet.cnn.layer.Indexing1DLayer",)
    BUILDER = "indexing1dLayer"
    FORMATS = "CBT SCB SCBT"
    SINCE = "R2023b"
    EVIDENCE = RECORDED

    index: str | int = prop("Index", index, arg=1, default="first")
    has_padding_mask_input: bool = prop("HasPaddingMaskInput", logical, default=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("in", "mask") if self.has_padding_mask_input else ("in",)

    def infer(self, x: Size, mask: Size | None = None) -> Size:
        over = position_label(self, x.format)
        if mask is not None and isinstance(self.index, int):
            self.refuse("has a padding mask, which goes with 'first' and 'last' only")
        if mask is not None:
            self.expect(mask["C"] if "C" in mask.format else 1, 1, "channel in its mask", mask)
        known = x[over]
        if isinstance(self.index, int) and known is not None and self.index > known:
            self.refuse(f"takes position {self.index}, but its input is {x}")
        return x.drop(over)

    def forward(self, ops: Ops, p: Parameters, x: Value, mask: Value | None = None) -> Value:
        over = position_label(self, x.dims)
        if mask is not None:
            chosen = ops.multiply(x, self._chosen(ops, mask, over))
            return ops.reduce("sum", chosen, over)
        places = {"first": 0, "last": -1}
        place = places[self.index] if isinstance(self.index, str) else self.index - 1
        return ops.pick(x, over, place)

    def _chosen(self, ops: Ops, mask: Value, over: str) -> Value:
        """1 at the first or last element that counts, 0 elsewhere."""
        kept = ops.drop(mask, "C") if "C" in mask.dims else mask
        rank = ops.positions(mask, over)
        rank = ops.multiply(ops.flip(rank, over) if self.index == "first" else rank, kept)
        # Whole numbers: those below the largest are at least 1 away from it.
        away = ops.subtract(ops.reduce("max", rank, over, keep=True), rank)
        return ops.multiply(kept, ops.subtract(1.0, ops.minimum(away, 1.0)))
