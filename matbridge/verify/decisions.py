"""Class names judged: they are equal or not, and the scores tell how near another class was."""

from __future__ import annotations

from matbridge.core.running import Progress
from matbridge.errors import MismatchError
from matbridge.verify.case import Case
from matbridge.verify.compare import EmptyComparisonError
from matbridge.verify.judgement import Judgement
from matbridge.verify.labels import Confusion, class_names
from matbridge.verify.statistics import Statistics

__all__ = ["judge_labels", "judge_names"]


def judge_labels(case: Case, progress: Progress | None = None) -> tuple[Judgement, ...]:
    """The judgement on the class names of the only output.

    Raises EmptyComparisonError where none are expected, MismatchError for another number.
    """
    found = case.run(None, progress)[0]
    return (judge_names(found, case.expected[0], case.network.output_names[0]),)


def judge_names(found: object, wanted: object, name: str = "") -> Judgement:
    """The judgement on class names in any form in which MATLAB and NumPy keep them."""
    result, expected = class_names(found), class_names(wanted)
    if expected is None or result is None:
        raise MismatchError("class names are expected, but the result is numbers")
    if not expected:
        raise EmptyComparisonError("there is nothing to compare: no labels are expected")
    if len(result) != len(expected):
        raise MismatchError(f"{len(result)} labels were found, {len(expected)} expected")
    confusion = Confusion.of(expected, result)
    equal = sum(a == b for a, b in zip(result, expected, strict=True))
    wrong = 1.0 - equal / len(expected)
    why = f"{equal:,} of {len(expected):,} labels agree"
    if not set(result) & set(expected):
        why += "; none of the names found is among those expected"
    nan = float("nan")
    statistics = Statistics(len(expected), nan, wrong, wrong, wrong, nan, nan, argmax=1 - wrong)
    verdict = "different" if wrong else "identical"
    return Judgement(name, verdict, why, statistics, 0.0, 1.0, wrong, confusion=confusion)
