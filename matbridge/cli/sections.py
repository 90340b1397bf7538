"""Options under headings: --help of a command that has many tells the usual ones first."""

from __future__ import annotations

from collections.abc import Mapping

import click

__all__ = ["Sectioned"]

# By heading the options that stand below it, in their order; all others come last.
SECTIONS = {
    "What is compared, or recorded": (
        "--input --expected --expected-transform --fixture --against --data --targets --record "
        "--output --layers --seed --reset-state --keep-network --force --save-fixture"
    ),
    "The verdict": "--tolerance --atol --rtol --diagnosis --time-limit",
    "What is written": "--report --junit --json --verbose",
    "How the network runs": (
        "--format --resize --classes --mini-batch-size --sequence-length --padding-direction "
        "--padding-value --sort-by-length --dtype --device --engine"
    ),
    "Network objects with delays": (
        "--prepare --forecast --future --initial-input-delays --initial-layer-delays --close-loop "
        "--remove-delay"
    ),
    "How files are read": (
        "--network --all --cards --activations --max-size --allow-external-data"
    ),
}
REST = "Other"


class Sectioned(click.Command):
    """A command whose options stand under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each section that the command has options for."""
        told = {
            parameter.opts[-1]: record
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option)
            and (record := parameter.get_help_record(ctx)) is not None
        }
        for heading, names in SECTIONS.items():
            _write(formatter, heading, {n: told.pop(n) for n in names.split() if n in told})
        _write(formatter, REST, told)


def _write(
    formatter: click.HelpFormatter, heading: str, records: Mapping[str, tuple[str, str]]
) -> None:
    if records:
        with formatter.section(heading):
            formatter.write_dl([*records.values()])
