"""mat-io's readers, reached for here and in matio_store and matio_save, and nowhere else.

What mat-io 1.0 lacks: reading from memory what was inflated and checked already; checks of
what a v7.3 file leads to; values that references share, which it makes again at each.
tests/test_matio.py tells when a release moves any of it.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import matbridge.matlab.file.deferred  # noqa: F401  before anything of mat-io

# isort: split
import h5py
import numpy as np
from matio.utils.converters.matstring import mat_to_string
from matio.utils.matclass import (
    EmptyMatStruct,
    MatlabCanonicalEmpty,
    MatlabFunction,
    MatlabObject,
    MatlabOpaque,
    MatlabOpaqueArray,
    MatlabOpaqueProperty,
    PropertyType,
)
from matio.utils.matheaders import MCOS_MAGIC_NUMBER
from matio.v5.matreader5 import MatFile5Reader
from matio.v7.matreader7 import MAT_HDF_SUBSYS_GROUP, MatRead7

from matbridge.errors import FormatError, MatbridgeError
from matbridge.matlab.file.budget import Budget
from matbridge.matlab.file.hdf5 import FIELDS, CheckedFile, Item, address_of
from matbridge.matlab.file.heaps import damaged
from matbridge.matlab.file.matio_store import EnumerationMember, Objects, Subsystem, inconsistent

__all__ = [
    "EmptyMatStruct",
    "EnumerationMember",
    "MatlabCanonicalEmpty",
    "MatlabFunction",
    "MatlabObject",
    "MatlabOpaque",
    "MatlabOpaqueArray",
    "MatlabOpaqueProperty",
    "Objects",
    "PropertyType",
    "Subsystem",
    "mat_to_string",
    "read_array",
    "read_hdf5",
    "subsystem_from_hdf5",
    "subsystem_from_stream",
]

P = ParamSpec("P")
R = TypeVar("R")

# What a handle to a classdef method or an anonymous function begins with.
MAGIC = MCOS_MAGIC_NUMBER
# Stands for an array that is being read.
UNFINISHED = object()


class CheckedReader(MatRead7):
    """mat-io's reader of v7.3: each object checked where it is reached, and made once."""

    def __init__(self, file: CheckedFile, objects: Objects | None) -> None:
        super().__init__(file, objects)
        self.file = file
        self.known: dict[int, object] = {}

    def read_h5_data(self, obj: Item) -> object:
        address = address_of(obj)
        if address not in self.known:
            self.known[address] = UNFINISHED
            self.file.hold(self.file.check(obj))
            self.known[address] = super().read_h5_data(obj)
        if self.known[address] is UNFINISHED:
            raise inconsistent("an array holds itself")
        return self.known[address]

    def read_numeric(self, obj: Item, is_empty: int = 0) -> np.ndarray:
        numbers: np.ndarray = super().read_numeric(obj, is_empty)
        return numbers.astype(numbers.dtype.newbyteorder("="), copy=False)

    def read_cell(self, obj: Item, is_empty: int = 0) -> np.ndarray:
        return super().read_cell(obj, is_empty) if is_empty else self._values(obj).T

    def _values(self, references: h5py.Dataset) -> np.ndarray:
        """What each reference leads to."""
        values = np.empty(references.shape, dtype=object)
        for place, reference in np.ndenumerate(references[()]):
            values[place] = self.read_h5_data(self.file[reference])
        return values

    def read_struct(self, obj: Item, is_empty: int = 0) -> np.ndarray:
        members = {} if is_empty else {name: self.file.check(obj[name]) for name in obj}
        if not members:
            return EmptyMatStruct(np.empty(obj[()] if is_empty else (1, 1), dtype=object))
        names = self._field_names(obj) or list(members)
        if set(names) != set(members):
            raise damaged(f"the fields of {obj.name} are not those that it names")
        if not self.is_struct_matrix(obj):
            structs = np.empty((1, 1), dtype=[(name, object) for name in names])
            for name in names:
                structs[0, 0][name] = self.read_h5_data(members[name])
            return structs
        for member in members.values():
            self.file.hold(member)
        fields = {name: self._values(members[name]) for name in names}
        structs = np.empty(fields[names[0]].shape, dtype=[(name, object) for name in names])
        for name in names:
            structs[name] = fields[name]
        return structs.T

    def _field_names(self, obj: Item) -> list[str]:
        """The names in MATLAB's order; a long list stands in a dataset of its own."""
        names = obj.attrs.get(FIELDS, ())
        if isinstance(names, h5py.Reference):
            listed = self.file[names]
            if not h5py.check_vlen_dtype(listed.dtype):
                raise damaged(f"{listed.name} is no list of names")
            names = listed[()]
        return ["".join(name.astype(str)) for name in names]

    def read_sparse(self, obj: Item, nrows: int) -> object:
        for name in obj:
            self.file.hold(self.file.check(obj[name]))
        matrix = super().read_sparse(obj, int(nrows))
        # Nothing else tells whether the indices lie inside.
        matrix.check_format(full_check=True)
        return matrix


def _quiet(read: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """What mat-io reads, with its failures as FormatError and its warnings dropped."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read(*arguments, **options)
    except MatbridgeError:
        raise
    except RecursionError:
        raise inconsistent("objects are nested too deep") from None
    except MemoryError:
        raise FormatError("the data do not fit into memory") from None
    except Exception as error:
        raise FormatError(
            f"the data cannot be decoded: {type(error).__name__} {error}",
            mend="The file may be damaged: copy it again, or save it again in MATLAB.",
        ) from None


def read_array(stream: io.BytesIO, order: str, objects: Objects | None) -> object:
    """The array element at the position of ``stream``, as mat-io gives it."""

    def read() -> object:
        reader = MatFile5Reader(stream, byte_order=order, subsystem=objects)
        reader.initialize_read()
        head, _ = reader.read_var_header()
        return reader.read_var_array(head, True)

    return _quiet(read)


def subsystem_from_stream(stream: io.BytesIO, order: str, budget: Budget) -> Subsystem:
    """The object store whose array begins at the position of ``stream``."""
    return _quiet(Subsystem(order, budget).load_struct, read_array(stream, order, None))


def subsystem_from_hdf5(file: CheckedFile) -> Subsystem | None:
    """The object store of a v7.3 file, None where there is none."""
    if MAT_HDF_SUBSYS_GROUP not in file:
        return None
    data = _quiet(CheckedReader(file, None).read_struct, file[MAT_HDF_SUBSYS_GROUP])
    return _quiet(Subsystem("<", file.budget).load_struct, data)


def read_hdf5(file: CheckedFile, name: str, objects: Objects) -> object:
    """The variable of this name in a v7.3 file, as mat-io gives it."""
    return _quiet(CheckedReader(file, objects).read_h5_data, file[name])
