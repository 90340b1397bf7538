"""ONNX tensors as arrays: what a tensor claims is checked against what it has."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from matbridge.errors import FormatError, MatbridgeError, UnsupportedError
from matbridge.files import check_readable

__all__ = ["ExternalData", "Tensors"]

# The field that holds numbers of a type which are not raw bytes, of all that matbridge reads.
FIELDS: dict[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.DOUBLE: "double_data",
    TensorProto.INT64: "int64_data",
    TensorProto.UINT64: "uint64_data",
    TensorProto.UINT32: "uint64_data",
    **dict.fromkeys(
        (
            *(TensorProto.BOOL, TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16),
            *(TensorProto.UINT16, TensorProto.INT32, TensorProto.FLOAT16, TensorProto.BFLOAT16),
        ),
        "int32_data",
    ),
}


class ExternalData:
    """The files beside a model that hold its arrays: none, or those in one folder.

    ``folder`` is what the caller allows; nothing outside it is opened, wherever links lead.
    All together may hold ``limit`` bytes.
    """

    def __init__(self, folder: Path | None, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self.left = limit

    def read(self, tensor: onnx.TensorProto, size: int) -> bytes:
        """The bytes of a tensor, of which there must be ``size``."""
        told = {entry.key: entry.value for entry in tensor.external_data}
        location = told.get("location", "")
        if self.folder is None:
            raise UnsupportedError(
                f"the array stands in another file, {location!r}",
                mend="If you trust the model, say where that file may be: allow_external_data="
                '"FOLDER".',
            )
        path = self._inside(self.folder, location)
        offset, length = _number(told, "offset", 0), _number(told, "length", size)
        if length != size:
            raise FormatError(f"the array has {size:,} bytes, but {length:,} in {location!r}")
        self.left -= size
        if self.left < 0:
            raise FormatError(
                f"the arrays in other files take more than {self.limit >> 20} MiB",
                mend="If you trust the model, raise the bound with max_size=.",
            )
        return _bytes_at(path, offset, size, location)

    def _inside(self, folder: Path, location: str) -> Path:
        """The file of this name in the folder, links followed; FormatError if it is outside."""
        try:
            root = os.path.realpath(folder)
            path = os.path.realpath(os.path.join(root, location))
            inside = bool(location) and os.path.commonpath([root, path]) == root != path
        except ValueError:  # another drive, or a null byte
            inside = False
        if not inside or Path(location).is_absolute():
            raise FormatError(
                f"the array stands in {location!r}, which is not in the folder {str(folder)!r}",
                mend="Nothing outside the folder that you allow is read.",
            )
        return Path(path)


def _number(told: dict[str, str], name: str, default: int) -> int:
    text = told.get(name, str(default))
    if not text.isdecimal() or len(text) > 20:
        raise FormatError(f"the {name} of the array in another file is {text!r}, no number")
    return int(text)


def _bytes_at(path: Path, offset: int, size: int, location: str) -> bytes:
    check_readable(path)
    try:
        with path.open("rb") as file:
            whole = os.fstat(file.fileno()).st_size
            if offset + size > whole:
                raise FormatError(
                    f"{location!r} has {whole:,} bytes, but the array stands at "
                    f"{offset:,} to {offset + size:,}"
                )
            file.seek(offset)
            return file.read(size)
    except OSError as error:
        raise FormatError(f"{location!r} cannot be read: {error.strerror}") from None


class Tensors:
    """Turns the tensors of one model into arrays."""

    def __init__(self, external: ExternalData) -> None:
        self.external = external

    def array(self, tensor: onnx.TensorProto) -> np.ndarray:
        """The array of a tensor, read only; half precision of 16 bits as float32.

        Raises FormatError where its sizes, its type and its bytes contradict each other, and
        UnsupportedError for texts, complex numbers and types of 8 bits and less.
        """
        try:
            array = self._array(tensor)
        except MatbridgeError as error:
            raise error.at(f"array {tensor.name!r}") from None
        array.flags.writeable = False
        return array

    def _array(self, tensor: onnx.TensorProto) -> np.ndarray:
        shape, kind = tuple(tensor.dims), tensor.data_type
        if any(n < 0 for n in shape):
            raise FormatError(f"its size is {'×'.join(map(str, shape))}, with a negative number")
        if kind not in FIELDS:
            raise _not_read(kind)
        if tensor.HasField("segment"):
            raise UnsupportedError("it is one of several segments, which matbridge does not join")
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        count = math.prod(shape)
        if tensor.data_location == TensorProto.EXTERNAL:
            data = self.external.read(tensor, count * dtype.itemsize)
        elif tensor.HasField("raw_data"):
            data = tensor.raw_data
        else:
            return _from_field(tensor, dtype, shape, count)
        if len(data) != count * dtype.itemsize:
            raise _wrong_length(shape, count * dtype.itemsize, len(data), "bytes")
        array = np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape)
        return _usual(array.astype(dtype, copy=False))


def _from_field(
    tensor: onnx.TensorProto, dtype: np.dtype, shape: tuple[int, ...], count: int
) -> np.ndarray:
    numbers = getattr(tensor, FIELDS[tensor.data_type])
    if len(numbers) != count:
        raise _wrong_length(shape, count, len(numbers), "numbers")
    if tensor.data_type in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
        return _usual(numpy_helper.to_array(tensor))
    try:
        return np.fromiter(numbers, dtype, count).reshape(shape)
    except (OverflowError, ValueError):
        raise FormatError(f"it has numbers that are no {dtype}") from None


def _usual(array: np.ndarray) -> np.ndarray:
    """Brain floats, which NumPy itself does not have, as float32."""
    return array.astype(np.float32) if array.dtype.kind == "V" else array


def _wrong_length(shape: tuple[int, ...], wanted: int, found: int, what: str) -> FormatError:
    size = "×".join(map(str, shape)) or "1"
    return FormatError(f"its size is {size}, which is {wanted:,} {what}, but it has {found:,}")


def _not_read(kind: int) -> MatbridgeError:
    name = next((n for n, value in TensorProto.DataType.items() if value == kind), "UNDEFINED")
    if name == "UNDEFINED":
        return FormatError(f"its type is {kind}, which ONNX does not have")
    return UnsupportedError(f"its type is {name}, which matbridge does not read")
