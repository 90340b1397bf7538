"""What an expression of a generated function stands for: of the network, not of its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeGuard

import numpy as np

from matbridge.core.dims import reorder
from matbridge.layers.transfer import TRANSFER
from matbridge.layers.weighting import WEIGHTING
from matbridge.matlab.generated.expression import Node
from matbridge.matlab.generated.values import (
    Activation,
    Argument,
    Blank,
    Constant,
    Gathered,
    Net,
    Opaque,
    Position,
    Result,
    Signal,
    Step,
    TapIndex,
    Taps,
    Time,
    Value,
    Weighted,
)

__all__ = ["Evaluation", "as_layer"]

# Of these nothing depends but how much data there are.
COUNTS = frozenset(
    "size numel length isempty iscell isa class nargin nargout cell zeros ones nan max min mod"
    " numsamples numtimesteps true false".split()
)
# What leaves a value as it is: which argument that is, and how many others there may be.
SAME = {
    "repmat": (0, 2),
    "cell2mat": (0, 0),
    "cat": (1, 1),
    "reshape": (0, 2),
    "double": (0, 0),
    "full": (0, 0),
}


def as_layer(value: Value) -> Activation | None:
    """The layer that a value is the output of: a net input alone is that of purelin."""
    if isinstance(value, Net):
        return Activation("purelin", value)
    return value if isinstance(value, Activation) else None


class Evaluation:
    """A walk over the tree of one expression.

    ``variables`` are the values by name, ``slots`` those of elements: (name, row) for
    X{row,ts}, (name, 0) for y1(:,ts) and for the place of a ring that the step writes.
    ``parameters`` are those of the file's own functions.
    """

    def __init__(
        self,
        variables: Mapping[str, Value],
        slots: Mapping[tuple[str, int], Value],
        parameters: Mapping[str, tuple[str, ...]],
        line: int,
    ) -> None:
        self.variables, self.slots = variables, slots
        self.parameters, self.line = parameters, line

    def opaque(self, why: str) -> Opaque:
        return Opaque(why, self.line)

    def node(self, node: Node) -> Value:
        method: Callable[[Node], Value] | None = getattr(self, f"on_{node.kind}", None)
        return method(node) if method else Blank()

    # -- leaves --------------------------------------------------------------------------------

    def on_number(self, node: Node) -> Value:
        return Constant(np.array([[float(node.value)]]))

    def on_name(self, node: Node) -> Value:
        if any(name == node.value for name, _ in self.slots):
            return Gathered(node.value)
        if node.value in self.variables:
            return self.variables[node.value]
        return Blank() if node.value in COUNTS else self.opaque(f"{node.value} is not there")

    def on_row(self, node: Node) -> Value:
        """[1 2 3] of constants; [Ai(1,:) cell(1,1)] is what comes first, with room behind it."""
        parts = [self.node(part) for part in node.parts]
        if parts and all(isinstance(part, Constant) for part in parts):
            arrays = [part.array for part in parts if isinstance(part, Constant)]
            if len({array.shape[0] for array in arrays}) == 1:
                return Constant(np.concatenate(arrays, 1))
        return self.first(parts)

    def first(self, parts: list[Value]) -> Value:
        """The only part that is more than room."""
        for part in parts:
            if isinstance(part, Opaque):
                return part
        telling = [part for part in parts if not isinstance(part, Blank)]
        if len(telling) == 1:
            return telling[0]
        return self.opaque("values are put side by side") if telling else Blank()

    def on_column(self, node: Node) -> Value:
        rows = [self.node(part) for part in node.parts]
        return rows[0] if len(rows) == 1 else self.first(rows)

    def on_cell(self, node: Node) -> Value:
        return self.first([self.node(part) for part in node.parts])

    # -- operators -----------------------------------------------------------------------------

    def on_transpose(self, node: Node) -> Value:
        value = self.node(node.parts[0])
        if isinstance(value, Constant):
            return Constant(reorder(value.array, "CB", "BC"))
        if isinstance(value, Argument):
            return Signal(value.name, turned=True)
        if isinstance(value, Signal) and not value.steps:
            return Signal(value.argument, value.number, (), not value.turned)
        layer = as_layer(value)
        if layer is not None:
            return Result(layer, turned=True)
        if isinstance(value, Result):
            return Result(value.layer, value.steps, not value.turned)
        told = isinstance(value, Blank | Gathered | Opaque)
        return value if told else self.opaque("it is transposed")

    def on_unary(self, node: Node) -> Value:
        value = self.node(node.parts[0])
        if isinstance(value, Constant) and node.value in "+-":
            return Constant(value.array if node.value == "+" else -value.array)
        told = isinstance(value, Opaque)
        counted = isinstance(value, Blank | Constant)
        return value if told else Blank() if counted else self.opaque("its sign changes")

    def on_range(self, node: Node) -> Value:
        """1:4 of constants; else a count."""
        ends = [self.node(part) for part in node.parts]
        numbers = [int(end.array.flat[0]) for end in ends if _is_count(end)]
        if len(numbers) == len(ends) == 2 and numbers[1] - numbers[0] < 10_000:
            return Constant(np.arange(numbers[0], numbers[1] + 1.0).reshape(1, -1))
        return Blank()

    def on_binary(self, node: Node) -> Value:
        turn = self.rotation(node)
        if turn is not None:
            return turn
        return self.combined(node.value, *(self.node(part) for part in node.parts))

    def combined(self, operator: str, left: Value, right: Value) -> Value:
        for value in (left, right):
            if isinstance(value, Opaque):
                return value
        if operator in ("+", ".*"):
            return self.joined("netsum" if operator == "+" else "netprod", left, right)
        if operator == "*" and isinstance(left, Constant) and left.name:
            return self.weighted("dotprod", left, right)
        if isinstance(left, Position) and isinstance(right, Constant) and operator == "-":
            return self.taps(left, right.array)
        values = (left, right)
        if all(isinstance(value, Blank | Constant | Time) for value in values):
            return Blank()
        return self.opaque(f"{operator!r} is no part of a network there")

    def joined(self, function: str, left: Value, right: Value) -> Value:
        """Biases and weighted operands, in the order in which they are written."""
        terms: list[Constant | Weighted] = []
        for value in (left, right):
            if isinstance(value, Net) and (value.function == function or len(value.terms) == 1):
                terms += value.terms
            elif isinstance(value, Constant | Weighted):
                terms.append(value)
            else:
                count = isinstance(left, Blank | Constant) and isinstance(right, Blank | Constant)
                return Blank() if count else self.opaque("what is added is no part of a network")
        if all(isinstance(term, Constant) for term in terms):
            return Blank()
        return Net(function, tuple(terms))

    def weighted(self, function: str, weight: Constant, operand: Value) -> Value:
        if isinstance(operand, Signal | Argument | Taps | Net | Activation):
            return Net("netsum", (Weighted(function, weight, operand),))
        if isinstance(operand, Blank | Constant):
            return Blank()
        return self.opaque("weights meet what is no input or layer")

    def rotation(self, node: Node) -> Value | None:
        """mod(ts+1,3)+1 and mod(xdts-[1 2]-1,3)+1, None for anything else."""
        turned, one = node.parts
        if not (node.value == "+" and turned.kind == "call" and turned.value == "mod"):
            return None
        if one.value != "1" or len(turned.parts) != 2 or turned.parts[0].kind != "binary":
            return None
        inner, size = turned.parts[0], self.node(turned.parts[1])
        start = self.node(inner.parts[0])
        amount = self.node(inner.parts[1])
        if not _is_count(size) or not _is_count(amount):
            return None
        ring = int(size.array.flat[0])
        if isinstance(start, Time) and inner.value == "+":
            return Position(int(amount.array.flat[0]), ring)
        if isinstance(start, TapIndex) and inner.value == "-" and amount.array.flat[0] == 1:
            return start if start.size == ring else self.opaque("its ring has another size there")
        return start if isinstance(start, Opaque) else None

    def taps(self, position: Position, delays: np.ndarray) -> Value:
        """xdts-[1 2] of a ring that has one place more than the longest delay."""
        whole = delays.size and (delays == np.floor(delays)).all()
        if not whole or delays.min() < 0 or delays.max() >= position.size:
            return self.opaque("its delays do not fit the ring that keeps them")
        if position.shift != position.size - 2:
            return self.opaque("its ring turns otherwise than MATLAB writes it")
        return TapIndex(tuple(int(delay) for delay in delays.flat), position.size)

    # -- calls and indices ---------------------------------------------------------------------

    def on_brace(self, node: Node) -> Value:
        return self.indexed(node)

    def on_call(self, node: Node) -> Value:
        if node.value in self.variables:
            return self.indexed(node)
        if node.value in COUNTS:
            return Blank()
        arguments = [self.node(part) for part in node.parts]
        for value in arguments:
            if isinstance(value, Opaque):
                return value
        place, others = SAME.get(node.value, (0, -1))
        if len(arguments) == others + 1:
            return arguments[place]
        if node.value == "bsxfun" and len(arguments) == 3:
            operator = {"plus": "+", "times": ".*"}.get(node.parts[0].value, "bsxfun")
            return self.combined(operator, *arguments[1:])
        return self.called(node, arguments)

    def called(self, node: Node, arguments: list[Value]) -> Value:
        """mapminmax_apply, tansig_apply, negdist_apply, mapminmax_reverse: by what they take."""
        name, _, kind = node.value.rpartition("_")
        name = name if kind in ("apply", "reverse") else node.value
        unknown = self.unknown_setting(node)
        if unknown is not None:
            return unknown
        if kind not in ("apply", "reverse") and name not in TRANSFER and name not in WEIGHTING:
            return self.opaque(f"what {node.value} does is not known")
        subject = arguments[0] if arguments else Blank()
        layer = as_layer(subject)
        result = Result(layer) if layer else subject
        if kind == "reverse" and isinstance(result, Result):
            steps = (*result.steps, Step(name, self.settings(node)))
            return Result(result.layer, steps, result.turned)
        if isinstance(subject, Argument):
            subject = Signal(subject.name)
        if isinstance(subject, Signal):
            steps = (*subject.steps, Step(name, self.settings(node)))
            return Signal(subject.argument, subject.number, steps, subject.turned)
        if isinstance(subject, Net):
            return Activation(name, subject)
        if isinstance(subject, Constant) and subject.name and len(arguments) > 1:
            return self.weighted(name, subject, arguments[1])
        if isinstance(subject, Constant) and subject.name:
            return Activation(name, Net("netsum", (subject,)))
        return self.opaque(f"what {node.value} does there is not known")

    def unknown_setting(self, node: Node) -> Opaque | None:
        """A field of a struct of settings that is set to what is not known."""
        heads = tuple(f"{part.value}." for part in node.parts[1:] if part.kind == "name")
        fields = (value for name, value in self.variables.items() if name.startswith(heads))
        return next((value for value in fields if isinstance(value, Opaque)), None)

    def settings(self, node: Node) -> dict[str, np.ndarray]:
        """What a processing function is given beside the data: a struct, or its fields."""
        names = self.parameters.get(node.value, ())[1:]
        gathered: dict[str, np.ndarray] = {}
        for place, part in enumerate(node.parts[1:]):
            for name, value in self.variables.items():
                if name.startswith(f"{part.value}.") and isinstance(value, Constant):
                    gathered[name.rpartition(".")[2]] = value.array
            constant = self.variables.get(part.value)
            if isinstance(constant, Constant):
                title = names[place] if place < len(names) else part.value
                gathered[title.rpartition("_")[2]] = constant.array
        return gathered

    def indexed(self, node: Node) -> Value:
        """X{1,ts}, x1(:,ts), Xd1{xdts}, Xd1{mod(xdts-[1 2]-1,3)+1}, Ai(1,:), xdts-1."""
        value = self.variables.get(node.value, self.opaque(f"{node.value} is not there"))
        index = [self.node(part) for part in node.parts]
        row, last = element(index)
        if isinstance(last, Opaque):
            return last
        if isinstance(last, TapIndex):
            if 0 in last.delays and (node.value, 0) not in self.slots:
                return self.opaque(f"{node.value} is read before the step gives it a value")
            return Taps(node.value, last.delays)
        if (node.value, row) in self.slots and isinstance(last, Position | Time):
            return self.slots[node.value, row]
        if isinstance(value, Argument) and isinstance(last, Time):
            return Signal(value.name, row or 1)
        if isinstance(value, Argument) and node.parts and node.parts[-1].kind == "colon":
            return Signal(value.name, row or 1)
        counted = isinstance(last, Blank) and ((node.value, 0) in self.slots or row == 0)
        if isinstance(value, Blank) or (counted and isinstance(value, Argument | Signal)):
            return Blank()
        return (
            value if isinstance(value, Opaque) else self.opaque(f"a part of {node.value} is taken")
        )


def element(index: list[Value]) -> tuple[int, Value]:
    """The row of a cell that an index names, 0 for none, and what its last part says."""
    first = index[0] if len(index) == 2 else Blank()
    return int(first.array.flat[0]) if _is_count(first) else 0, index[-1] if index else Blank()


def _is_count(value: Value) -> TypeGuard[Constant]:
    """Whether this is one whole number."""
    if not isinstance(value, Constant) or value.array.size != 1:
        return False
    number = float(value.array.flat[0])
    return abs(number) < 2**31 and number == round(number)
