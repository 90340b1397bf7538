"""Functions for MATLAB that record, export and import what matbridge reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from matbridge.core.card import Layer
from matbridge.layers import CARDS
from matbridge.version import VERSION

__all__ = ["functions"]

NAMES = ("matbridgeRecord.m", "matbridgeExport.m", "matbridgeImport.m")
# Layers whose constructors MATLAB has; those of the importers and of users are classes.
PACKAGES = ("nnet.cnn.layer.", "rl.layer.")
TOOLBOXES = ("stftLayer", "istftLayer", "modwtLayer", "cwtLayer")


def functions() -> Mapping[str, str]:
    """The MATLAB code of each function, by the name of its file."""
    folder = files(__name__)
    return {name: _filled((folder / name).read_text(encoding="utf-8")) for name in NAMES}


def _filled(code: str) -> str:
    return code.replace("@VERSION@", VERSION).replace("@CONSTRUCTORS@", "\n".join(_constructors()))


def _constructors() -> list[str]:
    """A row for each class: its name, its constructor, the positional arguments in order."""
    return sorted(
        f"    '{name}', '{card.BUILDER}', {{{', '.join(_positional(card))}}}"
        for card in CARDS
        if card.BUILDER.isidentifier()
        for name in card.MATLAB
        if name.startswith(PACKAGES) or name in TOOLBOXES
    )


def _positional(card: type[Layer]) -> list[str]:
    known = [p for p in card.properties().values() if p.arg is not None]
    return [f"'{p.name}'" for p in sorted(known, key=lambda p: p.arg or 0)]
