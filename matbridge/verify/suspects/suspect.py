"""What a suspect is: a way in which expected values often came about otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matbridge.verify.case import Case

__all__ = ["Suspect", "Variant"]


@dataclass(frozen=True)
class Variant:
    """A case changed as a suspect says: in ``where``, told in ``words``; see Cause."""

    case: Case
    where: tuple[str, ...]
    words: str
    meaning: str


@dataclass(frozen=True)
class Suspect:
    """A hypothesis: its name, how likely (1 is tried first), and the variants of a case that it
    gives, none where it does not apply."""

    name: str
    rank: int
    variants: Callable[[Case], Iterator[Variant]]
