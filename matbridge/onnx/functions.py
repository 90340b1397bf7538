"""A model's own functions, put in place of the nodes that call them."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

import onnx
from onnx import inliner

from matbridge.errors import FormatError

__all__ = ["inlined"]

# A function by its domain, name and overload, which nodes that call it bear as well.
Key = tuple[str, str, str]


def inlined(model: onnx.ModelProto, most: int) -> onnx.ModelProto:
    """The model without functions of its own.

    Raises FormatError where they call each other in a circle, or make more than ``most`` nodes: a
    few that each call the one before twice are any number of nodes.
    """
    if not model.functions:
        return model
    counts = _counts(model.functions)
    total = sum(counts.get(_called(node), 1) for node in model.graph.node)
    if total > most:
        raise FormatError(f"its functions make {total:,} nodes, more than {most:,}")
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # onnx raises what it likes
        said = str(error).partition("\n")[0]
        raise FormatError(f"its functions cannot be put in place: {said}") from None


def _counts(functions: Iterable[onnx.FunctionProto]) -> dict[Key, int]:
    """How many nodes a call of each function makes."""
    bodies = {(f.domain, f.name, f.overload): [_called(n) for n in f.node] for f in functions}
    counts: dict[Key, int] = {}
    calls = {key: set(body) & bodies.keys() for key, body in bodies.items()}
    try:
        # Those that are called stand before those that call them.
        for key in TopologicalSorter(calls).static_order():
            counts[key] = sum(counts.get(called, 1) for called in bodies[key])
    except CycleError as error:
        raise FormatError(f"the function {error.args[1][0][1]!r} calls itself") from None
    return counts


def _called(node: onnx.NodeProto) -> Key:
    return node.domain, node.op_type, node.overload
