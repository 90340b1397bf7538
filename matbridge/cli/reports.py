"""Reports of what was verified, for a browser and for continuous integration: what a command
writes beside what it prints."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from matbridge.cli.many import Row
from matbridge.cli.terminal import say
from matbridge.errors import MatbridgeError
from matbridge.report.entry import Entry
from matbridge.report.junit import check_junit, write_junit
from matbridge.report.page import check_page, write_page

__all__ = ["Reports", "report_options"]


@dataclass(frozen=True)
class Reports:
    """Where reports go; None where none is asked for. ``started`` is when the command did."""

    html: Path | None = None
    junit: Path | None = None
    started: float = field(default_factory=time.perf_counter)

    def check(self, reads: Sequence[Path]) -> None:
        """Raise before anything runs what writing would raise after it."""
        if self.html is not None:
            check_page(self.html, reads)
        if self.junit is not None:
            check_junit(self.junit, reads)

    def write(self, rows: Sequence[Row], reads: Sequence[Path]) -> None:
        """Write the reports on these rows; ``reads`` are never written over."""
        if len(rows) == 1:
            # All the time is its own.
            rows = [dataclasses.replace(rows[0], seconds=time.perf_counter() - self.started)]
        entries = [_entry(row) for row in rows]
        if self.html is not None:
            write_page(entries, self.html, reads)
            say(f"report written to {self.html}")
        if self.junit is not None:
            write_junit(entries, self.junit, reads)
            say(f"JUnit written to {self.junit}")

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
    return Entry(name, row.verification, row.outcome, row.code, row.seconds)


def report_options(function: Callable[..., object]) -> Callable[..., object]:
    """What they say is one ``reports``."""

    @click.option("--report", "html", type=click.Path(path_type=Path), metavar="HTML",
                  help="Write a report for the browser: one file that works offline.")  # fmt: skip
    @click.option("--junit", type=click.Path(path_type=Path), metavar="XML",
                  help="Write JUnit for continuous integration: a test case for each.")  # fmt: skip
    @functools.wraps(function)
    def wrapped(*args: object, html: Path | None, junit: Path | None, **given: object) -> object:
        return function(*args, reports=Reports(html, junit), **given)

    return wrapped
