"""The text of a .m file to functions of statements; nothing of it is ever executed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from matbridge.errors import FormatError

__all__ = ["Code", "Statement", "assignment", "fields_read", "read_functions"]

# What opens a block that its own ``end`` closes, and what goes on within one.
BLOCKS = ("if", "for", "while", "switch", "try", "parfor", "spmd")
BRANCHES = ("else", "elseif", "case", "otherwise", "catch")
WORD = re.compile(r"[A-Za-z]\w*", re.ASCII)
HEADER = re.compile(
    r"function\b\s*(?:(?:\[(?P<several>[\w\s,~]*)\]|(?P<single>\w+))\s*=\s*)?"
    r"(?P<name>[\w.]+)\s*(?:\((?P<parameters>[^()]*)\))?",
    re.ASCII,
)
NAMES = re.compile(r"\w+|~", re.ASCII)
# What ends a statement, and what must be skipped as a whole. A quote after an operand is a
# transpose.
PIECES = re.compile(
    r"""(?P<text>"(?:[^"\n]|"")*"|(?<![\w)\]}'.])'(?:[^'\n]|'')*')
      | (?P<continued>\.\.\.[^\n]*\n)
      | (?P<comment>%[^\n]*)
      | (?P<open>[\[({])
      | (?P<close>[\])}])
      | (?P<end>[;,\n])""",
    re.VERBOSE,
)
DEEPEST = 64
# An equals sign that assigns, and what else begins or ends an index before it.
SIGNS = re.compile(r"[~<>=]=|[=(){}]")


@dataclass(frozen=True)
class Statement:
    """A statement, its line, and the heads of the blocks around it, outermost first."""

    text: str
    line: int
    blocks: tuple[str, ...] = ()


@dataclass
class Code:
    """A function of a file: its arguments and results in order, what it does, its comments."""

    name: str
    line: int
    parameters: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    statements: list[Statement] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def read_functions(text: str) -> list[Code]:
    """The functions of a file in its order; what stands before them is one without a name.

    Raises FormatError for text that ends within brackets or blocks that are nested too deep.
    """
    functions = [Code("", 1)]
    blocks: list[str] = []
    for piece, line in _pieces(text):
        match = WORD.match(piece)
        word = match.group() if match else ""
        if piece[0] == "%":
            functions[-1].comments.append(piece)
        elif word == "function":
            blocks = []
            functions.append(_header(piece, line))
        elif word == "end":
            del blocks[-1:]
        elif word in BRANCHES:
            blocks[-1:] = [piece]
        elif word in BLOCKS:
            blocks.append(piece)
            if len(blocks) > DEEPEST:
                raise FormatError("its blocks are nested too deep", where=f"line {line}")
        else:
            functions[-1].statements.append(Statement(piece, line, tuple(blocks)))
    return [code for code in functions if code.statements or code.name]


def assignment(text: str) -> tuple[str, str] | None:
    """What is set, and to what, of ``x(n == 0) = 1``; None where nothing is set."""
    depth = 0
    for match in SIGNS.finditer(text):
        sign = match.group()
        depth += (sign in "({") - (sign in ")}")
        if sign == "=" and depth == 0:
            return text[: match.start()].strip(), text[match.end() :].strip()
        if sign == "=":
            return None
    return None


def fields_read(code: Code) -> set[str]:
    """The settings that a processing function reads: ``settings.gain`` or an argument
    ``x1_step1_gain``."""
    given = code.parameters[1:]
    flat = {name.rpartition("_")[2] for name in given if "_" in name}
    text = "\n".join(statement.text for statement in code.statements)
    return flat | {name for own in given for name in re.findall(rf"\b{own}\.(\w+)", text)}


def _header(piece: str, line: int) -> Code:
    match = HEADER.fullmatch(piece)
    if match is None:
        raise FormatError("this is no head of a function", where=f"line {line}")
    results = NAMES.findall(match["several"] or match["single"] or "")
    parameters = NAMES.findall(match["parameters"] or "")
    return Code(match["name"], line, tuple(parameters), tuple(results))


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Statements and comments in order, with their lines."""
    text = _without_blocks(text.replace("\r\n", "\n").replace("\r", "\n")) + "\n"
    line = begun = 1
    depth = start = 0
    kept: list[str] = []
    for match in PIECES.finditer(text):
        kind = match.lastgroup
        depth = max(depth + (kind == "open") - (kind == "close"), 0)
        ends = kind == "end" and depth == 0
        if ends or kind in ("comment", "continued"):
            kept.append(text[start : match.start()])
            start = match.end()
        line += match.group().count("\n")
        if kind == "comment":
            yield match.group(), line
        if ends:
            if piece := " ".join(kept).strip():
                yield piece, begun
            kept, begun = [], line
    if depth:
        raise FormatError(
            "the file ends within brackets", where=f"line {begun}", mend="It may be cut off."
        )


def _without_blocks(text: str) -> str:
    """The text with the lines of block comments empty."""
    lines, depth = text.split("\n"), 0
    for number, line in enumerate(lines):
        mark = line.strip()
        depth += mark == "%{"
        if depth:
            lines[number] = ""
        depth -= mark == "%}" and depth > 0
    return "\n".join(lines)
