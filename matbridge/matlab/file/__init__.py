"""MAT-files to plain values and back. Files are untrusted: see docs/security.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matbridge.core.diagnostics import Report
from matbridge.errors import FormatError, MatbridgeError, MissingNameError
from matbridge.files import DEFAULT_LIMIT, sha256
from matbridge.matlab.file import level5
from matbridge.matlab.file.budget import Budget
from matbridge.matlab.file.header import FileHeader, read_file_header
from matbridge.matlab.file.heaps import read_heaps
from matbridge.text import listed, nearest

if TYPE_CHECKING:
    from matbridge.matlab.file.hdf5 import CheckedFile
    from matbridge.matlab.file.matio_store import Objects, Subsystem

__all__ = [
    "DEFAULT_LIMIT",
    "PLAIN_CLASSES",
    "MatFile",
    "Variable",
    "listed",
    "open_mat",
    "read_mat",
]


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

    ``report`` tells what is lost or odd, as far as the file has been read. Raises
    FormatError for what is no MAT-file or has nothing left that can be read, naming what
    it is; for a damaged variable, when that is asked for.
    """

    def __init__(self, path: str | Path, limit: int = DEFAULT_LIMIT) -> None:
        self.path = Path(path)
        self.limit = limit
        self.header: FileHeader = read_file_header(self.path)
        self.report = Report()
        self.budget = Budget(limit, self.path.stat().st_size)
        # One graph of objects for the file: each is made once.
        self.objects: dict[int, tuple[object, object]] = {}
        with self._located():
            kind = _Hdf5 if self.header.version == "v7.3" else _Level5
            self._store = kind(self.path, self.header, self.budget, self.report)
            self.variables: dict[str, Variable] = self._store.variables()
            if not self.variables:
                _raise_lost(self.report)

    def __getitem__(self, name: str) -> Any:
        """The plain value of a variable; MismatchError if there is none of this name."""
        if name not in self.variables:
            names = listed(self.variables) or "no variables"
            raise MissingNameError(
                f"there is no variable {name!r}",
                where=self.path.name,
                mend=f"{nearest(name, self.variables)}It holds {names}.",
            )
        from matbridge.matlab.file.plain import Plain

        with self._located(name):
            self.budget.begin(name)
            held, told = False, len(self.report)
            try:
                value = Plain(self.budget, self.objects).value(self._store.read(name))
                held = True
            finally:
                self.budget.end(held)
                self._note(told)
            return value

    def release(self, name: str) -> None:
        """Say that the value of a variable is no longer held, so that it does not count."""
        self.budget.release(name)

    def _note(self, told: int) -> None:
        """A variable whose checksum proved to be missing carries none."""
        for odd in list(self.report)[told:]:
            if odd.what == level5.NO_CHECKSUM and odd.where in self.variables:
                variable = self.variables[odd.where]
                self.variables[odd.where] = dataclasses.replace(variable, checked=False)

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

    def __init__(self, path: Path, header: FileHeader, budget: Budget, report: Report) -> None:
        self.path, self.header, self.budget, self.report = path, header, budget, report
        self.elements = level5.elements(path, header, budget, report)
        # Of two variables of one name MATLAB loads the last.
        self.named = {e.head.name: e for e in self.elements if e.head.name}
        self.objects: Objects | None = None

    def variables(self) -> dict[str, Variable]:
        return {
            name: Variable(name, e.head.matlab_class, e.head.dims, e.compressed)
            for name, e in self.named.items()
        }

    def read(self, name: str) -> object:
        from matbridge.matlab.file import matio

        element, order = self.named[name], self.header.order
        stream = level5.read_element(self.path, element, order, self.budget, self.report)
        if self.objects is None:
            self.objects = matio.Objects(self._subsystem)
        return matio.read_array(stream, order, self.objects)

    def _subsystem(self) -> Subsystem | None:
        from matbridge.matlab.file import matio

        subsystem = level5.subsystem_stream(
            self.path, self.elements, self.header, self.budget, self.report
        )
        return matio.subsystem_from_stream(*subsystem, self.budget) if subsystem else None


class _Hdf5:
    """v7.3: one HDF5 dataset or group a variable."""

    def __init__(self, path: Path, header: FileHeader, budget: Budget, report: Report) -> None:
        self.path, self.budget, self.report = path, budget, report
        self.heaps = read_heaps(path)
        self.objects: Objects | None = None

    def _open(self) -> AbstractContextManager[CheckedFile]:
        from matbridge.matlab.file import hdf5

        return hdf5.open_hdf5(self.path, self.heaps, self.budget)

    def variables(self) -> dict[str, Variable]:
        from matbridge.matlab.file import hdf5

        variables = {}
        with self._open() as file:
            for name in file:
                try:
                    if name not in hdf5.RESERVED:
                        variables[name] = Variable(name, *hdf5.whos(file[name]), False)
                except FormatError as error:
                    self.report.error(f"it is lost: {error.what}", name, error.mend)
        return variables

    def read(self, name: str) -> object:
        from matbridge.matlab.file import matio

        if self.objects is None:
            self.objects = matio.Objects(self._subsystem)
        with self._open() as file:
            return matio.read_hdf5(file, name, self.objects)

    def _subsystem(self) -> Subsystem | None:
        from matbridge.matlab.file import matio

        with self._open() as file:
            return matio.subsystem_from_hdf5(file)


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
    """The plain values of these variables, of all without names.

    Raises FormatError where one of them is damaged, or without names a part of the file.
    """
    file = MatFile(path, limit)
    if names is None:
        _raise_lost(file.report, file.path.name)
        names = file.variables
    return {name: file[name] for name in names}


def _raise_lost(report: Report, where: str = "") -> None:
    """Raise FormatError for the first of what is lost, if anything is."""
    for lost in report:
        raise FormatError(lost.what, where=where, mend=lost.mend)
