"""matbridge layers: which of MATLAB's layers are read and run, and how that is known."""

from __future__ import annotations

import click
from rich.text import Text

from matbridge.cli.options import json_option
from matbridge.cli.terminal import console, print_json, styled, table
from matbridge.layers.catalogue import catalogue

__all__ = ["command"]


@click.command("layers")
@json_option
def command(as_json: bool) -> None:
    """Show MATLAB's layers: which are read and run, and what that rests on.

    Evidence is MATLAB's numbers (outputs that MATLAB recorded), ONNX parity (MATLAB's own
    exported model), documentation, or equation only (something was assumed; the page
    layers.md of the documentation says what).

    \b
    Example:
      matbridge layers
      matbridge layers --json | jq '.layers[] | select(.run | not)'
    """
    rows = catalogue()
    if as_json:
        print_json({"layers": rows})
        return
    shown = table("layer", "read", "run", "evidence")
    for row in rows:
        told = row["evidence"] or styled(row["reason"], "dim")
        shown.add_row(row["constructor"], _word(row["read"]), _word(row["run"]), told)
    out = console()
    out.print(shown)
    running = sum(row["run"] for row in rows)
    out.print(f"\n{running} layers run, {sum(row['read'] for row in rows)} are read.")


def _word(flag: bool) -> Text:
    return styled("yes", "green") if flag else styled("no", "red")
