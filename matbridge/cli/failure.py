"""What is said when something goes wrong: one message, or JSON, and an exit code."""

from __future__ import annotations

import io
import os
import re
import traceback

import click

from matbridge.cli.process import is_full
from matbridge.cli.terminal import mute, print_json, say
from matbridge.errors import MatbridgeError
from matbridge.version import ISSUES, VERSION

__all__ = ["UNREADABLE", "fail", "in_options"]

USAGE, UNREADABLE, INTERRUPTED = 2, 3, 130
# How messages name an argument, as Python writes it: format="CB", registry=[Card], network=.
ARGUMENT = re.compile(
    r"""\b(?P<name>[a-z]+(?:_[a-z]+)*)=(?P<value>"[^"]*"|'[^']*'|\[[^\]]*\]|\{[^}]*\}|True|\d+|)"""
)
# What the command line calls it.
OPTIONS = {
    "activations": "--activations {}",
    "allow_external_data": "--allow-external-data {}",
    "classes": "--classes a,b,c",
    "dtype": "--dtype {}",
    "engine": "--engine {}",
    "force": "--force",
    "format": "--format {}",
    "max_size": "--max-size {}",
    "mini_batch_size": "--mini-batch-size {}",
    "network": "--network {}",
    "padding_direction": "--padding-direction {}",
    "padding_value": "--padding-value {}",
    "registry": "--cards FILE.py",
    "replace": "--replace NAME=LAYER",
    "sequence_length": "--sequence-length {}",
    "to": "--to {}",
    "tolerance": "--tolerance {}",
}


def fail(error: BaseException, arguments: list[str]) -> int:
    """Say what went wrong, as JSON where that was asked for; the exit code."""
    if isinstance(error, BrokenPipeError | SystemExit):
        # The reader of our output has gone (rich and click may exit by themselves).
        mute()
        return 0
    kind, code, what, where, mend = told(error, arguments)
    if "--json" in arguments:
        about = {"kind": kind, "exit_code": code, "what": what, "where": where, "mend": mend}
        print_json({"error": about})
    elif isinstance(error, click.ClickException):
        shown = io.StringIO()
        error.show(shown)
        say(shown.getvalue().rstrip("\n"))
    else:
        text = str(MatbridgeError(what, where=where, mend=mend))
        click.echo(click.style("error: ", fg="red", bold=True) + text, err=True)
    if os.environ.get("MATBRIDGE_TRACEBACK"):
        traceback.print_exception(error)
    return code


def told(error: BaseException, arguments: list[str]) -> tuple[str, int, str, str, str]:
    """Kind, exit code, what, where and how to mend."""
    kind = type(error).__name__
    if isinstance(error, MatbridgeError):
        return kind, error.exit_code, in_options(error.what), error.where, in_options(error.mend)
    if isinstance(error, click.ClickException):
        return kind, error.exit_code, error.format_message(), "", ""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return kind, INTERRUPTED, "interrupted", "", ""
    if isinstance(error, MemoryError):
        return kind, UNREADABLE, "there is not enough memory", "", ""
    if isinstance(error, OSError) and is_full(error):
        return kind, USAGE, f"the output cannot be written: {error.strerror}", "", ""
    if isinstance(error, OSError) and error.strerror:
        return kind, UNREADABLE, error.strerror, str(error.filename or ""), ""
    return kind, UNREADABLE, *unexpected(error, arguments)


def unexpected(error: BaseException, arguments: list[str]) -> tuple[str, str, str]:
    """The last line of defence: what happened, with which file, and whom to tell."""
    files = ", ".join(a for a in arguments if os.path.isfile(a))
    reason = str(error).strip().partition("\n")[0]
    what = f"matbridge {VERSION} met what it did not expect: {type(error).__name__}: {reason}"
    mend = f"""That is a fault of matbridge. Please report it, with the file if you may: {ISSUES}
  MATBRIDGE_TRACEBACK=1 shows where it happened."""
    return what, files, mend


def in_options(text: str) -> str:
    """A message that names arguments, in the words of the command line: ``--format CB``."""

    def spoken(match: re.Match[str]) -> str:
        option = OPTIONS.get(match["name"])
        return (
            match.group() if option is None else option.format(match["value"].strip("\"'")).rstrip()
        )

    return ARGUMENT.sub(spoken, text)
