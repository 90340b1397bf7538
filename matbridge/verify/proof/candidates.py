"""What a network may have been given, and what it may have given: variables that fit by size."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

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


def as_it_is(value: Value) -> Value:
    """The data as they stand in the workspace."""
    return value


@dataclass(frozen=True, eq=False)
class Entering:
    """What one or all inputs of a network are given, as MATLAB would write it ("XTest'").

    ``count`` is the number of observations, or of steps of the only sequence; ``sequences`` are
    the lengths where there are several.
    """

    words: str
    leaves: tuple[Leaf, ...]
    count: int
    form: Callable[[Value], Value] = as_it_is
    lengths: tuple[int, ...] = ()

    def values(self) -> tuple[Value, ...]:
        """The data, loaded."""
        return tuple(self.form(leaf.load()) for leaf in self.leaves)


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


def turned(value: Value) -> Value:
    """The transpose of a matrix, or of each in a cell."""
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
        fitting.sort(
            key=lambda given: (likely(given.leaves[0], INPUT_NAMES), given.form is not as_it_is)
        )
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
        if len({part.count for part in parts}) == 1 and all(part.form is as_it_is for part in parts)
    )
    return list(itertools.islice(together, MOST_COMBINATIONS))


def _fitting(layer: InputLayer, leaves: Sequence[Leaf]) -> Iterator[Entering]:
    for leaf in leaves:
        if leaf.kind == "numbers" and leaf.size > 1:
            yield from _array(layer, leaf)
        elif leaf.kind == "cell":
            yield from _cell(layer, leaf)


def _array(layer: InputLayer, leaf: Leaf) -> Iterator[Entering]:
    for words, shape, form in _forms(layer, leaf):
        try:
            entry = natural_entry(layer, shape)
        except MatbridgeError:
            continue
        steps = "T" in layer.format
        count = entry.sizes[entry.dims.index("T")] if steps else entry.count
        yield Entering(words, (leaf,), count, form)
    if "T" in layer.format and len(leaf.shape) == 3 and len(layer.format) == 3:
        yield from _stack(layer, leaf)


Form = tuple[str, tuple[int, ...], Callable[[Value], Value]]


def _forms(layer: InputLayer, leaf: Leaf) -> Iterator[Form]:
    """An array as it is, transposed, or a matrix of rows as images of one pixel."""
    yield leaf.address, leaf.shape, as_it_is
    if len(leaf.shape) != 2:
        return
    yield f"{leaf.address}'", leaf.shape[::-1], turned
    pixel = (1,) * layer.format.count("S")
    if pixel and "T" not in layer.format and layer.entering.spatial == pixel:
        shape = (*pixel, leaf.shape[1], leaf.shape[0])
        words = f"reshape({leaf.address}',{','.join(map(str, shape))})"
        yield words, shape, lambda value: TURN(np.asarray(value)).reshape(shape)


def _stack(layer: InputLayer, leaf: Leaf) -> Iterator[Entering]:
    """Sequences one behind the other in the third dimension: channels × time × observations, or
    time × channels × observations as the newer functions take them."""
    for turn in (False, True):
        first, second, count = leaf.shape
        try:
            natural_entry(layer, (second, first) if turn else (first, second))
        except MatbridgeError:
            continue
        words = f"num2cell({leaf.address},[1 2])"
        steps = first if turn else second
        yield Entering(words, (leaf,), count, _parts if not turn else _turned_parts, (steps,))


def _parts(value: Value) -> Value:
    array = np.asarray(value)
    return [array[:, :, place] for place in range(array.shape[2])]


def _turned_parts(value: Value) -> Value:
    return turned(_parts(value))


def _cell(layer: InputLayer, leaf: Leaf) -> Iterator[Entering]:
    """A cell with an array for each observation, or for each step of a network object."""
    items = leaf.load()
    assert isinstance(items, list)
    if layer.columns:
        if all(item.ndim == 2 and len(item) == layer.entering["C"] for item in items):
            yield Entering(leaf.address, (leaf,), len(items))
        return
    for words, form in (
        (leaf.address, as_it_is),
        (f"cellfun(@transpose, {leaf.address})", turned),
    ):
        if form is turned and any(item.ndim != 2 for item in items):
            continue
        shapes = [item.shape if form is as_it_is else item.shape[::-1] for item in items]
        try:
            entries = {shape: natural_entry(layer, shape) for shape in set(shapes)}
        except MatbridgeError:
            continue
        lengths: tuple[int, ...] = ()
        if "T" in layer.format:
            along = next(iter(entries.values())).dims.index("T")
            lengths = tuple(entries[shape].sizes[along] for shape in shapes)
        yield Entering(words, (leaf,), len(items), form, lengths)


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
