"""Files that are either whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matbridge.errors import MismatchError

__all__ = ["check_absent", "written"]


def check_absent(path: Path, force: bool) -> None:
    """Raise MismatchError if the file is there and ``force`` is not given."""
    if path.exists() and not force:
        raise MismatchError("the file is already there", where=str(path), mend="Use --force.")


@contextmanager
def written(path: Path, force: bool = False) -> Iterator[Path]:
    """A temporary name beside ``path``, renamed to it when the block ends well.

    Raises MismatchError if the file is there and ``force`` is not given.
    """
    check_absent(path, force)
    if not path.parent.is_dir():
        raise MismatchError(
            "there is no such folder", where=str(path.parent), mend="Make it first."
        )
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
