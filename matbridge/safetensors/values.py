"""Any value that MATLAB saves, as JSON with arrays beside it, and back.

What stands in JSON is not trusted: each record's fields have their types, and a value that is not
what it should be is a ValueError.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, TypeVar, overload

import numpy as np

from matbridge.errors import UnsupportedError
from matbridge.layers.function import Handle
from matbridge.matlab.file import values
from matbridge.matlab.origin import is_placeholder, placeholder

__all__ = ["Arrays", "Decoder", "Encoder", "Json", "check"]

T = TypeVar("T")
Arrays = dict[str, np.ndarray]
Json = dict[str, Any]

# What is written by its fields, under its name; the types that the fields have.
RECORDS: dict[str, tuple[type, Mapping[str, type]]] = {
    "Categorical": (
        values.Categorical,
        {"names": tuple, "codes": np.ndarray, "ordinal": bool, "protected": bool},
    ),
    "Enumeration": (
        values.Enumeration,
        {"class_name": str, "names": tuple, "shape": tuple, "valued": bool},
    ),
    "FunctionHandle": (
        values.FunctionHandle,
        {"text": str, "workspace": dict, "raw": object},
    ),
    "MatObject": (
        values.MatObject,
        {"class_name": str, "properties": dict, "saveobj": bool, "old_style": bool},
    ),
    "Table": (values.Table, {"columns": dict, "row_names": tuple, "properties": dict}),
    "Handle": (Handle, {"text": str, "workspace": dict, "raw": object}),
}
LISTS: dict[str, type] = {
    kind.__name__: kind
    for kind in (values.Cell, values.ObjectArray, values.StringArray, values.StructArray)
}
TEXTS: dict[str, type[str]] = {kind.__name__: kind for kind in (values.String, values.Symbol)}
# The types of arrays that stand for others, by NumPy's letter and size.
KINDS = "biuf"
MAX_DEPTH = 60
# What objects share is written at each mention: more is an object that names itself many times.
MOST_VALUES = 200_000
# Arrays of at most so many numbers stand in the JSON itself.
SMALL = 16


@overload
def check(value: object, kind: type[T], what: str) -> T: ...
@overload
def check(value: object, kind: UnionType, what: str) -> Any: ...
def check(value: object, kind: type | UnionType, what: str) -> object:
    """The value, if it is of this type; ValueError otherwise."""
    # To Python True is an int.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        name = getattr(kind, "__name__", kind)
        raise ValueError(f"{what} is a {type(value).__name__}, not a {name}")
    return value


class Encoder:
    """Values to JSON; arrays go into ``arrays`` under names of their own."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.count = 0

    def array(self, array: np.ndarray, name: str) -> str:
        """The name under which the array is kept: this one, unless it is taken."""
        # A lone surrogate, which Python allows in text, is no UTF-8.
        name = name.encode("utf-8", "backslashreplace").decode()
        while name in self.arrays:
            name += "'"
        self.arrays[name] = np.ascontiguousarray(array)
        return name

    def value(self, value: object, name: str, depth: int = 0) -> object:
        """What ``value`` becomes; ``name`` says where it stands, for the names of arrays."""
        self.count += 1
        if self.count > MOST_VALUES:
            raise UnsupportedError(
                f"more than {MOST_VALUES:,} values of one layer cannot be written",
                where=name.partition("/")[0],
            )
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, np.ndarray):
            return self._array(value, name)
        if value is None or isinstance(value, bool):
            return value
        kind = type(value).__name__
        # Before the rules for text, lists and dicts, from which these are derived.
        for kinds, write in ((TEXTS, self._text), (LISTS, self._list), (RECORDS, self._record)):
            if kind in kinds:
                return write(value, name, depth)
        if isinstance(value, values.Map):
            pairs = [[k, self.value(v, f"{name}/{k}", depth + 1)] for k, v in value.items()]
            return {"$map": pairs, "types": [value.key_type, value.value_type, value.uniform]}
        if isinstance(value, Mapping):
            items = {str(k): self.value(v, f"{name}/{k}", depth + 1) for k, v in value.items()}
            return {"$dict": items}
        if isinstance(value, tuple | list):
            return [self.value(v, f"{name}/{i}", depth + 1) for i, v in enumerate(value)]
        return self._plain(value)

    def _array(self, value: np.ndarray, name: str) -> Json:
        if value.dtype.kind not in KINDS:
            return {"$strings": value.tolist()}
        if is_placeholder(value):
            return {"$placeholder": list(value.shape), "type": value.dtype.str}
        if value.size <= SMALL and np.isfinite(value).all():
            flat = value.reshape(-1).tolist()
            return {"$numbers": flat, "type": value.dtype.str, "size": list(value.shape)}
        return {"$array": self.array(value, name)}

    def _plain(self, value: object) -> object:
        if isinstance(value, values.Immediate):
            return {"$immediate": int(value)}
        # JSON has no word for NaN and Inf.
        if isinstance(value, float | np.floating) and not math.isfinite(value):
            return {"$float": str(float(value))}
        if isinstance(value, np.generic):
            return value.item()
        return value if isinstance(value, int | float | str) else {"$lost": type(value).__name__}

    def _text(self, value: object, name: str, depth: int) -> Json:
        return {"$text": type(value).__name__, "value": str(value)}

    def _list(self, value: Any, name: str, depth: int) -> Json:
        items = [self.value(v, f"{name}/{i}", depth + 1) for i, v in enumerate(value)]
        listed: Json = {"$list": type(value).__name__, "items": items, "shape": list(value.shape)}
        for more in ("class_name", "fields"):
            if hasattr(value, more):
                listed[more] = getattr(value, more)
        return listed

    def _record(self, value: Any, name: str, depth: int) -> Json:
        fields = {
            f.name: self.value(getattr(value, f.name), f"{name}/{f.name}", depth + 1)
            for f in dataclasses.fields(value)
        }
        return {"$record": type(value).__name__, "fields": fields}


class Decoder:
    """The inverse of :class:`Encoder`; ValueError or KeyError for what it did not write.

    ``placeholders`` tells whether arrays may stand there that take no memory.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], placeholders: bool = False) -> None:
        self.arrays = arrays
        self.placeholders = placeholders

    def value(self, written: object) -> object:
        if isinstance(written, list):
            return tuple(self.value(v) for v in written)
        if not isinstance(written, dict):
            return written
        for tag, read in READERS.items():
            if tag in written:
                return read(self, written)
        raise ValueError(f"a value is none of {', '.join(READERS)}")

    def array(self, name: object) -> np.ndarray:
        """The array of this name."""
        array = self.arrays.get(check(name, str, "the name of an array"))
        if array is None:
            raise ValueError(f"the array {name!r} is not in the file")
        return array

    def _array(self, written: Json) -> np.ndarray:
        return self.array(written["$array"])

    def _numbers(self, written: Json) -> np.ndarray:
        flat = [check(n, int | float, "a number") for n in written["$numbers"]]
        return np.array(flat, _type(written)).reshape(_shape(written["size"]))

    def _placeholder(self, written: Json) -> np.ndarray:
        kind, shape = _type(written), _shape(written["$placeholder"])
        if not self.placeholders or math.prod(shape) * kind.itemsize > 2**62:
            raise ValueError(f"no array has the size {shape}")
        return placeholder(shape, kind)

    def _strings(self, written: Json) -> np.ndarray:
        array = np.array(check(written["$strings"], list, "an array of text"))
        if array.dtype.kind != "U" and array.size:
            raise ValueError("an array of text holds something else")
        return array

    def _dict(self, written: Json) -> dict[str, object]:
        return {k: self.value(v) for k, v in check(written["$dict"], dict, "a struct").items()}

    def _text(self, written: Json) -> str:
        return TEXTS[written["$text"]](check(written["value"], str, "a text"))

    def _list(self, written: Json) -> object:
        kind = LISTS[written["$list"]]
        more: dict[str, object] = {}
        if kind is values.ObjectArray:
            more["class_name"] = check(written["class_name"], str, "a class name")
        if kind is values.StructArray:
            more["fields"] = tuple(check(f, str, "a field") for f in written["fields"])
        items = [self.value(v) for v in check(written["items"], list, "the elements of a list")]
        return kind(items, _shape(written["shape"]), **more)

    def _record(self, written: Json) -> object:
        kind, types = RECORDS[written["$record"]]
        fields = check(written["fields"], dict, "the fields of a record")
        return kind(**{n: check(self.value(fields[n]), t, n) for n, t in types.items()})

    def _map(self, written: Json) -> object:
        key, value, uniform = written["types"]
        types = check(key, str, "a type"), check(value, str, "a type"), bool(uniform)
        return values.Map([(k, self.value(v)) for k, v in written["$map"]], *types)

    def _immediate(self, written: Json) -> values.Immediate:
        return values.Immediate(check(written["$immediate"], int, "a number"))

    def _float(self, written: Json) -> float:
        return float(check(written["$float"], str, "a number"))

    def _lost(self, written: Json) -> None:
        return None


READERS: dict[str, Callable[[Decoder, Json], object]] = {
    "$array": Decoder._array,
    "$numbers": Decoder._numbers,
    "$placeholder": Decoder._placeholder,
    "$strings": Decoder._strings,
    "$dict": Decoder._dict,
    "$text": Decoder._text,
    "$list": Decoder._list,
    "$record": Decoder._record,
    "$map": Decoder._map,
    "$immediate": Decoder._immediate,
    "$float": Decoder._float,
    "$lost": Decoder._lost,
}


def _type(written: Json) -> np.dtype:
    """The type of an array: of real numbers or logical."""
    kind = np.dtype(check(written["type"], str, "the type of an array"))
    if kind.kind not in KINDS:
        raise ValueError(f"no array has the type {kind}")
    return kind


def _shape(written: object) -> tuple[int, ...]:
    shape = tuple(check(n, int, "a size") for n in check(written, list, "the size of an array"))
    if min(shape, default=0) < 0:
        raise ValueError("a size is negative")
    return shape
