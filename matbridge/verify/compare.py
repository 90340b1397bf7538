"""How far a result is from what was expected."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.core.dims import reorder
from matbridge.errors import MismatchError
from matbridge.verify.labels import Confusion, class_names

__all__ = ["DEFAULT_TOLERANCE", "Comparison", "EmptyComparisonError", "compare"]

# Of the largest expected value: what float32 leaves after some hundred layers or steps.
DEFAULT_TOLERANCE = 1e-5


class EmptyComparisonError(MismatchError):
    """There was nothing to compare; comparing nothing never passes."""

    exit_code = 5


@dataclass(frozen=True)
class Comparison:
    """The figures of a comparison.

    ``max_rel`` is the largest difference over the largest expected value, which is the
    tolerance that would have been needed; ``share`` is that of the elements within the
    tolerance asked for. ``confusion`` is that of class names.
    """

    elements: int
    max_abs: float
    max_rel: float
    rmse: float
    share: float
    tolerance: float
    agree: bool
    note: str = ""
    confusion: Confusion | None = None

    def as_dict(self) -> dict[str, object]:
        return {
            "elements": self.elements,
            "max_abs": self.max_abs,
            "max_rel": self.max_rel,
            "rmse": self.rmse,
            "share_within_tolerance": self.share,
            "tolerance": self.tolerance,
            "tolerance_needed": self.max_rel,
            "verdict": "agree" if self.agree else "differ",
            "note": self.note,
            "confusion": self.confusion.as_dict() if self.confusion else None,
        }


def compare(computed: object, expected: object, tolerance: float = DEFAULT_TOLERANCE) -> Comparison:
    """Compare arrays, lists of arrays, or class names.

    ``tolerance`` is a fraction of the largest expected value; labels must be equal.
    NaN only agrees with NaN. What agrees transposed agrees, with a note. Raises
    EmptyComparisonError if there are no elements and MismatchError where the sizes cannot
    belong together.
    """
    names = class_names(expected)
    if names is not None:
        return _labels(computed, names)
    try:
        result = _compared(computed, expected, tolerance)
    except EmptyComparisonError:
        raise
    except MismatchError:
        turned = _if_transposed(computed, expected, tolerance)
        if turned is None:
            raise
        return turned
    return result if result.agree else _if_transposed(computed, expected, tolerance) or result


def _if_transposed(computed: object, expected: Any, tolerance: float) -> Comparison | None:
    """The comparison with what is expected transposed, if that agrees."""
    several = expected if isinstance(expected, list) else [expected]
    if not several or any(np.ndim(value) != 2 or 1 in np.shape(value) for value in several):
        return None
    turned = [reorder(np.asarray(value), "CB", "BC") for value in several]
    try:
        result = _compared(computed, turned if isinstance(expected, list) else turned[0], tolerance)
    except MismatchError:
        return None
    note = "what is expected matches transposed"
    return dataclasses.replace(result, note=note) if result.agree else None


def _compared(computed: object, expected: object, tolerance: float) -> Comparison:
    if isinstance(computed, list) or isinstance(expected, list):
        computed, expected = _joined(computed, expected)
    return _numbers(np.asarray(computed), np.asarray(expected), tolerance)


def _joined(computed: object, expected: object) -> tuple[np.ndarray, np.ndarray]:
    """Lists of arrays as one column each, member by member."""
    first = computed if isinstance(computed, list) else [computed]
    other = expected if isinstance(expected, list) else [expected]
    if len(first) != len(other):
        raise MismatchError(f"{len(first)} results were found, {len(other)} expected")
    for place, (a, b) in enumerate(zip(first, other, strict=True), 1):
        if np.size(a) != np.size(b):
            raise MismatchError(
                f"result {place} has size {np.shape(a)}, but {np.shape(b)} is expected"
            )
    pairs = zip(first, other, strict=True)
    flat = [(np.ravel(a), np.ravel(np.reshape(b, np.shape(a)))) for a, b in pairs]
    if not flat:
        raise EmptyComparisonError("there is nothing to compare")
    return np.concatenate([a for a, _ in flat]), np.concatenate([b for _, b in flat])


def _numbers(computed: np.ndarray, expected: np.ndarray, tolerance: float) -> Comparison:
    if not expected.size:
        raise EmptyComparisonError("there is nothing to compare: what is expected is empty")
    note = ""
    if computed.shape != expected.shape:
        computed, note = _reconciled(computed, expected)
    a, b = computed.astype(np.float64), expected.astype(np.float64)
    both = np.isnan(a) & np.isnan(b)
    difference = np.where(both | (a == b), 0.0, np.abs(a - b))
    difference = np.where(np.isnan(difference), np.inf, difference)
    finite = np.abs(b[np.isfinite(b)])
    largest = float(finite.max()) if finite.size else 0.0
    allowed = tolerance * largest
    worst = float(difference.max())
    return Comparison(
        elements=int(a.size),
        max_abs=worst,
        max_rel=worst / largest if largest else (0.0 if worst == 0 else float("inf")),
        rmse=float(np.sqrt(np.mean(difference**2))),
        share=float(np.mean(difference <= allowed)),
        tolerance=tolerance,
        agree=worst <= allowed,
        note=note,
    )


def _reconciled(computed: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, str]:
    """A row for a column is a matter of taste; any other difference in size is not."""
    vectors = all(sum(n != 1 for n in array.shape) <= 1 for array in (computed, expected))
    squeezed = np.squeeze(computed).shape == np.squeeze(expected).shape
    if computed.size == expected.size and (vectors or squeezed):
        return computed.reshape(
            expected.shape
        ), f"sizes {computed.shape} and {expected.shape} as vectors"
    raise MismatchError(
        f"the result has size {computed.shape}, but {expected.shape} is expected",
        mend="Check which variable holds what is expected, and its orientation.",
    )


def _labels(computed: object, expected: list[str]) -> Comparison:
    result = class_names(computed)
    if result is None:
        raise MismatchError("class names are expected, but the result is numbers")
    if not expected:
        raise EmptyComparisonError("there is nothing to compare: no labels are expected")
    if len(result) != len(expected):
        raise MismatchError(f"{len(result)} labels were found, {len(expected)} expected")
    confusion = Confusion.of(expected, result)
    equal = sum(a == b for a, b in zip(result, expected, strict=True))
    wrong = 1.0 - equal / len(expected)
    note = f"{equal:,} of {len(expected):,} labels agree"
    if not set(result) & set(expected):
        note += "; none of the names found is among those expected"
    return Comparison(
        len(expected), wrong, wrong, wrong, 1.0 - wrong, 0.0, not wrong, note, confusion
    )
