"""What a page tells of a verification, as plain values for its template."""

from __future__ import annotations

from dataclasses import dataclass

from matbridge.verify.verification import Verification

__all__ = ["Facts"]


@dataclass(frozen=True)
class Facts:
    """A verification as the page shows it."""

    name: str
    verification: Verification

    @classmethod
    def of(cls, name: str, verification: Verification) -> Facts:
        """The facts of one verification; ``name`` is what the report calls it."""
        return cls(name, verification)
