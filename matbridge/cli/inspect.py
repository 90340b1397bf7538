"""matbridge inspect: what is in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from matbridge.cli.failure import UNREADABLE, in_options
from matbridge.cli.options import cards_option, json_option, max_size_option, path_argument
from matbridge.cli.terminal import console, print_json, styled, table
from matbridge.core.registry import Registry
from matbridge.inspect.summary import summarize
from matbridge.languages import read
from matbridge.text import visible_within

__all__ = ["command"]

# Below this width the table leaves the states out.
NARROW = 100
NOT_AS_IS = "does not run as it is"


@click.command("inspect")
@path_argument
@json_option
@cards_option
@max_size_option
def command(path: Path, as_json: bool, registry: Registry, max_size: int) -> int:
    """Show the networks in FILE: layers, sizes, origin, and what is wrong with them.

    \b
    Example:
      matbridge inspect net.mat
      matbridge inspect net.mat --json | jq '.networks[0].layers[].name'
    """
    found = summarize(read(path, registry, max_size))
    # What is lost may have been the network.
    unreadable = not found["networks"] and any(p["level"] == "error" for p in found["problems"])
    if as_json:
        print_json(found)
        return UNREADABLE if unreadable else 0
    out = console()
    show_file(out, found)
    for network in found["networks"]:
        show_network(out, network)
    if not found["networks"]:
        show_variables(out, found["variables"])
    return UNREADABLE if unreadable else 0


def show_file(out: Console, found: dict[str, Any]) -> None:
    """The header: where the file comes from and whether damage would show."""
    found = visible_within(found)
    about = found["provenance"]
    version = {"v5": "MAT-file v6/v7", "v7.3": "MAT-file v7.3 (HDF5)"}
    out.print(styled(found["file"], "bold"), " " + version.get(found["format"], found["format"]))
    facts = [
        about.get("platform", ""),
        about.get("created", ""),
        f"{about.get('bytes', 0):,} bytes",
    ]
    out.print("  " + " · ".join(fact for fact in facts if fact))
    if "sha256" not in about:
        return
    out.print(f"  sha256 {about['sha256']}")
    loose = about["without_checksum"]
    if not loose:
        out.print("  every variable carries a checksum: damage would be noticed")
    else:
        names = ", ".join(loose[:6]) + (", ..." if len(loose) > 6 else "")
        out.print(f"  no checksum: {names}: a changed bit there goes unnoticed")
    show_problems(out, found["problems"])


def show_network(out: Console, network: dict[str, Any]) -> None:
    """The layer table and what belongs to it."""
    network = visible_within(network)
    out.print()
    out.print(styled(network["address"], "bold"), " " + network["class"])
    if network.get("release"):
        out.print(f"  written by {network['release']}")
    if network["layers"]:
        cells = [_row(layer) for layer in network["layers"]]
        columns = ["Name", "Type", "Output", "Learnables", "States"]
        if not any(row[-1] for row in cells) or out.width < NARROW:
            columns.pop()
        rows = table("", *columns)
        for number, row in enumerate(cells, 1):
            rows.add_row(str(number), *row[: len(columns)])
        out.print(rows)
        out.print(f"  {len(network['layers'])} layers, {network['parameters']:,} learnables")
    for name in ("inputs", "outputs", "classes"):
        if network[name]:
            listed = network[name][:20] + (["..."] if len(network[name]) > 20 else [])
            out.print(f"  {name}: {', '.join(listed)}")
    if network.get("products"):
        out.print(f"  MATLAB needs: {', '.join(network['products'])}")
    if network.get("custom_classes"):
        out.print(f"  the user's own classes: {', '.join(network['custom_classes'])}")
    runs = styled("runs", "green") if network["runnable"] else styled(NOT_AS_IS, "yellow")
    out.print(" ", runs)
    show_problems(out, network["problems"])


def show_problems(out: Console, problems: list[dict[str, str]]) -> None:
    """What is wrong, in red, and what is odd."""
    for problem in problems:
        colour = {"error": "red", "warning": "yellow"}.get(problem["level"], "dim")
        where = f"{problem['where']}: " if problem["where"] else ""
        text = f"{where}{problem['what']}. {in_options(problem['mend'])}".rstrip()
        out.print(" ", styled(problem["level"], colour), text)


def _row(layer: dict[str, Any]) -> list[str]:
    output = layer["output"] or {"format": None, "size": None}
    size = "?"
    if output["format"]:
        pairs = zip(output["size"], output["format"], strict=True)
        size = " × ".join(f"{'?' if n is None else n}({label})" for n, label in pairs)
    arrays = [_shape(name, shape) for name, shape in layer["learnables"].items()]
    arrays += [f"{name} uninitialised" for name in layer["uninitialised"]]
    states = [
        _shape(name, shape)
        for name, shape in layer["states"].items()
        if not name.startswith("Initial")
    ]
    kind = layer["type"].removesuffix("Layer")
    kind = f"{layer['type']} ({layer['status']})" if layer["status"] else kind
    return [layer["name"], kind, size, "\n".join(arrays), "\n".join(states)]


def _shape(name: str, shape: list[int]) -> str:
    return f"{name} {'×'.join(map(str, shape))}"


def show_variables(out: Console, variables: list[dict[str, Any]]) -> None:
    """What the file holds where there is no network in it."""
    out.print()
    out.print("no network, only these variables:" if variables else "no variables")
    rows = table("Name", "Class", "Size")
    for variable in visible_within(variables):
        size = "×".join(map(str, variable["size"]))
        rows.add_row(variable["name"], variable["class"], size)
    out.print(rows)
    if variables:
        out.print(
            "Loose arrays do not tell how they belong together. docs/weights-file.md shows how "
            "to build a network from them."
        )
