"""matbridge convert: the main job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.errors import MismatchError
from matbridge.files import check_target, written
from matbridge.inspect.summary import summarize_network

__all__ = ["command"]

SUFFIXES = {"pt2": ".pt2", "safetensors": ".safetensors", "onnx": ".onnx"}


@click.command("convert")
@path_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT",
              help="Where to. [default: the name of FILE, in the current folder]")  # fmt: skip
@click.option("--to", "kind", type=click.Choice(list(SUFFIXES)),
              help="pt2: a torch.export program; safetensors: weights in MATLAB's layout and "
                   "the graph; onnx. [default: by OUT, else pt2]")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite OUT.")
@network_option
@cards_option
@max_size_option
@json_option
def command(
    path: Path,
    output: Path | None,
    kind: str | None,
    force: bool,
    network: str | None,
    registry: Registry,
    max_size: int,
    as_json: bool,
) -> None:
    """Turn the network in FILE into something that runs in Python.

    The result is loaded again and compared with the network on random input.

    \b
    Example:
      matbridge convert net.mat
      matbridge convert agent.mat --network agent.Actor -o actor.safetensors
      matbridge convert net.mat --to onnx
    """
    from matbridge.matlab.contents import load

    named = _kind(output) if output is not None and (kind is None or output.suffix) else kind
    if kind is not None and named != kind:
        raise MismatchError(
            f"--to {kind} contradicts the name {output}", mend="Leave out --to, or change the name."
        )
    kind = kind or named or "pt2"
    target = output or Path(path.stem + SUFFIXES[kind])
    check_target(target, force, [path])
    found = load(path, network, registry, max_size)
    summary = summarize_network(found, found.provenance.address)
    figures = write_and_check(found, target, kind, force, path)
    if as_json:
        print_json(
            {
                "network": summary,
                "output": str(target),
                "kind": kind,
                "check": figures,
            }
        )
        return
    show_network(console(), summary)
    tell(f"\nwritten to {target}")
    tell(f"loaded again and compared on random input: {_told(figures)}")
    tell("")
    console().print(_evidence(found))


def _kind(output: Path) -> str:
    for kind, suffix in SUFFIXES.items():
        if output.suffix.lower() == suffix:
            return kind
    raise MismatchError(
        f"{output.name} does not tell what to write",
        mend=f"Give --to, or one of the endings {', '.join(SUFFIXES.values())}.",
    )


def write_and_check(
    network: Network, target: Path, kind: str, force: bool, source: Path
) -> dict[str, Any]:
    """Write under a temporary name, load that again, compare, and only then rename."""
    from matbridge.verify import roundtrip

    with written(target, force, [source]) as temporary:
        say(f"writing {target.name} ...")
        WRITERS[kind](network, temporary)
        return roundtrip.check(network, temporary, kind)


def _write_pt2(network: Network, path: Path) -> None:
    from matbridge.torch.program import write_program

    write_program(network, path)


def _write_safetensors(network: Network, path: Path) -> None:
    from matbridge.safetensors.write import save_safetensors

    save_safetensors(network, path)


def _write_onnx(network: Network, path: Path) -> None:
    from matbridge.onnx.write import to_onnx

    path.write_bytes(to_onnx(network).SerializeToString())


WRITERS: dict[str, Callable[[Network, Path], None]] = {
    "pt2": _write_pt2,
    "safetensors": _write_safetensors,
    "onnx": _write_onnx,
}


def _told(figures: dict[str, Any]) -> str:
    if "max_rel" not in figures:
        return str(figures["note"])
    return (
        f"{figures['verdict']}, largest difference {figures['max_abs']:.2g} "
        f"({figures['max_rel']:.2g} of the largest value, {figures['elements']:,} values)"
    )


def _evidence(network: Network) -> Table:
    """On what it rests that the layers compute what MATLAB's do."""
    rows = table("Evidence", "Layers")
    kinds: dict[str, set[str]] = {}
    for layer in network.layers:
        kinds.setdefault(layer.EVIDENCE if layer.known else "your own card", set()).add(
            layer.type_name
        )
    for kind, names in sorted(kinds.items()):
        rows.add_row(kind, ", ".join(sorted(names)))
    return rows
