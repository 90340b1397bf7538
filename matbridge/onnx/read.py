"""Networks in ONNX files, whoever wrote them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import onnx

from matbridge.core.contents import Contents, Reading
from matbridge.core.diagnostics import Diagnostic
from matbridge.core.network import Network, Provenance
from matbridge.errors import FormatError, MatbridgeError, UnsupportedError
from matbridge.onnx.classifier import classifier, with_class_names
from matbridge.onnx.file import MOST_NODES, read_model
from matbridge.onnx.functions import inlined
from matbridge.onnx.lift import lift
from matbridge.onnx.metadata import remembered
from matbridge.onnx.nodes import NodeGraph
from matbridge.onnx.patterns import patterns_for
from matbridge.onnx.tensors import ExternalData, Tensors

__all__ = ["load_onnx"]

# The oldest opset whose operators are known here.
OLDEST = 6


def load_onnx(path: Path, how: Reading) -> Contents:
    """The network of a file, under the address that it had or "network".

    The one that matbridge kept in the metadata, as it was, if the graph still is that network's;
    else what the nodes say.
    """
    try:
        model = read_model(path, how.max_size)
        network = _read(model, path.name, how)
    except MatbridgeError as error:
        raise error.at(path.name) from None
    networks = {network.provenance.address or "network": network}
    return Contents(path, networks, writer=_producer(model), versions=_versions(model))


def _producer(model: onnx.ModelProto) -> str:
    return f"{model.producer_name} {model.producer_version}".strip()


def _versions(model: onnx.ModelProto) -> tuple[str, ...]:
    """The operator sets, those of others with their domain, and the version of the format."""
    opsets = (f"{entry.domain} opset {entry.version}".strip() for entry in model.opset_import)
    return (*opsets, f"IR version {model.ir_version}")


def _read(model: onnx.ModelProto, file: str, how: Reading) -> Network:
    doubts: list[Diagnostic] = []
    network = _kept(model, how, doubts)
    if network is None:
        known = classifier(model)
        network = _network(_graph(model if known is None else known.model, how), file, how)
        network = with_class_names(network, model) if known is None else known.network(network)
        network = dataclasses.replace(network, report=(*doubts, *network.report))
    return network


def _kept(model: onnx.ModelProto, how: Reading, doubts: list[Diagnostic]) -> Network | None:
    """The network in the metadata; what speaks against one is told in ``doubts``."""
    try:
        return remembered(
            model, how.registry, Tensors(ExternalData(how.external_data, how.max_size))
        )
    except FormatError as error:
        doubts.append(
            Diagnostic(
                "warning",
                f"the network in the file's metadata is not used: {error.what}",
                mend="The layers are those that the nodes tell; options and names may be lost.",
            )
        )
    return None


def _graph(model: onnx.ModelProto, how: Reading) -> NodeGraph:
    """Raises UnsupportedError for what matbridge does not read of ONNX as a whole."""
    model = inlined(model, MOST_NODES)
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


def _network(graph: NodeGraph, file: str, how: Reading) -> Network:
    model = graph.model
    details = {
        "producer": _producer(model),
        "opsets": ", ".join(f"{domain or 'ai.onnx'} {n}" for domain, n in graph.opsets.items()),
    }
    provenance = Provenance(file, "network", details=details)
    return lift(graph, patterns_for(graph), provenance, how)
