"""The arrays that enter a network, by the labels of their dimensions as the user gave them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from matbridge.core.card import InputLayer
from matbridge.verify.case import Case

__all__ = ["entering_arrays", "with_arrays"]

# An array and its labels as another one; None where it does not apply.
Turn = Callable[[np.ndarray, str], np.ndarray | None]


def _labels(layer: InputLayer | None, format: str | None) -> str:
    """The labels of what predict takes, "" where they are not known."""
    if format is not None:
        return format.upper()
    if layer is None or layer.columns:
        return ""
    if layer.format == "CB":
        return "BC"
    # MATLAB's sequences are observations of their own.
    return layer.format.replace("B", "") if "T" in layer.format else layer.format


def _by_name(case: Case) -> Iterator[tuple[str, Any, str]]:
    """The name of each input, what enters there, and its labels."""
    names = case.network.input_names
    data: Any = case.inputs
    if len(data) == 1 and isinstance(data[0], Mapping):
        data = [data[0].get(name) for name in names]
    format = case.options.get("format")
    formats = [format] * len(names) if format is None or isinstance(format, str) else list(format)
    for name, value, labels in zip(names, data, formats, strict=False):
        yield name, value, _labels(case.network.input_layers.get(name), labels)


def _parts(value: object) -> list[np.ndarray]:
    """The arrays of an input: one, or that of each observation."""
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        value = list(value.ravel(order="F"))
    parts = value if isinstance(value, list | tuple) else [value]
    return [np.asarray(part) for part in parts]


def entering_arrays(case: Case) -> Iterator[tuple[str, list[np.ndarray], str]]:
    """For each input with known labels its name, its arrays of numbers and their labels."""
    for name, value, labels in _by_name(case):
        try:
            parts = _parts(value)
        except ValueError:
            continue
        if labels and parts and all(part.dtype.kind in "fiub" for part in parts):
            yield name, parts, labels


def with_arrays(case: Case, turn: Turn) -> tuple[Case, tuple[str, ...]]:
    """The case with what ``turn`` makes of every array, and the inputs that it changed."""
    changed: dict[str, Any] = {}
    for name, parts, labels in entering_arrays(case):
        turned = [turn(part, labels[: part.ndim]) for part in parts]
        kept = [part for part in turned if part is not None]
        if len(kept) == len(parts):
            changed[name] = kept
    inputs = tuple(
        _as_given(value, changed[name]) if name in changed else value
        for name, value, _ in _by_name(case)
    )
    return case.replace(inputs=inputs), tuple(changed)


def _as_given(value: object, parts: list[np.ndarray]) -> Any:
    several = isinstance(value, list | tuple) or (
        isinstance(value, np.ndarray) and value.dtype.hasobject
    )
    return parts if several else parts[0]
