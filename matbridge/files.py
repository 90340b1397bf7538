"""Files that are either whole or not there, and inputs that are files at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from matbridge.errors import FormatError, MatbridgeError, MismatchError, MissingFileError

__all__ = ["DEFAULT_LIMIT", "abandon", "check_readable", "check_target", "sha256", "written"]

# The most bytes that one variable of a file may hold once inflated, unless the caller says more.
DEFAULT_LIMIT = 4 << 30

# A folder of this prefix holds what is being written; the lock inside is held as long as the
# writer lives, so that the next one can tell what a killed one left over.
PREFIX, LOCK = ".matbridge-", "lock"
# How old a folder without a lock must be: between its making and its locking nobody shall clear it.
SETTLED = 60.0

# The folders of this process, for a signal handler that ends it.
_workplaces: set[Path] = set()

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_readable(path: Path) -> None:
    """Raise FormatError unless this is a file: opening a pipe or a device may hang."""
    try:
        kind = _kind(path)
    except FileNotFoundError:
        raise MissingFileError(str(path)) from None
    except OSError as error:
        raise FormatError(f"cannot be opened: {_reason(error)}", where=str(path)) from None
    except ValueError:
        raise FormatError("this is no name of a file", where=repr(str(path))) from None
    if kind:
        raise FormatError(f"this is {kind}", where=str(path), mend="Name a file.")


def _kind(path: Path) -> str:
    """What stands there in place of a file, "" for a file."""
    mode = path.stat().st_mode
    return next((name for is_kind, name in KINDS if is_kind(mode)), "")


def check_target(path: Path, force: bool = False, reads: Iterable[Path] = ()) -> Path:
    """Where the bytes of ``path`` go, links followed; MismatchError where they must not.

    ``reads`` are the files that the same call reads: they are never written over.
    """
    with _explained(path):
        target = Path(os.path.realpath(path))
        if not target.parent.is_dir():
            raise MismatchError(
                "there is no such folder", where=str(target.parent), mend="Make it first."
            )
        if not os.path.lexists(target):
            return target
        if kind := _kind(target):
            raise MismatchError(f"this is {kind}", where=str(path), mend="Name a file.")
        if any(source.exists() and target.samefile(source) for source in reads):
            raise MismatchError(
                "this file is read by the same call", where=str(path), mend="Choose another name."
            )
        if not force:
            raise _is_there(path)
        return target


def _is_there(path: Path, when: str = "already") -> MismatchError:
    return MismatchError(
        f"the file is {when} there", where=str(path), mend="Say force=True to overwrite it."
    )


@contextmanager
def written(path: Path, force: bool = False, reads: Iterable[Path] = ()) -> Iterator[Path]:
    """A temporary file in a folder beside ``path``, moved there when the block ends well.

    The file bears its final name. Raises MismatchError if ``path`` is there and ``force`` is
    not given, also if it appears meanwhile; if it is one of those that the call ``reads``;
    and if it cannot be written.
    """
    target = check_target(path, force, reads)
    with _explained(path), _workplace(target.parent) as folder:
        temporary = folder / target.name
        yield temporary
        _move(temporary, target, force)


def _move(temporary: Path, target: Path, force: bool) -> None:
    """Rename; without ``force`` never over what has appeared meanwhile."""
    try:
        if force:
            temporary.replace(target)
        elif sys.platform == "win32":
            temporary.rename(target)
        else:
            _claim(temporary, target)
    except FileExistsError:
        raise _is_there(target, "meanwhile") from None


def _claim(temporary: Path, target: Path) -> None:
    """POSIX renames over what is there; a link does not, nor does an exclusive opening."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.close(os.open(target, os.O_CREAT | os.O_EXCL))
        temporary.replace(target)


@contextmanager
def _workplace(parent: Path) -> Iterator[Path]:
    """A locked folder of our own in ``parent``; those that killed runs left are cleared."""
    from filelock import FileLock

    for left in parent.glob(f"{PREFIX}*"):
        _clear(left)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    _workplaces.add(folder)
    try:
        with FileLock(folder / LOCK):
            yield folder
    finally:
        _workplaces.discard(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _clear(folder: Path) -> None:
    """Remove what is left of a run, unless that run is still alive."""
    from filelock import FileLock, Timeout

    try:
        if folder.is_symlink() or not folder.is_dir():
            return
        if (folder / LOCK).is_file():
            with FileLock(folder / LOCK, blocking=False):
                pass
        elif time.time() - folder.stat().st_mtime < SETTLED:
            return
    except (OSError, Timeout):
        return  # alive, another user's, or cleared by a third
    # Windows removes no open file: only now, with the lock given back.
    shutil.rmtree(folder, ignore_errors=True)


def abandon() -> None:
    """Remove whatever is half written, when the process is about to end."""
    for folder in tuple(_workplaces):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What the system refuses, as one message."""
    try:
        yield
    except (MatbridgeError, BrokenPipeError):
        raise
    except OSError as error:
        raise MismatchError(
            f"cannot be written: {_reason(error)}",
            where=str(path),
            mend="Choose another place, or make room there.",
        ) from None
    except ValueError as error:
        if "null" not in str(error):
            raise
        raise MismatchError("this is no name of a file", where=repr(str(path))) from None


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
