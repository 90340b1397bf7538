"""What was done to an output before it was kept, as MATLAB writes it: ``y*sig+mu``.

The text is parsed as the bodies of function handles are (layers/handle/parse.py), never executed:
arithmetic, the functions of verify/functions.py, variables by name, and ``y``, the output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from matbridge.errors import MatbridgeError, MismatchError
from matbridge.layers.handle.parse import Node, Parser, tokenize
from matbridge.text import listed, nearest
from matbridge.verify.case import Transform
from matbridge.verify.functions import FUNCTIONS, OPERATORS, Value, as_value

__all__ = ["OUTPUT", "transform_of", "variables_in"]

# What the output is called, and the last place of a dimension.
OUTPUT, END = "y", "end"
MAX_LENGTH = 1000
# The most elements of a value on the way: so many times what goes in, or this.
GROWTH, LEAST = 64, 1_000_000
CONSTANTS = {"pi": math.pi, "Inf": math.inf, "inf": math.inf, "NaN": math.nan, "eps": 2.0**-52}


def transform_of(words: str, variables: Mapping[str, Any] | None = None) -> Transform:
    """The transform that these words say; ``variables`` are numbers and arrays by name: that of a
    field has points in it, or its struct is a mapping.

    Raises MismatchError with the place in the words for what is not understood, for a name that
    nothing stands for and where y has no part in it; and when it is applied, for sizes that
    do not fit.
    """
    tree = _parsed(words)
    if OUTPUT not in _names(tree):
        raise _refused(words, "the output y has no part in it", 0)
    values = {name: _variable(name, variables or {}, words) for name in variables_in(words)}
    apply = [partial(_applied, part, values, words) for part in (tree, *_rounded(tree))]
    return Transform(words, apply[0], _structs(values), *apply[1:])


def _rounded(tree: Node) -> tuple[Node, ...]:
    """What is rounded to whole numbers, where that is all that is done to it."""
    return tree.parts if (tree.kind, tree.value, len(tree.parts)) == ("call", "round", 1) else ()


def variables_in(words: str) -> tuple[str, ...]:
    """The names of variables in these words; MismatchError where they make no sense."""
    return tuple(name for name in _names(_parsed(words)) if name not in (OUTPUT, END, *CONSTANTS))


def _structs(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The same with a mapping for each struct whose fields are named."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *outer, last = name.split(".")
        inner = nested
        for part in outer:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return nested


def _names(node: Node) -> dict[str, None]:
    """The names that stand for values."""
    names: dict[str, None] = {}
    _gather(node, names)
    return names


def _gather(node: Node, names: dict[str, None]) -> None:
    if node.kind == "name" or (node.kind == "call" and node.value not in FUNCTIONS):
        names[node.value] = None
    for part in node.parts:
        _gather(part, names)


def _parsed(words: str) -> Node:
    parser = Parser(words, tokenize(words, MAX_LENGTH, _refused), error=_refused)
    tree = parser.expression()
    if parser.peek().kind != "end":
        parser.take()
        raise parser.refuse(f"{parser.tokens[parser.at - 1].value!r} is not expected there")
    return tree


def _refused(words: str, why: str, at: int) -> MatbridgeError:
    return MismatchError(
        f"the transform is not understood: {why}",
        where=f"{words[:at]}>>>{words[at : at + 40]}" if at else words[:80],
        mend="Write arithmetic over y and variables, such as y*sig+mu; "
        f"there are {listed(FUNCTIONS, 40)}.",
    )


def _variable(name: str, variables: Mapping[str, Any], words: str) -> np.ndarray:
    """The array that a name stands for; with points in it, a field."""
    value: Any = variables
    for part in [name] if name in variables else name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            known = list(value) if isinstance(value, Mapping) else []
            mend = f"{nearest(part, known)}There are y{', ' if known else ''}{listed(known)}."
            raise MismatchError(f"nothing is known by the name {name!r}", where=words, mend=mend)
        value = value[part]
    try:
        return as_value(value)
    except ValueError as error:
        raise MismatchError(f"{name}: {error}", where=words) from None


def _applied(tree: Node, variables: Mapping[str, np.ndarray], words: str, y: Any) -> np.ndarray:
    names = {**variables, OUTPUT: as_value(y)}
    most = max(GROWTH * sum(array.size for array in names.values()), LEAST)
    with np.errstate(all="ignore"):
        result = Evaluation(names, words, most).node(tree)
    if isinstance(result, str):
        raise MismatchError("the transform gives text", where=words)
    return result


class Evaluation:
    """A walk over the tree, with the arrays that its names stand for."""

    def __init__(self, names: Mapping[str, np.ndarray], words: str, most: int) -> None:
        self.names = names
        self.words = words
        self.most = most

    def node(self, node: Node) -> Value:
        try:
            return KINDS[node.kind](self, node)
        except KeyError:
            raise self.refuse(f"{node.kind}: this is not arithmetic") from None

    def refuse(self, why: str) -> MatbridgeError:
        return MismatchError(f"the transform cannot be applied: {why}", where=self.words)

    def number(self, node: Node) -> Value:
        return as_value(float(node.value))

    def text(self, node: Node) -> Value:
        return node.value

    def name(self, node: Node) -> Value:
        if node.value in self.names:
            return self.names[node.value]
        if node.value == END:
            raise self.refuse(f"{END} stands within an index")
        return as_value(CONSTANTS[node.value])

    def operator(self, node: Node) -> Value:
        name = {"unary": f"unary {node.value}", "transpose": "transpose"}.get(node.kind, node.value)
        return self.applied(OPERATORS.get(name), name, node)

    def call(self, node: Node) -> Value:
        if node.value in self.names:
            return self.indexed(self.names[node.value], node.parts)
        return self.applied(FUNCTIONS.get(node.value), node.value, node)

    def indexed(self, array: np.ndarray, parts: tuple[Node, ...]) -> np.ndarray:
        """array(1, :, 2:end); the last index counts through all dimensions that are left."""
        if len(parts) < 2:
            return self.counted(array, parts)
        count = len(parts)
        shape = array.shape + (1,) * (count - array.ndim)
        picked = array.reshape((*shape[: count - 1], -1), order="F")
        for axis, part in enumerate(parts):
            picked = np.take(picked, self.places(part, picked.shape[axis]), axis)
        return picked

    def counted(self, array: np.ndarray, parts: tuple[Node, ...]) -> np.ndarray:
        """array(3), array(:), array(): column by column, a row of a row."""
        if not parts:
            return array
        flat = array.reshape(-1, order="F")
        picked = flat[self.places(parts[0], flat.size)]
        row = array.shape[0] == 1 and parts[0].kind != "colon"
        return picked.reshape((1, -1) if row else (-1, 1))

    def places(self, part: Node, size: int) -> np.ndarray:
        """The places from 0 that an index names in a dimension of this size."""
        if part.kind == "colon":
            return np.arange(size)
        inner = Evaluation({**self.names, END: as_value(size)}, self.words, self.most)
        bounds = [inner.node(bound) for bound in (part.parts if part.kind == "range" else (part,))]
        if any(isinstance(n, str) or n.size != 1 or np.imag(n) or n.real % 1 for n in bounds):
            raise self.refuse("an index is a whole number, or a range of them")
        first, *step, last = (int(n.item()) for n in (bounds if len(bounds) > 1 else bounds * 2))  # type: ignore[union-attr]
        for place in (first, last):
            if not 1 <= place <= size:
                raise self.refuse(f"there is no {place} among {size}")
        by = step[0] if step else 1
        return np.arange(first, last + np.sign(by), by) - 1 if by else np.arange(0)

    def applied(self, function: Callable[..., np.ndarray] | None, name: str, node: Node) -> Value:
        if function is None:
            raise self.refuse(f"{name} is not known")
        values = [self.node(part) for part in node.parts]
        self.check(values)
        try:
            return function(*values)
        except (ValueError, TypeError) as error:
            raise self.refuse(f"{name}: {error}") from None

    def check(self, values: list[Value]) -> None:
        """Before a value is made of these: what expands may grow beyond any memory."""
        shapes = [v.shape for v in values if isinstance(v, np.ndarray)]
        count = max((len(shape) for shape in shapes), default=0)
        wide = [shape + (1,) * (count - len(shape)) for shape in shapes]
        if math.prod(max(sizes) for sizes in zip(*wide, strict=True)) > self.most:
            raise self.refuse("its values grow beyond what an output needs")

    def empty(self, node: Node) -> Value:
        """[], as in max(y, [], 2)."""
        if node.parts:
            raise self.refuse("arrays are not written out here; name a variable")
        return np.zeros((0, 0))


Walk: TypeAlias = Callable[[Evaluation, Node], Value]
KINDS: dict[str, Walk] = {
    "number": Evaluation.number,
    "text": Evaluation.text,
    "name": Evaluation.name,
    "unary": Evaluation.operator,
    "binary": Evaluation.operator,
    "transpose": Evaluation.operator,
    "call": Evaluation.call,
    "column": Evaluation.empty,
}
