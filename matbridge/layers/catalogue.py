"""The table of layers, from the declarations of the cards."""

from __future__ import annotations

from typing import TypedDict

from matbridge.core.card import Layer
from matbridge.layers import CARDS
from matbridge.layers.notyet import NotYet

__all__ = ["ABSENT", "Row", "catalogue", "evidence_of"]

# Names that are asked for, and why there is no card for them.
ABSENT = {
    "dotProductLayer": "no public documentation of such a layer was found",
    "hardSigmoidLayer": "MATLAB has no such layer; it is GateActivationFunction 'hard-sigmoid' of "
    "lstmLayer, bilstmLayer and gruLayer",
    "rmsNormalizationLayer": "no public documentation of such a layer was found",
}


Row = TypedDict(
    "Row",
    {
        "constructor": str,
        "class": str,
        "read": bool,
        "run": bool,
        "evidence": str,
        "formats": str,
        "since": str,
        "product": str,
        "reason": str,
    },
)


def catalogue() -> list[Row]:
    """A row for each layer: constructor, class, whether it is read and run, formats, since
    which release, which product, evidence, and the reason where it cannot be run."""
    return [*map(_row, CARDS), *(_absent(name, why) for name, why in ABSENT.items())]


def _row(card: type[Layer]) -> Row:
    return {
        "constructor": card.BUILDER or card.MATLAB[0].rpartition(".")[2],
        "class": card.MATLAB[0],
        "read": True,
        "run": card.runnable,
        "evidence": card.EVIDENCE if card.runnable else "",
        "formats": card.formats() if card.runnable else "",
        "since": card.SINCE,
        "product": card.PRODUCT,
        "reason": card.REASON if issubclass(card, NotYet) else "",
    }


def _absent(name: str, why: str) -> Row:
    return {
        "constructor": name,
        "class": "",
        "read": False,
        "run": False,
        "evidence": "",
        "formats": "",
        "since": "",
        "product": "",
        "reason": why,
    }


def evidence_of(layer: Layer) -> str:
    """On what it rests that a layer of a network computes what MATLAB's does.

    A card of the user's own is one even where it takes the name of a card here, or is derived
    from it.
    """
    if type(layer) in CARDS:
        return layer.EVIDENCE
    if layer.known:
        return "your own card"
    return "no card: taken as it is" if layer.runnable else "no card: cannot be run"
