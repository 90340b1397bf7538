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

    def __init__(self, budget: Budget, objects: dict[int, tuple[object, object]]) -> None:
        self.budget = budget
        self.objects = objects
        self.lists: dict[int, tuple[object, object]] = {}

    def value(self, value: object) -> object:
        """The plain value of what mat-io returned; FormatError if it nests too deep."""
        try:
            return self._value(value)
        except RecursionError:
            raise FormatError("objects are nested too deep") from None

    def _value(self, value: object) -> Any:
        self.budget.values()
        if id(value) in self.lists:
            return self.lists[id(value)][1]
        for kind, convert in CONVERSIONS:
            if isinstance(value, kind):
                plain = convert(self, value)
                # What takes memory anew for each who holds it; arrays are shared as they are.
                if isinstance(plain, list | dict | FunctionHandle):
                    self.lists[id(value)] = value, plain
                return plain
        return value

    def _array(self, array: np.ndarray) -> object:
        if array.dtype.names:
            return self._structs(array)
        if array.dtype.kind == "U":
            return _text(array)
        return self._cell(array) if array.dtype.hasobject else array

    def _items(self, array: np.ndarray) -> list[Any]:
        return list(array.reshape(-1, order="F"))

    def _structs(self, array: np.ndarray) -> dict[str, object] | StructArray:
        names = array.dtype.names or ()
        plain = np.asarray(array)
        items = [{name: self._value(item[name]) for name in names} for item in self._items(plain)]
        return items[0] if array.shape == (1, 1) else StructArray(items, array.shape, names)

    def _empty_struct(self, array: matio.EmptyMatStruct) -> dict[str, object] | StructArray:
        self.budget.values(array.size)
        return {} if array.shape == (1, 1) else StructArray([{}] * array.size, array.shape)

    def _cell(self, array: np.ndarray) -> Cell | FunctionHandle:
        items = self._items(np.asarray(array))
        if len(items) == 2 and _is_magic(items[0]) and _names(items[1]) >= {"function_handle"}:
            return self._handle(Cell([self._value(item) for item in items], array.shape))
        return Cell([self._value(item) for item in items], array.shape)

    def _function(self, array: matio.MatlabFunction) -> FunctionHandle:
        if isinstance(array, matio.EmptyMatStruct) or not array.dtype.names:
            return FunctionHandle("", raw={})
        return self._handle(self._structs(array))

    def _handle(self, raw: object) -> FunctionHandle:
        """{magic; struct} or a struct, whose field function_handle holds text and variables."""
        outer = raw[1] if isinstance(raw, Cell) else raw
        inner = outer.get("function_handle", {}) if isinstance(outer, dict) else {}
        text = _text_or_none(inner.get("function")) or ""
        self.budget.hold(len(text))
        if inner.get("type") == "anonymous":
            # Marks of MATLAB's own may stand before the text.
            text = text[text.find("@") :]
        return FunctionHandle(text, _captured(inner.get("workspace")), raw)

    def _old_object(self, array: matio.MatlabObject) -> MatObject | ObjectArray:
        structs = self._structs(array.view(np.ndarray))
        if isinstance(structs, dict):
            return MatObject(array.classname, structs, old_style=True)
        items = [MatObject(array.classname, struct, old_style=True) for struct in structs]
        return ObjectArray(items, structs.shape, array.classname)

    def _objects(self, array: matio.MatlabOpaqueArray) -> ObjectArray:
        items = [self._value(item) for item in self._items(array.view(np.ndarray))]
        return ObjectArray(items, array.shape, array.classname)

    def _object(self, opaque: matio.MatlabOpaque) -> object:
        if id(opaque) not in self.objects:
            special = self._special(opaque)
            instance = MatObject(opaque.classname, saveobj=getattr(opaque, "saveobj", False))
            # Before its properties: they may lead back to it.
            self.objects[id(opaque)] = opaque, instance if special is None else special
            if special is None and isinstance(opaque.properties, dict):
                instance.properties = {
                    name: self._value(p) for name, p in opaque.properties.items()
                }
        return self.objects[id(opaque)][1]

    def _special(self, opaque: matio.MatlabOpaque) -> object:
        """The plain form of a class that has one; None where its properties are not as usual."""
        convert = SPECIAL.get(opaque.classname)
        if convert is None or not isinstance(opaque.properties, dict):
            return None
        try:
            return convert(self, opaque.properties)
        except (LookupError, ValueError, TypeError, AttributeError, OverflowError):
            return None

    def _property(self, kept: matio.MatlabOpaqueProperty) -> Symbol | Immediate:
        if kept.ptype == matio.PropertyType.MATLAB_ENUMERATION:
            return Symbol(kept.item())
        return Immediate(kept.item())

    def _enumeration(self, member: matio.EnumerationMember) -> Enumeration:
        return Enumeration(
            member.class_name, tuple(member.names), tuple(member.shape), member.valued
        )

    # -- classes with a plain form ----------------------------------------------------------

    def _string(self, properties: dict[str, object]) -> String | StringArray:
        self.budget.hold(getattr(properties.get("any"), "nbytes", 0))
        strings = matio.mat_to_string(properties, "<")
        items = [s if isinstance(s, str) else None for s in self._items(strings)]
        if strings.shape == (1, 1) and items[0] is not None:
            return String(items[0])
        return StringArray(items, strings.shape)

    def _categorical(self, properties: dict[str, Any]) -> Categorical | None:
        names = self._texts(properties.get("categoryNames"))
        codes = properties.get("codes")
        if not isinstance(codes, np.ndarray) or codes.dtype.kind not in "ui":
            return None
        if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) <= len(names):
            return None
        flags = (bool(np.any(properties.get(n, False))) for n in ("isOrdinal", "isProtected"))
        return Categorical(names, codes, *flags)

    def _table(self, properties: dict[str, object]) -> Table | None:
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

    def _map(self, properties: dict[str, object]) -> Map | None:
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

    def _texts(self, cell: object) -> tuple[str, ...]:
        """The texts of a cell; TypeError if there is anything else in it."""
        items = self._value(cell)
        self.budget.values(len(items))
        if not isinstance(items, Cell) or not all(isinstance(item, str) for item in items):
            raise TypeError("this is no cell of texts")
        return tuple(items)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _text(array: np.ndarray) -> str | np.ndarray:
    if array.size == 0:
        return ""
    return str(array[0]) if array.shape == (1,) else array


def _is_magic(value: object) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype == np.uint32
        and value.size == 1
        and int(value.reshape(-1)[0]) == matio.MAGIC
    )


def _names(value: object) -> set[str]:
    return set(value.dtype.names or ()) if isinstance(value, np.ndarray) else set()


def _captured(workspace: object) -> dict[str, object]:
    """The variables that an anonymous function captured."""
    held = workspace.properties.get("any") if isinstance(workspace, MatObject) else workspace
    if isinstance(held, Cell):
        held = next((item for item in held if isinstance(item, dict)), {})
    return held if isinstance(held, dict) else {}


def _scalars(values: np.ndarray | list[object]) -> list[object]:
    items = list(values.reshape(-1)) if isinstance(values, np.ndarray) else list(values)
    return [i.item() if isinstance(i, np.ndarray) and i.size == 1 else i for i in items]


Convert = Callable[[Plain, Any], object]

# In this order: mat-io's classes derive from numpy.ndarray.
CONVERSIONS: tuple[tuple[type, Convert], ...] = (
    (matio.MatlabCanonicalEmpty, lambda plain, value: None),
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
