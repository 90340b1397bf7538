"""Plain values to MAT-files, with objects as MATLAB keeps them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from matbridge.errors import MismatchError, UnsupportedError
from matbridge.matlab.file import matio, matio_save
from matbridge.matlab.file.values import (
    Categorical,
    Cell,
    Enumeration,
    FunctionHandle,
    Immediate,
    Map,
    MatObject,
    ObjectArray,
    String,
    StringArray,
    StructArray,
    Symbol,
    Table,
)

__all__ = ["check_variable", "write_mat"]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
KEYWORDS = frozenset(
    "break case catch classdef continue else elseif end for function global if otherwise "
    "parfor persistent return spmd switch try while".split()
)
# What cells share is written at each mention: more is a value that refers to itself many times.
MOST_VALUES = 4_000_000


def write_mat(
    path: str | Path, variables: Mapping[str, object], version: str = "v7", created: str = ""
) -> None:
    """Write variables to a MAT-file: "v6" (not compressed), "v7" or "v7.3".

    ``created`` stands in the header in place of the present time. Raises UnsupportedError
    for a value that has no MATLAB form, and MismatchError for a name that MATLAB cannot hold.
    """
    for name in variables:
        check_variable(name)
    encoder = Encoder()
    try:
        encoded = {name: encoder.value(value) for name, value in variables.items()}
        matio_save.save(Path(path), encoded, version, created)
    except RecursionError:
        raise UnsupportedError("the values are nested too deep to be written") from None


def check_variable(name: str) -> None:
    """Raise MismatchError unless MATLAB can hold a variable of this name."""
    _check_name(name, "a variable", KEYWORDS)


def _check_name(name: str, what: str, keywords: Collection[str] = ()) -> None:
    """A field may bear a keyword's name, as ``function`` in every function handle does."""
    if not NAME.fullmatch(name) or name in keywords:
        raise MismatchError(
            f"MATLAB cannot hold {what} named {name!r}",
            mend="Names begin with a letter, hold letters, digits and _, 63 at most, "
            "and are no keyword.",
        )


class Encoder:
    """Converts values; one object met twice stays one object."""

    def __init__(self) -> None:
        self.objects: dict[int, object] = {}
        self.count = 0

    def value(self, value: object) -> object:
        """What mat-io writes for a plain value."""
        self.count += 1
        if self.count > MOST_VALUES:
            raise UnsupportedError(f"more than {MOST_VALUES:,} values cannot be written")
        for kind, convert in CONVERSIONS:
            if isinstance(value, kind):
                return convert(self, value)
        if hasattr(value, "tocsc"):
            return value
        raise UnsupportedError(f"a {type(value).__name__} cannot be written to a MAT-file")

    def _number(self, value: object) -> np.ndarray:
        return np.atleast_2d(np.asarray(value))

    def _text(self, value: str) -> np.ndarray:
        return np.array([str(value)])

    def _array(self, items: list[object], shape: tuple[int, ...]) -> np.ndarray:
        """An object array filled column by column."""
        # np.array() would look into the items.
        flat = np.empty(len(items), dtype=object)
        for place, item in enumerate(items):
            flat[place] = item
        return flat.reshape(shape, order="F")

    def _cell(self, value: Cell) -> np.ndarray:
        return self._array([self.value(item) for item in value], value.shape)

    def _list(self, value: list[object] | tuple[object, ...]) -> np.ndarray:
        return self._array([self.value(item) for item in value], (len(value), 1))

    def _struct(self, value: Mapping[str, object]) -> np.ndarray:
        return self._structs([value], (1, 1), tuple(value))

    def _struct_array(self, value: StructArray) -> np.ndarray:
        return self._structs(list(value), value.shape, value.fields)

    def _structs(
        self, items: list[Any], shape: tuple[int, ...], fields: tuple[str, ...]
    ) -> np.ndarray:
        if not fields:
            return matio.EmptyMatStruct(np.empty(shape, dtype=object))
        for name in fields:
            _check_name(name, "a field")
        flat = np.empty(len(items), dtype=[(name, object) for name in fields])
        for place, item in enumerate(items):
            for name in fields:
                flat[place][name] = self.value(item[name])
        return flat.reshape(shape, order="F")

    def _handle(self, value: FunctionHandle) -> np.ndarray:
        if isinstance(value.raw, Cell):
            return self._cell(value.raw)
        if not value.raw:
            raise UnsupportedError("a function handle made in Python cannot be written")
        return matio.MatlabFunction(self._struct(value.raw))

    def _object(self, value: MatObject) -> matio.MatlabOpaque:
        if value.old_style:
            return matio.MatlabObject(self._struct(value.properties), value.class_name)
        if id(value) not in self.objects:
            opaque = matio_save.opaque(value.class_name, {}, value.saveobj)
            # Before its properties: they may lead back to it. The value is kept alive.
            self.objects[id(value)] = opaque
            opaque.keeps = value
            opaque.properties = {name: self.value(p) for name, p in value.properties.items()}
        return self.objects[id(value)]

    def _objects(self, value: ObjectArray) -> matio.MatlabOpaqueArray:
        array = self._array([self.value(item) for item in value], value.shape)
        return matio.MatlabOpaqueArray(array, value.class_name)

    def _symbol(self, value: Symbol) -> matio.MatlabOpaqueProperty:
        return matio.MatlabOpaqueProperty(np.str_(value), matio.PropertyType.MATLAB_ENUMERATION)

    def _immediate(self, value: Immediate) -> matio.MatlabOpaqueProperty:
        return matio.MatlabOpaqueProperty(np.int32(value), matio.PropertyType.INTEGER_VALUE)

    # -- classes with a plain form ----------------------------------------------------------

    def _string(self, value: String) -> matio.MatlabOpaque:
        return matio_save.string_object([str(value)], (1, 1))

    def _strings(self, value: StringArray) -> matio.MatlabOpaque:
        return matio_save.string_object(list(value), value.shape)

    def _categorical(self, value: Categorical) -> matio.MatlabOpaque:
        properties = {
            "categoryNames": self._list(list(value.names)),
            "codes": value.codes,
            "isProtected": np.array([[value.protected]]),
            "isOrdinal": np.array([[value.ordinal]]),
        }
        return matio_save.opaque("categorical", properties, False)

    def _table(self, value: Table) -> matio.MatlabOpaque:
        columns = list(value.columns.values())
        rows = next((getattr(c, "shape", (len(c),))[0] for c in columns), 0)
        names = Cell(list(value.columns), (1, len(columns)))
        row_names = Cell(value.row_names, (len(value.row_names), 1) if value.row_names else (0, 0))
        properties = {
            "data": self._cell(Cell(columns, (1, len(columns)))),
            "ndims": np.array([[2.0]]),
            "nrows": np.array([[float(rows)]]),
            "rownames": self._cell(row_names),
            "nvars": np.array([[float(len(columns))]]),
            "varnames": self._cell(names),
            "props": self._struct(value.properties),
        }
        return matio_save.opaque("table", properties, False)

    def _map(self, value: Map) -> matio.MatlabOpaque:
        serialization = {
            "keys": Cell(list(value.keys()), (1, len(value))),
            "values": Cell(list(value.values()), (1, len(value))),
            "uniformity": np.array([[value.uniform]]),
            "keyType": value.key_type,
            "valueType": value.value_type,
        }
        return matio_save.opaque(
            "containers.Map", {"serialization": self._struct(serialization)}, False
        )

    def _enumeration(self, value: Enumeration) -> matio.MatlabOpaqueArray:
        if value.valued:
            raise UnsupportedError(f"the values of the enumeration {value.class_name} are not kept")
        return matio_save.enumeration(value.class_name, value.names, value.shape)


# In this order: String is a str, Map a dict, Cell a list, and bool an int.
CONVERSIONS: tuple[tuple[Any, Callable[[Encoder, Any], object]], ...] = (
    (type(None), lambda encoder, value: matio.MatlabCanonicalEmpty()),
    (String, Encoder._string),
    (Symbol, Encoder._symbol),
    (Immediate, Encoder._immediate),
    (str, Encoder._text),
    (Map, Encoder._map),
    (Mapping, Encoder._struct),
    (StructArray, Encoder._struct_array),
    (StringArray, Encoder._strings),
    (ObjectArray, Encoder._objects),
    (Cell, Encoder._cell),
    ((list, tuple), Encoder._list),
    (MatObject, Encoder._object),
    (Categorical, Encoder._categorical),
    (Table, Encoder._table),
    (FunctionHandle, Encoder._handle),
    (Enumeration, Encoder._enumeration),
    ((np.ndarray, np.generic, int, float, complex), Encoder._number),
)
