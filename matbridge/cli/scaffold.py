"""matbridge scaffold: a card to fill in, for a layer that matbridge does not know."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Any

import click
import numpy as np

from matbridge.cli.options import max_size_option, path_argument
from matbridge.core.card import Layer
from matbridge.core.registry import Unknown
from matbridge.errors import MismatchError
from matbridge.matlab.contents import read_contents

__all__ = ["command", "scaffold"]

HEAD = '''"""What {class_name} computes. Fill in forward, then use it:

    matbridge predict net.mat --cards {file} --input data.mat:X
    matbridge.load("net.mat", registry=[{name}])
"""

from dataclasses import dataclass

from matbridge.core.card import Layer, learnable, prop
from matbridge.core.kinds import integers, logical, number, numbers, text


class {name}(Layer):
    """{class_name}, as saved in the layer(s) {layers}."""

    MATLAB = ("{class_name}",)
'''

TAIL = """
    def infer(self, *inputs):
        # The size of the output; that of the first input unless you say otherwise.
        return inputs[0]

    def forward(self, ops, p, *inputs):
        # Say it in the words of ops, such as ops.add(x, y), ops.map("tanh", x),
        # ops.multiply(x, p["Alpha"]): see docs/adding-a-layer.md.
        raise NotImplementedError("write what {class_name} computes")
"""


@click.command("scaffold")
@path_argument
@click.argument("class_name", metavar="CLASSNAME")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file.")
@click.option("--force", is_flag=True, help="Overwrite the output.")
@max_size_option
def command(path: Path, class_name: str, output: Path | None, force: bool, max_size: int) -> None:
    """Write a card for the custom layer class CLASSNAME of FILE, forward left to you.

    \b
    Example:
      matbridge scaffold net.mat myLayer -o my_layer.py
      matbridge predict net.mat --cards my_layer.py --input data.mat:X
    """
    from matbridge.files import written

    layers = [
        layer
        for network in read_contents(path, None, max_size).networks.values()
        for layer in network.layers
        if (layer.class_name or layer.type_name) == class_name
    ]
    if not layers:
        raise MismatchError(
            f"no layer has the class {class_name!r}", where=path.name, mend="See matbridge inspect."
        )
    made = scaffold(class_name, layers, str(output or "cards.py"))
    if output is None:
        click.echo(made, nl=False)
        return
    with written(output, force) as temporary:
        temporary.write_text(made, encoding="utf-8")
    click.echo(f"written to {output}")


def scaffold(class_name: str, layers: list[Layer], file: str) -> str:
    """The source of a card with the properties and arrays of these layers."""
    name = re.sub(r"\W", "_", class_name.rpartition(".")[2])
    name = name[:1].upper() + name[1:]
    first = layers[0]
    saved = first.extra if isinstance(first, Unknown) else {}
    parts = [
        HEAD.format(
            class_name=class_name,
            name=name,
            file=file,
            layers=", ".join(dict.fromkeys(layer.name for layer in layers)),
        )
    ]
    arrays = {k: v for k, v in saved.items() if _is_array(v)}
    if arrays:
        parts.append("    ARRAYS = (\n")
        parts += [f"        {_declared(key, array)},\n" for key, array in arrays.items()]
        parts.append("    )\n")
    if first.inputs != ("in",):
        parts.append(f"    INPUTS = {first.inputs!r}\n")
    if first.outputs != ("out",):
        parts.append(f"    OUTPUTS = {first.outputs!r}\n")
    fields = [
        _field(key, value) for key, value in saved.items() if key not in (*arrays, "Description")
    ]
    parts += ["\n", *fields] if fields else []
    return "".join(parts) + TAIL.format(class_name=class_name)


def _is_array(value: Any) -> bool:
    """Learnables are single; options are double scalars or short rows."""
    return isinstance(value, np.ndarray) and (value.dtype == np.float32 or value.size > 8)


def _declared(name: str, array: np.ndarray) -> str:
    """A declaration with the sizes of this array; the labels are yours to check."""
    if sum(n != 1 for n in array.shape) <= 1:
        return f'learnable("{name}", "per channel", dims="C")'
    sizes = ", ".join(f'"{n}"' for n in array.shape)
    dims = "OI" if array.ndim == 2 else "SIO"
    return f'learnable("{name}", {sizes}, dims="{dims}")'


def _field(name: str, value: Any) -> str:
    field = re.sub(r"\W", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()
    field += "_" * keyword.iskeyword(field)
    if isinstance(value, str):
        return f'    {field}: str = prop("{name}", text, default={value!r})\n'
    if isinstance(value, np.ndarray) and value.dtype.kind == "b" and value.size == 1:
        return f'    {field}: bool = prop("{name}", logical, default={bool(value.item())})\n'
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.size == 1:
        return f'    {field}: float = prop("{name}", number, default={value.item()!r})\n'
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.size:
        listed = tuple(value.reshape(-1, order="F").tolist())
        return f'    {field}: tuple = prop("{name}", numbers, default={listed!r})\n'
    return f"    # {name}: {type(value).__name__}\n"
