"""Nodes that only move, merge, drop or add dimensions: no layers, other labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from onnx import TensorProto

from matbridge.onnx.labels import Axes, Lengths, regrouped, squeezed, transposed, unsqueezed
from matbridge.onnx.lifted import Labelled, Lifted, Lifting
from matbridge.onnx.nodes import Node, NodeGraph

__all__ = ["VIEWS", "integers", "seen", "view"]

FLOATING = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)

# From this end on a Slice goes to the end of the dimension, however long.
ENDLESS = 2**31 - 1


def view(at: Lifting, node: Node) -> Lifted | None:
    """Any of VIEWS."""
    if node.operator not in VIEWS:
        return None
    x = at.value(node.inputs[0])
    axes = seen(at.graph, node, x.axes, at.lengths(x), at.fixed)
    return None if axes is None else Lifted.relabelled({node.output: Labelled(x.end, axes)})


def seen(graph: NodeGraph, node: Node, axes: Axes, lengths: Lengths, fixed: Lengths) -> Axes | None:
    """The axes of a tensor after a node of VIEWS, None where they are no dimensions of MATLAB's.

    ``fixed`` are the lengths that the file has where MATLAB's, in ``lengths``, are free.
    """
    return VIEWS[node.operator](graph, node, axes, lengths, fixed)


View = Callable[[NodeGraph, Node, Axes, Lengths, Lengths], Axes | None]


def _turned(
    graph: NodeGraph, node: Node, axes: Axes, lengths: Lengths, fixed: Lengths
) -> Axes | None:
    return transposed(axes, node.integers("perm"))


def _squeezed(
    graph: NodeGraph, node: Node, axes: Axes, lengths: Lengths, fixed: Lengths
) -> Axes | None:
    """axes are an attribute before opset 13."""
    places = integers(graph.option(node, "axes", 1))
    return None if places is None and node.has(1) else squeezed(axes, places, lengths)


def _unsqueezed(
    graph: NodeGraph, node: Node, axes: Axes, lengths: Lengths, fixed: Lengths
) -> Axes | None:
    """axes are an attribute before opset 13."""
    places = integers(graph.option(node, "axes", 1))
    return None if places is None else unsqueezed(axes, places)


def _flattened(
    graph: NodeGraph, node: Node, axes: Axes, lengths: Lengths, fixed: Lengths
) -> Axes | None:
    """Two dimensions, those before and those from axis on."""
    axis = node.integer("axis", 1)
    place = axis + len(axes) if axis < 0 else axis
    groups = ("".join(axes[:place]), "".join(axes[place:]))
    # Of a merged dimension what has size 1 goes.
    return tuple("".join(a for a in group if lengths.get(a) != 1) for group in groups)


def _reshaped(
    graph: NodeGraph, node: Node, axes: Axes, lengths: Lengths, fixed: Lengths
) -> Axes | None:
    """To a constant shape, or to one that the shape inference tells."""
    told = None if graph.from_matlab else _by_example(graph, node, axes, lengths, fixed)
    if told is not None:
        return told
    shape = integers(graph.option(node, "shape", 1))
    if shape is None or node.integer("allowzero", 0):
        inferred = graph.shape(node.output)
        if inferred is None or inferred.count(None) > 1:
            return None
        shape = [-1 if n is None else n for n in inferred]
    return regrouped(axes, lengths, shape, fixed)


def _by_example(
    graph: NodeGraph, node: Node, axes: Axes, lengths: Lengths, fixed: Lengths
) -> Axes | None:
    """The axes after Reshape, found with some numbers in place of free lengths."""
    have, want = (graph.sizes.examples.get(name) for name in (node.inputs[0], node.output))
    if have is None or want is None or len(have) != len(axes):
        return None
    alone = {axis: n for axis, n in zip(axes, have, strict=True) if len(axis) == 1}
    known = {**fixed, **alone}
    # A free length that the file has as 1 is none that a reshape would show.
    numbers = {
        label: known[label] if n is None and known.get(label) not in (None, 1) else n
        for label, n in lengths.items()
    }
    return regrouped(axes, numbers, want, fixed)


def _same(
    graph: NodeGraph, node: Node, axes: Axes, lengths: Lengths, fixed: Lengths
) -> Axes | None:
    """Cast between floating types is nothing to a runtime that computes in one type."""
    # The Cast says to which type, even where the shape inference gave up before it.
    to = node.operator == "Identity" or node.integer("to", TensorProto.FLOAT) in FLOATING
    floating = to and all(graph.is_floating(name) for name in (node.inputs[0], node.output))
    return axes if floating or node.operator == "Identity" else None


def _whole(
    graph: NodeGraph, node: Node, axes: Axes, lengths: Lengths, fixed: Lengths
) -> Axes | None:
    """A Slice that leaves nothing out, as PyTorch takes the states of the only layer of several."""
    have, left = graph.shape(node.inputs[0]), graph.shape(node.output)
    starts, ends, places, steps = (
        integers(graph.option(node, name, place))
        for place, name in enumerate(("starts", "ends", "axes", "steps"), 1)
    )
    if have is None or left is None or not starts or not ends or (node.has(4) and steps is None):
        return None
    if set(steps or ()) - {1} or (places is None and node.has(3)):
        return None
    known = places if places is not None else range(len(starts))
    taken = zip(starts, ends, known, strict=True)
    whole = all(
        (start == 0 and end >= ENDLESS) or (have[axis] is not None and have[axis] == left[axis])
        for start, end, axis in taken
    )
    return axes if whole else None


VIEWS: Mapping[str, View] = {
    "Transpose": _turned,
    "Squeeze": _squeezed,
    "Unsqueeze": _unsqueezed,
    "Flatten": _flattened,
    "Reshape": _reshaped,
    "Identity": _same,
    "Slice": _whole,
    "Cast": _same,
}


def integers(values: np.ndarray | None) -> list[int] | None:
    """Whole numbers of a constant; None where there is none."""
    return None if values is None else [int(n) for n in values.reshape(-1)]
