"""Embeddings of words, positions and patches."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from matbridge.core.card import EQUATION, RECORDED, Array, Layer, learnable, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import integer, integers, one_of, optional, positive
from matbridge.layers.attention import position_label
from matbridge.layers.windowed import check_fits, moved_over, slide
from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "EmbeddingConcatenation",
    "PatchEmbedding",
    "PositionEmbedding",
    "SinusoidalPositionEncoding",
    "WordEmbedding",
]


class WordEmbedding(Layer):
    """wordEmbeddingLayer: column k of Weights (Dimension×(NumWords + 1)) for the word k,
    from 1. The input has one channel.

    OOVMode 'map-to-last' gives any other index, such as the padding 0, the last column;
    'error' refuses it, and so does a layer whose Weights lack the column for unknown words
    (Dimension×NumWords). What is written cannot refuse: it gives NaN.
    """

    MATLAB = ("nnet.cnn.layer.WordEmbeddingLayer",)
    BUILDER = "wordEmbeddingLayer"
    FORMATS = "CB CBT SCB"
    NICKNAME = "word-embedding"
    PRODUCT = "Text Analytics Toolbox"
    SINCE = "R2018b"
    ARRAYS = (learnable("Weights", "Dimension", "Columns", dims="CW"),)
    TRAINING = ("WeightsInitializer", "WeightLearnRateFactor", "WeightL2Factor", "Vocabulary")

    dimension: int = prop("Dimension", positive, arg=1)
    num_words: int = prop("NumWords", positive, arg=2)
    oov_mode: str = prop("OOVMode", one_of("map-to-last", "error"), default="map-to-last")

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        self.expect(x["C"], 1, "channel of word indices", x)
        if "Weights" in self.arrays:
            columns = self.arrays["Weights"].shape[1]
            if columns - self.num_words not in (0, 1):
                self.refuse(f"has {columns} columns of Weights for {self.num_words} words")
        return x.put(C=self.dimension)

    def largest_index(self) -> int:
        return self.num_words

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        table, words = p["Weights"], self.num_words
        strict = self.oov_mode == "error" or ops.size(table, "W") == words
        if strict:
            # What is written cannot refuse an unknown word.
            unknown = ops.constant(np.full((self.dimension, 1), np.nan), "CW")
            table = ops.concatenate([ops.slice(table, "W", 0, words), unknown], "W")
        return ops.lookup(table, x, words, strict)


class PositionEmbedding(Layer):
    """positionEmbeddingLayer: column t of Weights (OutputSize×MaxPosition) at step t from
    1; nothing is added to the input. Confirmed by a trained network and its data."""

    MATLAB = ("nnet.cnn.layer.PositionEmbeddingLayer",)
    BUILDER = "positionEmbeddingLayer"
    FORMATS = "CBT SCB SCBT"
    SINCE = "R2023b"
    EVIDENCE = RECORDED
    ARRAYS = (learnable("Weights", "OutputSize", "MaxPosition", dims="CP"),)
    TRAINING = (
        "PositionStrategy",
        "WeightsInitializer",
        "WeightLearnRateFactor",
        "WeightL2Factor",
    )

    output_size: int = prop("OutputSize", positive, arg=1)
    max_position: int = prop("MaxPosition", positive, arg=2)
    position_dimension: str = prop(
        "PositionDimension", one_of("auto", "temporal", "spatial"), default="auto"
    )

    def _over(self, format: str) -> str:
        labels = {"auto": "TS", "temporal": "T", "spatial": "S"}[self.position_dimension]
        return position_label(self, format, labels)

    def infer(self, x: Size) -> Size:
        length = x[self._over(x.format)]
        if length is not None and length > self.max_position:
            self.refuse(f"knows {self.max_position} positions, but its input is {x}")
        return x.put(C=self.output_size)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        over = self._over(x.dims)
        steps = ops.size(x, over)
        return _for_all(ops, ops.rename(ops.slice(p["Weights"], "P", 0, steps), "C" + over), x)


def _for_all(ops: Ops, table: Value, x: Value) -> Value:
    """A table of positions and channels, the same for the other dimensions of ``x``."""
    outer = "".join(label for label in x.dims if label not in table.dims)
    (over,) = set(table.dims) - {"C"}
    return ops.expand(table, outer + over + "C", ops.rename(x, x.dims.replace("C", "-")))


class SinusoidalPositionEncoding(Layer):
    """sinusoidalPositionEncodingLayer: channel 2k + 1 is sin(p/10000^(2k/OutputSize)),
    channel 2k + 2 the cosine of the same, k from 0.

    Positions p are the indices along time or space, from 1, or the data themselves. That
    they count from 1, and that sines and cosines alternate, is assumed: the documentation
    gives no equation.
    """

    MATLAB = ("nnet.cnn.layer.SinusoidalPositionEncodingLayer",)
    BUILDER = "sinusoidalPositionEncodingLayer"
    NICKNAME = "sinposenc"
    SINCE = "R2023b"
    EVIDENCE = EQUATION

    output_size: int = prop("OutputSize", positive, arg=1)
    positions: str = prop(
        "Positions",
        one_of("auto", "temporal-indices", "spatial-indices", "data-values"),
        default="auto",
    )
    position_offset: int | None = prop("PositionOffset", optional(integer), default=None)

    def _over(self, format: str) -> str:
        """T or S, or nothing for the data themselves."""
        fixed = {"temporal-indices": "T", "spatial-indices": "S", "data-values": ""}
        automatic = "T" if "T" in format else "S" if format.count("S") == 1 else ""
        over = fixed.get(self.positions, automatic)
        if over and format.count(over) != 1:
            self.refuse(f"needs one dimension {over}, but its input has the format {format}")
        return over

    def infer(self, x: Size) -> Size:
        if self.output_size % 2:
            self.refuse(f"needs an even OutputSize, not {self.output_size}")
        if not self._over(x.format):
            self.need(x, "C")
            self.expect(x["C"], 1, "channel of positions", x)
        return x.put(C=self.output_size)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        over = self._over(x.dims)
        places = ops.positions(x, over) if over else ops.drop(x, "C")
        if self.position_offset:
            places = ops.add(places, float(self.position_offset))
        half = self.output_size // 2
        rates = 10000.0 ** (-2 * np.arange(half) / self.output_size)
        angles = ops.multiply(places, ops.constant(rates, "K"))
        waves = [ops.map(name, angles) for name in ("sin", "cos")]
        # P, sine or cosine, runs faster than the rates K, so that the two alternate.
        pairs = ops.concatenate([ops.align(w, angles.dims + "P") for w in waves], "P")
        table = ops.merge(pairs, "KP", "C")
        return _for_all(ops, table, x) if over else table


class EmbeddingConcatenation(Layer):
    """embeddingConcatenationLayer: Weights (C×1) as a first time step or position, such as
    the class token of a transformer; everything else moves on by one."""

    MATLAB = ("nnet.cnn.layer.EmbeddingConcatenationLayer",)
    BUILDER = "embeddingConcatenationLayer"
    FORMATS = "CBT SCB SCBT"
    NICKNAME = "embed-cat"
    SINCE = "R2023b"
    ARRAYS = (learnable("Weights", "InputSize", "1", dims="C"),)
    TRAINING = ("WeightsInitializer", "WeightLearnRateFactor", "WeightL2Factor")

    input_size: int | None = prop("InputSize", optional(positive), default=None)

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        self.expect(x["C"], self.input_size, "channels", x)
        if position_label(self, x.format) == "T":
            return x
        (n,) = x.spatial
        return x.with_spatial(None if n is None else n + 1)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        over = position_label(self, x.dims)
        # One step of the data tells how far Weights are to be expanded.
        first = ops.slice(x, over, 0, 1)
        return ops.concatenate([ops.expand(p["Weights"], x.dims, first), x], over)


class PatchEmbedding(Layer):
    """patchEmbeddingLayer: a convolution whose stride is its PatchSize, then one position for
    each patch: down the columns first ('column-major'), along the rows first ('row-major')
    or as they lie ('none').

    A PatchSize of one number is that of every spatial dimension. Weights
    PatchSize×NumChannels×OutputSize, Bias 1×…×1×OutputSize.
    """

    MATLAB = ("nnet.cnn.layer.PatchEmbeddingLayer",)
    BUILDER = "patchEmbeddingLayer"
    FORMATS = "SCB SSCB SSSCB"
    NICKNAME = "patch-embed"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2023b"
    ARRAYS = (
        learnable("Weights", "PatchSize", "NumChannels", "OutputSize", dims="SIO"),
        learnable("Bias", "OutputSize", dims="O"),
    )
    TRAINING: ClassVar[tuple[str, ...]] = ("WeightsInitializer", "BiasInitializer", "InputSize")

    patch_size: tuple[int, ...] = prop("PatchSize", integers, arg=1)
    output_size: int = prop("OutputSize", positive, arg=2)
    num_channels: int | None = prop("NumChannels", optional(positive), default=None)
    flatten_mode: str = prop(
        "SpatialFlattenMode", one_of("column-major", "row-major", "none"), default="column-major"
    )

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """One number for all dimensions: how many there are, Weights tell."""
        weights, patch = saved.get("Weights"), np.asarray(saved["PatchSize"])
        if isinstance(weights, np.ndarray) and patch.size == 1:
            saved["PatchSize"] = np.repeat(patch, max(weights.ndim - 2, 1))
        return saved

    def patches(self, format: str) -> tuple[int, ...]:
        """PatchSize for each spatial dimension."""
        size = self.patch_size
        return size * max(format.count("S"), 1) if len(size) == 1 else size

    @property
    def declared(self) -> tuple[Array, ...]:
        # The bias has as many dimensions of size 1 as the patch has dimensions.
        ones = ("1",) * len(self.patch_size)
        return (self.ARRAYS[0], learnable("Bias", *ones, "OutputSize", dims="O"))

    def infer(self, x: Size) -> Size:
        patch = self.patches(x.format)
        rank = len(patch)
        self.need(x, "C")
        self.expect(x["C"], self.num_channels, "channels", x)
        over = moved_over(self, x, rank)
        no_padding = [(0, 0)] * rank
        y = slide(x, over, patch, patch, (1,) * rank, no_padding)
        y = check_fits(self, x, y).put(C=self.output_size)
        return y if self.flatten_mode == "none" else y.with_spatial(y.elements("S"))

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        rank = len(self.patch_size)
        y = ops.convolve(
            x,
            p["Weights"],
            p["Bias"],
            over=moved_over(self, x, rank),
            stride=self.patch_size,
            dilation=(1,) * rank,
            padding=[(0, 0)] * rank,
        )
        if self.flatten_mode == "none":
            return y
        # merge has its last label fastest.
        order = "123"[:rank]
        return ops.merge(y, order[::-1] if self.flatten_mode == "column-major" else order, "S")
