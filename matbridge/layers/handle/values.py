"""What a handle computes with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.ops import Value

__all__ = ["Arguments", "Labelled", "Operand", "is_scalar"]


@dataclass(frozen=True)
class Labelled:
    """A value whose spatial labels are told apart, and MATLAB's order of its dimensions."""

    value: Value
    order: str


Operand = Labelled | np.ndarray | str
Arguments = Sequence[Operand]


def is_scalar(value: Operand) -> bool:
    """Whether it is a constant of one element."""
    return isinstance(value, np.ndarray) and value.size == 1
