"""The data of a workspace: what stands in its variables, looked at by size before it is loaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from matbridge.errors import MatbridgeError
from matbridge.matlab.file import PLAIN_CLASSES, MatFile
from matbridge.matlab.file.values import (
    Categorical,
    Cell,
    MatObject,
    StringArray,
    StructArray,
    Table,
)
from matbridge.matlab.layer import numeric
from matbridge.predict.class_names import as_labels, is_labels
from matbridge.verify.training import is_record

__all__ = ["Leaf", "Value", "Workspace"]

# What a leaf holds: numbers, numbers of several observations or steps, or class names.
Value = np.ndarray | list[np.ndarray]

# Objects whose saved fields are data.
OPENED = ("Simulink.", "timeseries", "dlarray", "gpuArray", "timetable", "nnet.cnn.TrainingOptions")
# Classes of variables that hold no data and may be large.
CLOSED = ("network", "SeriesNetwork", "DAGNetwork", "dlnetwork", "nnet.", "matlab.", "java.")
NUMBERS = PLAIN_CLASSES - {"char", "sparse"}
LABELS = ("categorical", "string")
# How deep and how many leaves one workspace may have; the most bytes of an array.
DEEPEST, MOST_LEAVES, MOST_BYTES = 5, 600, 1 << 30
# Cells and struct arrays of no more elements are looked into.
MOST_CELLS, MOST_ELEMENTS = 8, 32
# Arrays of no more bytes are kept once they are loaded.
KEPT_BYTES = 64 << 20


@runtime_checkable
class Sparse(Protocol):
    """A sparse matrix of any library."""

    shape: tuple[int, ...]

    def toarray(self) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Leaf:
    """Data at an address as MATLAB writes it ("XTest", "S.x", "C{2}"), not loaded yet where only
    its size is known. ``categories`` are those of labels, in their order."""

    address: str
    shape: tuple[int, ...]
    load: Callable[[], Value]
    kind: str = "numbers"
    categories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def name(self) -> str:
        """The last name of the address."""
        return self.address.split(":")[-1].split(".")[-1].split("{")[0].split("(")[0]


class Workspace:
    """The leaves of one or several files or mappings; ``skipped`` tells what was left aside."""

    def __init__(self) -> None:
        self._sources: list[tuple[str, MatFile | Mapping[str, object]]] = []
        self.skipped: list[str] = []
        self._loaded: dict[str, Value] = {}

    @classmethod
    def of(cls, values: MatFile | Mapping[str, object]) -> Workspace:
        """That of a file whose variables are decoded when asked for, or of plain values."""
        workspace = cls()
        workspace.add("", values)
        return workspace

    def add(self, prefix: str, values: MatFile | Mapping[str, object]) -> None:
        """Data of another file, whose addresses begin with ``prefix``."""
        self._sources.append((prefix, values))

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """Every leaf, those of the first source first."""
        leaves: list[Leaf] = []
        for prefix, values in self._sources:
            for leaf in self._all(prefix, values):
                if len(leaves) >= MOST_LEAVES:
                    self.skipped.append(f"whatever comes after {leaves[-1].address}")
                    return tuple(leaves)
                leaves.append(leaf)
        return tuple(leaves)

    def _all(self, prefix: str, values: MatFile | Mapping[str, object]) -> Iterator[Leaf]:
        if not isinstance(values, MatFile):
            for name, value in values.items():
                yield from _leaves(value, prefix + name)
            return
        for name, variable in list(values.variables.items()):
            kind = variable.class_name
            if kind in NUMBERS:
                if math.prod(variable.shape) * 8 > MOST_BYTES:
                    self.skipped.append(f"{prefix}{name}, which is too large")
                else:
                    load = self._loader(values, prefix, name)
                    yield Leaf(prefix + name, variable.shape, load)
            elif kind.startswith(OPENED) or not kind.startswith(CLOSED):
                yield from self._opened(values, prefix, name)

    def _opened(self, file: MatFile, prefix: str, name: str) -> Iterator[Leaf]:
        try:
            value = file[name]
        except MatbridgeError as error:
            self.skipped.append(f"{prefix}{name}: {error.what}")
            return
        yield from _leaves(value, prefix + name)

    def _loader(self, file: MatFile, prefix: str, name: str) -> Callable[[], Value]:
        def load() -> Value:
            key = prefix + name
            if key in self._loaded:
                return self._loaded[key]
            array = np.asarray(file[name])
            if array.nbytes <= KEPT_BYTES:
                self._loaded[key] = array
            return array

        return load


def _leaves(value: object, address: str, depth: int = 0) -> Iterator[Leaf]:
    """The data in a plain value, depth first."""
    value = _inside(value)
    leaf = _leaf(value, address)
    if leaf is not None:
        yield leaf
    if depth < DEEPEST:
        if isinstance(value, Table):
            yield from _table(value, address)
        for step, inner in _steps(value):
            yield from _leaves(inner, address + step, depth + 1)


def _inside(value: object) -> object:
    """What an object holds: the array of a dlarray or gpuArray, the fields of others."""
    if not isinstance(value, MatObject):
        return value
    array = numeric(value)
    if array is not None:
        return array
    return value.saved if value.class_name.startswith(OPENED) else {}


def _steps(value: object) -> Iterator[tuple[str, object]]:
    """What stands in a struct, and in cells and struct arrays that are no data themselves."""
    if isinstance(value, dict):
        # Of the record of a training only the numbers of the samples are data.
        record = is_record(value)
        yield from ((f".{n}", v) for n, v in value.items() if not record or n.endswith("Ind"))
    elif isinstance(value, StructArray) and len(value) <= MOST_ELEMENTS:
        yield from ((f"({number})", inner) for number, inner in enumerate(value, 1))
    elif isinstance(value, Cell) and len(value) <= MOST_CELLS:
        yield from ((f"{{{number}}}", inner) for number, inner in enumerate(value, 1))


def _table(table: Table, address: str) -> Iterator[Leaf]:
    """The columns of numbers side by side, and each column."""
    columns = [c for c in table.columns.values() if _is_numbers(c) and np.ndim(c) == 2]
    if len(columns) > 1 and len({len(c) for c in columns}) == 1:
        beside = np.concatenate(columns, axis=1)
        yield Leaf(address, beside.shape, lambda: beside)
    for name, column in table.columns.items():
        yield from _leaves(column, f"{address}.{name}", DEEPEST)


def _leaf(value: object, address: str) -> Leaf | None:
    """The leaf that a value is; None for what is no data."""
    if isinstance(value, Sparse):
        sparse = value
        if math.prod(sparse.shape) * 8 > MOST_BYTES:
            return None
        return Leaf(address, tuple(sparse.shape), sparse.toarray)
    if isinstance(value, np.ndarray) and _is_numbers(value):
        array = value
        return Leaf(address, array.shape, lambda: array)
    if isinstance(value, Cell) and value and all(map(_is_numbers, value)):
        cell = value
        return Leaf(address, cell.shape, lambda: cell, "cell")
    if isinstance(value, Categorical | StringArray | Cell) or _is_text(value):
        return _labels(value, address)
    return None


def _labels(value: object, address: str) -> Leaf | None:
    names = as_labels(value)
    if not is_labels(names):
        return None
    kept: Value = names  # type: ignore[assignment]
    count = len(kept)
    categories = value.names if isinstance(value, Categorical) else ()
    return Leaf(address, (count, 1), lambda: kept, "labels", categories)


def _is_numbers(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub"


def _is_text(value: object) -> bool:
    """Rows of characters, a class name in each."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "UO" and value.size > 1
