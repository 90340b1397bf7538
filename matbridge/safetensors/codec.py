"""Networks as JSON and arrays, without loss: the graph of a safetensors file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.network import Connection, Network, Port, Provenance
from matbridge.core.registry import CustomOutput, Registry, Unknown
from matbridge.errors import FormatError, MatbridgeError
from matbridge.layers.function import FunctionLayer, Handle
from matbridge.matlab.file import values

__all__ = ["FORMAT", "GRAPH_KEY", "network_from_json", "network_to_json"]

FORMAT = 1
# The key of a safetensors file's metadata under which the graph stands.
GRAPH_KEY = "matbridge"

# What is written by its fields, under its name.
RECORDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        values.Categorical,
        values.Enumeration,
        values.FunctionHandle,
        values.MatObject,
        values.Table,
        Handle,
    )
}
LISTS: dict[str, type] = {
    kind.__name__: kind
    for kind in (values.Cell, values.ObjectArray, values.StringArray, values.StructArray)
}
TEXTS: dict[str, type] = {kind.__name__: kind for kind in (values.String, values.Symbol)}
LAYERS: dict[str, type[Layer]] = {"Unknown": Unknown, "CustomOutput": CustomOutput}
MAX_DEPTH = 60

Arrays = dict[str, np.ndarray]


class Encoder:
    """Values to JSON; arrays go into ``arrays`` under names of their own."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    def value(self, value: Any, name: str, depth: int = 0) -> Any:
        """What ``value`` becomes; ``name`` says where it stands, for the names of arrays."""
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "fiub":
                return {"$strings": value.tolist()}
            self.arrays[name] = np.ascontiguousarray(value)
            return {"$array": name}
        if value is None or isinstance(value, bool):
            return value
        for kinds, write in ((TEXTS, self._text), (LISTS, self._list), (RECORDS, self._record)):
            if type(value).__name__ in kinds:
                return write(value, name, depth)
        if isinstance(value, values.Map):
            pairs = [[k, self.value(v, f"{name}/{k}", depth + 1)] for k, v in value.items()]
            return {"$map": pairs, "types": [value.key_type, value.value_type, value.uniform]}
        if isinstance(value, Mapping):
            items = {str(k): self.value(v, f"{name}/{k}", depth + 1) for k, v in value.items()}
            return {"$dict": items}
        if isinstance(value, tuple | list):
            return [self.value(v, f"{name}/{i}", depth + 1) for i, v in enumerate(value)]
        return self._plain(value)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, values.Immediate):
            return {"$immediate": int(value)}
        if isinstance(value, float | np.floating) and not math.isfinite(value):
            return {"$float": str(float(value))}
        if isinstance(value, np.generic):
            return value.item()
        return value if isinstance(value, int | float | str) else {"$lost": type(value).__name__}

    def _text(self, value: str, name: str, depth: int) -> Any:
        return {"$text": type(value).__name__, "value": str(value)}

    def _list(self, value: Any, name: str, depth: int) -> Any:
        items = [self.value(v, f"{name}/{i}", depth + 1) for i, v in enumerate(value)]
        made = {"$list": type(value).__name__, "items": items, "shape": list(value.shape)}
        for more in ("class_name", "fields"):
            if hasattr(value, more):
                made[more] = getattr(value, more)
        return made

    def _record(self, value: Any, name: str, depth: int) -> Any:
        fields = {
            f.name: self.value(getattr(value, f.name), f"{name}/{f.name}", depth + 1)
            for f in dataclasses.fields(value)
        }
        return {"$record": type(value).__name__, "fields": fields}


class Decoder:
    """The inverse of :class:`Encoder`."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = arrays

    def value(self, found: Any) -> Any:
        if isinstance(found, list):
            return tuple(self.value(v) for v in found)
        if not isinstance(found, dict):
            return found
        for tag, read in READERS.items():
            if tag in found:
                return read(self, found)
        raise FormatError("a value of the graph is not known")

    def _list(self, found: dict[str, Any]) -> Any:
        kind = LISTS[found["$list"]]
        more = {k: found[k] for k in ("class_name", "fields") if k in found}
        return kind([self.value(v) for v in found["items"]], tuple(found["shape"]), **more)

    def _record(self, found: dict[str, Any]) -> Any:
        fields = {k: self.value(v) for k, v in found["fields"].items()}
        return RECORDS[found["$record"]](**fields)

    def _map(self, found: dict[str, Any]) -> Any:
        return values.Map([(k, self.value(v)) for k, v in found["$map"]], *found["types"])


READERS: dict[str, Callable[[Decoder, dict[str, Any]], Any]] = {
    "$array": lambda d, f: d.arrays[f["$array"]],
    "$strings": lambda d, f: np.array(f["$strings"]),
    "$dict": lambda d, f: {k: d.value(v) for k, v in f["$dict"].items()},
    "$text": lambda d, f: TEXTS[f["$text"]](f["value"]),
    "$list": Decoder._list,
    "$record": Decoder._record,
    "$map": Decoder._map,
    "$immediate": lambda d, f: values.Immediate(f["$immediate"]),
    "$float": lambda d, f: float(f["$float"]),
    "$lost": lambda d, f: None,
}


def network_to_json(network: Network) -> tuple[dict[str, Any], Arrays]:
    """The graph, and the arrays by ``layer.Name`` in MATLAB's layout."""
    arrays: Arrays = {}
    layers = [_layer_to_json(layer, arrays) for layer in network.layers]
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
        "provenance": Encoder(arrays).value(dataclasses.asdict(network.provenance), "provenance"),
    }, arrays


def _layer_to_json(layer: Layer, arrays: Arrays) -> dict[str, Any]:
    encoder = Encoder(arrays)
    for name, array in layer.arrays.items():
        arrays[f"{layer.name}.{name}"] = np.ascontiguousarray(array)
    fields = {
        f.name: encoder.value(getattr(layer, f.name), f"{layer.name}/{f.name}")
        for f in dataclasses.fields(layer)
        if f.name not in ("arrays", "function")
    }
    card = layer.MATLAB[0] if layer.MATLAB else type(layer).__name__
    return {"card": card, "arrays": list(layer.arrays), "fields": fields}


def network_from_json(
    graph: dict[str, Any], arrays: Mapping[str, np.ndarray], registry: Registry
) -> Network:
    """The network of a graph and its arrays; FormatError if they do not make one."""
    if graph.get("matbridge") != FORMAT:
        raise FormatError(f"the graph has format {graph.get('matbridge')}, not {FORMAT}")
    try:
        decoder = Decoder(arrays)
        layers = tuple(_layer_from_json(one, arrays, registry) for one in graph["layers"])
        connections = tuple(Connection(Port(*a), Port(*b)) for a, b in graph["connections"])
        return Network(
            layers,
            connections,
            graph["class"],
            tuple(Port(*one) for one in graph["outputs"]),
            tuple(graph["inputs"]),
            Provenance(**decoder.value(graph["provenance"])),
        )
    except MatbridgeError:
        raise
    except Exception as error:
        raise FormatError(
            f"the graph is damaged: {type(error).__name__} {error}",
            mend="Convert the network again.",
        ) from None


def _layer_from_json(
    found: dict[str, Any], arrays: Mapping[str, np.ndarray], registry: Registry
) -> Layer:
    card = LAYERS.get(found["card"]) or registry.find(found["card"])
    if card is None:
        raise FormatError(f"the layer class {found['card']} is not known", mend="Give registry=.")
    decoder = Decoder(arrays)
    fields = {name: decoder.value(value) for name, value in found["fields"].items()}
    layer = card(**fields)
    own = {name: arrays[f"{layer.name}.{name}"] for name in found["arrays"]}
    if isinstance(layer, FunctionLayer):
        given = registry.functions
        layer = layer.replace(function=given.get(layer.name, given.get(layer.predict_fcn.text)))
    return layer.replace(arrays=own)
