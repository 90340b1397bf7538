"""How network objects of MATLAB's are run: on columns or cells of steps, from delay states."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from matbridge.core.dims import reordering
from matbridge.core.network import Network
from matbridge.errors import MatbridgeError
from matbridge.matlab.file.values import Cell
from matbridge.matlab.shallow_back import to_structure
from matbridge.predict.columns import cell_rows
from matbridge.shallow.structure import ShallowStructure
from matbridge.verify.proof.candidates import INPUT_NAMES, inputs_of, likely
from matbridge.verify.proof.runs import Run
from matbridge.verify.proof.workspace import Leaf, Value

__all__ = ["prepared", "simulated"]

TURN = reordering("CB", "BC")
MOST_STATES, MOST_SERIES, MOST_ROWS = 6, 16, 8


def simulated(
    network: Network, name: str, leaves: Sequence[Leaf], counts: Sequence[int]
) -> Iterator[Run]:
    """net(X), net(X,Xi,Ai) with states of the workspace; ``counts`` are the numbers of steps that
    a network without inputs may have run."""
    structure = to_structure(network)
    for words, inputs, own in _given(network, structure, leaves, counts):
        count = inputs[0] if isinstance(inputs[0], int) else np.shape(inputs[0])[-1]
        if structure.is_static:
            yield Run(network, name, words, inputs, int(count), leaves=own)
            continue
        for arguments, options in _states(structure, leaves, words):
            yield Run(network, name, words + arguments, inputs, int(count), options, leaves=own)


Given = tuple[str, tuple[Value | int, ...], tuple[Leaf, ...]]


def _given(
    network: Network, structure: ShallowStructure, leaves: Sequence[Leaf], counts: Sequence[int]
) -> Iterator[Given]:
    """What the inputs may be, in matrices; cells of steps are joined."""
    if not structure.inputs:
        yield from ((f"cell(0,{count})", (count,), ()) for count in counts)
        return
    rows = len(structure.inputs)
    for leaf in sorted(leaves, key=lambda leaf: likely(leaf, INPUT_NAMES)):
        if leaf.kind == "cell" and leaf.shape[0] == rows:
            steps = _joined(leaf.load(), [part.size for part in structure.inputs])
            if steps is not None:
                yield leaf.address, steps, (leaf,)
    for entering in inputs_of(network, [leaf for leaf in leaves if leaf.kind == "numbers"]):
        yield entering.words, entering.values(), entering.leaves


def _joined(cell: Value, sizes: Sequence[int]) -> tuple[np.ndarray, ...] | None:
    """A cell of inputs × steps as a matrix for each input, R×T, or R×Q×T of several series."""
    assert isinstance(cell, Cell)
    series = []
    for row, size in zip(cell_rows(cell, len(sizes)), sizes, strict=True):
        assert isinstance(row, list)
        if not row or {np.shape(step) for step in row} != {(size, np.shape(row[0])[-1])}:
            return None
        beside = np.stack(row, axis=-1)
        series.append(beside[:, 0] if beside.shape[1] == 1 else beside)
    return tuple(series)


def _states(
    structure: ShallowStructure, leaves: Sequence[Leaf], words: str
) -> Iterator[tuple[str, dict[str, object]]]:
    """The delay states of the workspace that fit, those named like the inputs first; then zeros."""
    xi = _cells(leaves, len(structure.inputs), structure.num_input_delays, words)
    ai = _cells(leaves, len(structure.layers), structure.num_layer_delays, words)
    for first, second in itertools.product(xi, ai):
        if first is None and second is None:
            continue
        states = {"initial_input_delays": first, "initial_layer_delays": second}
        told = {name: leaf.load() for name, leaf in states.items() if leaf is not None}
        shown = ["{}" if leaf is None else leaf.address for leaf in (first, second)]
        yield ", " + ", ".join(shown[: 1 if second is None else 2]), {**told}
    yield "", {}


def _cells(leaves: Sequence[Leaf], rows: int, depth: int, words: str) -> list[Leaf | None]:
    if not rows or not depth:
        return [None]
    fitting = [leaf for leaf in leaves if leaf.kind == "cell" and leaf.shape == (rows, depth)]
    # xic goes with xc, xis with xs.
    fitting.sort(key=lambda leaf: leaf.name[1:].removeprefix("i") != words[1:])
    return [*fitting[:MOST_STATES], None]


def prepared(network: Network, name: str, leaves: Sequence[Leaf]) -> Iterator[Run]:
    """Whole series of the workspace, made ready as preparets makes them."""
    structure = to_structure(network)
    free = sum(part.feedback_output is None for part in structure.inputs)
    outputs = len(structure.outputs)
    if structure.is_static:
        return
    for needed in {free + outputs, outputs if free == 0 else free + outputs}:
        for series in itertools.permutations(_series(leaves), needed):
            try:
                ready = network.prepare(*(values for _, values in series))
            except MatbridgeError:
                continue
            named = [leaf.address + "'" * _stands(leaf) for leaf, _ in series]
            given = ["{}"] * (free == 0) + named[:free] + ["{}", *named[free:]]
            states = {
                "initial_input_delays": ready.initial_input_delays,
                "initial_layer_delays": ready.initial_layer_delays,
            }
            inputs = tuple(ready.inputs)
            count = inputs[0] if isinstance(inputs[0], int) else np.shape(inputs[0])[-1]
            yield Run(
                network,
                name,
                "xs, xi, ai",
                inputs,
                int(count),
                states,
                remark=f"[xs, xi, ai] = preparets({', '.join((name, *given))})",
                leaves=tuple(leaf for leaf, _ in series),
            )


def _series(leaves: Sequence[Leaf]) -> list[tuple[Leaf, np.ndarray]]:
    """Series of the workspace as matrices, cells of steps first."""
    ordered = sorted(leaves, key=lambda leaf: leaf.kind != "cell")
    series = ((leaf, _matrix(leaf)) for leaf in ordered)
    kept = ((leaf, matrix) for leaf, matrix in series if matrix is not None)
    return list(itertools.islice(kept, MOST_SERIES))


def _stands(leaf: Leaf) -> bool:
    """Whether a matrix has a row for each step, as tables have."""
    return leaf.kind == "numbers" and leaf.shape[0] > leaf.shape[1] and leaf.shape[1] <= MOST_ROWS


def _matrix(leaf: Leaf) -> np.ndarray | None:
    """A series as S×T; None for what is none."""
    if len(leaf.shape) != 2 or max(leaf.shape) < 3 or leaf.kind == "labels":
        return None
    if leaf.kind == "numbers":
        matrix = np.asarray(leaf.load(), np.float64)
        matrix = TURN(matrix) if _stands(leaf) else matrix
        return matrix if len(matrix) <= MOST_ROWS else None
    if leaf.shape[1] < 3:
        return None
    shapes = {np.shape(step) for step in leaf.load()}
    if leaf.shape[0] > 1 or len(shapes) > 1 or not all(s[1:] == (1,) for s in shapes):
        return None
    return np.concatenate(list(leaf.load()), axis=1)
