"""Data files: what predict and verify read and write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from matbridge.errors import FormatError, MatbridgeError, MismatchError
from matbridge.files import check_readable
from matbridge.matlab.file import DEFAULT_LIMIT, MatFile
from matbridge.matlab.file.budget import full
from matbridge.matlab.file.values import Cell, Table
from matbridge.matlab.file.write import check_variable, write_mat
from matbridge.predict.class_names import as_categorical, as_labels, is_labels
from matbridge.predict.images import IMAGE_SUFFIXES, read_image
from matbridge.predict.numpy_files import read_npy, read_npz, write_npy, write_npz
from matbridge.predict.select import fields_of, logged, select
from matbridge.predict.tables import columns_of, read_csv, write_csv
from matbridge.text import listed

__all__ = ["check_name", "read_classes", "read_data", "split_name", "write_data"]

# What the scores of class names are called beside them.
SCORES = "Scores"

FILE = re.compile(
    r"(?P<path>.+?\.(?:mat|npy|npz|csv|png|jpe?g|bmp|tiff?))(?::(?P<inside>.+))?", re.IGNORECASE
)


def split_name(text: str) -> tuple[Path, str]:
    """``data.mat:x.values(3)`` as a path and what is inside; MismatchError otherwise."""
    match = FILE.fullmatch(text)
    if match is None:
        raise MismatchError(
            f"{text!r} names no data file",
            mend="Give file.mat:X, file.npy, file.npz:x, file.csv or an image.",
        )
    return Path(match["path"]), match["inside"] or ""


def read_data(text: str, limit: int = DEFAULT_LIMIT, columns: Sequence[str] = ()) -> Any:
    """The array (or cell, as a list) that ``text`` names; class names as arrays of str. Of a
    table that has columns of these names, those alone.

    Raises FormatError for a damaged file and MismatchError if nothing is there.
    """
    path, inside = split_name(text)
    reader = READERS[path.suffix.lower()]
    check_readable(path)
    with _decoding(path):
        value = as_labels(logged(reader(path, inside, limit, columns)))
        if isinstance(value, Table):
            return columns_of(value, columns)
    if isinstance(value, np.ndarray | list):
        return value
    kind = getattr(value, "class_name", "") or type(value).__name__
    names = fields_of(value)
    mend = f"Name a part of it, such as .{names[0]}: it holds {listed(names)}." if names else ""
    raise MismatchError(f"this is {kind}, not an array or a cell", where=text, mend=mend)


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Whatever the readers of other projects say of damaged data, as FormatError."""
    try:
        yield
    except MatbridgeError as error:
        raise error if error.where else error.at(path.name) from None
    except MemoryError:
        raise FormatError("it does not fit into memory", where=path.name) from None
    except Exception as error:
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or [""])[0]
        what = reason or type(error).__name__
        raise FormatError(f"cannot be read: {what}", where=str(path)) from None


def _read_mat(path: Path, inside: str, limit: int) -> object:
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
    # Of a struct only the part that is named is made full.
    value = value if isinstance(value, dict) else full(value, file.budget)
    return full(select(value, steps, f"{path.name}:{inside}"), file.budget)


READERS: dict[str, Callable[[Path, str, int, Sequence[str]], object]] = {
    ".mat": lambda path, inside, limit, columns: _read_mat(path, inside, limit),
    ".npy": lambda path, inside, limit, columns: read_npy(path, limit),
    ".npz": lambda path, inside, limit, columns: read_npz(path, inside, limit),
    ".csv": lambda path, inside, limit, columns: read_csv(path, limit, columns),
    **dict.fromkeys(IMAGE_SUFFIXES, lambda path, inside, limit, columns: read_image(path, limit)),
}


def check_name(path: Path, name: str, scores: bool = False) -> None:
    """Raise MismatchError unless a variable of this name, and its scores, can stand in the file."""
    if path.suffix.lower() == ".mat":
        check_variable(name + SCORES if scores else name)
    if scores and path.suffix.lower() == ".npy":
        raise MismatchError(".npy holds no names beside scores", mend="Use .mat, .npz or .csv.")


def read_classes(text: str, limit: int = DEFAULT_LIMIT) -> list[str]:
    """Class names in the order of the scores: ``a,b,c``, or data that hold them.

    Raises MismatchError where the data are no names, or one stands there twice.
    """
    named = FILE.fullmatch(text) is not None
    value = read_data(text, limit) if named else np.array(text.split(","), dtype=object)
    if not is_labels(value) or isinstance(value, list):
        raise MismatchError("these are no class names", where=text, mend="Give a,b,c or text.")
    names = [str(name).strip() for name in value.ravel(order="F")]
    if len(set(names)) < len(names):
        raise MismatchError(
            "a class is named twice",
            where=text,
            mend="Give each class once, in the order of the scores.",
        )
    return names


def write_data(
    value: Any, path: Path, name: str, classes: Sequence[str] = (), scores: Any = None
) -> None:
    """Write an array, or a list of arrays as a cell, under ``name`` where the file has names.

    Class names become a categorical with these ``classes`` in a MAT-file, text elsewhere; their
    ``scores`` stand beside them, as columns of a table or under another name.
    Raises MismatchError where the file cannot hold it.
    """
    kind = path.suffix.lower()
    writer = WRITERS.get(kind)
    if writer is None:
        raise MismatchError(f"{kind!r} is no data file", mend="Use .mat, .npy, .npz or .csv.")
    writer(path, {name: value} if scores is None else {name: value, name + SCORES: scores}, classes)


def _write_mat(path: Path, values: Mapping[str, Any], classes: Sequence[str]) -> None:
    write_mat(path, {name: _for_matlab(value, classes) for name, value in values.items()})


def _write_npy(path: Path, values: Mapping[str, Any], classes: Sequence[str]) -> None:
    write_npy(path, _only(next(iter(values.values())), ".npy"))


def _write_npz(path: Path, values: Mapping[str, Any], classes: Sequence[str]) -> None:
    write_npz(path, {k: a for name, value in values.items() for k, a in _numbered(name, value)})


def _write_csv(path: Path, values: Mapping[str, Any], classes: Sequence[str]) -> None:
    first, *scores = values.values()
    write_csv(path, _beside(first, *scores) if scores else _only(first, ".csv"))


WRITERS: dict[str, Callable[[Path, Mapping[str, Any], Sequence[str]], None]] = {
    ".mat": _write_mat,
    ".npy": _write_npy,
    ".npz": _write_npz,
    ".csv": _write_csv,
}


def _for_matlab(value: Any, classes: Sequence[str]) -> Any:
    """A cell of a list; class names as a categorical."""
    items = [np.asarray(item) for item in (value if isinstance(value, list) else [value])]
    saved = [as_categorical(item, classes) if is_labels(item) else item for item in items]
    if not isinstance(value, list):
        return saved[0]
    return Cell(saved, value.shape if isinstance(value, Cell) else None)


def _numbered(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    """An array under its name, several as name_1, name_2 and so on."""
    if not isinstance(value, list) or len(value) == 1:
        yield name, _only(value, ".npz")
        return
    for number, item in enumerate(value, 1):
        yield f"{name}_{number}", np.asarray(item)


def _only(value: Any, kind: str) -> np.ndarray:
    if not isinstance(value, list):
        return np.asarray(value)
    if len(value) != 1:
        raise MismatchError(f"{kind} holds one array, not {len(value)}", mend="Use .mat or .npz.")
    return np.asarray(value[0])


def _beside(labels: Any, scores: Any) -> np.ndarray:
    """Rows of a class name and its scores."""
    names, numbers = _only(labels, ".csv"), _only(scores, ".csv")
    if names.ndim != 1 or numbers.ndim != 2:
        raise MismatchError("these are no rows of a name and its scores", mend="Use .mat or .npz.")
    return np.column_stack([names.astype(object), numbers.astype(object)])
