"""One page for the browser that needs nothing beside it: what was verified, and how it went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matbridge.errors import MismatchError
from matbridge.files import check_target, written
from matbridge.report.entry import Entry
from matbridge.report.facts import Facts
from matbridge.report.templates import check_libraries, render
from matbridge.verify.verification import Verification

__all__ = ["check_page", "write_page"]

SUFFIXES = (".html", ".htm")


def check_page(path: Path, reads: Iterable[Path] = ()) -> None:
    """Raise what write_page raises for this path, and where a library is not installed."""
    if path.suffix.lower() not in SUFFIXES:
        raise MismatchError("a report is an HTML file", where=str(path), mend="End it in .html.")
    check_target(path, force=True, reads=reads)
    check_libraries("jinja2", "plotly", "pygraphviz")


def write_page(
    entries: Verification | Sequence[Entry], path: Path, reads: Iterable[Path] = ()
) -> None:
    """Write the report on one verification, or on several entries.

    An older report is overwritten; ``reads``, the files that the same call reads, never are.
    Raises UnsupportedError where jinja2, plotly or pygraphviz is not installed, and MismatchError
    where ``path`` does not end in .html or cannot be written.
    """
    path, reads = Path(path), list(reads)
    check_page(path, reads)
    listed = [Entry.of("", entries)] if isinstance(entries, Verification) else entries
    text = render("page.html", pages=[Facts.of(entry) for entry in listed])
    with written(path, force=True, reads=reads) as temporary:
        temporary.write_bytes(text.encode())
