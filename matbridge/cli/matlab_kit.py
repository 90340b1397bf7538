"""matbridge matlab-kit: functions for those who have MATLAB."""

from __future__ import annotations

from pathlib import Path

import click

from matbridge.cli.options import json_option
from matbridge.cli.terminal import print_json, tell
from matbridge.files import check_target, written

__all__ = ["command"]


@click.command("matlab-kit")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite what is in DIR.")
@json_option
def command(folder: Path, force: bool, as_json: bool) -> None:
    """Write functions for MATLAB into DIR, an existing folder.

    matbridgeRecord runs a network and records what it gives, for 'matbridge verify';
    matbridgeExport writes a network as plain arrays, with layers of your own;
    matbridgeImport builds layers from what 'matbridge convert -o net.mat' writes.
    They need MATLAB R2019b or later and nothing else.

    \b
    Example:
      matbridge matlab-kit .
    and in MATLAB
      matbridgeRecord(net, XTest, 'ref.mat')
    """
    from matbridge.matlab.kit import functions

    codes = {folder / name: code for name, code in functions().items()}
    # All or none.
    for path in codes:
        check_target(path, force)
    for path, code in codes.items():
        with written(path, force) as temporary:
            temporary.write_text(code, encoding="ascii", newline="\n")
    if as_json:
        print_json({"written": [str(path) for path in codes]})
        return
    for path in codes:
        tell(f"written to {path}")
