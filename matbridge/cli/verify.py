"""matbridge verify: does the network compute what was expected?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

import click

from matbridge.cli.against import Other
from matbridge.cli.asked import Asked
from matbridge.cli.causes import Causes, causes_options
from matbridge.cli.data import gather_inputs, in_file, named_classes, source_of, variables_of
from matbridge.cli.fixtures import Fixtures, fixtures_in
from matbridge.cli.many import (
    Row,
    all_option,
    are_many,
    expanded,
    paths_argument,
    run_all,
    show_all,
)
from matbridge.cli.options import (
    json_option,
    network_option,
    reading_options,
)
from matbridge.cli.predict import check_inputs, run_options, tell_engine
from matbridge.cli.proof import Searching, searching_options
from matbridge.cli.reports import Reports, report_options
from matbridge.cli.sections import Sectioned
from matbridge.cli.series import SeriesOptions, read_delays, series_options
from matbridge.cli.terminal import print_json, progress_bar, warn_of
from matbridge.cli.training import Trained
from matbridge.cli.verdict import document, row, show
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MatbridgeError, MismatchError
from matbridge.predict.class_names import number_labels
from matbridge.predict.data import read_data, split_name
from matbridge.verify.case import AS_IT_IS, Case, Source, Transform
from matbridge.verify.compare import EmptyComparisonError
from matbridge.verify.expression import transform_of, variables_in
from matbridge.verify.fixtures.read import is_fixture, read_fixture
from matbridge.verify.judge import verify_case
from matbridge.verify.judgement import worst_of
from matbridge.verify.values import Limits
from matbridge.verify.verification import Verification

__all__ = ["command"]


# What becomes of the network of a file.
Answer = Callable[[Path, Network], Verification]


class Question(Protocol):
    """What gives cases: data that are named, a fixture, a workspace that is searched."""

    def cases(self, path: Path, network: Network) -> Iterator[Case]:
        """The cases of the network of a file; none where there is nothing to verify against."""


@dataclass(frozen=True)
class Named:
    """What a network is run on, and what is expected of it, as the user names them. Data that
    begin with a colon are variables of the network's own file."""

    inputs: tuple[str, ...]
    expected: tuple[str, ...]
    transform: str
    options: Mapping[str, Any]
    max_size: int
    series: SeriesOptions
    resize: bool = False
    classes: str | None = None

    def cases(self, path: Path, network: Network) -> Iterator[Case]:
        """The only one."""
        network = self.series.changed(network)
        data: Sequence[Any] = gather_inputs(network, self.inputs, self.max_size, path, self.resize)
        wanted = [read_data(in_file(text, path), self.max_size) for text in self.expected]
        if len(wanted) == 1:
            wanted = [number_labels(wanted[0], network.classes)]
        options = read_delays(self.options, network, path, self.max_size)
        if not self.series.forecast:
            data, options = self.series.prepared(network, data, options)
        yield Case(
            network,
            tuple(data),
            tuple(wanted),
            options,
            self._transform(path),
            steps=self.series.forecast or 0,
            future=self.series.coming(path, self.max_size),
            unresized=self._unresized(path, network),
            classes=tuple(named_classes(self.classes, self.max_size, path)),
            network_source=Source(str(path), variable=network.provenance.address),
            input_source=source_of(self.inputs, path),
            expected_source=source_of(self.expected, path),
        )

    def _unresized(self, path: Path, network: Network) -> tuple[Any, ...]:
        """The data as they were before --resize."""
        return (
            tuple(gather_inputs(network, self.inputs, self.max_size, path)) if self.resize else ()
        )

    def _transform(self, path: Path) -> Transform:
        """What was done to the output; its variables stand in the file of --expected, or else in
        that of the input or the network."""
        if not self.transform:
            return AS_IT_IS
        files = [split_name(in_file(text, path))[0] for text in (*self.expected, *self.inputs)]
        names = variables_in(self.transform)
        return transform_of(self.transform, variables_of(names, [*files, path], self.max_size))


@dataclass(frozen=True)
class Alone:
    """What a file says by itself: a fixture, of the network that it holds or names."""

    inputs: tuple[str, ...]
    options: Mapping[str, Any]
    max_size: int

    def cases(self, path: Path, network: Network) -> Iterator[Case]:
        """That of a fixture; EmptyComparisonError for other files."""
        if self.inputs or not is_fixture(path):
            raise EmptyComparisonError(
                "nothing is expected of it: there is nothing to compare with",
                where=path.name,
                mend="Give --expected DATA, what MATLAB computed, or --against another network. "
                "Without --input proof is looked for in the file.",
            )
        fixture = read_fixture(path, self.max_size)
        beside = path.parent / Path(network.provenance.file).name
        yield Fixtures((path,), self.options, self.max_size).case(fixture, beside, network)


@dataclass(frozen=True)
class Judging:
    """How cases become verifications."""

    limits: Limits
    causes: Causes
    verbose: bool = False

    def verified(self, question: Question, path: Path, network: Network) -> Verification:
        """The verification of the network of a file: of several cases the worst."""
        warn_of(network.report)
        verifications = [self.judged(case) for case in question.cases(path, network)]
        if not verifications:
            raise EmptyComparisonError("there is nothing to verify against", where=str(path))
        worst = worst_of(one.verdict for one in verifications)
        return next(one for one in verifications if one.verdict == worst)

    def judged(self, case: Case) -> Verification:
        with progress_bar("predicting") as progress:
            limits = dataclasses.asdict(self.limits)
            verification = verify_case(case, **limits, progress=progress)
        if self.verbose:
            tell_engine(case.network, case.options)
        return self.causes.of(verification)


@click.command("verify", cls=Sectioned)
@paths_argument
@run_options
@click.option("--expected", multiple=True, metavar="DATA",
              help="What MATLAB computed: numbers, a cell, or categorical labels. Once for "
                   "each output.")  # fmt: skip
@click.option("--expected-transform", "transform", default="", metavar="WORDS",
              help="What was done to the output y before it was kept, such as 'y*sig+mu', with "
                   "variables of the file of --expected.")  # fmt: skip
@click.option("--fixture", "fixtures", multiple=True, type=click.Path(path_type=Path),
              metavar="FIXTURE",
              help="A fixture that MATLAB or matbridge recorded, or a folder of them: a row for "
                   "each of several.")  # fmt: skip
@click.option("--tolerance", type=float, metavar="SHARE",
              help="What differs by no more than this share of the largest expected value is "
                   "close, and passes. Rounding needs none.")  # fmt: skip
@click.option("--atol", type=float, help="As numpy.allclose, for each element: what is within "
              "atol + rtol*|expected| is close, and passes.")  # fmt: skip
@click.option("--rtol", type=float, help="See --atol.")
@click.option("--against", "other", type=click.Path(path_type=Path), metavar="NET",
              help="Compare with another network, in any file that is read: the same inputs "
                   "through both, random ones without --input.")  # fmt: skip
@click.option("--targets", multiple=True, metavar="DATA",
              help="What a shallow network was trained to give: the performances in its training "
                   "record are verified. Once for each output.")  # fmt: skip
@click.option("--record", default=":tr", show_default=True, metavar="DATA",
              help="Where the training record stands, with --targets.")  # fmt: skip
@series_options
@all_option
@network_option
@reading_options
@causes_options
@report_options
@searching_options
@json_option
def command(
    paths: tuple[Path, ...],
    inputs: tuple[str, ...],
    other: Path | None,
    expected: tuple[str, ...],
    transform: str,
    fixtures: tuple[Path, ...],
    tolerance: float | None,
    atol: float | None,
    rtol: float | None,
    targets: tuple[str, ...],
    record: str,
    resize: bool,
    classes: str | None,
    options: dict[str, Any],
    series: SeriesOptions,
    every: bool,
    network: str | None,
    reading: Reading,
    causes: Causes,
    reports: Reports,
    searching: Searching,
    as_json: bool,
) -> int:
    """Run the network in FILE and compare with what is expected, or with another network.

    With neither, proof is looked for among the variables saved with the network in FILE.

    \b
    The verdict              means                                       exit code
      identical              equal to the last bit                       0
      rounding               no further apart than rounding explains     0
      close                  within --tolerance, or --atol and --rtol    0
      different              anything else; the usual causes are tried   1
      not verified           nothing to compare with; never a pass       5

    Several files, or folders, give a row for each. :X is the variable X of the network's own
    file. --dtype float64 says that MATLAB computed in double precision.

    \b
    Example:
      matbridge verify workspace.mat                      # find the proof in it
      matbridge verify net.mat --input data.mat:XTest --expected data.mat:YPred
      matbridge verify net.mat --input :X --expected :Y --report out.html
      matbridge verify net.mat --input :X --expected :Y --expected-transform "y*sig+mu"
      matbridge verify ref.mat                            # recorded by matbridgeRecord
      matbridge verify net.mat --fixture ref.mat
      matbridge verify net.mat --against net.onnx         # two networks
      matbridge verify models/ --input :XTest --expected :YPred --junit out.xml
    Network objects (nntool, nftool, ntstool):
      matbridge verify net.mat --input :inputs --targets :targets
      matbridge verify narx.mat --prepare --input :X --input :T --expected :Y
      matbridge verify narx.mat --prepare --input :X --targets :T
    """
    _check_one(
        {"--expected": expected, "--fixture": fixtures, "--against": other, "--targets": targets}
    )
    if (expected or targets) and not (targets and series.prepare):
        # Whole series of a network without inputs of its own are its targets.
        check_inputs(inputs)
    series.check(options["format"])
    if series.forecast and not expected:
        raise MismatchError("--forecast goes with --expected")
    if other and series != SeriesOptions():
        raise MismatchError("both networks run on the same inputs, without loops changed or states")
    limits, asked = Limits(tolerance, atol, rtol), Asked(paths, every, network, reading)
    reports.check(paths)
    if targets:
        trained = Trained(inputs, targets, record, limits, options, series, reading)
        return _verify(asked, trained.verified, reports, as_json)
    if other is not None:
        rival = Other(other, inputs, options["format"], resize, reading)
        return _verify(asked, rival.verified, reports, as_json)
    if transform and not expected:
        raise MismatchError("--expected-transform goes with --expected")
    causes = dataclasses.replace(causes, time_limit=searching.time_limit)
    judging = Judging(limits, causes, verbose=options.pop("verbose"))
    if fixtures:
        recorded = Fixtures(tuple(fixtures_in(fixtures)), options, reading.max_size)
        if len(recorded.paths) > 1:
            rows = _rows(asked, judging, recorded)
            reports.write(rows, paths)
            return show_all(rows, as_json)
        return _verify(asked, partial(judging.verified, recorded), reports, as_json)
    if not expected:
        alone = Alone(inputs, options, reading.max_size)
        asked = dataclasses.replace(asked, alone=True)
        return _alone(asked, judging, alone, searching, reports, as_json)
    named = Named(inputs, expected, transform, options, reading.max_size, series, resize, classes)
    return _verify(asked, partial(judging.verified, named), reports, as_json)


def _check_one(sides: Mapping[str, object]) -> None:
    """Raise MismatchError where more than one says what to compare with."""
    named = [option for option, value in sides.items() if value]
    if len(named) > 1:
        raise MismatchError(
            f"{' and '.join(named)} do not go together",
            mend="Each says what to compare with: give one of them.",
        )


def _rows(asked: Asked, judging: Judging, recorded: Fixtures) -> list[Row]:
    """A row for each network on each fixture."""
    return [
        one
        for path in expanded(asked.paths)
        for one in _rows_of(path, partial(asked.networks, path), judging, recorded)
    ]


def _rows_of(
    path: Path,
    networks: Callable[[], Iterator[tuple[str, Network | MatbridgeError]]],
    judging: Judging,
    recorded: Fixtures,
) -> list[Row]:
    """Those of one file, which is read once."""
    read = cache(lambda: tuple(networks()))
    return run_all(
        recorded.paths,
        lambda _: read(),
        lambda file, address, one: row(
            file, address, judging.verified(recorded.only(file), path, one)
        ),
    )


def _verify(asked: Asked, answer: Answer, reports: Reports, as_json: bool) -> int:
    """The answer for each network, shown; the exit code."""
    if are_many(asked.paths, asked.every):
        rows = run_all(
            asked.files(),
            asked.networks,
            lambda path, address, one: row(path, address, answer(path, one)),
        )
        reports.write(rows, asked.paths)
        return show_all(rows, as_json)
    path = asked.paths[0]
    with reports.failures(path, asked.address or "", asked.paths):
        verification = answer(path, asked.network(path))
    reports.write([row(path, asked.address or "", verification)], asked.paths)
    if as_json:
        print_json(document(verification))
    else:
        show(verification)
    return verification.code


def _alone(
    asked: Asked,
    judging: Judging,
    alone: Alone,
    searching: Searching,
    reports: Reports,
    as_json: bool,
) -> int:
    """Fixtures as they say; of other files what their workspaces prove."""
    if alone.inputs or asked.is_one_fixture:
        return _verify(asked, partial(judging.verified, alone), reports, as_json)
    searching = dataclasses.replace(searching, verbose=judging.verbose)
    return searching.run(
        asked,
        lambda path, address, one: row(path, address, judging.verified(alone, path, one)),
        reports,
        as_json,
    )
