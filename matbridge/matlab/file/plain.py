"""mat-io's arrays to plain values, in this one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from matbridge.errors import FormatError
from matbridge.matlab.file import matio
from matbridge.matlab.file.budget import Budget
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

__all__ = ["Plain"]


class Plain:
    """Converts values; one object, cell or struct met twice becomes one.

    ``objects`` are those of the file that are made already; ``budget`` counts the values.
    Both tables go by identity, and hold what a value comes from, which so keeps its own.
    """

    def __init__(self, budget: Budget, objects: dict[int, tuple[Any, Any]]) -> None:
        self.budget = budget
        self.objects = objects
        self.lists: dict[int, tuple[Any, Any]] = {}

    def value(self, found: Any) -> Any:
        """The plain value of what mat-io returned; FormatError if it nests too deep."""
        try:
            return self._value(found)
        except RecursionError:
            raise FormatError("objects are nested too deep") from None

    def _value(self, found: Any) -> Any:
        self.budget.values()
        if id(found) in self.lists:
            return self.lists[id(found)][1]
        for kind, convert in CONVERSIONS:
            if isinstance(found, kind):
                plain = convert(self, found)
                if isinstance(plain, list | dict | FunctionHandle):
                    self.lists[id(found)] = found, plain
                return plain
        return found

    def _array(self, found: np.ndarray) -> Any:
        if found.dtype.names:
            return self._structs(found)
        if found.dtype.kind == "U":
            return _text(found)
        return self._cell(found) if found.dtype.hasobject else found

    def _items(self, found: np.ndarray) -> list[Any]:
        return list(found.reshape(-1, order="F"))

    def _structs(self, found: np.ndarray) -> Any:
        names = found.dtype.names or ()
        plain = np.asarray(found)
        items = [{name: self._value(item[name]) for name in names} for item in self._items(plain)]
        return items[0] if found.shape == (1, 1) else StructArray(items, found.shape, names)

    def _empty_struct(self, found: np.ndarray) -> Any:
        self.budget.values(found.size)
        return {} if found.shape == (1, 1) else StructArray([{}] * found.size, found.shape)

    def _cell(self, found: np.ndarray) -> Any:
        items = self._items(np.asarray(found))
        if len(items) == 2 and _is_magic(items[0]) and _names(items[1]) >= {"function_handle"}:
            return self._handle(Cell([self._value(item) for item in items], found.shape))
        return Cell([self._value(item) for item in items], found.shape)

    def _function(self, found: np.ndarray) -> Any:
        if isinstance(found, matio.EmptyMatStruct) or not found.dtype.names:
            return FunctionHandle("", raw={})
        return self._handle(self._structs(found))

    def _handle(self, raw: Any) -> FunctionHandle:
        """{magic; struct} or a struct, whose field function_handle holds text and variables."""
        outer = raw[1] if isinstance(raw, Cell) else raw
        inner = outer.get("function_handle", {}) if isinstance(outer, dict) else {}
        text = _text_or_none(inner.get("function")) or ""
        self.budget.hold(len(text))
        if inner.get("type") == "anonymous":
            text = text[text.find("@") :]
        return FunctionHandle(text, _captured(inner.get("workspace")), raw)

    def _old_object(self, found: Any) -> Any:
        structs = self._structs(found.view(np.ndarray))
        if isinstance(structs, dict):
            return MatObject(found.classname, structs, old_style=True)
        items = [MatObject(found.classname, one, old_style=True) for one in structs]
        return ObjectArray(items, structs.shape, found.classname)

    def _objects(self, found: Any) -> ObjectArray:
        items = [self._value(item) for item in self._items(found.view(np.ndarray))]
        return ObjectArray(items, found.shape, found.classname)

    def _object(self, found: Any) -> Any:
        if id(found) not in self.objects:
            special = self._special(found)
            plain = special
            if special is None:
                plain = MatObject(found.classname, saveobj=getattr(found, "saveobj", False))
            # Before its properties: they may lead back to it.
            self.objects[id(found)] = found, plain
            if special is None and isinstance(found.properties, dict):
                plain.properties = {name: self._value(p) for name, p in found.properties.items()}
        return self.objects[id(found)][1]

    def _special(self, found: Any) -> Any:
        """The plain form of a class that has one; None where its properties are not as usual."""
        convert = SPECIAL.get(found.classname)
        if convert is None or not isinstance(found.properties, dict):
            return None
        try:
            return convert(self, found.properties)
        except (LookupError, ValueError, TypeError, AttributeError, OverflowError):
            return None

    def _property(self, found: Any) -> Any:
        if found.ptype == matio.PropertyType.MATLAB_ENUMERATION:
            return Symbol(found.item())
        return Immediate(found.item())

    def _enumeration(self, found: matio.EnumerationMember) -> Enumeration:
        return Enumeration(found.class_name, tuple(found.names), tuple(found.shape), found.valued)

    # -- classes with a plain form ----------------------------------------------------------

    def _string(self, properties: dict[str, Any]) -> Any:
        self.budget.hold(getattr(properties.get("any"), "nbytes", 0))
        found = matio.mat_to_string(properties, "<")
        items = [s if isinstance(s, str) else None for s in self._items(found)]
        if found.shape == (1, 1) and items[0] is not None:
            return String(items[0])
        return StringArray(items, found.shape)

    def _categorical(self, properties: dict[str, Any]) -> Categorical | None:
        names = self._texts(properties.get("categoryNames"))
        codes = properties.get("codes")
        if not isinstance(codes, np.ndarray) or codes.dtype.kind not in "ui":
            return None
        if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) <= len(names):
            return None
        flags = (bool(np.any(properties.get(n, False))) for n in ("isOrdinal", "isProtected"))
        return Categorical(names, codes, *flags)

    def _table(self, properties: dict[str, Any]) -> Table | None:
        names = self._texts(properties.get("varnames"))
        data = self._value(properties.get("data"))
        if not isinstance(data, Cell) or len(names) != len(data):
            return None
        rows = self._value(properties.get("rownames"))
        rest = self._value(properties.get("props"))
        return Table(
            dict(zip(names, data, strict=True)),
            self._texts(properties["rownames"]) if isinstance(rows, Cell) else (),
            rest if isinstance(rest, dict) else {},
        )

    def _map(self, properties: dict[str, Any]) -> Map | None:
        held = self._value(properties.get("serialization"))
        if not isinstance(held, dict) or "keys" not in held:
            return None
        keys, items = held["keys"], held["values"]
        self.budget.values(len(items))
        return Map(
            zip(
                _scalars(keys), items if isinstance(items, list) else _scalars(items), strict=False
            ),
            _text_or_none(held.get("keyType")) or "char",
            _text_or_none(held.get("valueType")) or "any",
            bool(np.any(held.get("uniformity", False))),
        )

    def _texts(self, found: Any) -> tuple[str, ...]:
        """The texts of a cell; TypeError if there is anything else in it."""
        items = self._value(found)
        self.budget.values(len(items))
        if not isinstance(items, Cell) or not all(isinstance(item, str) for item in items):
            raise TypeError("this is no cell of texts")
        return tuple(items)


def _text_or_none(found: Any) -> str | None:
    return found if isinstance(found, str) else None


def _text(found: np.ndarray) -> Any:
    if found.size == 0:
        return ""
    return str(found[0]) if found.shape == (1,) else found


def _is_magic(found: Any) -> bool:
    return (
        isinstance(found, np.ndarray)
        and found.dtype == np.uint32
        and found.size == 1
        and int(found.reshape(-1)[0]) == matio.MAGIC
    )


def _names(found: Any) -> set[str]:
    return set(found.dtype.names or ()) if isinstance(found, np.ndarray) else set()


def _captured(workspace: Any) -> dict[str, Any]:
    """The variables that an anonymous function captured."""
    held = workspace.properties.get("any") if isinstance(workspace, MatObject) else workspace
    if isinstance(held, Cell):
        held = next((item for item in held if isinstance(item, dict)), {})
    return held if isinstance(held, dict) else {}


def _scalars(found: Any) -> list[Any]:
    items = list(found.reshape(-1)) if isinstance(found, np.ndarray) else list(found)
    return [i.item() if isinstance(i, np.ndarray) and i.size == 1 else i for i in items]


Convert = Callable[[Plain, Any], Any]

# In this order: mat-io's classes derive from numpy.ndarray.
CONVERSIONS: tuple[tuple[type, Convert], ...] = (
    (matio.MatlabCanonicalEmpty, lambda plain, found: None),
    (matio.EnumerationMember, Plain._enumeration),
    (matio.MatlabOpaque, Plain._object),
    (matio.MatlabOpaqueArray, Plain._objects),
    (matio.MatlabOpaqueProperty, Plain._property),
    (matio.MatlabFunction, Plain._function),
    (matio.MatlabObject, Plain._old_object),
    (matio.EmptyMatStruct, Plain._empty_struct),
    (np.ndarray, Plain._array),
)

SPECIAL: dict[str, Convert] = {
    "string": Plain._string,
    "categorical": Plain._categorical,
    "table": Plain._table,
    "containers.Map": Plain._map,
}
