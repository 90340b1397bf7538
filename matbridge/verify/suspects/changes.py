"""What suspects share: layers read in another way, networks with more or fewer of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import Size
from matbridge.core.network import Network, Port
from matbridge.errors import MatbridgeError
from matbridge.text import listed
from matbridge.verify.case import Case
from matbridge.verify.suspects.insertion import Function, with_after
from matbridge.verify.suspects.suspect import Suspect, Variant, classes

__all__ = [
    "ALONE",
    "Change",
    "Reading",
    "Site",
    "appended",
    "read_otherwise",
    "recast",
    "sites",
    "with_array",
]

# What is wrong with one layer alone is tried after what may be wrong with all of a kind.
ALONE = 100
# Between the two comes what may be wrong with all layers of one class.
OF_A_CLASS = 50

Card = TypeVar("Card", bound=Layer)


@dataclass(frozen=True)
class Site:
    """A layer where it stands: what enters its first port, as far as the network tells."""

    layer: Layer
    entering: Size | None


# The layer as it is read otherwise; None where it is not, or where that changes nothing.
Change = Callable[[Site], Layer | None]


@dataclass(frozen=True)
class Reading:
    """Another way to read layers, told in ``words`` about ``{where}``; see Variant."""

    change: Change
    words: str
    meaning: str
    together: bool = False

    def layers(self, sites: Sequence[Site]) -> list[Layer]:
        """The layers that are read otherwise, as they then are."""
        changed = (self.change(site) for site in sites)
        return [layer for layer in changed if layer is not None]

    def variant(self, case: Case, layers: Sequence[Layer]) -> Iterator[Variant]:
        """The case with these layers, none where they do not fit their network."""
        where = tuple(layer.name for layer in layers)
        try:
            network = case.network.with_layers(*layers)
        except MatbridgeError:
            return
        words = self.words.format(where=listed(where, 4))
        changed = case.replace(network=network)
        yield Variant(changed, where, words, self.meaning, self.together)


def read_otherwise(name: str, rank: int, *readings: Reading) -> tuple[Suspect, ...]:
    """Suspects of one name: all layers of a kind read otherwise, those of one class, and each of
    them alone."""

    def together(case: Case) -> Iterator[Variant]:
        every = list(sites(case.network))
        for reading in readings:
            if layers := reading.layers(every):
                yield from reading.variant(case, layers)

    def of_a_class(case: Case) -> Iterator[Variant]:
        every = list(sites(case.network))
        for reading in readings:
            layers = reading.layers(every)
            for group in classes(layers):
                if 1 < len(group) < len(layers):
                    yield from reading.variant(case, group)

    def alone(case: Case) -> Iterator[Variant]:
        every = list(sites(case.network))
        for reading in readings:
            layers = reading.layers(every)
            for layer in layers if len(layers) > 1 else ():
                yield from reading.variant(case, [layer])

    return (
        Suspect(name, rank, together),
        Suspect(name, rank + OF_A_CLASS, of_a_class),
        Suspect(name, rank + ALONE, alone),
    )


def sites(network: Network) -> Iterator[Site]:
    """Every layer where it stands."""
    sizes, sources = network.infer(), network.graph.sources
    for layer in network.layers:
        first = Port(layer.name, layer.inputs[0]) if layer.inputs else None
        size = sizes.get(sources[first]) if first in sources else None
        yield Site(layer, size if isinstance(size, Size) else None)


def with_array(layer: Layer, **arrays: np.ndarray) -> Layer | None:
    """The layer with these arrays; None where they are those that it has."""
    if all(np.array_equal(array, layer.arrays[name]) for name, array in arrays.items()):
        return None
    return layer.replace(arrays={**layer.arrays, **arrays})


def recast(layer: Layer, card: type[Card], **changes: object) -> Card:
    """The layer as another card, with what the two have in common."""
    names = {field.name for field in dataclasses.fields(card)}
    values = {f.name: getattr(layer, f.name) for f in dataclasses.fields(layer) if f.name in names}
    return card(**(values | changes))


def appended(network: Network, function: Function) -> Network:
    """The network with this done to its only output, before what is an output layer."""
    (port,) = network.outputs
    while network[port.layer].IS_OUTPUT:
        port = network.graph.sources[Port(port.layer, network[port.layer].inputs[0])]
    return with_after(network, port.layer, function, port.name)
