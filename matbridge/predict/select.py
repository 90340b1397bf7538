"""What an address selects inside a variable: ``S.a{2}``, ``X(1:3,:)``, ``T.Height``, ``X'``.

Addresses are parsed, never evaluated. Numbers count from 1, as in MATLAB; a single number picks
the element of a cell, in braces and in parentheses alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from matbridge.core.dims import reordering
from matbridge.errors import MismatchError, MissingNameError
from matbridge.matlab.file.values import Cell, MatObject, StructArray, Table
from matbridge.text import listed, nearest

__all__ = ["fields_of", "logged", "select"]

# What Simulink returns: an object whose signals are fields of its Data.
SIMULATION = "Simulink.SimulationOutput"

STEP = re.compile(
    r"\.(?P<field>\w+)|\((?P<element>[^(){}]*)\)|\{(?P<cell>[^(){}]*)\}|(?P<turn>\.?')"
)
END = r"end(?:\s*-\s*\d+)?"
PLACE = rf"(?:\d+|{END})"
RANGE = re.compile(rf"(?P<first>{PLACE})(?:\s*:\s*(?P<step>\d+))?(?:\s*:\s*(?P<last>{PLACE}))?")


def select(value: object, steps: str, where: str) -> object:
    """The part of a variable's value that these steps lead to.

    Raises MismatchError for steps that are not understood or lead nowhere.
    """
    while steps:
        step = STEP.match(steps)
        if step is None:
            raise MismatchError(f"{steps!r} is not understood", where=where)
        if step["turn"]:
            value = _transposed(value, where)
        elif step["field"]:
            value = _field(value, step["field"], where)
        else:
            value = _elements(value, step["element"] or step["cell"] or "", step.group(), where)
        steps = steps[step.end() :]
    return value


def _field(value: object, name: str, where: str) -> object:
    fields = _fields_of_object(value) if isinstance(value, MatObject) else value
    fields = fields.columns if isinstance(fields, Table) else fields
    if not isinstance(fields, dict):
        raise MismatchError(f"there is no .{name}: this has no fields", where=where)
    if name not in fields:
        mend = f"{nearest(name, fields)}There are {listed(fields)}."
        raise MissingNameError(f"there is no .{name}", where=where, mend=mend)
    return fields[name]


def _transposed(value: object, where: str) -> object:
    """MATLAB's X' of an array of numbers, and of a cell."""
    if isinstance(value, Cell) and len(value.shape) == 2:
        rows, columns = value.shape
        items = [value[row + rows * column] for row in range(rows) for column in range(columns)]
        return Cell(items, (columns, rows))
    if not isinstance(value, np.ndarray) or value.ndim > 2:
        raise MismatchError("only a matrix or a cell can be transposed", where=where)
    return reordering("CB", "BC")(np.atleast_2d(value))


def _fields_of_object(value: MatObject) -> dict[str, object]:
    data = value.saved.get("Data") if value.class_name == SIMULATION else None
    return data if isinstance(data, dict) else value.saved


def fields_of(value: object) -> list[str]:
    """The names that may follow a dot."""
    if isinstance(value, MatObject):
        return list(_fields_of_object(value))
    names = value.columns if isinstance(value, Table) else value
    return list(names) if isinstance(names, dict) else []


def logged(value: object) -> object:
    """A signal that Simulink logged as a structure, as time × channels; else the value."""
    if not isinstance(value, dict) or "signals" not in value:
        return value
    signals = value["signals"] if isinstance(value["signals"], list) else [value["signals"]]
    columns = [signal.get("values") for signal in signals if isinstance(signal, dict)]
    arrays = [c for c in columns if isinstance(c, np.ndarray) and c.ndim == 2]
    if len(arrays) != len(signals) or len({len(a) for a in arrays}) != 1:
        return value
    return np.concatenate(arrays, axis=1)


def _elements(value: object, text: str, step: str, where: str) -> object:
    if isinstance(value, Table):
        return _part_of_table(value, text, step, where)
    if step.startswith("{") and isinstance(value, np.ndarray):
        raise MismatchError(
            f"there is no {step}: this is no cell", where=where, mend=f"Select by ({text})."
        )
    shape = _shape(value)
    places = _indices(text, shape, step, where)
    if isinstance(value, np.ndarray):
        return _taken(value, places)
    if not isinstance(value, list):
        return value
    numbers = np.arange(len(value)).reshape(shape, order="F")
    chosen = _taken(numbers, places)
    if ":" not in text and "[" not in text and chosen.size == 1:
        return value[int(chosen.item())]
    items = [value[number] for number in chosen.reshape(-1, order="F")]
    return Cell(items, chosen.shape)


def _shape(value: object) -> tuple[int, ...]:
    """The size; a list without one is a column, anything else a single element."""
    if isinstance(value, np.ndarray | Cell | StructArray):
        return tuple(value.shape)
    return (len(value), 1) if isinstance(value, list) else (1, 1)


def _indices(text: str, shape: tuple[int, ...], step: str, where: str) -> list[np.ndarray | slice]:
    """Places from 0 in each dimension; the last index takes all dimensions that are left."""
    parts = re.split(r",(?![^\[]*\])", text)
    if len(parts) > len(shape):
        shape = shape + (1,) * (len(parts) - len(shape))
    sizes = [*shape[: len(parts) - 1], math.prod(shape[len(parts) - 1 :])]
    return [_places(part.strip(), n, step, where) for part, n in zip(parts, sizes, strict=True)]


def _places(text: str, size: int, step: str, where: str) -> np.ndarray | slice:
    if text == ":":
        return slice(None)
    words = re.split(r"[\s,;]+", text[1:-1].strip()) if text[:1] + text[-1:] == "[]" else [text]
    places: list[int] = []
    for word in words:
        range_of = RANGE.fullmatch(word)
        if range_of is None:
            raise MismatchError(
                f"{step} is not understood",
                where=where,
                mend="Select by numbers, ranges and end, such as (1:3,:), (end) or {2}.",
            )
        first = _place(range_of["first"], size)
        last = _place(range_of["last"] or range_of["step"] or range_of["first"], size)
        by = int(range_of["step"]) if range_of["last"] and range_of["step"] else 1
        if by < 1 or first < 1 or max(first, last) > size:
            raise MissingNameError(f"there is no {step}: only 1 to {size}", where=where)
        places += range(first, last + 1, by)
    return np.array(places, dtype=int) - 1


def _place(text: str, size: int) -> int:
    if not text.startswith("end"):
        return int(text)
    return size - int(re.sub(r"\D", "", text) or 0)


def _taken(array: np.ndarray, places: Sequence[np.ndarray | slice]) -> np.ndarray:
    """MATLAB's array(places): the dimensions that have no index of their own are joined."""
    if len(places) == 1:
        flat = array.reshape(-1, order="F")[places[0]]
        is_row = array.ndim == 2 and array.shape[0] == 1 and not isinstance(places[0], slice)
        return flat.reshape((1, -1) if is_row else (-1, 1))
    last = len(places) - 1
    array = array.reshape((*array.shape[:last], -1), order="F")
    for axis, place in enumerate(places):
        array = array[(slice(None),) * axis + (place,)]
    return array


def _part_of_table(table: Table, text: str, step: str, where: str) -> object:
    """T(rows, columns), as a table of these."""
    names = list(table.columns)
    rows = max((len(c) for c in table.columns.values()), default=0)
    parts = _indices(text, (rows, len(names)), step, where)
    if len(parts) != 2:
        raise MismatchError(f"{step}: a table has rows and columns", where=where)
    chosen = [names[i] for i in np.arange(len(names))[parts[1]]]
    columns = {name: np.asarray(table.columns[name])[parts[0]] for name in chosen}
    return Table(columns)
