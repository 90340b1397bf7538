"""A saved network object to a Network."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from matbridge.core.card import Layer
from matbridge.core.classes import CLASSES, LAYER_ARRAY
from matbridge.core.diagnostics import Report
from matbridge.core.graph import Connection, Port, find_port, name_layers
from matbridge.core.kinds import integer
from matbridge.core.nesting import expanded
from matbridge.core.network import Network, Provenance
from matbridge.core.registry import Registry, Unknown
from matbridge.errors import LayerError, MatbridgeError
from matbridge.layers.dense import FullyConnected
from matbridge.layers.nested import NetworkLayer
from matbridge.matlab.file import DEFAULT_LIMIT
from matbridge.matlab.file.budget import Budget
from matbridge.matlab.file.values import MatObject, ObjectArray, Table, texts
from matbridge.matlab.layer import is_neutral, read_layer, tell_unknown
from matbridge.matlab.shallow import is_shallow, read_structure
from matbridge.matlab.shallow_cards import to_network

__all__ = ["classic", "read_network"]

# What a layer takes of the budget: its properties, arrays, ports and connections.
VALUES_PER_LAYER = 50

KNOWN = (
    "Version",
    "Layers",
    "LayerGraph",
    "Connections",
    "OutputNames",
    "InputNames",
    "Initialized",
    "SerializedQuantizationInfo",
    "ExampleInputs",
    "ExternalInputNames",
    "ExternalOutputNames",
    "RetainCustomInputNames",
    "RetainCustomOutputNames",
)


@dataclass
class Reading:
    """What is shared while a network and those inside it are read.

    ``inner`` are the networks read already, by the identity of their objects; None while
    one is being read.
    """

    registry: Registry
    budget: Budget
    inner: dict[int, Network | None] = field(default_factory=dict)


def read_network(
    value: object, registry: Registry, provenance: Provenance, budget: Budget | None = None
) -> Network:
    """The network of a saved object or of an array of layers.

    Raises LayerError if there are no layers in it, or its connections lead nowhere, and
    FormatError where it takes more than the ``budget``.
    """
    budget = budget or Budget(DEFAULT_LIMIT)
    if isinstance(value, MatObject) and is_shallow(value):
        report = Report()
        structure = read_structure(value, report, provenance.address, budget)
        return to_network(structure, registry, provenance, report)
    return _network(value, provenance, Reading(registry, budget))


def _network(value: object, provenance: Provenance, reading: Reading) -> Network:
    report = Report()
    class_name = value.class_name if isinstance(value, MatObject) else LAYER_ARRAY
    saved = value.saved if isinstance(value, MatObject) else {"Layers": value}
    graph = saved.get("LayerGraph")
    # A DAG network may keep its layers and connections in a layer graph.
    inner = graph.saved if isinstance(graph, MatObject) else saved
    layers = _layers(inner.get("Layers"), reading, report)
    pairs = _pairs(inner.get("Connections"), layers, report)
    layers = [_with_network(layer, provenance, reading) for layer in _with_ports(layers, pairs)]
    layers, pairs, outputs = expanded(layers, pairs, texts(saved.get("OutputNames")) or ())
    for layer in layers:
        reading.budget.values(VALUES_PER_LAYER + len(layer.inputs) + len(layer.outputs))
    kind = CLASSES.get(class_name)
    # Layers to be trained become a classic network where there is an output layer among them.
    if (kind and kind.classic) or any(layer.IS_OUTPUT for layer in layers):
        layers = [classic(layer) for layer in layers]
    by_name = {layer.name: layer for layer in layers}
    connections = _connections(pairs, by_name, report, provenance.address)
    for name in saved:
        if name not in KNOWN:
            tell_unknown(name, saved[name], provenance.address, report)
    _tell_quantized(saved.get("SerializedQuantizationInfo"), provenance.address, report)
    return Network(
        tuple(layers),
        connections,
        class_name,
        _output_ports(outputs, by_name),
        provenance=dataclasses.replace(
            provenance, class_name=class_name, versions=_versions(class_name, saved, inner)
        ),
        report=tuple(report),
    )


def _connections(
    pairs: list[tuple[str, str]], layers: dict[str, Layer], report: Report, address: str
) -> tuple[Connection, ...]:
    connections = []
    for source, destination in pairs:
        try:
            ends = find_port(layers, source, "outputs"), find_port(layers, destination, "inputs")
            connections.append(Connection(*ends))
        except LayerError as error:
            report.error(error.what, address, error.mend)
    return tuple(connections)


def _tell_quantized(info: object, where: str, report: Report) -> None:
    """Where MATLAB would compute with integers, the results differ."""
    if not is_neutral(info.get("data") if isinstance(info, dict) else info):
        report.warning(
            "the network is quantized, and matbridge computes with its floating-point weights: "
            "the result differs from the quantized one by what quantization costs",
            where,
        )


def _layers(objects: object, reading: Reading, report: Report) -> list[Layer]:
    if isinstance(objects, MatObject):
        objects = ObjectArray([objects])
    if not isinstance(objects, ObjectArray) or not objects:
        raise LayerError(
            "there are no layers in it",
            mend="MATLAB saved an empty network, or could not load its layers when it saved it.",
        )
    layers = []
    registry = _registry(objects, reading.registry)
    for number, element in enumerate(objects, 1):
        where = f"Layers({number})"
        if isinstance(element, MatObject):
            layers.append(read_layer(element, registry, report, where))
        else:
            report.error("this is not a layer object", where)
            layers.append(Unknown(class_name=type(element).__name__))
    return name_layers(layers)


def _registry(layers: ObjectArray, registry: Registry) -> Registry:
    """With the cards of installed packages, which take time to find, where a class needs them."""
    classes = {layer.class_name for layer in layers if isinstance(layer, MatObject)}
    return registry if all(map(registry.find, classes)) else registry.with_plugins()


def _pairs(table: object, layers: list[Layer], report: Report) -> list[tuple[str, str]]:
    """Ends of the connections; a chain where the network has no table of them."""
    if not isinstance(table, Table):
        return [(a.name, b.name) for a, b in itertools.pairwise(layers)]
    sources, ends = (texts(table.columns.get(name)) for name in ("Source", "Destination"))
    if sources is None or ends is None or len(sources) != len(ends):
        report.error("the table Connections is damaged: some connections are lost")
    return list(zip(sources or (), ends or (), strict=False))


def _with_ports(layers: list[Layer], pairs: list[tuple[str, str]]) -> list[Layer]:
    """Unknown layers have the ports that the connections name."""
    ins, outs = _ports_by_layer(b for _, b in pairs), _ports_by_layer(a for a, _ in pairs)
    return [
        layer.replace(
            ports=tuple(dict.fromkeys((*layer.ports, *ins.get(layer.name, ())))),
            out_ports=tuple(dict.fromkeys((*layer.out_ports, *outs.get(layer.name, ())))),
        )
        if isinstance(layer, Unknown)
        else layer
        for layer in layers
    ]


def _ports_by_layer(ends: Iterable[str]) -> dict[str, list[str]]:
    ports: dict[str, list[str]] = {}
    for end in ends:
        name, slash, port = end.rpartition("/")
        if slash:
            ports.setdefault(name, []).append(port)
    return ports


def classic(layer: Layer) -> Layer:
    """The layer as it is in a SeriesNetwork or DAGNetwork."""
    return layer.replace(keeps_spatial=True) if isinstance(layer, FullyConnected) else layer


def _with_network(layer: Layer, provenance: Provenance, reading: Reading) -> Layer:
    """The network that a network layer holds, as a Network; read once, however many hold it."""
    if not isinstance(layer, NetworkLayer):
        return layer
    key = id(layer.network)
    if key not in reading.inner:
        # Until it is read: who meets None stands inside it.
        reading.inner[key] = None
        reading.inner[key] = _network(layer.network, provenance, reading)
    network = reading.inner[key]
    if network is None:
        raise LayerError("the network inside it holds itself", where=layer.name)
    return layer.replace(network=network)


def _output_ports(names: Iterable[str], layers: dict[str, Layer]) -> tuple[Port, ...]:
    try:
        return tuple(find_port(layers, name, "outputs") for name in names)
    except MatbridgeError:
        return ()


def _versions(
    class_name: str, saved: dict[str, object], inner: dict[str, object]
) -> dict[str, int]:
    """The saved version number of the network and of each class of layer in it."""
    layers = inner.get("Layers")
    elements = layers if isinstance(layers, ObjectArray) else [layers]
    objects = [element for element in elements if isinstance(element, MatObject)]
    versions = {}
    for name, properties in [(class_name, saved), *((o.class_name, o.saved) for o in objects)]:
        try:
            versions[name] = integer(properties["Version"])
        except (KeyError, ValueError, TypeError):
            continue
    return versions
