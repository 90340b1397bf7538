"""matbridge inspect: what is in a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
from rich.measure import Measurement
from rich.table import Table

from matbridge.cli.failure import UNREADABLE, in_options
from matbridge.cli.many import (
    Row,
    all_option,
    are_many,
    expanded,
    networks_of,
    one_of,
    paths_argument,
    run_all,
    show_all,
)
from matbridge.cli.options import json_option, network_option, reading_options
from matbridge.cli.terminal import ENDLESS, Terminal, console, print_json, say, styled, table
from matbridge.core.card import NO_PRODUCT
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.inspect.shallow import COLUMNS
from matbridge.inspect.summary import summarize, summarize_network
from matbridge.inspect.table import LayerTable, layer_table
from matbridge.languages import read
from matbridge.report.picture import check_picture, write_picture
from matbridge.text import visible_within
from matbridge.version import DOCS

__all__ = ["command"]

NOTHING_RUNS = 4
NOT_AS_IS = "does not run as it is"
FORMATS = {"v5": "MAT-file v6/v7", "v7.3": "MAT-file v7.3 (HDF5)", "onnx": "ONNX"}
# The most names in a line, and variables in the table.
MOST, MANY = 20, 60


@click.command("inspect")
@paths_argument
@all_option
@click.option("--layers", "everything", is_flag=True,
              help="Show every property, array and state of each layer.")  # fmt: skip
@click.option("--picture", type=click.Path(path_type=Path), metavar="SVG",
              help="Draw the network into this SVG file too.")  # fmt: skip
@network_option
@json_option
@reading_options
def command(
    paths: tuple[Path, ...],
    every: bool,
    everything: bool,
    picture: Path | None,
    network: str | None,
    as_json: bool,
    reading: Reading,
) -> int:
    """Show the networks in FILE: layers, sizes, origin, and what is wrong with them.

    Exit code 4 if nothing in the file can run. Several files, or folders, give a row for each
    network, as --all does for one file. --network says which one --picture draws.

    \b
    Example:
      matbridge inspect net.mat
      matbridge inspect net.mat --layers
      matbridge inspect net.mat --picture net.svg
      matbridge inspect models/ more.mat
      matbridge inspect net.mat --json | jq '.networks[0].layers[].name'
    """
    if network and not picture:
        raise MismatchError("--network says which network --picture draws, and there is none")
    if are_many(paths, every):
        if picture:
            raise MismatchError("a picture is of one network", mend="Name one file.")
        rows = run_all(expanded(paths), lambda path: networks_of(path, None, True, reading), _row)
        return show_all(rows, as_json)
    if picture:
        check_picture(picture, paths)
    contents = summarize(read(paths[0], reading))
    if as_json:
        print_json(contents)
    else:
        show(console(), contents, everything)
    if picture:
        write_picture(one_of(paths[0], network, reading), picture, reads=paths)
        say(f"drawn into {picture}")
    return exit_code(contents)


def _row(path: Path, address: str, network: Network) -> Row:
    summary = summarize_network(network, address)
    size = f"{network.kind.name}, {len(network.layers)} layers"
    ready = "runs" if summary["runnable"] else NOT_AS_IS
    outcome = f"{size}, {summary['parameters']:,} learnables, {ready}"
    return Row(str(path), address, outcome, 0 if summary["runnable"] else NOTHING_RUNS, summary)


def exit_code(contents: dict[str, Any]) -> int:
    """0 if a network runs, 3 if nothing can be read, 4 if nothing that was read can run."""
    networks = contents["networks"]
    if any(network["runnable"] for network in networks):
        return 0
    damaged = is_damaged(contents)
    return UNREADABLE if damaged and not networks else NOTHING_RUNS


def show(out: Terminal, contents: dict[str, Any], everything: bool = False) -> None:
    """A file: where it comes from, its networks, and its other variables."""
    show_file(out, contents)
    for network in contents["networks"]:
        show_network(out, network, everything)
    show_variables(out, contents)


def show_file(out: Terminal, contents: dict[str, Any]) -> None:
    """The header: where the file comes from and whether damage would show."""
    contents = visible_within(contents)
    about = contents["provenance"]
    kind = contents["format"]
    out.print(styled(contents["file"], "bold"), " " + FORMATS.get(kind, kind))
    size = f"{about['bytes']:,} bytes" if "bytes" in about else ""
    writer = about.get("platform") or about["written_by"]
    facts = (writer, *about.get("versions", ()), about.get("created"), size)
    out.print("  " + " · ".join(fact for fact in facts if fact))
    if about["written_by"].startswith("matbridge"):
        origin = ", ".join(filter(None, about.get("origin", [])))
        source = f" from {origin}" if origin else ""
        out.print(f"  written by matbridge{source}, not by MATLAB")
    out.print(f"  sha256 {about['sha256']}")
    if "without_checksum" in about:
        show_checksums(out, about["without_checksum"])
    for problem in contents["problems"]:
        show_problem(out, problem)


def show_checksums(out: Terminal, loose: list[str]) -> None:
    """Whether each variable of a MAT-file carries a checksum."""
    if not loose:
        out.print("  every variable carries a checksum: damage would be noticed")
    else:
        names = ", ".join(loose[:6]) + (", ..." if len(loose) > 6 else "")
        out.print(f"  no checksum: {names}: a changed bit there goes unnoticed")


def show_network(out: Terminal, network: dict[str, Any], everything: bool = False) -> None:
    """The layer table and what belongs to it."""
    network = visible_within(network)
    out.print()
    out.print(styled(network["address"], "bold"), " " + network["class"])
    if network["release"] != "unknown":
        out.print(f"  written by {network['release']}")
    show_shallow(out, network["shallow"])
    if network["layers"]:
        show_layers(out, layer_table(network, everything))
        out.print(f"  {len(network['layers'])} layers, {network['parameters']:,} learnables")
    for name in ("inputs", "outputs", "classes"):
        show_list(out, name, network[name])
    for name, value in network["beside"].items():
        out.print(f"  beside it {name}: {value}")
    show_list(out, "MATLAB needs", network["products"])
    show_list(out, "kept as operators of ONNX", _operators(network))
    show_list(out, "the user's own classes", network["custom_classes"])
    runs = styled("runs", "green") if network["runnable"] else styled(NOT_AS_IS, "yellow")
    out.print(" ", runs)
    for problem in network["problems"]:
        show_problem(out, problem)


def _operators(network: dict[str, Any]) -> list[str]:
    layers = (layer for layer in network["layers"] if layer["product"] == NO_PRODUCT)
    return list(dict.fromkeys(layer["type"] for layer in layers))


def show_shallow(out: Terminal, about: dict[str, Any]) -> None:
    """What a network object was, in a sentence, and its parts as MATLAB numbers them."""
    if not about:
        return
    out.print(f"  {about['sentence']}")
    parts = table(*COLUMNS)
    for row in about["parts"]:
        parts.add_row(*row)
    out.print(parts)


def show_layers(out: Terminal, layers: LayerTable) -> None:
    """In columns where there is room for them, else the details below each other."""
    rows = in_columns(layers)
    if Measurement.get(out, out.options.update(max_width=ENDLESS), rows).maximum > out.width:
        rows = in_columns(layers.stacked())
    out.print(rows)


def in_columns(layers: LayerTable) -> Table:
    """The cells, folded where they do not fit."""
    rows = table(*layers.columns)
    for row in layers.rows:
        rows.add_row(*("\n".join(cell) for cell in row))
    return rows


def show_list(out: Terminal, title: str, names: list[str]) -> None:
    """Names in one line; of many only the first, and how many there are."""
    if names:
        more = f", ... ({len(names)} in all; --json lists them)" if len(names) > MOST else ""
        out.print(f"  {title}: {', '.join(names[:MOST])}{more}")


def show_problem(out: Terminal, problem: dict[str, str]) -> None:
    """What was noticed, where, and how to mend it."""
    colour = {"error": "red", "warning": "yellow"}.get(problem["level"], "dim")
    where = f"{problem['where']}: " if problem["where"] else ""
    text = in_options(f"{where}{problem['what']}. {problem['mend']}".rstrip())
    out.print(" ", styled(problem["level"], colour), text)


def is_damaged(contents: dict[str, Any]) -> bool:
    """Whether a part of the file could not be read."""
    return any(problem["level"] == "error" for problem in contents["problems"])


def show_variables(out: Terminal, contents: dict[str, Any]) -> None:
    """What the file holds beside its networks, and what of it they may take or have given."""
    networks = contents["networks"]
    roots = {re.split(r"[.({]", network["address"])[0] for network in networks}
    variables = contents["variables"]
    others = [v for v in variables if v["name"] not in roots and not v["part_of"]]
    out.print()
    if others:
        out.print("other variables:" if networks else "no network, only these variables:")
        rows = table("Name", "Class", "Size", "Fits")
        for variable in visible_within(others[:MANY]):
            size = "×".join(map(str, variable["size"]))
            fits = "\n".join(_fits(fit, len(networks) > 1) for fit in variable["fits"])
            rows.add_row(variable["name"], variable["class"], size, fits)
        out.print(rows)
        if len(others) > MANY:
            out.print(f"  ... and {len(others) - MANY} more; --json lists them")
    # What is lost may be the network itself: then its other variables are no puzzle.
    if not networks and not is_damaged(contents):
        out.print(
            f"Loose arrays do not tell how they belong together. {DOCS}/weights-file.md shows "
            "how to build a network from them."
            if others
            else "no variables"
        )


def _fits(fit: dict[str, str], named: bool) -> str:
    network = f"{fit['network']}: " if named else ""
    order = f" (--format {fit['format']})" if fit["format"] else ""
    return f"{network}{fit['side']} {fit['name']}{order}"
