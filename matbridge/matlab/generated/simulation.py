"""A generated function, statement by statement: what its variables say of the network."""

from __future__ import annotations

import re
from collections.abc import Mapping

from matbridge.errors import UnsupportedError
from matbridge.matlab.generated.evaluate import Evaluation, as_layer, element
from matbridge.matlab.generated.expression import Node, parse_expression
from matbridge.matlab.generated.literal import read_literal
from matbridge.matlab.generated.text import Code, Statement, assignment
from matbridge.matlab.generated.values import (
    Argument,
    Blank,
    Constant,
    Gathered,
    Opaque,
    Position,
    Result,
    Signal,
    Time,
    Value,
)

__all__ = ["RESTORE", "Simulation"]

RESTORE = (
    "Restore what genFunction wrote there, or give the file of the network itself (save net.mat)."
)
LOOP = re.compile(r"for\s*\(?\s*(\w+)\s*=\s*1\s*:\s*([^:]+)", re.ASCII)
NAME = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*", re.ASCII)
# What may set variables unseen.
SETTING = re.compile(r"(eval|evalc|evalin|assignin|load|clear|clearvars|run|input)\b")
# Commands without parentheses that set none.
HARMLESS = re.compile(
    r"(return|break|continue|tic|toc|clc|drawnow|figure|close|hold|format|more)\b"
)


class Simulation:
    """The values of the variables after a step of the time loop.

    ``initial`` are the values that rings hold before the first step. Raises UnsupportedError
    where a statement may set variables that cannot be seen.
    """

    def __init__(self, code: Code, parameters: Mapping[str, tuple[str, ...]]) -> None:
        self.code, self.parameters = code, parameters
        self.variables: dict[str, Value] = {
            name: Argument(name) for name in code.parameters if name != "~"
        }
        self.slots: dict[tuple[str, int], Value] = {}
        self.initial: dict[str, Value] = {}
        for statement in code.statements:
            if statement.text == "return" and not statement.blocks:
                break
            self.run(statement)

    def run(self, statement: Statement) -> None:
        sides = assignment(statement.text)
        if sides is None:
            self.check_command(statement)
            return
        loops = self.loops(statement)
        target, text = sides
        array = read_literal(text)
        if array is not None:
            value: Value = Constant(array, target)
        else:
            value = self.value(text, statement.line, loops)
        if any(not head.startswith("for") for head in statement.blocks):
            self.under_condition(target, value, statement)
        else:
            self.assign(target, value, statement, loops)

    def check_command(self, statement: Statement) -> None:
        """Refuse what may set variables: load, eval, a script's name."""
        text = statement.text
        called = re.match(r"[A-Za-z][\w.]*\s*\(", text)
        if SETTING.match(text) or not (called or HARMLESS.match(text)):
            shown = text if len(text) < 60 else text[:60] + "..."
            raise self.refusal(f"{shown!r} may set variables, and is not run", statement.line)

    def refusal(self, what: str, line: int) -> UnsupportedError:
        return UnsupportedError(what, where=f"line {line}", mend=RESTORE)

    def loops(self, statement: Statement) -> dict[str, Value]:
        """The counters of the loops around a statement: of all steps, or of initial states."""
        counters: dict[str, Value] = {}
        for head in statement.blocks:
            match = LOOP.fullmatch(head)
            if match:
                last = match[2].strip(" )")
                counters[match[1]] = Time(int(last) if last.isdecimal() else None)
        return counters

    def value(self, text: str, line: int, loops: Mapping[str, Value]) -> Value:
        node = parse_expression(text)
        if node is None:
            return Opaque("it is not understood", line)
        return self.evaluation(line, loops).node(node)

    def evaluation(self, line: int, loops: Mapping[str, Value]) -> Evaluation:
        variables = {**self.variables, **loops}
        return Evaluation(variables, self.slots, self.parameters, line)

    # -- assignments ---------------------------------------------------------------------------

    def assign(
        self, target: str, value: Value, statement: Statement, loops: Mapping[str, Value]
    ) -> None:
        node = parse_expression(target)
        if node is None or node.kind == "column":
            for name in NAME.findall(target):
                self.hide(name, "it is not understood", statement.line)
        elif node.kind == "name" and value != Gathered(node.value):
            self.forget_elements(node.value)
            self.variables[node.value] = value
            # A struct of settings is there once one of its fields is.
            self.variables.setdefault(node.value.rpartition(".")[0], Blank())
        else:
            self.assign_element(node, value, statement.line, loops)

    def assign_element(
        self, node: Node, value: Value, line: int, loops: Mapping[str, Value]
    ) -> None:
        """X{1,ts}, Xd1{xdts} and y1(:,ts) are told; a part of what is known is not."""
        walk = self.evaluation(line, loops)
        row, last = element([walk.node(part) for part in node.parts])
        held = self.variables.get(node.value)
        if isinstance(last, Time) and last.last is not None:
            self.initial[node.value] = value
        elif isinstance(last, Time | Position):
            self.slots[node.value, row] = value
        elif not isinstance(held, Blank) or any(name == node.value for name, _ in self.slots):
            self.hide(node.value, f"a part of {node.value} is set", line)

    def forget_elements(self, name: str) -> None:
        """What elements of a variable were, which is now set as a whole."""
        self.slots = {slot: held for slot, held in self.slots.items() if slot[0] != name}

    def hide(self, name: str, why: str, line: int) -> None:
        """Nothing is known of a variable and of its elements from here on."""
        self.forget_elements(name)
        self.variables[name] = Opaque(why, line)

    def under_condition(self, target: str, value: Value, statement: Statement) -> None:
        """What an if sets may be sizes, default states, or what it is already."""
        name = re.split(r"[({]", target)[0].strip(" [")
        held = self.variables.get(name)
        zero = isinstance(value, Constant) and not value.array.any()
        states = isinstance(held, Argument | Signal) and (name != target or zero)
        counted = isinstance(held, Blank) and isinstance(value, Constant)
        counted |= isinstance(value, Blank) and not isinstance(held, Constant)
        if value in (held, Gathered(name)) or states or counted:
            self.variables.setdefault(name, value)
        else:
            self.hide(name, f"{name} is set under a condition", statement.line)

    # -- what came of it -----------------------------------------------------------------------

    def current(self, ring: str) -> Value | None:
        """What the step gives a ring."""
        return self.slots.get((ring, 0))

    def outputs(self) -> list[Result]:
        """The network's outputs, in the order of the results.

        Raises UnsupportedError where a result is computed further.
        """
        values = [(name, value) for name in self.code.results for value in self.whole(name)]
        for name, value in values:
            if isinstance(value, Opaque):
                raise self.refusal(f"the result {name}: {value.why}", value.line)
        layers = [(value, as_layer(value)) for _, value in values]
        results = (Result(layer) if layer else value for value, layer in layers)
        return [result for result in results if isinstance(result, Result)]

    def whole(self, name: str) -> list[Value]:
        """The elements of a variable that a loop sets, in order of their rows, or its value."""
        value = self.variables.get(name, Blank())
        source = value.name if isinstance(value, Gathered) else name
        rows = sorted(row for slot, row in self.slots if slot == source)
        return [self.slots[source, row] for row in rows] or [value]
