"""matbridge check-card: a card tried alone, before any network is run with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matbridge.cli.options import cards_of, json_option
from matbridge.cli.terminal import console, print_json, styled, table
from matbridge.core.card import Layer
from matbridge.errors import MismatchError

if TYPE_CHECKING:
    from matbridge.inspect.card import Trial

__all__ = ["command"]


@click.command("check-card")
@click.argument("path", metavar="FILE.py", type=click.Path(path_type=Path))
@click.option("--format", "formats", multiple=True, help="Try this format alone, such as CBT.")
@json_option
def command(path: Path, formats: tuple[str, ...], as_json: bool) -> int:
    """Try each card in FILE.py alone: sizes, numbers, gradients, .pt2 and ONNX.

    The file is run. Properties without a default and arrays are made up; a card may say
    EXAMPLE = {"NumHeads": 2} to choose.

    \b
    Example:
      matbridge check-card my_layer.py
      matbridge check-card my_layer.py --format CBT --format SSCB
    """
    from matbridge.inspect.card import try_card

    cards = [card for card in cards_of(path)[0] if card.MATLAB]
    if not cards:
        raise MismatchError(
            "there is no card in the file",
            where=str(path),
            mend='A card is a class of matbridge.Layer with MATLAB = ("its class name",).',
        )
    trials = [(card, trial) for card in cards for trial in try_card(card, formats)]
    if as_json:
        print_json({"trials": [_row(card, trial) for card, trial in trials]})
    else:
        shown = table("card", "format", "what", "outcome")
        for card, trial in trials:
            colour = "red" if trial.failed else "yellow" if trial.error else ""
            text = styled(trial.outcome, colour) if colour else trial.outcome
            shown.add_row(card.__name__, trial.format, trial.what, text)
        console().print(shown)
    failed = [trial.error for _, trial in trials if trial.failed]
    return failed[0].exit_code if failed and failed[0] is not None else 0


def _row(card: type[Layer], trial: Trial) -> dict[str, object]:
    return {
        "card": card.__name__,
        "format": trial.format,
        "what": trial.what,
        "outcome": trial.outcome,
        "failed": trial.failed,
    }
