"""What a handle computes with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from matbridge.core.dims import Extent
from matbridge.layers.handle.parse import unsupported
from matbridge.ops import Value

__all__ = [
    "Arguments",
    "Budget",
    "Labelled",
    "Operand",
    "fresh",
    "is_scalar",
    "known",
    "shown",
]

# Labels for dimensions that have none in MATLAB; as many as an array of a handle may have.
POSITIONS = "abcdefghijklmnop"
# What one evaluation may make from constants alone, in elements (of products: terms).
CONSTANTS = 10_000_000
# The largest value that it may make of its input: so many times the input, or this.
GROWTH = 256
LEAST = 10_000_000


@dataclass(frozen=True)
class Labelled:
    """A value whose labels are told apart, and MATLAB's order of its dimensions.

    ``formatted`` is an array that carries its labels in MATLAB too, so that it meets others
    by label, not by position. ``constant`` is one of NumPy data, which no input has a
    part in.
    """

    value: Value
    order: str
    formatted: bool = False
    constant: bool = False


Operand = Labelled | str
Arguments = Sequence[Operand]


def is_scalar(value: Operand) -> bool:
    """Whether it is a constant of one element."""
    return isinstance(value, Labelled) and value.constant and np.size(value.value.data) == 1


def known(size: Extent) -> TypeGuard[int]:
    """Whether a size is a plain number, not one that only data will tell."""
    return type(size) is int


def fresh(taken: str, count: int) -> str:
    """So many labels that are not among these."""
    free = [label for label in POSITIONS if label not in taken]
    if count > len(free):
        raise ValueError(f"more than {len(POSITIONS)} dimensions")
    return "".join(free[:count])


def shown(sizes: Sequence[Extent]) -> str:
    """Sizes as MATLAB shows them; ? for one that only data will tell."""
    return "×".join(str(n) if known(n) else "?" for n in sizes)


class Budget:
    """What one evaluation may still make: a text of 20 letters can name 10^9 elements."""

    def __init__(self, text: str, inputs: int) -> None:
        self.text = text
        self.constants = CONSTANTS
        self.largest = max(GROWTH * inputs, LEAST)

    def spend(self, elements: int) -> None:
        """Before these elements of constants are made."""
        self.constants -= elements
        if self.constants < 0:
            self._refuse()

    def check(self, sizes: Sequence[Extent]) -> None:
        """Before a value of these sizes is made from the input."""
        if math.prod(n for n in sizes if known(n)) > self.largest:
            self._refuse()

    def _refuse(self) -> None:
        raise unsupported(self.text, "its values grow beyond all that a layer's function needs")
