"""Tables of numbers or of labels as text: .csv."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from matbridge.errors import FormatError, MismatchError
from matbridge.matlab.file.budget import too_large
from matbridge.matlab.file.values import Table
from matbridge.text import listed

__all__ = ["columns_of", "read_csv", "write_csv"]

ENCODING = "utf-8-sig"


@runtime_checkable
class Frame(Protocol):
    """A data frame of any library."""

    columns: Any

    def __getitem__(self, names: list[Any]) -> Any: ...


def read_csv(path: Path, limit: int, columns: Sequence[str] = ()) -> np.ndarray:
    """Rows of numbers, below one row of names if there is one; or a column of labels. Of
    ``columns`` those of these names alone, where the row of names has any of them.

    A row of names holds no number at all. object other cell that is none is an error, as are
    rows of different lengths; nothing is a comment.
    """
    if path.stat().st_size > limit:
        raise too_large("it", limit)
    with path.open(encoding=ENCODING, newline="") as file:
        rows = csv.reader(file)
        first, second = next(rows, []), next(rows, [])
        if not any(map(_is_number, first)) and len(first) == 1 and not any(map(_is_number, second)):
            return _labels([first, second, *rows])
    skipped = 0 if any(map(_is_number, first)) else 1
    if not second and skipped:
        raise FormatError("it holds no numbers")
    places = _places(first, columns) if skipped else ()
    return np.loadtxt(
        path, delimiter=",", skiprows=skipped, ndmin=2, encoding=ENCODING, comments=None,
        quotechar='"', usecols=places or None,
    )  # fmt: skip


def _places(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where the columns that are wanted stand, none where no name is among them; MismatchError
    where only some are there."""
    absent = [name for name in wanted if name not in names]
    if len(absent) == len(wanted):
        return []
    if absent:
        raise MismatchError(
            f"the table lacks the columns {listed(absent)}", mend=f"It has {listed(names)}."
        )
    return [names.index(name) for name in wanted]


def columns_of(value: Any, wanted: Sequence[str]) -> Any:
    """Of a table of MATLAB's, or a data frame, the columns that are wanted if it has them; of
    MATLAB's as an array, else all that hold numbers. Anything else as it is."""
    if isinstance(value, Table):
        return _side_by_side(value, wanted)
    if not wanted or not isinstance(value, Frame):
        return value
    known = list(value.columns)
    places = _places([str(name) for name in known], wanted)
    return value[[known[place] for place in places]] if places else value


def _side_by_side(table: Table, wanted: Sequence[str]) -> np.ndarray:
    names = list(table.columns)
    chosen = [names[place] for place in _places(names, wanted)] or names
    found = [table.columns[name] for name in chosen]
    columns = [c for c in found if isinstance(c, np.ndarray) and c.ndim == 2]
    if chosen is not names and len(columns) < len(chosen):
        raise MismatchError("a predictor in the table is no column of numbers")
    if not columns:
        raise MismatchError("the table has no numeric columns")
    return np.concatenate(columns, axis=1)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _labels(rows: list[list[str]]) -> np.ndarray:
    """A column of names."""
    rows = [row for row in rows if row]
    if any(len(row) != 1 for row in rows):
        raise FormatError("it holds neither numbers nor one label in each row")
    labels = np.empty(len(rows), dtype=object)
    labels[:] = [row[0] for row in rows]
    return labels


def write_csv(path: Path, array: np.ndarray) -> None:
    """Write rows of numbers, or labels in quotes where they need them."""
    if array.ndim > 2:
        raise MismatchError("a table has two dimensions", mend="Use .mat, .npy or .npz.")
    if array.dtype.kind in "OU":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(array.reshape(len(array), -1).tolist())
    else:
        # As many digits as tell two numbers of the type apart.
        digits = {"float32": "%.9g", "float64": "%.17g"}.get(array.dtype.name, "%s")
        np.savetxt(path, array, delimiter=",", fmt=digits)
