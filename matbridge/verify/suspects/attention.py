"""Suspects: attention, and what embeddings count from."""

from __future__ import annotations

import math

import numpy as np

from matbridge.core.card import Layer
from matbridge.layers.attention import AnyAttention, Attention, SelfAttention
from matbridge.layers.embedding import PositionEmbedding, SinusoidalPositionEncoding, WordEmbedding
from matbridge.verify.suspects.changes import Change, Reading, Site, read_otherwise, with_array
from matbridge.verify.suspects.suspect import Suspect

__all__ = ["SUSPECTS"]


def _masked(site: Site) -> Layer | None:
    layer = site.layer
    if not isinstance(layer, AnyAttention):
        return None
    return layer.replace(attention_mask={"none": "causal", "causal": "none"}[layer.attention_mask])


def _interleaved(site: Site) -> Layer | None:
    """Channel i of head h beside channel i of the other heads."""
    layer = site.layer
    if not isinstance(layer, SelfAttention) or layer.groups != layer.num_heads:
        return None
    arrays = dict(layer.arrays)
    for name in ("Query", "Key", "Value"):
        for part in ("Weights", "Bias"):
            rows = arrays.get(name + part)
            if rows is not None:
                arrays[name + part] = rows[_by_head(len(rows), layer.num_heads)]
    output = layer.arrays["OutputWeights"]
    arrays["OutputWeights"] = output[:, _by_head(output.shape[1], layer.num_heads)]
    return with_array(layer, **arrays)


def _by_head(count: int, heads: int) -> np.ndarray:
    """For each channel, heads in blocks, where it stands if heads are interleaved."""
    return np.arange(count).reshape(-1, heads).ravel(order="F")


def _scaled(scale: float | str) -> Change:
    """Scores by another factor: a number, or one over the root of all channels."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if isinstance(layer, Attention) and isinstance(scale, float):
            return layer.replace(scale=scale) if layer.scale != scale else None
        if not isinstance(layer, SelfAttention):
            return None
        channels = layer.num_query_channels
        wanted = channels**-0.5 if isinstance(scale, str) else scale
        factor = wanted * math.sqrt(channels / layer.num_heads)
        names = ("QueryWeights", "QueryBias")
        return with_array(layer, **{name: layer.arrays[name] * factor for name in names})

    return change


def _exchanged(site: Site) -> Layer | None:
    """Queries for keys."""
    layer = site.layer
    if not isinstance(layer, SelfAttention):
        return None
    pairs = (("QueryWeights", "KeyWeights"), ("QueryBias", "KeyBias"))
    if any(layer.arrays[a].shape != layer.arrays[b].shape for a, b in pairs):
        return None
    arrays = {a: layer.arrays[b] for pair in pairs for a, b in (pair, pair[::-1])}
    return with_array(layer, **arrays)


HEADS = read_otherwise(
    "attention",
    29,
    Reading(
        _masked,
        "{where} has the other AttentionMask",
        "the expected values were made with a causal mask where the network has none, or the "
        "other way round",
    ),
    Reading(
        _interleaved,
        "the heads of {where} are interleaved",
        "the expected values were made with channels split among the heads in turn, not in blocks",
    ),
    Reading(
        _scaled(1.0),
        "the scores of {where} are not scaled",
        "the expected values were made without dividing scores by the root of the channels per "
        "head",
    ),
    Reading(
        _scaled("all"),
        "the scores of {where} are divided by the root of all channels",
        "the expected values were made with the channels of all heads in the scale, not of one",
    ),
    Reading(
        _exchanged,
        "the queries and keys of {where} are exchanged",
        "the expected values were made with the weights of queries and keys exchanged",
    ),
)


# -- positions and words -----------------------------------------------------------------------


def _shifted(card: type[Layer], by: int) -> Change:
    """Columns of an embedding one further: index k stands for k + by."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, card) or "Weights" not in layer.arrays:
            return None
        return with_array(layer, Weights=np.roll(layer.arrays["Weights"], -by, axis=1))

    return change


def _offset(by: int) -> Change:
    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, SinusoidalPositionEncoding):
            return None
        return layer.replace(position_offset=(layer.position_offset or 0) + by)

    return change


def _without_positions(site: Site) -> Layer | None:
    layer = site.layer
    if not isinstance(layer, PositionEmbedding) or "Weights" not in layer.arrays:
        return None
    return with_array(layer, Weights=np.zeros_like(layer.arrays["Weights"]))


COUNTED = read_otherwise(
    "counting from 0 or 1",
    30,
    *(
        Reading(
            change,
            f"the {kind} of {{where}} are counted {words}",
            f"the expected values were made with {kind} that count from {start}",
        )
        for by, words, start in ((1, "one further", 0), (-1, "one less", 2))
        for kind, change in (
            ("words", _shifted(WordEmbedding, by)),
            ("positions", _shifted(PositionEmbedding, by)),
            ("positions", _offset(by)),
        )
    ),
    Reading(
        _without_positions,
        "{where} gives zeros",
        "the expected values were made without the embedding of positions",
    ),
)

SUSPECTS: tuple[Suspect, ...] = (*HEADS, *COUNTED)
