"""Cases written as fixtures, and what the runtime gives made into one; see docs/fixtures.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matbridge.core.dims import Size
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.files import written
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat
from matbridge.predict.class_names import is_labels
from matbridge.verify.case import Case
from matbridge.verify.form import (
    ACTIVATION,
    DELAYS,
    FIXTURE,
    FORM,
    FUTURE,
    INPUT,
    NETWORK,
    OPTIONS,
    OUTPUT,
    STATES,
    VERSION,
)
from matbridge.verify.states import states_of
from matbridge.version import VERSION as PROGRAM

__all__ = ["write_fixture"]

# The most bytes of a variable in a file of version 7.
MOST_BYTES = (1 << 31) - (1 << 16)


def write_fixture(
    path: str | Path,
    case: Case,
    force: bool = False,
    reads: Sequence[Path] = (),
    network: bool = False,
) -> None:
    """Write a case as a fixture, with the ``network`` itself if asked for.

    Version 7, or 7.3 where a variable is beyond what that holds. ``reads`` are files that are
    never written over. Raises MismatchError where the file is there already and ``force`` is
    not given, or cannot be written.
    """
    variables = _variables(case)
    if network:
        from matbridge.matlab.saving import save_network

        variables[NETWORK] = save_network(case.network)
    version = "v7" if all(_bytes(v) < MOST_BYTES for v in variables.values()) else "v7.3"
    with written(Path(path), force, reads) as temporary:
        write_mat(temporary, variables, version)


def _variables(case: Case) -> dict[str, Any]:
    """The variables of the file, by name."""
    inputs = _in_order(case)
    activations = case.activations
    variables: dict[str, Any] = {FIXTURE: _fields(case, tuple(activations))}
    variables |= _numbered(INPUT, inputs)
    variables |= _numbered(FUTURE, case.future)
    variables |= _numbered(OUTPUT, case.expected)
    variables |= _numbered(ACTIVATION, [activations[name] for name in activations])
    for name, states in zip(STATES, (_initial(case), case.final_states), strict=True):
        if states:
            variables[name] = _rows_of_states(states)
    for name, ours in DELAYS.items():
        if case.options.get(ours) is not None:
            variables[name] = _cell_of_rows(case.options[ours])
    return variables


def _fields(case: Case, activations: Sequence[str]) -> dict[str, Any]:
    """The struct that says what this is."""
    network, about = case.network, case.network_source
    formats = _formats(case.options.get("format"), len(network.input_names))
    outputs = _output_formats(network, network.output_names, bool(formats[0]))
    layers = _output_formats(network, activations, bool(formats[0]))
    return {
        "form": FORM,
        "version": float(VERSION),
        "recorder": case.expected_source.details.get("recorder") or f"matbridge {PROGRAM}",
        "release": case.expected_source.release,
        "networkName": about.variable or network.provenance.address,
        "networkClass": network.class_name,
        "networkFile": Path(about.file or network.provenance.file).name,
        "networkHash": about.sha256,
        "layers": _texts([layer.name for layer in network.layers]),
        "inputNames": _texts(network.input_names),
        "inputFormats": _texts(formats),
        "outputNames": _texts(network.output_names),
        "outputFormats": _texts(outputs),
        "activationNames": _texts(activations),
        "activationFormats": _texts(layers),
        "options": _options(case.options),
        "precision": "double" if case.double else "single",
        "forecast": float(case.steps),
        "start": case.start,
        "classes": _texts(case.classes),
        "transform": case.transform.words,
        "transformVariables": dict(case.transform.variables),
    }


def _formats(format: str | Sequence[str] | None, count: int) -> list[str]:
    return [format or ""] * count if format is None or isinstance(format, str) else list(format)


def _output_formats(network: Network, names: Sequence[str], formatted: bool) -> list[str]:
    """The labels of values that came of labelled inputs; nothing of others."""
    if not formatted:
        return [""] * len(names)
    sizes = {str(port): size for port, size in network.infer().items()}
    known = [sizes.get(name, sizes.get(f"{name}/out")) for name in names]
    return [size.format if isinstance(size, Size) else "" for size in known]


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: options[ours] for name, ours in OPTIONS.items() if options.get(ours) is not None}
    return {name: v if isinstance(v, str) else float(v) for name, v in told.items()}


def _in_order(case: Case) -> list[Any]:
    """The inputs, in the order of the network, however they were given."""
    names = case.network.input_names
    if len(case.inputs) == 1 and isinstance(case.inputs[0], Mapping):
        return [case.inputs[0][name] for name in names]
    return list(case.inputs)


def _initial(case: Case) -> dict[str, dict[str, np.ndarray]]:
    """The states that the network was saved with, where a run starts from them and they say more
    than zeros; those of a shallow network are Xi and Ai."""
    if case.start == "zero" or case.network.kind.columns:
        return {}
    states = states_of(case.network)
    return {name: own for name, own in states.items() if any(np.any(a) for a in own.values())}


# -- values as MATLAB has them -----------------------------------------------------------------


def _texts(names: Sequence[str]) -> Cell:
    return Cell(map(str, names), (1, len(names)))


def _numbered(what: str, values: Sequence[Any]) -> dict[str, Any]:
    return {f"{what}{n}": _plain(value) for n, value in enumerate(values, 1)}


def _plain(value: Any) -> Any:
    """An array as it is, a list as a cell, class names as a cell of text, steps as cell(0,TS)."""
    if isinstance(value, bool | np.bool_):
        return np.array([[value]])
    if isinstance(value, int):
        return Cell([], (0, value))
    if isinstance(value, list | tuple):
        shape = getattr(value, "shape", (len(value), 1))
        return Cell(map(_plain, value), shape)
    if is_labels(value):
        names = [str(name) for name in np.ravel(value, order="F")]
        return Cell(names, (len(names), 1))
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise MismatchError(f"a fixture holds numbers and class names, not {array.dtype}")
    return np.atleast_2d(array)


def _rows_of_states(states: Mapping[str, Mapping[str, np.ndarray]]) -> Cell:
    """Rows of layer, parameter and value, stored column by column."""
    rows = [(layer, name, array) for layer, own in states.items() for name, array in own.items()]
    return Cell([part for column in zip(*rows, strict=True) for part in column], (len(rows), 3))


def _cell_of_rows(rows: Any) -> Cell:
    """Xi or Ai, a list of the steps of each input or layer, as a cell of rows × delays."""
    if isinstance(rows, Cell):
        return Cell(map(_plain, rows), rows.shape)
    depth = len(rows[0]) if rows else 0
    return Cell([_plain(row[step]) for step in range(depth) for row in rows], (len(rows), depth))


def _bytes(value: Any) -> int:
    """About what a value takes in the file."""
    if isinstance(value, np.ndarray):
        return math.prod(value.shape) * value.dtype.itemsize
    if isinstance(value, Mapping):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, list) else 64
