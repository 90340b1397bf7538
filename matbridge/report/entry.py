"""What a report lists: a verification, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from matbridge.verify.judgement import NOT_VERIFIED
from matbridge.verify.verification import Verification

__all__ = ["Entry"]

# What could not be read, or run.
ERROR = "error"
# Exit codes that are a verdict; all others are errors.
VERDICTS = {0: "passed", 1: "different", 5: NOT_VERIFIED}


@dataclass(frozen=True)
class Entry:
    """One of those that a report lists, by name: its verification, or, where that is None, what
    became of it in words and its exit code; and how many seconds it took."""

    name: str
    verification: Verification | None = None
    outcome: str = ""
    code: int = 5
    seconds: float = 0.0

    @classmethod
    def of(cls, name: str, verification: Verification) -> Entry:
        """The entry of a verification."""
        return cls(name, verification, verification.sentence, verification.code)

    @property
    def verdict(self) -> str:
        """That of the verification; without one "passed", "different", "not verified" where
        there was nothing to verify against, or "error"."""
        if self.verification is not None:
            return self.verification.verdict
        return VERDICTS.get(self.code, ERROR)

    @property
    def sentence(self) -> str:
        """What became of it, in a line."""
        return self.verification.sentence if self.verification is not None else self.outcome
