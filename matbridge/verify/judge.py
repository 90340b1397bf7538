"""A case judged: is what MATLAB computed what the network computes, to rounding?

No tolerance is guessed. The truth is the network in float64; how far float32 moves it from there
is what single precision can explain, and where MATLAB computes in double as much less as double
is finer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.core.running import Progress
from matbridge.verify.case import Case
from matbridge.verify.compare import Form, forms, parts_of
from matbridge.verify.decisions import judge_labels
from matbridge.verify.judgement import Judgement, worst_of
from matbridge.verify.sample import Sample
from matbridge.verify.saturation import saturated_note
from matbridge.verify.statistics import Statistics
from matbridge.verify.verification import Verification

__all__ = ["BUDGETS", "Limits", "judge", "verify_case"]

# As many times as float32 moves our result may MATLAB's lie from the truth, and be rounding ...
BUDGETS = 8.0
# ... and where ours happens to round well, as many units of rounding of the largest value.
FLOOR = 4.0


@dataclass(frozen=True)
class Limits:
    """What a user takes for close enough: ``tolerance`` of the largest expected value, or ``atol``
    and ``rtol`` for each element, as numpy.allclose has them."""

    tolerance: float | None = None
    atol: float | None = None
    rtol: float | None = None

    def close(self, statistics: Statistics, computed: np.ndarray, expected: np.ndarray) -> bool:
        """Whether what is no rounding is close."""
        if self.tolerance is not None and statistics.max_rel <= self.tolerance:
            return True
        if self.atol is None and self.rtol is None:
            return False
        limits = {"atol": self.atol or 0.0, "rtol": self.rtol or 0.0}
        return np.allclose(computed, expected, equal_nan=True, **limits)


def verify_case(
    case: Case,
    tolerance: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    layers: bool = True,
    progress: Progress | None = None,
) -> Verification:
    """Run a case in float64 and in float32 and judge every output.

    ``tolerance`` and ``atol`` with ``rtol`` make what is no rounding "close"; see Limits. Raises
    EmptyComparisonError where there is nothing to compare, MismatchError where sizes do not
    belong together, and what Network.predict raises.
    """
    limits = Limits(tolerance, atol, rtol)
    if case.labels:
        outputs = judge_labels(case, progress)
    else:
        exact, single = case.run("float64", progress), case.run("float32", progress)
        outputs = tuple(
            judge(name, expected, exact[n], [single[n]], limits, case.double)
            for n, (name, expected) in enumerate(
                zip(case.network.output_names, case.expected, strict=True)
            )
        )
    verdict = worst_of(judgement.verdict for judgement in outputs)
    sentence = _sentence(verdict, outputs)
    return Verification(verdict, outputs, sentence=sentence, notes=case.notes, case=case)


def _sentence(verdict: str, outputs: Sequence[Judgement]) -> str:
    worst = max(outputs, key=lambda judgement: judgement.statistics.max_rel)
    elements = sum(judgement.statistics.elements for judgement in outputs)
    return f"{verdict}: {worst.why}, {elements:,} values"


def judge(
    name: str,
    expected: Any,
    exact: Any,
    singles: Sequence[Any],
    limits: Limits | None = None,
    double: bool = False,
) -> Judgement:
    """Judge one value: an array, or a list of arrays, in MATLAB's order.

    ``exact`` is what the network computes in float64, ``singles`` in float32, once or in several
    orders; ``double`` says that MATLAB computes in double precision. Of the ways in which sizes
    belong together the first counts in which it passes.
    """
    judged = (
        _judged(name, form, expected, exact, singles, limits or Limits(), double)
        for form in forms(exact, expected)
    )
    first = next(judged)
    if first.passes:
        return first
    return next((one for one in judged if one.passes), first)


def _judged(
    name: str,
    form: Form,
    expected: Any,
    exact: Any,
    singles: Sequence[Any],
    limits: Limits,
    double: bool,
) -> Judgement:
    theirs, ours = parts_of(expected), form.parts(exact)
    statistics = Statistics.of(ours, theirs)
    rounded = [form.parts(single) for single in singles]
    unit = float(np.finfo(np.float64 if double else np.float32).eps)
    moved = max((Statistics.of(parts, ours).max_rel for parts in rounded), default=0.0)
    budget = max(moved * (2.0**-29 if double else 1.0), FLOOR * unit)
    verdict, why = _verdict(statistics, budget, theirs, [ours, *rounded])
    if verdict == "different" and limits.close(statistics, _flat(ours), _flat(theirs)):
        verdict, why = "close", "more than rounding explains, within the tolerance given"
    notes = [note for note in (form.note, saturated_note(exact)) if note]
    return Judgement(
        name,
        verdict,
        why,
        statistics,
        budget,
        BUDGETS,
        statistics.max_rel,
        note="; ".join(notes),
        sample=Sample.of(ours, theirs),
    )


def _verdict(
    statistics: Statistics,
    budget: float,
    expected: list[np.ndarray],
    runs: Sequence[list[np.ndarray]],
) -> tuple[str, str]:
    if any(_equal(run, expected) for run in runs):
        return "identical", "equal to the last bit"
    if statistics.max_rel <= BUDGETS * budget:
        return "rounding", f"within {BUDGETS:g} times what rounding moves the result"
    return "different", "more than rounding explains"


def _equal(run: list[np.ndarray], expected: list[np.ndarray]) -> bool:
    """Whether the values are equal as they are stored; NaN equals NaN."""
    pairs = zip(run, expected, strict=True)
    return all(np.array_equal(a.astype(b.dtype), b, equal_nan=True) for a, b in pairs)


def _flat(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([part.reshape(-1) for part in parts]).astype(np.float64)
