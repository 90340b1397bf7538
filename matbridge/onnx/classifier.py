"""Classifiers as scikit-learn's converter writes them: a label, looked up among the class names by
the largest score, beside the scores, as a tensor or as a map (ZipMap).

MATLAB's networks give the scores, with the names in their output layer; the label is what
classify says. So the nodes of the label go before a graph is read, and the names are kept.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from matbridge.core.diagnostics import Diagnostic
from matbridge.core.dims import Size
from matbridge.core.graph import Connection, Port
from matbridge.core.network import Network
from matbridge.layers.output import ClassificationOutput

__all__ = ["Classifier", "classifier", "with_class_names"]

# What matbridge says of itself as a producer, and its key of class names.
OURS, CLASSES = "matbridge", "classes"

# What may stand between the names and the label.
PASSED = frozenset(("Cast", "Reshape", "Identity", "Squeeze"))
# No classifier has more names.
MOST = 100_000


@dataclass(frozen=True)
class Classifier:
    """A model that gives the scores alone, the names in their order, and the label's output."""

    model: onnx.ModelProto
    classes: tuple[str, ...]
    label: str

    def network(self, scores: Network) -> Network:
        """The network with a classification output layer behind the scores."""
        network = _with_output_layer(scores, self.classes)
        told = Diagnostic(
            "info",
            f"the output {self.label!r} is the class of the largest score, which classify tells; "
            "it is left out",
        )
        return dataclasses.replace(network, report=(*network.report, told))


def with_class_names(network: Network, model: onnx.ModelProto) -> Network:
    """The network with the class names that matbridge wrote into the metadata, where they are
    those of its only output."""
    told = {entry.key: entry.value for entry in model.metadata_props}
    if model.producer_name != OURS or len(network.outputs) != 1:
        return network
    try:
        classes = json.loads(told.get(CLASSES, "[]"))
    except (ValueError, RecursionError):
        return network
    size = network.infer().get(network.outputs[0])
    if not isinstance(size, Size) or "S" in size or "C" not in size:
        return network
    if not isinstance(classes, list):
        return network
        return network
    if len(classes) != size["C"] or not all(isinstance(name, str) for name in classes):
        return network
    return _with_output_layer(network, tuple(classes))


def _with_output_layer(scores: Network, classes: tuple[str, ...]) -> Network:
    (port,) = scores.outputs
    taken = {layer.name for layer in scores.layers}
    name = next(n for n in ("classoutput", "classoutput_1") if n not in taken)
    chain = len(scores.connections) == len(scores.layers) - 1
    return dataclasses.replace(
        scores,
        layers=(*scores.layers, ClassificationOutput(name=name, classes=classes)),
        connections=(*scores.connections, Connection(port, Port(name, "in"))),
        class_name="SeriesNetwork" if chain else "DAGNetwork",
        output_ports=(Port(name, "out"),),
    )


def classifier(model: onnx.ModelProto) -> Classifier | None:
    """What a model of two outputs says if one is a label by the largest of the other's scores."""
    graph = model.graph
    if len(graph.output) != 2:
        return None
    makers = {name: node for node in graph.node for name in node.output}
    names = [value.name for value in graph.output]
    for label, other in (names, names[::-1]):
        scores = _mapped(makers, other)
        table = _table(makers, label, scores)
        classes = _names(graph, table) if table else ()
        if classes:
            return Classifier(_scores_alone(model, scores), classes, label)
    return None


def _mapped(makers: Mapping[str, onnx.NodeProto], name: str) -> str:
    """The scores that a ZipMap gives names to; any other tensor itself."""
    node = makers.get(name)
    return node.input[0] if node is not None and node.op_type == "ZipMap" else name


def _table(makers: Mapping[str, onnx.NodeProto], label: str, scores: str) -> str:
    """The array from which the label is taken by the largest score, "" if it is not."""
    node = makers.get(label)
    for _ in range(len(PASSED) * 2):
        if node is None or node.op_type not in PASSED:
            break
        node = makers.get(node.input[0])
    if node is None or node.op_type != "ArrayFeatureExtractor" or len(node.input) != 2:
        return ""
    place = makers.get(node.input[1])
    largest = place is not None and place.op_type == "ArgMax" and place.input[0] == scores
    return node.input[0] if largest else ""


def _names(graph: onnx.GraphProto, table: str) -> tuple[str, ...]:
    tensor = next((t for t in graph.initializer if t.name == table), None)
    external = tensor is not None and tensor.data_location == onnx.TensorProto.EXTERNAL
    if tensor is None or external or np.prod(tensor.dims, dtype=float) > MOST:
        return ()
    try:
        values = numpy_helper.to_array(tensor).reshape(-1).tolist()
    except (ValueError, TypeError):
        return ()
    texts = (v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values)
    return tuple(texts)


def _scores_alone(model: onnx.ModelProto, scores: str) -> onnx.ModelProto:
    """The model with the scores as its only output, and what they depend on."""
    alone = onnx.ModelProto()
    alone.CopyFrom(model)
    graph = alone.graph
    needed, kept = {scores}, []
    makers = {name: node for node in graph.node for name in node.output}
    waiting = [scores]
    while waiting:
        node = makers.get(waiting.pop())
        for name in () if node is None else node.input:
            if name not in needed:
                needed.add(name)
                waiting.append(name)
    kept = [node for node in graph.node if needed & set(node.output)]
    arrays = [tensor for tensor in graph.initializer if tensor.name in needed]
    for field, values in (("node", kept), ("initializer", arrays)):
        graph.ClearField(field)
        getattr(graph, field).extend(values)
    graph.ClearField("output")
    kind = onnx.TensorProto.FLOAT
    graph.output.append(onnx.helper.make_tensor_value_info(scores, kind, None))
    return alone
