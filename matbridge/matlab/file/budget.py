"""What reading one file may take: a file of a few kilobytes can ask for any amount."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

from matbridge.errors import FormatError
from matbridge.matlab.file.values import Cell

__all__ = ["Budget", "full", "too_large"]

MEND = "If you trust the file, raise the bound with max_size=."
# Values that any file may make; files of more bytes may make more.
VALUES = 1 << 18
BYTES_PER_VALUE = 1
# Seconds of the processor for any file, and bytes of the file that add another.
SECONDS = 20.0
BYTES_PER_SECOND = 2 << 20
# Time is looked at once in so many values, for which many bytes count too.
STEP = 256
BYTES_PER_LOOK = 1 << 16


@dataclass
class Spent:
    """What one variable took."""

    values: int = 0
    bytes: int = 0
    seconds: float = 0.0


class Budget:
    """Counts, where they are made, the values, bytes and seconds that a file takes.

    ``limit`` is the user's --max-size in bytes; a file of ``nbytes`` bytes may make some
    values and take some seconds on top. What a variable took is counted once, however
    often it is read. Raises FormatError beyond.
    """

    def __init__(self, limit: int, nbytes: int = 0) -> None:
        self.limit = limit
        self.most_values = max(VALUES, limit >> 14) + nbytes // BYTES_PER_VALUE
        self.most_seconds = max(SECONDS, limit / (200 << 20)) + nbytes / BYTES_PER_SECOND
        self.spent: dict[str, Spent] = {}
        self.before = Spent()
        self.begin("")

    def begin(self, name: str) -> None:
        """What is spent from here on is the variable's of this name, anew if it was read before."""
        self.name = name
        again = self.spent.get(name, Spent())
        self.now = self.spent[name] = Spent()
        self.before.values -= again.values
        self.before.bytes -= again.bytes
        self.before.seconds -= again.seconds
        self.started = time.thread_time()
        self.next_look = STEP

    def end(self, held: bool = True) -> None:
        """The variable is read; if that failed nothing is ``held``, but the time is gone."""
        seconds = time.thread_time() - self.started
        self.spent[self.name] = self.now = replace(self.now if held else Spent(), seconds=seconds)
        self.before.values += self.now.values
        self.before.bytes += self.now.bytes
        self.before.seconds += self.now.seconds

    def release(self, name: str) -> None:
        """What the variable of this name took in values and bytes is given back."""
        spent = self.spent.get(name, Spent())
        self.spent[name] = replace(Spent(), seconds=spent.seconds)
        self.before.values -= spent.values
        self.before.bytes -= spent.bytes

    def values(self, count: int = 1) -> None:
        """So many values are about to be made."""
        self.now.values += count
        if self.now.values >= self.next_look:
            self.next_look = self.now.values + STEP
            self.look()

    def look(self) -> None:
        """Raise FormatError where values or seconds are used up."""
        if self.before.values + self.now.values > self.most_values:
            raise FormatError(
                f"{self.name or 'the file'} holds more than {self.most_values:,} values "
                "for a file of its size",
                mend=MEND,
            )
        if self.before.seconds + time.thread_time() - self.started > self.most_seconds:
            raise FormatError(
                f"{self.name or 'the file'} takes more than {self.most_seconds:.0f} seconds "
                "for a file of its size",
                mend=MEND,
            )

    def hold(self, count: int) -> None:
        """So many bytes are about to be held."""
        self.now.bytes += count
        if self.before.bytes + self.now.bytes > self.limit:
            raise too_large(self.name, self.limit)
        self.values(count // BYTES_PER_LOOK)


def too_large(name: str, limit: int) -> FormatError:
    """What is said of data beyond --max-size."""
    return FormatError(f"{name or 'the file'} holds more than {limit >> 20} MiB", mend=MEND)


def full(value: Any, budget: Budget) -> Any:
    """The same without sparse matrices, which take little in a file and any amount once full."""
    if hasattr(value, "toarray"):
        budget.hold(8 * math.prod(value.shape))
        return value.toarray()
    if isinstance(value, dict):
        return {name: full(inner, budget) for name, inner in value.items()}
    return Cell((full(v, budget) for v in value), value.shape) if isinstance(value, Cell) else value
