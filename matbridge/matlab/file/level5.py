"""Level 5 MAT-files (v6 and v7): the variables in them, checked and inflated."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from matbridge.errors import FormatError
from matbridge.matlab.file.header import HEADER_BYTES, FileHeader
from matbridge.matlab.file.walk import (
    MI_COMPRESSED,
    MI_MATRIX,
    MI_UINT8,
    ArrayHeader,
    read_header,
    walk,
)

__all__ = ["Element", "elements", "read_element", "subsystem_stream"]

CHUNK = 1 << 20
# Enough of an element to see its name, class and dimensions.
PEEK = 4096
CUT_OFF = "The file is cut off: copy or download it again."


@dataclass(frozen=True)
class Element:
    """A top-level element: where its data are in the file and what it holds."""

    head: ArrayHeader
    start: int
    size: int
    compressed: bool


def elements(path: Path, header: FileHeader, limit: int) -> list[Element]:
    """The variables of the file, by their headers; FormatError if one is not sound.

    The element at ``header.subsystem`` (nameless) is among them.
    """
    with path.open("rb") as file:
        return list(_elements(file, header.order, path.stat().st_size, limit))


def _elements(file: BinaryIO, order: str, length: int, limit: int) -> Iterator[Element]:
    at = HEADER_BYTES
    while at < length:
        file.seek(at)
        tag = file.read(8)
        if len(tag) < 8:
            raise FormatError(f"an element is cut off at byte {at}", mend=CUT_OFF)
        kind, size = struct.unpack(order + "II", tag)
        if kind not in (MI_COMPRESSED, MI_MATRIX):
            raise FormatError(
                f"data type {kind} stands at byte {at} where a variable must",
                mend="The file is damaged: copy it again, or save it again in MATLAB.",
            )
        if at + 8 + size > length:
            raise FormatError(
                f"the variable at byte {at} claims {size} bytes where {length - at - 8} are left",
                mend=CUT_OFF,
            )
        if size:
            yield _peek(file, order, at, size, kind == MI_COMPRESSED)
        at += 8 + size


def _peek(file: BinaryIO, order: str, at: int, size: int, compressed: bool) -> Element:
    """The element at ``at``, from its first bytes alone."""
    if compressed:
        data = file.read(min(size, PEEK))
        try:
            data = zlib.decompressobj().decompress(data, PEEK)
        except zlib.error as error:
            raise _damaged(at, str(error)) from None
    else:
        file.seek(at)
        data = file.read(min(size + 8, PEEK))
    return Element(read_header(memoryview(data), order, 0), at, size, compressed)


def _damaged(at: int, why: str) -> FormatError:
    return FormatError(
        f"the compressed variable at byte {at} is damaged: {why}",
        mend="Copy or download the file again.",
    )


def read_element(path: Path, element: Element, order: str, limit: int) -> io.BytesIO:
    """The element's array, uncompressed and walked over: safe to give to mat-io.

    At most ``limit`` bytes are inflated; FormatError beyond.
    """
    with path.open("rb") as file:
        if element.compressed:
            stream = _inflate(file, element, order, limit)
        else:
            file.seek(element.start)
            stream = io.BytesIO(file.read(element.size + 8))
    with stream.getbuffer() as view:
        walk(view, order)
    stream.seek(0)
    return stream


def _inflate(file: BinaryIO, element: Element, order: str, limit: int) -> io.BytesIO:
    file.seek(element.start + 8)
    left, inflater, stream = element.size, zlib.decompressobj(), io.BytesIO()
    try:
        while left and not inflater.eof:
            chunk = file.read(min(left, CHUNK))
            left -= len(chunk)
            while chunk:
                stream.write(inflater.decompress(chunk, CHUNK))
                chunk = inflater.unconsumed_tail
                if stream.tell() > limit:
                    raise too_large(element.head.name, limit)
        # What is missing here is the checksum, or data before it.
        if not inflater.eof:
            raise _damaged(element.start, "its end is missing")
    except zlib.error as error:
        raise _damaged(element.start, str(error)) from None
    with stream.getbuffer() as view:
        _, claimed = struct.unpack_from(order + "II", view)
        if claimed + 8 > len(view):
            raise _damaged(element.start, f"it holds {len(view)} bytes of {claimed + 8}")
    return stream


def too_large(name: str, limit: int) -> FormatError:
    """What is said of data beyond ``max_size``."""
    return FormatError(
        f"{name or 'the object data'} holds more than {limit >> 20} MiB",
        mend="If you trust the file, raise the bound with max_size=.",
    )


def subsystem_stream(
    path: Path, found: list[Element], header: FileHeader, limit: int
) -> tuple[io.BytesIO, str] | None:
    """The stream of the objects' data, positioned at its array, and its byte order.

    MATLAB keeps it as a uint8 array that is a small MAT-file of its own. None where the
    file has none.
    """
    if not header.subsystem:
        return None
    inside = [e for e in found if e.start == header.subsystem]
    if not inside or inside[0].head.matlab_class != "uint8":
        raise FormatError(
            "the objects' data are not where the header says",
            mend="The file is damaged: copy it again, or save it again in MATLAB.",
        )
    stream = read_element(path, inside[0], header.order, limit)
    with stream.getbuffer() as view:
        start = _payload(view, header.order)
        order = {b"IM": "<", b"MI": ">"}.get(bytes(view[start + 2 : start + 4]))
        if order is None or len(view) - start < 16:
            raise FormatError("the objects' data have no valid header", mend=CUT_OFF)
        walk(view, order, start + 8)
    stream.seek(start + 8)
    return stream, order


def _payload(view: memoryview, order: str) -> int:
    """Where the numbers of the uint8 array at the start of ``view`` begin."""
    head = read_header(view, order, 0)
    kind, size = struct.unpack_from(order + "II", view, head.body)
    if kind != MI_UINT8 or size < 16:
        raise FormatError("the objects' data are empty", mend=CUT_OFF)
    return head.body + 8
