"""MAT-files to plain values and back. Files are untrusted: see docs/security.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matbridge.errors import MatbridgeError, MismatchError
from matbridge.matlab.file import hdf5, level5
from matbridge.matlab.file.header import FileHeader, read_file_header, sha256

__all__ = ["DEFAULT_LIMIT", "MatFile", "Variable", "open_mat", "read_mat"]

# The most bytes that one variable may hold once inflated, unless the caller says more.
DEFAULT_LIMIT = 4 << 30


@dataclass(frozen=True)
class Variable:
    """A variable by its header: nothing of it has been decoded.

    ``checked`` tells whether it carries a checksum: deflated data do, so that a changed
    bit is always noticed; uncompressed data do not.
    """

    name: str
    class_name: str
    shape: tuple[int, ...]
    checked: bool


class MatFile:
    """A MAT-file whose variables are decoded when asked for.

    Raises FormatError for whatever is damaged, cut off or no MAT-file, naming what it is.
    """

    def __init__(self, path: str | Path, limit: int = DEFAULT_LIMIT) -> None:
        self.path = Path(path)
        self.limit = limit
        self.header: FileHeader = read_file_header(self.path)
        with self._located():
            self._store = (
                _Hdf5(self.path, limit)
                if self.header.version == "v7.3"
                else _Level5(self.path, self.header, limit)
            )
            self.variables: dict[str, Variable] = self._store.variables()

    def __getitem__(self, name: str) -> Any:
        """The plain value of a variable; MismatchError if there is none of this name."""
        if name not in self.variables:
            raise MismatchError(
                f"there is no variable {name!r}",
                where=self.path.name,
                mend=f"It holds {', '.join(self.variables) or 'no variables'}.",
            )
        from matbridge.matlab.file.plain import Plain

        with self._located(name):
            return Plain().value(self._store.read(name))

    def sha256(self) -> str:
        return sha256(self.path)

    @contextmanager
    def _located(self, name: str = "") -> Iterator[None]:
        try:
            yield
        except MatbridgeError as error:
            raise error.at(f"{self.path.name}:{name}" if name else self.path.name) from None


class _Level5:
    """v6 and v7: elements one after the other, objects in one of their own."""

    def __init__(self, path: Path, header: FileHeader, limit: int) -> None:
        self.path, self.header, self.limit = path, header, limit
        self.elements = level5.elements(path, header, limit)
        self.objects: Any = None

    def variables(self) -> dict[str, Variable]:
        return {
            e.head.name: Variable(e.head.name, e.head.matlab_class, e.head.dims, e.compressed)
            for e in self.elements
            if e.head.name
        }

    def read(self, name: str) -> Any:
        from matbridge.matlab.file import matio

        element = [e for e in self.elements if e.head.name == name][-1]
        stream = level5.read_element(self.path, element, self.header.order, self.limit)
        needs_objects = element.head.matlab_class not in PLAIN_CLASSES
        return matio.read_array(
            stream, self.header.order, self._objects() if needs_objects else None
        )

    def _objects(self) -> Any:
        """The object store, read once."""
        from matbridge.matlab.file import matio

        if self.objects is None:
            found = level5.subsystem_stream(self.path, self.elements, self.header, self.limit)
            self.objects = matio.subsystem_from_stream(*found) if found else False
        return self.objects or None


class _Hdf5:
    """v7.3: one HDF5 dataset or group a variable."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit = path, limit

    def variables(self) -> dict[str, Variable]:
        with hdf5.open_hdf5(self.path, self.limit) as file:
            found = hdf5.variables(file)
        return {name: Variable(name, kind, size, False) for name, (kind, size) in found.items()}

    def read(self, name: str) -> Any:
        from matbridge.matlab.file import matio

        with hdf5.open_hdf5(self.path, self.limit) as file:
            return matio.read_hdf5(file, name, matio.subsystem_from_hdf5(file))


# What cannot hold an object.
PLAIN_CLASSES = frozenset(
    "char logical double single int8 uint8 int16 uint16 int32 uint32 int64 uint64 sparse".split()
)


def open_mat(path: str | Path, limit: int = DEFAULT_LIMIT) -> MatFile:
    """The file with its variables listed and none decoded."""
    return MatFile(path, limit)


def read_mat(
    path: str | Path, names: Iterable[str] | None = None, limit: int = DEFAULT_LIMIT
) -> dict[str, Any]:
    """The plain values of these variables, of all without names."""
    file = MatFile(path, limit)
    return {name: file[name] for name in (file.variables if names is None else names)}
