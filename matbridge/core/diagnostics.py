"""What a reader noticed without having to stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Diagnostic", "Report"]


@dataclass(frozen=True)
class Diagnostic:
    """One thing noticed.

    ``level`` is "note" (nothing to do), "warning" (the result may be used with care)
    or "error" (this part cannot be used).
    """

    level: str
    what: str
    where: str = ""
    mend: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} {self.mend}".rstrip()


@dataclass
class Report:
    """Diagnostics in the order in which they were found."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def note(self, what: str, where: str = "", mend: str = "") -> None:
        self.diagnostics.append(Diagnostic("note", what, where, mend))

    def warning(self, what: str, where: str = "", mend: str = "") -> None:
        self.diagnostics.append(Diagnostic("warning", what, where, mend))

    def error(self, what: str, where: str = "", mend: str = "") -> None:
        self.diagnostics.append(Diagnostic("error", what, where, mend))

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.diagnostics)

    def __len__(self) -> int:
        return len(self.diagnostics)
