"""Expressions of code to trees: those of function handles, and braces besides."""

from __future__ import annotations

from matbridge.errors import UnsupportedError
from matbridge.layers.handle.parse import Node, Parser, tokenize

__all__ = ["Node", "parse_expression"]


# A list of a thousand delays is written out.
LONGEST = 65_536


class CodeParser(Parser):
    """As of a handle's body; a name with braces is "brace", braces alone "cell", and @name
    "handle"."""

    def primary(self) -> Node:
        token, after = self.peek(), self.peek(1)
        if token.kind == "name" and after.value == "{" and not after.spaced:
            self.take()
            return self.tree("brace", token.value, *self.braced())
        if token.value == "{":
            return self.tree("cell", "", *self.braced())
        if token.value == "@" and after.kind == "name":
            self.take()
            return Node("handle", self.take().value)
        return super().primary()

    def braced(self) -> tuple[Node, ...]:
        self.take("{")
        self.enter("{")
        nodes: list[Node] = []
        while self.peek().value != "}":
            if self.peek().value == ":":
                self.take()
                nodes.append(Node("colon"))
            else:
                nodes.append(self.expression())
            if self.peek().value != "}":
                self.take(",")
        self.take("}")
        self.brackets.pop()
        return tuple(nodes)


def parse_expression(text: str) -> Node | None:
    """The tree of an expression, None where it is not understood."""
    try:
        parser = CodeParser(text, tokenize(text, LONGEST))
        node = parser.expression()
    except UnsupportedError:
        return None
    return node if parser.peek().kind == "end" else None
