"""Attention and position encodings."""

from __future__ import annotations

from dataclasses import dataclass

from matbridge.card import (
    RECORDED,
    Layer,
    integer,
    learnable,
    logical,
    number,
    one_of,
    optional,
    prop,
)
from matbridge.dims import Size
from matbridge.ops import Ops, Parameters, Value

__all__ = ["PositionEmbedding", "SelfAttention"]


def position_label(layer: Layer, format: str) -> str:
    """The dimension along which positions run: T, else the only S."""
    if "T" in format:
        return "T"
    if format.count("S") == 1:
        return "S"
    layer.refuse(f"needs one time or spatial dimension, but its input has the format {format}")


@dataclass(frozen=True, eq=False)
class SelfAttention(Layer):
    """selfAttentionLayer over time, or over the spatial dimension where there is no time.

    Q = Wq·x + bq and so on; heads are contiguous blocks of channels;
    softmax(K'·Q/√(channels per head)) over the keys; 'causal' lets step t see 1..t.
    Query and key weights NumKeyChannels×C, value weights NumValueChannels×C, output weights
    OutputSize×NumValueChannels. Source: the documentation of selfAttentionLayer; heads,
    scale and mask are confirmed by a trained network and its data.
    """

    MATLAB = ("nnet.cnn.layer.SelfAttentionLayer",)
    BUILDER = "selfAttentionLayer"
    NICKNAME = "selfattention"
    SINCE = "R2023a"
    EVIDENCE = RECORDED
    ARRAYS = (
        learnable("QueryWeights", "NumKeyChannels", "InputSize", dims="OI"),
        learnable("KeyWeights", "NumKeyChannels", "InputSize", dims="OI"),
        learnable("ValueWeights", "NumValueChannels", "InputSize", dims="OI"),
        learnable("OutputWeights", "OutputSize", "NumValueChannels", dims="OI"),
        learnable("QueryBias", "NumKeyChannels", "1", dims="O"),
        learnable("KeyBias", "NumKeyChannels", "1", dims="O"),
        learnable("ValueBias", "NumValueChannels", "1", dims="O"),
        learnable("OutputBias", "OutputSize", "1", dims="O"),
    )

    num_heads: int = prop("NumHeads", integer, arg=1)
    num_key_channels: int = prop("NumKeyChannels", integer, arg=2)
    num_value_channels: int | None = prop("NumValueChannels", optional(integer), default=None)
    output_size: int | None = prop("OutputSize", optional(integer), default=None)
    input_size: int | None = prop("InputSize", optional(integer), default=None)
    attention_mask: str = prop("AttentionMask", one_of("none", "causal"), default="none")
    has_padding_mask_input: bool = prop("HasPaddingMaskInput", logical, default=False)
    has_scores_output: bool = prop("HasScoresOutput", logical, default=False)
    dropout_probability: float = prop("DropoutProbability", number, default=0.0)

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("in", "mask") if self.has_padding_mask_input else ("in",)

    @property
    def outputs(self) -> tuple[str, ...]:
        return ("out", "scores") if self.has_scores_output else ("out",)

    def infer(self, *inputs: Size) -> Size | tuple[Size, ...]:
        x = inputs[0]
        self.need(x, "C")
        self.expect(x["C"], self.input_size, "channels", x)
        for channels in (self.num_key_channels, self.num_value_channels or 0):
            if channels % self.num_heads:
                self.refuse(f"cannot split {channels} channels among {self.num_heads} heads")
        steps = x[position_label(self, x.format)]
        y = x.put(C=self.output_size or x["C"])
        scores = Size("SSCB", (steps, steps, self.num_heads, None))
        return (y, scores) if self.has_scores_output else y

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value | tuple[Value, ...]:
        x = inputs[0]
        query, key, value = (
            ops.affine(p[f"{name}Weights"], x, p[f"{name}Bias"])
            for name in ("Query", "Key", "Value")
        )
        y, scores = ops.attend(
            query,
            key,
            value,
            over=position_label(self, x.dims),
            heads=self.num_heads,
            causal=self.attention_mask == "causal",
            mask=inputs[1] if self.has_padding_mask_input else None,
            want_scores=self.has_scores_output,
        )
        y = ops.affine(p["OutputWeights"], y, p["OutputBias"])
        if scores is None:
            return y
        # MATLAB gives scores as keys × queries × heads × observations.
        return y, ops.rename(ops.align(scores, "KQHB"), "SSCB")


@dataclass(frozen=True, eq=False)
class PositionEmbedding(Layer):
    """positionEmbeddingLayer: column t of Weights (OutputSize×MaxPosition) at step t from
    1; nothing is added to the input. Confirmed by a trained network and its data."""

    MATLAB = ("nnet.cnn.layer.PositionEmbeddingLayer",)
    BUILDER = "positionEmbeddingLayer"
    SINCE = "R2023b"
    EVIDENCE = RECORDED
    ARRAYS = (learnable("Weights", "OutputSize", "MaxPosition", dims="CP"),)
    TRAINING = (
        "PositionStrategy",
        "WeightsInitializer",
        "WeightLearnRateFactor",
        "WeightL2Factor",
    )

    output_size: int = prop("OutputSize", integer, arg=1)
    max_position: int = prop("MaxPosition", integer, arg=2)
    position_dimension: str = prop(
        "PositionDimension", one_of("auto", "temporal", "spatial"), default="auto"
    )

    def _over(self, format: str) -> str:
        if self.position_dimension == "spatial":
            return "S"
        return position_label(self, format)

    def infer(self, *inputs: Size) -> Size:
        x = inputs[0]
        length = x[self._over(x.format)]
        if length is not None and length > self.max_position:
            self.refuse(f"knows {self.max_position} positions, but its input is {x}")
        return x.put(C=self.output_size)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        x = inputs[0]
        over = self._over(x.dims)
        steps = ops.size(x, over)
        table = ops.rename(ops.slice(p["Weights"], "P", 0, steps), "C" + over)
        outer = x.dims.replace("C", "").replace(over, "")
        return ops.expand(table, outer + over + "C", ops.rename(x, x.dims.replace("C", "-")))
