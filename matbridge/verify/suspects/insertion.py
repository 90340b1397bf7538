"""Something done to what leaves a layer or enters it: how a suspect says what no property can."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from matbridge.core.network import Connection, Network, Port
from matbridge.layers.function import FunctionLayer, Handle
from matbridge.ops import Ops, Value

__all__ = ["Function", "with_after", "with_before"]

Function = Callable[[Ops, Value], Value]


def with_after(network: Network, name: str, function: Function, port: str = "out") -> Network:
    """The network with this done to what a layer gives, for all that take it."""
    source, step = Port(name, port), _step(network, function)
    connections = [
        dataclasses.replace(c, source=Port(step.name, "out")) if c.source == source else c
        for c in network.connections
    ]
    connections.append(Connection(source, Port(step.name, "in")))
    ports = tuple(Port(step.name, "out") if p == source else p for p in network.output_ports)
    return _joined(network, step, connections, ports)


def with_before(network: Network, name: str, function: Function, port: str = "in") -> Network:
    """The network with this done to what a layer takes."""
    destination, step = Port(name, port), _step(network, function)
    connections = [
        dataclasses.replace(c, destination=Port(step.name, "in"))
        if c.destination == destination
        else c
        for c in network.connections
    ]
    connections.append(Connection(Port(step.name, "out"), destination))
    return _joined(network, step, connections, network.output_ports)


def _step(network: Network, function: Function) -> FunctionLayer:
    names = (f"otherwise_{n}" for n in range(1, len(network) + 2))
    name = next(n for n in names if n not in network)
    return FunctionLayer(name=name, predict_fcn=Handle(name), function=function)


def _joined(
    network: Network, step: FunctionLayer, connections: list[Connection], ports: tuple[Port, ...]
) -> Network:
    return dataclasses.replace(
        network,
        layers=(*network.layers, step),
        connections=tuple(connections),
        output_ports=ports,
    )
