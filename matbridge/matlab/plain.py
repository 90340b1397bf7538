"""A network as plain structs and arrays, which matbridgeImport builds in MATLAB and
weights.py reads again: see docs/weights-file.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from matbridge.core.card import Layer, Property
from matbridge.core.network import Network
from matbridge.core.registry import Unknown
from matbridge.errors import MatbridgeError, UnsupportedError
from matbridge.layers.function import Handle
from matbridge.matlab.file.values import Cell, FunctionHandle
from matbridge.matlab.file.write import write_mat
from matbridge.matlab.saving import end_of, same
from matbridge.version import VERSION

__all__ = ["FORM", "VARIABLE", "plain_network", "write_plain"]

# What such a struct says of itself, and the variable that holds it.
FORM, VARIABLE = "matbridge weights", "exported"
# The most bytes of a variable in a file of version 7.
MOST_BYTES = 1 << 31
# The imaginary parts of complex arrays, which a card has beside the real ones.
IMAGINARY = "Imaginary"


def write_plain(network: Network, path: Path) -> None:
    """A MAT-file with the network as plain values; version 7.3 where 7 cannot hold them.

    Raises UnsupportedError for what MATLAB makes no layers of.
    """
    size = sum(array.nbytes for layer in network.layers for array in layer.arrays.values())
    version = "v7" if size < MOST_BYTES else "v7.3"
    write_mat(path, {VARIABLE: plain_network(network)}, version)


def plain_network(network: Network) -> dict[str, object]:
    """The struct: its class, its layers with their properties and arrays, and the connections."""
    if network.kind.double:
        raise UnsupportedError(
            f"a {network.kind.words} is not made of layers",
            mend="Convert it to .safetensors, .onnx or .pt2.",
        )
    pairs = [
        (end_of(network, c.source), end_of(network, c.destination)) for c in network.connections
    ]
    return {
        "Form": FORM,
        "Version": 1.0,
        "Class": network.class_name,
        "Exporter": f"matbridge {VERSION}",
        "InputNames": _texts(network.input_names),
        "OutputNames": _texts([end_of(network, port) for port in network.outputs]),
        "Layers": Cell([_layer(layer) for layer in network.layers]),
        "Connections": {
            "Source": Cell([source for source, _ in pairs]),
            "Destination": Cell([destination for _, destination in pairs]),
        },
    }


def _texts(names: Any) -> Cell:
    return Cell(map(str, names), (1, len(names)))


def _layer(layer: Layer) -> dict[str, object]:
    """The class, and everything by its public name."""
    about: dict[str, object] = {"Class": layer.class_name or layer.MATLAB[0], "Name": layer.name}
    if layer.description:
        about["Description"] = layer.description
    if isinstance(layer, Unknown):
        ports = {"InputNames": _texts(layer.inputs), "OutputNames": _texts(layer.outputs)}
        return {**about, **ports, **layer.extra}
    try:
        properties = {
            known.name: _value(known.kind.to_saved(getattr(layer, field)))
            for field, known in layer.properties().items()
            if not _goes_without_saying(known, getattr(layer, field))
        }
    except MatbridgeError as error:
        raise error.at(layer.name) from None
    if layer.inputs != layer.INPUTS:
        about["InputNames"] = _texts(layer.inputs)
    return {**about, **properties, **_arrays(layer.arrays)}


def _goes_without_saying(known: Property, value: object) -> bool:
    """Whether every release takes this value where nothing is said. Numbers that a constructor
    takes in order are said."""
    if known.required or (known.arg is not None and not isinstance(value, str)):
        return False
    return same(value, known.kind(known.default))


def _arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Complex ones whole."""
    return {
        name: array + 1j * arrays[f"{name}{IMAGINARY}"] if f"{name}{IMAGINARY}" in arrays else array
        for name, array in arrays.items()
        if not name.endswith(IMAGINARY)
    }


def _value(value: object) -> object:
    """What only cards have as MATLAB's own; a function that MATLAB did not make as its text."""
    if isinstance(value, Handle):
        workspace = dict(value.workspace)
        known = value.raw or workspace
        return FunctionHandle(value.text, workspace, value.raw) if known else value.text
    if isinstance(value, Network):
        return plain_network(value)
    return Cell(value) if isinstance(value, list) else value
