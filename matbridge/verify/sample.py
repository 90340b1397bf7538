"""A few of many elements, for a picture of how what was computed lies to what was expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["MOST", "Sample"]

# More points than these a picture does not show.
MOST = 4000


@dataclass(frozen=True, eq=False)
class Sample:
    """Every n-th element in MATLAB's order: what was expected, and what was computed.

    ``elements`` is how many there are in all.
    """

    expected: np.ndarray
    computed: np.ndarray
    elements: int

    @classmethod
    def of(cls, computed: np.ndarray, expected: np.ndarray, most: int = MOST) -> Sample:
        """Of two arrays of one size; at most about ``most`` elements are kept."""
        # A step that shares no factor with usual sizes meets every channel and every step.
        step = -(-expected.size // most) if expected.size else 1
        step += step > 1 and step % 2 == 0
        flat = (np.asarray(part).ravel(order="F")[::step] for part in (expected, computed))
        kept = [part.astype(np.float64) for part in flat]
        return cls(kept[0], kept[1], int(expected.size))
