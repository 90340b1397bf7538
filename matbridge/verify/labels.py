"""Class names, compared by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Confusion", "class_names"]

MISSING = "<missing>"


@dataclass(frozen=True)
class Confusion:
    """How often each class expected (a row) was found as each class (a column)."""

    classes: tuple[str, ...]
    counts: np.ndarray

    @classmethod
    def of(cls, expected: Iterable[str], result: Iterable[str]) -> Confusion:
        """The table of two equally long lists of names."""
        pairs = Counter(zip(expected, result, strict=True))
        classes = tuple(sorted({name for pair in pairs for name in pair}))
        counts = [[pairs[row, column] for column in classes] for row in classes]
        return cls(classes, np.array(counts, dtype=int).reshape(len(classes), len(classes)))

    def as_dict(self) -> dict[str, object]:
        return {"classes": list(self.classes), "counts": self.counts.tolist()}


def class_names(value: Any) -> list[str] | None:
    """The names in a categorical, a cell, string or array of text, or a cell of any of these,
    column by column; None for anything else, such as numbers."""
    if isinstance(value, str):
        return [value]
    if hasattr(value, "codes"):
        return list(value)
    if isinstance(value, np.ndarray):
        return None if value.dtype.kind not in "UO" else _all_names(value.ravel(order="F"))
    if isinstance(value, list | tuple) and value:
        return _all_names(value)
    return None


def _all_names(values: Iterable[object]) -> list[str] | None:
    names: list[str] = []
    for value in values:
        inner = [MISSING] if value is None else class_names(value)
        if inner is None:
            return None
        names += inner
    return names
