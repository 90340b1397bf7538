"""The text of a MATLAB function handle to a tree: arithmetic and calls, nothing else.

Understood: numbers, names, text, + - * / .* ./ ^ .^, comparison, & | ~, transpose,
[a, b; c], ranges, calls with arguments, indexing with end, parentheses. Statements and
handles inside handles are not; nothing is ever executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from matbridge.errors import MatbridgeError, UnsupportedError

__all__ = ["Function", "Node", "Parser", "Token", "parse_function", "tokenize", "unsupported"]

MAX_LENGTH = 4096
# Of the tree, and of brackets within brackets: what is deeper would exhaust Python's stack.
MAX_DEPTH = 100
MAX_BRACKETS = 40
# As much of a handle's text as a message repeats.
SHOWN = 200

# In 2.*x the point is the operator's, not the number's.
TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+(?:\.(?![*/^'])\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<operator>\.\*|\./|\.\^|\.'|==|~=|<=|>=|&&|\|\||[-+*/^'(){}\[\],;:<>@~&|])""",
    re.VERBOSE | re.ASCII,
)

# Binary operators by how strongly they bind, the weakest first.
LEVELS = (
    ("||",),
    ("&&",),
    ("|",),
    ("&",),
    ("<", "<=", ">", ">=", "==", "~="),
    (":",),
    ("+", "-"),
    ("*", "/", ".*", "./"),
)
STRENGTH = {operator: level for level, row in enumerate(LEVELS) for operator in row}
SIGNS = ("-", "+", "~")
POWERS = ("^", ".^")
QUOTES = ("'", ".'")


@dataclass(frozen=True)
class Node:
    """``kind`` is number, text, name, call, unary, binary, transpose, row, column, range
    (first, last or first, step, last) or colon."""

    kind: str
    value: str = ""
    parts: tuple[Node, ...] = ()
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Function:
    """The parameters and the body of a function handle."""

    parameters: tuple[str, ...]
    body: Node


# What to raise of a text that is not understood: the text, why, and where in it (from 0).
Refuse: TypeAlias = Callable[[str, str, int], MatbridgeError]


@dataclass(frozen=True)
class Token:
    """A word of the text, where it starts (from 0), and whether a space stands before it."""

    kind: str
    value: str
    spaced: bool
    start: int = 0


def unsupported(text: str, why: str, at: int = 0) -> MatbridgeError:
    """What is said of a function handle that cannot be understood; such texts are short, and what
    is wrong is named, so that the place ``at`` goes without saying."""
    shown = text if len(text) <= SHOWN else text[:SHOWN] + "..."
    return UnsupportedError(
        f"the function {shown!r} is not understood: {why}",
        mend="Give a Python function in its place, under its text or the layer's name as KEY: "
        "registry={KEY: lambda ops, x: ...}, or FUNCTIONS = {KEY: ...} in a file of cards.",
    )


@dataclass
class Parser:
    """A cursor over tokens. Inside square brackets a space separates elements."""

    text: str
    tokens: list[Token]
    at: int = 0
    brackets: list[str] = field(default_factory=list)
    error: Refuse = unsupported

    def refuse(self, why: str) -> MatbridgeError:
        """What to raise of the token that was taken last."""
        last = self.tokens[self.at - 1] if 0 < self.at <= len(self.tokens) else None
        return self.error(self.text, why, last.start if last else len(self.text))

    def peek(self, ahead: int = 0) -> Token:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else Token("end", "", False)

    def take(self, value: str = "") -> Token:
        token = self.peek()
        if value and token.value != value:
            raise self.refuse(f"{value!r} is missing before {token.value!r}")
        self.at += 1
        return token

    def tree(self, kind: str, value: str, *parts: Node) -> Node:
        """A node over these parts, unless that makes the tree too deep to be walked."""
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            raise self.refuse("it is nested too deep")
        return Node(kind, value, parts, depth)

    def enter(self, bracket: str) -> None:
        self.brackets.append(bracket)
        if len(self.brackets) > MAX_BRACKETS:
            raise self.refuse("it is nested too deep")

    def expression(self, weakest: int = 0) -> Node:
        """Operands joined by operators that bind at least as strongly as this level."""
        node = self.unary()
        # Precedence climbing: a right operand takes only what binds more strongly, so that equals
        # join from the left.
        while (level := STRENGTH.get(self.peek().value, -1)) >= weakest and not self.separates():
            operator = self.take().value
            right = self.expression(level + 1)
            if operator == ":":
                node = self.ranged(node, right, level)
            else:
                node = self.tree("binary", operator, node, right)
        return node

    def ranged(self, first: Node, second: Node, level: int) -> Node:
        """first:last or first:step:last, the first colon behind."""
        if self.peek().value != ":":
            return self.tree("range", "", first, second)
        self.take()
        return self.tree("range", "", first, second, self.expression(level + 1))

    def separates(self) -> bool:
        """Whether a sign begins a new element: ``[a -b]`` has two, ``[a - b]`` one."""
        token, after = self.peek(), self.peek(1)
        inside = bool(self.brackets) and self.brackets[-1] == "["
        return inside and token.value in "+-" and token.spaced and not after.spaced

    def signs(self) -> list[str]:
        taken = []
        while self.peek().value in SIGNS:
            taken.append(self.take().value)
        return taken

    def unary(self) -> Node:
        """Signs before an operand with its powers and transposes, which bind first, from the
        left: -x.^2' is -((x.^2)')."""
        signs = self.signs()
        node = self.primary()
        while True:
            token = self.peek()
            if token.value in POWERS:
                self.take()
                right = self.signed(self.signs(), self.primary())
                node = self.tree("binary", token.value, node, right)
            elif token.value in QUOTES and not token.spaced:
                self.take()
                node = self.tree("transpose", "", node)
            else:
                return self.signed(signs, node)

    def signed(self, signs: list[str], node: Node) -> Node:
        for sign in reversed(signs):
            node = self.tree("unary", sign, node)
        return node

    def primary(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Node("number", token.value)
        if token.kind == "text":
            return Node("text", token.value[1:-1])
        if token.kind == "name":
            if self.peek().value == "(" and not (self.peek().spaced and self.brackets):
                return self.tree("call", token.value, *self.arguments())
            return Node("name", token.value)
        if token.value == "(":
            self.enter("(")
            node = self.expression()
            self.take(")")
            self.brackets.pop()
            return node
        if token.value == "[":
            return self.matrix()
        raise self.refuse(f"{token.value or 'its end'!r} is not expected there")

    def arguments(self) -> tuple[Node, ...]:
        self.take("(")
        self.enter("(")
        nodes: list[Node] = []
        while self.peek().value != ")":
            if self.peek().value == ":":
                self.take()
                nodes.append(Node("colon"))
            else:
                nodes.append(self.expression())
            if self.peek().value != ")":
                self.take(",")
        self.take(")")
        self.brackets.pop()
        return tuple(nodes)

    def matrix(self) -> Node:
        self.enter("[")
        rows: list[Node] = []
        row: list[Node] = []
        while self.peek().value != "]":
            if self.peek().value in (",", ";"):
                if self.take().value == ";":
                    rows.append(self.tree("row", "", *row))
                    row = []
                continue
            row.append(self.expression())
        self.take("]")
        self.brackets.pop()
        rows.append(self.tree("row", "", *row))
        # [1; 2;] has two rows.
        return self.tree("column", "", *(r for r in rows if r.parts))


def tokenize(text: str, longest: int = MAX_LENGTH, error: Refuse = unsupported) -> list[Token]:
    """The tokens of a text of at most so many characters; ``error`` for another."""
    if len(text) > longest:
        raise error(text, "it is too long", 0)
    tokens: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        # After an operand a quote is a transpose, not the begin of text.
        quote = text[at] == "'" and tokens and not spaced and _ends_operand(tokens[-1])
        match = None if quote else TOKEN.match(text, at)
        if quote:
            tokens.append(Token("operator", "'", False, at))
            at += 1
        elif match is None:
            raise error(text, f"{text[at]!r} is not expected there", at)
        else:
            if match.lastgroup != "space":
                tokens.append(Token(match.lastgroup or "", match.group(), spaced, at))
            spaced = match.lastgroup == "space"
            at = match.end()
    return tokens


def _ends_operand(token: Token) -> bool:
    return token.kind in ("number", "name") or token.value in (")", "]", "}", "'", ".'")


def parse_function(text: str) -> Function:
    """``@(x)x*2`` or the name of a function, as a tree; UnsupportedError if it is neither."""
    parser = Parser(text, tokenize(text))
    if parser.peek().value != "@":
        name = parser.take()
        if name.kind != "name" or parser.peek().kind != "end":
            raise unsupported(text, "it is neither a name nor an anonymous function")
        return Function((), Node("call", name.value))
    parser.take("@")
    parameters = _parameters(parser)
    body = parser.expression()
    if parser.peek().kind != "end":
        raise unsupported(text, f"{parser.peek().value!r} is not expected there")
    return Function(parameters, body)


def _parameters(parser: Parser) -> tuple[str, ...]:
    """Names between parentheses; ~ for an argument that is not used."""
    parser.take("(")
    names: list[str] = []
    while parser.peek().value != ")":
        if names:
            parser.take(",")
        token = parser.take()
        if token.kind != "name" and token.value != "~":
            raise unsupported(parser.text, "its parameters are not names")
        names.append(token.value)
    parser.take(")")
    return tuple(names)
