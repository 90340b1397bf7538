"""matbridge scaffold: a card to fill in, for a layer that matbridge does not know."""

from __future__ import annotations

import builtins
import dataclasses
import keyword
import math
import re
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from matbridge.cli.options import max_size_option, path_argument
from matbridge.cli.terminal import tell
from matbridge.core.card import Layer
from matbridge.core.contents import Reading
from matbridge.core.registry import Unknown
from matbridge.errors import MismatchError
from matbridge.languages import read
from matbridge.version import DOCS

__all__ = ["command", "scaffold"]

# Text of the file stands in the source only as a literal of ASCII characters, or in a comment
# as one; never on the first two lines, where a comment could change the encoding.
HEAD = '''"""A card for a layer that matbridge does not know. Fill in forward, then use it:

    matbridge predict net.mat --cards THIS_FILE.py --input data.mat:X
    matbridge.load("net.mat", registry=[{name}])
"""

from matbridge.core.card import Layer, learnable, prop
from matbridge.core.kinds import logical, number, numbers, text


class {name}(Layer):
    # As saved in the layer(s) {layers}
    MATLAB = ({class_name},)
'''

TAIL = """
    def infer(self, {inputs}):
        # The size of the output; that of the first input unless you say otherwise.
        return {first}

    def forward(self, ops, p, {inputs}):
        # Say it in the words of ops, such as ops.add(x, y), ops.map("tanh", x),
        # ops.multiply(x, p["Alpha"]): see
        # {docs}/adding-a-layer.md
        raise NotImplementedError("write what " + self.MATLAB[0] + " computes")
"""

# What a generated name must not hide: words of Python, and what the source itself uses.
TAKEN = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins)])
USED = frozenset(("Layer", "learnable", "prop", "logical", "number", "numbers", "text"))
# Longer texts and more names than these are not worth a line of source.
LONGEST, MOST = 200, 5


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
        for network in read(path, Reading(max_size=max_size)).networks.values()
        for layer in network.layers
        if (layer.class_name or layer.type_name) == class_name
    ]
    if not layers:
        raise MismatchError(
            f"no layer has the class {class_name!r}", where=path.name, mend="See matbridge inspect."
        )
    source = scaffold(class_name, layers)
    if output is None:
        tell(source.removesuffix("\n"))
        return
    with written(output, force, [path]) as temporary:
        temporary.write_text(source, encoding="utf-8")
    tell(f"written to {output}")


def scaffold(class_name: str, layers: list[Layer]) -> str:
    """The source of a card with the properties and arrays of these layers.

    No text of the file becomes source but as a literal: see ``quoted`` and ``identifier``.
    """
    first = layers[0]
    saved = first.extra if isinstance(first, Unknown) else {}
    name = identifier(class_name.rpartition(".")[2], set())
    name = name[:1].upper() + name[1:]
    parts = [
        HEAD.format(
            class_name=quoted(class_name),
            name=name + "_" * (name in TAKEN | USED),
            layers=_listed([layer.name for layer in layers]),
        )
    ]
    arrays = {k: v for k, v in saved.items() if _is_array(v)}
    if arrays:
        parts.append("    ARRAYS = (\n")
        parts += [f"        {_declared(key, array)},\n" for key, array in arrays.items()]
        parts.append("    )\n")
    if first.inputs != ("in",):
        parts.append(f"    INPUTS = {_texts(first.inputs)}\n")
    if first.outputs != ("out",):
        parts.append(f"    OUTPUTS = {_texts(first.outputs)}\n")
    taken = {*dir(Layer), *(field.name for field in dataclasses.fields(Layer))}
    fields = [
        _field(key, value, taken)
        for key, value in saved.items()
        if key not in (*arrays, "Description")
    ]
    parts += ["\n", *fields] if fields else []
    count = len(first.inputs)
    inputs = ["x"] if count == 1 else [f"x{i}" for i in range(1, count + 1)]
    return "".join(parts) + TAIL.format(docs=DOCS, inputs=", ".join(inputs), first=inputs[0])


def quoted(value: str) -> str:
    """The text as a Python literal of printable ASCII characters, on one line."""
    return ascii(str(value))


def identifier(value: str, taken: set[str]) -> str:
    """A name in lower case made of this text, unlike any in ``taken``, to which it is added."""
    name = re.sub(r"[^0-9A-Za-z_]", "_", value)[:LONGEST].strip("_")
    name = name if name[:1].isalpha() else f"property_{name}".rstrip("_")
    while name in taken or name in TAKEN or name in USED:
        name += "_"
    taken.add(name)
    return name


def _listed(names: Sequence[str]) -> str:
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - MOST} more" if len(different) > MOST else ""
    return ", ".join(quoted(name[:LONGEST]) for name in different[:MOST]) + more


def _texts(names: Sequence[str]) -> str:
    return f"({''.join(f'{quoted(name)}, ' for name in names).rstrip()})"


def _is_array(value: object) -> bool:
    """Learnables are single; options are double scalars or short rows."""
    return isinstance(value, np.ndarray) and (
        value.dtype == np.float32 or (value.dtype.kind in "fiub" and value.size > 8)
    )


def _declared(name: str, array: np.ndarray) -> str:
    """A declaration with the sizes of this array; the labels are yours to check."""
    if sum(n != 1 for n in array.shape) <= 1:
        return f'learnable({quoted(name)}, "per channel", dims="C")'
    sizes = ", ".join(f'"{n}"' for n in array.shape)
    dims = "OI" if array.ndim == 2 else "SIO"
    return f'learnable({quoted(name)}, {sizes}, dims="{dims}")'


def _field(name: str, value: object, taken: set[str]) -> str:
    """The declaration of a property; a comment for what no kind of property takes."""
    kind = _kind(value)
    if kind is None:
        return f"    # {quoted(name)}: {quoted(type(value).__name__)}\n"
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    hint, converter, default = kind
    return (
        f"    {identifier(words, taken)}: {hint} = "
        f"prop({quoted(name)}, {converter}, default={default})\n"
    )


def _kind(value: object) -> tuple[str, str, str] | None:
    """The annotation, the converter and the default of a property with this value."""
    if isinstance(value, str):
        return ("str", "text", quoted(value)) if len(value) <= LONGEST else None
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub" or not value.size:
        return None
    literals = [_literal(n) for n in value.reshape(-1, order="F").tolist()]
    if len(literals) > 1:
        return "tuple[float, ...]", "numbers", f"({', '.join(literals)})"
    if value.dtype.kind == "b":
        return "bool", "logical", literals[0]
    return "float", "number", literals[0]


def _literal(number: float) -> str:
    return repr(number) if math.isfinite(number) else f'float("{number}")'
