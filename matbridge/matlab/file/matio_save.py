"""mat-io's writer, reached for here: what it lacks is an element's own class in an object
array, n-by-1 arrays of objects, and objects that chose themselves what to save."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from pathlib import Path

import matbridge.matlab.file.deferred  # noqa: F401  before anything of mat-io

# isort: split
import h5py
import numpy as np
from matio.subsystem.subsys import MatSubsystem
from matio.utils.converters.matstring import string_to_mat
from matio.utils.matclass import MatlabEnumerationArray, MatlabOpaque, MatlabOpaqueArray
from matio.utils.matconvert import ENUM_INSTANCE_DTYPE
from matio.utils.matheaders import (
    MAT_FILE_VERSIONS,
    MAT_HDF_USER_BLOCK_BYTES,
    MCOS_MAGIC_NUMBER,
    write_file_header,
    write_subsystem_offset,
)
from matio.v5.matwriter5 import SYS_BYTE_ORDER, MatFile5Writer, write_subsystem
from matio.v7.matreader7 import MAT_HDF_SUBSYS_GROUP
from matio.v7.matwriter7 import MatWrite7

from matbridge.errors import UnsupportedError
from matbridge.version import VERSION

__all__ = ["enumeration", "opaque", "save", "string_object"]


def opaque(class_name: str, properties: Mapping[str, object], saveobj: bool) -> MatlabOpaque:
    """An object for :func:`save`; ``saveobj`` as in :class:`MatObject`."""
    instance = MatlabOpaque(properties, class_name)
    instance.saveobj = saveobj
    return instance


def string_object(items: list[str | None], shape: tuple[int, ...]) -> MatlabOpaque:
    """A string array, filled column by column; None is missing."""
    if not items:
        # What string_to_mat cannot write: version, number of dimensions, dimensions.
        header = np.array([[1, len(shape), *shape]], dtype=np.uint64)
        return opaque("string", {"any": header}, True)
    kind = np.dtypes.StringDType(na_object=np.nan)
    flat = np.array([np.nan if s is None else s for s in items], dtype=kind)
    return opaque("string", string_to_mat(flat.reshape(shape, order="F")), True)


def enumeration(
    class_name: str, names: tuple[str, ...], shape: tuple[int, ...]
) -> MatlabEnumerationArray:
    """Members of an enumeration that stand for no values."""
    members = np.array(names, dtype=object).reshape(shape, order="F")
    return MatlabEnumerationArray(members, class_name)


class Store(MatSubsystem):
    """mat-io's object store for writing, with each object's own class."""

    def set_mcos_object_metadata(self, obj: MatlabOpaque) -> np.ndarray:
        if isinstance(obj, MatlabOpaqueArray):
            elements = obj.view(np.ndarray).reshape(-1, order="F")
            ids = [self.set_object_id(element, element.saveobj)[0] for element in elements]
            return self.create_mcos_metadata(obj.shape, ids, self.set_class_id(obj.classname))
        object_id, class_id = self.set_object_id(obj, getattr(obj, "saveobj", False))
        return self.create_mcos_metadata((1, 1), [object_id], class_id)

    def set_enumeration_metadata(self, enum_array: MatlabEnumerationArray) -> np.ndarray:
        names = list(dict.fromkeys(enum_array.reshape(-1, order="F")))
        record = np.empty((1, 1), dtype=ENUM_INSTANCE_DTYPE)
        indices = np.vectorize(names.index, otypes=[np.uint32])(enum_array.view(np.ndarray))
        for field, content in (
            ("EnumerationInstanceTag", [MCOS_MAGIC_NUMBER]),
            ("ClassName", [self.set_class_id(enum_array.classname)]),
            ("ValueNames", [self.set_mcos_name(name) for name in names]),
            ("BuiltinClassName", [0]),
        ):
            record[0, 0][field] = np.array(content, np.uint32).reshape(-1, 1)
        record[0, 0]["Values"] = np.empty((0, 1), dtype=object)
        record[0, 0]["ValueIndices"] = indices
        return record

    def serialize_nested_props(self, prop_value: object) -> object:
        # mat-io takes an array of objects for a cell.
        if isinstance(prop_value, MatlabOpaqueArray):
            return self.set_object_metadata(prop_value)
        return super().serialize_nested_props(prop_value)


def save(path: Path, variables: dict[str, object], version: str, created: str) -> None:
    """Write what mat-io understands; see :func:`matbridge.matlab.file.write.write_mat`."""
    with warnings.catch_warnings():
        # mat-io warns where it leaves something out: nothing may be.
        warnings.simplefilter("error")
        if version == "v7.3":
            _save_hdf5(path, variables)
        elif version in ("v6", "v7"):
            _save_level5(path, variables, version == "v7")
        else:
            raise UnsupportedError(f"MAT-file version {version!r}", mend="Use v6, v7 or v7.3.")
    _describe(path, version, created or time.strftime("%a %b %d %H:%M:%S %Y"))


def _store() -> Store:
    store = Store(byte_order=SYS_BYTE_ORDER)
    store.init_save()
    return store


def _save_level5(path: Path, variables: dict[str, object], compress: bool) -> None:
    with path.open("wb") as file:
        write_file_header(file, version=MAT_FILE_VERSIONS.V5)
        writer = MatFile5Writer(file, oned_as="col")
        writer.subsystem = _store()
        writer.put_variables(variables, [], compress)
        objects = writer.subsystem.set_subsystem()
        if objects is not None:
            start = file.tell()
            stream = write_subsystem(objects, "col")
            writer.put_variables({"__subsystem__": stream}, [], compress)
            write_subsystem_offset(file, start)


def _save_hdf5(path: Path, variables: dict[str, object]) -> None:
    with h5py.File(path, "w", userblock_size=MAT_HDF_USER_BLOCK_BYTES) as file:
        writer = MatWrite7(file, oned_as="col")
        writer.subsystem = _store()
        writer.put_variables(variables, [])
        objects = writer.subsystem.set_subsystem()
        if objects is not None:
            writer.write_struct_array(file, MAT_HDF_SUBSYS_GROUP, objects)
    with path.open("r+b") as file:
        write_file_header(file, version=MAT_FILE_VERSIONS.HDF)


def _describe(path: Path, version: str, created: str) -> None:
    """The text at the head of the file, without mat-io's clock."""
    level = "7.3" if version == "v7.3" else "5.0"
    text = f"MATLAB {level} MAT-file, Platform: matbridge {VERSION}, Created on: {created}"
    with path.open("r+b") as file:
        file.write(text.encode("ascii")[:116].ljust(116))
