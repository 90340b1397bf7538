"""Windows and what goes with them: pooling, grouped and transposed convolution, batch
normalization, softmax.

The inverses: onnx/windows.py, OnnxBackend.softmax.
"""

from __future__ import annotations

from collections.abc import Mapping

from matbridge.core.card import Layer
from matbridge.core.dims import reorder
from matbridge.layers.activation import Softmax
from matbridge.layers.convolution import GroupedConvolution2D
from matbridge.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from matbridge.layers.normalization import BatchNormalization
from matbridge.layers.pooling import (
    AveragePooling,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from matbridge.layers.transposed import (
    TransposedConvolution1D,
    TransposedConvolution2D,
    TransposedConvolution3D,
)
from matbridge.onnx.lifted import Lifted, Lifting, with_arrays
from matbridge.onnx.nodes import Node
from matbridge.onnx.patterns.standard import filters_of, moves_over, padding_of, with_filters

__all__ = [
    "batch_normalization",
    "global_pool",
    "grouped_convolution",
    "pool",
    "softmax",
    "transposed_convolution",
]

# By the number of spatial dimensions, from 1.
POOLS: Mapping[str, tuple[type[MaxPooling | AveragePooling], ...]] = {
    "MaxPool": (MaxPooling1D, MaxPooling2D, MaxPooling3D),
    "AveragePool": (AveragePooling1D, AveragePooling2D, AveragePooling3D),
}
GLOBAL: Mapping[str, tuple[type[Layer], ...]] = {
    "GlobalAveragePool": (
        GlobalAveragePooling1D,
        GlobalAveragePooling2D,
        GlobalAveragePooling3D,
    ),
    "GlobalMaxPool": (GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D),
}
TRANSPOSED = {1: TransposedConvolution1D, 2: TransposedConvolution2D, 3: TransposedConvolution3D}


def pool(at: Lifting, node: Node) -> Lifted | None:
    """MaxPool without places, AveragePool. Padding that does not count is 'mean'."""
    cards = POOLS.get(node.operator)
    window = node.integers("kernel_shape")
    if cards is None or window is None or len(window) > len(cards):
        return None
    others = node.integer("ceil_mode", 0) or any(at.graph.users(n) for n in node.outputs[1:])
    padding = padding_of(node, len(window))
    if others or padding is None or set(node.integers("dilations") or (1,)) != {1}:
        return None
    x = at.value(node.inputs[0])
    if moves_over(x.dims) != len(window):
        return None
    layer: Layer = cards[len(window) - 1](
        name=at.name(node),
        pool_size=window,
        stride=node.integers("strides") or (1,) * len(window),
        padding=padding,
    )
    pads = isinstance(padding, str) or any(any(pair) for pair in padding)
    if node.operator == "AveragePool" and pads and not node.integer("count_include_pad", 0):
        layer = layer.replace(padding_value="mean")
    return Lifted.one(layer, [x], {node.output: x.axes})


def global_pool(at: Lifting, node: Node) -> Lifted | None:
    """GlobalAveragePool, GlobalMaxPool: spatial dimensions stay with size 1, time goes."""
    cards = GLOBAL.get(node.operator)
    if cards is None:
        return None
    x = at.value(node.inputs[0])
    rank = x.dims.count("S") or x.dims.count("T")
    if x.dims not in ("BC" + "S" * rank, "BCT") or not rank:
        return None
    layer = cards[rank - 1](name=at.name(node))
    axes = tuple("" if axis == "T" else axis for axis in x.axes)
    return Lifted.one(layer, [x], {node.output: axes})


def grouped_convolution(at: Lifting, node: Node) -> Lifted | None:
    """Conv of several groups of channels, over images."""
    groups = node.integer("group", 1)
    if node.operator != "Conv" or groups < 2:
        return None
    arrays = filters_of(at, node, 0)
    padding = padding_of(node, 2)
    if arrays is None or arrays[0].ndim != 4 or padding is None:
        return None
    weights, bias = arrays
    x = at.value(node.inputs[0])
    filters = weights.shape[0] // groups
    if x.dims != "BCSS" or filters * groups != weights.shape[0]:
        return None
    layer = GroupedConvolution2D(
        name=at.name(node),
        filter_size=weights.shape[2:],
        num_filters_per_group=filters,
        num_groups=groups,
        stride=node.integers("strides") or (1, 1),
        dilation_factor=node.integers("dilations") or (1, 1),
        padding=padding,
    )
    filled = with_arrays(
        layer,
        Weights=reorder(weights.reshape(groups, filters, *weights.shape[1:]), "GOISS", "SSIOG"),
        Bias=reorder(bias.reshape(groups, filters, 1, 1), "GOSS", "SSOG"),
    )
    return Lifted.one(filled, [x], {node.output: x.axes})


def batch_normalization(at: Lifting, node: Node) -> Lifted | None:
    """BatchNormalization over the second dimension; is_test and consumed_inputs of old opsets
    say that it is prediction."""
    trains = node.integer("training_mode", 0) or not node.integer("spatial", 1)
    if node.operator != "BatchNormalization" or trains or len(node.inputs) != 5:
        return None
    if any(at.graph.users(name) for name in node.outputs[1:]):
        return None
    arrays = [at.graph.constant(name) for name in node.inputs[1:]]
    x = at.value(node.inputs[0])
    size = at.size(x)
    if size is None or len(x.axes) < 2 or x.axes[1] != "C":
        return None
    shape = (1,) * len(size.spatial) + (-1,) if size.spatial else (-1, 1)
    names = ("Scale", "Offset", "TrainedMean", "TrainedVariance")
    known = {n: a.reshape(shape) for n, a in zip(names, arrays, strict=True) if a is not None}
    if len(known) < len(names):
        return None
    layer = BatchNormalization(name=at.name(node), epsilon=node.number("epsilon", 1e-5))
    return Lifted.one(with_arrays(layer, **known), [x], {node.output: x.axes})


def softmax(at: Lifting, node: Node) -> Lifted | None:
    """Softmax over the channels. Before opset 13 it runs over all dimensions from axis on."""
    if node.operator != "Softmax":
        return None
    old = at.graph.opset < 13
    x = at.value(node.inputs[0])
    axis = node.integer("axis", 1 if old else -1) % len(x.axes)
    lengths = at.lengths(x)
    over = x.axes[axis:] if old else x.axes[axis : axis + 1]
    counts = [label for group in over for label in group if lengths.get(label) != 1]
    # One channel alone is 1 whatever it is.
    if counts not in (["C"], []) or (not counts and lengths.get("C") != 1):
        return None
    return Lifted.one(Softmax(name=at.name(node)), [x], {node.output: x.axes})


def transposed_convolution(at: Lifting, node: Node) -> Lifted | None:
    """ConvTranspose of one group, whose output has the size that MATLAB's has."""
    if node.operator != "ConvTranspose" or node.integer("group", 1) != 1:
        return None
    arrays = filters_of(at, node, 1)
    card = TRANSPOSED.get(arrays[0].ndim - 2) if arrays else None
    if arrays is None or card is None:
        return None
    weights, bias = arrays
    spatial, ones = "S" * card.RANK, (1,) * card.RANK
    plain = not any(node.integers("output_padding") or ()) and not node.integers("output_shape")
    dilated = set(node.integers("dilations") or ones) != {1}
    padding = padding_of(node, card.RANK)
    x = at.value(node.inputs[0])
    if x.dims != "BC" + spatial or dilated or not plain or isinstance(padding, str | None):
        return None
    layer = card(
        name=at.name(node),
        filter_size=weights.shape[2:],
        num_filters=weights.shape[1],
        stride=node.integers("strides") or ones,
        cropping=padding,
    )
    weights = reorder(weights, "IO" + spatial, spatial + "OI")
    return Lifted.one(with_filters(layer, weights, bias), [x], {node.output: x.axes})
