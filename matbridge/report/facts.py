"""What a page tells of a verification, as plain values for its template."""

from __future__ import annotations

from dataclasses import dataclass

from matbridge.report.entry import Entry

__all__ = ["Facts"]


@dataclass(frozen=True)
class Facts:
    """An entry as the page shows it."""

    entry: Entry

    @classmethod
    def of(cls, entry: Entry) -> Facts:
        """The facts of an entry."""
        return cls(entry)
