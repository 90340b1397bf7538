"""Layers that are read but cannot be run, each with its reason."""

from __future__ import annotations

from typing import ClassVar

from matbridge.core.card import Layer
from matbridge.core.dims import Size
from matbridge.errors import UnsupportedError
from matbridge.ops import Ops, Parameters, Value

__all__ = ["NotYet"]


class NotYet(Layer):
    """A layer of MATLAB's that matbridge knows by name and properties alone."""

    runnable = False
    REASON: ClassVar[str] = ""

    def obstacle(self) -> UnsupportedError:
        """Why a network with this layer cannot run."""
        return UnsupportedError(
            f"{self.type_name} cannot be run: {self.REASON}",
            where=self.name,
            mend="Use the network up to this layer, or give a card of your own for its class.",
        )

    def infer(self, *inputs: Size) -> Size:
        raise self.obstacle()

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        raise self.obstacle()
