"""MAT-files v7.3: HDF5 files, refused where they hold what MATLAB never writes."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from matbridge.errors import FormatError
from matbridge.matlab.file.level5 import too_large
from matbridge.matlab.file.walk import MAX_EMPTY, MAX_NAME

__all__ = ["RESERVED", "check", "open_hdf5", "variables"]

RESERVED = ("#refs#", "#subsystem#")
# shuffle, deflate, fletcher32: what MATLAB writes; others could load code from plugins.
FILTERS = frozenset((1, 2, 3))
MAX_DEPTH = 100
HEAP = b"GCOL\x01\0\0\0"
PIECE = 1 << 20


def open_hdf5(path: Path, limit: int) -> h5py.File:
    """The file, checked; FormatError if it is damaged or holds what MATLAB never writes."""
    check_heaps(path)
    try:
        file = h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise _damaged(str(error)) from None
    try:
        check(file, limit)
    except FormatError:
        file.close()
        raise
    except Exception as error:
        file.close()
        raise _damaged(f"{type(error).__name__} {error}") from None
    return file


def check_heaps(path: Path) -> None:
    """Walk over the global heaps, where HDF5 keeps the names of fields.

    libhdf5 (2.0) loops without end over a heap whose sizes are wrong. A heap begins with
    its signature, version and three zeros: eight bytes that do not occur by chance.
    """
    # Read, not mapped: a mapped file that somebody cuts meanwhile ends the process.
    length = path.stat().st_size
    with path.open("rb") as file:
        for at in _heaps(file):
            _check_heap(file, at, length)


def _heaps(file: BinaryIO) -> Iterator[int]:
    """Where heaps begin; each piece of the file is looked at with the end of the one before."""
    at, tail = 0, b""
    while True:
        file.seek(at)
        piece = file.read(PIECE)
        if not piece:
            return
        for found in re.finditer(HEAP, tail + piece):
            yield at - len(tail) + found.start()
        at += len(piece)
        tail = (tail + piece)[1 - len(HEAP) :]


def _check_heap(file: BinaryIO, start: int, length: int) -> None:
    head = _bytes_at(file, start, 16)
    (size,) = struct.unpack_from("<Q", head, 8)
    at, end = start + 16, start + size
    if size < 16 or end > length:
        raise _damaged(f"a heap claims {size} bytes")
    while at + 16 <= end:
        index, _, claim = struct.unpack("<HHxxxxQ", _bytes_at(file, at, 16))
        # The object 0 is what is free; it reaches to the end and counts its own header.
        reach = claim if index == 0 else 16 + claim + -claim % 8
        if reach < 16 or at + reach > end:
            raise _damaged(f"an object in a heap claims {claim} bytes")
        at += reach


def _bytes_at(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    found = file.read(count)
    if len(found) < count:
        raise _damaged("a heap is cut off")
    return found


def _damaged(why: str) -> FormatError:
    return FormatError(
        f"the HDF5 data are damaged: {why.splitlines()[0]}",
        mend="Copy or download the file again, or save it with -v7.",
    )


def _refuse(what: str, name: str) -> FormatError:
    return FormatError(
        f"{name} is {what}, which MATLAB never writes",
        mend="Do not trust this file; save the network again in MATLAB.",
    )


def check(file: h5py.File, limit: int) -> None:
    """Links inside the file only, data in the file only, known filters, bounded size."""
    total = 0
    pending: list[tuple[h5py.Group, int]] = [(file, 0)]
    while pending:
        group, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise _refuse("nested too deep", group.name)
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise _refuse("a link to elsewhere", f"{group.name}/{name}")
            found = group[name]
            if isinstance(found, h5py.Group):
                pending.append((found, depth + 1))
            elif isinstance(found, h5py.Dataset):
                total += _check_dataset(found)
        if total > limit:
            raise too_large("the file", limit)


def _check_dataset(found: h5py.Dataset) -> int:
    """The size of the data, in bytes."""
    if found.external:
        raise _refuse("data in another file", found.name)
    if found.is_virtual:
        raise _refuse("a virtual dataset", found.name)
    creation = found.id.get_create_plist()
    used = {creation.get_filter(i)[0] for i in range(creation.get_nfilters())}
    if used - FILTERS:
        raise _refuse("compressed by an unknown filter", found.name)
    if found.attrs.get("MATLAB_empty", 0):
        _check_empty(found)
    return math.prod(found.shape or ()) * found.dtype.itemsize


def _check_empty(found: h5py.Dataset) -> None:
    """An array without elements holds its dimensions; a struct without fields may be 1×1."""
    dims = [int(n) for n in found[()].reshape(-1)] if found.size <= MAX_DEPTH else [MAX_EMPTY + 1]
    if math.prod(dims) > MAX_NAME or max(dims, default=0) > MAX_EMPTY:
        raise _damaged(f"{found.name} is empty and claims the dimensions {dims}")


def variables(file: h5py.File) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Class and size of each variable."""
    return {name: (_class(file[name]), _size(file[name])) for name in file if name not in RESERVED}


def _class(found: Any) -> str:
    name = found.attrs.get("MATLAB_class", b"")
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


def _size(found: Any) -> tuple[int, ...]:
    if isinstance(found, h5py.Group) or found.attrs.get("MATLAB_object_decode") is not None:
        return (1, 1)
    if found.attrs.get("MATLAB_empty", 0):
        return tuple(int(n) for n in found[()].reshape(-1))
    return tuple(reversed(found.shape))
