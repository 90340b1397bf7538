"""The command line: parse, call, print."""

from __future__ import annotations

import sys
import warnings

import click

from matbridge.cli.process import end_on_signals, finish, prepare_streams
from matbridge.version import VERSION

__all__ = ["cli", "main"]

# The commands and the modules that hold them; a module is imported when it is asked for.
COMMANDS = {
    "check-card": "matbridge.cli.check_card",
    "convert": "matbridge.cli.convert",
    "inspect": "matbridge.cli.inspect",
    "layers": "matbridge.cli.layers",
    "matlab-kit": "matbridge.cli.matlab_kit",
    "predict": "matbridge.cli.predict",
    "record": "matbridge.cli.record",
    "repair": "matbridge.cli.repair",
    "scaffold": "matbridge.cli.scaffold",
    "verify": "matbridge.cli.verify",
}
# What --help says of them, without opening one.
SUMMARIES = {
    "check-card": "Try the cards of a Python file alone.",
    "convert": "Turn a network into something that runs in Python.",
    "inspect": "Show what is in a file, and what is wrong with it.",
    "layers": "Show MATLAB's layers: which are read and run.",
    "matlab-kit": "Write functions for MATLAB: record, export, import.",
    "predict": "Run a network on data.",
    "record": "Keep what a network gives, to verify against later.",
    "repair": "Fill what an ONNX file does not say.",
    "scaffold": "Write a card for a layer of your own, to be filled in.",
    "verify": "Run a network and compare with what is expected.",
}


class Commands(click.Group):
    """A group whose commands are loaded when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = __import__(COMMANDS[cmd_name], fromlist=["command"])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(SUMMARIES.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="matbridge")
def cli() -> None:
    """Open neural networks that MATLAB saved, without MATLAB.

    \b
    matbridge inspect net.mat      what is in the file
    matbridge convert net.mat      a program for Python
    matbridge predict net.mat --input data.mat:X -o scores.mat
    matbridge verify net.mat --input data.mat:X --expected data.mat:Y
    matbridge layers               which layers are understood

    Exit codes: 0 fine, 1 a verification differs, 2 usage, 3 input unreadable,
    4 something unsupported, 5 nothing to verify against.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; errors become one message and an exit code."""
    end_on_signals()
    prepare_streams()
    sys.exit(finish(run(arguments)))


def run(arguments: list[str] | None = None) -> int:
    """As :func:`main`, returning the exit code; whatever goes wrong becomes one message."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say_warning
            result: object = cli.main(arguments, prog_name="matbridge", standalone_mode=False)
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        from matbridge.cli.failure import fail

        return fail(error, arguments)
    return result if isinstance(result, int) else 0


def _say_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning of Python's in the words of the command line, without a line of source."""
    from matbridge.cli.terminal import say

    say(f"warning: {message}")
