"""One page for the browser that needs nothing beside it: what was verified, and how it went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from matbridge.files import written
from matbridge.report.facts import Facts
from matbridge.report.templates import render
from matbridge.verify.verification import Verification

__all__ = ["write_page"]


def write_page(
    verifications: Verification | Mapping[str, Verification],
    path: Path,
    reads: Iterable[Path] = (),
) -> None:
    """Write the report on one verification, or on several by what they are called.

    An older report is overwritten; ``reads``, the files that the same call reads, never are.
    Raises UnsupportedError where jinja2 or plotly is not installed, and MismatchError where
    ``path`` cannot be written.
    """
    several = {"": verifications} if isinstance(verifications, Verification) else verifications
    text = render("page.html", pages=[Facts.of(name, one) for name, one in several.items()])
    with written(Path(path), force=True, reads=reads) as temporary:
        temporary.write_text(text, encoding="utf-8")
