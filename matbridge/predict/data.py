"""Data files: what predict and verify read and write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from matbridge.errors import FormatError, MatbridgeError, MismatchError
from matbridge.files import check_readable
from matbridge.matlab.file import DEFAULT_LIMIT, MatFile
from matbridge.matlab.file.values import Cell, MatObject, StructArray, Table

__all__ = ["read_data", "split_name", "write_data"]

FILE = re.compile(r"(?P<path>.+?\.(?:mat|npy|npz|csv))(?::(?P<inside>.+))?", re.IGNORECASE)
STEP = re.compile(r"\.(?P<field>\w+)|\((?P<element>\d+)\)|\{(?P<cell>\d+)\}")


def split_name(text: str) -> tuple[Path, str]:
    """``data.mat:x.values(3)`` as a path and what is inside; MismatchError otherwise."""
    found = FILE.fullmatch(text)
    if found is None:
        raise MismatchError(
            f"{text!r} names no data file",
            mend="Give file.mat:X, file.npy, file.npz:x or file.csv.",
        )
    return Path(found["path"]), found["inside"] or ""


def read_data(text: str, limit: int = DEFAULT_LIMIT) -> Any:
    """The array (or cell, as a list) that ``text`` names.

    Raises FormatError for a damaged file and MismatchError if nothing is there.
    """
    path, inside = split_name(text)
    reader = READERS[path.suffix.lower()]
    check_readable(path)
    try:
        value = reader(path, inside, limit)
    except MatbridgeError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise FormatError(f"cannot be read: {reason}", where=str(path)) from None
    if isinstance(value, Table):
        return _table_to_array(value, text)
    if isinstance(value, np.ndarray | list) or hasattr(value, "codes"):
        return value
    raise MismatchError(f"this is {type(value).__name__}, not an array or a cell", where=text)


def _read_mat(path: Path, inside: str, limit: int) -> Any:
    file = MatFile(path, limit)
    name, steps = re.match(r"(\w*)(.*)", inside).groups()  # type: ignore[union-attr]
    if not name:
        if len(file.variables) != 1:
            raise MismatchError(
                "the file holds several variables",
                where=str(path),
                mend=f"Name one: {path.name}:{next(iter(file.variables), 'X')}. "
                f"It holds {', '.join(file.variables)}.",
            )
        name = next(iter(file.variables))
    value = file[name]
    while steps:
        found = STEP.match(steps)
        if found is None:
            raise MismatchError(f"{steps!r} is not understood", where=f"{path.name}:{name}")
        value = _inside(value, found, f"{path.name}:{inside}")
        steps = steps[found.end() :]
    return value


def _inside(value: Any, step: re.Match[str], where: str) -> Any:
    if step["field"]:
        fields = value.saved if isinstance(value, MatObject) else value
        fields = fields.columns if isinstance(fields, Table) else fields
        if isinstance(fields, dict) and step["field"] in fields:
            return fields[step["field"]]
    elif isinstance(value, Cell | StructArray | list):
        place = int(step["element"] or step["cell"]) - 1
        if 0 <= place < len(value):
            return value[place]
    elif step["element"] == "1":
        return value
    raise MismatchError(f"there is no {step.group()}", where=where)


def _read_npy(path: Path, inside: str, limit: int) -> Any:
    return np.load(path, allow_pickle=False)


def _read_npz(path: Path, inside: str, limit: int) -> Any:
    with np.load(path, allow_pickle=False) as arrays:
        names = list(arrays)
        if inside not in names and not (inside == "" and len(names) == 1):
            raise MismatchError(
                f"there is no {inside!r}", where=str(path), mend=f"It holds {', '.join(names)}."
            )
        return arrays[inside or names[0]]


def _read_csv(path: Path, inside: str, limit: int) -> Any:
    """Rows of numbers, after one line of names if there is one."""
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    try:
        [float(cell) for cell in first.strip().split(",")]
        skip = 0
    except ValueError:
        skip = 1
    return np.loadtxt(path, delimiter=",", skiprows=skip, ndmin=2, encoding="utf-8-sig")


READERS = {".mat": _read_mat, ".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv}


def _table_to_array(table: Table, where: str) -> np.ndarray:
    """The numeric columns of a table side by side."""
    columns = [c for c in table.columns.values() if isinstance(c, np.ndarray) and c.ndim == 2]
    if not columns:
        raise MismatchError("the table has no numeric columns", where=where)
    return np.concatenate(columns, axis=1)


def write_data(value: Any, path: Path, name: str) -> None:
    """Write an array, or a list of arrays as a cell, under ``name`` where the file has names."""
    kind = path.suffix.lower()
    if kind == ".mat":
        from matbridge.matlab.file.write import write_mat

        write_mat(path, {name: Cell(value) if isinstance(value, list) else value})
    elif kind == ".npz":
        items = value if isinstance(value, list) else [value]
        names = [f"{name}_{i}" for i in range(1, len(items) + 1)] if len(items) > 1 else [name]
        np.savez(path, **dict(zip(names, items, strict=True)))
    elif isinstance(value, list) and len(value) > 1:
        raise MismatchError(f"{kind} holds one array, not {len(value)}", mend="Use .mat or .npz.")
    elif kind == ".npy":
        np.save(path, value[0] if isinstance(value, list) else value, allow_pickle=False)
    elif kind == ".csv":
        array = np.asarray(value[0] if isinstance(value, list) else value)
        if array.ndim > 2:
            raise MismatchError("a table has two dimensions", mend="Use .mat, .npy or .npz.")
        np.savetxt(path, array, delimiter=",", fmt="%.9g" if array.dtype.kind == "f" else "%s")
    else:
        raise MismatchError(f"{kind!r} is no data file", mend="Use .mat, .npy, .npz or .csv.")
