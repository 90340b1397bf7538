"""matbridge convert: the main job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.table import Table

from matbridge.cli.data import gather_inputs
from matbridge.cli.inspect import show_network
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
from matbridge.cli.options import (
    json_option,
    network_option,
    reading_options,
)
from matbridge.cli.terminal import console, print_json, say, table, tell, warn_of
from matbridge.cli.writing import writing_options
from matbridge.core.check import Check
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.core.writing import Writing
from matbridge.errors import MismatchError
from matbridge.files import check_readable, check_target
from matbridge.inspect.summary import summarize_network
from matbridge.languages import LANGUAGES, named, save, target_language
from matbridge.layers.catalogue import evidence_of
from matbridge.text import listed

__all__ = ["command", "told_of"]

DEFAULT = "pt2"
WRITTEN = [language for language in LANGUAGES if language.write]


@dataclass(frozen=True)
class Order:
    """What is asked for: where to, in which language, and what is read on the way."""

    output: Path | None
    to: str | None
    force: bool
    reads: Sequence[Path]
    several: bool
    how: Writing
    inputs: tuple[str, ...]
    limit: int

    def target(self, path: Path, ending: str = "") -> Path:
        """Where the network of a file goes; ``ending`` tells several of one file apart."""
        if self.output is not None and not self.several:
            return self.output
        suffix = named(self.to or DEFAULT).suffixes[0]
        return (self.output or Path()) / f"{path.stem}{ending}{suffix}"

    def write(self, network: Network, target: Path) -> Check:
        """The network, written and compared; what is odd about it is said."""
        language = target_language(target, self.to)
        check_target(target, self.force, self.reads)
        arrays = network.nonfinite_arrays()
        if arrays:
            say(f"warning: {listed(arrays, 5)} hold NaN or Inf: the training diverged, and what "
                "the network computes is no answer")  # fmt: skip
        say(f"writing {target.name} ...")
        data = tuple(gather_inputs(network, self.inputs, self.limit)) if self.inputs else ()
        how = replace(self.how, data=data)
        return save(network, target, language.name, self.force, self.reads, how)


@click.command("convert")
@paths_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT",
              help="Where to; a folder for several. [default: the name of FILE, in the current "
                   "folder]")  # fmt: skip
@click.option("--to", metavar="|".join(language.name for language in WRITTEN),
              help="; ".join(f"{language.name}: {language.about}" for language in WRITTEN)
              + f". [default: by OUT, else {DEFAULT}]")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite OUT.")
@writing_options
@all_option
@network_option
@reading_options
@json_option
def command(
    paths: tuple[Path, ...],
    output: Path | None,
    to: str | None,
    force: bool,
    writing: Writing,
    inputs: tuple[str, ...],
    every: bool,
    network: str | None,
    reading: Reading,
    as_json: bool,
) -> int:
    """Turn the network in FILE into something that runs in Python.

    The result is loaded again and compared with the network, layer by layer, on random input
    of the kind that it was trained on. Several files, or folders, give a row for each.

    \b
    Example:
      matbridge convert net.mat
      matbridge convert agent.mat --network agent.Actor -o actor.safetensors
      matbridge convert net.mat --to onnx
      matbridge convert net.mat -o net.onnx --opset 13 --stateful
      matbridge convert net.mat -o small.onnx --quantize int8 --input data.mat:XTest
      matbridge convert models/ more.mat --all --to onnx -o converted
    """
    several = are_many(paths, every)
    reads, limit = expanded(paths), reading.max_size
    order = Order(output, to, force, reads, several, writing, inputs, limit)
    if several:
        rows = _several(order, every, network, reading)
        return show_all(rows, as_json)
    (path,) = paths
    check_readable(path)
    target = order.target(path)
    target_language(target, to)
    check_target(target, force, paths)
    chosen = one_of(path, network, reading)
    warn_of(chosen.report)
    check = order.write(chosen, target)
    _show(chosen, target, check, as_json)
    return 0


def _several(order: Order, every: bool, address: str | None, reading: Reading) -> list[Row]:
    """Every file and network in its turn; two of one name are not written over each other."""
    if order.output is not None and not order.output.is_dir():
        raise MismatchError(
            "there is no such folder, which several networks need",
            where=str(order.output),
            mend="Make it first.",
        )
    taken: set[Path] = set()

    def work(path: Path, address: str, network: Network) -> Row:
        target = order.target(path, _ending(address) if every else "")
        if target in taken:
            raise MismatchError("another network was just written there", where=str(target))
        check = order.write(network, target)
        taken.add(target)
        document = {"output": str(target), "check": check.as_dict()}
        return Row(str(path), address, f"{target}: {told_of(check)}", document=document)

    return run_all(order.reads, lambda path: networks_of(path, address, every, reading),
                   work)  # fmt: skip


def _ending(address: str) -> str:
    """An address as part of a file's name: plain letters, whatever a file says."""
    return "-" + re.sub(r"[^\w.-]+", "_", address, flags=re.ASCII).strip("_.")


def _show(network: Network, target: Path, check: Check, as_json: bool) -> None:
    summary = summarize_network(network, network.provenance.address)
    if as_json:
        about = {"output": str(target), "kind": target_language(target).name}
        print_json({"network": summary, **about, "check": check.as_dict()})
        return
    show_network(console(), summary)
    tell(f"\nwritten to {target}")
    tell(f"loaded again and compared on {check.on or 'random input'}: {told_of(check)}")
    tell("")
    console().print(_evidence(network))


def told_of(check: Check) -> str:
    """How far what was written agrees, in one sentence."""
    if check.losses:
        return "; ".join(map(str, check.losses))
    if check.note:
        return check.note
    lost = f"; {check.lost:,} more are NaN or Inf, which says nothing" if check.lost else ""
    return (
        f"agree, largest difference {check.max_abs:.2g} ({check.max_rel:.2g} of the largest "
        f"value); {check.elements:,} values at {check.ports} layers, within {check.used:.0%} of "
        f"what rounding allows{lost}"
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
