"""Data of MATLAB's ``network`` objects: samples as columns, cells of steps.

A cell with one R×Q matrix for each step is a list of them; all steps of one series are an R×T
matrix as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.dims import check_labels
from matbridge.core.network import Network
from matbridge.core.running import Data
from matbridge.errors import MatbridgeError, MismatchError
from matbridge.matlab.file.values import Cell
from matbridge.predict.entries import labelled_entry
from matbridge.predict.numbers import numeric

__all__ = [
    "Columns",
    "cell_rows",
    "in_columns",
    "is_over_time",
    "read_columns",
    "read_steps",
]


@dataclass(frozen=True)
class Columns:
    """The data of one run: an array for each input, R×Q×T over time, else R×Q.

    ``cells`` tells that they came as cells, ``widths`` how many samples each of the cells of a
    network without delays has.
    """

    arrays: Mapping[str, np.ndarray]
    dims: str
    cells: bool = False
    widths: tuple[int, ...] = ()

    @property
    def samples(self) -> int:
        """Q: how many samples or series there are."""
        return next(iter(self.arrays.values())).shape[1]

    def shaped(self, array: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """One output as the data came: a list of S×Q, or S×T, or S×Q."""
        if not self.cells:
            single = self.dims == "CBT" and array.shape[1] == 1
            return array[:, 0] if single else array
        if self.dims == "CBT":
            return [array[:, :, step] for step in range(array.shape[2])]
        places = np.cumsum(self.widths)[:-1]
        return list(np.split(array, places, axis=1))


def read_columns(network: Network, inputs: Sequence[Data]) -> Columns:
    """The data of each input of a network object; MismatchError where they do not fit.

    Several inputs are several arguments, one dict by name, or one cell with a row for each.
    """
    values = _by_input(network, inputs)
    over_time = is_over_time(network)
    arrays: dict[str, np.ndarray] = {}
    widths: tuple[int, ...] = ()
    for name, value in values.items():
        rows = network.input_layers[name].entering["C"] or 0
        try:
            if rows == 0:
                arrays[name] = np.zeros((0, *_samples_and_steps(value)))
            elif isinstance(value, list | tuple):
                parts = [_matrix(item, rows) for item in value]
                widths = tuple(part.shape[1] for part in parts)
                arrays[name] = _joined(parts, over_time)
            else:
                arrays[name] = _whole(_real(value), rows, over_time)
        except MatbridgeError as error:
            raise error.at(name) from None
    _check_alike(arrays)
    if 0 in next(iter(arrays.values())).shape[1:]:
        raise MismatchError("there are no samples or steps", where=next(iter(arrays)))
    cells = any(isinstance(value, list | tuple) for value in values.values())
    return Columns(arrays, "CBT" if over_time else "CB", cells, widths)


def in_columns(
    network: Network, inputs: Sequence[Data], format: str | Sequence[str]
) -> tuple[Data, ...] | None:
    """Arrays whose dimensions are in another order, as R×Q or R×Q×T; None where there are cells.

    Raises MismatchError where the format does not fit.
    """
    values = _by_input(network, inputs)
    if any(isinstance(value, list | tuple) for value in values.values()):
        return None
    formats = [format] * len(values) if isinstance(format, str) else list(format)
    if len(formats) != len(values):
        raise MismatchError(f"{len(formats)} formats were given for {len(values)} inputs")
    turned: dict[str, np.ndarray] = {}
    for (name, value), labels in zip(values.items(), formats, strict=True):
        try:
            array = _real(value)
            entry = labelled_entry(
                network.input_layers[name], array.shape, check_labels(labels.upper())
            )
        except MatbridgeError as error:
            raise error.at(name) from None
        turned[name] = entry.value(array)
    return (turned,)


def is_over_time(network: Network) -> bool:
    """Whether the columns of a matrix are steps: where the network has delays."""
    return any("T" in layer.format for layer in network.input_layers.values())


def _by_input(network: Network, inputs: Sequence[Data]) -> dict[str, object]:
    names = network.input_names
    if len(inputs) == 1 and isinstance(inputs[0], Mapping):
        return {name: _named(inputs[0], name) for name in names}
    values: list[object] = list(inputs)
    if len(values) == 1 and len(names) > 1 and _row_count(values[0]) == len(names):
        values = list(cell_rows(values[0], len(names)))
    if len(values) != len(names):
        raise MismatchError(
            f"the network has {len(names)} inputs, {len(values)} are given",
            mend=f"Give one for each of {', '.join(names)}.",
        )
    return dict(zip(names, values, strict=True))


def _named(values: Mapping[str, object], name: str) -> object:
    if name not in values:
        raise MismatchError(f"there are no data for the input {name!r}")
    return values[name]


def _row_count(value: object) -> int:
    """The rows of a cell of inputs × steps."""
    if isinstance(value, Cell):
        return value.shape[0]
    nested = isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple)
    return len(value) if nested and isinstance(value, list | tuple) else 0


def cell_rows(value: object, count: int) -> Iterator[object]:
    """The rows of a cell, which stores its columns one after the other, or of a list of lists."""
    assert isinstance(value, list | tuple)
    if isinstance(value, Cell):
        yield from (list(value[row::count]) for row in range(count))
    else:
        yield from value


def read_steps(value: object, rows: int, where: str) -> np.ndarray:
    """A series as R×Q×T: of a list a step each, of a matrix a column for each step.

    Raises MismatchError, naming ``where``, for what does not have so many rows.
    """
    try:
        if isinstance(value, list | tuple):
            return _joined([_matrix(item, rows) for item in value], over_time=True)
        return _whole(_real(value), rows, over_time=True)
    except MatbridgeError as error:
        raise error.at(where) from None


def _joined(parts: list[np.ndarray], over_time: bool) -> np.ndarray:
    """The steps of a cell, one behind the other in time, or side by side as samples."""
    if not parts:
        raise MismatchError("the cell is empty")
    if not over_time:
        return np.concatenate(parts, axis=1)
    if len({part.shape[1] for part in parts}) > 1:
        raise MismatchError("the steps have different numbers of series")
    return np.stack(parts, axis=-1)


def _whole(array: np.ndarray, rows: int, over_time: bool) -> np.ndarray:
    """R×T of one series, R×Q×T of several, R×Q without time."""
    if not over_time:
        return _matrix(array, rows)
    if array.ndim < 3:
        return _matrix(array, rows)[:, None, :]
    if array.ndim > 3 or array.shape[0] != rows:
        raise MismatchError(
            f"data of size {_size(array)} do not fit an input of {rows} rows",
            mend="Several series of one length are R×Q×T, or a cell of R×Q for each step.",
        )
    return array


def _samples_and_steps(value: object) -> tuple[int, int]:
    """What a network without inputs runs: 5 steps, cell(0,5) or an empty array 0×5 or 0×Q×5."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return 1, max(int(value), 0)
    cell = isinstance(value, Cell)
    shape = value.shape if cell else numeric(value).shape  # type: ignore[attr-defined]
    if len(shape) == 2 and shape[0] == 0:
        return 1, int(shape[1])
    if len(shape) == 3 and shape[0] == 0:
        return int(shape[1]), int(shape[2])
    raise MismatchError(
        "the network has no inputs, so its data only say how many steps there are",
        mend="Give that number, or an empty array of 0×T or 0×Q×T.",
    )


def _matrix(value: object, rows: int) -> np.ndarray:
    """R×Q; of a vector one sample, or samples of one row."""
    array = _real(value)
    if array.ndim < 2:
        array = array.reshape((1, -1) if rows == 1 else (-1, 1))
    if array.ndim > 2 or array.shape[0] != rows:
        turned = array.ndim == 2 and array.shape[1] == rows
        raise MismatchError(
            f"data of size {_size(array)} do not fit an input of {rows} rows",
            mend="Samples are columns: give the transpose." if turned else "Samples are columns.",
        )
    return array


def _real(value: object) -> np.ndarray:
    array = numeric(value)
    if array.dtype.kind == "c" and array.imag.any():
        raise MismatchError(
            "the data are complex, which this network does not take",
            mend="Give real and imaginary parts as rows, as the network was trained on them.",
        )
    return array.real if array.dtype.kind == "c" else array


def _size(array: np.ndarray) -> str:
    return "×".join(map(str, array.shape))


def _check_alike(arrays: Mapping[str, np.ndarray]) -> None:
    sizes = {array.shape[1:] for array in arrays.values()}
    if len(sizes) > 1:
        shown = ", ".join(f"{name} {_size(array)}" for name, array in arrays.items())
        raise MismatchError(f"the inputs have different numbers of samples or steps: {shown}")
