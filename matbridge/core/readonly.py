"""Arrays that nobody can change: immutable means that NumPy refuses the write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

__all__ = ["Arrays", "frozen", "sealed"]


class Arrays(Mapping[str, np.ndarray]):
    """Arrays by MATLAB name that nobody can change: NumPy refuses the write.

    An array that could still be written elsewhere is copied first.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays: dict[str, np.ndarray] = (
            arrays._arrays
            if isinstance(arrays, Arrays)
            else {name: frozen(array) for name, array in arrays.items()}
        )

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        sizes = (f"{name} {'×'.join(map(str, a.shape))}" for name, a in self._arrays.items())
        return f"Arrays({', '.join(sizes)})"


def frozen(array: np.ndarray) -> np.ndarray:
    """The array itself if nobody can write it, else a copy that nobody can."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        # A view is as writable as what it looks into, whatever its own flag says.
        if owner.flags.writeable:
            array = array.copy(order="K")
            array.flags.writeable = False
            return array
        owner = owner.base
    return array


def sealed(array: np.ndarray) -> np.ndarray:
    """The array, which from now on nobody can write: for readers, whose own it is."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner.flags.writeable = False
        owner = owner.base
    return array
