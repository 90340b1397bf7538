"""matbridge predict: run a network on data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np

from matbridge.cli.data import gather_inputs, in_file, named_classes, split_input
from matbridge.cli.many import one_of
from matbridge.cli.options import (
    json_option,
    network_option,
    path_argument,
    reading_options,
)
from matbridge.cli.series import (
    FINAL_STATES,
    STATE_OPTIONS,
    SeriesOptions,
    as_cell,
    read_delays,
    series_options,
    tell_states,
    write_simulated,
)
from matbridge.cli.terminal import print_json, progress_bar, say, tell, warn_of
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.files import check_target, written
from matbridge.predict.data import check_name, split_name, write_data
from matbridge.predict.engines import AUTO, ENGINES
from matbridge.predict.series import Simulated

__all__ = ["check_inputs", "command", "run_options", "session_of", "tell_engine"]


def _sequence_length(ctx: click.Context, param: click.Parameter, value: str | None) -> object:
    return int(value) if value is not None and value.isdigit() else value


RUN_OPTIONS = (
    click.option("--input", "inputs", multiple=True, metavar="DATA",
                 help="Data: file.mat:X, file.npy, file.npz:x, file.csv or an image; parts such as "
                      "file.mat:X(1:3,:), S.a{2}; NAME=DATA for one of several inputs. Once "
                      "for each input."),
    click.option("--resize", is_flag=True,
                 help="Resize images H×W×C×N to the size of the input, as MATLAB's imresize."),
    click.option("--classes", metavar="NAMES",
                 help="Class names in the order of the scores, where the network has none: a,b,c "
                      "or data.mat:classes."),
    click.option("--format", metavar="DIMS",
                 help="Order of the data's dimensions, such as TC or SSCB; several by comma."),
    click.option("--dtype", type=click.Choice(["float32", "float64"]),
                 help="The type to compute in, without it that of MATLAB: float64 for shallow "
                      "networks, fitcnet and fitrnet, else float32."),
    click.option("--device", default="cpu", show_default=True, help="cpu, cuda or mps."),
    click.option("--engine", type=click.Choice([AUTO, *ENGINES]), default=AUTO,
                 show_default=True,
                 help="What computes; auto is the fastest that can."),
    click.option("--verbose", is_flag=True, help="Say what computed, and why not another."),
    click.option("--mini-batch-size", type=click.IntRange(1), default=128, show_default=True,
                 help="Observations that run at once."),
    click.option("--sequence-length", metavar="LENGTH", callback=_sequence_length,
                 help="Pad, cut or split sequences as MATLAB does: longest, shortest or a "
                      "number of steps. Without it each is computed exactly."),
    click.option("--padding-direction", type=click.Choice(["left", "right"]), default="right",
                 show_default=True),
    click.option("--padding-value", type=float, default=0.0, show_default=True),
    click.option("--sort-by-length", is_flag=True,
                 help="Make mini-batches of sequences of like length."),
    *STATE_OPTIONS,
)  # fmt: skip
# Options that open a session, and those of its predict.
OPENING = ("dtype", "device", "engine", "verbose")
OPTIONS = (
    *OPENING,
    "mini_batch_size",
    "sequence_length",
    "padding_direction",
    "padding_value",
    "sort_by_length",
    "initial_input_delays",
    "initial_layer_delays",
)


def run_options(function: Callable[..., object]) -> Callable[..., object]:
    """Options of every command that runs a network: ``inputs``, and ``options`` of predict."""

    @functools.wraps(function)
    def wrapped(*args: object, format: str | None, **given: object) -> object:
        options = {name: given.pop(name) for name in OPTIONS}
        options["format"] = format.split(",") if format and "," in format else format
        if given["resize"] and format and not format.upper().startswith("SSC"):
            raise MismatchError("--resize takes images H×W×C×N, without --format")
        return function(*args, options=options, **given)

    for option in reversed(RUN_OPTIONS):
        option(wrapped)
    return wrapped


def check_inputs(inputs: Sequence[str]) -> None:
    """Raise what click raises where --input is missing."""
    if not inputs:
        raise click.MissingParameter(param_hint="'--input'", param_type="option")


@contextmanager
def session_of(network: Network, options: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """A session as the options ask for it, and those that its predict takes.

    With ``verbose`` it is told afterwards what computed.
    """
    opening = {name: options[name] for name in OPENING}
    verbose = opening.pop("verbose")
    with network.session(**opening) as session:
        yield session, {k: v for k, v in options.items() if k not in OPENING}
        if verbose:
            say(f"engine: {session.choice}")


def tell_engine(network: Network, options: Mapping[str, Any]) -> None:
    """What computed, and why not another."""
    names = {"dtype", "device", "engine"} & set(options)
    with network.session(**{name: options[name] for name in names}) as session:
        say(f"engine: {session.choice}")


@click.command("predict")
@path_argument
@run_options
@click.option("-o", "--output", metavar="FILE[:NAME]", help="Where to: .mat, .npy, .npz, .csv.")
@click.option("--part", metavar="PART", help="Of an autoencoder: encode or decode.")
@click.option("--classify", is_flag=True, help="Class names instead of scores.")
@click.option("--scores", is_flag=True, help="With --classify: the scores beside the names.")
@click.option("--force", is_flag=True, help="Overwrite the output.")
@series_options
@FINAL_STATES
@network_option
@reading_options
@json_option
def command(
    path: Path,
    inputs: tuple[str, ...],
    output: str | None,
    part: str | None,
    classify: bool,
    scores: bool,
    force: bool,
    resize: bool,
    classes: str | None,
    options: dict[str, Any],
    series: SeriesOptions,
    network: str | None,
    reading: Reading,
    as_json: bool,
) -> None:
    """Run the network in FILE on data, in the layout of MATLAB's predict.

    Images are H×W×C×N, sequences C×T or a cell of them, features N×C. Shallow networks take
    samples as columns, and with delays a cell of steps or R×T.

    \b
    Example:
      matbridge predict net.mat --input data.mat:XTest -o scores.mat:YPred
      matbridge predict net.mat --input rows.csv --format BC --classify --scores -o y.csv
      matbridge predict net.mat --input data.mat:XTest --sequence-length longest
      matbridge predict autoenc.mat --part encode --input data.mat:X -o codes.mat:Z
      matbridge predict narx.mat --input :X --initial-input-delays :Xi -o y.mat --final-states
      matbridge predict narx.mat --prepare --input :X --input :T -o y.mat
      matbridge predict nar.mat --input :T --forecast 12
      matbridge predict narx.mat --input :X --input :T --forecast 12 --future :X2
    """
    check_inputs(inputs)
    if (scores or classes) and not classify:
        raise MismatchError("--scores and --classes go with --classify")
    opened = one_of(path, network, reading)
    opened = opened.part(part) if part else opened
    warn_of(opened.report)
    opened = series.changed(opened)
    target, name = split_name(output) if output else (None, "")
    series.check(options["format"], target)
    data = (in_file(split_input(opened, text)[1], path) for text in inputs)
    reads = [path, *(split_name(text)[0] for text in data if not text.isdecimal())]
    if target is not None:
        check_target(target, force, reads)
        check_name(target, name or "Y", scores)
    given = gather_inputs(opened, inputs, reading.max_size, path, resize)
    names = named_classes(classes, reading.max_size, path)
    options = read_delays(options, opened, path, reading.max_size)
    options |= {"classes": names, "scores": scores} if classify else {}
    if series.forecast:
        result = series.beyond(opened, given, path, reading.max_size)
    else:
        result = _run(opened, given, options, series, classify)
    outputs = result.outputs if isinstance(result, Simulated) else result
    results = outputs if isinstance(outputs, tuple) else (outputs,)
    if target is None:
        titles = ("labels", "scores") if scores else opened.output_names
        _show(dict(zip(titles, results, strict=True)), as_json)
        if isinstance(result, Simulated):
            tell_states(result)
        return
    with written(target, force, reads) as temporary:
        if isinstance(result, Simulated):
            write_simulated(result, temporary, name or "Y")
        else:
            _write(opened, results, temporary, name or "Y", names, scores)
    if as_json:
        print_json({"output": str(target), "shapes": [_shapes(r) for r in results]})
    else:
        shapes = ", ".join(str(_shapes(r)) for r in results)
        tell(f"{target}: {shapes}")


def _run(
    network: Network,
    data: Sequence[Any],
    options: Mapping[str, Any],
    series: SeriesOptions,
    classify: bool,
) -> Any:
    """What the network gives, or its class names."""
    data, options = series.prepared(network, data, options)
    with (
        progress_bar("predicting") as progress,
        session_of(network, options) as (session, rest),
    ):
        run = session.classify if classify else session.predict
        return run(*data, **rest, progress=progress)


def _write(
    network: Network,
    results: Sequence[Any],
    path: Path,
    name: str,
    names: Sequence[str],
    scores: bool,
) -> None:
    classes = names or network.classes
    if scores:
        write_data(results[0], path, name, classes, results[1])
        return
    cells = [as_cell(result) if network.kind.columns else result for result in results]
    write_data(cells[0] if len(cells) == 1 else cells, path, name, classes)


def _shapes(result: Any) -> object:
    if isinstance(result, list):
        return f"{len(result)} sequences"
    return "×".join(map(str, np.shape(result)))


def _show(named: Mapping[str, Any], as_json: bool) -> None:
    """The numbers themselves, by output name."""
    if as_json:
        print_json({name: _plain(value) for name, value in named.items()}, versioned=False)
        return
    for name, value in named.items():
        for part in value if isinstance(value, list) else [value]:
            tell(f"{name} {_shapes(part)}")
            tell(np.array2string(np.asarray(part), threshold=1000, max_line_width=110))


def _plain(value: object) -> object:
    return [_plain(v) for v in value] if isinstance(value, list) else np.asarray(value).tolist()
