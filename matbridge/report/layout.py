"""Where boxes and lines go: Graphviz's dot, as pygraphviz brings it along.

It gets numbers and sizes only: no text of a network reaches it. Chosen because its layers have few
crossings, it honours ports and groups, its result is the same each time, its wheels hold Graphviz
itself for the three systems, and both are kept and free to use (BSD, EPL).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matbridge.report.templates import check_libraries

__all__ = ["Box", "Edge", "Frame", "Layout", "Line", "Node", "Points", "arrange"]

Points = tuple[tuple[float, float], ...]

# Graphviz measures boxes in inches of 72 points.
INCH = 72.0
# Between boxes side by side, between those one below the other, and round a group.
BESIDE, BELOW, MARGIN = 22, 30, 14


@dataclass(frozen=True)
class Node:
    """What becomes a box: its size, how many ports it has, and the groups that it is in, from
    the outermost. ``place`` is "first" or "last" where it must stand at an end."""

    name: str
    width: float
    height: float
    inputs: int = 1
    outputs: int = 1
    groups: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True)
class Edge:
    """From the output of a node to the input of another, by number from 0."""

    tail: str
    head: str
    output: int = 0
    input: int = 0


@dataclass(frozen=True)
class Box:
    """A node in its place, by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> Box:
        """The same box elsewhere."""
        return Box(self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True)
class Line:
    """An edge in its place: Bézier curves of three points each after the first, or, where it
    is ``straight``, corners."""

    tail: str
    head: str
    points: Points
    straight: bool = False

    def moved(self, x: float, y: float) -> Line:
        """The same line elsewhere."""
        points = tuple((a + x, b + y) for a, b in self.points)
        return Line(self.tail, self.head, points, self.straight)


@dataclass(frozen=True)
class Frame:
    """A group in its place, by the names that lead to it."""

    groups: tuple[str, ...]
    box: Box


@dataclass(frozen=True)
class Layout:
    """Everything in its place, from 0, 0; y grows downwards."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    lines: tuple[Line, ...]
    frames: tuple[Frame, ...] = ()


def arrange(nodes: Sequence[Node], edges: Sequence[Edge]) -> Layout:
    """The nodes in layers from the top down, with few crossings.

    Raises UnsupportedError where pygraphviz is not installed.
    """
    check_libraries("pygraphviz")
    from pygraphviz import AGraph

    graph = AGraph(directed=True, strict=False)
    graph.graph_attr.update(nodesep=str(BESIDE / INCH), ranksep=str(BELOW / INCH))
    graph.node_attr.update(shape="box", label="", fixedsize="true")
    number = {node.name: str(i) for i, node in enumerate(nodes)}
    for node in nodes:
        graph.add_node(number[node.name], **_look(node))
    ports = {node.name: node for node in nodes}
    for key, edge in enumerate(edges):
        look = {
            "tailport": _port("o", edge.output, ports[edge.tail].outputs, "s"),
            "headport": _port("i", edge.input, ports[edge.head].inputs, "n"),
        }
        graph.add_edge(number[edge.tail], number[edge.head], key=str(key), id=str(key), **look)
    groups = _grouped(graph, nodes, number)
    for place, rank in (("first", "source"), ("last", "sink")):
        members = [number[node.name] for node in nodes if node.place == place]
        if members:
            graph.add_subgraph(members, name=place, rank=rank)
    return _read(json.loads(graph.draw(format="json0", prog="dot")), nodes, edges, groups)


def _look(node: Node) -> dict[str, str]:
    """A box, or a table of cells where there are several ports at a side."""
    if max(node.inputs, node.outputs) < 2:
        return {"width": f"{node.width / INCH:.4f}", "height": f"{node.height / INCH:.4f}"}
    rows = _cells("i", node.inputs, node) + _cells("o", node.outputs, node)
    plain = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"'
    label = f"<<TABLE {plain}>{rows}</TABLE>>"
    return {"shape": "plain", "fixedsize": "false", "width": "0", "height": "0", "label": label}


def _cells(side: str, count: int, node: Node) -> str:
    """A row of the table, as wide as the node whatever the number of its cells."""
    width, height = int(node.width) // max(count, 1), int(node.height) // 2
    inner = f'FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
    cells = "".join(f'<TD PORT="{side}{i}" {inner}></TD>' for i in range(max(count, 1)))
    nested = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"'
    return f'<TR><TD CELLPADDING="0"><TABLE {nested}><TR>{cells}</TR></TABLE></TD></TR>'


def _port(side: str, place: int, count: int, compass: str) -> str:
    return f"{side}{place}:{compass}" if count > 1 else compass


def _grouped(
    graph: Any, nodes: Sequence[Node], number: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Subgraphs for the groups, within each other; their names there and here."""
    paths = sorted({node.groups[:i] for node in nodes for i in range(1, len(node.groups) + 1)})
    made: dict[tuple[str, ...], Any] = {(): graph}
    names = {f"cluster_{i}": path for i, path in enumerate(paths)}
    for name, path in names.items():
        members = [number[n.name] for n in nodes if n.groups[: len(path)] == path]
        made[path] = made[path[:-1]].add_subgraph(members, name=name, margin=str(MARGIN))
    return names


def _read(
    drawn: Mapping[str, Any],
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    groups: Mapping[str, tuple[str, ...]],
) -> Layout:
    """What dot answered: y grows upwards there."""
    _, _, width, height = _numbers(drawn["bb"])
    boxes, frames = {}, []
    for thing in drawn.get("objects", ()):
        if thing["name"] in groups and "bb" in thing:
            left, low, right, high = _numbers(thing["bb"])
            box = Box(left, height - high, right - left, high - low)
            frames.append(Frame(groups[thing["name"]], box))
        elif "pos" in thing:
            node = nodes[int(thing["name"])]
            x, y = _numbers(thing["pos"])
            corner = (x - node.width / 2, height - y - node.height / 2)
            boxes[node.name] = Box(*corner, node.width, node.height)
    lines = []
    for thing in drawn.get("edges", ()):
        edge = edges[int(thing["id"])]
        lines.append(Line(edge.tail, edge.head, _curve(thing["pos"], height)))
    return Layout(width, height, boxes, tuple(lines), tuple(frames))


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def _curve(text: str, height: float) -> Points:
    """The points of a line, up to the tip of its arrow."""
    words = [word.split(",") for word in text.split()]
    points = [(float(w[0]), height - float(w[1])) for w in words if len(w) == 2]
    tips = [(float(w[1]), height - float(w[2])) for w in words if len(w) == 3]
    # The last curve ends where the arrow begins; drawn on to its tip.
    return (*points[:-1], tips[0]) if tips else tuple(points)
