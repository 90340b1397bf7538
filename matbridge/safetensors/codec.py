"""Networks as JSON and arrays, without loss: the graph of a safetensors file.

    {"matbridge": 2, "class": "dlnetwork", "layers": [...], "connections": [...], ...}
    layer: {"card": class name, "properties": {MATLAB name: value}, "arrays": {MATLAB name: key},
            "more": {field: value}}

Properties go through their kinds, arrays through their declared sizes, as in every reader.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import UnionType
from typing import Any

import numpy as np

from matbridge.core.arrays import fit_arrays
from matbridge.core.card import Layer
from matbridge.core.graph import Connection, Port
from matbridge.core.network import Network, Provenance
from matbridge.core.registry import CustomOutput, Registry, Unknown
from matbridge.errors import FormatError, LayerError, MatbridgeError
from matbridge.layers.function import FunctionLayer
from matbridge.matlab.file.values import MatObject
from matbridge.safetensors.values import Arrays, Decoder, Encoder, Json, check

__all__ = ["FORMAT", "GRAPH_KEY", "network_from_json", "network_to_json"]

FORMAT = 2
# The key of a safetensors file's metadata under which the graph stands.
GRAPH_KEY = "matbridge"

LAYERS: dict[str, type[Layer]] = {"Unknown": Unknown, "CustomOutput": CustomOutput}
# Fields of cards that are no properties of MATLAB's, and their types.
FIELDS: dict[str, type | UnionType] = {
    "name": str,
    "description": str,
    "class_name": str,
    "reason": str,
    "mend": str,
    "keeps_spatial": bool,
    "builtin": bool,
    "ports": tuple,
    "out_ports": tuple,
    "classes": tuple,
    "training": dict,
    "extra": dict,
    "origin": MatObject | None,
}
# Values for the fields of a card, which its constructor takes by name.
Fields = dict[str, Any]
# Fields that are not written: they stand elsewhere, or are Python's.
ELSEWHERE = ("arrays", "function")
# What comes of JSON that is not what was written.
ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


def network_to_json(network: Network) -> tuple[Json, Arrays]:
    """The graph, and the arrays by ``layer.Name`` in MATLAB's layout."""
    arrays: Arrays = {}
    layers = [_layer_to_json(layer, arrays) for layer in network.layers]
    # Not asdict, which makes other lists of cells.
    told = {f.name: getattr(network.provenance, f.name) for f in dataclasses.fields(Provenance)}
    provenance = Encoder(arrays).value(told, "provenance")
    return {
        "matbridge": FORMAT,
        "class": network.class_name,
        "layers": layers,
        "connections": [
            [[c.source.layer, c.source.name], [c.destination.layer, c.destination.name]]
            for c in network.connections
        ],
        "outputs": [[port.layer, port.name] for port in network.output_ports],
        "inputs": list(network.input_order),
        "provenance": provenance,
        "types": {name: array.dtype.name for name, array in arrays.items()},
    }, arrays


def _layer_to_json(layer: Layer, arrays: Arrays) -> Json:
    encoder = Encoder(arrays)
    properties = layer.properties()
    return {
        "card": layer.MATLAB[0] if layer.MATLAB else type(layer).__name__,
        "arrays": {n: encoder.array(a, f"{layer.name}.{n}") for n, a in layer.arrays.items()},
        "properties": {
            known.name: encoder.value(
                known.kind.to_json(getattr(layer, field)), f"{layer.name}/{known.name}"
            )
            for field, known in properties.items()
        },
        "more": {
            f.name: encoder.value(getattr(layer, f.name), f"{layer.name}/{f.name}")
            for f in dataclasses.fields(layer)
            if f.name not in (*ELSEWHERE, *properties)
        },
    }


def network_from_json(
    graph: object, arrays: Mapping[str, np.ndarray], registry: Registry
) -> Network:
    """The network of a graph and its arrays.

    Raises FormatError for a graph that is none, and LayerError for layers that contradict
    themselves or each other.
    """
    version = graph.get("matbridge") if isinstance(graph, dict) else None
    if not isinstance(graph, dict) or version != FORMAT:
        raise FormatError(
            f"the graph has format {version!r}, not {FORMAT}", mend="Convert the network again."
        )
    try:
        _check_types(check(graph["types"], dict, "types"), arrays)
        layers = [_layer_from_json(layer, arrays, registry) for layer in _list(graph, "layers")]
        ends = [_two(pair, "a connection") for pair in _list(graph, "connections")]
        return Network(
            tuple(layers),
            tuple(Connection(_port(a), _port(b)) for a, b in ends),
            check(graph["class"], str, "class"),
            tuple(_port(port) for port in _list(graph, "outputs")),
            tuple(check(name, str, "an input") for name in _list(graph, "inputs")),
            _provenance(Decoder(arrays).value(graph["provenance"])),
        )
    except MatbridgeError:
        raise
    except ODD as error:
        raise _damaged(error) from None


def _check_types(types: Json, arrays: Mapping[str, np.ndarray]) -> None:
    """Bytes that are read as another type than was written are other numbers."""
    for name, array in arrays.items():
        if types.get(name) != array.dtype.name:
            raise ValueError(f"the array {name!r} is {array.dtype}, not {types.get(name)}")


def _damaged(error: Exception, where: str = "") -> FormatError:
    said = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
    return FormatError(
        f"the graph is damaged: {said}", where=where, mend="Convert the network again."
    )


def _list(graph: Json, name: str) -> list[object]:
    return check(graph[name], list, name)


def _two(pair: object, what: str) -> list[object]:
    ends = check(pair, list, what)
    if len(ends) != 2:
        raise ValueError(f"{what} has {len(ends)} ends, not 2")
    return ends


def _port(end: object) -> Port:
    layer, name = _two(end, "a port")
    return Port(check(layer, str, "the layer of a port"), check(name, str, "the name of a port"))


def _provenance(written: object) -> Provenance:
    fields = check(written, dict, "provenance")
    texts = {name: check(fields[name], str, name) for name in ("file", "address", "class_name")}
    versions = {
        check(name, str, "a class name"): check(version, int, "a version")
        for name, version in check(fields["versions"], dict, "versions").items()
    }
    details = check(fields["details"], dict, "details")
    return Provenance(**texts, versions=versions, details=details)


def _layer_from_json(
    written: object, arrays: Mapping[str, np.ndarray], registry: Registry
) -> Layer:
    parts = check(written, dict, "a layer")
    name = check(parts["card"], str, "the class of a layer")
    card = LAYERS.get(name) or registry.find(name)
    if card is None:
        raise FormatError(f"the layer class {name} is not known", mend="Give registry=.")
    decoder = Decoder(arrays)
    # Its class says where, until its name is read.
    where = name.rpartition(".")[2]
    try:
        fields = _fields(card, check(parts["more"], dict, "more"), decoder)
        where = fields["name"]
        layer = card(**fields, **_properties(card, parts["properties"], decoder))
        own = check(parts["arrays"], dict, "arrays")
        layer = _with_arrays(layer, {n: decoder.array(key) for n, key in own.items()})
    except MatbridgeError as error:
        raise error if error.where else error.at(where) from None
    except ODD as error:
        raise _damaged(error, where) from None
    # Functions are no part of the file: they come by the layer's name or the handle's text.
    if isinstance(layer, FunctionLayer):
        known = registry.functions
        layer = layer.replace(function=known.get(layer.name, known.get(layer.predict_fcn.text)))
    return layer


def _fields(card: type[Layer], more: Json, decoder: Decoder) -> Fields:
    """The fields that are no properties: each of its type, or the card's default."""
    allowed = {f.name for f in dataclasses.fields(card)} - {*ELSEWHERE, *card.properties()}
    fields = {}
    for name, value in more.items():
        if name not in allowed:
            raise ValueError(f"the layer has no {name}")
        # Nothing computes with origin, so that there arrays may stand that take no memory.
        reader = Decoder(decoder.arrays, placeholders=name == "origin")
        fields[name] = check(reader.value(value), FIELDS.get(name, object), name)
        if FIELDS.get(name) is tuple:
            fields[name] = tuple(check(text, str, name) for text in fields[name])
    fields["name"] = check(fields.get("name"), str, "the name of a layer")
    return fields


def _properties(card: type[Layer], written: object, decoder: Decoder) -> Fields:
    """The properties by field, each through its kind."""
    left = dict(check(written, dict, "properties"))
    fields = {}
    for field, known in card.properties().items():
        if known.name not in left:
            if known.required:
                raise LayerError(f"the property {known.name} is missing")
            continue
        value = decoder.value(left.pop(known.name))
        try:
            fields[field] = known.kind.from_json(value)
        except ODD as error:
            raise LayerError(f"{known.name}: {error}") from None
    if left:
        raise ValueError(f"the layer has no property {', '.join(left)}")
    return fields


def _with_arrays(layer: Layer, arrays: dict[str, np.ndarray]) -> Layer:
    """The layer with these arrays, each of real numbers and of its declared size."""
    names = {declared.name for declared in layer.declared}
    empty = {declared.name for declared in layer.declared if declared.empty}
    for name, array in arrays.items():
        if name not in names:
            raise LayerError(f"it has no array {name}")
        if array.dtype.kind not in ("fiubc" if layer.COMPLEX else "fiub"):
            raise LayerError(f"{name} holds {array.dtype}, not real numbers")
        if not array.size and name not in empty:
            raise LayerError(f"{name} is empty, of size {'×'.join(map(str, array.shape))}")
    return fit_arrays(layer, arrays)
