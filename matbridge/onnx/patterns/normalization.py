"""Normalizations and means over whole dimensions as MATLAB's layers, and transposed convolution."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from matbridge.core.card import Layer
from matbridge.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from matbridge.layers.normalization import (
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
)
from matbridge.onnx.lifted import Labelled, Lifted, Lifting, with_arrays
from matbridge.onnx.nodes import Node, NodeGraph
from matbridge.onnx.patterns.layout import integers

__all__ = [
    "image_normalization",
    "layer_normalization",
    "layer_normalization_by_steps",
    "reduction",
]

Pools = tuple[type[Layer], type[Layer], type[Layer]]
POOLS: Mapping[str, Pools] = {
    "ReduceMean": (GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D),
    "ReduceMax": (GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D),
}


def _per_channel(at: Lifting, x: Labelled, array: np.ndarray) -> np.ndarray:
    """One value for each channel as MATLAB saves it: 1×1×C beside images, else C×1."""
    size = at.size(x)
    spatial = len(size.spatial) if size is not None else 0
    return array.reshape((1,) * spatial + (-1,) if spatial else (-1, 1))


def _arrays(at: Lifting, node: Node, x: Labelled, channels: int) -> dict[str, np.ndarray] | None:
    """Scale and Offset of a normalization; None where one is no constant of so many values."""
    scale = at.graph.constant(node.inputs[1])
    if scale is None or scale.size != channels or scale.ndim != 1:
        return None
    offset = at.graph.constant(node.inputs[2]) if node.has(2) else np.zeros_like(scale)
    if offset is None or offset.shape != scale.shape:
        return None
    pairs = {"Scale": scale, "Offset": offset}
    return {name: _per_channel(at, x, array) for name, array in pairs.items()}


def layer_normalization(at: Lifting, node: Node) -> Lifted | None:
    """LayerNormalization over the last dimension, if that is the channels."""
    if node.operator != "LayerNormalization":
        return None
    if any(at.graph.users(name) or name in at.graph.outputs for name in node.outputs[1:]):
        return None
    x = at.value(node.inputs[0])
    last = node.integer("axis", -1) in (-1, len(x.axes) - 1)
    channels = at.lengths(x).get("C")
    if not last or x.axes[-1] != "C" or channels is None:
        return None
    arrays = _arrays(at, node, x, channels)
    if arrays is None:
        return None
    layer = LayerNormalization(
        name=at.name(node),
        epsilon=node.number("epsilon", 1e-5),
        operation_dimension="channel-only",
    )
    return Lifted.one(with_arrays(layer, **arrays), [x], {node.output: x.axes})


def layer_normalization_by_steps(at: Lifting, node: Node) -> Lifted | None:
    """(x - μ)/√(σ² + ε)·scale + offset over the channels, in single nodes as before opset 17;
    without scale and offset where there are none, or others than one for each channel."""
    graph = at.graph
    ends, offset = _beside(graph, node, "Add")
    product = graph.maker(ends)
    inner, scale = _beside(graph, product, "Mul") if product is not None else ("", None)
    quotient = graph.maker(inner) if offset is not None and scale is not None else node
    told = _standardized(graph, quotient) if quotient is not None else None
    if told is None:
        return None
    data, epsilon = told
    x = at.value(data)
    channels = at.lengths(x).get("C")
    if x.axes[-1] != "C" or channels is None:
        return None
    if quotient is node or scale is None or offset is None:
        scale, offset = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    if scale.shape != (channels,) or offset.shape != (channels,):
        return None
    arrays = {n: _per_channel(at, x, a) for n, a in (("Scale", scale), ("Offset", offset))}
    layer = LayerNormalization(
        name=at.name(node), epsilon=epsilon, operation_dimension="channel-only"
    )
    return Lifted.one(with_arrays(layer, **arrays), [x], {node.output: x.axes})


def _standardized(graph: NodeGraph, quotient: Node) -> tuple[str, float] | None:
    """The data and ε of (x - μ)/√(mean((x - μ)²) + ε), each mean over the last dimension."""
    steps = [graph.maker(name) for name in quotient.inputs]
    if quotient.operator != "Div" or [s and s.operator for s in steps] != ["Sub", "Sqrt"]:
        return None
    centred, root = steps
    assert centred is not None
    assert root is not None
    mean, total = graph.maker(centred.inputs[1]), graph.maker(root.inputs[0])
    variance, epsilon = _beside(graph, total, "Add") if total is not None else ("", None)
    spread = graph.maker(variance)
    square = graph.maker(spread.inputs[0]) if spread is not None else None
    if mean is None or spread is None or square is None or epsilon is None or epsilon.size != 1:
        return None
    means = _over_last(graph, mean) and _over_last(graph, spread)
    if not means or mean.inputs[0] != centred.inputs[0]:
        return None
    if not _is_square(graph, square, quotient.inputs[0]):
        return None
    return centred.inputs[0], float(str(np.float32(epsilon.item())))


def _beside(graph: NodeGraph, node: Node, operator: str) -> tuple[str, np.ndarray | None]:
    """The data that this operator joins with a constant, and that; ("", None) for anything else."""
    if node.operator == operator and len(node.inputs) == 2:
        for data, other in (node.inputs, node.inputs[::-1]):
            array = graph.constant(other)
            if array is not None and graph.constant(data) is None:
                return data, array
    return "", None


def _over_last(graph: NodeGraph, node: Node) -> bool:
    """Whether the node is the mean over the last dimension, which stays with size 1."""
    rank = graph.rank(node.inputs[0])
    places = integers(graph.option(node, "axes", 1)) if node.operator == "ReduceMean" else None
    last = places == [-1] or (rank is not None and places == [rank - 1])
    return last and bool(node.integer("keepdims", 1))


def _is_square(graph: NodeGraph, node: Node, data: str) -> bool:
    """x² as a power or as a product."""
    if node.operator == "Mul":
        return list(node.inputs) == [data, data]
    power = graph.constant(node.inputs[1]) if node.operator == "Pow" else None
    return power is not None and node.inputs[0] == data and power.size == 1 and power.item() == 2


def image_normalization(at: Lifting, node: Node) -> Lifted | None:
    """InstanceNormalization, and GroupNormalization of opset 21, over N×C×... ."""
    if node.operator not in ("InstanceNormalization", "GroupNormalization"):
        return None
    x = at.value(node.inputs[0])
    channels = at.lengths(x).get("C")
    if x.dims not in ("BCS", "BCSS", "BCSSS") or channels is None:
        return None
    arrays = _arrays(at, node, x, channels)
    # Before opset 21 a scale is that of a group.
    if arrays is None or (node.operator == "GroupNormalization" and at.graph.opset < 21):
        return None
    options = {"name": at.name(node), "epsilon": node.number("epsilon", 1e-5)}
    layer: Layer = (
        InstanceNormalization(**options)  # type: ignore[arg-type]
        if node.operator == "InstanceNormalization"
        else GroupNormalization(num_groups=node.integer("num_groups", 1), **options)  # type: ignore[arg-type]
    )
    return Lifted.one(with_arrays(layer, **arrays), [x], {node.output: x.axes})


def reduction(at: Lifting, node: Node) -> Lifted | None:
    """ReduceMean or ReduceMax over all spatial dimensions, or over time."""
    cards = POOLS.get(node.operator)
    places = integers(at.graph.option(node, "axes", 1)) if cards else None
    if cards is None or not places or not at.graph.is_floating(node.output):
        return None
    x = at.value(node.inputs[0])
    size = at.size(x)
    over = {place % len(x.axes) for place in places}
    labels = sorted("".join(x.axes[place] for place in over))
    if size is None or "C" not in size.format:
        return None
    spatial = [str(n) for n in range(1, len(size.spatial) + 1)]
    if labels != (spatial or ["T"]) or ("T" in size.format and spatial):
        return None
    layer = cards[max(len(spatial), 1) - 1](name=at.name(node))
    # MATLAB keeps spatial dimensions, with size 1, and drops time.
    kept = list(x.axes) if spatial else ["" if axis == "T" else axis for axis in x.axes]
    if not node.integer("keepdims", 1):
        kept = [axis for place, axis in enumerate(x.axes) if place not in over]
    return Lifted.one(layer, [x], {node.output: tuple(kept)})
