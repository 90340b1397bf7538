"""What the variables of a generated function stand for, as far as they say the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = [
    "Activation",
    "Argument",
    "Blank",
    "Constant",
    "Gathered",
    "Net",
    "Opaque",
    "Position",
    "Result",
    "Signal",
    "Step",
    "TapIndex",
    "Taps",
    "Time",
    "Value",
    "Weighted",
]


@dataclass(frozen=True, eq=False)
class Constant:
    """Numbers that the code writes out, and the variable that is given them."""

    array: np.ndarray
    name: str = ""


@dataclass(frozen=True)
class Argument:
    """An argument of the function: a cell of inputs, one input, or states."""

    name: str


@dataclass(frozen=True)
class Time:
    """The number of a step: of a loop over the data, or (``last``) over initial states."""

    last: int | None = None


@dataclass(frozen=True)
class Position:
    """Where a ring of ``size`` places is written at a step: mod(ts+shift,size)+1."""

    shift: int
    size: int


@dataclass(frozen=True)
class TapIndex:
    """The places of a ring that were written so many steps ago."""

    delays: tuple[int, ...]
    size: int


@dataclass(frozen=True, eq=False)
class Step:
    """A processing function and its settings."""

    function: str
    settings: Mapping[str, np.ndarray]

    def same(self, other: Step) -> bool:
        """Whether both compute the same."""
        return (
            self.function == other.function
            and self.settings.keys() == other.settings.keys()
            and all(
                np.array_equal(a, other.settings[n], equal_nan=True)
                for n, a in self.settings.items()
            )
        )


@dataclass(frozen=True, eq=False)
class Signal:
    """Input ``number`` of an argument, processed; ``turned`` where samples are rows before.

    An initial state is one too.
    """

    argument: str
    number: int = 1
    steps: tuple[Step, ...] = ()
    turned: bool = False


@dataclass(frozen=True)
class Taps:
    """Values that a ring of this name was given so many steps ago, one below the other."""

    ring: str
    delays: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Weighted:
    """weightFcn(W, operand)."""

    function: str
    weight: Constant
    operand: Value


@dataclass(frozen=True, eq=False)
class Net:
    """The sum or the product of biases and weighted operands, in the order written."""

    function: str
    terms: tuple[Constant | Weighted, ...]


@dataclass(frozen=True, eq=False)
class Activation:
    """A layer: its transfer function and its net input."""

    transfer: str
    net: Net


@dataclass(frozen=True, eq=False)
class Result:
    """A layer's output with the processing functions that were reversed, in that order."""

    layer: Activation
    steps: tuple[Step, ...] = ()
    turned: bool = False


@dataclass(frozen=True)
class Gathered:
    """The variable whose elements a loop sets, such as Y, as a whole."""

    name: str


@dataclass(frozen=True)
class Blank:
    """A size, an empty cell, a count: nothing of the network."""


@dataclass(frozen=True)
class Opaque:
    """What is not understood, and why."""

    why: str
    line: int


Value = (
    Constant
    | Argument
    | Gathered
    | Time
    | Position
    | TapIndex
    | Signal
    | Taps
    | Weighted
    | Net
    | Activation
    | Result
    | Blank
    | Opaque
)
