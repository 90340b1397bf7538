"""The usual suspects: what makes a right network and right values differ, each one tried."""

from __future__ import annotations

from matbridge.verify.suspects import (
    activations,
    attention,
    gates,
    images,
    normalization,
    outputs,
    precision,
    recurrent,
    sequences,
    shallow,
    standardizing,
    states,
    weights,
    windows,
)
from matbridge.verify.suspects.suspect import Suspect, Variant

__all__ = ["SUSPECTS", "Suspect", "Variant"]

# A file for each family, each with its own table.
SUSPECTS: tuple[Suspect, ...] = (
    *gates.SUSPECTS,
    *recurrent.SUSPECTS,
    *sequences.SUSPECTS,
    *states.SUSPECTS,
    *normalization.SUSPECTS,
    *images.SUSPECTS,
    *weights.SUSPECTS,
    *outputs.SUSPECTS,
    *activations.SUSPECTS,
    *windows.SUSPECTS,
    *standardizing.SUSPECTS,
    *attention.SUSPECTS,
    *shallow.SUSPECTS,
    *precision.SUSPECTS,
)
