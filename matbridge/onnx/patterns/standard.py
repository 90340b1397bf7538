"""ONNX's own operators as MATLAB's layers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import reorder
from matbridge.errors import LayerError
from matbridge.layers.activation import ReLU, Sigmoid, Tanh
from matbridge.layers.convolution import Convolution1D, Convolution2D, Convolution3D
from matbridge.layers.dense import FullyConnected
from matbridge.layers.regularization import Dropout
from matbridge.onnx.lifted import Labelled, Lifted, Lifting, with_arrays
from matbridge.onnx.nodes import Node
from matbridge.ops import Padding

__all__ = ["convolution", "dropout", "elementwise", "gemm", "matmul", "matmul_add"]

# Operators without attributes that are a layer each, whatever the labels.
ELEMENTWISE: Mapping[str, type[Layer]] = {"Relu": ReLU, "Tanh": Tanh, "Sigmoid": Sigmoid}
# What a window of MATLAB's moves over: as many spatial dimensions as it has, or one less and time.
WINDOWS = frozenset(("S", "SS", "SSS", "T", "ST", "SST"))
CONVOLUTIONS = {1: Convolution1D, 2: Convolution2D, 3: Convolution3D}


def elementwise(at: Lifting, node: Node) -> Lifted | None:
    """One function of each element. The inverse: onnx/elementwise.py."""
    card = ELEMENTWISE.get(node.operator)
    if card is None:
        return None
    x = at.value(node.inputs[0])
    return Lifted.one(card(name=at.name(node)), [x], {node.output: x.axes})


def dropout(at: Lifting, node: Node) -> Lifted | None:
    """Dropout, the identity at prediction."""
    if node.operator != "Dropout" or any(at.graph.users(name) for name in node.outputs[1:]):
        return None
    ratio = at.graph.option(node, "ratio", 1)
    layer = Dropout(name=at.name(node), probability=0.5 if ratio is None else float(ratio.item()))
    x = at.value(node.inputs[0])
    return Lifted.one(layer, [x], {node.output: x.axes})


def matmul_add(at: Lifting, node: Node) -> Lifted | None:
    """MatMul with a constant of rank 2, then Add of a constant. The inverse: OnnxBackend.linear."""
    if node.operator != "Add":
        return None
    for data, bias in (node.inputs, node.inputs[::-1]):
        product = at.graph.maker(data)
        array = at.graph.constant(bias)
        if product is not None and product.operator == "MatMul" and array is not None:
            return _product(at, node, product, array)
    return None


def matmul(at: Lifting, node: Node) -> Lifted | None:
    """MatMul with a constant of rank 2, without bias."""
    return _product(at, node, node, None) if node.operator == "MatMul" else None


def _product(at: Lifting, node: Node, product: Node, bias: np.ndarray | None) -> Lifted | None:
    weights = at.graph.constant(product.inputs[1])
    if weights is None or weights.ndim != 2:
        return None
    outputs = weights.shape[1]
    if bias is not None and bias.size not in (1, outputs):
        return None
    full = None if bias is None else np.broadcast_to(bias.reshape(-1), outputs)
    x = at.value(product.inputs[0])
    name = at.name(node, "_Add", "_MatMul")
    return fully_connected(at, name, x, weights, full, node.output)


def gemm(at: Lifting, node: Node) -> Lifted | None:
    """Gemm of data and a constant matrix, a row for each observation."""
    if node.operator != "Gemm" or node.integer("transA", 0):
        return None
    weights = at.graph.constant(node.inputs[1])
    bias = at.graph.constant(node.inputs[2]) if node.has(2) else None
    if weights is None or weights.ndim != 2 or (bias is None and node.has(2)):
        return None
    if node.integer("transB", 0):
        weights = reorder(weights, "OI", "IO")
    outputs = weights.shape[1]
    if bias is not None:
        if bias.size not in (1, outputs):
            return None
        bias = np.broadcast_to(bias.reshape(-1), outputs) * _factor(node, "beta", bias)
    x = at.value(node.inputs[0])
    if len(x.axes) != 2:
        return None
    scaled = weights * _factor(node, "alpha", weights)
    return fully_connected(at, at.name(node), x, scaled, bias, node.output)


def _factor(node: Node, name: str, beside: np.ndarray) -> np.ndarray:
    return np.asarray(node.number(name, 1.0), beside.dtype)


def fully_connected(
    at: Lifting,
    name: str,
    x: Labelled,
    weights: np.ndarray,
    bias: np.ndarray | None,
    output: str,
) -> Lifted | None:
    """A fullyConnectedLayer over the last dimension of the tensor; ``weights`` in by out.

    That dimension holds the channels, with all spatial ones that are not of size 1. Its rows
    run in ONNX's order and come to MATLAB's, in which the height is fastest.
    """
    *before, last = x.axes
    if any(set(axis) & set("C123") for axis in before) or not set(last) & set("C123"):
        return None
    if set(last) - set("C123"):
        return None
    outputs = weights.shape[1]
    layer = with_arrays(
        FullyConnected(name=name, output_size=outputs, keeps_spatial=at.classic),
        Weights=rows_in_matlab_order(weights, last, at.lengths(x)),
        Bias=(np.zeros(outputs, weights.dtype) if bias is None else bias).reshape(-1, 1),
    )
    return Lifted.one(layer, [x], {output: (*before, "C")})


def rows_in_matlab_order(
    weights: np.ndarray, labels: str, lengths: Mapping[str, int | None]
) -> np.ndarray:
    """Weights in by out, whose rows run over these labels in C order, as out by in, whose
    columns run with the height fastest."""
    if len(labels) == 1:
        return reorder(weights, "IO", "OI")
    sizes = [lengths.get(label) for label in labels]
    known = [n for n in sizes if n is not None]
    if len(known) < len(sizes) or np.prod(known) != weights.shape[0]:
        raise LayerError("the sizes of the dimensions that are flattened are not known")
    blocks = weights.reshape(*known, weights.shape[1])
    order = "".join(label for label in "C321" if label in labels)
    return reorder(blocks, labels + "O", "O" + order).reshape(weights.shape[1], -1)


def convolution(at: Lifting, node: Node) -> Lifted | None:
    """Conv of one group. The inverse: onnx/windows.py."""
    if node.operator != "Conv" or node.integer("group", 1) != 1:
        return None
    arrays = filters_of(at, node, 0)
    card = CONVOLUTIONS.get(arrays[0].ndim - 2) if arrays else None
    if arrays is None or card is None:
        return None
    weights, bias = arrays
    spatial, ones = "S" * card.RANK, (1,) * card.RANK
    x = at.value(node.inputs[0])
    padding = padding_of(node, card.RANK)
    if moves_over(x.dims) != card.RANK or padding is None:
        return None
    layer = card(
        name=at.name(node),
        filter_size=weights.shape[2:],
        num_filters=weights.shape[0],
        stride=node.integers("strides") or ones,
        dilation_factor=node.integers("dilations") or ones,
        padding=padding,
    )
    weights = reorder(weights, "OI" + spatial, spatial + "IO")
    return Lifted.one(with_filters(layer, weights, bias), [x], {node.output: x.axes})


def with_filters(layer: Layer, weights: np.ndarray, bias: np.ndarray) -> Layer:
    """A convolution with its weights, in MATLAB's order, and a bias for each filter."""
    ones = (1,) * (weights.ndim - 2)
    return with_arrays(layer, Weights=weights, Bias=bias.reshape((*ones, -1)))


def filters_of(at: Lifting, node: Node, axis: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The weights of a convolution, whose filters lie along ``axis``, and the bias, zeros where
    it has none; None where one of them is computed."""
    weights = at.graph.constant(node.inputs[1])
    bias = at.graph.constant(node.inputs[2]) if node.has(2) else None
    if weights is None or weights.ndim <= axis or (bias is None and node.has(2)):
        return None
    return weights, np.zeros(weights.shape[axis], weights.dtype) if bias is None else bias


def moves_over(dims: str) -> int:
    """How many dimensions a window of this tensor moves over, time the last; 0 where the labels
    are not those of a window."""
    over = dims.removeprefix("BC")
    return len(over) if dims.startswith("BC") and over in WINDOWS else 0


def padding_of(node: Node, rank: int) -> Padding | None:
    """Padding as cards have it: pairs of before and after, or "same"; None for SAME_LOWER."""
    auto = node.text("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID"):
        pads = node.integers("pads") if auto == "NOTSET" else None
        pads = pads or (0,) * (2 * rank)
        return tuple(zip(pads[:rank], pads[rank:], strict=True))
    return "same" if auto == "SAME_UPPER" else None
