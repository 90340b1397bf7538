"""Suspects of network objects: what is done to their inputs and outputs, transfer functions."""

from __future__ import annotations

from matbridge.core.card import Layer
from matbridge.layers.processing import MapMinMax, ProcessingFunction
from matbridge.layers.transfer import LogSig, PosLin, PureLin, SatLin, SatLins, TanSig
from matbridge.verify.suspects.changes import (
    Change,
    Reading,
    Site,
    read_otherwise,
    recast,
    with_array,
)
from matbridge.verify.suspects.suspect import Suspect

__all__ = ["SUSPECTS"]


def _passing(reverse: bool | None) -> Change:
    """Processing functions of inputs, of outputs or of both that let everything pass."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, ProcessingFunction) or layer.no_change:
            return None
        if layer.yrows not in (None, layer.xrows):
            return None
        if reverse is not None and layer.reverse is not reverse:
            return None
        return layer.replace(no_change=True)

    return change


def _again(reverse: bool) -> Change:
    """mapminmax once more: of a row that is mapped already."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, MapMinMax) or layer.no_change or layer.reverse is not reverse:
            return None
        factor = layer.arrays["gain"]
        summand = layer.arrays["yoffset"] - factor * layer.arrays["xoffset"]
        if reverse:
            factor, summand = 1 / factor, -summand / factor
        factor, summand = factor * factor, factor * summand + summand
        if reverse:
            factor, summand = 1 / factor, -summand / factor
        zeros = 0 * layer.arrays["xoffset"]
        return with_array(layer, xoffset=zeros, gain=factor, yoffset=summand)

    return change


def _from_zero(site: Site) -> Layer | None:
    """mapminmax to 0..1 in place of -1..1."""
    layer = site.layer
    if not isinstance(layer, MapMinMax) or layer.no_change:
        return None
    return with_array(
        layer, gain=layer.arrays["gain"] / 2, yoffset=(layer.arrays["yoffset"] + 1) / 2
    )


PROCESSING = read_otherwise(
    "processing functions",
    6,
    Reading(
        _passing(False),
        "the inputs do not pass {where}",
        "the expected values were made from data that were not processed, as a network of weights "
        "alone does",
    ),
    Reading(
        _passing(True),
        "the outputs do not pass {where}",
        "the expected values are what the last layer gives, without the reverse of the processing",
    ),
    Reading(
        _passing(None),
        "neither inputs nor outputs pass {where}",
        "the expected values were made without processing of inputs and outputs",
    ),
    Reading(
        _again(False),
        "the inputs pass {where} twice",
        "the expected values were made from data that had been processed before",
    ),
    Reading(
        _again(True),
        "the outputs pass the reverse of {where} twice",
        "the expected values went through the reverse of the processing once more",
    ),
    Reading(
        _from_zero,
        "{where} maps to 0..1",
        "the expected values were made with mapminmax to 0..1 in place of -1..1",
    ),
)


def _as(card: type[Layer], other: type[Layer]) -> Change:
    def change(site: Site) -> Layer | None:
        return recast(site.layer, other) if type(site.layer) is card else None

    return change


TRANSFER = read_otherwise(
    "transfer function",
    31,
    *(
        Reading(
            _as(card, other),
            f"{{where}} is {other.NICKNAME}",
            f"the expected values were made with {other.NICKNAME} in place of {card.NICKNAME}",
        )
        for card, other in (
            (TanSig, LogSig),
            (LogSig, TanSig),
            (TanSig, PureLin),
            (LogSig, PureLin),
            (PureLin, TanSig),
            (PureLin, LogSig),
            (PureLin, PosLin),
            (PosLin, PureLin),
            (SatLin, SatLins),
            (SatLins, SatLin),
        )
    ),
)

SUSPECTS: tuple[Suspect, ...] = (*PROCESSING, *TRANSFER)
