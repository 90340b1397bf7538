"""Class names in every form in which MATLAB and NumPy keep them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from matbridge.matlab.file.values import Categorical, Cell, StringArray

__all__ = ["as_categorical", "as_labels", "is_labels", "number_labels"]

MISSING = "<missing>"
UNDEFINED = "<undefined>"


def is_labels(value: object) -> bool:
    """Whether these are class names: an array of them, or a list of arrays, one per sequence."""
    if isinstance(value, list):
        return bool(value) and all(map(is_labels, value))
    return isinstance(value, np.ndarray) and value.dtype.kind in "UO" and value.size > 0


def as_labels(value: object) -> object:
    """The names, column by column, as an array of str; anything else as it is.

    Names are a categorical, a string array, a cell of text, a text, or rows of characters;
    a cell of any of these is a list with the names of each sequence.
    """
    if isinstance(value, Categorical):
        return _names(value)
    if isinstance(value, StringArray):
        return _names(MISSING if name is None else name for name in value)
    if isinstance(value, str):
        return _names([value])
    if isinstance(value, np.ndarray) and value.dtype.kind in "UO":
        # Rows of characters are filled up with blanks.
        return _names(str(name).rstrip() for name in value.reshape(-1, order="F"))
    if isinstance(value, Cell) and value:
        if all(isinstance(item, str) for item in value):
            return _names(value)
        if all(isinstance(item, Categorical | StringArray | Cell) for item in value):
            return [as_labels(item) for item in value]
    return value


def number_labels(value: object, classes: Sequence[str]) -> object:
    """Numbers or logical values, one for each observation, as names where they are all names of
    classes, as of a model trained on numbers; anything else as it is."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub" or not value.size:
        return value
    if max(value.shape) != value.size or value.shape == (1, len(classes)):
        return value
    flat = value.reshape(-1, order="F").tolist()
    written = [str(item).lower() if isinstance(item, bool) else f"{item:.15g}" for item in flat]
    return _names(written) if set(written) <= set(classes) else value


def _names(found: Iterable[str]) -> np.ndarray:
    items = list(found)
    names = np.empty(len(items), dtype=object)
    names[:] = items
    return names


def as_categorical(names: np.ndarray, classes: Sequence[str] = ()) -> Categorical:
    """What MATLAB's classify returns: a column, or the row of one sequence if given as a row."""
    flat = [str(name) for name in names.reshape(-1, order="F")]
    known = dict.fromkeys((*classes, *flat))
    known.pop(UNDEFINED, None)
    places = {name: code for code, name in enumerate(known, 1)}
    kind = np.uint8 if len(places) < 256 else np.uint16 if len(places) < 65536 else np.uint32
    codes = np.array([places.get(name, 0) for name in flat], dtype=kind)
    return Categorical(tuple(places), codes.reshape(names.shape if names.ndim > 1 else (-1, 1)))
