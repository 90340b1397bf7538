"""Plain Python values for MATLAB's: what comes out of a MAT-file and what can go in.

    double, single, int*, logical   numpy.ndarray with MATLAB's size (never below 2-D)
    char row                        str; several rows: numpy.ndarray of str
    struct                          dict; struct array: StructArray
    cell                            Cell
    string                          String; string array: StringArray
    categorical, table              Categorical, Table
    containers.Map                  Map
    enumeration                     Enumeration; an enumeration kept by name: Symbol
    number kept in an object's metadata     Immediate (MATLAB does so for logicals)
    "no value" in a cell            None
    function handle                 FunctionHandle
    any other object                MatObject; object array: ObjectArray

The lists (Cell, StructArray, ObjectArray, StringArray) hold their elements in MATLAB's
order, column by column, and keep their size in ``shape``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = [
    "Categorical",
    "Cell",
    "Enumeration",
    "FunctionHandle",
    "Immediate",
    "Map",
    "MatObject",
    "ObjectArray",
    "String",
    "StringArray",
    "StructArray",
    "Symbol",
    "Table",
    "texts",
]


# How many elements a value shows of itself, and characters of each.
SHOWN, WIDTH = 6, 60


class _Shaped(list[Any]):
    """A list with MATLAB's size; a column unless told otherwise."""

    def __init__(self, items: Iterable[Any] = (), shape: tuple[int, ...] | None = None) -> None:
        super().__init__(items)
        self.shape = (len(self), 1) if shape is None else tuple(int(n) for n in shape)
        if math.prod(self.shape) != len(self):
            raise ValueError(f"{len(self)} elements do not make a {self.shape} array")

    @property
    def size(self) -> int:
        return len(self)

    def __array__(self, *args: object, **named: object) -> np.ndarray:
        # NumPy would go through all that is inside, at each mention.
        raise TypeError(f"a {type(self).__name__} is no numeric array")

    def __repr__(self) -> str:
        rest = ", ..." if len(self) > SHOWN else ""
        return f"{_short(self)[:-1]}: {', '.join(map(_short, self[:SHOWN]))}{rest})"


def _short(value: object) -> str:
    """A value in a few words. Values are shared: in full, forty cells could fill any memory."""
    if isinstance(value, _Shaped | np.ndarray):
        return f"{type(value).__name__}({'×'.join(map(str, value.shape))})"
    if isinstance(value, dict):
        return f"struct({', '.join(map(str, value))[:WIDTH]})"
    return repr(value)[:WIDTH] if isinstance(value, str | int) else type(value).__name__


class Cell(_Shaped):
    """A cell array."""


class StructArray(_Shaped):
    """A struct array with other than one element; ``fields`` also where it is empty."""

    def __init__(
        self,
        items: Iterable[object] = (),
        shape: tuple[int, ...] | None = None,
        fields: Iterable[str] = (),
    ) -> None:
        super().__init__(items, shape)
        self.fields = tuple(fields) or (tuple(self[0]) if self else ())


class StringArray(_Shaped):
    """A string array; None is a missing string."""


class ObjectArray(_Shaped):
    """An array of objects; ``class_name`` is the array's, each element has its own."""

    def __init__(
        self,
        items: Iterable[object] = (),
        shape: tuple[int, ...] | None = None,
        class_name: str = "",
    ) -> None:
        super().__init__(items, shape)
        self.class_name = class_name


class String(str):
    """A string scalar, "text", as opposed to a character vector, 'text'."""

    __slots__ = ()


class Symbol(str):
    """A property that is kept as a name in the object's metadata."""

    __slots__ = ()


class Immediate(int):
    """A property that is kept as a number in the object's metadata."""


class Map(dict[object, object]):
    """A containers.Map with its KeyType and ValueType."""

    def __init__(
        self,
        items: Any = (),
        key_type: str = "char",
        value_type: str = "any",
        uniform: bool = False,
    ) -> None:
        super().__init__(items)
        self.key_type = key_type
        self.value_type = value_type
        self.uniform = uniform


@dataclass
class MatObject:
    """An object of a class: its own class name and its properties.

    ``saveobj`` tells that the class wrote a value of its own choice, which then stands
    alone under the property "any". ``old_style`` marks classes made with class().
    """

    class_name: str
    properties: dict[str, object] = field(default_factory=dict)
    saveobj: bool = False
    old_style: bool = False

    def __repr__(self) -> str:
        return f"MatObject({self.class_name!r}: {', '.join(self.properties)[:WIDTH]})"

    @property
    def saved(self) -> dict[str, object]:
        """The saved state: the struct that saveobj wrote, or the properties."""
        written = self.properties.get("any")
        if isinstance(written, dict) and (self.saveobj or len(self.properties) == 1):
            return written
        return self.properties


@dataclass
class Categorical:
    """A categorical array: ``codes`` count from 1 in ``names``; 0 is <undefined>."""

    names: tuple[str, ...]
    codes: np.ndarray
    ordinal: bool = False
    protected: bool = False

    def __iter__(self) -> Iterator[str]:
        """The element's category names, column by column."""
        for code in self.codes.reshape(-1, order="F"):
            yield self.names[int(code) - 1] if code else "<undefined>"

    def __len__(self) -> int:
        return int(self.codes.size)


@dataclass
class Table:
    """A table: columns by variable name. ``properties`` are those saved beside them."""

    columns: dict[str, Any]
    row_names: tuple[str, ...] = ()
    properties: dict[str, object] = field(default_factory=dict)


@dataclass
class Enumeration:
    """An array of enumeration members by name, column by column.

    ``valued`` tells that the members stand for values, which are not kept.
    """

    class_name: str
    names: tuple[str, ...]
    shape: tuple[int, ...] = (1, 1)
    valued: bool = False


@dataclass
class FunctionHandle:
    """A function handle: its text (``@(x)x*2``, ``relu``) and captured variables.

    ``raw`` keeps what the file holds, so that it can be written back.
    """

    text: str
    workspace: dict[str, object] = field(default_factory=dict)
    raw: Any = None


def texts(value: object) -> tuple[str, ...] | None:
    """The texts of a cell, string array, categorical or tuple; None where it is anything else."""
    if not isinstance(value, Cell | StringArray | Categorical | tuple):
        return None
    items = tuple(value)
    return items if all(isinstance(item, str) for item in items) else None
