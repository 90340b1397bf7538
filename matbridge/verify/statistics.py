"""How far two arrays are apart, in every figure that a person asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.dims import column_major

__all__ = ["Element", "Statistics"]


@dataclass(frozen=True)
class Element:
    """One element: its MATLAB subscripts (from 1) and its linear index (column-major, from 1)."""

    subscripts: tuple[int, ...]
    index: int
    expected: float
    computed: float


@dataclass(frozen=True)
class Statistics:
    """What was computed against what was expected.

    ``scale`` is the largest finite expected magnitude; ``max_rel`` the largest difference over
    it; ``snr`` that of the expected values against the difference, in dB. ``ulps`` counts the
    elements by how many float32 numbers lie between: 0, 1, 2, up to 4, 8, ... and beyond.
    ``argmax`` is the share of observations whose largest score is of the same class, NaN where
    there are no classes. ``steps`` are the max_rel of each time step, empty without any.
    """

    elements: int
    scale: float
    max_abs: float
    max_rel: float
    rmse: float
    cosine: float
    snr: float
    nonfinite_expected: int = 0
    nonfinite_computed: int = 0
    argmax: float = float("nan")
    ulps: tuple[int, ...] = ()
    steps: tuple[float, ...] = ()
    worst: tuple[Element, ...] = ()

    @classmethod
    def of(
        cls,
        computed: np.ndarray | Sequence[np.ndarray],
        expected: np.ndarray | Sequence[np.ndarray],
    ) -> Statistics:
        """Of two arrays of one size, in MATLAB's order of dimensions, or those of two cells."""
        a, b = _flat(computed), _flat(expected)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore"):
            difference = np.where(same, 0.0, np.abs(a - b))
        difference = np.where(np.isnan(difference), np.inf, difference)
        scale = float(np.abs(b).max(initial=0.0, where=np.isfinite(b)))
        worst = float(difference.max(initial=0.0))
        both = np.isfinite(a) & np.isfinite(b)
        signal, noise = float((b[both] ** 2).sum()), float((difference[both] ** 2).sum())
        length = float(np.sqrt((a[both] ** 2).sum() * signal))
        return cls(
            elements=int(b.size),
            scale=scale,
            max_abs=worst,
            max_rel=worst / scale if scale else (0.0 if worst == 0 else float("inf")),
            rmse=float(np.sqrt(np.mean(difference**2))),
            cosine=float((a[both] * b[both]).sum()) / length if length else float("nan"),
            snr=10 * float(np.log10(signal / noise)) if signal and noise else float("inf"),
            nonfinite_expected=int((~np.isfinite(b)).sum()),
            nonfinite_computed=int((~np.isfinite(a)).sum()),
        )

    def as_dict(self) -> dict[str, object]:
        return dataclasses.asdict(self)


def _flat(value: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """All elements as MATLAB counts them, one array of a cell after the other."""
    parts = [value] if isinstance(value, np.ndarray) else value
    return np.concatenate([column_major(part, (-1,)) for part in parts]).astype(np.float64)
