"""A saved network object to a Network."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from matbridge.core.card import Layer
from matbridge.core.classes import CLASSES, LAYER_ARRAY
from matbridge.core.diagnostics import Report
from matbridge.core.graph import Connection, Port, find_port, name_layers
from matbridge.core.kinds import integer
from matbridge.core.nesting import expanded
from matbridge.core.network import Network, Provenance
from matbridge.core.registry import Registry, Unknown
from matbridge.errors import LayerError, MatbridgeError
from matbridge.layers.nested import NetworkLayer
from matbridge.matlab.file.values import Categorical, MatObject, ObjectArray, Table
from matbridge.matlab.layer import read_layer

__all__ = ["read_network"]

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


def read_network(found: Any, registry: Registry, provenance: Provenance) -> Network:
    """The network of a saved object or of an array of layers.

    Raises LayerError if there are no layers in it, or its connections lead nowhere.
    """
    report = Report()
    class_name = found.class_name if isinstance(found, MatObject) else LAYER_ARRAY
    saved = found.saved if isinstance(found, MatObject) else {"Layers": found}
    graph = saved.get("LayerGraph")
    inner = graph.saved if isinstance(graph, MatObject) else saved
    layers = _layers(inner.get("Layers"), registry, report, provenance)
    pairs = _pairs(inner.get("Connections"), layers, report)
    layers = [_with_ports(_with_network(layer, registry, provenance), pairs) for layer in layers]
    layers, pairs, outputs = expanded(layers, pairs, _output_names(saved))
    kind = CLASSES.get(class_name)
    if (kind and kind.classic) or any(layer.IS_OUTPUT for layer in layers):
        layers = [_classic(layer) for layer in layers]
    by_name = {layer.name: layer for layer in layers}
    connections = []
    for source, destination in pairs:
        try:
            ends = find_port(by_name, source, "outputs"), find_port(by_name, destination, "inputs")
            connections.append(Connection(*ends))
        except LayerError as error:
            report.error(error.what, provenance.address, error.mend)
    for name in saved:
        if name not in KNOWN:
            report.note(f"the saved property {name} is not known and not used")
    return Network(
        tuple(layers),
        tuple(connections),
        class_name,
        _output_ports(outputs, by_name),
        provenance=dataclasses.replace(
            provenance, class_name=class_name, versions=_versions(class_name, saved, inner)
        ),
        report=tuple(report),
    )


def _layers(found: Any, registry: Registry, report: Report, provenance: Provenance) -> list[Layer]:
    if isinstance(found, MatObject):
        found = ObjectArray([found])
    if not isinstance(found, ObjectArray) or not found:
        raise LayerError(
            "there are no layers in it",
            mend="MATLAB saved an empty network, or could not load its layers when it saved it.",
        )
    layers = []
    for number, one in enumerate(found, 1):
        where = f"Layers({number})"
        if isinstance(one, MatObject):
            layers.append(read_layer(one, registry, report, where))
        else:
            report.error("this is not a layer object", where)
            layers.append(Unknown(class_name=type(one).__name__))
    return name_layers(layers)


def _pairs(table: Any, layers: list[Layer], report: Report) -> list[tuple[str, str]]:
    """Ends of the connections; a chain where the network has no table of them."""
    if not isinstance(table, Table):
        return [(a.name, b.name) for a, b in itertools.pairwise(layers)]
    columns = [table.columns.get(name) for name in ("Source", "Destination")]
    whole = all(isinstance(column, list | Categorical) for column in columns)
    sources, ends = ([str(end) for end in column or ()] if whole else [] for column in columns)
    if not whole or len(sources) != len(ends):
        report.error("the table Connections is damaged: some connections are lost")
    return list(zip(sources, ends, strict=False))


def _with_ports(layer: Layer, pairs: list[tuple[str, str]]) -> Layer:
    """An unknown layer has the ports that the connections name."""
    if not isinstance(layer, Unknown):
        return layer
    prefix = f"{layer.name}/"
    ins = [b.removeprefix(prefix) for _, b in pairs if b.startswith(prefix)]
    outs = [a.removeprefix(prefix) for a, _ in pairs if a.startswith(prefix)]
    return layer.replace(
        ports=layer.ports + tuple(n for n in dict.fromkeys(ins) if n not in layer.ports),
        out_ports=layer.out_ports
        + tuple(n for n in dict.fromkeys(outs) if n not in layer.out_ports),
    )


def _classic(layer: Layer) -> Layer:
    return layer.replace(keeps_spatial=True) if hasattr(layer, "keeps_spatial") else layer


def _with_network(layer: Layer, registry: Registry, provenance: Provenance) -> Layer:
    """The network that a network layer holds, as a Network."""
    if not isinstance(layer, NetworkLayer):
        return layer
    return layer.replace(network=read_network(layer.network, registry, provenance))


def _output_names(saved: dict[str, Any]) -> list[str]:
    names = saved.get("OutputNames")
    return [str(name) for name in names] if isinstance(names, list) else []


def _output_ports(names: list[str], layers: dict[str, Layer]) -> tuple[Port, ...]:
    try:
        return tuple(find_port(layers, name, "outputs") for name in names)
    except MatbridgeError:
        return ()


def _versions(class_name: str, saved: dict[str, Any], inner: dict[str, Any]) -> dict[str, int]:
    """The saved version number of the network and of each class of layer in it."""
    layers = inner.get("Layers")
    elements = layers if isinstance(layers, ObjectArray) else [layers]
    found = [(one.class_name, one.saved) for one in elements if isinstance(one, MatObject)]
    versions = {}
    for name, properties in [(class_name, saved), *found]:
        try:
            versions[name] = integer(properties["Version"])
        except (KeyError, ValueError, TypeError):
            continue
    return versions
