"""Layers that hold a network. They are taken apart when a network is put together: the inner
layers stand in for them, under the names OUTER/INNER that MATLAB gives their learnables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matbridge.core.card import Layer, prop
from matbridge.core.kinds import numbers
from matbridge.layers.notyet import NotYet
from matbridge.ops import Ops, Parameters, Value

__all__ = ["NetworkLayer", "NeuralODE", "ProjectedLayer", "expanded"]

Ends = tuple[str, str]


class NetworkLayer(Layer):
    """networkLayer: a network in place of a layer. Ports in, or in1, in2, ...; outputs alike."""

    MATLAB = ("nnet.cnn.layer.NetworkLayer",)
    BUILDER = "networkLayer"
    NICKNAME = "subnet"
    SINCE = "R2024a"

    # A Network; while a file is read, still the saved object.
    network: Any = prop("Network", lambda value: value, arg=1)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        raise AssertionError("a network layer is taken apart before anything runs")

    def ends(self, side: str) -> dict[str, list[str]]:
        """For each port of this layer, the inner ports ("inputs" or "outputs") it stands for."""
        if side == "outputs":
            inner = [[f"{self.name}/{name}"] for name in self.network.output_names]
        else:
            inner = [self._consumers(name) for name in self.network.input_names]
        word = side[: -len("puts")]
        numbered = {f"{word}{i}": found for i, found in enumerate(inner, 1)}
        return {word: inner[0], **numbered} if len(inner) == 1 else numbered

    def _consumers(self, name: str) -> list[str]:
        """An unconnected port, or the ports that an input layer feeds."""
        layer = next((x for x in self.network.layers if x.name == name), None)
        if layer is None or not layer.IS_INPUT:
            return [f"{self.name}/{name}"]
        if getattr(layer, "normalization", "none") != "none":
            self.refuse("holds an input layer that normalizes, which is not supported")
        fed = [c.destination for c in self.network.connections if c.source.layer == name]
        return [_inside(self, port) for port in fed]


class ProjectedLayer(NetworkLayer):
    """The layer that compressNetworkUsingProjection puts in place of another: its network of
    projections and the smaller operation between them."""

    MATLAB = ("nnet.cnn.layer.ProjectedLayer",)
    BUILDER = "ProjectedLayer"
    NICKNAME = "projected"
    SINCE = "R2023b"
    TRAINING = (
        "OriginalClass",
        "LearnablesReduction",
        "InputProjectorSize",
        "OutputProjectorSize",
        "ExplainedVariance",
    )


class NeuralODE(NotYet):
    """neuralODELayer: the solution of y' = Network(t, y) over TimeInterval."""

    MATLAB = ("nnet.cnn.layer.NeuralODELayer",)
    BUILDER = "neuralODELayer"
    NICKNAME = "ode"
    SINCE = "R2023b"
    REASON = (
        "MATLAB solves it with steps that its solver chooses, by rules that are not public, "
        "to a relative tolerance of 1e-3: any other solver's result differs by as much"
    )

    network: Any = prop("Network", lambda value: value, arg=1)
    time_interval: tuple[float, ...] = prop("TimeInterval", numbers, arg=2)


def expanded(
    layers: Sequence[Layer], pairs: Sequence[Ends], outputs: Sequence[str] = ()
) -> tuple[list[Layer], list[Ends], list[str]]:
    """Layers, connections and outputs with every network layer taken apart, to any depth."""
    outer = next((x for x in layers if isinstance(x, NetworkLayer)), None)
    if outer is None:
        return list(layers), list(pairs), list(outputs)
    inner = [x for x in outer.network.layers if not x.IS_INPUT]
    at = list(layers).index(outer)
    renamed = [x.replace(name=f"{outer.name}/{x.name}") for x in inner]
    ins, outs = outer.ends("inputs"), outer.ends("outputs")
    kept = {x.name for x in inner}
    within = [
        (_inside(outer, c.source), _inside(outer, c.destination))
        for c in outer.network.connections
        if c.source.layer in kept
    ]
    rewired = [
        (_outside(outer, a, outs)[0], end) for a, b in pairs for end in _outside(outer, b, ins)
    ]
    results = [end for name in outputs for end in _outside(outer, name, outs)]
    return expanded([*layers[:at], *renamed, *layers[at + 1 :]], [*rewired, *within], results)


def _inside(outer: Layer, port: Any) -> str:
    """The name of an inner port once the layer is taken apart."""
    return f"{outer.name}/{port.layer}/{port.name}"


def _outside(outer: Layer, end: str, ports: dict[str, list[str]]) -> list[str]:
    """An end of a connection, or what stands for it inside."""
    if end == outer.name:
        return next(iter(ports.values()))
    name, _, port = end.rpartition("/")
    if name != outer.name:
        return [end]
    if port not in ports:
        outer.refuse(f"has no port {port}; it has {', '.join(ports)}")
    return ports[port]
