"""Plain weight exports: structs that name layers as MATLAB does, and chains of fully connected
layers. See docs/weights-file.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from matbridge.core.diagnostics import Report
from matbridge.core.network import Network, Provenance
from matbridge.core.registry import Registry
from matbridge.errors import LayerError, MatbridgeError
from matbridge.matlab.chains import NO_RELEASE, chain_of, read_chain
from matbridge.matlab.file.values import Cell, StructArray, Table, texts
from matbridge.matlab.layer import read_properties

__all__ = ["is_weights", "read_weights"]

KINDS = ("Class", "Type", "class", "type")


def is_weights(value: object, registry: Registry) -> bool:
    """Whether this is a struct (array) or a cell of layers, each with its class, or a chain."""
    return _names_layers(value, registry) or chain_of(value) is not None


def _names_layers(value: object, registry: Registry) -> bool:
    kinds = [_kind(struct).lower() for struct in _layers_of(value)]
    return bool(kinds) and all(kinds) and all(kind in registry.nicknames for kind in kinds)


def read_weights(
    value: object, registry: Registry, provenance: Provenance, activations: Sequence[str] = ()
) -> Network:
    """The network of a plain export; LayerError where a layer is not complete.

    ``activations`` are the functions of a chain that does not name its own; see chains.
    """
    chain = None if _names_layers(value, registry) else chain_of(value)
    if chain is not None:
        return read_chain(chain, registry, provenance, activations)
    report, layers = Report(), []
    for number, struct in enumerate(_layers_of(value), 1):
        where = f"{provenance.address}({number})"
        saved = {k: v for k, v in struct.items() if k not in KINDS and not _is_empty(v)}
        try:
            layer, left = read_properties(registry.nicknames[_kind(struct).lower()], saved)
        except MatbridgeError as error:
            raise error.at(where) from None
        for unused in left:
            report.note(f"the field {unused} is not known and not used", where)
        layers.append(layer)
    provenance = dataclasses.replace(provenance, details={**provenance.details, **NO_RELEASE})
    return Network.of(layers, _connections(value), provenance=provenance, report=report)


def _layers_of(value: object) -> list[dict[str, object]]:
    """The structs of the layers, in order; none where this is something else."""
    if isinstance(value, dict) and isinstance(value.get("Layers"), StructArray | Cell | dict):
        value = value["Layers"]
    if isinstance(value, dict) and _kind(value):
        return [value]
    if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
        # A struct of layers: the fields are their names.
        return [{"Name": name, **struct} if _kind(struct) else {} for name, struct in value.items()]
    if isinstance(value, StructArray | Cell):
        return [struct if isinstance(struct, dict) else {} for struct in value]
    return []


def _kind(struct: Mapping[str, object]) -> str:
    return next((kind for name in KINDS if isinstance(kind := struct.get(name), str)), "")


def _is_empty(value: object) -> bool:
    return isinstance(value, np.ndarray | list | str) and not (
        value.size if isinstance(value, np.ndarray) else len(value)
    )


def _connections(value: object) -> list[tuple[str, str]] | None:
    """The field Connections: a table, a struct or a two-column cell of Source, Destination."""
    connections = value.get("Connections") if isinstance(value, dict) else None
    if connections is None:
        return None
    columns = connections.columns if isinstance(connections, Table) else connections
    if isinstance(columns, dict):
        sources, ends = texts(columns.get("Source")), texts(columns.get("Destination"))
    elif isinstance(connections, Cell) and connections.shape[1:] == (2,):
        rows = connections.shape[0]
        sources, ends = texts(Cell(connections[:rows])), texts(Cell(connections[rows:]))
    else:
        raise LayerError("Connections is neither a table, a struct nor a cell with two columns")
    if sources is None or ends is None or len(sources) != len(ends):
        raise LayerError("Connections does not name a Source and a Destination for each")
    return list(zip(sources, ends, strict=True))
