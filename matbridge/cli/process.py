"""The process itself: how it ends early, and how it ends well."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from types import FrameType

from matbridge.files import abandon

__all__ = ["end_on_signals", "finish", "is_full", "prepare_streams"]

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC)


def end_on_signals() -> None:
    """Ctrl-C and its like clear what is half written and end the process at once.

    An exception instead could be raised anywhere, in a library's import or in a callback from
    C++, which would print it and go on.
    """
    for name in ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    abandon()
    os.write(2, b"error: interrupted\n")
    os._exit(128 + number)


def prepare_streams() -> None:
    """A console of few characters shows ? for the rest, and the program goes on."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def is_full(error: OSError) -> bool:
    """Whether nothing more can be written where the output goes."""
    return error.errno in FULL


def finish(code: int) -> int:
    """The exit code, once all output is out; what Python would flush at exit is discarded."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and is_full(error):
            os.write(2, f"error: the output cannot be written: {error.strerror}\n".encode())
            code = 2
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code
