"""Networks that matbridge wrote as safetensors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.errors import FormatError, MatbridgeError
from matbridge.files import check_readable
from matbridge.safetensors.codec import GRAPH_KEY, ODD, network_from_json
from matbridge.version import DOCS

__all__ = ["load_safetensors"]


def load_safetensors(path: Path, registry: Registry) -> Network:
    """The network in the file; FormatError if it is damaged or holds none."""
    check_readable(path)
    try:
        # Read, not mapped: a mapped file that somebody cuts meanwhile ends the process.
        arrays, metadata = _read(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise FormatError(f"the file is damaged: {error}", where=path.name) from None
    except ODD as error:
        said = f"the file is damaged, or has arrays of a type that NumPy lacks: {error}"
        raise FormatError(said, where=path.name) from None
    try:
        graph = json.loads(metadata[GRAPH_KEY])
    except KeyError:
        raise FormatError(
            "the file holds arrays but no network of matbridge's",
            where=path.name,
            mend=f"Build the network in Python and give it the arrays: {DOCS}/weights-file.md",
        ) from None
    except ODD as error:
        raise FormatError(f"the graph is damaged: {error}", where=path.name) from None
    try:
        return network_from_json(graph, arrays, registry)
    except MatbridgeError as error:
        raise error.at(path.name) from None


def _read(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays by name, and the metadata: of the header's JSON, whose length stands before it."""
    arrays = load(data)
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    return arrays, metadata
