"""mat-io's object store, checked: what an object is, its own class, each made once.

What mat-io 1.0 lacks: in an array of layers every element has a class of its own, which
the objects' metadata tell and mat-io does not; whether an object wrote its own value
(saveobj); sound metadata, since wrong ones can make it loop; and values that many objects
share, which it goes through again for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import matbridge.matlab.file.deferred  # noqa: F401  before anything of mat-io

# isort: split
import numpy as np
from matio.subsystem.subsys import MatSubsystem
from matio.utils.matclass import (
    DYNAMIC_PROPERTY_PREFIX,
    MatlabOpaque,
    MatlabOpaqueArray,
    OpaqueType,
    PropertyType,
)

from matbridge.errors import FormatError, MatbridgeError
from matbridge.matlab.file.budget import Budget

__all__ = ["EnumerationMember", "Objects", "Subsystem", "inconsistent"]


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

    def __init__(self, order: str, budget: Budget) -> None:
        super().__init__(order, raw_data=True)
        self.budget = budget
        # By identity, with the value itself, which so keeps its identity.
        self.resolved: dict[int, tuple[np.ndarray, object]] = {}

    def load_struct(self, data: Any) -> Subsystem:
        """Take the struct {MCOS, java, handle}; FormatError if it is not sound."""
        try:
            self.load_mcos_data(data[0, 0][OpaqueType.MCOS])
            self._check()
        except MatbridgeError:
            raise
        except Exception as error:
            raise inconsistent(f"{type(error).__name__} {error}") from None
        return self

    def load_fwrap_metadata(self, fwrap_metadata: np.ndarray) -> None:
        # Names stand from byte 40 up to there, each ended by a zero.
        (end,) = np.frombuffer(fwrap_metadata, self.byte_order, count=1, offset=8)
        self.budget.values(int(np.count_nonzero(fwrap_metadata[40:end] == 0)))
        super().load_fwrap_metadata(fwrap_metadata)

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
        self.budget.values(len(objects))
        if objects[:, 3:].max(initial=0) > len(objects):
            raise inconsistent("a record of properties is missing")
        self._check_records(self.saveobj_metadata, objects[:, 3], 3)
        self._check_records(self.nobj_metadata, objects[:, 4], 3)
        self._check_records(self.dynprop_metadata, objects[:, 5], 1)

    def _check_records(self, region: np.ndarray, ids: np.ndarray, fields: int) -> None:
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
        properties = record.reshape(-1, 3)
        stored = properties[properties[:, 1] == PropertyType.PROPERTY_VALUE, 2]
        named = properties[properties[:, 1] == PropertyType.MATLAB_ENUMERATION, 2]
        last = len(self.mcos_names)
        if properties[:, 0].min(initial=1) < 1 or properties[:, 0].max(initial=0) > last:
            raise inconsistent("a property has no name")
        if stored.min(initial=0) < 0 or stored.max(initial=-1) >= len(self.mcos_props_saved):
            raise inconsistent("a property has no value")
        if named.min(initial=1) < 1 or named.max(initial=0) > last:
            raise inconsistent("a property names nothing")

    # -- what mat-io calls -------------------------------------------------------------

    def load_opaque_object(
        self, metadata: np.ndarray, type_system: OpaqueType, classname: str | None = None
    ) -> MatlabOpaque | EnumerationMember:
        if type_system != OpaqueType.MCOS:
            return MatlabOpaque({}, classname or str(type_system), type_system)
        if metadata.dtype.names:
            return self.load_mcos_enumeration(metadata, type_system)
        return self.load_mcos_object(metadata, type_system)

    def load_mcos_object(
        self, metadata: np.ndarray, type_system: OpaqueType = OpaqueType.MCOS
    ) -> MatlabOpaque:
        dims, ids, class_id = self._split(metadata)
        objects = [self._object(int(object_id), class_id) for object_id in ids]
        if len(objects) == 1:
            return objects[0]
        array = np.empty(len(objects), dtype=object)
        array[:] = objects
        # Column by column, as MATLAB counts.
        return MatlabOpaqueArray(array.reshape(dims, order="F"), self.get_classname(class_id))

    def _split(self, metadata: np.ndarray) -> tuple[tuple[int, ...], np.ndarray, int]:
        """Dimensions, object ids and class id from an object's metadata."""
        # A magic number, the number of dimensions, they, an id for each object, the class.
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
            instance = MatlabOpaque({}, self.get_classname(class_id))
            instance.saveobj = bool(saveobj_id)
            # Before its properties, which may lead back to it.
            self.mcos_object_cache[object_id] = instance
            if saveobj_id:
                instance.properties = self.get_saved_properties(saveobj_id, True)
            else:
                instance.properties = self.get_properties(object_id) or {}
            self.budget.values(1 + len(instance.properties))
        return self.mcos_object_cache[object_id]

    def get_dynamic_properties(self, dep_id: int) -> dict[str, MatlabOpaque]:
        """Each dynamic property is described by an object, which may have some of its own."""
        if not len(self.dynprop_metadata):
            return {}
        at = self.get_record_offset("dynprop", self.dynprop_metadata, dep_id, 1, 0)
        ids = self.dynprop_metadata[at + 1 : at + 1 + int(self.dynprop_metadata[at])]
        if len(ids) and not 0 < min(ids) <= max(ids) < len(self.object_id_metadata) // 6:
            raise inconsistent("a dynamic property is missing")
        return {
            f"{DYNAMIC_PROPERTY_PREFIX}{number}": self._object(int(object_id), 0)
            for number, object_id in enumerate(ids, 1)
        }

    def check_prop_for_opaque(self, prop: object) -> object:
        """The value with the objects in it; gone through once, however many share it."""
        # References to objects are arrays of uint32.
        if not isinstance(prop, np.ndarray) or not (
            prop.dtype.hasobject or prop.dtype == np.uint32
        ):
            return prop
        if id(prop) not in self.resolved:
            self.resolved[id(prop)] = prop, super().check_prop_for_opaque(prop)
        return self.resolved[id(prop)][1]

    def load_mcos_enumeration(
        self, metadata: np.ndarray, type_system: OpaqueType
    ) -> EnumerationMember:
        record = metadata[0, 0]
        names = [self.mcos_names[int(i) - 1] for i in record["ValueNames"].reshape(-1)]
        places = np.asarray(record["ValueIndices"])
        self.budget.values(places.size)
        chosen = [names[int(i)] for i in places.reshape(-1, order="F")]
        class_name = self.get_classname(int(record["ClassName"].item()))
        return EnumerationMember(class_name, chosen, places.shape, bool(np.size(record["Values"])))


class Objects:
    """The objects of a file, whose store is read when the first is met.

    A damaged store does not keep what holds no objects from being read.
    """

    def __init__(self, load: Callable[[], Subsystem | None]) -> None:
        self.load = load
        self.store: Subsystem | MatbridgeError | None = None

    def load_opaque_object(self, *metadata: Any, **more: Any) -> MatlabOpaque | EnumerationMember:
        """The object that mat-io met; FormatError where its data are damaged."""
        if self.store is None:
            self.store = self._loaded()
        if isinstance(self.store, MatbridgeError):
            raise FormatError(self.store.what, mend=self.store.mend)
        return self.store.load_opaque_object(*metadata, **more)

    def _loaded(self) -> Subsystem | MatbridgeError:
        try:
            return self.load() or inconsistent("the file holds none of them")
        except MatbridgeError as error:
            return error
