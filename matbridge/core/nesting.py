"""Layers that hold a network, taken apart: the inner layers stand in for them, under the
names OUTER/INNER that MATLAB gives their learnables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from matbridge.core.card import InputLayer, Layer
from matbridge.core.graph import Connection, Graph, Port
from matbridge.errors import LayerError

__all__ = ["MAX_LAYERS", "HoldsNetwork", "expanded"]

# MATLAB's largest published networks have under 2,000 layers.
MAX_LAYERS = 100_000

Ends = tuple[str, str]
# For each layer, what inside it each of its ports stands for.
Ports = dict[str, dict[str, list[str]]]


class Inner(Protocol):
    """What taking apart needs to know of a network."""

    layers: tuple[Layer, ...]
    connections: tuple[Connection, ...]

    @property
    def graph(self) -> Graph: ...
    @property
    def input_layers(self) -> Mapping[str, InputLayer]: ...
    @property
    def input_names(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> tuple[Port, ...]: ...


class HoldsNetwork(Layer):
    """Base of the layers that stand for a network."""

    @property
    def inner(self) -> Inner:
        """The network, apart itself."""
        raise NotImplementedError


def expanded(
    layers: Sequence[Layer], pairs: Sequence[Ends], outputs: Sequence[str] = ()
) -> tuple[list[Layer], list[Ends], list[str]]:
    """Layers, connections and outputs with every layer that holds a network taken apart.

    The networks inside are Networks, so they are apart already. Raises LayerError where that
    makes more than ``MAX_LAYERS`` layers.
    """
    outer = {layer.name: layer for layer in layers if isinstance(layer, HoldsNetwork)}
    if not outer:
        return list(layers), list(pairs), list(outputs)
    total = len(layers) + sum(len(layer.inner.layers) for layer in outer.values())
    if total > MAX_LAYERS:
        raise LayerError(f"the networks inside make {total} layers, more than {MAX_LAYERS}")
    ins = {name: _ends(layer, "inputs") for name, layer in outer.items()}
    outs = {name: _ends(layer, "outputs") for name, layer in outer.items()}
    apart: list[Layer] = []
    within: list[Ends] = []
    for layer in layers:
        apart += _inner_layers(layer)
        within += _inner_pairs(layer)
    # One source feeds a port; a port may stand for several, all that an inner input layer feeds.
    rewired = [
        (source, end)
        for a, b in pairs
        for source in _outside(outer, a, outs)[:1]
        for end in _outside(outer, b, ins)
    ]
    results = [end for name in outputs for end in _outside(outer, name, outs)]
    return apart, [*rewired, *within], results


def _inner_layers(layer: Layer) -> list[Layer]:
    if not isinstance(layer, HoldsNetwork):
        return [layer]
    inner = (x for x in layer.inner.layers if not x.IS_INPUT)
    return [x.replace(name=f"{layer.name}/{x.name}") for x in inner]


def _inner_pairs(layer: Layer) -> list[Ends]:
    if not isinstance(layer, HoldsNetwork):
        return []
    return [
        # What an inner input layer feeds is connected from outside.
        (_inside(layer, c.source), _inside(layer, c.destination))
        for c in layer.inner.connections
        if c.source.layer not in layer.inner.input_layers
    ]


def _ends(layer: HoldsNetwork, side: str) -> dict[str, list[str]]:
    """For each port of a layer, the inner ports ("inputs" or "outputs") it stands for."""
    if side == "outputs":
        inner = [[_inside(layer, port)] for port in layer.inner.outputs]
    else:
        inner = [_consumers(layer, name) for name in layer.inner.input_names]
    word = side.removesuffix("puts")
    numbered = {f"{word}{i}": ends for i, ends in enumerate(inner, 1)}
    return {word: inner[0], **numbered} if len(inner) == 1 else numbered


def _consumers(layer: HoldsNetwork, name: str) -> list[str]:
    """An unconnected port, or the ports that an input layer feeds."""
    entry = layer.inner.input_layers.get(name)
    if entry is None:
        return [f"{layer.name}/{name}"]
    if not entry.passes_through:
        layer.refuse("holds an input layer that normalizes, which is not supported")
    return [
        _inside(layer, port)
        for output in entry.outputs
        for port in layer.inner.graph.users.get(Port(name, output), ())
    ]


def _inside(layer: Layer, port: Port) -> str:
    """The name of an inner port once the layer is taken apart."""
    return f"{layer.name}/{port.layer}/{port.name}"


def _outside(
    outer: Mapping[str, Layer], end: str, ports: dict[str, dict[str, list[str]]]
) -> list[str]:
    """An end of a connection, or what stands for it inside."""
    if end in outer:
        return next(iter(ports[end].values()))
    name, _, port = end.rpartition("/")
    if name not in outer:
        return [end]
    if port not in ports[name]:
        outer[name].refuse(f"has no port {port}; it has {', '.join(ports[name])}")
    return ports[name][port]
