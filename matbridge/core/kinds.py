"""Values as MATLAB saves and takes them, to those that cards hold.

Each converter raises ValueError, saying what is needed, for a value that it refuses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "Convert",
    "integer",
    "integers",
    "logical",
    "number",
    "numbers",
    "one_of",
    "optional",
    "padding",
    "positive",
    "probability",
    "reals",
    "sizes",
    "spread",
    "text",
]

Convert = Callable[[Any], Any]


def reals(value: Any) -> np.ndarray:
    """An array of real numbers."""
    array = np.asarray(value)
    if array.dtype.kind == "c":
        raise ValueError("a real number is needed, not a complex one")
    if array.dtype.kind not in "biuf" and array.size:
        raise ValueError(f"a number is needed, not {type(value).__name__}")
    return array.astype(float)


def _scalar(value: Any) -> float:
    array = reals(value)
    if array.size != 1:
        raise ValueError(f"one value is needed, not {array.size}")
    return float(array.reshape(-1)[0])


def integer(value: Any) -> int:
    """One whole number."""
    found = _scalar(value)
    if not math.isfinite(found) or found != int(found):
        raise ValueError(f"a whole number is needed, not {found:g}")
    return int(found)


def positive(value: Any) -> int:
    """One whole number above 0, such as a size."""
    found = integer(value)
    if found < 1:
        raise ValueError(f"a whole number above 0 is needed, not {found}")
    return found


def probability(value: Any) -> float:
    """One number from 0 to 1."""
    found = number(value)
    if not 0 <= found <= 1:
        raise ValueError(f"a number from 0 to 1 is needed, not {found:g}")
    return found


def number(value: Any) -> float:
    """One real number."""
    return _scalar(value)


def logical(value: Any) -> bool:
    """true or false."""
    return bool(_scalar(value))


def text(value: Any) -> str:
    """A character vector or string scalar."""
    if isinstance(value, np.ndarray) and value.size == 0:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"text is needed, not {type(value).__name__}")
    return str(value)


def integers(value: Any) -> tuple[int, ...]:
    """A row or column of whole numbers."""
    return tuple(integer(v) for v in reals(value).reshape(-1, order="F"))


def sizes(value: Any) -> tuple[int, ...]:
    """One size or more, each above 0."""
    found = tuple(positive(n) for n in integers(value))
    if not found:
        raise ValueError("a size is needed")
    return found


def numbers(value: Any) -> tuple[float, ...]:
    """A row or column of real numbers."""
    return tuple(float(v) for v in reals(value).reshape(-1, order="F"))


def one_of(*options: str) -> Convert:
    """Text that must be one of ``options``; anything else is refused, never guessed."""

    def convert(value: Any) -> str:
        found = text(value).lower()
        if found not in options:
            raise ValueError(f"{found!r} is none of {', '.join(options)}")
        return found

    return convert


def spread(count: int) -> Convert:
    """``count`` whole numbers above 0; one alone stands for all."""

    def convert(value: Any) -> tuple[int, ...]:
        found = tuple(positive(n) for n in integers(value))
        if len(found) not in (1, count):
            raise ValueError(f"{count} values are needed, not {len(found)}")
        return found if len(found) == count else found * count

    return convert


def padding(count: int) -> Convert:
    """'same', 'causal', or the amounts before and after each of ``count`` dimensions.

    MATLAB's orders: one number for all ends; one per dimension; [top bottom left right];
    [top left front; bottom right back], which is the same order column by column.
    """

    def convert(value: Any) -> str | tuple[tuple[int, int], ...]:
        if isinstance(value, str):
            return one_of("same", "causal")(value)
        found = integers(value)
        if len(found) == 1:
            found *= 2 * count
        elif len(found) == count and count > 1:
            found = tuple(n for n in found for _ in range(2))
        if len(found) != 2 * count:
            raise ValueError(f"{2 * count} values are needed, not {len(found)}")
        if min(found) < 0:
            raise ValueError(f"amounts are not negative, as {min(found)} is")
        return tuple(zip(found[::2], found[1::2], strict=True))

    return convert


def optional(convert: Convert) -> Convert:
    """None for MATLAB's [] and for 'auto'; else what ``convert`` makes of the value."""

    def maybe(value: Any) -> Any:
        if value is None or (isinstance(value, str) and value == "auto"):
            return None
        return None if np.size(value) == 0 else convert(value)

    return maybe
