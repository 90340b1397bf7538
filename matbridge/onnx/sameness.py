"""Whether two models compute the same in the same way: what they say, without their comments."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper

from matbridge.onnx.tensors import ExternalData, Tensors

__all__ = ["OWN", "Constants", "constants_of", "digest", "same_model", "wiring"]

Constants = Mapping[str, np.ndarray]
# How tensors that matbridge made itself are read.
OWN = Tensors(ExternalData(None, 0))

# An operator, what goes in and what comes out.
Wired = tuple[str, str, tuple[str, ...], tuple[str, ...]]


def constants_of(model: onnx.ModelProto, tensors: Tensors = OWN) -> Constants:
    """The initializers by name; MatbridgeError for one that contradicts itself."""
    return {tensor.name: tensors.array(tensor) for tensor in model.graph.initializer}


def wiring(model: onnx.ModelProto) -> list[Wired]:
    """The nodes in order, without their attributes."""
    return [(n.domain, n.op_type, tuple(n.input), tuple(n.output)) for n in model.graph.node]


def same_model(
    a: onnx.ModelProto, constants: Constants, b: onnx.ModelProto, others: Constants
) -> bool:
    """Whether inputs, outputs, nodes and constants are the same, to the bit."""
    return (
        _frame(a) == _frame(b)
        and constants.keys() == others.keys()
        and all(_bits(constants[name]) == _bits(others[name]) for name in constants)
    )


def digest(model: onnx.ModelProto, constants: Constants) -> str:
    """A checksum of the same, with these constants."""
    checksum = hashlib.sha256(repr(_frame(model)).encode())
    for name in sorted(constants):
        kind, shape, data = _bits(constants[name])
        checksum.update(repr((name, kind, shape)).encode())
        checksum.update(data)
    return checksum.hexdigest()


def _frame(model: onnx.ModelProto) -> object:
    """All but the constants."""
    graph = model.graph
    ends = [[value.name for value in values] for values in (graph.input, graph.output)]
    attributes = [sorted(map(_attribute, node.attribute)) for node in graph.node]
    opsets = sorted((opset.domain, opset.version) for opset in model.opset_import)
    return opsets, ends, wiring(model), attributes


def _attribute(attribute: onnx.AttributeProto) -> tuple[str, str]:
    return attribute.name, repr(helper.get_attribute_value(attribute))


def _bits(array: np.ndarray) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.name, array.shape, array.tobytes()
