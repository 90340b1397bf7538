"""Reports of what was verified, for a browser: what a command writes beside what it prints."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from matbridge.cli.many import Row
from matbridge.cli.terminal import say
from matbridge.errors import MatbridgeError
from matbridge.report.entry import Entry
from matbridge.report.page import check_page, write_page

__all__ = ["Reports", "report_options"]


@dataclass(frozen=True)
class Reports:
    """Where reports go; None where none is asked for."""

    html: Path | None = None

    def check(self, reads: Sequence[Path]) -> None:
        """Raise before anything runs what writing would raise after it."""
        if self.html is not None:
            check_page(self.html, reads)

    def write(self, rows: Sequence[Row], reads: Sequence[Path]) -> None:
        """Write the reports on these rows; ``reads`` are never written over."""
        if self.html is not None:
            write_page([_entry(row) for row in rows], self.html, reads)
            say(f"report written to {self.html}")

    @contextmanager
    def failures(self, path: Path, address: str, reads: Sequence[Path]) -> Iterator[None]:
        """What goes wrong inside is reported as well: no older report is left to say it passed."""
        try:
            yield
        except MatbridgeError as error:
            self.write([Row.failed(path, address, error)], reads)
            raise


def _entry(row: Row) -> Entry:
    name = f"{row.file}: {row.network}" if row.network else row.file
    return Entry(name, row.verification, row.outcome, row.code)


def report_options(function: Callable[..., object]) -> Callable[..., object]:
    """What they say is one ``reports``."""

    @click.option("--report", "html", type=click.Path(path_type=Path), metavar="HTML",
                  help="Write a report for the browser: one file, no network.")  # fmt: skip
    @functools.wraps(function)
    def wrapped(*args: object, html: Path | None, **given: object) -> object:
        return function(*args, reports=Reports(html), **given)

    return wrapped
