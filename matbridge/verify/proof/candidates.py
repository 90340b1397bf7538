"""What a network may have been given, and what it may have given: variables that fit by size."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matbridge.core.card import InputLayer
from matbridge.core.dims import Size, reordering
from matbridge.core.network import Network, Port
from matbridge.errors import MatbridgeError
from matbridge.predict.entries import natural_entry
from matbridge.verify.proof.workspace import Leaf, Value

__all__ = ["Entering", "Expected", "Shape", "expected_of", "inputs_of", "likely", "turned"]

# Names of what is given and of what comes out, in the order in which they are tried.
INPUT_NAMES = re.compile(r"^(x|in|p$|i$|data|feat|test|val|sample|img|image|seq)", re.IGNORECASE)
OUTPUT_NAMES = re.compile(
    r"pred|out|score|prob|hat|result|^y|_y|est|sim|fit|class|label|forecast|ans", re.IGNORECASE
)
# The most combinations of variables for the inputs of one network, and variables for each.
MOST_COMBINATIONS, MOST_INPUTS = 64, 24
# Fewer numbers are not looked at as results.
LEAST = 3


@dataclass(frozen=True, eq=False)
class Entering:
    """What one or all inputs of a network are given, as MATLAB would write it ("XTest'").

    ``count`` is the number of observations, or of steps of the only sequence; ``sequences`` are
    the lengths where there are several.
    """

    words: str
    leaves: tuple[Leaf, ...]
    count: int
    turn: bool = False
    lengths: tuple[int, ...] = ()

    def values(self) -> tuple[Value, ...]:
        """The data, loaded."""
        return tuple(turned(leaf.load(), self.turn) for leaf in self.leaves)


@dataclass(frozen=True)
class Shape:
    """The sizes of an output: its rows, or spatial sizes; whether observations are columns."""

    rows: int | None
    spatial: tuple[int, ...] = ()
    columns: bool = False


@dataclass(frozen=True, eq=False)
class Expected:
    """A leaf that may be what came out."""

    leaf: Leaf

    @property
    def words(self) -> str:
        return self.leaf.address


def turned(value: Value, turn: bool) -> Value:
    """The transpose of a matrix, or of each in a cell."""
    if not turn:
        return value
    if isinstance(value, list):
        return [TURN(part) for part in value]
    return TURN(value)


TURN = reordering("CB", "BC")


def likely(leaf: Leaf, pattern: re.Pattern[str]) -> int:
    """0 for a name that the pattern knows, 1 for others."""
    return 0 if pattern.search(leaf.name) else 1


def inputs_of(network: Network, leaves: Sequence[Leaf]) -> list[Entering]:
    """What may have been given, the likeliest first; of several inputs every combination."""
    each: list[list[Entering]] = []
    for name in network.input_names:
        layer = network.input_layers.get(name)
        fitting = [] if layer is None else list(_fitting(layer, leaves))
        fitting.sort(key=lambda entering: (likely(entering.leaves[0], INPUT_NAMES), entering.turn))
        each.append(fitting[:MOST_INPUTS])
    if len(each) == 1:
        return each[0]
    together = (
        Entering(
            ", ".join(part.words for part in parts),
            tuple(leaf for part in parts for leaf in part.leaves),
            parts[0].count,
        )
        for parts in itertools.product(*each)
        if len({part.count for part in parts}) == 1 and not any(part.turn for part in parts)
    )
    return list(itertools.islice(together, MOST_COMBINATIONS))


def _fitting(layer: InputLayer, leaves: Sequence[Leaf]) -> Iterator[Entering]:
    for leaf in leaves:
        if leaf.kind == "numbers" and leaf.size > 1:
            yield from _array(layer, leaf)
        elif leaf.kind == "cell":
            yield from _cell(layer, leaf)


def _array(layer: InputLayer, leaf: Leaf) -> Iterator[Entering]:
    steps = "T" in layer.format
    for turn in (False, True) if len(leaf.shape) == 2 else (False,):
        shape = leaf.shape[::-1] if turn else leaf.shape
        try:
            entry = natural_entry(layer, shape)
        except MatbridgeError:
            continue
        count = entry.sizes[entry.dims.index("T")] if steps else entry.count
        # One step of a long vector, or one sample of it, is what any vector is.
        if count > 1 or leaf.shape.count(1) < len(leaf.shape) - 1 or min(shape) > 0:
            yield Entering(leaf.address + ("'" if turn else ""), (leaf,), count, turn)


def _cell(layer: InputLayer, leaf: Leaf) -> Iterator[Entering]:
    """A cell with an array for each observation, or for each step of a network object."""
    items = leaf.load()
    assert isinstance(items, list)
    if layer.columns:
        if all(item.ndim == 2 and len(item) == layer.entering["C"] for item in items):
            yield Entering(leaf.address, (leaf,), len(items))
        return
    for turn in (False, True):
        try:
            shapes = {item.shape[::-1] if turn else item.shape for item in items}
            entries = {shape: natural_entry(layer, shape) for shape in shapes}
        except MatbridgeError:
            continue
        lengths: tuple[int, ...] = ()
        if "T" in layer.format:
            first = next(iter(entries.values()))
            along = first.dims.index("T")
            lengths = tuple(
                entries[item.shape[::-1] if turn else item.shape].sizes[along] for item in items
            )
        words = f"cellfun(@transpose, {leaf.address})" if turn else leaf.address
        yield Entering(words, (leaf,), len(items), turn, lengths)


def expected_of(network: Network, port: Port, leaves: Sequence[Leaf]) -> tuple[Shape, list[Leaf]]:
    """The sizes of an output, and what it may have been, the likeliest first."""
    shape = _shape(network, port)
    fitting = [leaf for leaf in leaves if _may_come_out(leaf, shape, bool(network.classes))]
    fitting.sort(key=lambda leaf: likely(leaf, OUTPUT_NAMES))
    return shape, fitting


def _shape(network: Network, port: Port) -> Shape:
    size = network.infer().get(port)
    if not isinstance(size, Size):
        return Shape(None)
    channels = next(iter(size.all("C")), None)
    spatial = tuple(n for n in size.spatial if n is not None)
    if len(spatial) < len(size.spatial) or all(n == 1 for n in spatial):
        spatial = ()
    return Shape(channels, spatial, network.kind.columns or "T" in size)


def _may_come_out(leaf: Leaf, shape: Shape, classes: bool) -> bool:
    if leaf.kind == "labels":
        return classes or (shape.rows or 0) > 1
    if leaf.size < LEAST or 0 in leaf.shape:
        return False
    if leaf.kind == "cell":
        return True
    vector = max(leaf.shape) == leaf.size
    if shape.rows is None or vector or shape.spatial:
        return True
    return shape.rows in leaf.shape
