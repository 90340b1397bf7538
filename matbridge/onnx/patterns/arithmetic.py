"""Data with constants, and data with data: affine layers, sums, products, concatenation.

The inverses: OnnxBackend.elementwise and OnnxBackend.concatenate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import reorder
from matbridge.layers.combination import (
    Addition,
    Concatenation,
    DepthConcatenation,
    Multiplication,
)
from matbridge.layers.imported import ElementwiseAffine
from matbridge.onnx.labels import Axes
from matbridge.onnx.lifted import Labelled, Lifted, Lifting, with_arrays
from matbridge.onnx.nodes import Node
from matbridge.ops.layout import numbered

__all__ = ["affine", "combination", "concatenation", "expanded", "in_matlab_order", "scaler"]

COMBINATIONS: Mapping[str, type[Addition | Multiplication]] = {
    "Add": Addition,
    "Sum": Addition,
    "Mul": Multiplication,
}


def affine(at: Lifting, node: Node) -> Lifted | None:
    """Add, Sub, Mul or Div of data and a constant: the layer that MATLAB's importer makes of it.

    Before opset 7 ``axis`` says where the constant lies.
    """
    if node.operator not in ("Add", "Sub", "Mul", "Div") or len(node.inputs) != 2:
        return None
    data, other = node.inputs
    if at.graph.constant(data) is not None and node.operator in ("Add", "Mul"):
        data, other = other, data
    array = at.graph.constant(other)
    if array is None or array.dtype.kind != "f":
        return None
    x = at.value(data)
    array = in_matlab_order(expanded(array, node, len(x.axes)), x)
    if array is None:
        return None
    scales = node.operator in ("Mul", "Div")
    inverse = {"Sub": np.negative, "Div": np.reciprocal}.get(node.operator)
    with np.errstate(divide="ignore"):
        arrays = {"Scale" if scales else "Offset": inverse(array) if inverse else array}
    name = at.name(node, "_Mul" if scales else "_Add")
    layer = ElementwiseAffine(name=name, do_scale=scales, do_offset=not scales)
    return Lifted.one(with_arrays(layer, **arrays), [x], {node.output: x.axes})


def scaler(at: Lifting, node: Node) -> Lifted | None:
    """ai.onnx.ml::Scaler, (x - offset)·scale for each feature."""
    if node.operator != "ai.onnx.ml::Scaler":
        return None
    x = at.value(node.inputs[0])
    if x.dims not in ("BC", "C"):
        return None
    offset, scale = (
        np.asarray(node.attributes.get(name, [default]), np.float32).reshape(-1, 1)
        for name, default in (("offset", 0.0), ("scale", 1.0))
    )
    layer = ElementwiseAffine(name=at.name(node))
    lifted = with_arrays(layer, Scale=scale, Offset=-offset * scale)
    return Lifted.one(lifted, [x], {node.output: x.axes})


def expanded(array: np.ndarray, node: Node, rank: int) -> np.ndarray:
    """A constant with as many dimensions as the data: it meets the last ones, or before opset
    7 those from ``axis`` on."""
    axis = node.integer("axis", rank - array.ndim)
    if not 0 <= axis <= rank - array.ndim:
        return array
    return array.reshape((1,) * axis + array.shape + (1,) * (rank - axis - array.ndim))


def in_matlab_order(array: np.ndarray, x: Labelled) -> np.ndarray | None:
    """An array that expands to the tensor as S...×C, C×1 for vectors, or one number; None
    where it spans the batch or the time, or the dimensions are merged."""
    if array.size == 1:
        return array.reshape(1, 1)
    spans = [a for a, n in zip(x.axes, array.shape, strict=False) if n != 1]
    if array.ndim != len(x.axes) or not set(spans) <= set("C123"):
        return None
    kept = [a for a in x.axes if a in set("C123")]
    there = array.reshape([n for a, n in zip(x.axes, array.shape, strict=True) if a in kept])
    spatial = "".join(sorted(a for a in kept if a != "C"))
    return reorder(there, "".join(kept), spatial + "C" if spatial else "CB")


def combination(at: Lifting, node: Node) -> Lifted | None:
    """Add, Sum or Mul of data: they expand by labels, as ONNX expands from the last dimension."""
    card = COMBINATIONS.get(node.operator)
    if card is None or any(at.graph.constant(name) is not None for name in node.inputs):
        return None
    values = [at.value(name) for name in node.inputs]
    axes = _joined([value.axes for value in values])
    if axes is None or len(values) < 2:
        return None
    layer = card(name=at.name(node), num_inputs=len(values))
    return Lifted.one(layer, values, {node.output: axes})


def _joined(every: Sequence[Axes]) -> Axes | None:
    """The labels of each dimension of tensors that expand to one another, None where two have
    different ones."""
    rank = max(map(len, every))
    aligned = [("",) * (rank - len(axes)) + axes for axes in every]
    found = [set(labels) - {""} for labels in zip(*aligned, strict=True)]
    if any(len(labels) > 1 for labels in found):
        return None
    return tuple(next(iter(labels), "") for labels in found)


def concatenation(at: Lifting, node: Node) -> Lifted | None:
    """Concat along a dimension of MATLAB's; channels of images are depthConcatenationLayer."""
    if node.operator != "Concat" or any(at.graph.constant(n) is not None for n in node.inputs):
        return None
    values = [at.value(name) for name in node.inputs]
    axes = _joined([value.axes for value in values])
    size = at.size(values[0])
    axis = node.integer("axis", 1)
    if axes is None or size is None or len({len(v.axes) for v in values}) > 1:
        return None
    label = axes[axis]
    labels = numbered(size.format)
    if label not in labels or label in ("", "B"):
        return None
    name, count = at.name(node), len(values)
    layer: Layer = DepthConcatenation(name=name, num_inputs=count)
    if label != "C" or "S" not in size.format:
        layer = Concatenation(name=name, dim=labels.index(label) + 1, num_inputs=count)
    return Lifted.one(layer, values, {node.output: axes})
