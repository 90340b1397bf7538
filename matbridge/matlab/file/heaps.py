"""The global heaps of an HDF5 file, where the names of fields stand, and who refers to them.

libhdf5 (2.0) loops without end over a heap whose sizes are wrong, and takes from the file
how much memory a name needs. So the heaps are walked over before libhdf5 sees the file,
and a list of names is compared with them before libhdf5 reads it. Source: The HDF Group,
"HDF5 File Format Specification", version 3.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from matbridge.errors import FormatError

__all__ = ["REFERENCE", "Heaps", "attribute_data", "damaged", "read_heaps"]

HEAP = b"GCOL\x01\0\0\0"
CHUNK = 1 << 20
# A reference to a sequence: its length, the heap's address and the place in it.
REFERENCE = struct.Struct("<IQI")
ATTRIBUTE, CONTINUATION = 0x000C, 0x0010
SHARED = 2


def damaged(why: str) -> FormatError:
    """What is said of HDF5 data that contradict themselves."""
    return FormatError(
        f"the HDF5 data are damaged: {why.splitlines()[0] if why else 'no reason was given'}",
        mend="Copy or download the file again, or save it with -v7.",
    )


@dataclass(frozen=True)
class Heaps:
    """How many bytes each object has, by the heap's address and the object's index.

    ``base`` is where the addresses of the file begin to count.
    """

    path: Path
    base: int
    lengths: dict[int, dict[int, int]]

    def check(self, references: bytes, item: int) -> None:
        """FormatError unless each sequence is as long as what stands in the heap.

        ``references`` are those of a variable-length array, ``item`` the bytes of an element.
        """
        if len(references) % REFERENCE.size:
            raise damaged("a list of names is cut off")
        for length, address, index in REFERENCE.iter_unpack(references):
            held = self.lengths.get(self.base + address, {}).get(index)
            if length and held != length * item:
                raise damaged(f"a name claims {length} characters")


def read_heaps(path: Path) -> Heaps:
    """Walk over the heaps; FormatError where one is not sound.

    A heap begins with its signature, version and three zeros: eight bytes that do not
    occur by chance.
    """
    with path.open("rb") as file:
        lengths = {at: _heap(file, at, path.stat().st_size) for at in list(_places(file))}
    return Heaps(path, 0, lengths)


def _places(file: BinaryIO) -> Iterator[int]:
    """Where heaps begin. The file is read, not mapped: one cut meanwhile would end us."""
    start, before = 0, b""
    while chunk := file.read(CHUNK):
        block = before + chunk
        at = block.find(HEAP)
        while at >= 0:
            yield start - len(before) + at
            at = block.find(HEAP, at + len(HEAP))
        start += len(chunk)
        # A signature may lie across two chunks.
        before = block[-len(HEAP) + 1 :]


def _heap(file: BinaryIO, start: int, length: int) -> dict[int, int]:
    """The lengths of a heap's objects by index."""
    file.seek(start)
    head = file.read(16)
    if len(head) < 16:
        raise damaged("a heap is cut off")
    (nbytes,) = struct.unpack_from("<Q", head, 8)
    if nbytes < 16 or start + nbytes > length:
        raise damaged(f"a heap claims {nbytes} bytes")
    data = file.read(nbytes - 16)
    lengths, at = {}, 0
    while at + 16 <= len(data):
        index, _, held = struct.unpack_from("<HHxxxxQ", data, at)
        # The object 0 is what is free; it reaches to the end and counts its own header.
        reach = held if index == 0 else 16 + held + -held % 8
        if reach < 16 or at + reach > len(data):
            raise damaged(f"an object in a heap claims {held} bytes")
        lengths[index] = held
        at += reach
    return lengths


def attribute_data(heaps: Heaps, address: int, name: str) -> bytes:
    """The bytes of an attribute as they stand in the header of the object at ``address``.

    Headers of version 1, which MATLAB writes; FormatError for anything else.
    """
    with heaps.path.open("rb") as file:
        for kind, flags, message in _messages(file, heaps.base, address):
            if kind == ATTRIBUTE and not flags & SHARED:
                label, data = _attribute(message)
                if label == name.encode():
                    return data
    raise damaged(f"the attribute {name} is not where MATLAB writes it")


def _messages(file: BinaryIO, base: int, address: int) -> Iterator[tuple[int, int, bytes]]:
    """Kind, flags and data of each message of an object's header."""
    file.seek(base + address)
    version, count, nbytes = struct.unpack("<BxHxxxxI4x", file.read(16))
    if version != 1:
        raise damaged(f"an object has a header of version {version}, which MATLAB never writes")
    blocks, seen = [(base + address + 16, nbytes)], 0
    for start, length in blocks:
        file.seek(start)
        data, at = file.read(length), 0
        while at + 8 <= len(data) and seen < count:
            kind, reach, flags = struct.unpack_from("<HHB", data, at)
            message = data[at + 8 : at + 8 + reach]
            if kind == CONTINUATION:
                following, more = struct.unpack_from("<QQ", message)
                # The loop over the blocks comes to it as the last.
                blocks.append((base + following, more))
            yield kind, flags, message
            at, seen = at + 8 + reach, seen + 1


def _attribute(message: bytes) -> tuple[bytes, bytes]:
    """Name and data of an attribute message."""
    version, _, *lengths = struct.unpack_from("<BBHHH", message)
    at = 9 if version == 3 else 8
    name = message[at : at + lengths[0]].rstrip(b"\0")
    for nbytes in lengths:
        # Version 1 fills each part up to eight bytes.
        at += nbytes + (-nbytes % 8 if version == 1 else 0)
    return name, message[at:]
