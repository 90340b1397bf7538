"""A case on a few of its observations, where these can be told apart: to try much quickly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from matbridge.verify.case import Case

__all__ = ["FEW", "few"]

# How many observations are enough to see whether a change helps.
FEW = 8

Taking = Callable[[Sequence[int]], Any]


def few(case: Case) -> Case:
    """The case on a few observations spread over all of them; itself where there are no more, or
    where they hang together."""
    if case.options.get("sequence_length") is not None or case.options.get("format") is not None:
        return case
    count = _count(case)
    if count <= FEW:
        return case
    places = [round(k * (count - 1) / (FEW - 1)) for k in range(FEW)]
    inputs = tuple(_taken(x, count, places) for x in case.inputs)
    expected = tuple(_taken(y, count, places) for y in case.expected)
    if any(part is None for part in (*inputs, *expected)):
        return case
    return case.replace(inputs=inputs, expected=expected)


def _count(case: Case) -> int:
    """How many observations there are, 0 where that cannot be told."""
    counts = {_observations(y) for y in case.expected}
    return counts.pop() if len(counts) == 1 else 0


def _observations(expected: Any) -> int:
    if isinstance(expected, list):
        return len(expected)
    return int(np.shape(expected)[_axis(expected)]) if np.ndim(expected) else 0


def _axis(array: Any) -> int:
    """Where MATLAB counts observations: rows of a matrix, the last dimension of images."""
    return 0 if np.ndim(array) <= 2 else np.ndim(array) - 1


def _taken(values: Any, count: int, places: Sequence[int]) -> Any:
    """These observations; None where there are not as many as there should be."""
    if isinstance(values, list):
        return [values[k] for k in places] if len(values) == count else None
    if not isinstance(values, np.ndarray) or values.ndim == 0:
        return None
    axis = _axis(values)
    return np.take(values, places, axis) if values.shape[axis] == count else None
