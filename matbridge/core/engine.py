"""What computes for a session: the part of it that may be another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from matbridge.errors import MismatchError

__all__ = ["Engine", "EngineError", "Labelled", "States"]

# The states that a run left, by layer and MATLAB's name, in the engine's own arrays.
States = Mapping[str, Mapping[str, Any]]


class Labelled(NamedTuple):
    """An array and the labels of its dimensions."""

    array: np.ndarray
    dims: str


class EngineError(MismatchError):
    """An engine gave up on an input that no layer refuses; another may compute it."""


class Engine(Protocol):
    """A network made ready to run on one device, in one precision."""

    def run(
        self,
        inputs: Mapping[str, Labelled],
        states: States,
        lengths: tuple[int, ...] | None = None,
    ) -> tuple[list[Labelled], States] | None:
        """The value at each output in MATLAB's order with B, and the states after it.

        ``states`` stand in for those of the network. With ``lengths`` the sequences are
        padded at the end, and each must come out as if it were alone; None is returned
        where this engine cannot do that.
        """

    def states(self, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> States:
        """These states as the engine holds them."""

    def arrays(self, states: States) -> dict[str, dict[str, np.ndarray]]:
        """The inverse of :meth:`states`."""
