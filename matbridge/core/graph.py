"""Which layer feeds which: the graph of a network, worked out once, in linear time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from matbridge.core.card import Layer
from matbridge.errors import LayerError

__all__ = ["Connection", "Graph", "Port", "find_port", "name_layers"]


@dataclass(frozen=True, order=True)
class Port:
    """One end of a connection: ``Port("add", "in2")``, written add/in2."""

    layer: str
    name: str

    def __str__(self) -> str:
        return self.layer if self.name in ("in", "out") else f"{self.layer}/{self.name}"


@dataclass(frozen=True)
class Connection:
    """From an output port to an input port."""

    source: Port
    destination: Port


class Graph:
    """The connections between layers, checked: every end is there, no input is fed twice.

    Raises LayerError for a repeated name, a connection to nowhere, into an input layer or
    into a port that is taken, and for a loop.
    """

    def __init__(self, layers: Sequence[Layer], connections: Iterable[Connection]) -> None:
        self.layers: Mapping[str, Layer] = {layer.name: layer for layer in layers}
        if len(self.layers) != len(layers):
            raise _repeated(layers)
        self.sources: dict[Port, Port] = {}
        self.users: dict[Port, list[Port]] = defaultdict(list)
        for connection in connections:
            self._connect(connection.source, connection.destination)
        self.order: tuple[Layer, ...] = tuple(self._ordered())

    def _connect(self, source: Port, destination: Port) -> None:
        _check_end(self.layers, source, "outputs")
        _check_end(self.layers, destination, "inputs")
        if self.layers[destination.layer].IS_INPUT:
            raise LayerError(
                f"a connection from {source} leads into an input layer",
                where=destination.layer,
                mend="Input layers take the data; remove the connection.",
            )
        if destination in self.sources:
            raise LayerError(
                f"two connections lead into one port: from {self.sources[destination]} "
                f"and from {source}",
                where=str(destination),
                mend="Keep one of them, or join them with an addition or concatenation layer.",
            )
        self.sources[destination] = source
        self.users[source].append(destination)

    def check_output(self, port: Port) -> None:
        """Raise LayerError unless some layer has this output port."""
        _check_end(self.layers, port, "outputs")

    def _ordered(self) -> Iterable[Layer]:
        """Each layer after those that feed it, in the order of listing as far as that leaves."""
        # Generation by generation, each sorted by its place in the listing.
        place = {name: i for i, name in enumerate(self.layers)}
        waiting = Counter(port.layer for port in self.sources)
        ready = [name for name in self.layers if not waiting[name]]
        count = 0
        while ready:
            count += len(ready)
            following = []
            for name in ready:
                layer = self.layers[name]
                yield layer
                for fed in self._fed_by(layer):
                    waiting[fed.layer] -= 1
                    if not waiting[fed.layer]:
                        following.append(fed.layer)
            ready = sorted(following, key=place.__getitem__)
        # What still waits is in a loop, or behind one.
        if count < len(self.layers):
            stuck = next(name for name in self.layers if waiting[name])
            raise LayerError(f"the connections of {stuck} form a loop")

    def _fed_by(self, layer: Layer) -> Iterable[Port]:
        for name in layer.outputs:
            yield from self.users.get(Port(layer.name, name), ())

    @cached_property
    def open_inputs(self) -> tuple[str, ...]:
        """Names of what data enter by: input layers, and ports that nothing feeds."""
        names = []
        for layer in self.layers.values():
            if layer.IS_INPUT:
                names.append(layer.name)
            else:
                ports = (Port(layer.name, name) for name in layer.inputs)
                names += [str(port) for port in ports if port not in self.sources]
        return tuple(names)

    @cached_property
    def open_outputs(self) -> tuple[Port, ...]:
        """The output ports that feed nothing."""
        ports = (Port(layer.name, name) for layer in self.layers.values() for name in layer.outputs)
        return tuple(port for port in ports if port not in self.users)


def _check_end(layers: Mapping[str, Layer], port: Port, side: str) -> None:
    layer = layers.get(port.layer)
    if layer is None or (port.name not in getattr(layer, side) and not layer.IS_INPUT):
        raise _no_end(layers, str(port))


def _no_end(layers: Mapping[str, Layer], end: str) -> LayerError:
    return LayerError(
        f"a connection ends at {end!r}, which is not there",
        mend=f"Layers: {_listed(layers)}.",
    )


def _listed(names: Iterable[str], most: int = 40) -> str:
    """The names with commas; only the first of very many."""
    shown = list(names)
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if shown[most:] else "")


def _repeated(layers: Iterable[Layer]) -> LayerError:
    name, _ = Counter(layer.name for layer in layers).most_common(1)[0]
    return LayerError(f"two layers are named {name!r}", mend="Rename one of them.")


def name_layers(layers: Sequence[Layer]) -> list[Layer]:
    """Names for those without, as MATLAB gives them: lstm, or conv_1, conv_2 for several.

    Raises LayerError for a repeated name.
    """
    taken = {layer.name for layer in layers if layer.name}
    if len(taken) != sum(bool(layer.name) for layer in layers):
        raise _repeated([layer for layer in layers if layer.name])
    nameless = Counter(layer.NICKNAME for layer in layers if not layer.name)
    # Counted on from the last number: from 1 each time would take quadratic time.
    last: Counter[str] = Counter()
    named = []
    for layer in layers:
        if not layer.name:
            layer = layer.replace(name=_free_name(layer.NICKNAME, nameless, last, taken))
            taken.add(layer.name)
        named.append(layer)
    return named


def _free_name(nickname: str, nameless: Counter[str], last: Counter[str], taken: set[str]) -> str:
    if nameless[nickname] == 1 and nickname not in taken:
        return nickname
    while True:
        last[nickname] += 1
        name = f"{nickname}_{last[nickname]}"
        if name not in taken:
            return name


def find_port(layers: Mapping[str, Layer], end: str, side: str) -> Port:
    """The port that ``end`` ("add/in2", or "relu" for its only one) names.

    ``side`` is "inputs" or "outputs". Raises LayerError if there is none.
    """
    if end in layers:
        ports = getattr(layers[end], side)
        return Port(end, ports[0] if ports else side[:-1])
    name, _, port = end.rpartition("/")
    if name in layers and port in getattr(layers[name], side):
        return Port(name, port)
    raise _no_end(layers, end)
