"""Where results and progress go: results to stdout, the rest to stderr.

Everything that is printed passes here, and nothing of a file reaches a terminal raw: what does
not print is shown as an escape, and no text is taken for markup.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from matbridge.core.diagnostics import Diagnostic
from matbridge.text import visible

__all__ = [
    "ENDLESS",
    "Terminal",
    "console",
    "print_json",
    "progress_bar",
    "say",
    "status_line",
    "styled",
    "table",
    "tell",
    "warn_of",
]

# The version of what --json prints: it grows when a key changes its meaning or goes.
SCHEMA = 1

# What a pipe takes in one line: tables are as wide as their content there.
ENDLESS = 100_000


class Terminal(Console):
    """A console that takes every text as it is, escapes what does not print, and outlives
    its reader."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text, keep="\n"), **options)

    def sentence(self, text: str, style: str = "") -> None:
        """Text in one line, whatever names stand in it: no name can begin a line of its own and
        say what nobody found."""
        self.print(Text(visible(text), style=style))

    def on_broken_pipe(self) -> None:
        mute()


def console() -> Terminal:
    """stdout; colour only on a terminal, and no bound to the width of a pipe."""
    known = sys.stdout.isatty() or os.environ.get("COLUMNS")
    return Terminal(width=None if known else ENDLESS, markup=False, emoji=False, highlight=False)


def mute() -> None:
    """The reader of our output has gone: what is left to say is said to nobody."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def styled(text: str, style: str) -> Text:
    """A text in colour, or bold."""
    return Text(visible(text, keep="\n"), style=style)


def table(*columns: str, title: str = "") -> Table:
    """A table whose cells fold where they do not fit."""
    rows = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        rows.add_column(column, overflow="fold")
    return rows


def tell(text: str) -> None:
    """A line of the result."""
    try:
        click.echo(visible(text, keep="\n"))
    except BrokenPipeError:
        mute()


def print_json(document: Mapping[str, Any], versioned: bool = True) -> None:
    """JSON to stdout: no character that does not print, and no NaN or Infinity."""
    document = {"schema": SCHEMA, **document} if versioned else document
    narrow = "utf" not in (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    text = json.dumps(finite(document), ensure_ascii=narrow, allow_nan=False, indent=2, default=str)
    try:
        click.echo("".join(c if c.isprintable() or c == "\n" else escaped(c) for c in text))
    except BrokenPipeError:
        mute()


def escaped(character: str) -> str:
    r"""The character as JSON escapes it: ``\u202e``, in two halves beyond 16 bits."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def finite(value: object) -> object:
    """The value with null for each NaN and Infinity, as MATLAB's jsonencode writes them."""
    if isinstance(value, np.ndarray | np.generic):
        return finite(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def say(message: str) -> None:
    """A word to the user beside the result."""
    click.echo(visible(message, keep="\n"), err=True)


def warn_of(report: Iterable[Diagnostic]) -> None:
    """What a reader noticed that may change results."""
    for diagnostic in report:
        if diagnostic.level == "warning":
            say(f"warning: {diagnostic}")


@contextmanager
def status_line(what: str) -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being done; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda message: None
        return
    with Console(stderr=True).status(what) as status:
        yield lambda message: status.update(Text(f"{what}: {visible(message)}"))


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr for long work; nothing where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    bar = Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
