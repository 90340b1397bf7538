"""What can go wrong: a tree of four, each carrying what, where and how to mend."""

from __future__ import annotations

import errno
import os

from matbridge.text import visible

__all__ = [
    "FormatError",
    "LayerError",
    "MatbridgeError",
    "MismatchError",
    "MissingFileError",
    "MissingNameError",
    "UnknownSizeError",
    "UnsupportedError",
]


class MatbridgeError(Exception):
    """Base of every error that matbridge raises on purpose.

    Attributes:
        what: the fact, in one sentence.
        where: the address, such as ``net.mat:net/Layers(12)/InputWeights``.
        mend: what the user can do about it.
        exit_code: the exit status of the command line for this kind of error.
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def at(self, where: str) -> MatbridgeError:
        """The same error with ``where`` put before the address it already has."""
        self.where = f"{where}/{self.where}" if self.where else where
        return self

    def __str__(self) -> str:
        text = visible(f"{self.what}\n  {self.mend}" if self.mend else self.what, keep="\n")
        return f"{visible(self.where)}: {text}" if self.where else text


class FormatError(MatbridgeError):
    """The bytes are not what they claim to be: truncated, corrupted, another format."""


class MissingFileError(FormatError, FileNotFoundError):
    """There is no such file; ``except FileNotFoundError`` catches it as well."""

    def __init__(self, path: str) -> None:
        super().__init__(f"cannot be opened: {os.strerror(errno.ENOENT)}", where=path)
        self.errno = errno.ENOENT
        self.filename = path


class LayerError(MatbridgeError):
    """A layer contradicts itself or its neighbours: sizes, options, connections."""


class UnknownSizeError(LayerError):
    """A size cannot be told before data come; the layer may well run."""


class UnsupportedError(MatbridgeError):
    """Well-formed, but matbridge cannot do it, or not without the user's help."""

    exit_code = 4


class MismatchError(MatbridgeError):
    """What the caller gave does not fit the network: wrong shape, name or value."""

    exit_code = 2


class MissingNameError(MismatchError, KeyError, IndexError):
    """There is nothing of this name or number, in the words of a mapping and of a sequence."""
