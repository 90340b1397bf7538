"""The usual suspects: what makes a right network and right values differ, each one tried."""

from __future__ import annotations

from matbridge.verify.suspects import gates, recurrent, sequences, states
from matbridge.verify.suspects.suspect import Suspect, Variant

__all__ = ["SUSPECTS", "Suspect", "Variant"]

# A file for each family, each with its own table.
SUSPECTS: tuple[Suspect, ...] = (
    *gates.SUSPECTS,
    *recurrent.SUSPECTS,
    *sequences.SUSPECTS,
    *states.SUSPECTS,
)
