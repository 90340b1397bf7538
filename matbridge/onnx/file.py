"""ONNX files: bytes to a model, within bounds.

Protocol buffers let two bytes of a file ask for a hundred of memory, so the file is walked once, by
the descriptors of ONNX's messages, before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.descriptor import Descriptor, FieldDescriptor  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from matbridge.errors import FormatError
from matbridge.files import check_readable

__all__ = ["MOST_NODES", "read_model"]

# The most that protocol buffers allow.
LARGEST = (2 << 30) - 1
# Messages and texts that a file may hold, nodes of its graph, and how deep messages may stand.
MOST_PARTS, MOST_NODES, DEEPEST = 1 << 20, 200_000, 100
# What a message takes in memory, and how many bytes a packed number of one byte.
PER_PART, PER_NUMBER = 128, 16
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
NOT_ONE = "the file is no ONNX model"


def read_model(path: Path, limit: int) -> onnx.ModelProto:
    """The model in a file, which may take ``limit`` bytes of memory.

    Raises FormatError if it is damaged or asks for more.
    """
    check_readable(path)
    try:
        size = path.stat().st_size
        if size > min(limit, LARGEST):
            raise _too_large(size, limit)
        data = path.read_bytes()
        check_parts(data, limit)
        model = onnx.load_model_from_string(data)
    except (DecodeError, OSError) as error:
        raise FormatError(f"{NOT_ONE}: {error}") from None
    count = len(model.graph.node)
    if count > MOST_NODES:
        raise FormatError(f"the graph has {count:,} nodes, more than {MOST_NODES:,}")
    if not model.graph.output:
        raise FormatError(f"{NOT_ONE}: it has no graph with outputs")
    return model


def _too_large(size: int, limit: int) -> FormatError:
    if size > LARGEST:
        return FormatError(
            f"no ONNX model can have more than {LARGEST:,} bytes",
            mend="Larger ones keep their arrays in files beside them.",
        )
    return FormatError(
        f"the model would take more than {limit >> 20} MiB",
        mend="If you trust the file, raise the bound with max_size=.",
    )


def check_parts(data: bytes, limit: int) -> None:
    """Raise FormatError where the messages in the file would take more than allowed, are too many,
    nested too deep or cut off."""
    parts = memory = 0
    waiting: list[tuple[int, int, Descriptor, int]] = [
        (0, len(data), onnx.ModelProto.DESCRIPTOR, 0)
    ]
    while waiting:
        begin, end, message, depth = waiting.pop()
        if depth > DEEPEST:
            raise FormatError(f"{NOT_ONE}: messages stand {depth} deep in each other")
        for number, first, last in _fields(data, begin, end):
            field = message.fields_by_number.get(number)
            inner = field.message_type if field is not None else None
            if inner is not None:
                waiting.append((first, last, inner, depth + 1))
            elif field is not None and field.type == FieldDescriptor.TYPE_STRING:
                _check_text(data[first:last], field.name)
            parts += 1
            memory += _memory_of(field, last - first)
            if parts > MOST_PARTS:
                raise FormatError(f"the file has more than {MOST_PARTS:,} parts, which is too many")
            if memory > limit:
                raise _too_large(memory, limit)


def _check_text(data: bytes, name: str) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise FormatError(f"{NOT_ONE}: a {name} in it is no text, but {data[:20]!r}") from None


def _memory_of(field: FieldDescriptor | None, length: int) -> int:
    """About what a field of so many bytes takes."""
    kind = None if field is None else field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_MESSAGE:
        return PER_PART
    if kind in (None, FieldDescriptor.CPPTYPE_STRING):
        return PER_NUMBER + length
    # A number, or many of them, one after the other: in 4 or 8 bytes, or in as few as one.
    if kind in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return PER_NUMBER + 4 * length
    return PER_NUMBER * max(length, 1)


def _fields(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of one message: the number, and the bytes of one that has a length."""
    place = begin
    while place < end:
        tag, place = _varint(data, place, end)
        kind = tag & 7
        if kind == BYTES:
            length, first = _varint(data, place, end)
            place = first + length
            if place <= end:
                yield tag >> 3, first, place
        elif kind == VARINT:
            _, place = _varint(data, place, end)
            yield tag >> 3, place, place
        elif kind in (FIXED64, FIXED32):
            place += 8 if kind == FIXED64 else 4
            yield tag >> 3, place, place
        else:
            raise FormatError(f"{NOT_ONE}: it has a field of type {kind} at byte {place:,}")
    if place > end:
        raise FormatError(f"{NOT_ONE}, or it is cut off: a field at byte {place:,} goes on")


def _varint(data: bytes, place: int, end: int) -> tuple[int, int]:
    """A number and the place after it."""
    value = shift = 0
    while place < end and shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    raise FormatError(f"{NOT_ONE}, or it is cut off at byte {place:,}")
