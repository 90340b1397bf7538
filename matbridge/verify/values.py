"""One value judged: is what MATLAB computed what comes out here, to rounding?

No tolerance is guessed. The truth is what comes out in float64; how far float32 moves it from
there is what single precision can explain (see budget.py), and where MATLAB computes in double as
much less as double is finer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.errors import MismatchError
from matbridge.text import listed
from matbridge.verify.compare import Form, forms, located, parts_of
from matbridge.verify.judgement import Judgement
from matbridge.verify.measures.budget import BUDGETS, Budget
from matbridge.verify.measures.sample import Sample
from matbridge.verify.measures.statistics import Parts, Statistics, distance, flat
from matbridge.verify.measures.storage import Storage, storage_of, tells_little

__all__ = ["Limits", "judge"]


@dataclass(frozen=True)
class Limits:
    """What a user takes for close enough: ``tolerance`` of the largest expected value, or ``atol``
    and ``rtol`` for each element, as numpy.allclose has them."""

    tolerance: float | None = None
    atol: float | None = None
    rtol: float | None = None

    def __post_init__(self) -> None:
        """Raises MismatchError for what is no limit; infinity would pass NaN for a number."""
        for name in ("tolerance", "atol", "rtol"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and 0 <= value < np.inf):
                raise MismatchError(f"{name} must be a finite number from 0 on, not {value!r}")

    def close(self, statistics: Statistics, computed: Parts, expected: Parts) -> bool:
        """Whether what is no rounding is close."""
        if self.tolerance is not None and statistics.max_rel <= self.tolerance:
            return True
        if self.atol is None and self.rtol is None:
            return False
        limits = {"atol": self.atol or 0.0, "rtol": self.rtol or 0.0}
        return np.allclose(flat(computed), flat(expected), equal_nan=True, **limits)


def judge(
    name: str,
    expected: Any,
    exact: Any,
    singles: Sequence[Any],
    limits: Limits | None = None,
    double: bool = False,
    dims: str = "",
    classes: int = 0,
) -> Judgement:
    """Judge one value: an array, or a list of arrays, in MATLAB's order.

    ``exact`` is what the network computes in float64, ``singles`` in float32, once or in several
    orders; ``double`` says that MATLAB computes in double precision, ``dims`` what is known of
    the dimensions of each array, ``classes`` how many channels are scores of classes. Of the ways
    in which sizes belong together the first counts in which it passes. Raises what forms raises.
    """
    value = Value(name, parts_of(expected), parts_of(exact), [parts_of(s) for s in singles], dims)
    double = double and not any(part.dtype == np.float32 for part in value.expected)
    judged = (
        value.judged(form, limits or Limits(), double, classes) for form in forms(exact, expected)
    )
    first = next(judged)
    return first if first.passes else next((one for one in judged if one.passes), first)


@dataclass(frozen=True, eq=False)
class Value:
    """What is expected, what comes out in float64, and what in float32."""

    name: str
    expected: Parts
    exact: Parts
    singles: Sequence[Parts]
    dims: str

    def judged(self, form: Form, limits: Limits, double: bool, classes: int) -> Judgement:
        """The judgement where the sizes belong together in this way."""
        expected = form.brought(self.expected)
        scores = bool(classes) and "C" in self.dims
        statistics = Statistics.of(self.exact, expected, self.dims, not double, scores)
        budget = Budget.of(self.exact, self.singles, double, self.dims)
        apart = self._apart(expected)
        used = budget.used(apart)
        storage = storage_of(self.expected)
        verdict, why = self._verdict(expected, apart, budget, storage)
        why = why or _beyond_numbers(statistics) or budget.words(used, statistics.max_rel)
        if verdict == "different" and limits.close(statistics, self.exact, expected):
            verdict, why = "close", f"within the tolerance given, {why}"
        notes = (form.note, _storage_note(storage), self._unseen_note(budget))
        return Judgement(
            self.name,
            verdict,
            why,
            dataclasses.replace(statistics, worst=located(statistics.worst, form, self.expected)),
            budget.relative,
            BUDGETS,
            statistics.max_rel,
            note="; ".join(filter(None, notes)),
            sample=Sample.of(self.exact, expected),
            spent=used,
        )

    def _unseen_note(self, budget: Budget) -> str:
        """What such few values cannot tell; scores between 0 and 1 are small by nature."""
        values = flat(self.exact)
        unseen = budget.unseen(self.exact)
        if not unseen or ((values >= 0) & (values <= 1)).all():
            return ""
        told = listed([str(channel) for channel in unseen], 5)
        lie = f"channel {told} lies" if len(unseen) == 1 else f"channels {told} lie"
        return f"{lie} below what rounding moves the others: more observations tell"

    def _apart(self, expected: Parts) -> Parts:
        """How far each element is; what single precision makes infinite may be infinite."""
        rows = zip(expected, self.exact, *self.singles, strict=True)
        return [
            np.where(_overflown(wanted, singles), 0.0, distance(wanted, exact))
            for wanted, exact, *singles in rows
        ]

    def _verdict(
        self, expected: Parts, apart: Parts, budget: Budget, storage: Storage
    ) -> tuple[str, str]:
        if any(_equal(run, expected) for run in (self.exact, *self.singles)):
            return "identical", "equal to the last bit"
        if budget.used(apart).all <= BUDGETS:
            return "rounding", ""
        beyond = [np.maximum(part - storage.half, 0.0) for part in apart]
        if storage.step and budget.used(beyond).all <= BUDGETS:
            why = f"equal once rounded to {storage.words}, as the expected values are"
            little = tells_little(storage, flat(expected), flat(self.exact))
            return ("close", f"{why}, which says little") if little else ("rounding", why)
        return "different", ""


def _beyond_numbers(statistics: Statistics) -> str:
    """What is apart where no share of the scale can say so."""
    if statistics.nonfinite_unequal:
        count = statistics.nonfinite_unequal
        are = "value is" if count == 1 else "values are"
        return f"{count:,} {are} NaN or infinite on one side, and not the same on the other"
    if statistics.max_abs and not statistics.scale:
        return f"all that is expected is zero, and the largest found is {statistics.max_abs:.2g}"
    return ""


def _overflown(expected: np.ndarray, singles: Sequence[np.ndarray]) -> np.ndarray:
    """Where a value is what single precision makes of one too large or too small for it."""
    met = np.zeros(expected.shape, bool)
    for single in singles:
        same = (single == expected) | (np.isnan(single) & np.isnan(expected))
        met |= ~np.isfinite(single) & same
    return met


def _equal(run: Parts, expected: Parts) -> bool:
    """Whether the values are equal as they are stored, which makes nothing whole of a number that
    is not; NaN equals NaN."""
    pairs = zip(run, expected, strict=True)
    with np.errstate(over="ignore", invalid="ignore"):
        stored = [(a.astype(b.dtype) if b.dtype.kind in "fc" else a, b) for a, b in pairs]
    return all(np.array_equal(a, b, equal_nan=True) for a, b in stored)


def _storage_note(storage: Storage) -> str:
    return f"the expected values are rounded to {storage.words}" if storage.step else ""
