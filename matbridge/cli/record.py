"""matbridge record: what a network gives, kept as a fixture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from matbridge.cli.data import gather_inputs, in_file, named_classes, split_input
from matbridge.cli.many import one_of
from matbridge.cli.options import json_option, network_option, path_argument, reading_options
from matbridge.cli.predict import run_options, tell_engine
from matbridge.cli.sections import Sectioned
from matbridge.cli.series import read_delays
from matbridge.cli.terminal import print_json, progress_bar, tell, warn_of
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.files import check_target, sha256
from matbridge.predict.data import split_name
from matbridge.verify.case import Case, Source
from matbridge.verify.fixtures.record import EVERY, drawn, recorded
from matbridge.verify.fixtures.write import write_fixture

__all__ = ["command"]


def _names(ctx: click.Context, param: click.Parameter, value: str) -> str | tuple[str, ...]:
    return value if value == EVERY else tuple(name.strip() for name in value.split(",") if name)


@click.command("record", cls=Sectioned)
@path_argument
@run_options
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="MAT",
              help="The fixture to write.")  # fmt: skip
@click.option("--layers", default="", callback=_names, metavar="NAMES",
              help="Keep what these layers give too: all, or names by comma.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), metavar="NUMBER",
              help="Random inputs in place of --input, the same for the same number.")  # fmt: skip
@click.option("--reset-state", "zero", is_flag=True,
              help="Begin as after MATLAB's resetState, not with the states saved.")  # fmt: skip
@click.option("--keep-network", is_flag=True, help="Put the network into the fixture as well.")
@click.option("--force", is_flag=True, help="Overwrite the output.")
@network_option
@reading_options
@json_option
def command(
    path: Path,
    inputs: tuple[str, ...],
    output: Path,
    layers: str | tuple[str, ...],
    seed: int | None,
    zero: bool,
    keep_network: bool,
    force: bool,
    resize: bool,
    classes: str | None,
    options: dict[str, Any],
    network: str | None,
    reading: Reading,
    as_json: bool,
) -> None:
    """Run the network in FILE and keep what it was given and gave in a fixture.

    matbridge verify then tells whether anything has changed since, in the network, in matbridge
    or in the libraries below. In MATLAB matbridgeRecord writes the same (matbridge matlab-kit).

    \b
    Example:
      matbridge record net.mat --input data.mat:XTest -o ref.mat
      matbridge record net.mat --input :XTest --layers all -o ref.mat
      matbridge record net.mat --seed 1 --keep-network -o ref.mat
      matbridge verify net.mat --fixture ref.mat
    """
    if bool(inputs) == (seed is not None):
        raise MismatchError("either --input or --seed", mend="Give the data, or a number.")
    if output.suffix.lower() != ".mat":
        raise MismatchError("a fixture is a .mat", where=str(output))
    opened = one_of(path, network, reading)
    warn_of(opened.report)
    reads = _reads(opened, path, inputs)
    check_target(output, force, reads)
    verbose = options.pop("verbose")
    told = read_delays(options, opened, path, reading.max_size)
    data = gather_inputs(opened, inputs, reading.max_size, path, resize) or drawn(opened, seed or 0)
    with progress_bar("recording") as progress:
        case = recorded(opened, data, layers, "zero" if zero else "saved", progress, **told)
    names = tuple(named_classes(classes, reading.max_size, path)) or opened.classes
    source = Source(path.name, sha256(path), opened.provenance.address)
    write_fixture(
        output, case.replace(network_source=source, classes=names), force, reads, keep_network
    )
    _tell(case, output, as_json)
    if verbose:
        tell_engine(opened, told)


def _reads(network: Network, path: Path, inputs: tuple[str, ...]) -> list[Path]:
    """The files that are never written over."""
    data = (in_file(split_input(network, text)[1], path) for text in inputs)
    return [path, *(split_name(text)[0] for text in data if not text.isdecimal())]


def _tell(case: Case, output: Path, as_json: bool) -> None:
    """What was kept."""
    if as_json:
        kept = {"inputs": case.network.input_names, "outputs": case.network.output_names}
        print_json({"output": str(output), **kept, "layers": list(case.activations)})
        return
    count = len(case.activations)
    layers = f", {count} layer{'s' if count > 1 else ''}" if count else ""
    outputs = len(case.expected)
    tell(f"{output}: {outputs} output{'s' if outputs > 1 else ''}{layers}")
