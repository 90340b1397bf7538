"""The fully connected layers of MATLAB's exporter that ONNX says by other operators.

In sequences and features they are MatMul and Add (standard.py). In images R2018b wrote a Gemm on
4-D data, whose rows run as the Flatten that is not there would make them, then Flatten, MatMul and
Add; from R2019a it is a convolution whose filter covers the whole map.
"""

from __future__ import annotations

import numpy as np

from matbridge.core.dims import reorder
from matbridge.onnx.lifted import Labelled, Lifted, Lifting
from matbridge.onnx.nodes import Node
from matbridge.onnx.patterns.standard import fully_connected

__all__ = ["gemm_of_images", "whole_map"]


def gemm_of_images(at: Lifting, node: Node) -> Lifted | None:
    """Gemm of R2018b on N×C×H×W: W is out by in, and the result N×out×1×1."""
    if node.operator != "Gemm" or not node.integer("transB", 0):
        return None
    if len(node.inputs) != 3:
        return None
    weights, bias = (at.graph.constant(name) for name in node.inputs[1:])
    if weights is None or bias is None or bias.size != weights.shape[0]:
        return None
    x = at.value(node.inputs[0])
    batch, *rest = x.axes
    if len(x.axes) <= 2 or batch != "B":
        return None
    flat = Labelled(x.end, (batch, _merged(at, x, rest)))
    return _reshaped(at, node, flat, x, weights, bias)


def whole_map(at: Lifting, node: Node) -> Lifted | None:
    """Conv of one window that is the whole map, from R2019a on: W is out×C×H×W.

    A convolution2dLayer of such a size computes the same; which of the two it was only the
    layer's name tells.
    """
    if (
        node.operator != "Conv"
        or at.graph.matlab_release < (19, 1)
        or "conv" in node.output.lower()
    ):
        return None
    if len(node.inputs) != 3:
        return None
    weights, bias = (at.graph.constant(name) for name in node.inputs[1:])
    if weights is None or bias is None or not _once(node):
        return None
    x = at.value(node.inputs[0])
    batch, *rest = x.axes
    lengths = at.lengths(x)
    sizes = tuple(lengths.get(label, 1) for label in rest)
    if batch != "B" or sizes != weights.shape[1:]:
        return None
    flat = Labelled(x.end, (batch, _merged(at, x, rest)))
    return _reshaped(at, node, flat, x, weights.reshape(len(weights), -1), bias)


def _once(node: Node) -> bool:
    """Whether the window neither moves nor sees padding."""
    fixed = node.text("auto_pad", "NOTSET") in ("NOTSET", "VALID")
    alone = node.integer("group", 1) == 1 and set(node.integers("dilations") or (1,)) == {1}
    return fixed and alone and not any(node.integers("pads") or (0,))


def _merged(at: Lifting, x: Labelled, axes: list[str]) -> str:
    """The labels as Flatten merges them: those of size 1 go, but one remains."""
    lengths = at.lengths(x)
    return "".join(a for axis in axes for a in axis if lengths.get(a) != 1) or "C"


def _reshaped(
    at: Lifting, node: Node, flat: Labelled, x: Labelled, weights: np.ndarray, bias: np.ndarray
) -> Lifted | None:
    """The layer over the flattened data, whose result has as many dimensions as its input."""
    rows = reorder(weights, "OI", "IO")
    lifted = fully_connected(at, at.name(node), flat, rows, bias, node.output)
    if lifted is None:
        return None
    value = lifted.gives[node.output]
    gives = {node.output: Labelled(value.end, ("B", "C", *("" for _ in x.axes[2:])))}
    return Lifted(lifted.layers, lifted.feeds, gives)
