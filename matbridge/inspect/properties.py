"""Properties of layers and values of files, as MATLAB's language writes them and as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.declare import Property
from matbridge.core.kinds import Kind, kind_of, saved_value
from matbridge.matlab.file.values import Categorical
from matbridge.shallow.topology import about_map

__all__ = ["brief", "properties", "size_of", "telling"]

# Shown by default, whatever their values: what a network is told apart by.
TELLING = frozenset(
    "Stride Padding Cropping FilterSize PoolSize Normalization OutputMode Probability PredictFcn "
    "StateActivationFunction GateActivationFunction NumHeads".split()
)
# Not shown by default: the sizes of arrays and outputs say the same, or only training needs them.
ELSEWHERE = frozenset(
    "InputSize OutputSize NumHiddenUnits NumFilters NumChannels NumInputs NumWords Dimension "
    "NumFiltersPerGroup NumChannelsPerGroup MeanDecay VarianceDecay Classes ResponseNames Network "
    "InputProjectorSize OutputProjectorSize MaxPosition ClassNames PredictorNames ProcessedSize "
    "OverTime xrows yrows".split()
)
# The most numbers or words of a value that are written out, and letters of a text.
MOST = 24
LETTERS = 4096
ANY = kind_of(saved_value)


def properties(layer: Layer) -> dict[str, str]:
    """Every property by its MATLAB name, as MATLAB's language writes its value."""
    if not layer.known:
        return {name: brief(value) for name, value in layer.extra.items() if _is_plain_name(name)}
    shown = {
        declared.name: _shown(getattr(layer, field), declared.kind)
        for field, declared in type(layer).properties().items()
    }
    return shown | _map_of(layer)


def _map_of(layer: Layer) -> dict[str, str]:
    """Where the neurons of a map stand, which computes nothing: kept for training alone."""
    topology = layer.training.get("topology")
    words = about_map(topology) if isinstance(topology, dict) else ""
    return {"Map": words} if words else {}


def telling(layer: Layer) -> list[str]:
    """Names of the properties that matter: those named above, and any other than the default."""
    if not layer.known:
        return list(properties(layer))
    values = properties(layer)
    named = [
        declared.name
        for field, declared in type(layer).properties().items()
        if declared.name in TELLING
        or (declared.name not in ELSEWHERE and values[declared.name] != _default(declared))
        if values[declared.name] != "[]"
    ]
    return [*named, *_map_of(layer)]


def _is_plain_name(name: str) -> bool:
    return name not in ("Name", "Description") and not name.startswith("_")


def _default(declared: Property) -> str:
    """The default as it would be shown, "" where there is none."""
    if declared.required or declared.default is None:
        return ""
    return _shown(declared.kind(declared.default), declared.kind)


def _shown(value: Any, kind: Kind[object]) -> str:
    text = getattr(value, "text", None)
    if isinstance(text, str):
        return _clipped(text)
    if _elements(value) > MOST:
        return brief(value)
    return _clipped(kind.show(value))


def _elements(value: object) -> int:
    """How many there are; what a list holds need not be of one size."""
    if isinstance(value, np.ndarray):
        return value.size
    return len(value) if isinstance(value, tuple | list) else 1


def _clipped(text: str) -> str:
    """A text of a file, which may be of any length."""
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}... ({len(text)} letters)"


def brief(value: object) -> str:
    """A value of a file in one line: written out where it is short, else its size and class."""
    if isinstance(value, str):
        return f'"{_clipped(value)}"'
    if isinstance(value, Categorical):
        value = list(value)
    if isinstance(value, tuple | list) and value and all(isinstance(v, str) for v in value):
        more = f" ... ({len(value)})" if len(value) > MOST else ""
        return "[" + " ".join(f'"{v}"' for v in value[:MOST]) + more + "]"
    text = getattr(value, "text", None)
    if isinstance(text, str):
        return _clipped(text)
    array = value if isinstance(value, np.ndarray) else None
    if array is not None and array.dtype.kind in "fiub" and array.ndim == 2 and array.size <= MOST:
        return ANY.show(array)
    return size_of(value)


def size_of(value: object) -> str:
    """Such as ``4×2 double``."""
    shape = "×".join(map(str, getattr(value, "shape", None) or (1, 1)))
    names = {"float64": "double", "float32": "single", "bool": "logical"}
    if isinstance(value, np.ndarray):
        return f"{shape} {names.get(str(value.dtype), str(value.dtype))}"
    return f"{shape} {getattr(value, 'class_name', type(value).__name__.lower())}"
