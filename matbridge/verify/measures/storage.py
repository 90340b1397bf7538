"""How expected values were kept: in fewer bits or digits than they were computed in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matbridge.verify.measures.statistics import Parts, flat

__all__ = ["Storage", "storage_of", "tells_little"]

# The most decimals that are looked for.
DECIMALS = 7
# Values are rounded to decimals where chance would hit them all less than once in 2 to this.
CERTAIN = 30.0
# Of the largest value: what is rounded to more is told from something else only roughly ...
COARSE = 1e-3
# ... unless so many values lie so near to the next step, on either side, that a shift shows.
FEWEST = 8


@dataclass(frozen=True)
class Storage:
    """The distance of the numbers that were kept, 0 where they are as they were computed, and
    in which words that is told."""

    step: float = 0.0
    words: str = ""

    @property
    def half(self) -> float:
        """By how much the rounding of what was kept moves a value."""
        return self.step / 2


def storage_of(expected: Parts) -> Storage:
    """How these values, all as they were read, were rounded when they were kept."""
    values = flat(expected)
    kinds = {part.dtype.kind for part in expected}
    values = np.real(values[np.isfinite(values)])
    if not values.size or not np.any(values):
        return Storage()
    if kinds <= set("iu"):
        return Storage(1.0, "whole numbers")
    single = any(part.dtype == np.float32 for part in expected)
    for decimals in range(DECIMALS):
        if _rounded(values, decimals, single):
            plural = "s" if decimals > 1 else ""
            words = f"{decimals} decimal{plural}" if decimals else "whole numbers"
            return Storage(10.0**-decimals, words)
    return Storage()


def tells_little(storage: Storage, expected: np.ndarray, exact: np.ndarray) -> bool:
    """Whether values that are equal once rounded may be apart by a thousandth of the scale, or
    more, and none would show it."""
    finite = np.isfinite(expected) & np.isfinite(exact)
    apart = np.real(expected - exact)[finite]
    least = COARSE * float(np.abs(exact[finite]).max(initial=0.0))
    if storage.step <= least:
        return False
    sides = (storage.half - apart, storage.half + apart)
    return min(int((room <= least).sum()) for room in sides) < FEWEST


def _rounded(values: np.ndarray, decimals: int, single: bool) -> bool:
    """Whether all are numbers of so many decimals, and that is no chance."""
    values = values[values != 0]
    step = 10.0**-decimals
    # Numbers of this type near a value: their distance, where it is less than the step.
    kind = np.float32 if single else np.float64
    unit = np.spacing(np.maximum(np.abs(values), step).astype(kind)).astype(np.float64)
    if not np.all(np.abs(np.round(values, decimals) - values) <= unit):
        return False
    return bool(np.log2(np.maximum(step / (2 * unit), 1.0)).sum() >= CERTAIN)
