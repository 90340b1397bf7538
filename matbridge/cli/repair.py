"""matbridge repair: fill the placeholders of an ONNX file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from matbridge.cli.convert import told_of
from matbridge.cli.many import one_of
from matbridge.cli.options import json_option, network_option, path_argument, reading_options
from matbridge.cli.terminal import print_json, say, tell, warn_of
from matbridge.core.card import Layer
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.files import check_target
from matbridge.languages import save, target_language
from matbridge.text import listed, visible

__all__ = ["command"]


@click.command("repair")
@path_argument
@click.option("--with", "source", type=click.Path(path_type=Path), metavar="NET",
              help="The network that FILE was exported from, in any language.")  # fmt: skip
@click.option("--replace", "replaced", multiple=True, metavar="NAME=LAYER",
              help="What one layer was, such as tanh_1=tanhLayer or clip=clippedReluLayer(10). "
                   "Once for each.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT", required=True,
              help="Where to; its ending says the language.")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite OUT.")
@network_option
@reading_options
@json_option
def command(
    path: Path,
    source: Path | None,
    replaced: tuple[str, ...],
    output: Path,
    force: bool,
    network: str | None,
    reading: Reading,
    as_json: bool,
) -> int:
    """Fill what the ONNX FILE does not say, and write it anew.

    MATLAB's exporter writes a placeholder for each layer of which it has no ONNX form. What the
    layer was is taken from the original network (--with, of which --network chooses one), from
    --replace, or from a card for com.mathworks::Placeholder (--cards). What is written is
    compared, as by convert.

    \b
    Example:
      matbridge repair net.onnx --with net.mat -o fixed.onnx
      matbridge repair actor.onnx --replace ActorTanh1=tanhLayer -o fixed.onnx
    """
    reads = [path, *([source] if source else [])]
    check_target(output, force, reads)
    target_language(output)
    given = dict(_replacement(text, reading) for text in replaced)
    opened = _with(path, reading, given)
    if source is not None:
        given |= _from(opened, one_of(source, network, reading), source)
        opened = _with(path, reading, given)
    warn_of(opened.report)
    check = save(opened, output, None, force, reads)
    filled = {name: opened[name].type_name for name in given}
    if as_json:
        print_json({"output": str(output), "filled": filled, "check": check.as_dict()})
        return 0
    if not filled:
        tell("nothing was to be filled by name; a card may stand for an operator")
    for name, kind in filled.items():
        tell(f"{visible(name)}: {kind}")
    tell(f"written to {output}\nloaded again and compared on random input: {told_of(check)}")
    return 0


def _with(path: Path, reading: Reading, given: dict[str, Layer]) -> Network:
    opened = one_of(path, None, dataclasses.replace(reading, replacements=given))
    strange = [name for name in given if name not in opened]
    if strange:
        raise MismatchError(
            f"the file has no layer {listed(strange)}",
            where=path.name,
            mend=f"Its layers are {listed(layer.name for layer in opened.layers)}.",
        )
    return opened


def _replacement(text: str, reading: Reading) -> tuple[str, Layer]:
    from matbridge.matlab.spelled import layer_of

    name, sign, layer = text.partition("=")
    if not sign or not name:
        raise MismatchError(f"{text!r} is no replacement", mend="Write NAME=LAYER.")
    return name, layer_of(layer, reading.registry)


def _from(opened: Network, original: Network, source: Path) -> dict[str, Layer]:
    from matbridge.onnx.repair import differing, fillings

    found = fillings(opened, original)
    other = differing(opened, original)
    if other:
        say(f"warning: {listed(other, 5)} are not those in {source.name}: is that the network that "
            "was exported?")  # fmt: skip
    return found
