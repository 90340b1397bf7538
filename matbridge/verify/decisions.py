"""Class names judged: they are equal or not, and the scores tell how near another class was."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from matbridge.core.dims import column_major
from matbridge.core.running import Progress
from matbridge.errors import MatbridgeError, MismatchError
from matbridge.verify.case import Case
from matbridge.verify.compare import EmptyComparisonError, parts_of
from matbridge.verify.judgement import Judgement
from matbridge.verify.labels import Confusion, class_names
from matbridge.verify.measures.budget import Budget
from matbridge.verify.measures.margins import Margins
from matbridge.verify.measures.statistics import Statistics
from matbridge.verify.outputs import output_dims
from matbridge.verify.runs import Runs

__all__ = ["judge_labels", "judge_names"]


def judge_labels(case: Case, progress: Progress | None = None) -> Judgement:
    """The judgement on the class names of the only output.

    Raises EmptyComparisonError where none are expected, MismatchError for another number.
    """
    found = case.run(None, progress)[0]
    judgement = judge_names(found, case.expected[0], case.network.output_names[0])
    margins = _margins(case, found, progress)
    if margins is None:
        return judgement
    tied = judgement.verdict == "different" and margins.ties
    return dataclasses.replace(
        judgement,
        verdict="rounding" if tied else judgement.verdict,
        note="; ".join(filter(None, (judgement.note, margins.words))),
        margins=margins,
    )


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
    nan = math.nan
    statistics = Statistics(len(expected), nan, wrong, wrong, wrong, nan, nan, argmax=1 - wrong)
    verdict = "different" if wrong else "identical"
    return Judgement(name, verdict, why, statistics, 0.0, 1.0, wrong, confusion=confusion)


def _margins(case: Case, found: object, progress: Progress | None) -> Margins | None:
    """By how much the classes were decided; None where the scores do not tell."""
    # A case that expects numbers gives the scores.
    scored = case.replace(expected=(np.zeros(1),))
    try:
        runs = Runs.of(scored, progress)
    except MatbridgeError:
        return None
    (dims,) = output_dims(case.network, runs.exact, bool(case.options.get("format")))
    names = [str(name) for name in case.classes or case.network.classes]
    scores = parts_of(runs.exact[0])
    if "C" not in dims or scores[0].shape[dims.index("C")] != len(names):
        return None
    rounded = [parts_of(single[0]) for single in runs.singles]
    budget = Budget.of(scores, rounded, case.double, dims)
    rows = np.concatenate([_rows(part, dims) for part in scores])
    result, expected = class_names(found) or [], class_names(case.expected[0]) or []
    if len(rows) != len(result):
        return None
    return Margins.of(rows / budget.largest, names, result, expected)


def _rows(scores: np.ndarray, dims: str) -> np.ndarray:
    """A row of scores for each decision, in MATLAB's order of all that are no channels."""
    axis = dims.index("C")
    channels = [np.take(scores, n, axis) for n in range(scores.shape[axis])]
    return np.stack([column_major(channel, (-1,)) for channel in channels], axis=1)
