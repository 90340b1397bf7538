"""Where both sides come from and what computed, in rows of a name and a value."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping
from importlib import metadata

from matbridge.matlab.releases import when_written
from matbridge.text import listed
from matbridge.verify.case import Case, Source
from matbridge.verify.verification import Verification
from matbridge.version import VERSION

__all__ = ["provenance"]

Rows = list[tuple[str, str]]

LIBRARIES = ("torch", "numpy", "onnxruntime")


def provenance(verification: Verification) -> dict[str, Rows]:
    """For each side its rows; those of which nothing is known are left out."""
    sides: dict[str, Rows] = {}
    case = verification.case
    if case is not None:
        sides["Network"] = [*_source(case.network_source), *_network(case)]
        sides["Inputs"] = [*_source(case.input_source), *_run(case)]
        sides["Expected values"] = _source(case.expected_source)
    sides["What computed"] = _computed(verification.environment)
    return {side: rows for side, rows in sides.items() if rows}


def _source(source: Source) -> Rows:
    rows = [
        ("File", source.file),
        ("Variable", source.variable),
        ("SHA-256", source.sha256),
        ("MATLAB", source.release),
    ]
    details = [(_titled(name), str(value)) for name, value in source.details.items()]
    return [(name, value) for name, value in rows + details if value]


def _network(case: Case) -> Iterator[tuple[str, str]]:
    network = case.network
    yield "Class", network.class_name
    yield "Layers", f"{len(network.layers):,}, with {network.parameter_count():,} learnables"
    if not case.network_source.release:
        yield "Written by", str(when_written(network))


def _run(case: Case) -> Iterator[tuple[str, str]]:
    yield "Names", listed(case.network.input_names)
    for name, value in case.options.items():
        if value not in (None, "", ()) and isinstance(value, str | int | float | bool):
            yield _titled(name), str(value)
    if case.start != "saved":
        yield "Starts from", "states of zero"
    if case.transform.words:
        yield "Outputs transformed", case.transform.words


def _computed(environment: Mapping[str, str]) -> Rows:
    """What the verification tells, and what it leaves out."""
    known = {
        "matbridge": VERSION,
        **{name: _version(name) for name in LIBRARIES},
        "Python": platform.python_version(),
        "System": f"{platform.system()} {platform.machine()}",
        "Date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
    told = {_titled(name): str(value) for name, value in environment.items()}
    lower = {name.lower() for name in told}
    rest = {name: value for name, value in known.items() if name.lower() not in lower}
    return [(name, value) for name, value in {**rest, **told}.items() if value]


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""


def _titled(name: str) -> str:
    """The name of a field in words; those of libraries stay as they are."""
    words = name.replace("_", " ")
    return words if words in (*LIBRARIES, "matbridge") else words[:1].upper() + words[1:]
