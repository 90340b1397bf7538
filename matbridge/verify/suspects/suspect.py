"""What a suspect is: a way in which expected values often came about otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.network import Network
from matbridge.text import listed
from matbridge.verify.case import Case

__all__ = [
    "Change",
    "Rewiring",
    "Suspect",
    "Variant",
    "changed",
    "classes",
    "edited",
    "in_layers",
]


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


@dataclass(frozen=True)
class Change:
    """A layer made another, None where it does not concern it; ``words`` tell it of {where}."""

    words: str
    meaning: str
    of: Callable[[Layer], Layer | None]

    def made(self, network: Network, layer: Layer) -> Network | None:
        """The network with this layer changed, None where it does not concern it."""
        new = self.of(layer)
        return None if new is None else network.with_layers(new)


@dataclass(frozen=True)
class Rewiring:
    """What changes a network round a layer, None where it does not concern it."""

    words: str
    meaning: str
    made: Callable[[Network, Layer], Network | None]


def changed(*changes: Change | Rewiring) -> Callable[[Case], Iterator[Variant]]:
    """The variants that these make, one after the other; see in_layers."""

    def variants(case: Case) -> Iterator[Variant]:
        for change in changes:
            yield from in_layers(case, change)

    return variants


def in_layers(case: Case, change: Change | Rewiring) -> Iterator[Variant]:
    """All layers that a change concerns at once, then those of each class, then each alone."""
    network = case.network
    layers = [layer for layer in network.layers if change.made(network, layer) is not None]
    for where in _choices(layers):
        for name in where:
            network = change.made(network, network[name]) or network
        words = change.words.replace("{where}", listed(where))
        yield Variant(case.replace(network=network), where, words, change.meaning)
        network = case.network


def _choices(layers: Sequence[Layer]) -> Iterator[tuple[str, ...]]:
    several = [layers, *classes(layers)] if len(layers) > 1 else []
    names = [tuple(layer.name for layer in group) for group in several]
    yield from dict.fromkeys(names)
    yield from ((layer.name,) for layer in layers if (layer.name,) not in names)


def classes(layers: Sequence[Layer]) -> list[list[Layer]]:
    """The layers of each class."""
    groups: dict[type[Layer], list[Layer]] = {}
    for layer in layers:
        groups.setdefault(type(layer), []).append(layer)
    return list(groups.values())


def edited(layer: Layer, edit: Callable[[np.ndarray], np.ndarray], *names: str) -> Layer | None:
    """The layer with those arrays edited that it has; None where nothing is another then."""
    arrays = {name: edit(layer.arrays[name]) for name in names if name in layer.arrays}
    if all(np.array_equal(array, layer.arrays[name]) for name, array in arrays.items()):
        return None
    return layer.replace(arrays={**layer.arrays, **arrays})
