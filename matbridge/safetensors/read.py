"""Networks that matbridge wrote as safetensors."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.errors import FormatError, MatbridgeError
from matbridge.safetensors.codec import GRAPH_KEY, network_from_json

__all__ = ["load_safetensors"]


def load_safetensors(path: Path, registry: Registry) -> Network:
    """The network in the file; FormatError if it is damaged or holds none."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        graph = json.loads(metadata[GRAPH_KEY])
    except (SafetensorError, OSError) as error:
        raise FormatError(f"the file is damaged: {error}", where=path.name) from None
    except KeyError:
        raise FormatError(
            "the file holds arrays but no network of matbridge's",
            where=path.name,
            mend="Build the network in Python and give it the arrays: docs/weights-file.md.",
        ) from None
    except ValueError as error:
        raise FormatError(f"the graph is damaged: {error}", where=path.name) from None
    try:
        return network_from_json(graph, arrays, registry)
    except MatbridgeError as error:
        raise error.at(path.name) from None
