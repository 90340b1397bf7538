"""NumPy's files: .npy and .npz, without pickle, and no more of them than was agreed to."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from matbridge.errors import FormatError, MissingNameError, UnsupportedError
from matbridge.matlab.file import listed
from matbridge.matlab.file.budget import too_large
from matbridge.text import nearest

__all__ = ["read_npy", "read_npz", "write_npy", "write_npz"]

# Numbers, and text for labels.
KINDS = "biufcUS"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_npy(path: Path, limit: int) -> np.ndarray:
    """The array; FormatError where it claims more than there is, or than ``limit`` bytes."""
    with path.open("rb") as file:
        return _read(file, path.stat().st_size, limit)


def read_npz(path: Path, inside: str, limit: int) -> np.ndarray:
    """One array of the archive, the only one without a name; the others are not touched."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if inside not in members and not (inside == "" and len(members) == 1):
            mend = f"{nearest(inside, members)}It holds {listed(members)}."
            raise MissingNameError(f"there is no {inside!r}", where=str(path), mend=mend)
        member = members[inside or next(iter(members))]
        if member.compress_type not in METHODS or member.flag_bits & 1:
            raise UnsupportedError("it is packed in a way that NumPy does not write")
        with archive.open(member) as file:
            return _read(file, member.file_size, limit)


def _read(file: IO[bytes], size: int, limit: int) -> np.ndarray:
    """The array at the beginning of ``file``, which has ``size`` bytes."""
    version = npy.read_magic(file)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in read_header:
        raise UnsupportedError(f"version {version[0]}.{version[1]} of .npy is not known")
    shape, _, dtype = read_header[version](file)
    if dtype.kind not in KINDS or dtype.subdtype:
        raise FormatError(f"it holds {dtype}, neither numbers nor text")
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed > max(size - file.tell(), 0):
        raise FormatError(f"it claims {claimed} bytes where {size - file.tell()} are left")
    if claimed > limit:
        raise too_large("it", limit)
    file.seek(0)
    found: np.ndarray = npy.read_array(file, allow_pickle=False)
    return _native(found)


def _native(array: np.ndarray) -> np.ndarray:
    """In this machine's order of bytes, and no wider than double."""
    if array.dtype.kind in "fc" and array.dtype.itemsize > 8 * (1 + (array.dtype.kind == "c")):
        return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    if array.dtype.kind == "S":
        return np.char.decode(array, "ascii")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def write_npy(path: Path, array: np.ndarray) -> None:
    """Write the array; MATLAB's names of classes are text, not objects."""
    with path.open("wb") as file:
        npy.write_array(file, _plain(array), allow_pickle=False)


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write the arrays by name."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                npy.write_array(file, _plain(array), allow_pickle=False)


def _plain(array: np.ndarray) -> np.ndarray:
    return array.astype(str) if array.dtype.kind == "O" else array
