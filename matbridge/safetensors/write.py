"""A network as one safetensors file: arrays in MATLAB's layout, the graph as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import save_file

from matbridge.core.network import Network
from matbridge.safetensors.codec import GRAPH_KEY, network_to_json

__all__ = ["save_safetensors"]


def save_safetensors(network: Network, path: Path) -> None:
    """Write the network; ``matbridge.load`` reads it back identically.

    Arrays are named ``layer.Name``, such as lstm_1.InputWeights, and have MATLAB's sizes.
    """
    graph, arrays = network_to_json(network)
    try:
        save_file(arrays, path, metadata={GRAPH_KEY: json.dumps(graph, allow_nan=False)})
    except SafetensorError as error:
        raise OSError(str(error)) from None
