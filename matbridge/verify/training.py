"""A saved training record checked: does the network perform as ``tr`` says it did?

best_perf, best_vperf and best_tperf are what the final network reaches on the data that the record
divides among training, validation and test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.errors import MismatchError
from matbridge.matlab.file.values import Cell
from matbridge.shallow.performance import performance
from matbridge.shallow.structure import ShallowStructure
from matbridge.text import listed
from matbridge.verify.compare import EmptyComparisonError
from matbridge.verify.judgement import worst_judgement, worst_of
from matbridge.verify.values import Limits, judge
from matbridge.verify.verification import Verification

__all__ = ["Performance", "is_record", "performances", "verify_performances"]

# What each part of the data is called in a record: its mask, its indices, the best performance
# and the performance of each epoch.
PARTS = {
    "training": ("trainMask", "trainInd", "best_perf", "perf"),
    "validation": ("valMask", "valInd", "best_vperf", "vperf"),
    "test": ("testMask", "testInd", "best_tperf", "tperf"),
}


@dataclass(frozen=True)
class Performance:
    """The performance on one part of the data: as recorded, and as computed now."""

    part: str
    recorded: float
    computed: float

    @property
    def difference(self) -> float:
        """How far they are apart, of the recorded one."""
        return abs(self.computed - self.recorded) / max(abs(self.recorded), np.finfo(float).tiny)


def is_record(value: object) -> bool:
    """Whether this is a training record: a struct with performances and indices."""
    names = ("best_perf", "perf")
    return isinstance(value, Mapping) and any(n in value for n in names) and "trainInd" in value


def performances(
    structure: ShallowStructure,
    record: Mapping[str, object],
    targets: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
) -> list[Performance]:
    """The performance on training, validation and test data, those that there are.

    ``targets`` and ``outputs`` are S×N, one for each output. The record's own performFcn counts.
    Raises MismatchError where the record divides other data than these.
    """
    parameters = {k: record[k] for k in ("performFcn", "performParam") if record.get(k)}
    structure = structure.replace(training={**structure.training, **parameters})
    found = []
    for part, (mask, indices, best, epochs) in PARTS.items():
        recorded = _recorded(record, best, epochs)
        if math.isnan(recorded):
            continue
        kept = list(_kept(record, mask, indices, targets))
        if any(np.isfinite(target).any() for target in kept):
            found.append(Performance(part, recorded, performance(structure, kept, outputs)))
    return found


def verify_performances(
    exact: Sequence[Performance], single: Sequence[Performance], limits: Limits
) -> Verification:
    """Judge the performances of a run in float64, by how far float32 moves them, as much less as
    double precision is finer, in which MATLAB trains and records.

    Raises EmptyComparisonError where there are none.
    """
    if not exact:
        raise EmptyComparisonError("the record holds no performance of these data")
    parts = tuple(
        judge(
            one.part,
            np.array([one.recorded]),
            np.array([one.computed]),
            [np.array([rounded.computed])],
            limits,
            double=True,
        )
        for one, rounded in zip(exact, single, strict=True)
    )
    verdict = worst_of(part.verdict for part in parts)
    worst = worst_judgement(parts, verdict)
    told = listed([f"{one.part} {one.recorded:.6g}" for one in exact])
    notes = (f"performances as recorded: {told}",)
    return Verification(verdict, parts, (), f"{verdict}: {worst.name}: {worst.why}", notes)


def _recorded(record: Mapping[str, object], best: str, epochs: str) -> float:
    """The best performance; in older records that of the best epoch."""
    if best in record:
        return _number(record[best])
    values = np.asarray(record.get(epochs, ()), float).ravel()
    epoch = int(_number(record.get("best_epoch", values.size - 1)))
    return float(values[epoch]) if 0 <= epoch < values.size else math.nan


def _number(value: object) -> float:
    numbers = np.asarray(value, float).ravel()
    return float(numbers[0]) if numbers.size else math.nan


def _kept(
    record: Mapping[str, object], mask: str, indices: str, targets: Sequence[np.ndarray]
) -> Iterator[np.ndarray]:
    """The targets of one part of the data; the others are NaN."""
    masks = record.get(mask)
    if isinstance(masks, Cell) and masks:
        for row, target in enumerate(targets):
            steps = [np.asarray(step, float) for step in masks[row :: masks.shape[0]]]
            yield target * _fitting(np.concatenate(steps, axis=1), target)
        return
    chosen = np.asarray(record.get(indices, ()), float).ravel().astype(int) - 1
    by_value = record.get("divideMode") == "value"
    for target in targets:
        factor = np.full(target.shape, np.nan)
        most = target.size if by_value else target.shape[1]
        if chosen.size and (chosen.min() < 0 or chosen.max() >= most):
            raise _other_data(int(chosen.max()) + 1, most)
        if by_value:
            # Elements are counted down the columns.
            factor[chosen % target.shape[0], chosen // target.shape[0]] = 1.0
        else:
            factor[:, chosen] = 1.0
        yield target * factor


def _fitting(mask: np.ndarray, target: np.ndarray) -> np.ndarray:
    if mask.shape != target.shape:
        raise _other_data(mask.shape[1], target.shape[1])
    return mask


def _other_data(recorded: int, given: int) -> MismatchError:
    return MismatchError(
        f"the record divides {recorded} samples, the targets have {given}",
        mend="Give the inputs and targets that the network was trained with.",
    )
