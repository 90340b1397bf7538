"""mat-io's internals, reached for in this one module and nowhere else.

What mat-io 1.0 lacks: in an array of layers every element has a class of its own, which
the objects' metadata tell and mat-io does not; whether an object wrote its own value
(saveobj); sound metadata, since wrong ones can make it loop; and reading from memory what
was inflated and checked already. tests/test_matio.py tells when a release moves any of it.
"""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

import h5py
import numpy as np
from matio.subsystem.subsys import MatSubsystem
from matio.utils.converters.matstring import mat_to_string
from matio.utils.matclass import (
    EmptyMatStruct,
    MatlabCanonicalEmpty,
    MatlabFunction,
    MatlabObject,
    MatlabOpaque,
    MatlabOpaqueArray,
    MatlabOpaqueProperty,
    OpaqueType,
    PropertyType,
)
from matio.utils.matheaders import MCOS_MAGIC_NUMBER
from matio.v5.matreader5 import MatFile5Reader
from matio.v7.matreader7 import MAT_HDF_SUBSYS_GROUP, MatRead7

from matbridge.errors import FormatError

__all__ = [
    "EmptyMatStruct",
    "EnumerationMember",
    "MatlabCanonicalEmpty",
    "MatlabFunction",
    "MatlabObject",
    "MatlabOpaque",
    "MatlabOpaqueArray",
    "MatlabOpaqueProperty",
    "PropertyType",
    "Subsystem",
    "mat_to_string",
    "read_array",
    "read_hdf5",
    "subsystem_from_hdf5",
    "subsystem_from_stream",
]

# What a handle to a classdef method or an anonymous function begins with.
MAGIC = MCOS_MAGIC_NUMBER


def inconsistent(what: str) -> FormatError:
    """What is said of object metadata that contradict themselves."""
    return FormatError(
        f"the objects' data are not consistent: {what}",
        mend="The file is damaged: copy it again, or save it again in MATLAB.",
    )


class EnumerationMember:
    """An enumeration array as the file holds it."""

    def __init__(
        self, class_name: str, names: list[str], shape: tuple[int, ...], valued: bool
    ) -> None:
        self.class_name = class_name
        self.names = names
        self.shape = shape
        self.valued = valued


class Subsystem(MatSubsystem):
    """mat-io's object store: checked, and telling each object's own class."""

    def __init__(self, order: str) -> None:
        super().__init__(order, raw_data=True)

    def load_struct(self, data: Any) -> Subsystem:
        """Take the struct {MCOS, java, handle}; FormatError if it is not sound."""
        try:
            self.load_mcos_data(data[0, 0][OpaqueType.MCOS])
            self._check()
        except FormatError:
            raise
        except Exception as error:
            raise inconsistent(f"{type(error).__name__} {error}") from None
        return self

    # -- checks ----------------------------------------------------------------------

    def _check(self) -> None:
        names = len(self.mcos_names)
        classes = np.asarray(self.class_id_metadata).reshape(-1, 4)
        objects = np.asarray(self.object_id_metadata).reshape(-1, 6)
        if classes[:, :2].min(initial=0) < 0 or classes[:, :2].max(initial=0) > names:
            raise inconsistent("a class has no name")
        if objects.min(initial=0) < 0 or objects[:, 0].max(initial=0) >= len(classes):
            raise inconsistent("an object has no class")
        defaults = self.mcos_props_defaults
        if not isinstance(defaults, np.ndarray) or len(defaults) < len(classes):
            raise inconsistent("class defaults are missing")
        self._check_records(self.saveobj_metadata, objects[:, 3], 3)
        self._check_records(self.nobj_metadata, objects[:, 4], 3)
        self._check_records(self.dynprop_metadata, objects[:, 5], 1)

    def _check_records(self, region: Any, ids: np.ndarray, fields: int) -> None:
        """Each record is a count, count times ``fields`` numbers, and padding to an even place."""
        region = np.asarray(region)
        at, wanted, length = 0, int(ids.max(initial=0)), len(region)
        if length and fields == 3 and region[0] != 0:
            raise inconsistent("the first record is not empty")
        for _ in range(wanted + 1 if length else 0):
            if at >= length or not 0 <= region[at] <= (length - at - 1) // fields:
                raise inconsistent("a record of properties is cut off")
            if fields == 3:
                self._check_properties(region[at + 1 : at + 1 + 3 * int(region[at])])
            at += 1 + fields * int(region[at])
            at += at % 2
        if not length and fields == 3 and wanted:
            raise inconsistent("records of properties are missing")

    def _check_properties(self, record: np.ndarray) -> None:
        found = record.reshape(-1, 3)
        stored = found[found[:, 1] == PropertyType.PROPERTY_VALUE, 2]
        named = found[found[:, 1] == PropertyType.MATLAB_ENUMERATION, 2]
        if found[:, 0].min(initial=1) < 1 or found[:, 0].max(initial=0) > len(self.mcos_names):
            raise inconsistent("a property has no name")
        if stored.min(initial=0) < 0 or stored.max(initial=-1) >= len(self.mcos_props_saved):
            raise inconsistent("a property has no value")
        if named.min(initial=1) < 1 or named.max(initial=0) > len(self.mcos_names):
            raise inconsistent("a property names nothing")

    # -- what mat-io calls -------------------------------------------------------------

    def load_opaque_object(self, metadata: Any, type_system: Any, classname: Any = None) -> Any:
        if type_system != OpaqueType.MCOS:
            return MatlabOpaque({}, classname or str(type_system), type_system)
        if metadata.dtype.names:
            return self.load_mcos_enumeration(metadata, type_system)
        return self.load_mcos_object(metadata, type_system)

    def load_mcos_object(self, metadata: Any, type_system: Any = OpaqueType.MCOS) -> Any:
        dims, ids, class_id = self._split(metadata)
        objects = [self._object(int(object_id), class_id) for object_id in ids]
        if len(objects) == 1:
            return objects[0]
        array = np.empty(len(objects), dtype=object)
        array[:] = objects
        # Column by column, as MATLAB counts.
        return MatlabOpaqueArray(array.reshape(dims, order="F"), self.get_classname(class_id))

    def _split(self, metadata: Any) -> tuple[tuple[int, ...], np.ndarray, int]:
        """Dimensions, object ids and class id from an object's metadata."""
        flat = np.asarray(metadata).reshape(-1).astype(np.int64)
        count = int(flat[1]) if flat.size > 2 else 0
        dims = tuple(int(n) for n in flat[2 : 2 + count])
        if not 2 <= count <= 32 or flat.size != 3 + count + math.prod(dims):
            raise inconsistent("an object array has no valid size")
        ids, class_id = flat[2 + count : -1], int(flat[-1])
        if ids.size and ids.max() >= len(self.object_id_metadata) // 6:
            raise inconsistent("an object is missing")
        if not 0 < class_id < len(self.class_id_metadata) // 4:
            raise inconsistent("an object array has no class")
        return dims, ids, class_id

    def _object(self, object_id: int, class_id: int) -> MatlabOpaque:
        """The object, once; 0 is a deleted one."""
        if object_id not in self.mcos_object_cache:
            saveobj_id = 0
            if object_id:
                class_id, saveobj_id, _, _ = self.get_object_metadata(object_id)
            found = MatlabOpaque({}, self.get_classname(class_id))
            found.saveobj = bool(saveobj_id)
            self.mcos_object_cache[object_id] = found
            if saveobj_id:
                found.properties = self.get_saved_properties(saveobj_id, True)
            else:
                found.properties = self.get_properties(object_id) or {}
        return self.mcos_object_cache[object_id]

    def load_mcos_enumeration(self, metadata: Any, type_system: Any) -> EnumerationMember:
        record = metadata[0, 0]
        names = [self.mcos_names[int(i) - 1] for i in record["ValueNames"].reshape(-1)]
        places = np.asarray(record["ValueIndices"])
        chosen = [names[int(i)] for i in places.reshape(-1, order="F")]
        class_name = self.get_classname(int(record["ClassName"].item()))
        return EnumerationMember(class_name, chosen, places.shape, bool(np.size(record["Values"])))


def _quiet(read: Any, *arguments: Any) -> Any:
    """What mat-io reads, with its failures as FormatError and its warnings dropped."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read(*arguments)
    except FormatError:
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


def read_array(stream: io.BytesIO, order: str, subsystem: Subsystem | None) -> Any:
    """The array element at the position of ``stream``, as mat-io gives it."""

    def read() -> Any:
        reader = MatFile5Reader(stream, byte_order=order, subsystem=subsystem)
        reader.initialize_read()
        head, _ = reader.read_var_header()
        return reader.read_var_array(head, True)

    return _quiet(read)


def subsystem_from_stream(stream: io.BytesIO, order: str) -> Subsystem:
    """The object store whose array begins at the position of ``stream``."""
    return _quiet(Subsystem(order).load_struct, read_array(stream, order, None))


def subsystem_from_hdf5(file: h5py.File) -> Subsystem | None:
    """The object store of a v7.3 file, None where there is none."""
    if MAT_HDF_SUBSYS_GROUP not in file:
        return None
    data = _quiet(MatRead7(file, None).read_struct, file[MAT_HDF_SUBSYS_GROUP])
    return _quiet(Subsystem("<").load_struct, data)


def read_hdf5(file: h5py.File, name: str, subsystem: Subsystem | None) -> Any:
    """The variable of this name in a v7.3 file, as mat-io gives it."""
    return _quiet(MatRead7(file, subsystem).read_h5_data, file[name])
