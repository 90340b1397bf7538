"""matbridge verify: does the network compute what was expected?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from matbridge.cli.options import (
    cards_option,
    json_option,
    max_size_option,
    network_option,
    path_argument,
)
from matbridge.cli.predict import gather_inputs, run_options
from matbridge.cli.terminal import (
    Terminal,
    console,
    print_json,
    progress_bar,
    styled,
    table,
    warn_of,
)
from matbridge.core.registry import Registry
from matbridge.errors import MismatchError
from matbridge.languages import load
from matbridge.predict.class_names import is_labels
from matbridge.predict.data import read_data
from matbridge.text import visible
from matbridge.verify.compare import DEFAULT_TOLERANCE, Comparison, compare
from matbridge.verify.labels import Confusion

__all__ = ["command"]

# The most classes whose confusion is shown as a table.
MANY_CLASSES = 12


@click.command("verify")
@path_argument
@run_options
@click.option("--expected", multiple=True, metavar="DATA",
              help="What MATLAB computed: numbers, a cell, or categorical labels. Once for "
                   "each output.")  # fmt: skip
@click.option("--tolerance", type=float, default=DEFAULT_TOLERANCE, show_default=True,
              help="Of the largest expected value.")  # fmt: skip
@network_option
@cards_option
@max_size_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    path: Path,
    inputs: tuple[str, ...],
    expected: tuple[str, ...],
    tolerance: float,
    options: dict[str, Any],
    network: str | None,
    registry: Registry,
    max_size: int,
    as_json: bool,
) -> int:
    """Run the network in FILE and compare with what is expected.

    Exit code 0 if they agree, 1 if they differ, 5 if there is nothing to compare.

    \b
    Example:
      matbridge verify net.mat --input data.mat:XTest --expected data.mat:YPred
    """
    from matbridge.verify.compare import EmptyComparisonError

    if not expected:
        raise EmptyComparisonError(
            "nothing is expected", mend="Give --expected DATA, as MATLAB computed it."
        )
    found = load(path, network, registry, max_size)
    warn_of(found.report)
    given = gather_inputs(found, inputs, max_size)
    wanted = [read_data(text, max_size) for text in expected]
    labels = len(wanted) == 1 and is_labels(wanted[0])
    with progress_bar("predicting") as progress:
        run = found.classify if labels else found.predict
        result = run(*given, **options, progress=progress)
    results = result if isinstance(result, tuple) else (result,)
    if len(results) != len(wanted):
        raise MismatchError(f"the network has {len(results)} outputs, {len(wanted)} are expected")
    verdicts = {
        name: compare(one, other, tolerance)
        for name, one, other in zip(found.output_names, results, wanted, strict=True)
    }
    agree = all(verdict.agree for verdict in verdicts.values())
    if as_json:
        outputs = {name: verdict.as_dict() for name, verdict in verdicts.items()}
        print_json(
            {
                "verdict": "agree" if agree else "differ",
                "dtype": options["dtype"],
                "outputs": outputs,
            }
        )
    else:
        show(verdicts)
    return 0 if agree else 1


def show(verdicts: dict[str, Comparison]) -> None:
    """The figures as a table, then the verdict."""
    out = console()
    rows = table("Output", "Elements", "Max abs", "Max rel", "RMSE", "Within", "Verdict")
    for name, one in verdicts.items():
        verdict = styled("agree", "green") if one.agree else styled("differ", "red")
        figures = (f"{one.max_abs:.3g}", f"{one.max_rel:.3g}", f"{one.rmse:.3g}")
        rows.add_row(name, f"{one.elements:,}", *figures, f"{one.share:.2%}", verdict)
    out.print(rows)
    for name, one in verdicts.items():
        if one.note:
            out.print(f"  {name}: {one.note}")
        if one.confusion:
            show_confusion(out, one.confusion)
        if not one.agree and one.tolerance:
            out.print(f"  {name}: a tolerance of {one.max_rel:.3g} would be needed")


def show_confusion(out: Terminal, confusion: Confusion) -> None:
    """A row for each class expected, a column for each found; only where they are few."""
    if len(confusion.classes) > MANY_CLASSES:
        out.print(f"  {len(confusion.classes)} classes; --json shows which are confused")
        return
    classes = [visible(name) for name in confusion.classes]
    rows = table("expected \\ found", *classes)
    for name, counts in zip(classes, confusion.counts, strict=True):
        rows.add_row(name, *map(str, counts))
    out.print(rows)
