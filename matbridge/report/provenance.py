"""Where both sides come from and what computed, in rows of a name and a value."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from matbridge.core.network import Network
from matbridge.files import sha256
from matbridge.matlab.releases import when_written
from matbridge.text import listed
from matbridge.verify.case import Case, Source
from matbridge.verify.verification import Verification

__all__ = ["Rows", "provenance"]

Rows = list[tuple[str, str]]

# Names that stand as their projects write them.
PLAIN = ("matbridge", "numpy", "torch", "onnxruntime")
# Of these the environment tells what they became.
RUNNING = ("device", "engine", "dtype")


def provenance(verification: Verification) -> dict[str, Rows]:
    """For each side its rows; those of which nothing is known are left out."""
    sides: dict[str, Rows] = {}
    case = verification.case
    if case is not None:
        sides["Network"] = [*_source(case.network_source), *_network(case)]
        sides["Inputs"] = [*_source(case.input_source), *_run(case)]
        sides["Expected values"] = [*_source(case.expected_source), *_expected(case)]
    written = ("Report written", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))
    computed = [(_titled(name), str(value)) for name, value in verification.environment.items()]
    sides["What computed"] = [*computed, written]
    return {side: rows for side, rows in sides.items() if rows}


def _source(source: Source) -> Iterator[tuple[str, str]]:
    rows = [
        ("File", source.file),
        ("Variable", source.variable),
        ("SHA-256", source.sha256 or _hash(source.file)),
        ("MATLAB", source.release),
        *((_titled(name), str(value)) for name, value in source.details.items()),
    ]
    return (row for row in rows if row[1])


def _hash(file: str) -> str:
    """The hash of a file, "" where it is not there (any more)."""
    try:
        return sha256(Path(file)) if file and Path(file).is_file() else ""
    except (OSError, ValueError):
        return ""


def _network(case: Case) -> Iterator[tuple[str, str]]:
    network = case.network
    yield "Class", network.class_name
    yield "Layers", f"{len(network.layers):,}, with {network.parameter_count():,} learnables"
    if not case.network_source.release:
        yield "Written by", str(when_written(network))


def _run(case: Case) -> Iterator[tuple[str, str]]:
    """The names of the inputs, and options that are not as they are by themselves."""
    yield "Names", listed(case.network.input_names)
    for name, value in _changed(case.options).items():
        yield _titled(name), str(value)
    if case.start != "saved":
        yield "Starts from", "states of zero"


def _changed(options: Mapping[str, object]) -> dict[str, object]:
    known = inspect.signature(Network.predict).parameters
    kinds = str | int | float | bool
    return {
        name: value
        for name, value in options.items()
        if name in known and name not in RUNNING and isinstance(value, kinds)
        if value != known[name].default
    }


def _expected(case: Case) -> Iterator[tuple[str, str]]:
    yield "Names", listed(case.network.output_names)
    if case.transform.words:
        yield "Compared with", case.transform.words


def _titled(name: str) -> str:
    """The name of a field in words."""
    words = name.replace("_", " ")
    return words if words in PLAIN else words[:1].upper() + words[1:]
