"""Padding that is a Pad of its own before a window, and pooling that remembers places.

From R2024b the exporter writes the rule of PaddingMode 'same' as a graph of 20 nodes in
floating-point arithmetic on the shape of the data, then Pad, then the window without padding.
That graph is not compared here but computed, for inputs of several sizes: what gives the rule's
numbers for all of them is the rule, however it is written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from matbridge.core.dims import same_padding, window_span
from matbridge.layers.pooling import MaxPooling2D, MaxUnpooling2D
from matbridge.onnx.lifted import Labelled, Lifted, Lifting, Pattern
from matbridge.onnx.nodes import Node, NodeGraph
from matbridge.onnx.patterns.layout import integers
from matbridge.onnx.patterns.standard import padding_of

__all__ = ["max_unpool", "padded", "pool_with_places", "same_at_this_size"]

# What the arithmetic on a shape is made of; nothing here makes large tensors of small ones.
ARITHMETIC = frozenset(
    "Shape Cast Div Mul Sub Add Ceil Floor Relu Max Min Neg Split Concat Slice Gather Squeeze "
    "Unsqueeze Reshape Transpose Constant Identity Clip".split()
)
MOST_NODES = 100
LARGEST_CONSTANT = 64
# A constant below this never wins in max pooling.
LOWEST = -3e38
MODES = {"reflect": "symmetric-exclude-edge", "edge": "replicate"}


def padded(*windows: Pattern) -> Pattern:
    """The pattern of Pad before a window that one of these patterns lifts."""

    def pattern(at: Lifting, node: Node) -> Lifted | None:
        node = _with_window(at.graph, node)
        pad = at.graph.maker(node.inputs[0]) if node.inputs else None
        if pad is None or pad.operator != "Pad" or pad.has(3) or not _rank(node):
            return None
        value = _padding_value(at.graph, pad)
        options = _as_options(at, pad, node)
        if options is None or not _fits(node, value):
            return None
        # The same window on what is not padded yet, with the padding as its own.
        inputs = (pad.inputs[0], *node.inputs[1:])
        joined = dataclasses.replace(node, inputs=inputs, attributes=options)
        lifted = next((lifted for w in windows if (lifted := w(at, joined))), None)
        return None if lifted is None else _with_value(lifted, node, value)

    return pattern


def same_at_this_size(*windows: Pattern) -> Pattern:
    """The pattern of padding that is uneven just as 'same' makes it of the data's size.

    Up to R2020b the exporter wrote 'same' as the numbers that it came to; even ones are as
    they may have been given.
    """

    def pattern(at: Lifting, node: Node) -> Lifted | None:
        node = _with_window(at.graph, node)
        pads, rank = node.integers("pads") or (), _rank(node)
        before, after = pads[:rank], pads[rank:]
        if not rank or before == after or len(after) != rank:
            return None
        lengths = at.lengths(at.value(node.inputs[0]))
        sizes = [lengths.get(label) or 0 for label in "123"[:rank]]
        if _rule(node, sizes) != pads:
            return None
        options = {**node.attributes, "pads": [0] * (2 * rank), "auto_pad": "SAME_UPPER"}
        joined = dataclasses.replace(node, attributes=options)
        return next((lifted for w in windows if (lifted := w(at, joined))), None)

    return pattern


def _padding_value(graph: NodeGraph, pad: Node) -> float | str | None:
    """The number around the data, MATLAB's word for a mode, None where MATLAB has none."""
    mode = pad.text("mode", "constant")
    if mode != "constant":
        return MODES.get(mode)
    name = "value" if "value" in pad.attributes else "constant_value"
    value = graph.option(pad, name, 2)
    if value is None:
        return None if pad.has(2) else 0.0
    return float(value.item()) if value.size == 1 else None


def _fits(node: Node, value: float | str | None) -> bool:
    """Whether the layer has such a padding: zeros or more in convolution, counted zeros in
    average pooling, nothing that wins in max pooling."""
    own = any(node.integers("pads") or (0,)) or node.text("auto_pad").startswith("SAME")
    if value is None or own:
        return False
    if node.operator == "MaxPool":
        return not isinstance(value, str) and value < LOWEST
    return node.operator == "Conv" or value == 0


def _with_value(lifted: Lifted, node: Node, value: float | str | None) -> Lifted:
    """Convolution has a PaddingValue; in pooling what was found to fit is the rule."""
    (layer,) = lifted.layers
    if value == 0 or node.operator != "Conv":
        return lifted
    return dataclasses.replace(lifted, layers=(layer.replace(padding_value=value),))


def _as_options(at: Lifting, pad: Node, node: Node) -> dict[str, object] | None:
    """The window's attributes with the amounts of a Pad; None where these are not known."""
    options = {**node.attributes, "auto_pad": "NOTSET"}
    if node.operator == "AveragePool":
        options["count_include_pad"] = 1
    known = at.graph.option(pad, "pads", 1)
    if known is None:
        if _is_same(at.graph, pad, node):
            return {**options, "auto_pad": "SAME_UPPER"}
        lengths = at.lengths(at.value(pad.inputs[0]))
        sizes = [lengths.get(label) for label in "123"[: _rank(node)]]
        settled = [n for n in sizes if n is not None]
        known = _amounts(at.graph, pad, settled) if len(settled) == len(sizes) else None
    amounts = integers(known)
    if amounts is None or min(amounts) < 0 or len(amounts) != 2 * (_rank(node) + 2):
        return None
    before, after = amounts[: len(amounts) // 2], amounts[len(amounts) // 2 :]
    if any((*before[:2], *after[:2])):
        return None
    return {**options, "pads": [*before[2:], *after[2:]]}


def _with_window(graph: NodeGraph, node: Node) -> Node:
    """The node with the size of its window, which a Conv may leave to its weights to tell."""
    if node.operator != "Conv" or "kernel_shape" in node.attributes or not node.has(1):
        return node
    weights = graph.constant(node.inputs[1])
    if weights is None:
        return node
    return dataclasses.replace(
        node, attributes={**node.attributes, "kernel_shape": list(weights.shape[2:])}
    )


def _rank(node: Node) -> int:
    return len(node.integers("kernel_shape") or ())


def _is_same(graph: NodeGraph, pad: Node, node: Node) -> bool:
    """Whether the amounts follow the rule of 'same' for inputs of every remainder."""
    window, dilations = node.integers("kernel_shape") or (), node.integers("dilations")
    spans = [
        window_span(*pair) for pair in zip(window, dilations or (1,) * len(window), strict=True)
    ]
    for more in range(max(node.integers("strides") or (1,)) + 1):
        sizes = [span + more for span in spans]
        rule = _rule(node, sizes)
        rank = len(sizes)
        if integers(_amounts(graph, pad, sizes)) != [0, 0, *rule[:rank], 0, 0, *rule[rank:]]:
            return False
    return True


def _rule(node: Node, sizes: Sequence[int]) -> tuple[int, ...]:
    """What 'same' comes to for data of these sizes: all amounts before, then all after."""
    window = node.integers("kernel_shape") or ()
    ones = (1,) * len(window)
    strides, dilations = node.integers("strides") or ones, node.integers("dilations") or ones
    quads = zip(sizes, window, strides, dilations, strict=True)
    pairs = [same_padding(n, k, s, d) for n, k, s, d in quads]
    return (*(a for a, _ in pairs), *(b for _, b in pairs))


def _amounts(graph: NodeGraph, pad: Node, sizes: Sequence[int]) -> np.ndarray | None:
    """The amounts that the graph computes for data with these spatial sizes; None where they
    do not depend on the shape alone."""
    data, target = pad.inputs[:2]
    nodes = list(_arithmetic(graph, target, data))
    if not nodes:
        return None
    read = {name for node in nodes for name in node.inputs}
    constants = {name: array for name in read if (array := graph.constant(name)) is not None}
    if any(array.size > LARGEST_CONSTANT for array in constants.values()):
        return None
    entry = helper.make_tensor_value_info(data, TensorProto.FLOAT, [None] * (len(sizes) + 2))
    model = helper.make_model(
        helper.make_graph(
            [node.proto for node in nodes],
            "padding",
            [entry],
            [helper.make_empty_tensor_value_info(target)],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", graph.opset)],
    )
    values = np.broadcast_to(np.float32(0), (1, 1, *sizes))
    try:
        (amounts,) = ReferenceEvaluator(model).run(None, {data: values})
    except (ValueError, TypeError, RuntimeError, IndexError, AttributeError):
        # What the evaluator cannot compute is no rule that we know.
        return None
    return np.asarray(amounts)


def _arithmetic(graph: NodeGraph, target: str, data: str) -> Iterator[Node]:
    """The nodes between the shape of the data and a tensor, in order; none where others than
    those of arithmetic on a shape are among them."""
    waiting, found = [target], dict[int, Node]()
    while waiting:
        node = graph.maker(waiting.pop())
        if node is None or node.place in found:
            continue
        if node.operator not in ARITHMETIC or len(found) > MOST_NODES:
            return
        found[node.place] = node
        if node.operator != "Shape":
            waiting += node.inputs
        elif node.inputs[0] != data:
            return
    yield from (found[place] for place in sorted(found))


def pool_with_places(at: Lifting, node: Node) -> Lifted | None:
    """MaxPool whose second output something reads: HasUnpoolingOutputs."""
    if node.operator != "MaxPool" or len(node.outputs) < 2:
        return None
    window, padding = node.integers("kernel_shape"), padding_of(node, 2)
    if not at.graph.users(node.outputs[1]) or window is None or padding is None:
        return None
    x = at.value(node.inputs[0])
    if x.dims != "BCSS" or set(node.integers("dilations") or (1,)) != {1}:
        return None
    layer = MaxPooling2D(
        name=at.name(node, "_out"),
        pool_size=window,
        stride=node.integers("strides") or (1, 1),
        padding=padding,
        has_unpooling_outputs=True,
    )
    return Lifted.one(layer, [x], dict.fromkeys(node.outputs[:2], x.axes))


def max_unpool(at: Lifting, node: Node) -> Lifted | None:
    """com.mathworks::MaxUnpool of data, the places, and the shape of what was pooled."""
    if node.operator != "com.mathworks::MaxUnpool" or len(node.inputs) != 3:
        return None
    pool, shape = at.graph.maker(node.inputs[1]), at.graph.maker(node.inputs[2])
    if pool is None or shape is None or shape.operator != "Shape":
        return None
    if pool.operator != "MaxPool" or pool.inputs[0] != shape.inputs[0]:
        return None
    x, places = at.value(node.inputs[0]), at.value(node.inputs[1])
    # The layer's third output, which stands for the size.
    size = Labelled(places.end.rpartition("/")[0] + "/size", places.axes)
    layer = MaxUnpooling2D(name=at.name(node))
    return Lifted.one(layer, [x, places, size], {node.output: x.axes})
