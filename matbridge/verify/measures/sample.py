"""A few of many elements, for a picture of how what was computed lies to what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.dims import column_major

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
    def of(
        cls,
        computed: Sequence[np.ndarray],
        expected: Sequence[np.ndarray],
        most: int = MOST,
    ) -> Sample:
        """Of an array, or of the arrays of a cell; at most ``most`` elements are kept."""
        elements = sum(part.size for part in expected)
        # An odd step meets all rows of most sizes, an even one often only half of them.
        step = max(-(-elements // most), 1) | 1
        return cls(_every(expected, step), _every(computed, step), elements)


def _every(parts: Sequence[np.ndarray], step: int) -> np.ndarray:
    flat = (column_major(part, (-1,)) for part in parts)
    return np.concatenate([part[::step].real for part in flat]).astype(np.float64)
