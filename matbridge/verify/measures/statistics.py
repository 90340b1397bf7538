"""How far two values are apart, in every figure that a person asks for."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.dims import column_major
from matbridge.verify.measures.ulps import ulps_of

__all__ = ["MOST_WORST", "Element", "Parts", "Statistics", "distance", "element", "flat"]

# Values as predict returns them: the arrays of a cell, or the only one.
Parts = Sequence[np.ndarray]

# So many of the worst elements are told.
MOST_WORST = 10


@dataclass(frozen=True)
class Element:
    """One element as MATLAB finds it: its subscripts and its linear index (column-major), from 1.

    ``cell`` is the number of its cell, from 1, and 0 where there are none.
    """

    subscripts: tuple[int, ...]
    index: int
    expected: float
    computed: float
    cell: int = 0


@dataclass(frozen=True)
class Statistics:
    """What was computed against what was expected.

    ``scale`` is the largest finite expected magnitude; ``max_rel`` the largest difference over
    it, the smallest tolerance at which the value would pass; ``snr`` that of the expected values
    against the difference, in dB, infinite where they are equal. What is not finite counts in
    ``max_abs`` where the two disagree (``nonfinite_unequal``), and nowhere else. ``ulps`` counts
    the elements by how many float32 numbers lie between, see ulps.EDGES; it is empty for values
    in double precision. ``argmax`` is the share of observations whose largest score is of the
    same class, NaN where there are no classes. ``steps`` are the max_rel of each time step,
    empty without any.
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
    nonfinite_unequal: int = 0
    argmax: float = float("nan")
    ulps: tuple[int, ...] = ()
    steps: tuple[float, ...] = ()
    worst: tuple[Element, ...] = ()

    @classmethod
    def of(
        cls,
        computed: np.ndarray | Parts,
        expected: np.ndarray | Parts,
        dims: str = "",
        single: bool = True,
        scores: bool = False,
    ) -> Statistics:
        """Of two arrays of one size, in MATLAB's order of dimensions, or those of two cells.

        ``dims`` labels the dimensions of each array, as far as they are known, and ``scores``
        says that the channels are those of classes; ``single`` that single precision made the
        expected values.
        """
        ours, theirs = parts_of(computed), parts_of(expected)
        a, b, apart = flat(ours), flat(theirs), [distance(*two) for two in zipped(ours, theirs)]
        difference = flat(apart)
        finite = np.isfinite(a) & np.isfinite(b)
        scale = float(np.abs(b).max(initial=0.0, where=np.isfinite(b)))
        worst = float(difference.max(initial=0.0))
        return cls(
            elements=int(b.size),
            scale=scale,
            max_abs=worst,
            max_rel=share(worst, scale),
            rmse=rms(difference),
            cosine=_cosine(a[finite], b[finite]),
            snr=_decibels(b[finite], difference[finite]) if finite.any() else math.nan,
            nonfinite_expected=int((~np.isfinite(b)).sum()),
            nonfinite_computed=int((~np.isfinite(a)).sum()),
            nonfinite_unequal=int(np.isinf(difference).sum()),
            argmax=_agreement(ours, theirs, dims) if scores else math.nan,
            ulps=ulps_of(a, b) if single else (),
            steps=tuple(share(step, scale) for step in _by_step(apart, dims)),
            worst=_worst(difference, ours, theirs),
        )

    def as_dict(self) -> dict[str, object]:
        return dataclasses.asdict(self)


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How far each element is from the other: none where both are the same infinity or NaN,
    infinitely far where one of them alone is not finite."""
    wide = np.result_type(a, b, np.float64)
    a, b = a.astype(wide), b.astype(wide)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return np.where(np.isnan(apart), np.inf, apart)


def parts_of(value: np.ndarray | Parts) -> Parts:
    return [value] if isinstance(value, np.ndarray) else value


def zipped(ours: Parts, theirs: Parts) -> Sequence[tuple[np.ndarray, np.ndarray]]:
    return list(zip(ours, theirs, strict=True))


def flat(parts: Parts) -> np.ndarray:
    """All elements as MATLAB counts them, one array of a cell after the other."""
    if not parts:
        return np.zeros(0)
    row = np.concatenate([column_major(part, (-1,)) for part in parts])
    return row.astype(np.result_type(row, np.float64), copy=False)


def share(difference: float, scale: float) -> float:
    """A difference over the scale; what differs from nothing but zeros is infinitely far."""
    return difference / scale if scale else (math.inf if difference else 0.0)


def rms(values: np.ndarray) -> float:
    """The root of the mean square, without overflow."""
    largest = float(np.abs(values).max(initial=0.0))
    if not largest or not math.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.mean(np.square(np.abs(values) / largest))))


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = rms(a), rms(b)
    if not all(lengths):
        return math.nan
    return float(np.vdot(a / lengths[0], b / lengths[1]).real) / a.size


def _decibels(signal: np.ndarray, noise: np.ndarray) -> float:
    power, lost = rms(signal), rms(noise)
    if not lost:
        return math.inf
    return 20 * (math.log10(power) - math.log10(lost)) if power else -math.inf


def _others(dims: str, label: str) -> tuple[int, ...]:
    return tuple(axis for axis, at in enumerate(dims) if at != label)


def _by_step(apart: Parts, dims: str) -> np.ndarray:
    """The largest difference at each time step, of sequences of any lengths."""
    if "T" not in dims:
        return np.zeros(0)
    rows = [part.max(axis=_others(dims, "T"), initial=0.0) for part in apart]
    steps = np.zeros(max(row.size for row in rows))
    for row in rows:
        steps[: row.size] = np.maximum(steps[: row.size], row)
    return steps


def _agreement(ours: Parts, theirs: Parts, dims: str) -> float:
    """The share of the observations and steps whose largest score is of the same class."""
    if "C" not in dims:
        return math.nan
    axis = dims.index("C")
    same = [
        np.ravel(np.argmax(a, axis) == np.argmax(b, axis))
        for a, b in zipped(ours, theirs)
        if a.size
    ]
    return float(np.concatenate(same).mean()) if same else math.nan


def _worst(difference: np.ndarray, ours: Parts, theirs: Parts) -> tuple[Element, ...]:
    """The elements that differ most, the worst first."""
    count = min(MOST_WORST, difference.size)
    if not count:
        return ()
    places = np.argpartition(difference, -count)[-count:]
    ordered = places[np.argsort(-difference[places], kind="stable")]
    return tuple(element(int(n), theirs, ours) for n in ordered if difference[n])


def element(place: int, expected: Parts, computed: Parts = ()) -> Element:
    """The element at a place, from 0, among those of all cells."""
    cell = 0
    while place >= expected[cell].size:
        place -= expected[cell].size
        cell += 1
    at = np.unravel_index(place, expected[cell].shape, order="F")
    subscripts = tuple(int(n) + 1 for n in at)
    wanted, found = (
        float(np.real(parts[cell][at])) if parts else math.nan for parts in (expected, computed)
    )
    number = cell + 1 if len(expected) > 1 else 0
    return Element(subscripts, place + 1, wanted, found, number)
