"""A case on a few of its observations, where these can be told apart: to try much quickly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from matbridge.verify.case import Case

__all__ = ["FEW", "few"]

# How many observations are enough to see whether a change helps.
FEW = 8


def few(case: Case, most: int = FEW) -> Case:
    """The case on at most so many observations spread over all of them; itself where there are no
    more, or where they hang together or cannot be told."""
    if case.options.get("sequence_length") is not None or case.options.get("format") is not None:
        return case
    count = _observations(case)
    if count <= most or case.steps or case.network.kind.columns:
        return case
    places = [round(k * (count - 1) / max(most - 1, 1)) for k in range(most)]
    inputs = tuple(_taken(x, count, places) for x in case.inputs)
    expected = tuple(_taken(y, count, places) for y in case.expected)
    if any(part is None for part in (*inputs, *expected)):
        return case
    return case.replace(inputs=inputs, expected=expected)


def _observations(case: Case) -> int:
    """How many the first input holds: a list of sequences or images, rows of features, images
    along the last dimension; 1 for an array that is a sequence."""
    values: Any = case.inputs[0] if case.inputs else None
    if isinstance(values, list):
        return len(values)
    layers = list(case.network.input_layers.values())
    if not layers or not isinstance(values, np.ndarray):
        return 0
    format = layers[0].format
    if "T" in format or "B" not in format:
        return 1
    if "S" not in format:
        return int(values.shape[0]) if values.ndim else 0
    return int(values.shape[-1]) if values.ndim == len(format) else 1


def _taken(values: Any, count: int, places: Sequence[int]) -> Any:
    """These observations, in rows or along the last dimension; None where neither counts them."""
    if isinstance(values, list):
        return [values[k] for k in places] if len(values) == count else None
    shape = np.shape(values)
    axes = [axis for axis in (0, len(shape) - 1) if shape and shape[axis] == count]
    if not axes:
        return None
    # Of images the last dimension, of anything else the rows.
    axis = axes[-1] if len(shape) > 2 else axes[0]
    return np.take(values, places, axis)
