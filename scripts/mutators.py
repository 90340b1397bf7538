"""Damage, by kind of file: each mutator takes a sound file and a random.Random."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

from matbridge.matlab.file.values import (
    Categorical,
    Cell,
    FunctionHandle,
    MatObject,
    ObjectArray,
    String,
    StringArray,
    StructArray,
    Table,
)

__all__ = ["any_bytes", "hdf5", "level5", "numpy_file", "objects", "odd_value", "places", "table"]

HEADER = 128
NUMBERS = (0, 1, 2, 5, 17, 255, 2**20, 2**31 - 1, 2**31, 2**32 - 1)


def any_bytes(data: bytes, draw: random.Random) -> bytes:
    """Cut short, or a few bytes changed anywhere."""
    if draw.random() < 0.3 or not data:
        return data[: draw.randrange(len(data) + 1)]
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 8, 64])):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


# -- level 5 ----------------------------------------------------------------------------------


def elements(data: bytes) -> list[tuple[int, bool, bytes]]:
    """Start, whether deflated, and bytes of each top-level element."""
    found, at = [], HEADER
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        found.append((at, kind == 15, data[at + 8 : at + 8 + size]))
        at += 8 + size
    return found


def tags(data: bytes | bytearray, at: int, end: int) -> Iterator[int]:
    """Where each tag of an uncompressed element stands, as a reader would meet them."""
    while at + 8 <= end:
        kind, size = struct.unpack_from("<II", data, at)
        yield at
        if kind >> 16:
            at += 8
            continue
        if kind == 14:
            yield from tags(data, at + 8, min(at + 8 + size, end))
        at += 8 + size + -size % 8


def level5(data: bytes, draw: random.Random) -> bytes:
    """One tag, size or number of the element tree altered, and deflated again."""
    if draw.random() < 0.2:
        return any_bytes(data, draw)
    return with_element(data, draw.randrange(len(elements(data))), draw, damage_tag)


def objects(data: bytes, draw: random.Random) -> bytes:
    """Numbers in the objects' data: ids, counts, offsets and indices."""
    return with_element(data, len(elements(data)) - 1, draw, damage_ids)


Damage = Callable[[bytearray, random.Random], None]


def with_element(data: bytes, place: int, draw: random.Random, damage: Damage) -> bytes:
    """The file with one element damaged, and the objects found where they are."""
    body, last = b"", HEADER
    for number, (_, deflated, piece) in enumerate(elements(data)):
        last = HEADER + len(body)
        if number == place:
            tag = struct.pack("<II", 14, len(piece))
            inner = bytearray(zlib.decompress(piece) if deflated else tag + piece)
            damage(inner, draw)
            piece = zlib.compress(bytes(inner), 1) if deflated else bytes(inner[8:])
        body += struct.pack("<II", 15 if deflated else 14, len(piece)) + piece
    header = bytearray(data[:HEADER])
    if data[116:124] not in (b" " * 8, bytes(8)):
        struct.pack_into("<Q", header, 116, last)
    return bytes(header) + body


def damage_tag(inner: bytearray, draw: random.Random) -> None:
    start = inner.find(b"\x00\x01IM")
    at = draw.choice(list(tags(inner, start + 8 if start > 0 else 0, len(inner))) or [0])
    choice = draw.randrange(7)
    if choice < 5 and at + 4 * choice + 4 <= len(inner):
        (old,) = struct.unpack_from("<I", inner, at + 4 * choice)
        new = draw.choice([*NUMBERS, 8, 10, 11, 13, 14, 15, 16, 18, old // 2, (old + 8) % 2**32])
        struct.pack_into("<I", inner, at + 4 * choice, new)
    else:
        for _ in range(draw.randrange(1, 5)):
            inner[draw.randrange(at, min(at + 64, len(inner)))] ^= 1 << draw.randrange(8)


def damage_ids(inner: bytearray, draw: random.Random) -> None:
    start = inner.find(b"\x00\x01IM") + 8
    end = min(len(inner) - 4, start + 8000)
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        at = draw.randrange(start, end) & ~3
        (other,) = struct.unpack_from("<I", inner, draw.randrange(start, end) & ~3)
        (old,) = struct.unpack_from("<I", inner, at)
        new = draw.choice([*NUMBERS, other, other, (old + 1) % 2**32, (old - 1) % 2**32])
        struct.pack_into("<I", inner, at, new)


# -- v7.3 -------------------------------------------------------------------------------------


def hdf5(data: bytes, draw: random.Random) -> bytes:
    """References led elsewhere, attributes and data of another kind, or bytes changed."""
    if draw.random() < 0.4:
        return any_bytes(data, draw)
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        for _ in range(draw.choice([1, 1, 2])):
            name, other = draw.choice(names), draw.choice(names)
            # What an earlier change removed, or led elsewhere, is not there any more.
            with contextlib.suppress(KeyError, OSError):
                draw.choice(HDF5)(file, name, other, draw)
    return buffer.getvalue()


def lead_elsewhere(file: h5py.File, name: str, other: str, draw: random.Random) -> None:
    found = file.get(name)
    if isinstance(found, h5py.Dataset) and found.dtype.hasobject and found.size:
        found[tuple(draw.randrange(n) for n in found.shape)] = file[other].ref


def other_attribute(file: h5py.File, name: str, other: str, draw: random.Random) -> None:
    if name in file:
        kinds = ["cell", "struct", "char", "double", "string", "logical", "canonical empty", "?"]
        values = {
            "MATLAB_class": np.bytes_(draw.choice(kinds)),
            "MATLAB_empty": np.uint8(1),
            "MATLAB_object_decode": np.int32(draw.choice([0, 1, 2, 3, 9])),
            "MATLAB_sparse": np.uint64(draw.choice([0, 3, 2**62])),
            "MATLAB_int_decode": np.int32(draw.choice([0, 1, 2, 9])),
            "MATLAB_fields": file[other].ref,
        }
        key = draw.choice(list(values))
        file[name].attrs[key] = draw.choice([values[key], values[key], np.ones(3), "text"])


def without_attribute(file: h5py.File, name: str, other: str, draw: random.Random) -> None:
    if name in file and len(file[name].attrs):
        del file[name].attrs[draw.choice(list(file[name].attrs))]


def other_data(file: h5py.File, name: str, other: str, draw: random.Random) -> None:
    if name in file:
        attributes = dict(file[name].attrs)
        del file[name]
        shape = draw.choice([(), (0,), (3,), (1, 1), (2, 3), (1, 2, 3)])
        kind = draw.choice(
            ["f8", "u2", "u4", ">f4", "S5", "?", h5py.ref_dtype, h5py.string_dtype()]
        )
        made = file.create_dataset(name, shape, kind)
        for key, value in attributes.items():
            if np.asarray(value).dtype != object:
                made.attrs[key] = value


def same_object(file: h5py.File, name: str, other: str, draw: random.Random) -> None:
    if name in file and other in file and not other.startswith(f"{name}/"):
        found = file[other]
        del file[name]
        file[name] = found


def a_link(file: h5py.File, name: str, other: str, draw: random.Random) -> None:
    if name in file:
        del file[name]
        file[name] = draw.choice([h5py.SoftLink("/X"), h5py.ExternalLink("other.h5", "/x")])


HDF5 = [lead_elsewhere, lead_elsewhere, other_attribute, without_attribute, other_data]
HDF5 += [same_object, a_link]


# -- data files -------------------------------------------------------------------------------


def numpy_file(data: bytes, draw: random.Random) -> bytes:
    """The header's text, or any byte."""
    end = data.find(b"\n")
    if draw.random() < 0.3 or end < 0:
        return any_bytes(data, draw)
    head = data[:end].decode("latin-1")
    words = ["'<f8'", "'|O'", "'>c8'", "'<U9'", "-1", "10**9", "()", "[", "}", "None", "True", "é"]
    old = draw.choice(["<f8", "False", "2", "3", ",", "(", ")", "'", "shape", "descr", " "])
    head = head.replace(old, draw.choice([*words, str(draw.choice(NUMBERS))]), draw.choice([1, 2]))
    return head.encode("utf-8")[: 10 + len(head)] + data[end:]


def table(data: bytes, draw: random.Random) -> bytes:
    """Cells of a table."""
    cells = data.decode().split(",")
    for _ in range(draw.choice([1, 2, 5])):
        odd = ["", "nan", "1e999", "#", '"', "\n", "\0", "é", "x", "1,2", "\r\n\r\n", "=1+1", "'"]
        cells[draw.randrange(len(cells))] = draw.choice(odd)
    return ",".join(cells).encode()


# -- values -----------------------------------------------------------------------------------


def odd_value(draw: random.Random) -> Any:
    """What no reader expects where it stands."""
    return draw.choice(ODD)()


def wide() -> MatObject:
    """Objects that meet again: two to the fortieth, gone through one by one."""
    found = MatObject("end")
    for _ in range(40):
        found = MatObject("class", {"a": found, "b": Cell([found, {"c": found}])})
    return found


ODD: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: "",
    lambda: "auto",
    lambda: "same",
    lambda: 'x" \\ \n\x1b[31m {0}',
    lambda: String("text"),
    lambda: np.zeros((0, 0)),
    lambda: np.array([[0.0]]),
    lambda: np.array([[-1.0]]),
    lambda: np.array([[2e9]]),
    lambda: np.array([[1e300]]),
    lambda: np.array([[np.nan]]),
    lambda: np.array([[2.5]]),
    lambda: np.array([[1j]]),
    lambda: np.array([[True]]),
    lambda: np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
    lambda: np.ones((3, 1), np.float32),
    lambda: np.array(["ab", "cd"]),
    dict,
    lambda: {"Value": np.ones((2, 2)), "LearnRateFactor": "x"},
    lambda: {"Value": {}, "LearnRateFactor": {}},
    lambda: Cell([], (0, 0)),
    lambda: Cell(["a", np.ones((2, 2))], (1, 2)),
    lambda: Cell(["in", "in"], (1, 2)),
    lambda: StructArray([{"a": "1"}, {"a": "2"}], (1, 2)),
    lambda: StringArray(["a", None], (2, 1)),
    lambda: ObjectArray([MatObject("a"), "b"], (2, 1), "a"),
    lambda: MatObject("nnet.cnn.layer.ReLULayer", {"any": {}}, saveobj=True),
    lambda: MatObject("dlarray", {"Value": np.ones((1, 1))}),
    lambda: Categorical(("a", "b"), np.array([[1], [2]], np.uint8)),
    lambda: Table({"Source": Cell(["a"]), "Destination": np.ones((1, 1))}),
    lambda: FunctionHandle("@(x)x"),
    lambda: FunctionHandle("@(x)" + "-" * 3000 + "x"),
    wide,
)


def places(value: Any, seen: set[int] | None = None) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside a plain value."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    inside: Any = value
    if isinstance(value, MatObject):
        inside = value.properties
    elif isinstance(value, Table):
        inside = value.columns
    if isinstance(inside, dict | list):
        for key in list(inside) if isinstance(inside, dict) else range(len(inside)):
            yield inside, key
            yield from places(inside[key], seen)
