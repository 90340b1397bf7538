"""Functions of each element that MATLAB has as layers: one node, or the few of which other tools
make them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from matbridge.core.card import Layer
from matbridge.layers.activation import ELU, GELU, ClippedReLU, LeakyReLU, PReLU, ReLU, Softplus
from matbridge.layers.activation import Swish as SwishLayer
from matbridge.layers.imported import Clip
from matbridge.onnx.lifted import Lifted, Lifting, with_arrays
from matbridge.onnx.nodes import Node, NodeGraph
from matbridge.onnx.patterns.arithmetic import expanded, in_matlab_order

__all__ = ["activation", "gelu", "prelu", "swish"]


def _clip(graph: NodeGraph, node: Node) -> Layer | None:
    """Bounds are attributes before opset 11, constants since."""
    bounds = [graph.option(node, name, place) for place, name in enumerate(("min", "max"), 1)]
    if any(node.has(place) and bound is None for place, bound in enumerate(bounds, 1)):
        return None
    low, high = (None if bound is None else float(bound.item()) for bound in bounds)
    if low == 0:
        return ReLU() if high is None or high == math.inf else ClippedReLU(ceiling=high)
    return None if low is None or high is None else Clip(low=low, high=high)


def _gelu(graph: NodeGraph, node: Node) -> Layer:
    return GELU(approximation=node.text("approximate", "none"))


def _swish(graph: NodeGraph, node: Node) -> Layer | None:
    return SwishLayer() if node.number("alpha", 1.0) == 1 else None


LAYERS: Mapping[str, Callable[[NodeGraph, Node], Layer | None]] = {
    "Clip": _clip,
    "Elu": lambda graph, node: ELU(alpha=node.number("alpha", 1.0)),
    "Gelu": _gelu,
    "LeakyRelu": lambda graph, node: LeakyReLU(scale=node.number("alpha", 0.01)),
    "Softplus": lambda graph, node: Softplus(),
    "Swish": _swish,
}


def activation(at: Lifting, node: Node) -> Lifted | None:
    """One node that is a layer with its options. The inverse: onnx/elementwise.py."""
    made = LAYERS.get(node.operator)
    layer = made(at.graph, node) if made and at.graph.is_floating(node.output) else None
    return None if layer is None else _answered(at, node, layer, node.inputs[0])


def _answered(at: Lifting, node: Node, layer: Layer, data: str) -> Lifted:
    x = at.value(data)
    return Lifted.one(layer.replace(name=at.name(node)), [x], {node.output: x.axes})


def prelu(at: Lifting, node: Node) -> Lifted | None:
    """PRelu with constant slopes."""
    slope = at.graph.constant(node.inputs[1]) if node.operator == "PRelu" else None
    if slope is None:
        return None
    x = at.value(node.inputs[0])
    if at.graph.opset < 7 and slope.ndim == 1:
        slope = slope.reshape(-1, *(1,) * (len(x.axes) - 2))
    array = in_matlab_order(expanded(slope, node, len(x.axes)), x)
    if array is None:
        return None
    layer = with_arrays(PReLU(name=at.name(node)), Alpha=array)
    return Lifted.one(layer, [x], {node.output: x.axes})


def swish(at: Lifting, node: Node) -> Lifted | None:
    """x·sigmoid(x), as PyTorch and Keras write it."""
    if node.operator != "Mul":
        return None
    for data, other in (node.inputs, node.inputs[::-1]):
        gate = at.graph.maker(other)
        if gate is not None and gate.operator == "Sigmoid" and gate.inputs[0] == data:
            return _answered(at, node, SwishLayer(), data)
    return None


def gelu(at: Lifting, node: Node) -> Lifted | None:
    """x/2·(1 + erf(x/√2)), or with tanh(√(2/π)·(x + 0.044715·x³)), multiplied in any order."""
    if node.operator != "Mul":
        return None
    number, factors = 1.0, []
    for factor in _factors(at.graph, node):
        array = at.graph.constant(factor)
        if array is not None and array.size == 1:
            number *= float(array.item())
        else:
            factors.append(factor)
    if len(factors) != 2 or not math.isclose(number, 0.5, rel_tol=1e-5):
        return None
    for data, other in (factors, factors[::-1]):
        curve = _plus(at.graph, other, 1.0)
        inner = at.graph.maker(curve) if curve else None
        if inner is None:
            continue
        if inner.operator == "Erf" and _scaled(at.graph, inner.inputs[0], data, math.sqrt(0.5)):
            return _answered(at, node, GELU(), data)
        if inner.operator == "Tanh" and _is_cubic(at.graph, inner.inputs[0], data):
            return _answered(at, node, GELU(approximation="tanh"), data)
    return None


def _factors(graph: NodeGraph, node: Node, depth: int = 2) -> Iterator[str]:
    """The tensors that this product multiplies, through products that nothing else reads."""
    for name in node.inputs:
        maker = graph.maker(name)
        inner = maker is not None and maker.operator == "Mul" and graph.constant(name) is None
        if inner and maker is not None and depth and graph.only_user(name):
            yield from _factors(graph, maker, depth - 1)
        else:
            yield name


def _number(graph: NodeGraph, name: str) -> float | None:
    array = graph.constant(name)
    return float(array.item()) if array is not None and array.size == 1 else None


def _plus(graph: NodeGraph, name: str, number: float) -> str:
    """What stands beside this number in a sum, "" where that is none."""
    node = graph.maker(name)
    if node is None or node.operator != "Add":
        return ""
    for data, other in (node.inputs, node.inputs[::-1]):
        if _number(graph, other) == number:
            return data
    return ""


def _scaled(graph: NodeGraph, name: str, data: str, scale: float) -> bool:
    """Whether the tensor is ``data`` times this number."""
    node = graph.maker(name)
    if node is None or node.operator not in ("Mul", "Div") or data not in node.inputs:
        return False
    other = next((n for n in node.inputs if n != data), "")
    number = _number(graph, other)
    if not number or (node.operator == "Div" and node.inputs[0] != data):
        return False
    return math.isclose(number if node.operator == "Mul" else 1 / number, scale, rel_tol=1e-5)


def _is_cubic(graph: NodeGraph, name: str, data: str) -> bool:
    """Whether the tensor is √(2/π)·(x + 0.044715·x³)."""
    node = graph.maker(name)
    if node is None or node.operator != "Mul":
        return False
    for total, other in (node.inputs, node.inputs[::-1]):
        number, inner = _number(graph, other), graph.maker(total)
        if number is None or inner is None or inner.operator != "Add" or data not in inner.inputs:
            continue
        rest = next((n for n in inner.inputs if n != data), "")
        if math.isclose(number, math.sqrt(2 / math.pi), rel_tol=1e-5):
            return _is_cube(graph, rest, data)
    return False


def _is_cube(graph: NodeGraph, name: str, data: str) -> bool:
    """Whether the tensor is 0.044715·x³."""
    node = graph.maker(name)
    if node is None or node.operator != "Mul":
        return False
    factors, number = [], 1.0
    for factor in _factors(graph, node):
        known = _number(graph, factor)
        power = graph.maker(factor)
        if known is not None:
            number *= known
        elif power is not None and power.operator == "Pow" and power.inputs[0] == data:
            factors += [data] * int(_number(graph, power.inputs[1]) or 0)
        else:
            factors.append(factor)
    return factors == [data] * 3 and bool(np.isclose(number, 0.044715, rtol=1e-5))
