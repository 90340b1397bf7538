"""Normalization of MATLAB's input layers, which its exporter writes behind the input.

Seen in files is 'zerocenter', a Sub of the mean: `<input>_AvgImg` up to R2019a, `<input>_Mean`
since. 'zscore' and the two that rescale follow the documented equations; that the second
statistic is a range, not a deviation, only the name of its constant can tell. The inverse:
NormalizingInput.forward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.onnx.lifted import Labelled, Lifted, Lifting, with_arrays
from matbridge.onnx.nodes import Node, NodeGraph
from matbridge.onnx.patterns.arithmetic import expanded, in_matlab_order

__all__ = ["normalized_input"]

Statistics = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class _Step:
    """One node of the arithmetic: its operator, its constant and the name of that."""

    operator: str
    array: np.ndarray
    name: str


def normalized_input(at: Lifting, node: Node) -> Lifted | None:
    """The arithmetic from an input to this node as the Normalization of its layer."""
    nodes = _behind_input(at.graph, node)
    rule = RULES.get(tuple(n.operator for n in nodes))
    if rule is None:
        return None
    tensor = nodes[0].inputs[0]
    x = at.value(tensor)
    layer = at.layers[x.end]
    steps = [_step(at.graph, n, len(x.axes)) for n in nodes]
    told = rule(steps)
    if told is None or not layer.STATISTICS:
        return None
    kind, constants = told
    statistics = {name: in_matlab_order(array, x) for name, array in constants.items()}
    if any(array is None for array in statistics.values()):
        return None
    settled = with_arrays(layer.replace(normalization=kind), **statistics)
    return Lifted(replaces=(settled,), gives={node.output: Labelled(x.end, x.axes)})


def _behind_input(graph: NodeGraph, node: Node) -> list[Node]:
    """The nodes from an input to this one, each with a constant and read by the next alone;
    none where that is not what leads here."""
    nodes: list[Node] = []
    step: Node | None = node
    while step is not None and len(step.inputs) == 2 and len(nodes) < LONGEST:
        data, other = step.inputs
        if graph.constant(other) is None or (graph.only_user(data) is not step):
            return []
        nodes.insert(0, step)
        if data in graph.inputs:
            # The exporter's own results bear the layer's name: <input>_Sub.
            return nodes if all(n.output.startswith(f"{data}_") for n in nodes) else []
        step = graph.maker(data)
    return []


def _step(graph: NodeGraph, node: Node, rank: int) -> _Step:
    array = expanded(graph.constants[node.inputs[1]], node, rank)
    return _Step(node.operator, array, node.inputs[1])


def _zerocenter(steps: Sequence[_Step]) -> tuple[str, Statistics]:
    return "zerocenter", {"Mean": steps[0].array}


def _scaled(steps: Sequence[_Step]) -> tuple[str, Statistics]:
    """(x - a)/b: zscore, or where the names say so a rescaling to [0, 1]."""
    first, second = steps[0], steps[1]
    if "min" in first.name.lower():
        return "rescale-zero-one", {"Min": first.array, "Max": first.array + second.array}
    return "zscore", {"Mean": first.array, "StandardDeviation": second.array}


def _symmetric(steps: Sequence[_Step]) -> tuple[str, Statistics] | None:
    """2·(x - a)/b - 1."""
    low, span, factor, shift = (step.array for step in steps)
    sign = -1 if steps[3].operator == "Add" else 1
    if (factor != 2).any() or (sign * shift != 1).any():
        return None
    return "rescale-symmetric", {"Min": low, "Max": low + span}


# The most nodes of a rule.
LONGEST = 4
Rule = Callable[[Sequence[_Step]], tuple[str, Statistics] | None]

# Nodes by their operators, and what they say: a kind of normalization and its statistics.
RULES: Mapping[tuple[str, ...], Rule] = {
    ("Sub",): _zerocenter,
    ("Sub", "Div"): _scaled,
    ("Sub", "Div", "Mul", "Sub"): _symmetric,
    ("Sub", "Div", "Mul", "Add"): _symmetric,
}
