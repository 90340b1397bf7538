"""Nodes of which the file does not say what they compute: what the caller gives in their place."""

from __future__ import annotations

from matbridge.core.card import Layer
from matbridge.core.dims import batch_first, steps_first
from matbridge.errors import UnsupportedError
from matbridge.matlab.layer import read_properties
from matbridge.onnx.labels import Axes, axes_of
from matbridge.onnx.lifted import Labelled, Lifted, Lifting
from matbridge.onnx.nodes import Node
from matbridge.version import DOCS

__all__ = ["PLACEHOLDER", "given", "placeholder"]

# What MATLAB's exporter writes for a layer of which it has no ONNX form.
PLACEHOLDER = "com.mathworks::Placeholder"


def given(at: Lifting, node: Node) -> Lifted | None:
    """A layer that the caller gives for this node, by the layer's name, or a card for its
    operator; the node's attributes are the card's properties of these names."""
    name = at.name(node)
    layer = at.replacements.get(name) or _by_card(at, node)
    if layer is None:
        return None
    data = [n for n in node.inputs if n and at.graph.constant(n) is None]
    inputs = [at.value(n) for n in data]
    layer = layer.replace(name=name)
    if len(layer.inputs) != len(inputs):
        layer.refuse(f"has {len(layer.inputs)} inputs, but the node has {len(inputs)}")
    axes = _axes_after(at, layer, inputs)
    outputs = [n for n in node.outputs if n]
    return Lifted.one(layer, inputs, dict.fromkeys(outputs[: len(layer.outputs)], axes))


def _by_card(at: Lifting, node: Node) -> Layer | None:
    card = at.registry.find(node.operator)
    return None if card is None else read_properties(card, dict(node.attributes))[0]


def _axes_after(at: Lifting, layer: Layer, inputs: list[Labelled]) -> Axes:
    """The order in which the layer's output lies: that of its input, or as the exporter has it."""
    before = inputs[0].axes if inputs else ()
    sizes = [at.size(value) for value in inputs]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return before
    outcome = layer.inferred(*known)
    size = outcome[0] if isinstance(outcome, tuple) else outcome
    if known and sorted(size.format) == sorted(known[0].format):
        return before
    steps = "T" in size.format and at.from_matlab
    return axes_of(steps_first(size.format) if steps else batch_first(size.format))


def placeholder(at: Lifting, node: Node) -> Lifted | None:
    """A placeholder for which nothing was given. Raises UnsupportedError with the way out."""
    if node.operator != PLACEHOLDER:
        return None
    raise UnsupportedError(
        "MATLAB's exporter had no ONNX for this layer and wrote a placeholder, so that its class "
        "and its parameters are lost",
        mend="'matbridge repair' fills it from the original network, or by what you know it was: "
        f'replace={{"{at.name(node)}": tanhLayer()}}; registry=[Card] for a layer of your own. See '
        f"{DOCS}/onnx.md",
    )
