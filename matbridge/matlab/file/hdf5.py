"""MAT-files v7.3: HDF5 files, refused where they hold what MATLAB never writes.

Every object is checked where it is reached, by name or by reference.
"""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import h5py
from h5py import h5a, h5d, h5l, h5o, h5t

from matbridge.errors import FormatError, MatbridgeError
from matbridge.matlab.file.budget import Budget, too_large
from matbridge.matlab.file.heaps import REFERENCE, Heaps, attribute_data, damaged
from matbridge.matlab.file.walk import MAX_EMPTY, MAX_NAME

__all__ = ["FIELDS", "RESERVED", "CheckedFile", "Item", "address_of", "open_hdf5", "whos"]

RESERVED = ("#refs#", "#subsystem#")
DEFLATE = 1
# deflate, shuffle, fletcher32: what MATLAB writes; others could load code from plugins.
FILTERS = frozenset((DEFLATE, 2, 3))
# deflate makes at most so many bytes of one.
LARGEST_RATIO = 1032
MAX_RANK = 32
FIELDS = "MATLAB_fields"
# What the attributes that are read may be: numbers, text of fixed length, references.
SCALARS = (h5t.INTEGER, h5t.STRING, h5t.REFERENCE)
NUMBERS = (h5t.INTEGER, h5t.FLOAT)
# A name in the file may be any bytes: those that are not UTF-8 survive as surrogates.
ANY_BYTES = ("utf-8", "surrogateescape")

Item: TypeAlias = h5py.Group | h5py.Dataset


@contextmanager
def _decoding() -> Iterator[None]:
    """Whatever libhdf5 says of damaged data, as FormatError."""
    try:
        yield
    except MatbridgeError:
        raise
    except Exception as error:
        raise damaged(f"{type(error).__name__} {error}") from None


@contextmanager
def open_hdf5(path: Path, heaps: Heaps, budget: Budget) -> Iterator[CheckedFile]:
    """The file, to be read; FormatError if it is damaged or holds what MATLAB never writes.

    ``heaps`` are those of the file, which :func:`read_heaps` checked.
    """
    with _decoding(), h5py.File(path, "r") as file:
        yield CheckedFile(file, dataclasses.replace(heaps, base=file.userblock_size), budget)


def address_of(item: Item) -> int:
    """Where the object stands in the file, whatever led to it."""
    return int(h5o.get_info(item.id).addr)


class CheckedFile:
    """An HDF5 file that hands out checked objects only."""

    def __init__(self, file: h5py.File, heaps: Heaps, budget: Budget) -> None:
        self.file, self.heaps, self.budget = file, heaps, budget
        self.checked: set[int] = set()

    def __contains__(self, name: str) -> bool:
        return name.encode(*ANY_BYTES) in self.file

    def __iter__(self) -> Iterator[str]:
        self.budget.values(len(self.file))
        return map(_text_of, self.file)

    def __getitem__(self, key: str | h5py.Reference) -> Item:
        """The object of this name, or that a reference leads to."""
        if isinstance(key, str):
            self._check_link(self.file, key)
        elif not key:
            raise damaged("a reference leads nowhere")
        return self.check(self.file[key.encode(*ANY_BYTES) if isinstance(key, str) else key])

    def check(self, item: object) -> Item:
        """The object, if MATLAB could have written it; FormatError otherwise."""
        if not isinstance(item, h5py.Group | h5py.Dataset):
            raise _refuse("neither data nor a group", str(item))
        address = address_of(item)
        if address not in self.checked:
            self._check_attributes(item)
            if isinstance(item, h5py.Group):
                self._check_links(item)
            else:
                self._check_dataset(item)
            self.checked.add(address)
        return item

    def hold(self, item: Item) -> None:
        """Count what the object is about to take."""
        self.budget.values()
        if isinstance(item, h5py.Dataset):
            count = math.prod(item.shape)
            self.budget.hold(max(count * item.dtype.itemsize, _chunk_bytes(item)))
            self.budget.values(count if item.dtype.hasobject else 0)

    def _check_links(self, group: h5py.Group) -> None:
        """What a group holds stands in this file."""
        self.budget.values(len(group))
        for name in group:
            self._check_link(group, _text_of(name))

    @staticmethod
    def _check_link(group: h5py.Group, name: str) -> None:
        link = group.id.links.get_info(name.encode(*ANY_BYTES))
        if link.type != h5l.TYPE_HARD:
            raise _refuse("a link to elsewhere", f"{group.name}/{name}")

    def _check_dataset(self, dataset: h5py.Dataset) -> None:
        creation = dataset.id.get_create_plist()
        if creation.get_external_count():
            raise _refuse("data in another file", dataset.name)
        if creation.get_layout() == h5d.VIRTUAL:
            raise _refuse("a virtual dataset", dataset.name)
        filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
        if not FILTERS.issuperset(filters) or len(set(filters)) < len(filters):
            raise _refuse("compressed by an unknown filter", dataset.name)
        self._check_type(dataset)
        self._check_shape(dataset)
        if DEFLATE in filters:
            self._check_chunks(dataset, _chunk_bytes(dataset))

    def _check_type(self, dataset: h5py.Dataset) -> None:
        """Numbers, pairs of them (complex), references, or the names of fields."""
        kind = dataset.id.get_type()
        parts = [kind]
        # A complex number is a pair.
        if kind.get_class() == h5t.COMPOUND:
            parts = [kind.get_member_type(i) for i in range(kind.get_nmembers())]
        if all(p.get_class() in NUMBERS and p.get_size() <= 8 for p in parts):
            return
        if kind.get_class() == h5t.VLEN:
            self._check_names(dataset, kind)
        elif h5py.check_ref_dtype(dataset.dtype) is not h5py.Reference:
            raise _refuse("of a type", dataset.name)

    def _check_names(self, dataset: h5py.Dataset, kind: h5t.TypeVlenID) -> None:
        """A list of names too long for an attribute is a dataset, in one piece."""
        offset = dataset.id.get_offset()
        if offset is None:
            raise _refuse("a list of names in pieces", dataset.name)
        with self.heaps.path.open("rb") as file:
            file.seek(offset)
            references = file.read(dataset.id.get_storage_size())
        self.budget.values(len(references))
        self.heaps.check(references, _character_length(kind))

    def _check_shape(self, dataset: h5py.Dataset) -> None:
        rank = len(dataset.shape)
        if rank > MAX_RANK or (rank < 2 and not self._is_inner(dataset)):
            raise damaged(f"{dataset.name} has {rank} dimensions")
        if _chunk_bytes(dataset) > self.budget.limit:
            raise too_large(dataset.name, self.budget.limit)
        if dataset.attrs.get("MATLAB_empty", 0):
            _check_empty(dataset)

    @staticmethod
    def _is_inner(dataset: h5py.Dataset) -> bool:
        """Parts of sparse matrices, lists of names and the sizes of empty arrays are rows."""
        return "MATLAB_class" not in dataset.attrs or "MATLAB_empty" in dataset.attrs

    def _check_chunks(self, dataset: h5py.Dataset, chunk: int) -> None:
        """libhdf5 inflates a chunk to the end, whatever it should hold."""
        suspects: list[tuple[int, ...]] = []

        def look(stored: h5d.StoreInfo) -> None:
            if stored.size * LARGEST_RATIO > self.budget.limit:
                suspects.append(stored.chunk_offset)

        dataset.id.chunk_iter(look)
        for place in suspects:
            _, data = dataset.id.read_direct_chunk(place)
            # One byte more than fletcher32 adds to a chunk.
            if len(zlib.decompressobj().decompress(data, chunk + 5)) > chunk + 4:
                raise too_large(dataset.name, self.budget.limit)

    def _check_attributes(self, item: Item) -> None:
        """What is read of them is of fixed size, but for the names of fields."""
        for name in ATTRIBUTES:
            if not h5a.exists(item.id, name.encode()):
                continue
            attribute = h5a.open(item.id, name.encode())
            kind = attribute.get_type()
            if name == FIELDS and kind.get_class() == h5t.VLEN:
                data = attribute_data(self.heaps, address_of(item), name)
                count = math.prod(attribute.shape)
                self.budget.values(count)
                self.heaps.check(data[: REFERENCE.size * count], _character_length(kind))
            elif kind.get_class() not in SCALARS or _is_variable_text(kind):
                raise _refuse("described by an attribute of a type", item.name)


ATTRIBUTES = (
    "MATLAB_class",
    "MATLAB_empty",
    FIELDS,
    "MATLAB_int_decode",
    "MATLAB_object_decode",
    "MATLAB_sparse",
)


def _text_of(name: str | bytes) -> str:
    """A name as text; h5py gives one that is not UTF-8 as bytes."""
    return name if isinstance(name, str) else name.decode(*ANY_BYTES)


def _character_length(kind: h5t.TypeVlenID) -> int:
    """The bytes of one character in a list of names.

    FormatError for what is no sequence of text: libhdf5 crashes over flags that it does not
    know. They are the fourth byte of the type as the file has it.
    """
    character = kind.get_super()
    if kind.encode()[3] or character.get_class() != h5t.STRING or _is_variable_text(character):
        raise damaged("a list of names is no list of text")
    return int(character.get_size())


def _is_variable_text(kind: h5t.TypeID) -> bool:
    return isinstance(kind, h5t.TypeStringID) and kind.is_variable_str()


def _chunk_bytes(dataset: h5py.Dataset) -> int:
    """What libhdf5 takes to read any part of a chunk."""
    return math.prod(dataset.chunks) * dataset.dtype.itemsize if dataset.chunks else 0


def _refuse(what: str, name: str) -> FormatError:
    return FormatError(
        f"{name} is {what}, which MATLAB never writes",
        mend="Do not trust this file; save the network again in MATLAB.",
    )


def _check_empty(dataset: h5py.Dataset) -> None:
    """An array without elements holds its dimensions; a struct without fields may be 1×1."""
    if dataset.size > MAX_RANK:
        raise damaged(f"{dataset.name} is empty and claims {dataset.size} dimensions")
    dims = [int(n) for n in dataset[()].reshape(-1)]
    if math.prod(dims) > MAX_NAME or max(dims, default=0) > MAX_EMPTY:
        raise damaged(f"{dataset.name} is empty and claims the dimensions {dims}")


def whos(item: Item) -> tuple[str, tuple[int, ...]]:
    """Class and size of a variable."""
    with _decoding():
        return _class(item), _size(item)


def _class(item: Item) -> str:
    name = item.attrs.get("MATLAB_class", b"")
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


def _size(item: Item) -> tuple[int, ...]:
    if isinstance(item, h5py.Group) or item.attrs.get("MATLAB_object_decode") is not None:
        return (1, 1)
    if item.attrs.get("MATLAB_empty", 0):
        return tuple(int(n) for n in item[()].reshape(-1))
    # HDF5 counts row by row, so that MATLAB's sizes stand the other way round.
    return tuple(reversed(item.shape))
