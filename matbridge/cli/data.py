"""Data that a command names: a file, a variable of one, or of the network's own file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matbridge.cli.terminal import say
from matbridge.core.network import Network
from matbridge.errors import MismatchError, MissingNameError
from matbridge.predict.data import read_classes, read_data, split_name
from matbridge.predict.images import is_image, resized, takes_images
from matbridge.text import listed, nearest
from matbridge.verify.case import Source

__all__ = ["gather_inputs", "in_file", "named_classes", "split_input", "variables_of"]


def gather_inputs(
    network: Network,
    texts: tuple[str, ...],
    limit: int,
    file: Path | None = None,
    resize: bool = False,
) -> list[Any]:
    """The data of each input, in the order of the network's inputs; images resized to it.

    Data that begin with a colon are variables of ``file``.
    """
    named: dict[str, object] = {}
    plain: list[object] = []
    for text in texts:
        name, data = split_input(network, text)
        # Data beyond the last input are told of where the network runs.
        place = [name] if name else network.input_names[len(plain) : len(plain) + 1]
        if _are_steps(network, data):
            plain.append(int(data))
            continue
        value = read_data(in_file(data, file), limit, _columns(network, place))
        if resize and place and (is_image(data) or takes_images(network, place[0])):
            value = resized(value, network, place[0])
        _warn_about_nan(value, text)
        if name:
            named[name] = value
        else:
            plain.append(value)
    if named and plain:
        raise MismatchError("either all inputs are named or none")
    return [named] if named else plain


def _are_steps(network: Network, text: str) -> bool:
    """Whether this is the number of steps that a network without inputs shall run."""
    entries = network.input_layers.values()
    return text.isdecimal() and all(layer.entering["C"] == 0 for layer in entries)


def _columns(network: Network, place: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table that an input takes by their names."""
    layers = (network.input_layers.get(name) for name in place)
    return next((layer.column_names for layer in layers if layer is not None), ())


def named_classes(text: str | None, limit: int, file: Path) -> Sequence[str]:
    """What ``--classes`` names, none without it."""
    return read_classes(in_file(text, file), limit) if text else ()


def in_file(data: str, file: Path | None) -> str:
    """``:X`` is the variable X of the file."""
    return f"{file}{data}" if file is not None and data.startswith(":") else data


def source_of(texts: Sequence[str], file: Path) -> Source:
    """Which files and variables these data are."""
    named = [split_name(in_file(text, file)) for text in texts]
    files = dict.fromkeys(str(path) for path, _ in named)
    return Source(", ".join(files), variable=", ".join(inside for _, inside in named if inside))


def variables_of(names: Sequence[str], files: Sequence[Path], limit: int) -> dict[str, object]:
    """The variables of these names, each from the first of the files that has it; ``ps.gain`` is
    a field. Those that no file has are left out."""
    variables: dict[str, object] = {}
    for name in names:
        for file in dict.fromkeys(files):
            try:
                variables.setdefault(name, read_data(f"{file}:{name}", limit))
            except MismatchError:
                continue
    return variables


def split_input(network: Network, text: str) -> tuple[str, str]:
    """``NAME=DATA`` as the name of an input and its data; the name is empty if none is given."""
    name, _, data = text.partition("=")
    if data and name in network.input_names:
        return name, data
    # A file may have such a name; if there is none, what comes first was meant as an input's.
    if data and (data.startswith(":") or split_name(data)[0].exists()) and not _is_file(text):
        names = network.input_names
        mend = f"{nearest(name, names)}Inputs: {listed(names)}."
        raise MissingNameError(f"there is no input {name!r}", mend=mend)
    return "", text


def _is_file(text: str) -> bool:
    return not text.partition("=")[2].startswith(":") and split_name(text)[0].exists()


def _warn_about_nan(value: Any, where: str) -> None:
    arrays = value if isinstance(value, list) else [value]
    count = sum(int(np.isnan(a).sum()) for a in arrays if getattr(a, "dtype", None) is not None
                and a.dtype.kind == "f")  # fmt: skip
    if count:
        say(f"warning: {where} holds {count} NaN; what depends on them will be NaN as well")
