"""Why a verification differs: options that say whether, and for how long, causes are tried."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass

import click

from matbridge.cli.terminal import progress_bar
from matbridge.verify.diagnose import diagnose
from matbridge.verify.verification import Verification

__all__ = ["Causes", "causes_options"]


@dataclass(frozen=True)
class Causes:
    """Whether causes are tried, and for how many seconds at most."""

    wanted: bool = True
    time_limit: float = 60.0

    def of(self, verification: Verification) -> Verification:
        """The verification with a diagnosis, where it differs and a case is at hand."""
        case = verification.case
        if not self.wanted or verification.verdict != "different" or case is None:
            return verification
        with progress_bar("trying causes, seconds") as progress:
            diagnosis = diagnose(
                case, self.time_limit, progress, divergence=verification.divergence
            )
        return dataclasses.replace(verification, diagnosis=diagnosis)


def causes_options(function: Callable[..., object]) -> Callable[..., object]:
    """What it says is one ``causes``."""

    @click.option("--diagnosis/--no-diagnosis", default=True, show_default=True,
                  help="Whether the usual causes are tried where it is different.")  # fmt: skip
    @functools.wraps(function)
    def wrapped(*args: object, diagnosis: bool, **named: object) -> object:
        return function(*args, causes=Causes(diagnosis), **named)

    return wrapped
