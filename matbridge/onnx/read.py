"""Networks in ONNX files, whoever wrote them."""

from __future__ import annotations

from pathlib import Path

import onnx

from matbridge.core.contents import Contents, Reading
from matbridge.core.network import Network, Provenance
from matbridge.errors import MatbridgeError, UnsupportedError
from matbridge.onnx.file import MOST_NODES, read_model
from matbridge.onnx.functions import inlined
from matbridge.onnx.lift import lift
from matbridge.onnx.nodes import NodeGraph
from matbridge.onnx.patterns import patterns_for
from matbridge.onnx.tensors import ExternalData, Tensors

__all__ = ["graph_of", "load_onnx"]

# The oldest opset whose operators are known here.
OLDEST = 6


def load_onnx(path: Path, how: Reading) -> Contents:
    """The network of a file under the address "network"."""
    try:
        network = _network(graph_of(path, how), path.name)
    except MatbridgeError as error:
        raise error.at(path.name) from None
    return Contents(path, {"network": network})


def graph_of(path: Path, how: Reading) -> NodeGraph:
    """The graph of a file. Raises FormatError for one that is damaged, and UnsupportedError for
    what matbridge does not read of ONNX as a whole."""
    model = inlined(read_model(path, how.max_size), MOST_NODES)
    if model.graph.sparse_initializer:
        raise UnsupportedError("the model has sparse arrays, which matbridge does not read")
    external = ExternalData(how.external_data, how.max_size)
    graph = NodeGraph(model, Tensors(external))
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST <= graph.opset <= newest:
        raise UnsupportedError(
            f"the model uses opset {graph.opset}; known here are {OLDEST} to {newest}",
            mend="Bring it to one of these by onnx.version_converter, or export it again.",
        )
    return graph


def _network(graph: NodeGraph, file: str) -> Network:
    model = graph.model
    details = {
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "opsets": ", ".join(f"{domain or 'ai.onnx'} {n}" for domain, n in graph.opsets.items()),
    }
    provenance = Provenance(file, "network", details=details)
    return lift(graph, patterns_for(graph), provenance)
