"""What a suspect is: a way in which expected values often came about otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from matbridge.core.card import Layer
from matbridge.text import listed
from matbridge.verify.case import Case

__all__ = ["Suspect", "Variant", "in_layers"]


@dataclass(frozen=True)
class Variant:
    """A case changed as a suspect says: in ``where``, told in ``words``; see Cause.

    ``together`` says that the observations hang on each other, as those that are padded to the
    longest do: then it cannot be tried on a few of them.
    """

    case: Case
    where: tuple[str, ...]
    words: str
    meaning: str
    together: bool = False


@dataclass(frozen=True)
class Suspect:
    """A hypothesis: its name, how likely (1 is tried first), and the variants of a case that it
    gives, none where it does not apply."""

    name: str
    rank: int
    variants: Callable[[Case], Iterator[Variant]]


def in_layers(
    case: Case, change: Callable[[Layer], Layer | None], words: str, meaning: str
) -> Iterator[Variant]:
    """All layers that ``change`` makes another of, at once, then each alone.

    It gives None for a layer that it does not concern. ``words`` tell the change of {where}.
    """
    layers = [new for layer in case.network.layers if (new := change(layer)) is not None]
    for chosen in _choices(layers):
        where = tuple(layer.name for layer in chosen)
        changed = case.replace(network=case.network.with_layers(*chosen))
        yield Variant(changed, where, words.replace("{where}", listed(where)), meaning)


def _choices(layers: Sequence[Layer]) -> Iterator[Sequence[Layer]]:
    if len(layers) > 1:
        yield layers
    yield from ([layer] for layer in layers)
