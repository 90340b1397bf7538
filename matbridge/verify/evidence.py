"""How far results are from what is expected, and how much it would say if they agreed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from matbridge.verify.case import Case, Results
from matbridge.verify.compare import forms, parts_of
from matbridge.verify.labels import class_names
from matbridge.verify.measures.statistics import Parts

__all__ = ["distance", "evidence"]

# What a value says that agrees to rounding, in bits; and at least how far from 0, and as a score
# from 1, it must be, as a share of the scale, not to be where saturated values go anyway.
BITS = 16.0
SATURATED = 1e-4


def distance(results: Results, expected: Results) -> float:
    """The root mean square difference as a share of that of what is expected; the share of class
    names that differ. Infinite where something is not finite in one of them alone."""
    shares = [_share(y, t) for y, t in zip(results, expected, strict=True)]
    return math.sqrt(sum(share**2 for share in shares) / len(shares))


def _share(computed: Any, expected: Any) -> float:
    names = class_names(expected)
    if names is not None:
        other = class_names(computed) or []
        if len(other) != len(names):
            return math.inf
        return sum(a != b for a, b in zip(names, other, strict=True)) / len(names)
    ours, theirs = _column(parts_of(computed)), parts_of(expected)
    return min(_apart(ours, _column(form.brought(theirs))) for form in forms(computed, expected))


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore", over="ignore"):
        noise = float((np.where(same, 0.0, a - b) ** 2).sum())
        signal = float((b[np.isfinite(b)] ** 2).sum())
    if math.isnan(noise):
        return math.inf
    return math.sqrt(noise / signal) if signal else (math.inf if noise else 0.0)


def _column(parts: Parts) -> np.ndarray:
    return np.concatenate([np.ravel(part).astype(np.float64) for part in parts] or [np.zeros(0)])


def evidence(case: Case, results: Results) -> float:
    """How much it says, in bits, if a change of the case agrees where ``results`` do not: values
    that are alike, saturated or zero say nothing, class names as far as they were wrong."""
    return sum(_bits(y, t) for y, t in zip(results, case.expected, strict=True))


def _bits(computed: Any, expected: Any) -> float:
    names = class_names(expected)
    if names is not None:
        wrong = sum(a != b for a, b in zip(names, class_names(computed) or [], strict=False))
        return wrong * math.log2(max(len(set(names)), 2))
    values = _column(parts_of(expected))
    values = values[np.isfinite(values)]
    scale = np.abs(values).max(initial=0.0)
    telling = values[np.abs(values) > SATURATED * scale]
    if values.size and values.min() >= 0 and scale <= 1:
        telling = telling[telling < 1 - SATURATED]
    # Alike to the digits that single precision keeps is alike.
    return BITS * len(np.unique(np.float32(telling)))
