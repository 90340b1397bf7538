"""A deep network laid out in columns, as a text is: the picture stays as wide as it is high."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from math import ceil, sqrt

from matbridge.report.layout import BELOW, Box, Edge, Frame, Layout, Line, Node, arrange

__all__ = ["in_columns"]

# Up to so many layers of boxes stand in one column.
SHORT = 12
# How many times wider than high the picture may be, and what a column is wide of one box.
ASPECT, LOOSE = 1.5, 1.4
# Between two lines that run side by side, and between columns without any.
LANE, GUTTER = 7.0, 26.0
# Lines end a little before the dots at which they change columns.
OVERLAP = 4.0


def in_columns(nodes: Sequence[Node], edges: Sequence[Edge]) -> Layout:
    """The nodes in layers, cut where few lines cross; these are led from column to column.

    ``nodes`` stand in the order in which data flow. Raises what arrange raises.
    """
    column = _columns(nodes, edges)
    count = max(column.values(), default=0) + 1
    if count == 1:
        return arrange(nodes, edges)
    parts = [[node for node in nodes if column[node.name] == i] for i in range(count)]
    inner: dict[int, list[Edge]] = defaultdict(list)
    wires: dict[tuple[str, int, int], list[Edge]] = defaultdict(list)
    for edge in edges:
        start, end = column[edge.tail], column[edge.head]
        if start == end:
            inner[start].append(edge)
        else:
            wires[edge.tail, edge.output, end].append(edge)
    for (tail, output, end), crossing in wires.items():
        leaving, entering = _ends(tail, output, end)
        parts[column[tail]].append(Node(leaving, 2, 2, place="last"))
        inner[column[tail]].append(Edge(tail, leaving, output))
        parts[end].append(Node(entering, 2, 2, place="first"))
        inner[end] += [Edge(entering, e.head, 0, e.input) for e in crossing]
    drawn = [arrange(part, inner[i]) for i, part in enumerate(parts)]
    return _joined(drawn, [(column[tail], *_ends(tail, o, end), end) for tail, o, end in wires])


def _ends(tail: str, output: int, end: int) -> tuple[str, str]:
    """Names for where a line leaves its column and enters another; no layer is named so."""
    return f"\0leaving {tail} {output} {end}", f"\0entering {tail} {output} {end}"


def _depths(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest way to each node."""
    depths = {node.name: 0 for node in nodes}
    leaving = defaultdict(list)
    for edge in edges:
        leaving[edge.tail].append(edge.head)
    for node in nodes:
        for head in leaving[node.name]:
            depths[head] = max(depths[head], depths[node.name] + 1)
    return depths


def _columns(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, int]:
    """For each node its column, from 0."""
    depths = _depths(nodes, edges)
    deepest = max(depths.values(), default=0) + 1
    if deepest <= SHORT:
        return dict.fromkeys(depths, 0)
    pitch = max(node.height for node in nodes) + BELOW
    wide = LOOSE * max(node.width for node in nodes)
    count = max(2, round(sqrt(deepest * pitch * ASPECT / wide)))
    cuts = list(_cuts(_crossings(depths, edges, deepest), count))
    return {name: sum(cut <= depth for cut in cuts) for name, depth in depths.items()}


def _crossings(depths: Mapping[str, int], edges: Sequence[Edge], deepest: int) -> list[int]:
    """Above each depth, how many outputs are still needed from there on."""
    last: dict[tuple[str, int], int] = {}
    for edge in edges:
        key = (edge.tail, edge.output)
        last[key] = max(last.get(key, 0), depths[edge.head])
    steps = [0] * (deepest + 1)
    for (tail, _), end in last.items():
        steps[depths[tail] + 1] += 1
        steps[end + 1] -= 1
    return list(accumulate(steps[:deepest]))


def _cuts(crossings: Sequence[int], count: int) -> Iterator[int]:
    """Depths at which new columns begin: near even ones, where the fewest lines cross."""
    length = len(crossings) / count
    slack = max(1, int(length / 4))
    for place in range(1, count):
        even = round(place * length)
        near = range(max(1, even - slack), min(len(crossings), even + slack + 1))
        yield min(near, key=lambda depth: (crossings[depth], abs(depth - even)))


def _joined(drawn: Sequence[Layout], wires: Sequence[tuple[int, str, str, int]]) -> Layout:
    """The columns side by side, and the lines between them: down, along, up and in."""
    far = [wire for wire in wires if wire[3] > wire[0] + 1]
    top = LANE * (len(far) + 1) + GUTTER
    lanes = [sum(end == i for *_, end in wires) for i in range(len(drawn))]
    boxes: dict[str, Box] = {}
    lines: list[Line] = []
    frames: list[Frame] = []
    lefts, x = [], 0.0
    for i, part in enumerate(drawn):
        x += GUTTER + LANE * lanes[i] if i else 0.0
        lefts.append(x)
        # Without lines that come in from above, boxes would stand higher than elsewhere.
        y = top if lanes[i] else top + BELOW
        boxes |= {name: box.moved(x, y) for name, box in part.boxes.items()}
        lines += [line.moved(x, y) for line in part.lines]
        frames += [Frame(f.groups, f.box.moved(x, y)) for f in part.frames]
        x += part.width
    lowest = top + BELOW + max(part.height for part in drawn)
    used = [0] * len(drawn)
    for number, (start, leaving, entering, end) in enumerate(wires):
        used[end] += 1
        near = end == start + 1
        low = boxes[leaving].y if near else lowest
        low += LANE * (used[end] if near else number + 1)
        gutter = lefts[end] - GUTTER / 2 - LANE * (used[end] - 1)
        high = top - LANE * used[end]
        (a, above), (b, below) = _middle(boxes[leaving]), _middle(boxes[entering])
        corners = (
            *((a, above - OVERLAP), (a, low), (gutter, low)),
            *((gutter, high), (b, high), (b, below + OVERLAP)),
        )
        lines.append(Line(leaving, entering, corners, straight=True))
    shown = {name: box for name, box in boxes.items() if not name.startswith("\0")}
    bottom = max([lowest, *(y for line in lines for _, y in line.points)])
    return Layout(x, ceil(bottom) + LANE, shown, tuple(lines), tuple(frames))


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2
