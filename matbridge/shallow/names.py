"""What the cards of a network object are called: as in MATLAB and in its generated code.

Who makes cards of a structure, reads them back, or finds a layer's port asks here.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from itertools import count, takewhile

__all__ = [
    "a",
    "ai",
    "delays",
    "n",
    "numbered",
    "step",
    "weight",
    "x",
    "xi",
    "y",
]


def x(number: int) -> str:
    """x1, as generated code calls it."""
    return f"x{number}"


def y(number: int) -> str:
    """y1, as generated code calls it."""
    return f"y{number}"


def step(end: str, place: int) -> str:
    """x1_step1: the processing function in this place of an input or output."""
    return f"{end}_step{place}"


def weight(word: str, at: tuple[int, int]) -> str:
    """IW{2,1} or LW{2,1}."""
    return f"{word}{{{at[0]},{at[1]}}}"


def delays(word: str, at: tuple[int, int]) -> str:
    """IW{2,1}_delays, the tapped delay line before that weight."""
    return f"{weight(word, at)}_delays"


def n(number: int) -> str:
    """n{2}, the net input."""
    return f"n{{{number}}}"


def a(number: int) -> str:
    """a{2}."""
    return f"a{{{number}}}"


def xi(number: int) -> str:
    """Xi{1}."""
    return f"Xi{{{number}}}"


def ai(number: int) -> str:
    """Ai{2}."""
    return f"Ai{{{number}}}"


def numbered(names: Container[str], name_of: Callable[[int], str]) -> Iterator[int]:
    """1, 2, ... as long as there is a name of that number."""
    return takewhile(lambda number: name_of(number) in names, count(1))
