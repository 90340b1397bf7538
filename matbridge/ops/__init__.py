"""The words in which a layer says what it computes: operations on labelled values.

A :class:`Value` is data plus the order of its dimensions at hand. An operation asks for
the order it wants, computes, and returns whatever order came naturally; nobody turns
back. Dimensions that an operation does not name ride along as batch. What is known about
labels is here, once; :mod:`matbridge.torch.backend` and :mod:`matbridge.onnx.backend`
supply the hooks (names with an underscore) that work on data.

Weights are values too, with the labels O (output), I (input) and G (group), so that the
same words lay them out.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol

from matbridge.ops.layout import Value
from matbridge.ops.sequences import Recurrence, Sequences
from matbridge.ops.windows import Padding

__all__ = ["Ops", "Padding", "Parameters", "Recurrence", "Value"]


class Parameters(Protocol):
    """The arrays of one layer while it is run."""

    def __getitem__(self, name: str) -> Value: ...

    def __contains__(self, name: str) -> bool: ...

    def update(self, **states: Value) -> None:
        """Set states, such as HiddenState; the caller decides whether they are kept."""


class Ops(Sequences):
    """The whole protocol, with what differs between training and prediction."""

    # True while training: dropout drops, batch normalization uses the mini-batch.
    training = False

    def dropout(self, x: Value, probability: float, over: str = "") -> Value:
        """The identity, unless training; with ``over``, whole maps along these go."""
        return x

    def noise(self, x: Value, deviation: float) -> Value:
        """The identity, unless training."""
        return x

    @abstractmethod
    def native(self, **ways: Any) -> Any:
        """The entry for this backend ("torch", "onnx"): one odd layer's own language."""
