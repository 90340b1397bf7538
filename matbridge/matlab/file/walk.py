"""A walk over the element tree of a level 5 MAT-file, before anything else reads it.

mat-io and scipy trust the bytes: a wrong data type tag or cells nested thousands deep end
the interpreter. So every tag, size, dimension and name is checked here first, and
compressed elements are inflated in bounded chunks. What passes can be read; the values
may still be wrong. Source: MathWorks, "MAT-File Level 5 File Format".
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np

from matbridge.errors import FormatError
from matbridge.matlab.file.budget import Budget

__all__ = ["ArrayHeader", "read_header", "walk"]

MAX_DEPTH = 100
MAX_DIMENSIONS = 32
MAX_NAME = 1024
# The longest dimension of an array without elements.
MAX_EMPTY = 1 << 20

MI_INT8, MI_UINT8, MI_INT32, MI_UINT32, MI_MATRIX, MI_COMPRESSED, MI_UTF8 = 1, 2, 5, 6, 14, 15, 16
# Bytes per element of each data type that holds numbers or characters.
NUMBERS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
CHARACTERS = {1: 1, 2: 1, 4: 2, 16: 1, 17: 2, 18: 4}

CELL, STRUCT, OBJECT, CHAR, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 16, 17
NUMERIC = range(6, 16)
CLASS_NAMES = {
    CELL: "cell",
    STRUCT: "struct",
    OBJECT: "object",
    CHAR: "char",
    SPARSE: "sparse",
    FUNCTION: "function_handle",
    OPAQUE: "opaque",
    **dict(
        zip(
            NUMERIC,
            "double single int8 uint8 int16 uint16 int32 uint32 int64 uint64".split(),
            strict=True,
        )
    ),
}


@dataclass(frozen=True)
class ArrayHeader:
    """What stands before the data of an array; ``body`` is where the data begin."""

    array_class: int
    logical: bool
    complex: bool
    dims: tuple[int, ...]
    name: str
    class_name: str
    body: int

    @property
    def matlab_class(self) -> str:
        """The class as MATLAB's whos shows it."""
        if self.array_class in (OBJECT, OPAQUE):
            return self.class_name
        return "logical" if self.logical else CLASS_NAMES[self.array_class]


def _broken(what: str, at: int) -> FormatError:
    return FormatError(
        f"the file is corrupted: {what} at byte {at} of the uncompressed data",
        mend="Copy or download the file again, or save it again in MATLAB.",
    )


class Walker:
    """Checks elements of one buffer; ``order`` is "<" or ">"."""

    def __init__(self, data: memoryview, order: str, budget: Budget | None = None) -> None:
        self.data = data
        self.budget = budget
        self.pair = struct.Struct(order + "II")
        self.order = order

    def tag(self, at: int, end: int) -> tuple[int, int, int, int]:
        """Data type, bytes, where the data begin and where the next element begins."""
        if end - at < 8:
            raise _broken("an element is cut off", at)
        kind, nbytes = self.pair.unpack_from(self.data, at)
        if kind >> 16:
            # A small element: type and length in four bytes, the data in the other four.
            kind, nbytes, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
            if nbytes > 4:
                raise _broken("a small element claims more than 4 bytes", at)
        else:
            start = at + 8
            after = start + nbytes + -nbytes % 8
        if start + nbytes > end:
            raise _broken(f"an element claims {nbytes} bytes where {end - start} are left", at)
        return kind, nbytes, start, after

    def matrix(self, at: int, end: int, depth: int = 0) -> int:
        """Check the array at ``at``; returns where the next element begins."""
        kind, nbytes, start, after = self.tag(at, end)
        if kind != MI_MATRIX:
            raise _broken(f"data type {kind} stands where an array must", at)
        if self.budget is not None:
            self.budget.values()
        if depth > MAX_DEPTH:
            raise _broken(f"arrays are nested more than {MAX_DEPTH} deep", at)
        if nbytes:
            done = self.contents(start, start + nbytes, depth)
            # mat-io reads on where the contents end; only the last padding may be missing.
            if done != start + nbytes and not (depth == 0 and 0 < done - start - nbytes < 8):
                raise _broken(f"an array claims {nbytes} bytes and holds {done - start}", at)
        return after

    def contents(self, at: int, end: int, depth: int) -> int:
        """Check what stands in an array; returns where that ends."""
        head = self.header(at, end)
        at, kind = head.body, head.array_class
        count = math.prod(head.dims)
        if kind in (OPAQUE, FUNCTION):
            # A function handle may be empty.
            return self.matrix(at, end, depth + 1) if kind == OPAQUE or at < end else at
        if kind in (CELL, STRUCT, OBJECT) and not count and max(head.dims) > MAX_EMPTY:
            # An empty array of containers: mat-io counts along each dimension all the same.
            raise _broken(f"an empty array claims the dimensions {head.dims}", at)
        if kind == CELL:
            return self.matrices(at, end, count, depth)
        if kind in (STRUCT, OBJECT):
            at, fields = self.field_names(at, end)
            if not fields and count > max(1, end - at):
                raise _broken(f"a struct without fields claims {count} elements", at)
            return self.matrices(at, end, count * fields, depth)
        if kind == CHAR:
            return self.characters(at, end, count)
        if kind == SPARSE:
            return self.sparse(at, end, head)
        at = self.numbers(at, end, count)
        return self.numbers(at, end, count) if head.complex else at

    def header(self, at: int, end: int) -> ArrayHeader:
        """Check flags, dimensions and names of the array whose contents begin at ``at``."""
        kind, nbytes, start, after = self.tag(at, end)
        if kind != MI_UINT32 or nbytes != 8:
            raise _broken("an array does not begin with its flags", at)
        flags, _ = self.pair.unpack_from(self.data, start)
        array_class = flags & 0xFF
        if array_class not in CLASS_NAMES:
            raise _broken(f"{array_class} is no array class", at)
        class_name = ""
        # An object's dimensions stand with the objects' data.
        dims: tuple[int, ...] = (1,)
        if array_class != OPAQUE:
            dims, after = self.dimensions(after, end)
        name, after = self.name(after, end)
        if array_class == OPAQUE:
            _, after = self.name(after, end)
        if array_class in (OPAQUE, OBJECT):
            class_name, after = self.name(after, end)
        # Bit 9 marks logical arrays, bit 11 complex ones.
        logical, complex = bool(flags >> 9 & 1), bool(flags >> 11 & 1)
        return ArrayHeader(array_class, logical, complex, dims, name, class_name, after)

    def dimensions(self, at: int, end: int) -> tuple[tuple[int, ...], int]:
        kind, nbytes, start, after = self.tag(at, end)
        if kind != MI_INT32 or nbytes % 4 or not 8 <= nbytes <= 4 * MAX_DIMENSIONS:
            raise _broken("an array has no valid dimensions", at)
        dims = struct.unpack_from(f"{self.order}{nbytes // 4}i", self.data, start)
        if min(dims) < 0:
            raise _broken(f"an array has the dimensions {dims}", at)
        return dims, after

    def name(self, at: int, end: int) -> tuple[str, int]:
        kind, nbytes, start, after = self.tag(at, end)
        # Names are miINT8; miUTF8 is tolerated for those of newer classes.
        if kind not in (MI_INT8, MI_UTF8) or nbytes > MAX_NAME:
            raise _broken("a name is not valid", at)
        text = bytes(self.data[start : start + nbytes]).rstrip(b"\0")
        if not text.isascii():
            raise _broken("a name is not ASCII", at)
        return text.decode("ascii"), after

    def field_names(self, at: int, end: int) -> tuple[int, int]:
        """Where the fields begin and how many there are for each element."""
        kind, nbytes, start, after = self.tag(at, end)
        if kind != MI_INT32 or nbytes != 4:
            raise _broken("a struct has no length of field names", at)
        (length,) = struct.unpack_from(self.order + "i", self.data, start)
        kind, nbytes, start, body = self.tag(after, end)
        if kind != MI_INT8 or not 1 <= length <= MAX_NAME or nbytes % length:
            raise _broken("the field names of a struct are not valid", after)
        names = bytes(self.data[start : start + nbytes])
        for place in range(0, nbytes, length):
            field = names[place : place + length]
            # A zero ends each name.
            if b"\0" not in field or not field.isascii():
                raise _broken("a field name is not valid", start + place)
        return body, nbytes // length

    def matrices(self, at: int, end: int, count: int, depth: int) -> int:
        # Each begins with a tag of eight bytes, so that no loop is longer than the file.
        if count * 8 > end - at:
            raise _broken(f"an array claims {count} elements where {end - at} bytes are left", at)
        for _ in range(count):
            at = self.matrix(at, end, depth + 1)
        return at

    def numbers(self, at: int, end: int, count: int) -> int:
        kind, nbytes, _, after = self.tag(at, end)
        if kind not in NUMBERS:
            raise _broken(f"data type {kind} stands where numbers must", at)
        if nbytes != count * NUMBERS[kind]:
            raise _broken(f"an array of {count} elements holds {nbytes} bytes", at)
        return after

    def characters(self, at: int, end: int, count: int) -> int:
        kind, nbytes, _, after = self.tag(at, end)
        if kind not in CHARACTERS:
            raise _broken(f"data type {kind} stands where characters must", at)
        # UTF-8 holds as many bytes as it needs; an empty element may claim characters.
        if nbytes and (nbytes != count * CHARACTERS[kind] if kind != MI_UTF8 else nbytes < count):
            raise _broken(f"text of {count} characters holds {nbytes} bytes", at)
        if not nbytes and count > MAX_NAME:
            raise _broken(f"text of {count} characters holds nothing", at)
        return after

    def sparse(self, at: int, end: int, head: ArrayHeader) -> int:
        if len(head.dims) != 2:
            raise _broken("a sparse array is not a matrix", at)
        rows, after = self.integers(at, end)
        columns, data = self.integers(after, end)
        kind, nbytes, _, after = self.tag(data, end)
        if kind not in NUMBERS:
            raise _broken(f"data type {kind} stands where numbers must", data)
        held = min(len(rows), nbytes // NUMBERS[kind])
        # Where each column begins in the list of rows, and where the last one ends.
        nonzeros = int(columns[head.dims[1]]) if len(columns) > head.dims[1] else -1
        valid = (
            0 <= nonzeros <= held
            and not np.any(np.diff(columns[: head.dims[1] + 1]) < 0)
            and columns[0] == 0
            and np.all((rows[:nonzeros] >= 0) & (rows[:nonzeros] < head.dims[0]))
        )
        if not valid:
            raise _broken("the indices of a sparse matrix are not valid", at)
        if head.complex:
            kind, imaginary, _, last = self.tag(after, end)
            if kind not in NUMBERS or imaginary != nbytes:
                raise _broken("a complex sparse matrix has no valid imaginary part", after)
            return last
        return after

    def integers(self, at: int, end: int) -> tuple[np.ndarray, int]:
        kind, nbytes, start, after = self.tag(at, end)
        if kind not in (MI_INT32, MI_UINT32) or nbytes % 4:
            raise _broken("the indices of a sparse matrix are not valid", at)
        numbers = np.frombuffer(self.data, f"{self.order}i4", nbytes // 4, start)
        return numbers.astype(np.int64), after


def walk(data: memoryview, order: str, budget: Budget, at: int = 0) -> int:
    """Check the one array element that begins at ``at``; returns where it ends.

    Raises FormatError if it is not sound, or holds more values than the budget has.
    """
    return Walker(data, order, budget).matrix(at, len(data))


def read_header(data: memoryview, order: str, at: int) -> ArrayHeader:
    """Name, class and size of the array whose element begins at ``at``.

    ``data`` may end within the array, after its header.
    """
    walker = Walker(data, order)
    kind, _ = walker.pair.unpack_from(data, at) if len(data) - at >= 8 else (0, 0)
    if kind != MI_MATRIX:
        raise _broken(f"data type {kind} stands where a variable must", at)
    return walker.header(at + 8, len(data))
