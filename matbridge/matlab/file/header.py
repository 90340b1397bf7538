"""What a file is, from its first bytes, and what its header tells."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from matbridge.errors import FormatError, UnsupportedError
from matbridge.files import check_readable

__all__ = ["FileHeader", "read_file_header"]

HEADER_BYTES = 128
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
SAVE_AGAIN = "Save it in MATLAB with save(file, 'net', '-v7')."


@dataclass(frozen=True)
class FileHeader:
    """Version ("v5" for level 5, "v7.3" for HDF5) and what the description says.

    MATLAB writes v6 (not compressed) and v7 (compressed) as level 5 both. ``order`` is
    "<" or ">"; ``subsystem`` is where the objects' data begin, 0 where there are none.
    """

    version: str
    description: str
    platform: str = ""
    created: str = ""
    order: str = "<"
    subsystem: int = 0


# How other kinds of files begin, and what to say of each.
FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Run 'git lfs pull'."),
    (b"PK\x03\x04", "a ZIP archive", "Unpack it, or give the .mat file inside."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"<!DOCTYPE", "an HTML page", "Download the raw file instead of the page that shows it."),
    (b"<html", "an HTML page", "Download the raw file instead of the page that shows it."),
    (b"\x93NUMPY", "a NumPy array", "It is data to predict from; a network is needed here."),
    (b"IMATEL", "an old MATLAB file", SAVE_AGAIN),
)


def read_file_header(path: Path) -> FileHeader:
    """Tell what the file is; FormatError, saying what was found, if it is no MAT-file."""
    check_readable(path)
    try:
        with path.open("rb") as file:
            head = file.read(512 + len(HDF5_SIGNATURE))
    except OSError as error:
        what = error.strerror or str(error)
        raise FormatError(f"cannot be opened: {what}", where=str(path)) from None
    try:
        return _parse(head)
    except FormatError as error:
        raise error.at(path.name) from None
    except UnsupportedError as error:
        raise error.at(path.name) from None


def _parse(head: bytes) -> FileHeader:
    if not head:
        raise FormatError("the file is empty", mend="Copy or download it again.")
    for start, what, mend in FOREIGN:
        if head.startswith(start):
            raise FormatError(f"this is {what}", mend=mend)
    mark = head[126:128]
    if mark not in (b"IM", b"MI"):
        raise _not_mat(head)
    order = "<" if mark == b"IM" else ">"
    (version,) = struct.unpack(order + "H", head[124:126])
    text = head[:116].split(b"\0")[0].decode("latin-1").strip()
    (subsystem,) = struct.unpack(order + "Q", head[116:124])
    if head[116:124] in (b" " * 8, b"\0" * 8):
        subsystem = 0
    if version == 0x0200:
        if head[512:].startswith(HDF5_SIGNATURE):
            return FileHeader("v7.3", text, _platform(text), _created(text), order)
        raise FormatError("the header says v7.3, but no HDF5 data follow", mend=SAVE_AGAIN)
    if version != 0x0100:
        raise FormatError(f"MAT-file version {version:#06x} is unknown", mend=SAVE_AGAIN)
    return FileHeader("v5", text, _platform(text), _created(text), order, subsystem)


def _not_mat(head: bytes) -> FormatError | UnsupportedError:
    if head.startswith(HDF5_SIGNATURE):
        return FormatError("this is an HDF5 file, but not one that MATLAB saved", mend=SAVE_AGAIN)
    if len(head) >= 20 and _is_level_4(head):
        return UnsupportedError(
            "this is a level 4 MAT-file, which holds only matrices",
            mend=f"Networks cannot be in it; for data: {SAVE_AGAIN}",
        )
    if head.startswith((b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")):
        return FormatError("the MAT-file header is cut off or damaged", mend="Copy it again.")
    if b"\0" not in head and all(c >= 9 for c in head):
        return FormatError("this is a text file, not a MAT-file", mend="Give the .mat file.")
    return FormatError(
        f"this is not a MAT-file; it begins with {head[:8].hex(' ')}", mend="Give the .mat file."
    )


def _is_level_4(head: bytes) -> bool:
    for order in "<>":
        kind, rows, columns, imaginary, name = struct.unpack(order + "5i", head[:20])
        # MOPT: machine, zero, precision, kind of matrix.
        digits = (kind // 1000, kind // 100 % 10, kind // 10 % 10, kind % 10)
        valid = digits[0] <= 4 and digits[1] == 0 and digits[2] <= 5 and digits[3] <= 2
        if 0 <= kind < 5000 and valid and imaginary in (0, 1) and 0 < name < 256:
            return rows >= 0 and columns >= 0
    return False


def _platform(text: str) -> str:
    platform = re.search(r"Platform:\s*([^,]+)", text)
    return platform.group(1).strip() if platform else ""


def _created(text: str) -> str:
    created = re.search(r"Created on:\s*(.+?)(?:\s+HDF5.*)?$", text)
    return created.group(1).strip() if created else ""
