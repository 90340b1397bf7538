"""Attention."""

from __future__ import annotations

from matbridge.core.card import RECORDED, Array, Layer, learnable, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import logical, number, one_of, optional, positive, probability
from matbridge.ops import Ops, Parameters, Value

__all__ = ["Attention", "SelfAttention", "position_label"]


def position_label(layer: Layer, format: str, labels: str = "TS") -> str:
    """The dimension along which positions run: T, else the only S, as far as ``labels`` go."""
    for label in labels:
        if format.count(label) == 1:
            return label
    kinds = " or ".join({"T": "time", "S": "spatial"}[label] for label in labels)
    layer.refuse(f"needs one {kinds} dimension, but its input has the format {format}")


class AnyAttention(Layer):
    """softmax(K'·Q·scale) over the keys, then V; heads are contiguous blocks of channels.

    'causal' lets query t see the keys 1..t. The mask (1×N×T, format CBT) is 1 where a key
    counts and 0 at padding; a query that sees no key gives 0 (assumed). Scores are keys ×
    queries × heads × observations. With NumQueryGroups (R2026a; the name is assumed) there is
    one head of keys and values for each group of consecutive query heads.
    """

    num_heads: int = prop("NumHeads", positive, arg=1)
    num_query_groups: int | None = prop(
        "NumQueryGroups", optional(positive, "num-heads"), default=None
    )
    attention_mask: str = prop("AttentionMask", one_of("none", "causal"), default="none")
    has_padding_mask_input: bool = prop("HasPaddingMaskInput", logical, default=False)
    has_scores_output: bool = prop("HasScoresOutput", logical, default=False)
    dropout_probability: float = prop("DropoutProbability", probability, default=0.0)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (*self.INPUTS, "mask") if self.has_padding_mask_input else self.INPUTS

    @property
    def outputs(self) -> tuple[str, ...]:
        return ("out", "scores") if self.has_scores_output else ("out",)

    @property
    def groups(self) -> int:
        """The number of heads of the keys and values."""
        return self.num_query_groups or self.num_heads

    def grown(self, channels: int | None) -> int | None:
        """The channels of keys or values once every query head has its own."""
        return None if channels is None else channels // self.groups * self.num_heads

    def check_heads(self, query: int | None, *others: int | None) -> None:
        """Refuse channels that cannot be split among the heads, or among their groups."""
        if self.num_heads % self.groups:
            self.refuse(f"cannot split {self.num_heads} heads among {self.groups} groups")
        for count, heads in ((query, self.num_heads), *((n, self.groups) for n in others)):
            if count is not None and count % heads:
                self.refuse(f"cannot split {count} channels among {heads} heads")

    def with_scores(
        self, y: Size, keys: int | None, queries: int | None
    ) -> Size | tuple[Size, ...]:
        """The size of the output(s)."""
        scores = Size("SSCB", (keys, queries, self.num_heads, None))
        return (y, scores) if self.has_scores_output else y

    def attend(
        self,
        ops: Ops,
        query: Value,
        key: Value,
        value: Value,
        mask: Value | None,
        scale: float | None = None,
    ) -> tuple[Value, Value | None]:
        """The result and, if they are an output, the scores."""
        key, value = self._for_each_head(ops, key), self._for_each_head(ops, value)
        y, scores = ops.attend(
            query,
            key,
            value,
            over=position_label(self, query.dims),
            heads=self.num_heads,
            causal=self.attention_mask == "causal",
            mask=mask,
            want_scores=self.has_scores_output,
            scale=scale,
        )
        return y, None if scores is None else ops.rename(ops.align(scores, "KQHB"), "SSCB")

    def _for_each_head(self, ops: Ops, x: Value) -> Value:
        """Keys or values of each group repeated for the query heads of the group."""
        times = self.num_heads // self.groups
        if times == 1:
            return x
        # Groups, copies, channels of a head: the copies of a head come to stand side by side.
        split = ops.split(x, "C", (self.groups, 1, ops.size(x, "C") // self.groups), "GRC")
        return ops.merge(ops.concatenate([split] * times, "R"), "GRC", "C")


class Attention(AnyAttention):
    """attentionLayer: attention of given queries, keys and values; nothing is learned.

    Scale 'auto' is one over the root of the query channels per head. Source: the
    documentation of attentionLayer and of dlarray/attention.
    """

    MATLAB = ("nnet.cnn.layer.AttentionLayer",)
    BUILDER = "attentionLayer"
    FORMATS = "CBT SCB SCBT"
    NICKNAME = "attention"
    SINCE = "R2024a"
    INPUTS = ("query", "key", "value")

    scale: float | None = prop("Scale", optional(number), default=None)

    def infer(
        self, query: Size, key: Size, value: Size, mask: Size | None = None
    ) -> Size | tuple[Size, ...]:
        over = position_label(self, query.format)
        for x in (query, key, value):
            self.need(x, "C" + over)
        self.check_heads(query["C"], key["C"], value["C"])
        wanted = query["C"] and query["C"] // self.num_heads * self.groups
        self.expect(key["C"], wanted, "channels, those of the queries,", key)
        return self.with_scores(query.put(C=self.grown(value["C"])), key[over], query[over])

    def forward(
        self,
        ops: Ops,
        p: Parameters,
        query: Value,
        key: Value,
        value: Value,
        mask: Value | None = None,
    ) -> Value | tuple[Value, ...]:
        y, scores = self.attend(ops, query, key, value, mask, scale=self.scale)
        return y if scores is None else (y, scores)


class SelfAttention(AnyAttention):
    """selfAttentionLayer over time, or over the spatial dimension where there is no time.

    Q = Wq·x + bq and so on, the scale one over the root of the channels per head.
    Query weights NumQueryChannels×C, key weights NumKeyChannels×C, value weights
    NumValueChannels×C, output weights OutputSize×NumValueChannels (with groups, times the
    query heads of a group). Before R2026a NumKeyChannels was that of the queries too.
    Source: the documentation of selfAttentionLayer; heads, scale and mask are confirmed by a
    trained network and its data.
    """

    MATLAB = ("nnet.cnn.layer.SelfAttentionLayer",)
    BUILDER = "selfAttentionLayer"
    FORMATS = "CBT SCB SCBT"
    NICKNAME = "selfattention"
    SINCE = "R2023a"
    EVIDENCE = RECORDED
    ARRAYS = (
        learnable("QueryWeights", "NumQueryChannels", "InputSize", dims="OI"),
        learnable("KeyWeights", "NumKeyChannels", "InputSize", dims="OI"),
        learnable("ValueWeights", "NumValueChannels", "InputSize", dims="OI"),
        learnable("OutputWeights", "OutputSize", "NumValueChannels", dims="OI"),
        learnable("QueryBias", "NumQueryChannels", "1", dims="O"),
        learnable("KeyBias", "NumKeyChannels", "1", dims="O"),
        learnable("ValueBias", "NumValueChannels", "1", dims="O"),
        learnable("OutputBias", "OutputSize", "1", dims="O"),
    )

    num_query_channels: int = prop("NumQueryChannels", positive, arg=2)
    num_key_channels: int | None = prop("NumKeyChannels", optional(positive), default=None)
    num_value_channels: int | None = prop("NumValueChannels", optional(positive), default=None)
    output_size: int | None = prop("OutputSize", optional(positive), default=None)
    input_size: int | None = prop("InputSize", optional(positive), default=None)

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """NumKeyChannels alone, before R2026a, is that of the queries."""
        if "NumQueryChannels" not in saved and "NumKeyChannels" in saved:
            saved["NumQueryChannels"] = saved["NumKeyChannels"]
        return saved

    @property
    def declared(self) -> tuple[Array, ...]:
        times = self.num_heads // self.groups
        inner = f"{times}*NumValueChannels" if times > 1 else "NumValueChannels"
        output = learnable("OutputWeights", "OutputSize", inner, dims="OI")
        return tuple(output if a.name == "OutputWeights" else a for a in self.ARRAYS)

    def infer(self, x: Size, mask: Size | None = None) -> Size | tuple[Size, ...]:
        self.need(x, "C")
        self.expect(x["C"], self.input_size, "channels", x)
        self.check_heads(self.num_query_channels, self.num_key_channels, self.num_value_channels)
        wanted = self.num_query_channels // self.num_heads * self.groups
        if self.num_key_channels not in (None, wanted):
            self.refuse(
                f"needs {wanted} channels of keys for {self.num_query_channels} of queries, "
                f"{self.num_heads} heads and {self.groups} groups, not {self.num_key_channels}"
            )
        steps = x[position_label(self, x.format)]
        return self.with_scores(x.put(C=self.output_size or x["C"]), steps, steps)

    def forward(
        self, ops: Ops, p: Parameters, x: Value, mask: Value | None = None
    ) -> Value | tuple[Value, ...]:
        query, key, value = (
            ops.affine(p[f"{name}Weights"], x, p[f"{name}Bias"])
            for name in ("Query", "Key", "Value")
        )
        y, scores = self.attend(ops, query, key, value, mask)
        y = ops.affine(p["OutputWeights"], y, p["OutputBias"])
        return y if scores is None else (y, scores)
