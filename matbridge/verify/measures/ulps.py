"""How many float32 numbers lie between two values."""

from __future__ import annotations

import numpy as np

__all__ = ["EDGES", "ulps_of"]

# The most that each but the last bar of a histogram counts; the last counts what is beyond.
EDGES = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def ulps_of(computed: np.ndarray, expected: np.ndarray) -> tuple[int, ...]:
    """The histogram over EDGES; () where no element is finite in both.

    Values are rounded to float32 first; what is not finite in both is not counted.
    """
    if np.iscomplexobj(computed) or np.iscomplexobj(expected):
        return ()
    with np.errstate(over="ignore"):
        a, b = computed.astype(np.float32), expected.astype(np.float32)
    finite = np.isfinite(a) & np.isfinite(b)
    if not finite.any():
        return ()
    between = np.abs(_place(a[finite]) - _place(b[finite]))
    bars = np.searchsorted(EDGES, between)
    return tuple(np.bincount(bars, minlength=len(EDGES) + 1).tolist())


def _place(values: np.ndarray) -> np.ndarray:
    """The place of each number among all of float32, 0 and -0 at one."""
    bits = values.view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
