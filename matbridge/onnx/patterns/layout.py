"""Nodes that only move, merge, drop or add dimensions: no layers, other labels."""

from __future__ import annotations

import numpy as np

from matbridge.onnx.labels import regrouped, squeezed, transposed, unsqueezed
from matbridge.onnx.lifted import Labelled, Lifted, Lifting
from matbridge.onnx.nodes import Node

__all__ = ["flatten", "reshape", "same", "squeeze", "turned", "unsqueeze"]


def turned(at: Lifting, node: Node) -> Lifted | None:
    """Transpose."""
    if node.operator != "Transpose":
        return None
    x = at.value(node.inputs[0])
    return _relabelled(node, x, transposed(x.axes, node.integers("perm")))


def squeeze(at: Lifting, node: Node) -> Lifted | None:
    """Squeeze; axes are an attribute before opset 13."""
    if node.operator != "Squeeze":
        return None
    x = at.value(node.inputs[0])
    axes = integers(at.graph.option(node, "axes", 1))
    if axes is None and node.has(1):
        return None
    return _relabelled(node, x, squeezed(x.axes, axes, at.lengths(x)))


def unsqueeze(at: Lifting, node: Node) -> Lifted | None:
    """Unsqueeze; axes are an attribute before opset 13."""
    if node.operator != "Unsqueeze":
        return None
    axes = integers(at.graph.option(node, "axes", 1))
    if axes is None:
        return None
    x = at.value(node.inputs[0])
    return _relabelled(node, x, unsqueezed(x.axes, axes))


def flatten(at: Lifting, node: Node) -> Lifted | None:
    """Flatten to two dimensions, those before and those from axis on."""
    if node.operator != "Flatten":
        return None
    x = at.value(node.inputs[0])
    axis = node.integer("axis", 1)
    place = axis % len(x.axes) if axis < 0 else axis
    lengths = at.lengths(x)
    groups = ("".join(x.axes[:place]), "".join(x.axes[place:]))
    # Of a merged dimension what has size 1 goes.
    kept = tuple("".join(a for a in group if lengths.get(a) != 1) for group in groups)
    return _relabelled(node, x, kept)


def reshape(at: Lifting, node: Node) -> Lifted | None:
    """Reshape to a constant shape, or to one that the shape inference tells."""
    if node.operator != "Reshape":
        return None
    shape = integers(at.graph.option(node, "shape", 1))
    if shape is None or node.integer("allowzero", 0):
        inferred = at.graph.shape(node.output)
        if inferred is None or inferred.count(None) > 1:
            return None
        shape = [-1 if n is None else n for n in inferred]
    x = at.value(node.inputs[0])
    return _relabelled(node, x, regrouped(x.axes, at.lengths(x), shape, at.fixed))


def same(at: Lifting, node: Node) -> Lifted | None:
    """Identity, and Cast between floating types: the runtime computes in one type."""
    if node.operator not in ("Identity", "Cast"):
        return None
    return Lifted.relabelled({node.output: at.value(node.inputs[0])})


def _relabelled(node: Node, x: Labelled, axes: tuple[str, ...] | None) -> Lifted | None:
    return None if axes is None else Lifted.relabelled({node.output: Labelled(x.end, axes)})


def integers(values: np.ndarray | None) -> list[int] | None:
    """Whole numbers of a constant; None where there is none."""
    return None if values is None else [int(n) for n in values.reshape(-1)]
