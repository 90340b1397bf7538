"""What shallow networks with delays are run with: states, loops closed, whole series, forecasts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from matbridge.cli.terminal import tell
from matbridge.core.network import Network
from matbridge.core.series import Prepared
from matbridge.errors import MismatchError
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat
from matbridge.predict.data import read_data
from matbridge.predict.series import Simulated

__all__ = [
    "FINAL_STATES",
    "STATE_OPTIONS",
    "SeriesOptions",
    "as_cell",
    "beside",
    "read_delays",
    "series_options",
    "states_of",
    "tell_states",
    "write_simulated",
]

STATE_OPTIONS = (
    click.option("--initial-input-delays", metavar="DATA",
                 help="Of a shallow network with delays MATLAB's Xi: the inputs before the first "
                      "step, a cell of inputs × delays. Zeros without it."),
    click.option("--initial-layer-delays", metavar="DATA",
                 help="MATLAB's Ai: what the layers gave before the first step, a cell of "
                      "layers × delays."),
)  # fmt: skip
SERIES_OPTIONS = (
    click.option("--remove-delay", type=click.IntRange(1), metavar="STEPS",
                 help="As MATLAB's removedelay: outputs come so many steps earlier."),
    click.option("--close-loop", is_flag=True,
                 help="As MATLAB's closeloop: the network takes its own outputs back."),
    click.option("--prepare", is_flag=True,
                 help="The data are whole series, as for preparets: inputs, then targets. Their "
                      "first steps become states."),
    click.option("--forecast", type=click.IntRange(1), metavar="STEPS",
                 help="So many steps beyond the end of whole series: to their end in open loop, "
                      "then closed."),
    click.option("--future", multiple=True, metavar="DATA",
                 help="With --forecast the inputs of these steps, of a network that has inputs "
                      "beside its feedback. Once for each."),
)  # fmt: skip
FINAL_STATES = click.option(
    "--final-states",
    is_flag=True,
    help="With the output in a .mat the states after the run, as Xf and Af.",
)


@dataclass(frozen=True)
class SeriesOptions:
    """How series are run through a network with delays."""

    remove_delay: int | None = None
    close_loop: bool = False
    prepare: bool = False
    forecast: int | None = None
    future: tuple[str, ...] = ()
    final_states: bool = False

    def check(self, format: object, target: Path | None = None) -> None:
        """Raise MismatchError where two options exclude each other."""
        if format and (self.prepare or self.forecast):
            raise MismatchError(
                "whole series are cells or R×T, without --format",
                mend="Transpose others: data.mat:X'.",
            )
        if self.future and not self.forecast:
            raise MismatchError("--future goes with --forecast")
        if self.forecast and (self.prepare or self.final_states or self.close_loop):
            raise MismatchError("--forecast prepares the series and closes the loop itself")
        if self.final_states and target is not None and target.suffix.lower() != ".mat":
            raise MismatchError("--final-states writes cells", mend="Use a .mat.")

    def changed(self, network: Network) -> Network:
        """The network with its delays removed and its loop closed as asked."""
        if self.remove_delay:
            network = network.remove_delay(self.remove_delay)
        return network.close_loop() if self.close_loop else network

    def beyond(self, network: Network, data: Sequence[Any], file: Path, limit: int) -> Any:
        """The steps beyond the end of the series."""
        inputs = self.coming(file, limit)
        return network.forecast(*data, steps=self.forecast or 0, inputs=inputs)

    def coming(self, file: Path, limit: int) -> tuple[Any, ...]:
        """The inputs of the steps beyond."""
        texts = [f"{file}{text}" if text.startswith(":") else text for text in self.future]
        return tuple(read_data(text, limit) for text in texts)

    def prepared(
        self, network: Network, data: Sequence[Any], options: Mapping[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """The data and the options of predict, from whole series if asked."""
        told = dict(options)
        if self.final_states:
            _check_class(network, "--final-states")
            told["final_states"] = True
        if not self.prepare:
            return data, told
        prepared = network.prepare(*data)
        return prepared.inputs, told | states_of(prepared)


def states_of(prepared: Prepared) -> dict[str, object]:
    """The states of series made ready, as predict takes them."""
    names = ("initial_input_delays", "initial_layer_delays")
    return {name: getattr(prepared, name) for name in names}


def series_options(function: Callable[..., object]) -> Callable[..., object]:
    """How series are run, as one ``series``."""

    @functools.wraps(function)
    def wrapped(*args: object, **told: Any) -> object:
        names = SeriesOptions.__dataclass_fields__
        series = SeriesOptions(**{name: told.pop(name) for name in names if name in told})
        return function(*args, series=series, **told)

    for option in reversed(SERIES_OPTIONS):
        option(wrapped)
    return wrapped


def read_delays(
    options: Mapping[str, Any], network: Network, file: Path, limit: int
) -> dict[str, Any]:
    """Options of predict with the states that they name, without those that they do not.

    Data that begin with a colon are variables of ``file``.
    """
    read = dict(options)
    for name in ("initial_input_delays", "initial_layer_delays"):
        text = read.pop(name)
        if text is not None:
            _check_class(network, f"--{name.replace('_', '-')}")
            read[name] = read_data(f"{file}{text}" if text.startswith(":") else text, limit)
    return read


def _check_class(network: Network, option: str) -> None:
    if not network.kind.columns:
        raise MismatchError(f"{option} is for network objects, this is a {network.kind.words}")


def as_cell(steps: object) -> object:
    """A list of steps as MATLAB's cell 1×TS; anything else as it is."""
    return Cell(steps, (1, len(steps))) if isinstance(steps, list) else steps


def beside(value: object) -> np.ndarray:
    """S×N, the steps of a cell side by side, as numbers are compared."""
    if isinstance(value, list):
        return np.concatenate([np.atleast_2d(np.asarray(step, float)) for step in value], axis=1)
    return np.atleast_2d(np.asarray(value, float))


def write_simulated(simulated: Simulated, path: Path, name: str) -> None:
    """The outputs and, as cells with a row for each input or layer, the states after them."""
    outputs = simulated.outputs
    several = isinstance(outputs, tuple)
    values = {
        f"{name}{number}" if several else name: as_cell(output)
        for number, output in enumerate(outputs if several else (outputs,), 1)
    }
    states = {"Xf": simulated.final_input_delays, "Af": simulated.final_layer_delays}
    write_mat(path, {**values, **{n: _rows(rows) for n, rows in states.items()}})


def _rows(rows: Sequence[Sequence[np.ndarray]]) -> Cell:
    """A cell of rows × delays, stored column by column."""
    depth = len(rows[0]) if rows else 0
    return Cell([row[step] for step in range(depth) for row in rows], (len(rows), depth))


def tell_states(simulated: Simulated) -> None:
    """The states after the run, a line for each."""
    states = {"Xf": simulated.final_input_delays, "Af": simulated.final_layer_delays}
    for name, rows in states.items():
        for number, row in enumerate(rows, 1):
            for step, state in enumerate(row, 1):
                tell(f"{name}{{{number},{step}}}")
                tell(np.array2string(np.asarray(state), threshold=1000, max_line_width=110))
