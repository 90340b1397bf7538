"""The table of layers, from the declarations of the cards."""

from __future__ import annotations

from typing import Any

from matbridge.core.card import Layer
from matbridge.layers import CARDS
from matbridge.layers.notyet import NotYet

__all__ = ["ABSENT", "catalogue", "evidence_of"]

# Names that are asked for, and why there is no card for them.
ABSENT = {
    "dotProductLayer": "no public documentation of such a layer was found",
    "hardSigmoidLayer": "MATLAB has no such layer; it is GateActivationFunction 'hard-sigmoid' of "
    "lstmLayer, bilstmLayer and gruLayer",
    "rmsNormalizationLayer": "no public documentation of such a layer was found",
}


def catalogue() -> list[dict[str, Any]]:
    """A row for each layer: constructor, class, whether it is read and run, formats, since
    which release, which product, evidence, and the reason where it cannot be run."""
    rows = [
        {
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
        for card in CARDS
    ]
    nothing = dict.fromkeys(("evidence", "formats", "since", "product"), "")
    missing = [
        {"constructor": name, "class": "", "read": False, "run": False, **nothing, "reason": why}
        for name, why in ABSENT.items()
    ]
    return rows + missing


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
