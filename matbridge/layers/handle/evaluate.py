"""A parsed function over the words of :mod:`matbridge.ops`.

A layer whose function is not Formattable sees arrays without labels, in MATLAB's order of
dimensions; so does this: every value carries the order in which MATLAB would count its
dimensions, and constants are matched by position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from matbridge.errors import MismatchError
from matbridge.layers.handle.functions import COMPARISONS, FUNCTIONS
from matbridge.layers.handle.index import chosen, elements, taken
from matbridge.layers.handle.parse import Function, Node, unsupported
from matbridge.layers.handle.values import Arguments, Labelled, Operand, is_scalar
from matbridge.ops import Ops, Value
from matbridge.ops.layout import numbered, unnumbered

__all__ = ["evaluate"]


SHARED = "exp log sqrt abs sign floor sin cos tanh".split()
UNARY = {
    **{name: name for name in [*SHARED, "round"]},
    "sigmoid": "sigmoid",
    "relu": "relu",
    "softplus": "softplus",
    "gelu": "gelu",
    "erf": "erf",
    "uminus": "negative",
}
BINARY = {
    "+": "add",
    "-": "subtract",
    ".*": "multiply",
    "./": "divide",
    ".^": "power",
    "plus": "add",
    "minus": "subtract",
    "times": "multiply",
    "rdivide": "divide",
    "power": "power",
}
# Elementwise where one side is a scalar.
SCALAR = {"*": "multiply", "/": "divide", "^": "power"}
NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "negative": np.negative,
    **{name: getattr(np, name) for name in SHARED},
}
CONSTANTS = {"pi": np.pi, "eps": 2.0**-52, "Inf": np.inf, "inf": np.inf, "e": np.e}
# The longest range that a handle may write out.
MOST_ELEMENTS = 100_000
REDUCTIONS = ("sum", "mean", "max", "min")
IDENTITIES = ("stripdims", "extractdata", "single", "double", "dlarray", "identity", "uplus")


def evaluate(
    ops: Ops,
    function: Function,
    workspace: Mapping[str, Any],
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
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Handles come from files: whatever one says, the answer is one line.
        raise unsupported(text, f"it cannot be evaluated ({error})") from error


def _evaluated(
    ops: Ops,
    function: Function,
    workspace: Mapping[str, Any],
    inputs: Sequence[Value],
    text: str,
    formattable: bool,
) -> Value:
    labelled = [_enter(ops, x) for x in inputs]
    run = Evaluation(ops, text, dict(workspace))
    if function.body.kind == "call" and not function.parameters:
        result = run.call(function.body.value, labelled)
    else:
        if len(function.parameters) != len(inputs):
            raise unsupported(text, f"it takes {len(function.parameters)} arguments")
        run.names.update(zip(function.parameters, labelled, strict=True))
        result = run.node(function.body)
    if not isinstance(result, Labelled):
        raise unsupported(text, "its result does not depend on its input")
    return _leave(ops, result, result.order if formattable else labelled[0].order)


def _enter(ops: Ops, x: Value) -> Labelled:
    dims = numbered(x.dims)
    return Labelled(ops.rename(x, dims), "".join(sorted(dims, key="123CBTU".index)))


def _leave(ops: Ops, result: Labelled, order: str) -> Value:
    """By position: the first dimension of the result has the first label of the input."""
    names = dict(zip(result.order, order, strict=False))
    value = ops.rename(result.value, "".join(names[d] for d in result.value.dims))
    # Once their numbers are gone, the first S must be the first.
    places = iter(sorted(d for d in value.dims if d in "123"))
    dims = "".join(next(places) if d in "123" else d for d in value.dims)
    return ops.rename(ops.align(value, dims), unnumbered(dims))


class Evaluation:
    """One evaluation: the names in scope and the operations."""

    def __init__(self, ops: Ops, text: str, names: dict[str, Any]) -> None:
        self.ops = ops
        self.text = text
        self.names = names

    def node(self, node: Node) -> Operand:
        return getattr(self, f"on_{node.kind}")(node)

    def on_number(self, node: Node) -> Operand:
        return np.array([[float(node.value)]])

    def on_text(self, node: Node) -> Operand:
        return node.value

    def on_name(self, node: Node) -> Operand:
        if node.value in self.names:
            return self.names[node.value]
        if node.value in CONSTANTS:
            return np.array([[CONSTANTS[node.value]]])
        raise unsupported(self.text, f"{node.value} is not known")

    def on_colon(self, node: Node) -> Operand:
        raise unsupported(self.text, "':' is not expected there")

    def on_range(self, node: Node) -> Operand:
        ends = [self.node(part) for part in node.parts]
        numbers = [float(e.reshape(-1)[0]) for e in ends if isinstance(e, np.ndarray) and e.size]
        if len(numbers) < len(ends) or not np.isfinite(numbers).all():
            raise unsupported(self.text, "a range is not of numbers")
        first, *step, last = numbers
        by = step[0] if step else 1.0
        count = max(int(np.floor((last - first) / by + 1e-9)) + 1, 0) if by else 0
        if count > MOST_ELEMENTS:
            raise unsupported(self.text, "a range is too long")
        return np.array([[first + by * i for i in range(count)]])

    def on_unary(self, node: Node) -> Operand:
        value = self.node(node.parts[0])
        if node.value == "~":
            raise unsupported(self.text, "~ is not supported")
        return value if node.value == "+" else self.unary("negative", value)

    def on_transpose(self, node: Node) -> Operand:
        value = self.node(node.parts[0])
        if isinstance(value, Labelled) and len(value.order) == 2:
            return Labelled(value.value, value.order[::-1])
        if isinstance(value, np.ndarray) and value.ndim == 2:
            return value.T
        raise unsupported(self.text, "only matrices can be transposed")

    def on_binary(self, node: Node) -> Operand:
        left, right = (self.node(part) for part in node.parts)
        if node.value in BINARY:
            return self.binary(BINARY[node.value], left, right)
        if node.value in SCALAR and (is_scalar(left) or is_scalar(right)):
            return self.binary(SCALAR[node.value], left, right)
        if node.value == "*":
            return self.product(left, right)
        if node.value in COMPARISONS:
            return COMPARISONS[node.value](self, left, right)
        raise unsupported(self.text, f"{node.value} is not supported there")

    def on_row(self, node: Node) -> Operand:
        return self.join([self.node(part) for part in node.parts], 1)

    def on_column(self, node: Node) -> Operand:
        return self.join([self.node(part) for part in node.parts], 0)

    def on_call(self, node: Node) -> Operand:
        if node.value in self.names:
            return self.indexed(self.names[node.value], node.parts)
        return self.call(node.value, [self.node(part) for part in node.parts])

    def indexed(self, value: Operand, parts: Sequence[Node]) -> Operand:
        """value(1:3, :, end), with one index for each dimension."""
        if isinstance(value, np.ndarray) and len(parts) in (1, value.ndim):
            sizes = value.shape if len(parts) > 1 else (value.size,)
            return elements(value, [self.places(p, n) for p, n in zip(parts, sizes, strict=True)])
        if not isinstance(value, Labelled) or len(parts) != len(value.order):
            raise unsupported(self.text, "one index for each dimension is needed")
        x = value.value
        for part, label in zip(parts, value.order, strict=True):
            if label == "B" and part.kind != "colon":
                raise unsupported(self.text, "observations cannot be indexed")
            size = self.ops.sizes(x)[x.dims.index(label)]
            x = taken(self.ops, x, label, self.places(part, size))
        return Labelled(x, value.order)

    def places(self, part: Node, size: Any) -> Any:
        def number(node: Node) -> np.ndarray | None:
            known = {"end": np.array([[float(size)]])} if isinstance(size, int) else {}
            inner = Evaluation(self.ops, self.text, {**self.names, **known})
            found = inner.node(node)
            return found if isinstance(found, np.ndarray) else None

        places = chosen(part, size, number)
        if places is None:
            raise unsupported(self.text, "an index is not within its dimension")
        return places

    # -- functions -------------------------------------------------------------------------

    def call(self, name: str, arguments: Arguments) -> Operand:
        """A function of MATLAB's, by name."""
        short = name.rpartition(".")[2] if name.startswith("deep.transform.") else name
        if short in UNARY and len(arguments) == 1:
            return self.unary(UNARY[short], arguments[0])
        if short in BINARY and len(arguments) == 2:
            return self.binary(BINARY[short], *arguments)
        if short in ("max", "min") and len(arguments) == 2:
            return self.binary(f"{short}imum", *arguments)
        if short in REDUCTIONS:
            return self.reduction(short, arguments)
        if short in IDENTITIES and len(arguments) == 1:
            return arguments[0]
        if short not in FUNCTIONS:
            raise unsupported(self.text, f"the function {name} is not known")
        try:
            return FUNCTIONS[short](self, arguments)
        except (ValueError, IndexError, TypeError, MismatchError):
            raise unsupported(self.text, f"{name} is not supported there") from None

    def unary(self, name: str, value: Operand) -> Operand:
        if isinstance(value, Labelled):
            return Labelled(self.ops.map(name, value.value), value.order)
        if isinstance(value, np.ndarray) and name in NUMPY:
            return np.asarray(NUMPY[name](value))
        raise unsupported(self.text, f"{name} is not supported there")

    def binary(self, name: str, left: Operand, right: Operand) -> Operand:
        if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
            return np.asarray(NUMPY[name](left, right))
        if isinstance(left, str) or isinstance(right, str):
            raise unsupported(self.text, "text cannot be computed with")
        order = max((v.order for v in (left, right) if isinstance(v, Labelled)), key=len)
        operation = getattr(self.ops, name)
        return Labelled(operation(self.placed(left, order), self.placed(right, order)), order)

    def placed(self, value: Operand, order: str) -> Value | float:
        """The value with the labels of ``order``, dimension by dimension."""
        if isinstance(value, Labelled):
            names = dict(zip(value.order, order, strict=False))
            return self.ops.rename(value.value, "".join(names[d] for d in value.value.dims))
        if is_scalar(value):
            return float(np.asarray(value, dtype=float).reshape(-1)[0])
        array = np.asarray(value, dtype=float)
        while array.ndim > len(order) and array.shape[-1] == 1:
            array = array[..., 0]
        if array.ndim > len(order):
            raise unsupported(self.text, "a constant has more dimensions than the input")
        return self.ops.constant(array, order[: array.ndim])

    def product(self, left: Operand, right: Operand) -> Operand:
        """The matrix product of a constant and a matrix, in either order."""
        if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
            return left @ right
        if isinstance(left, np.ndarray) and isinstance(right, Labelled):
            return self.contracted(left, right, 0)
        if isinstance(left, Labelled) and isinstance(right, np.ndarray):
            return self.contracted(right.T, left, 1)
        raise unsupported(self.text, "the product of two inputs is not supported")

    def contracted(self, matrix: np.ndarray, value: Labelled, place: int) -> Labelled:
        if len(value.order) != 2:
            raise unsupported(self.text, "* needs matrices")
        label, other = value.order[place], value.order[1 - place]
        # affine contracts the channels: the dimension to contract is called C meanwhile.
        there = {label: "C", other: "B"}
        x = self.ops.rename(value.value, "".join(there[d] for d in value.value.dims))
        y = self.ops.affine(self.ops.constant(matrix, "OI"), x)
        back = {"C": label, "B": other}
        return Labelled(self.ops.rename(y, "".join(back[d] for d in y.dims)), value.order)

    def join(self, values: list[Operand], place: int) -> Operand:
        if not values:
            return np.zeros((0, 0))
        if len(values) == 1:
            return values[0]
        arrays = [v for v in values if isinstance(v, np.ndarray)]
        if len(arrays) == len(values):
            return np.concatenate(arrays, place)
        order = max((v.order for v in values if isinstance(v, Labelled)), key=len)
        placed = [self.placed(v, order) for v in values]
        if not all(isinstance(v, Value) for v in placed):
            raise unsupported(self.text, "a number cannot be joined to the input")
        joined = self.ops.concatenate([v for v in placed if isinstance(v, Value)], order[place])
        return Labelled(joined, order)

    def reduction(self, name: str, arguments: Arguments) -> Operand:
        """sum(x), sum(x, dim), sum(x, 'all'), max(x, [], dim)."""
        value, *rest = [a for a in arguments if not (isinstance(a, np.ndarray) and not a.size)]
        if not isinstance(value, Labelled) or len(rest) > 1:
            raise unsupported(self.text, f"{name} is not supported there")
        over = value.order
        if rest and isinstance(rest[0], np.ndarray):
            places = [int(n) for n in rest[0].reshape(-1)]
            over = "".join(value.order[n - 1] for n in places if n <= len(value.order))
        elif not rest:
            sizes = dict(zip(value.value.dims, self.ops.sizes(value.value), strict=True))
            over = next((d for d in value.order if sizes[d] != 1), value.order[0])
        return Labelled(self.ops.reduce(name, value.value, over, keep=True), value.order)
