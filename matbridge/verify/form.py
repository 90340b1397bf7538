"""The names that a fixture's MAT-file goes by, and its struct; see docs/fixtures.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.core.dims import check_labels
from matbridge.errors import FormatError, MismatchError
from matbridge.text import listed

__all__ = [
    "ACTIVATION",
    "FIXTURE",
    "FORM",
    "FUTURE",
    "INPUT",
    "NETWORK",
    "NETWORK_FIELDS",
    "OPTIONS",
    "OUTPUT",
    "PRECISIONS",
    "STARTS",
    "STATES",
    "VERSION",
    "Fields",
    "Identity",
    "one_number",
    "wrong",
]

FORM, VERSION = "matbridge fixture", 1
# The variables. Those that are numbered have a number behind.
FIXTURE, NETWORK = "fixture", "net"
INPUT, OUTPUT, ACTIVATION = "input", "output", "activation"
FUTURE = "future"
PRECISIONS = ("single", "double")
STATES = ("initialStates", "finalStates")
STARTS = ("saved", "zero")
# MATLAB's options of predict, and the arguments of Network.predict.
OPTIONS: Mapping[str, str] = {
    "MiniBatchSize": "mini_batch_size",
    "SequenceLength": "sequence_length",
    "SequencePaddingDirection": "padding_direction",
    "SequencePaddingValue": "padding_value",
}
# Variables that are arguments of Network.predict as they are.
DELAYS: Mapping[str, str] = {
    "inputDelays": "initial_input_delays",
    "layerDelays": "initial_layer_delays",
}


@dataclass(frozen=True)
class Identity:
    """The network that a fixture was recorded of, as far as it tells."""

    name: str = ""
    class_name: str = ""
    file: str = ""
    sha256: str = ""
    layers: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f"{self.file}:{self.name}" if self.file and self.name else self.file or self.name
        return " ".join(filter(None, (f"a {self.class_name or 'network'}", place)))


# The fields of the struct from which an Identity is read.
NETWORK_FIELDS: Mapping[str, str] = {
    "name": "networkName",
    "class_name": "networkClass",
    "file": "networkFile",
    "sha256": "networkHash",
}


@dataclass(frozen=True)
class Fields:
    """The struct of a fixture, field by field as the form says."""

    values: Mapping[str, Any]

    def text(self, name: str, default: str = "", known: Sequence[str] = ()) -> str:
        value = self.values.get(name, default)
        value = "" if isinstance(value, np.ndarray) and not value.size else value
        if not isinstance(value, str):
            raise wrong(name, "a text")
        if known and value not in known:
            raise FormatError(
                f"{name} is {value!r}", where=f"{FIXTURE}.{name}", mend=f"It is {listed(known)}."
            )
        return str(value)

    def count(self, name: str) -> int:
        """A number from 0, which it is where the field is not there."""
        number = one_number(self.values.get(name, 0))
        if number is None or not number >= 0 or number % 1:
            raise wrong(name, "a number")
        return int(number)

    def names(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A cell of text; one text alone counts as a list of one."""
        value = self.values.get(name, default)
        if value is None:
            raise FormatError("the fixture is not complete", where=f"{FIXTURE}.{name}")
        items = [value] if isinstance(value, str) else value
        items = [] if isinstance(items, np.ndarray) and not items.size else items
        if not isinstance(items, list | tuple) or not all(isinstance(i, str) for i in items):
            raise wrong(name, "a cell of text")
        return tuple(map(str, items))

    def formats(self, what: str) -> tuple[str, ...]:
        """The format of each input, output or activation, "" for none."""
        names = self.names(f"{what}Names", ())
        formats = self.names(f"{what}Formats", ("",) * len(names))
        if len(formats) != len(names):
            raise FormatError(
                f"there are {len(names)} names and {len(formats)} formats",
                where=f"{FIXTURE}.{what}Formats",
            )
        return tuple(_format(text, f"{FIXTURE}.{what}Formats") for text in formats)

    def struct(self, name: str) -> Mapping[str, Any]:
        value = self.values.get(name, {})
        if isinstance(value, np.ndarray) and not value.size:
            return {}
        if not isinstance(value, dict):
            raise wrong(name, "a struct")
        return value


def one_number(value: object) -> float | None:
    """The number in a value of one element; None of anything else."""
    if not isinstance(value, np.ndarray | np.generic | int | float):
        return None
    array = np.asarray(value)
    return float(array.item()) if array.size == 1 and array.dtype.kind in "biuf" else None


def wrong(name: str, what: str) -> FormatError:
    """What is said of a field of the struct that is not what the form says."""
    return FormatError(f"this is not {what}", where=f"{FIXTURE}.{name}")


def _format(text: str, where: str) -> str:
    try:
        return check_labels(text.upper()) if text else ""
    except MismatchError as error:
        raise FormatError(error.what, where=where, mend=error.mend) from None
