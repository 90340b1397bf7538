"""Level 5 MAT-files (v6 and v7): the variables in them, checked and inflated."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from matbridge.core.diagnostics import Report
from matbridge.errors import FormatError
from matbridge.matlab.file.budget import Budget
from matbridge.matlab.file.header import HEADER_BYTES, FileHeader
from matbridge.matlab.file.walk import (
    MI_COMPRESSED,
    MI_MATRIX,
    MI_UINT8,
    ArrayHeader,
    read_header,
    walk,
)

__all__ = ["NO_CHECKSUM", "Element", "elements", "read_element", "subsystem_stream"]

CHUNK = 1 << 20
# Enough of an element to see its name, class and dimensions.
PEEK = 4096
NO_CHECKSUM = (
    "its compressed data end without their checksum, so that a changed bit would go unnoticed; "
    "all bytes that it claims are there"
)
CUT_OFF = "The file is cut off: copy or download it again."


OBJECTS = "the objects' data"


@dataclass(frozen=True)
class Element:
    """A top-level element: where its data are in the file and what it holds.

    ``damage`` says why it cannot be read, where that shows already.
    """

    head: ArrayHeader
    start: int
    nbytes: int
    compressed: bool
    damage: str = ""

    @property
    def shown(self) -> str:
        """What a message calls it."""
        return self.head.name or OBJECTS


def elements(path: Path, header: FileHeader, budget: Budget, report: Report) -> list[Element]:
    """The variables of the file, by their headers; what is lost is told in ``report``.

    The element at ``header.subsystem`` (nameless) is among them.
    """
    with path.open("rb") as file:
        return list(_elements(file, header.order, path.stat().st_size, budget, report))


def _elements(
    file: BinaryIO, order: str, length: int, budget: Budget, report: Report
) -> Iterator[Element]:
    at = HEADER_BYTES
    while at < length:
        budget.values()
        file.seek(at)
        tag = file.read(8)
        if len(tag) < 8:
            report.error(f"an element is cut off at byte {at}", mend=CUT_OFF)
            return
        kind, nbytes = struct.unpack(order + "II", tag)
        if kind not in (MI_COMPRESSED, MI_MATRIX):
            report.error(
                f"data type {kind} stands at byte {at} where a variable must; "
                f"what follows is lost, {length - at} bytes",
                mend="The file is damaged: copy it again, or save it again in MATLAB.",
            )
            return
        left = length - at - 8
        damage = f"it claims {nbytes} bytes where {left} are left" if nbytes > left else ""
        if nbytes:
            try:
                yield _peek(file, order, at, min(nbytes, left), kind == MI_COMPRESSED, damage)
            except FormatError as error:
                report.error(f"the variable at byte {at} is lost: {damage or error.what}",
                             mend=CUT_OFF if damage else error.mend)  # fmt: skip
        at += 8 + nbytes


def _peek(
    file: BinaryIO, order: str, at: int, nbytes: int, compressed: bool, damage: str
) -> Element:
    """The element at ``at``, from its first bytes alone."""
    if compressed:
        data = file.read(min(nbytes, PEEK))
        try:
            data = zlib.decompressobj().decompress(data, PEEK)
        except zlib.error as error:
            raise _damaged(at, str(error)) from None
    else:
        file.seek(at)
        data = file.read(min(nbytes + 8, PEEK))
    return Element(read_header(memoryview(data), order, 0), at, nbytes, compressed, damage)


def _damaged(at: int, why: str) -> FormatError:
    return FormatError(
        f"the compressed variable at byte {at} is damaged: {why}",
        mend="Copy or download the file again.",
    )


def read_element(
    path: Path, element: Element, order: str, budget: Budget, report: Report
) -> io.BytesIO:
    """The element's array, uncompressed and walked over: safe to give to mat-io.

    What is odd about it and does not keep it from being read is told in ``report``.
    Raises FormatError where it is damaged or takes more than the budget.
    """
    if element.damage:
        raise FormatError(f"the variable is cut off: {element.damage}", mend=CUT_OFF)
    with path.open("rb") as file:
        if element.compressed:
            stream = _inflate(file, element, order, budget, report)
        else:
            budget.hold(element.nbytes)
            file.seek(element.start)
            stream = io.BytesIO(file.read(element.nbytes + 8))
    with stream.getbuffer() as view:
        left = len(view) - walk(view, order, budget)
    if left > 0:
        report.warning(f"{left} bytes after the array are not used", element.shown)
    stream.seek(0)
    return stream


def _inflate(
    file: BinaryIO, element: Element, order: str, budget: Budget, report: Report
) -> io.BytesIO:
    file.seek(element.start + 8)
    left, inflater, stream = element.nbytes, zlib.decompressobj(), io.BytesIO()
    try:
        while left and not inflater.eof:
            chunk = file.read(min(left, CHUNK))
            left -= len(chunk)
            # A chunk may become a thousand times as long: in steps, each counted before the next.
            while chunk:
                budget.hold(stream.write(inflater.decompress(chunk, CHUNK)))
                chunk = inflater.unconsumed_tail
    except zlib.error as error:
        raise _damaged(element.start, str(error)) from None
    with stream.getbuffer() as view:
        claimed = struct.unpack_from(order + "II", view)[1] + 8 if len(view) > 7 else 8
        # Damage in the middle of a stream that then has no end makes some other length.
        if claimed > len(view) or (claimed < len(view) and not inflater.eof):
            end = "" if inflater.eof else "its end is missing: "
            raise _damaged(element.start, f"{end}it holds {len(view)} bytes of {claimed}")
    if not inflater.eof:
        report.warning(NO_CHECKSUM, element.shown, "If you can, copy the file again.")
    elif left or inflater.unused_data:
        unused = left + len(inflater.unused_data)
        report.warning(f"{unused} bytes after the compressed data are not used", element.shown)
    return stream


def subsystem_stream(
    path: Path, listed: list[Element], header: FileHeader, budget: Budget, report: Report
) -> tuple[io.BytesIO, str] | None:
    """The stream of the objects' data, positioned at its array, and its byte order.

    MATLAB keeps it as a uint8 array that is a small MAT-file of its own. None where the
    file has none.
    """
    if not header.subsystem:
        return None
    inside = [e for e in listed if e.start == header.subsystem]
    if not inside or inside[0].head.matlab_class != "uint8":
        raise FormatError(
            f"{OBJECTS} are not where the header says",
            mend="The file is damaged: copy it again, or save it again in MATLAB.",
        )
    stream = read_element(path, inside[0], header.order, budget, report)
    with stream.getbuffer() as view:
        start = _payload(view, header.order)
        # Eight bytes of header: a version, the mark of the byte order, zeros.
        order = {b"IM": "<", b"MI": ">"}.get(bytes(view[start + 2 : start + 4]))
        if order is None or len(view) - start < 16:
            raise FormatError(f"{OBJECTS} have no valid header", mend=CUT_OFF)
        walk(view, order, budget, start + 8)
    stream.seek(start + 8)
    return stream, order


def _payload(view: memoryview, order: str) -> int:
    """Where the numbers of the uint8 array at the start of ``view`` begin."""
    head = read_header(view, order, 0)
    kind, nbytes = struct.unpack_from(order + "II", view, head.body)
    if kind != MI_UINT8 or nbytes < 16:
        raise FormatError(f"{OBJECTS} are empty", mend=CUT_OFF)
    return head.body + 8
