"""A network drawn: a box for each layer, a line for each connection, as SVG."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matbridge.core.card import Layer
from matbridge.core.dims import Size
from matbridge.core.network import Network, Port
from matbridge.errors import MismatchError
from matbridge.files import check_target, written
from matbridge.report.colours import literal
from matbridge.report.columns import in_columns
from matbridge.report.families import family
from matbridge.report.layout import Box, Edge, Line, Node
from matbridge.report.templates import render
from matbridge.text import visible

__all__ = ["Mark", "check_picture", "picture", "write_picture"]

# A box: its least and greatest width, what a letter of its text takes, and room at its sides.
NARROW, WIDE, LETTER, SIDES = 132.0, 250.0, 7.2, 26.0
# With room for a name, a kind, a size; and for a row of ports.
HEIGHT, PORTS = 54.0, 14.0
# Per port; and the shortest width of one whose name is shown.
PORT, NAMED = 18.0, 30.0
# What a hint says of a name is not endless.
LONGEST = 300


@dataclass(frozen=True)
class Mark:
    """What a report says of a layer: the class of its colour, words for its hint, and "first"
    where two computations part."""

    colour: str
    words: str
    badge: str = ""


@dataclass(frozen=True)
class _Drawn:
    """A layer in its place, as the template shows it."""

    box: Box
    name: str
    kind: str
    size: str
    learnables: str
    hint: str
    colour: str
    badge: str
    linked: bool
    anchor: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def check_picture(path: Path, reads: Iterable[Path] = ()) -> None:
    """Raise what write_picture raises for this path."""
    if path.suffix.lower() != ".svg":
        raise MismatchError("a picture is an SVG file", where=str(path), mend="End it in .svg.")
    check_target(path, force=True, reads=reads)


def write_picture(network: Network, path: Path, reads: Iterable[Path] = ()) -> None:
    """Draw a network into an SVG file; an older picture is overwritten, ``reads`` never are.

    Raises UnsupportedError where jinja2 or pygraphviz is not installed, MismatchError where
    there are no layers, the name does not end in .svg or the file cannot be written.
    """
    reads = list(reads)
    check_picture(path, reads)
    text = picture(network)
    with written(path, force=True, reads=reads) as temporary:
        temporary.write_text(text, encoding="utf-8")


def picture(
    network: Network, marks: Mapping[str, Mark] | None = None, anchors: str = "", alone: bool = True
) -> str:
    """The SVG of a network; ``marks`` say of layers what colours them instead of their family.

    ``anchors`` begins the address of a layer's row on the page that holds the picture, which is
    then not ``alone`` and takes its colours from there. Raises what write_picture raises.
    """
    layers = network.graph.order
    if not layers:
        raise MismatchError("the network has no layers to draw")
    sizes = network.infer()
    texts = {layer.name: _texts(layer, sizes.get(_first(layer))) for layer in layers}
    groups = _groups([layer.name for layer in layers])
    width = _width(layers, texts)
    # Numbers stand for the layers, whose names may be anything.
    place = {layer.name: str(number) for number, layer in enumerate(layers, 1)}
    nodes = [_node(place[layer.name], layer, groups[layer.name], width) for layer in layers]
    layout = in_columns(nodes, _edges(network, place))
    drawn = [
        _drawn(layer, layout.boxes[number], texts[layer.name], marks or {}, number)
        for layer, number in zip(layers, place.values(), strict=True)
    ]
    return render(
        "picture.svg",
        layers=drawn,
        lines=[_path(line) for line in layout.lines],
        arrows=[not line.head.startswith("\0") for line in layout.lines],
        frames=[(frame.box, _elided(frame.groups[-1], frame.box.width)) for frame in layout.frames],
        width=round(layout.width + 16, 1),
        height=round(layout.height + 20, 1),
        title=f"{network.class_name}, {len(layers)} layers",
        anchors=anchors,
        alone=alone,
        light=literal(dark=False),
        dark=literal(dark=True),
    )


def _first(layer: Layer) -> Port:
    return Port(layer.name, next(iter(layer.outputs), "out"))


def _texts(layer: Layer, size: object) -> tuple[str, str, str]:
    """Kind, size of the output, and how many learnables."""
    count = sum(array.size for array in layer.learnables().values())
    shown = _size(size) if isinstance(size, Size) else ""
    return layer.type_name.removesuffix("Layer"), shown, _count(count)


def _size(size: Size) -> str:
    """As "28×28×16 SSC": of one observation, one step."""
    kept = [
        (n, label) for n, label in zip(size.shown(), size.format, strict=True) if label not in "BT"
    ]
    labels = "".join(label for label in size.format if label != "B")
    return f"{'×'.join('?' if n is None else str(n) for n, _ in kept)} {labels}"


def _count(number: int) -> str:
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return str(number) if number else ""


def _groups(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The networks that layers come from, by the names OUTER/INNER that taking apart gives."""
    paths = {name: tuple(filter(None, name.split("/")))[:-1][:3] for name in names}
    counts = Counter(path[:i] for path in paths.values() for i in range(1, len(path) + 1))
    frames = {path for path, count in counts.items() if 1 < count < len(names)}
    return {
        name: tuple(path[i] for i in range(len(path)) if path[: i + 1] in frames)
        for name, path in paths.items()
    }


def _width(layers: Sequence[Layer], texts: Mapping[str, tuple[str, str, str]]) -> float:
    """One width for all, so that they stand in line."""
    letters = [
        max(_letters(layer.name), _letters(kind), _letters(size) + _letters(learnables) + 2)
        for layer in layers
        for kind, size, learnables in [texts[layer.name]]
    ]
    return min(max(max(letters) * LETTER + SIDES, NARROW), WIDE)


def _node(name: str, layer: Layer, groups: tuple[str, ...], width: float) -> Node:
    inputs, outputs = len(layer.inputs), len(layer.outputs)
    height = HEIGHT + PORTS * ((inputs > 1) + (outputs > 1))
    wide = max(width, PORT * max(inputs, outputs))
    return Node(name, wide, height, inputs, outputs, groups)


def _letters(text: str) -> int:
    """How wide a text is in letters of the alphabet; none counts for more than fits."""
    wide = (unicodedata.east_asian_width(letter) in "WF" for letter in text[:LONGEST])
    return sum(2 if double else 1 for double in wide)


def _edges(network: Network, place: Mapping[str, str]) -> list[Edge]:
    layers = network.graph.layers
    return [
        Edge(
            place[c.source.layer],
            place[c.destination.layer],
            _number(layers[c.source.layer].outputs, c.source.name),
            _number(layers[c.destination.layer].inputs, c.destination.name),
        )
        for c in network.connections
    ]


def _number(ports: Sequence[str], name: str) -> int:
    return list(ports).index(name) if name in ports else 0


def _drawn(
    layer: Layer,
    box: Box,
    texts: tuple[str, str, str],
    marks: Mapping[str, Mark],
    number: str,
) -> _Drawn:
    kind, size, learnables = texts
    words = [layer.name[:LONGEST], kind, size, f"{learnables} learnables" if learnables else ""]
    mark = Mark(family(layer), "")
    if marks:
        mark = marks.get(layer.name, Mark("unrecorded", "not recorded"))
    return _Drawn(
        box=box,
        name=_elided(layer.name, box.width),
        kind=_elided(kind, box.width),
        size=_elided(size, box.width - len(learnables) * LETTER),
        learnables=learnables,
        hint="\n".join(filter(None, [*words, mark.words])),
        colour=mark.colour,
        badge=mark.badge,
        linked=layer.name in marks,
        anchor=number,
        inputs=_ports(layer.inputs, box),
        outputs=_ports(layer.outputs, box),
    )


def _ports(names: Sequence[str], box: Box) -> tuple[str, ...]:
    """What is written at each of several ports; nothing where there is no room."""
    if len(names) < 2:
        return ()
    room = box.width / len(names)
    return tuple(_elided(name, room, 6.0, 4.0) if room >= NAMED else "" for name in names)


def _elided(text: str, width: float, letter: float = LETTER, sides: float = SIDES) -> str:
    """A text that fits, its middle left out where it does not."""
    text = visible(text[:LONGEST])
    most = max(int((width - sides) / letter), 3)
    if _letters(text) <= most:
        return text
    while _letters(text) > most - 1:
        middle = len(text) // 2
        text = text[:middle] + text[middle + 1 :]
    middle = (len(text) + 1) // 2
    return f"{text[:middle]}…{text[middle:]}"


def _path(line: Line) -> str:
    """The d of a path."""
    first, *rest = (f"{x:.1f} {y:.1f}" for x, y in line.points)
    return f"M{first} {'L' if line.straight else 'C'}{' '.join(rest)}"
