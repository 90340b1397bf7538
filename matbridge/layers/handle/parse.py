"""The text of a MATLAB function handle to a tree: arithmetic and calls, nothing else.

Understood: numbers, names, text, + - * / .* ./ ^ .^, comparison, transpose, [a, b; c],
calls with arguments, indexing with ranges and end, parentheses. Statements and handles
inside handles are not; nothing is ever executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from matbridge.errors import UnsupportedError

__all__ = ["Function", "Node", "parse_function"]

MAX_LENGTH = 4096
MAX_DEPTH = 50

TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+(?:\.(?![*/^'])\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<operator>\.\*|\./|\.\^|\.'|==|~=|<=|>=|[-+*/^'()\[\],;:<>@~])""",
    re.VERBOSE,
)

# Binary operators by how strongly they bind, the weakest first.
LEVELS = (
    ("<", "<=", ">", ">=", "==", "~="),
    ("+", "-"),
    ("*", "/", ".*", "./"),
)
POWERS = ("^", ".^")


@dataclass(frozen=True)
class Node:
    """``kind`` is number, text, name, call, unary, binary, transpose, row, column, range
    (first, last or first, step, last) or colon."""

    kind: str
    value: str = ""
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Function:
    """The parameters and the body of a function handle."""

    parameters: tuple[str, ...]
    body: Node


@dataclass(frozen=True)
class Token:
    kind: str
    value: str
    spaced: bool


@dataclass
class Parser:
    """A cursor over tokens. Inside brackets a space separates elements."""

    text: str
    tokens: list[Token]
    at: int = 0
    brackets: list[str] = field(default_factory=list)
    depth: int = 0

    def peek(self, ahead: int = 0) -> Token:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else Token("end", "", False)

    def take(self, value: str = "") -> Token:
        token = self.peek()
        if value and token.value != value:
            raise unsupported(self.text, f"{value!r} is missing before {token.value!r}")
        self.at += 1
        return token

    def expression(self, level: int = 0) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH * len(LEVELS):
            raise unsupported(self.text, "it is nested too deep")
        if level == len(LEVELS):
            node = self.unary()
        else:
            node = self.expression(level + 1)
            while self.peek().value in LEVELS[level] and not self.separates():
                operator = self.take().value
                node = Node("binary", operator, (node, self.expression(level + 1)))
        self.depth -= 1
        return node

    def ranged(self) -> Node:
        """An expression, or several with colons between them."""
        parts = [self.expression()]
        while self.peek().value == ":" and len(parts) < 3:
            self.take()
            parts.append(self.expression())
        return Node("range", "", tuple(parts)) if len(parts) > 1 else parts[0]

    def separates(self) -> bool:
        """Whether a sign begins a new element: ``[a -b]`` has two, ``[a - b]`` one."""
        token, after = self.peek(), self.peek(1)
        inside = bool(self.brackets) and self.brackets[-1] == "["
        return inside and token.value in "+-" and token.spaced and not after.spaced

    def unary(self) -> Node:
        if self.peek().value in ("-", "+", "~"):
            operator = self.take().value
            return Node("unary", operator, (self.unary(),))
        node = self.postfix()
        while self.peek().value in POWERS:
            operator = self.take().value
            sign = self.take().value if self.peek().value in ("-", "+") else ""
            right = self.postfix()
            node = Node(
                "binary", operator, (node, Node("unary", sign, (right,)) if sign else right)
            )
        return node

    def postfix(self) -> Node:
        node = self.primary()
        while self.peek().value in ("'", ".'") and not self.peek().spaced:
            self.take()
            node = Node("transpose", "", (node,))
        return node

    def primary(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Node("number", token.value)
        if token.kind == "text":
            return Node("text", token.value[1:-1])
        if token.kind == "name":
            if self.peek().value == "(" and not (self.peek().spaced and self.brackets):
                return Node("call", token.value, self.arguments())
            return Node("name", token.value)
        if token.value == "(":
            self.brackets.append("(")
            node = self.ranged()
            self.take(")")
            self.brackets.pop()
            return node
        if token.value == "[":
            return self.matrix()
        raise unsupported(self.text, f"{token.value or 'its end'!r} is not expected there")

    def arguments(self) -> tuple[Node, ...]:
        self.take("(")
        self.brackets.append("(")
        found: list[Node] = []
        while self.peek().value != ")":
            if self.peek().value == ":":
                self.take()
                found.append(Node("colon"))
            else:
                found.append(self.ranged())
            if self.peek().value != ")":
                self.take(",")
        self.take(")")
        self.brackets.pop()
        return tuple(found)

    def matrix(self) -> Node:
        self.brackets.append("[")
        rows: list[Node] = []
        row: list[Node] = []
        while self.peek().value != "]":
            if self.peek().value in (",", ";"):
                if self.take().value == ";":
                    rows.append(Node("row", "", tuple(row)))
                    row = []
                continue
            row.append(self.ranged())
        self.take("]")
        self.brackets.pop()
        rows.append(Node("row", "", tuple(row)))
        return Node("column", "", tuple(r for r in rows if r.parts))


def unsupported(text: str, why: str) -> UnsupportedError:
    """What is said of a function handle that cannot be understood."""
    return UnsupportedError(
        f"the function {text!r} is not understood: {why}",
        mend=f"Give a Python function: registry={{{text!r}: lambda ops, x: ...}}.",
    )


def tokenize(text: str) -> list[Token]:
    if len(text) > MAX_LENGTH:
        raise unsupported(text[:40] + "...", "it is too long")
    tokens: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        # After an operand a quote is a transpose, not the begin of text.
        quote = text[at] == "'" and tokens and not spaced and _ends_operand(tokens[-1])
        found = None if quote else TOKEN.match(text, at)
        if quote:
            tokens.append(Token("operator", "'", False))
            at += 1
        elif found is None:
            raise unsupported(text, f"{text[at]!r} is not expected there")
        else:
            if found.lastgroup != "space":
                tokens.append(Token(found.lastgroup or "", found.group(), spaced))
            spaced = found.lastgroup == "space"
            at = found.end()
    return tokens


def _ends_operand(token: Token) -> bool:
    return token.kind in ("number", "name") or token.value in (")", "]", "'", ".'")


def parse_function(text: str) -> Function:
    """``@(x)x*2`` or the name of a function, as a tree; UnsupportedError if it is neither."""
    parser = Parser(text, tokenize(text))
    if parser.peek().value != "@":
        name = parser.take()
        if name.kind != "name" or parser.peek().kind != "end":
            raise unsupported(text, "it is neither a name nor an anonymous function")
        return Function((), Node("call", name.value, ()))
    parser.take("@")
    parameters = parser.arguments()
    if any(p.kind != "name" for p in parameters):
        raise unsupported(text, "its parameters are not names")
    body = parser.expression()
    if parser.peek().kind != "end":
        raise unsupported(text, f"{parser.peek().value!r} is not expected there")
    return Function(tuple(p.value for p in parameters), body)
