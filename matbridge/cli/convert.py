"""matbridge convert: the main job."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from matbridge.cli.inspect import show_network
from matbridge.cli.options import (
    cards_option,
    json_option,
    max_size_option,
    network_option,
    path_argument,
)
from matbridge.cli.terminal import console, print_json, say, table, tell
from matbridge.core.check import Check
from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.files import check_readable, check_target
from matbridge.inspect.summary import summarize_network
from matbridge.languages import LANGUAGES, load, named, save, target_language
from matbridge.layers.catalogue import evidence_of

__all__ = ["command"]

DEFAULT = "pt2"
WRITTEN = [language for language in LANGUAGES if language.write]


@click.command("convert")
@path_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT",
              help="Where to. [default: the name of FILE, in the current folder]")  # fmt: skip
@click.option("--to", metavar="|".join(language.name for language in WRITTEN),
              help="; ".join(f"{language.name}: {language.about}" for language in WRITTEN)
              + f". [default: by OUT, else {DEFAULT}]")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite OUT.")
@network_option
@cards_option
@max_size_option
@json_option
def command(
    path: Path,
    output: Path | None,
    to: str | None,
    force: bool,
    network: str | None,
    registry: Registry,
    max_size: int,
    as_json: bool,
) -> None:
    """Turn the network in FILE into something that runs in Python.

    The result is loaded again and compared with the network, layer by layer, on random input
    of the kind that it was trained on.

    \b
    Example:
      matbridge convert net.mat
      matbridge convert agent.mat --network agent.Actor -o actor.safetensors
      matbridge convert net.mat --to onnx
    """
    check_readable(path)
    target = output or Path(path.stem + named(to or DEFAULT).suffixes[0])
    language = target_language(target, to)
    check_target(target, force, [path])
    found = load(path, network, registry, max_size)
    say(f"writing {target.name} ...")
    check = save(found, target, language.name, force, [path])
    summary = summarize_network(found, found.provenance.address)
    if as_json:
        print_json(
            {
                "network": summary,
                "output": str(target),
                "kind": language.name,
                "check": check.as_dict(),
            }
        )
        return
    show_network(console(), summary)
    tell(f"\nwritten to {target}")
    tell(f"loaded again and compared on random input: {_told(check)}")
    tell("")
    console().print(_evidence(found))


def _told(check: Check) -> str:
    if not check.ports:
        return check.note
    return (
        f"agree, largest difference {check.max_abs:.2g} ({check.max_rel:.2g} of the largest "
        f"value); {check.elements:,} values at {check.ports} layers, within {check.used:.0%} of "
        "what rounding allows"
    )


def _evidence(network: Network) -> Table:
    """On what it rests that the layers compute what MATLAB's do."""
    rows = table("Evidence", "Layers")
    kinds: dict[str, set[str]] = {}
    for layer in network.layers:
        kinds.setdefault(evidence_of(layer), set()).add(layer.type_name)
    for kind, names in sorted(kinds.items()):
        rows.add_row(kind, ", ".join(sorted(names)))
    return rows
