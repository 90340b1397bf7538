"""The words in which a layer says what it computes: operations on labelled values.

A :class:`Value` is data plus the order of its dimensions at hand. A word asks for the order
it wants, computes, and returns whatever order came naturally; nobody turns back. Dimensions
that a word does not name ride along as batch. What is known about labels is here, once; a
backend only computes with bare data: :mod:`matbridge.torch.backend`,
:mod:`matbridge.onnx.backend`, arrays in :mod:`matbridge.ops.constants` and sizes alone in
:mod:`matbridge.ops.shapes`.

Weights are values too, with the labels O (output), I (input) and G (group), so that the
same words lay them out.
"""

from __future__ import annotations

from typing import Protocol

from matbridge.ops.backend import Backend, Operation, Recurrence
from matbridge.ops.layout import Value
from matbridge.ops.operators import OPERATORS
from matbridge.ops.windows import Padding
from matbridge.ops.words import WORDS, ArrayOps, Ops

__all__ = [
    "OPERATORS",
    "WORDS",
    "ArrayOps",
    "Backend",
    "Operation",
    "Ops",
    "Padding",
    "Parameters",
    "Recurrence",
    "Value",
]


class Parameters(Protocol):
    """The arrays of one layer while it is run."""

    def __getitem__(self, name: str) -> Value: ...

    def update(self, **states: Value) -> None:
        """Set states, such as HiddenState; the caller decides whether they are kept."""
