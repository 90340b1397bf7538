"""Networks in ONNX files, whoever wrote them."""

from __future__ import annotations

from pathlib import Path

from matbridge.core.contents import Contents, Reading
from matbridge.core.network import Network, Provenance
from matbridge.errors import MatbridgeError
from matbridge.onnx.file import read_model
from matbridge.onnx.lift import lift
from matbridge.onnx.nodes import NodeGraph
from matbridge.onnx.patterns import patterns_for

__all__ = ["load_onnx"]


def load_onnx(path: Path, how: Reading) -> Contents:
    """The network of a file under the address "network"."""
    model = read_model(path)
    try:
        graph = NodeGraph(model)
        network = _network(graph, path.name)
    except MatbridgeError as error:
        raise error.at(path.name) from None
    return Contents(path, {"network": network})


def _network(graph: NodeGraph, file: str) -> Network:
    model = graph.model
    details = {
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "opsets": ", ".join(f"{domain or 'ai.onnx'} {n}" for domain, n in graph.opsets.items()),
    }
    provenance = Provenance(file, "network", details=details)
    return lift(graph, patterns_for(graph), provenance)
