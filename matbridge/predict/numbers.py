"""Whatever holds numbers, as an array that every engine takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from matbridge.errors import MismatchError

__all__ = ["ORDINARY", "numeric"]

# The types of most data, which every engine takes as they are.
ORDINARY = {np.dtype(name) for name in ("float64", "float32", "uint8")}


def numeric(value: object) -> np.ndarray:
    """Real or complex numbers in the machine's own byte order, of at most 64 bits a part.

    Takes arrays, nested lists, tensors, tables and sparse matrices. Raises MismatchError for
    text, dates, masked values and all else that holds no numbers.
    """
    if type(value) is np.ndarray and value.dtype in ORDINARY:
        return value
    try:
        array = np.asarray(_plain(value))
    except (ValueError, TypeError, RuntimeError, MemoryError, OverflowError) as error:
        raise MismatchError(
            f"the input is {type(value).__name__} that makes no array: "
            f"{(str(error).splitlines() or [type(error).__name__])[0]}",
            mend="Give an array, or a list of arrays for sequences.",
        ) from None
    if array.dtype.kind not in "fiubc":
        raise MismatchError(
            f"the input is {type(value).__name__} of {array.dtype}, not numbers",
            mend="Give an array, or a list of arrays for sequences.",
        )
    return _native(array)


def _plain(value: Any) -> object:
    """What NumPy does not take by itself: tensors of any kind, sparse matrices, bfloat16."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError("some values are masked")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if hasattr(value, "toarray"):
        return value.toarray()
    if "bfloat16" in str(getattr(value, "dtype", "")):
        return value.float() if hasattr(value, "float") else value.astype(np.float32)
    return value


def _native(array: np.ndarray) -> np.ndarray:
    wide = {"f": np.float64, "c": np.complex128}.get(array.dtype.kind)
    if wide is not None and array.dtype.itemsize > np.dtype(wide).itemsize:
        return array.astype(wide)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
