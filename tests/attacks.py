"""Damaged and hostile MAT-files, made from sound ones with a fixed seed.

Run as a script, it reads mutants of a file one after the other and prints what became of
each, so that a parent sees where a child process died:

    python tests/attacks.py FILE FIRST COUNT
"""

import random
import struct
import sys
import tempfile
import zlib
from pathlib import Path

from matbridge.errors import MatbridgeError
from matbridge.matlab.contents import read_contents

LIMIT = 64 << 20


def elements(data):
    """(position, compressed, bytes) of each top-level element of a level 5 file."""
    at = 128
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        yield at, kind == 15, data[at + 8 : at + 8 + size]
        at += 8 + size


def tags(data, at=0, end=None, found=None):
    """Positions of every tag in an uncompressed element, as a reader would meet them."""
    found = [] if found is None else found
    end = len(data) if end is None else end
    while at + 8 <= end:
        kind, size = struct.unpack_from("<II", data, at)
        found.append(at)
        if kind >> 16:
            at += 8
            continue
        if kind == 14:
            tags(data, at + 8, min(at + 8 + size, end), found)
        at += 8 + size + -size % 8
    return found


def mutate_structure(data, draw):
    """One tag, size or number of the element tree altered, and deflated again."""
    pieces, chosen = list(elements(data)), None
    chosen = draw.randrange(len(pieces))
    body = b""
    for place, (_, compressed, piece) in enumerate(pieces):
        if place == chosen:
            inner = bytearray(
                zlib.decompress(piece) if compressed else struct.pack("<II", 14, len(piece)) + piece
            )
            start = inside_subsystem(inner)
            places = tags(inner, start) or [0]
            damage(inner, draw.choice(places), draw)
            piece = zlib.compress(bytes(inner)) if compressed else bytes(inner[8:])
        body += struct.pack("<II", 15 if compressed else 14, len(piece)) + piece
    header = bytearray(data[:128])
    return bytes(header) + body if chosen_subsystem(data) is None else moved(header, body)


def inside_subsystem(inner):
    """Half of the time go into the objects' data, which are a small file of their own."""
    at = inner.find(b"\x00\x01IM")
    return at + 8 if at > 0 and inner[at + 8 : at + 12] == b"\x0e\0\0\0" else 0


def chosen_subsystem(data):
    (offset,) = struct.unpack_from("<Q", data, 116)
    return None if data[116:124] in (b" " * 8, b"\0" * 8) else offset


def moved(header, body):
    """The subsystem's offset after the elements before it changed their sizes."""
    at = 128
    whole = bytes(header) + body
    last = at
    while at + 8 <= len(whole):
        last = at
        at += 8 + struct.unpack_from("<I", whole, at + 4)[0]
    struct.pack_into("<Q", header, 116, last)
    return bytes(header) + body


def damage(inner, at, draw):
    kind, size = struct.unpack_from("<II", inner, at)
    choice = draw.randrange(7)
    if choice == 0:
        struct.pack_into(
            "<I", inner, at, draw.choice([0, 8, 10, 11, 13, 14, 15, 16, 17, 18, 255, 2**31])
        )
    elif choice == 1:
        struct.pack_into(
            "<I", inner, at + 4, draw.choice([0, 1, size // 2, size + 8, 2**31, 2**32 - 1])
        )
    elif choice == 2 and at + 12 <= len(inner):
        struct.pack_into("<I", inner, at + 8, draw.choice([0, 1, 2, 5, 17, 2**31 - 1, 2**32 - 1]))
    elif choice == 3 and at + 16 <= len(inner):
        struct.pack_into("<I", inner, at + 12, draw.choice([0, 1, 2**20, 2**31 - 1, 2**32 - 1]))
    elif choice == 4 and at + 20 <= len(inner):
        struct.pack_into("<I", inner, at + 16, draw.choice([0, 3, 2**31 - 1, 2**32 - 1]))
    elif choice == 5:
        struct.pack_into("<I", inner, at, kind ^ (1 << draw.randrange(32)))
    else:
        for _ in range(draw.randrange(1, 5)):
            inner[draw.randrange(at, min(at + 64, len(inner)))] ^= 1 << draw.randrange(8)


def mutate_bytes(data, draw):
    """Cut short, or a few bytes changed anywhere."""
    if draw.random() < 0.3:
        return data[: draw.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 8, 64])):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def mutant(data, number):
    """The mutant of this number: the same at every run."""
    draw = random.Random(number)
    if data[126:128] == b"IM" and data[124:126] == b"\x00\x01" and draw.random() < 0.7:
        return mutate_structure(data, draw)
    return mutate_bytes(data, draw)


def main(path, first, count):
    data = Path(path).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "mutant.mat"
        for number in range(first, first + count):
            target.write_bytes(mutant(data, number))
            print(number, end=" ", flush=True)
            try:
                contents = read_contents(target, max_size=LIMIT)
                for network in contents.networks.values():
                    network.infer()
                print("read", flush=True)
            except MatbridgeError as error:
                assert str(error).strip(), "an error without a message"
                print("refused", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
