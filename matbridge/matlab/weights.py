"""Plain weight exports: structs that name layers as MATLAB does, and chains of fully connected
layers. See docs/weights-file.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.classes import CLASSES
from matbridge.core.diagnostics import Report
from matbridge.core.network import Network, Provenance
from matbridge.core.registry import Registry
from matbridge.errors import LayerError, MatbridgeError
from matbridge.layers.nested import NetworkLayer
from matbridge.matlab.chains import NO_RELEASE, chain_of, read_chain
from matbridge.matlab.file.values import Cell, MatObject, StructArray, Table, texts
from matbridge.matlab.layer import read_properties, unknown_layer, with_function
from matbridge.matlab.objects import classic

__all__ = ["is_weights", "read_weights"]

KINDS = ("Class", "Type", "class", "type")
# Public properties of layers that only training uses: BiasL2Factor, WeightsInitializer.
TRAINING = ("LearnRateFactor", "L2Factor", "Initializer")
# What a layer of the user's own that ends a network is derived from.
OUTPUTS = ("nnet.layer.ClassificationLayer", "nnet.layer.RegressionLayer")


def is_weights(value: object, registry: Registry) -> bool:
    """Whether this is a struct (array) or a cell of layers, each with its class, or a chain."""
    return _names_layers(value, registry) or chain_of(value) is not None


def _names_layers(value: object, registry: Registry) -> bool:
    kinds = [_kind(struct) for struct in _layers_of(value)]
    if not kinds or not all(kinds):
        return False
    # Among MATLAB's own classes, by their full names, there may be some of the user's.
    full = any("." in kind and kind in registry.cards for kind in kinds)
    return full or all(kind.lower() in registry.nicknames for kind in kinds)


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
        layer = _layer(MatObject(_kind(struct), saved), registry, report, where)
        layers.append(_with_network(layer, registry, provenance))
    whole = value if isinstance(value, dict) else {}
    kind = CLASSES.get(_kind(whole))
    # As of layers that were saved as objects.
    if (kind and kind.classic) or any(layer.IS_OUTPUT for layer in layers):
        layers = [*map(classic, layers)]
    return Network.of(
        layers,
        _connections(value),
        kind.name if kind else "dlnetwork",
        texts(whole.get("InputNames")) or (),
        dataclasses.replace(provenance, details={**provenance.details, **NO_RELEASE}),
        report,
        texts(whole.get("OutputNames")) or (),
    )


def _layer(origin: MatObject, registry: Registry, report: Report, where: str) -> Layer:
    """The card of a layer; an Unknown with its properties where the class is the user's own."""
    card = registry.nicknames.get(origin.class_name.lower())
    if card is None:
        ends = any(base in OUTPUTS for base in texts(origin.saved.get("Superclasses")) or ())
        return unknown_layer(origin, dict(origin.saved), ends=ends)
    try:
        layer, left = read_properties(card, dict(origin.saved))
    except MatbridgeError as error:
        raise error.at(where) from None
    for unused in left:
        if not unused.endswith(TRAINING):
            report.note(f"the field {unused} is not known and not used", where)
    # A nickname is no class.
    full = origin.class_name if origin.class_name in registry.cards else ""
    return with_function(layer.replace(class_name=full), origin.saved, registry)


def _with_network(layer: Layer, registry: Registry, provenance: Provenance) -> Layer:
    if not isinstance(layer, NetworkLayer):
        return layer
    return layer.replace(network=read_weights(layer.network, registry, provenance))


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
