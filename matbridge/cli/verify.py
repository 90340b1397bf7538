"""matbridge verify: does the network compute what was expected?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from matbridge.cli.against import Other
from matbridge.cli.many import (
    Row,
    all_option,
    are_many,
    expanded,
    networks_of,
    one_of,
    paths_argument,
    run_all,
    show_all,
)
from matbridge.cli.options import (
    json_option,
    network_option,
    reading_options,
)
from matbridge.cli.predict import gather_inputs, in_file, named_classes, run_options, session_of
from matbridge.cli.record import Trained
from matbridge.cli.series import SeriesOptions, beside, read_delays, series_options
from matbridge.cli.terminal import (
    Terminal,
    console,
    print_json,
    progress_bar,
    styled,
    table,
    warn_of,
)
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.predict.class_names import is_labels, number_labels
from matbridge.predict.data import read_data
from matbridge.text import visible
from matbridge.verify.compare import DEFAULT_TOLERANCE, Comparison, compare
from matbridge.verify.labels import Confusion
from matbridge.verify.saturation import HIGH, saturation

__all__ = ["command"]

# The most classes whose confusion is shown as a table.
MANY_CLASSES = 12
# The share of saturated scores from which they are worth a word.
MANY = 0.5


@dataclass(frozen=True)
class Question:
    """What a network is run on, and what is expected of it. Data that begin with a colon are
    variables of the network's own file."""

    inputs: tuple[str, ...]
    expected: tuple[str, ...]
    tolerance: float
    options: Mapping[str, Any]
    max_size: int
    series: SeriesOptions
    resize: bool = False
    classes: str | None = None

    def answer(self, path: Path, network: Network) -> Answer:
        """Run the network of a file, and compare each output."""
        warn_of(network.report)
        network = self.series.changed(network)
        data = gather_inputs(network, self.inputs, self.max_size, path, self.resize)
        wanted = [read_data(in_file(text, path), self.max_size) for text in self.expected]
        if len(wanted) == 1:
            wanted = [number_labels(wanted[0], network.classes)]
        labels = len(wanted) == 1 and is_labels(wanted[0])
        result = self._run(network, data, labels, path)
        results = result if isinstance(result, tuple) else (result,)
        if len(results) != len(wanted):
            raise MismatchError(
                f"the network has {len(results)} outputs, {len(wanted)} are expected"
            )
        if network.kind.columns and not labels:
            # One may be a cell of steps, the other a matrix of them.
            results, wanted = tuple(map(beside, results)), [*map(beside, wanted)]
        outputs = list(zip(network.output_names, results, wanted, strict=True))
        return Answer(
            {name: compare(y, t, self.tolerance) for name, y, t in outputs},
            {name: saturation(y) for name, y, _ in outputs},
        )

    def _run(self, network: Network, data: Sequence[Any], labels: bool, path: Path) -> Any:
        """What the network gives, or its class names."""
        options = read_delays(self.options, network, path, self.max_size)
        if self.series.forecast:
            return self.series.beyond(network, data, path, self.max_size)
        data, options = self.series.prepared(network, data, options)
        with (
            progress_bar("predicting") as progress,
            session_of(network, options) as (session, rest),
        ):
            if not labels:
                return session.predict(*data, **rest, progress=progress)
            names = named_classes(self.classes, self.max_size, path)
            return session.classify(*data, classes=names, **rest, progress=progress)


@dataclass(frozen=True)
class Answer:
    """The verdict on each output, and the share of its scores that are saturated."""

    verdicts: Mapping[str, Comparison]
    saturated: Mapping[str, float]

    @property
    def agree(self) -> bool:
        return all(verdict.agree for verdict in self.verdicts.values())

    @property
    def code(self) -> int:
        return 0 if self.agree else 1

    def as_dict(self) -> dict[str, object]:
        """For --json."""
        outputs = {
            name: {**verdict.as_dict(), "saturated": self.saturated[name]}
            for name, verdict in self.verdicts.items()
        }
        return {"verdict": "agree" if self.agree else "differ", "outputs": outputs}


@click.command("verify")
@paths_argument
@run_options
@click.option("--expected", multiple=True, metavar="DATA",
              help="What MATLAB computed: numbers, a cell, or categorical labels. Once for "
                   "each output.")  # fmt: skip
@click.option("--tolerance", type=float, default=DEFAULT_TOLERANCE, show_default=True,
              help="Of the largest expected value.")  # fmt: skip
@click.option("--against", "other", type=click.Path(path_type=Path), metavar="NET",
              help="Another network, in any file that is read: the same inputs through both, "
                   "random ones without --input.")  # fmt: skip
@click.option("--targets", multiple=True, metavar="DATA",
              help="Of a shallow network what it was trained to give: the performances of its "
                   "training record are verified. Once for each output.")  # fmt: skip
@click.option("--record", default=":tr", show_default=True, metavar="DATA",
              help="The training record, with --targets.")  # fmt: skip
@series_options
@all_option
@network_option
@reading_options
@json_option
def command(
    paths: tuple[Path, ...],
    inputs: tuple[str, ...],
    other: Path | None,
    expected: tuple[str, ...],
    tolerance: float,
    targets: tuple[str, ...],
    record: str,
    resize: bool,
    classes: str | None,
    options: dict[str, Any],
    series: SeriesOptions,
    every: bool,
    network: str | None,
    reading: Reading,
    as_json: bool,
) -> int:
    """Run the network in FILE and compare with what is expected, or with another network.

    Exit code 0 if they agree, 1 if they differ, 5 if there is nothing to compare. Several
    files, or folders, give a row for each; :X is then the variable X of each file. Against
    another network the verdict is identical, rounding or different, told by running both in
    float64 and in float32; --tolerance and --dtype are for --expected.

    \b
    Example:
      matbridge verify net.mat --input data.mat:XTest --expected data.mat:YPred
      matbridge verify models/ --input :XTest --expected :YPred
      matbridge verify net.mat --against net.onnx
      matbridge verify net.mat --input :inputs --targets :targets
      matbridge verify narx.mat --prepare --input :X --input :T --expected :Y
      matbridge verify narx.mat --prepare --input :X --targets :T
    """
    from matbridge.verify.compare import EmptyComparisonError

    if sum(map(bool, (expected, other, targets))) > 1:
        raise MismatchError("one of --expected, --against and --targets", mend="Leave out others.")
    series.check(options["format"])
    if series.forecast and not expected:
        raise MismatchError("--forecast goes with --expected")
    if other and series != SeriesOptions():
        raise MismatchError("both networks run on the same inputs, without loops changed or states")
    if targets:
        trained = Trained(inputs, targets, record, tolerance, options, series, reading)
        return _compare(paths, every, network, trained, as_json)
    if other is not None:
        rival = Other(other, inputs, options["format"], resize, reading)
        return _compare(paths, every, network, rival, as_json)
    if not expected:
        raise EmptyComparisonError(
            "nothing is expected", mend="Give --expected DATA, as MATLAB computed it."
        )
    question = Question(
        inputs, expected, tolerance, options, reading.max_size, series, resize, classes
    )
    if are_many(paths, every):
        rows = run_all(
            expanded(paths),
            lambda path: networks_of(path, network, every, reading),
            lambda path, address, one: _row(path, address, question.answer(path, one)),
        )
        return show_all(rows, as_json)
    one = one_of(paths[0], network, reading)
    answer = question.answer(paths[0], one)
    if as_json:
        print_json({**answer.as_dict(), "dtype": options["dtype"] or one.dtype})
    else:
        show(answer)
    return answer.code


def _compare(
    paths: tuple[Path, ...],
    every: bool,
    address: str | None,
    rival: Other | Trained,
    as_json: bool,
) -> int:
    """Each network against the other one, or its training record."""
    if are_many(paths, every):
        rows = run_all(
            expanded(paths),
            lambda path: networks_of(path, address, every, rival.reading),
            lambda path, address, one: rival.answer(path, one).row(path, address),
        )
        return show_all(rows, as_json)
    verdict = rival.answer(paths[0], one_of(paths[0], address, rival.reading))
    if as_json:
        print_json(verdict.as_dict())
    else:
        verdict.show()
    return verdict.code


def _row(path: Path, address: str, answer: Answer) -> Row:
    worst = max(answer.verdicts.values(), key=lambda verdict: verdict.max_rel)
    share = max(answer.saturated.values())
    outcome = f"{'agree' if answer.agree else 'differ'}, largest difference {worst.max_rel:.3g}"
    outcome += f", {share:.0%} saturated" if share > MANY else ""
    return Row(str(path), address, outcome, answer.code, answer.as_dict())


def show(answer: Answer) -> None:
    """The figures as a table, then the verdict."""
    out, verdicts = console(), answer.verdicts
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
    for name, share in answer.saturated.items():
        if share > MANY:
            out.print(
                f"  {name}: {share:.0%} of the winning scores are saturated, above {HIGH}: other "
                "weights could give the same; compare what comes before the last layer too"
            )


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
