"""Fixtures: what a network was given and what it gave, in a MAT-file; see docs/fixtures.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from matbridge.core.dims import canonical, reorder
from matbridge.core.network import Network
from matbridge.errors import FormatError, LayerError, MatbridgeError, MismatchError
from matbridge.files import check_readable
from matbridge.matlab.file import DEFAULT_LIMIT, MatFile
from matbridge.matlab.file.budget import full
from matbridge.matlab.file.values import Cell
from matbridge.predict.class_names import as_labels, is_labels
from matbridge.predict.layouts import read_inputs
from matbridge.verify.case import AS_IT_IS, Case, Source, Transform
from matbridge.verify.form import (
    ACTIVATION,
    DELAYS,
    FIXTURE,
    FORM,
    FUTURE,
    INPUT,
    NETWORK,
    NETWORK_FIELDS,
    OPTIONS,
    OUTPUT,
    PRECISIONS,
    STARTS,
    STATES,
    VERSION,
    Fields,
    Identity,
    one_number,
    wrong,
)
from matbridge.version import DOCS

__all__ = ["Fixture", "identity_of", "is_fixture", "read_fixture"]

# States by layer and MATLAB name.
States = Mapping[str, Mapping[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Fixture:
    """What a file records: the network by name, its inputs and outputs, and how it was run.

    ``inputs`` and ``outputs`` are as Network.predict takes and returns them (with the formats of
    ``options``), in the order of their names; class names are arrays of str. ``options`` are
    keywords of predict; ``steps`` those of a forecast beyond the inputs, with the inputs of
    ``future``. ``activations`` are read each time that they are asked for. ``initial_states``
    and ``final_states`` are by layer and MATLAB name. ``holds_network`` tells that the network
    itself stands in the file, as the variable ``net``.
    """

    path: Path
    sha256: str
    of: Identity
    input_names: tuple[str, ...]
    inputs: tuple[Any, ...]
    output_names: tuple[str, ...]
    outputs: tuple[Any, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    start: str = "saved"
    steps: int = 0
    future: tuple[Any, ...] = ()
    classes: tuple[str, ...] = ()
    transform: Transform = AS_IT_IS
    initial_states: States = field(default_factory=dict)
    final_states: States = field(default_factory=dict)
    activations: Mapping[str, Any] = field(default_factory=dict)
    recorder: str = ""
    release: str = ""
    environment: str = ""
    holds_network: bool = False

    def case(self, network: Network) -> Case:
        """What is recorded, asked of this network: inputs and outputs go by name where both have
        the same names, else by their order.

        Raises MismatchError for a network with other inputs, outputs or states.
        """
        inputs = self._arranged(self.inputs, self.input_names, network.input_names, "inputs")
        outputs = self._arranged(self.outputs, self.output_names, network.output_names, "outputs")
        self._check_sizes(network, inputs)
        source = Source(self.path.name, self.sha256, FIXTURE, self.release, self._told())
        return Case(
            network=self._started(network),
            inputs=inputs,
            expected=outputs,
            options=self.options,
            transform=self.transform,
            start=self.start,
            steps=self.steps,
            future=self.future,
            classes=self.classes or network.classes,
            activations=self.activations,
            final_states=self.final_states,
            network_source=Source(network.provenance.file, variable=network.provenance.address),
            input_source=source,
            expected_source=source,
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        """What may explain a difference."""
        if self.environment in ("", "cpu"):
            return ()
        return (f"recorded with ExecutionEnvironment {self.environment!r}, which may round more",)

    def _told(self) -> dict[str, object]:
        return {"recorder": self.recorder, "recorded of": str(self.of)}

    def _arranged(
        self, values: Sequence[Any], have: Sequence[str], want: Sequence[str], what: str
    ) -> tuple[Any, ...]:
        """The values in the order of the network."""
        if len(have) != len(want):
            raise self.of_another(f"the fixture has {len(have)} {what}, the network {len(want)}")
        if set(have) != set(want):
            return tuple(values)
        by_name = dict(zip(have, values, strict=True))
        return tuple(by_name[name] for name in want)

    def _check_sizes(self, network: Network, inputs: Sequence[Any]) -> None:
        """Refuse a network that does not take the inputs."""
        if network.kind.columns:
            return
        try:
            read_inputs(network, inputs, self.options.get("format"))
        except MismatchError as error:
            place = f"{error.where}: " if error.where else ""
            raise self.of_another(f"the network does not fit: {place}{error.what}") from None

    def of_another(self, what: str) -> MismatchError:
        """What is said of a network that the fixture does not fit."""
        return MismatchError(
            what, where=self.path.name, mend=f"The fixture was recorded of {self.of}."
        )

    def _started(self, network: Network) -> Network:
        """The network in the states from which the run began."""
        unknown = [layer for layer in self.initial_states if layer not in network]
        if unknown:
            raise self.of_another(f"the network has no layer {unknown[0]!r}")
        try:
            return network.with_states(self.initial_states) if self.initial_states else network
        except LayerError as error:
            raise self.of_another(error.what) from None


def identity_of(path: Path) -> Identity | None:
    """The network that a fixture was recorded of; None for what is no fixture, or is not read."""
    if path.suffix.lower() != ".mat":
        return None
    try:
        check_readable(path)
        return _identity(_fields(MatFile(path)))
    except MatbridgeError:
        return None


def is_fixture(path: Path) -> bool:
    """Whether this is a MAT-file that says it is a fixture, of a form that is known."""
    return identity_of(path) is not None


def read_fixture(path: str | Path, limit: int = DEFAULT_LIMIT) -> Fixture:
    """The fixture in a MAT-file.

    Raises FormatError where it is none, damaged, incomplete or of a newer form.
    """
    path = Path(path)
    check_readable(path)
    file = MatFile(path, limit)
    with _located(path):
        for lost in file.report:
            if lost.level == "error":
                raise FormatError(lost.what, where=lost.where, mend=lost.mend)
        return _read(file)


@contextmanager
def _located(path: Path) -> Iterator[None]:
    """Errors that name the file."""
    try:
        yield
    except FormatError as error:
        raise error if path.name in error.where else error.at(path.name) from None


def _read(file: MatFile) -> Fixture:
    fields = _fields(file)
    inputs, input_formats = fields.names("inputNames"), fields.formats("input")
    outputs, output_formats = fields.names("outputNames"), fields.formats("output")
    names, formats = fields.names("activationNames", ()), fields.formats("activation")
    given = tuple(_value(file, INPUT, n, f) for n, f in enumerate(input_formats, 1))
    gave = tuple(_value(file, OUTPUT, n, f, True) for n, f in enumerate(output_formats, 1))
    return Fixture(
        path=file.path,
        sha256=file.sha256(),
        of=_identity(fields),
        input_names=inputs,
        inputs=tuple(map(_steps, given)),
        output_names=outputs,
        outputs=gave,
        options=_options(file, fields, input_formats),
        start=fields.text("start", STARTS[0], STARTS),
        steps=fields.count("forecast"),
        future=tuple(_value(file, FUTURE, n, "") for n in _numbers(file, FUTURE)),
        classes=fields.names("classes", ()),
        transform=_transform(fields),
        initial_states=_states(file, STATES[0]),
        final_states=_states(file, STATES[1]),
        activations=Activations(file, names, formats),
        recorder=fields.text("recorder"),
        release=fields.text("release"),
        environment=fields.text("executionEnvironment"),
        holds_network=NETWORK in file.variables,
    )


# -- the struct --------------------------------------------------------------------------------


def _identity(fields: Fields) -> Identity:
    texts = {name: fields.text(field) for name, field in NETWORK_FIELDS.items()}
    return Identity(**texts, layers=fields.names("layers", ()))


def _fields(file: MatFile) -> Fields:
    """The struct of the file; FormatError where it says nothing of a fixture that is known."""
    value = file[FIXTURE] if FIXTURE in file.variables else {}
    value = value if isinstance(value, dict) else {}
    form = value.get("form")
    if not isinstance(form, str) or form != FORM:
        raise FormatError(
            f"this is no fixture: no struct named {FIXTURE!r} has the form {FORM!r}",
            mend=f"matbridge record writes one; the form is told in {DOCS}/fixtures.md",
        )
    number = one_number(value.get("version"))
    if number is None or not number >= 1 or number % 1:
        raise FormatError("the fixture does not tell its version", where=f"{FIXTURE}.version")
    if number > VERSION:
        raise FormatError(
            f"the fixture has version {number:g} of the form, known is {VERSION}",
            mend="Read it with a newer matbridge.",
        )
    return Fields(value)


def _options(file: MatFile, fields: Fields, formats: Sequence[str]) -> dict[str, Any]:
    """The keywords of predict."""
    told = fields.struct("options")
    options: dict[str, Any] = {
        ours: _option(told[name], name) for name, ours in OPTIONS.items() if name in told
    }
    options |= {ours: _cell(file, name) for name, ours in DELAYS.items() if name in file.variables}
    if fields.text("precision", "", ("", *PRECISIONS)) == "double":
        options["dtype"] = "float64"
    if any(formats):
        if not all(formats):
            raise FormatError("only some inputs have a format", where=f"{FIXTURE}.inputFormats")
        options["format"] = formats[0] if len(formats) == 1 else list(formats)
    return options


def _option(value: Any, name: str) -> str | int | float:
    if isinstance(value, str):
        return str(value)
    one = one_number(value)
    if one is None:
        raise wrong(f"options.{name}", "a number or a text")
    return int(one) if one.is_integer() and name != "SequencePaddingValue" else one


def _transform(fields: Fields) -> Transform:
    from matbridge.verify.expression import transform_of

    words = fields.text("transform")
    if not words:
        return AS_IT_IS
    try:
        return transform_of(words, fields.struct("transformVariables"))
    except MismatchError as error:
        raise FormatError(
            f"{error.where}: {error.what}", where=f"{FIXTURE}.transform", mend=error.mend
        ) from None


# -- the other variables -----------------------------------------------------------------------


def _read_variable(file: MatFile, name: str) -> Any:
    if name not in file.variables:
        raise FormatError("the fixture is not complete: this variable is not there", where=name)
    return full(file[name], file.budget)


def _numbers(file: MatFile, what: str) -> range:
    """The numbers of the variables that are numbered: 1, 2 and so on."""
    count = 0
    while f"{what}{count + 1}" in file.variables:
        count += 1
    return range(1, count + 1)


def _value(file: MatFile, what: str, number: int, format: str, labels: bool = False) -> Any:
    """An input, output or activation: an array, a list of arrays, or class names."""
    name = f"{what}{number}"
    value = _read_variable(file, name)
    named = as_labels(value) if labels else value
    if labels and is_labels(named):
        return named
    items = value if isinstance(value, Cell) else [value]
    if not all(isinstance(i, np.ndarray) and i.dtype.kind in "biufc" for i in items):
        raise FormatError("this is no array of numbers and no cell of them", where=name)
    if isinstance(value, Cell):
        return Cell([_labelled(i, format, name, what) for i in value], value.shape)
    return _labelled(value, format, name, what)


def _labelled(array: np.ndarray, format: str, where: str, what: str) -> np.ndarray:
    """With the dimensions that its format names: MATLAB drops the last ones of size 1."""
    if not format:
        return array
    count = len(format)
    if any(n != 1 for n in array.shape[count:]):
        raise FormatError(f"{array.ndim} dimensions do not fit the format {format}", where=where)
    shape = array.shape[:count] + (1,) * (count - array.ndim)
    whole = array.reshape(shape)
    # What comes out does so in MATLAB's order.
    return whole if what == INPUT else reorder(whole, format, canonical(format))


def _steps(value: Any) -> Any:
    """The number of steps of a network without inputs, which MATLAB is given as cell(0,TS)."""
    return value.shape[1] if isinstance(value, Cell) and value.shape[:1] == (0,) else value


def _cell(file: MatFile, name: str) -> Cell:
    """Xi or Ai, as predict takes it."""
    cell = _read_variable(file, name)
    if not isinstance(cell, Cell):
        raise FormatError("this is no cell of arrays", where=name)
    return cell


def _states(file: MatFile, name: str) -> States:
    """The states in rows of layer, parameter and value."""
    if name not in file.variables:
        return {}
    cell = _read_variable(file, name)
    if isinstance(cell, np.ndarray) and not cell.size:
        return {}
    if not isinstance(cell, Cell) or len(cell.shape) != 2 or cell.shape[1] != 3:
        raise FormatError("this is no cell of layers, parameters and values", where=name)
    states: dict[str, dict[str, np.ndarray]] = {}
    count = cell.shape[0]
    for layer, parameter, value in zip(
        cell[:count], cell[count : 2 * count], cell[2 * count :], strict=True
    ):
        if not isinstance(layer, str) or not isinstance(parameter, str):
            raise FormatError("a layer or a parameter is no text", where=name)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "f":
            raise FormatError(f"the state of {layer} is not of numbers", where=name)
        states.setdefault(str(layer), {})[str(parameter)] = value
    return states


class Activations(Mapping[str, Any]):
    """What layers gave, by name: read from the file each time, so that one alone is held."""

    def __init__(self, file: MatFile, names: Sequence[str], formats: Sequence[str]) -> None:
        self._file = file
        self._places = {name: (n, formats[n - 1]) for n, name in enumerate(names, 1)}

    def __getitem__(self, name: str) -> Any:
        number, format = self._places[name]
        with _located(self._file.path):
            value = _value(self._file, ACTIVATION, number, format)
        self._file.release(f"{ACTIVATION}{number}")
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
