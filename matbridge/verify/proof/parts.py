"""Parts of data: only some of the observations or steps went through the network, or were kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from matbridge.errors import MatbridgeError
from matbridge.verify.proof.runs import Run, Warmup, over_time
from matbridge.verify.proof.workspace import Leaf, Value

__all__ = ["head", "indexed", "parts_of_run"]

# The most numbers of observations that are tried for one input.
MOST_COUNTS, MOST_INDICES = 12, 8


def head(leaf: Leaf, count: int, size: int) -> Leaf | None:
    """The first ``size`` of ``count`` observations of what may have come out."""
    axis = _axis(leaf.shape, count)
    if axis is None:
        return None

    def load() -> Value:
        value = leaf.load()
        if isinstance(value, list) or value.ndim == 1:
            return value[:size]
        return value[(slice(None),) * axis + (slice(size),)]

    shape = (*leaf.shape[:axis], min(size, count), *leaf.shape[axis + 1 :])
    return dataclasses.replace(leaf, shape=shape, load=load)


def _axis(shape: Sequence[int], count: int) -> int | None:
    """Where so many observations are counted: the last dimension for arrays of images."""
    axes = [axis for axis, n in enumerate(shape) if n == count]
    if not axes:
        return None
    return axes[-1] if len(shape) > 2 else axes[0]


def parts_of_run(run: Run, counts: Sequence[int], leaves: Sequence[Leaf]) -> Iterator[Run]:
    """The run on as many observations or steps as may have been kept: the last, those that an
    index of the workspace picks, the first; of steps also in the state after those before."""
    if len(run.inputs) != 1 or not isinstance(run.inputs[0], np.ndarray):
        return
    for count in [n for n in counts if n < run.count][:MOST_COUNTS]:
        yield from _from_to(run, run.count - count, run.count)
        for leaf in _indices(leaves, count, run.count):
            if not over_time(run.network):
                places = np.asarray(leaf.load()).reshape(-1).astype(int) - 1
                yield _taken(run, places, leaf.address)
        yield from _from_to(run, 0, count)


def _indices(leaves: Sequence[Leaf], count: int, total: int) -> list[Leaf]:
    """Variables that pick so many of the observations."""
    vectors = [
        leaf
        for leaf in leaves
        if leaf.kind == "numbers" and leaf.size == count == max(leaf.shape) and count > 1
    ]
    return [leaf for leaf in vectors if _picks(leaf, total)][:MOST_INDICES]


def _picks(leaf: Leaf, total: int) -> bool:
    """Whether these are different numbers of observations."""
    values = np.asarray(leaf.load(), np.float64).reshape(-1)
    whole = (values == np.round(values)).all() and values.min() >= 1 and values.max() <= total
    return bool(whole) and len(np.unique(values)) == values.size


def _axis_of_run(run: Run) -> int:
    """Where the observations or steps of its input are counted."""
    array = run.inputs[0]
    assert isinstance(array, np.ndarray)
    rows = array.ndim == 2 and not over_time(run.network) and not run.network.kind.columns
    return 0 if rows else array.ndim - 1


def _taken(run: Run, places: np.ndarray, name: str) -> Run:
    axis = _axis_of_run(run)
    inputs = (np.take(run.inputs[0], places, axis),)
    words = indexed(run.words, f"{name},:" if axis == 0 else f"{':,' * axis}{name}")
    return dataclasses.replace(run, inputs=inputs, count=len(places), words=words)


def indexed(words: str, index: str) -> str:
    """As MATLAB would write it: what is indexed is a variable, of a transpose turned after it."""
    if words.endswith("'"):
        return f"{words[:-1]}({','.join(reversed(index.split(',')))})'"
    return f"{words}({index})"


def _from_to(run: Run, first: int, last: int) -> Iterator[Run]:
    part = _taken(run, np.arange(first, last), f"{first + 1}:{last}")
    yield part
    if first == 0 or not over_time(run.network) or run.network.kind.columns:
        return
    before = _taken(run, np.arange(0, first), f"1:{first}")
    yield from after(part, before)


def after(run: Run, before: Run) -> Iterator[Run]:
    """The run in the state that another leaves; nothing where it leaves none."""
    if not any(array.role == "state" for layer in run.network.layers for array in layer.declared):
        return
    network = run.network.reset_state() if run.start == "zero" else run.network
    try:
        later, _ = network.predict_and_update_state(*before.inputs)
    except MatbridgeError:
        return
    remark = f"after {before.call('predictAndUpdateState')}"
    warmup = Warmup(network, before.inputs)
    yield dataclasses.replace(run, network=later, start="saved", remark=remark, warmup=warmup)
