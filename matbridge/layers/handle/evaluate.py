"""A parsed function over the words of :mod:`matbridge.ops`.

A layer whose function is not Formattable sees arrays without labels, in MATLAB's order of
dimensions; so does this: every value carries the order in which MATLAB would count its
dimensions, and values are matched by position. Constants are values too, of NumPy data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from matbridge.core.dims import NUMBERED, Extent, canonical
from matbridge.errors import MismatchError
from matbridge.layers.handle.arrays import Arrays
from matbridge.layers.handle.functions import FUNCTIONS, OPERATORS
from matbridge.layers.handle.index import indexed
from matbridge.layers.handle.parse import Function, Node, unsupported
from matbridge.layers.handle.values import Arguments, Budget, Labelled, Operand, known
from matbridge.ops import ArrayOps, Value
from matbridge.ops.layout import numbered, unnumbered

__all__ = ["evaluate"]

# What comes of a text that says nothing that can be computed.
ODD = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
CONSTANTS = {
    "pi": np.pi,
    "eps": 2.0**-52,
    "Inf": np.inf,
    "inf": np.inf,
    "NaN": np.nan,
    "nan": np.nan,
    "true": 1.0,
    "false": 0.0,
}
# The longest range that a handle may write out.
MOST_ELEMENTS = 100_000


def evaluate(
    ops: ArrayOps,
    function: Function,
    workspace: Mapping[str, object],
    inputs: Sequence[Value],
    text: str,
    formattable: bool = False,
) -> Value:
    """The value of ``function``; ``workspace`` are the variables that it captured.

    The result has the labels of the first input, dimension by dimension, or its own where
    the layer is ``formattable``. Raises UnsupportedError for what is not
    understood; ``text`` is the handle's, for the message.
    """
    try:
        return _evaluated(ops, function, workspace, inputs, text, formattable)
    except ODD as error:
        # Handles come from files: whatever one says, the answer is one line.
        raise unsupported(text, f"it cannot be evaluated ({error})") from error


def _evaluated(
    ops: ArrayOps,
    function: Function,
    workspace: Mapping[str, object],
    inputs: Sequence[Value],
    text: str,
    formattable: bool,
) -> Value:
    labelled = [_enter(ops, x, formattable) for x in inputs]
    sizes = [[n for n in ops.sizes(x) if known(n)] for x in inputs]
    run = Arrays(ops, text, Budget(text, sum(map(math.prod, sizes))))
    # @relu, a name alone, takes whatever comes.
    if function.body.kind == "call" and not function.parameters:
        result = Evaluation(run, workspace).call(function.body.value, labelled)
    else:
        if len(function.parameters) != len(inputs):
            raise unsupported(text, f"it takes {len(function.parameters)} arguments")
        scope = dict(zip(function.parameters, labelled, strict=True))
        result = Evaluation(run, {**workspace, **scope}).node(function.body)
    if not isinstance(result, Labelled) or result.constant:
        raise unsupported(text, "its result does not depend on its input")
    return _leave(run, result, result.order if formattable else labelled[0].order)


def _enter(ops: ArrayOps, x: Value, formattable: bool) -> Labelled:
    dims = numbered(x.dims)
    return Labelled(ops.rename(x, dims), canonical(dims), formattable)


def _leave(run: Arrays, result: Labelled, order: str) -> Value:
    """By position: the first dimension of the result has the first label of the input."""
    if set(order) - set(NUMBERED):
        raise unsupported(run.text, "its result has no labels; dlarray(..., format) gives them")
    result = run.spread(run.trimmed(result, len(order)), len(order))
    if len(result.order) > len(order):
        raise unsupported(run.text, "its result has more dimensions than its input")
    names = dict(zip(result.order, order, strict=True))
    value = run.ops.rename(result.value, "".join(names[d] for d in result.value.dims))
    # Once their numbers are gone, the first S must be the first.
    places = iter(sorted(d for d in value.dims if d in "123"))
    dims = "".join(next(places) if d in "123" else d for d in value.dims)
    return run.ops.rename(run.ops.align(value, dims), unnumbered(dims))


class Evaluation:
    """A walk over the tree: the names in scope, and the arrays that they stand for."""

    def __init__(self, run: Arrays, names: Mapping[str, object]) -> None:
        self.run = run
        self.names = names

    def node(self, node: Node) -> Operand:
        return getattr(self, f"on_{node.kind}")(node)

    def on_number(self, node: Node) -> Operand:
        return self.run.array(float(node.value))

    def on_text(self, node: Node) -> Operand:
        return node.value

    def on_name(self, node: Node) -> Operand:
        if node.value in self.names:
            return self.captured(node.value)
        if node.value in CONSTANTS:
            return self.run.array(CONSTANTS[node.value])
        raise unsupported(self.run.text, f"{node.value} is not known")

    def captured(self, name: str) -> Operand:
        """A parameter, or a variable that the handle holds."""
        value = self.names[name]
        if isinstance(value, Labelled | str):
            return value
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise unsupported(self.run.text, f"{name} is not an array of real numbers")
        return self.run.array(array)

    def on_colon(self, node: Node) -> Operand:
        raise unsupported(self.run.text, "':' is not expected there")

    def on_range(self, node: Node) -> Operand:
        ends = [self.run.numbers(self.node(part)) for part in node.parts]
        if not all(end is not None and end.size and np.isfinite(end).all() for end in ends):
            raise self.run.refuse("a range is not of numbers")
        first, *step, last = (float(end.reshape(-1)[0]) for end in ends if end is not None)
        by = step[0] if step else 1.0
        steps = (last - first) / by if by else -1.0
        if steps > MOST_ELEMENTS:
            raise unsupported(self.run.text, "a range is too long")
        # 0:0.1:0.3 has its last element though 0.3/0.1 is a little less than 3.
        count = max(math.floor(steps + 1e-9) + 1, 0)
        return self.run.array(np.array([[first + by * i for i in range(count)]]).reshape(1, -1))

    def on_unary(self, node: Node) -> Operand:
        return OPERATORS[f"unary {node.value}"](self.run, [self.node(node.parts[0])])

    def on_transpose(self, node: Node) -> Operand:
        return FUNCTIONS["transpose"](self.run, [self.node(node.parts[0])])

    def on_binary(self, node: Node) -> Operand:
        return OPERATORS[node.value](self.run, [self.node(part) for part in node.parts])

    def on_row(self, node: Node) -> Operand:
        return self.run.join([self.node(part) for part in node.parts], 1)

    def on_column(self, node: Node) -> Operand:
        return self.run.join([self.node(part) for part in node.parts], 0)

    def on_call(self, node: Node) -> Operand:
        if node.value in self.names:
            return indexed(self.run, self.captured(node.value), node.parts, self.number)
        return self.call(node.value, [self.node(part) for part in node.parts])

    def call(self, name: str, arguments: Arguments) -> Operand:
        """A function of MATLAB's, by name."""
        short = name.rpartition(".")[2] if name.startswith("deep.transform.") else name
        if short not in FUNCTIONS:
            raise unsupported(self.run.text, f"the function {name} is not known")
        try:
            return FUNCTIONS[short](self.run, arguments)
        except (ValueError, IndexError, TypeError, MismatchError):
            # What Python says of it is about our arrays, not about the user's text.
            raise self.run.refuse(f"{name} is not supported there") from None

    def number(self, node: Node, size: Extent) -> np.ndarray | None:
        """An index, with ``end`` as the size of the dimension that it is in."""
        # end is a name like any other, known within this index alone.
        inner = Evaluation(self.run, {**self.names, "end": self.run.array([[size]])})
        return self.run.numbers(inner.node(node))
