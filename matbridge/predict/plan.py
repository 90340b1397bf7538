"""What a run on data of one shape needs, worked out once: so the way around an engine is thin.

A plan is only made after such data have gone the long way, where every check was made.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from matbridge.core.dims import check_labels, reordering, steps_first, without
from matbridge.core.engine import Labelled
from matbridge.core.network import Network
from matbridge.predict.entries import Entry, Shape, labelled_entry, natural_entry
from matbridge.predict.layouts import Predicted, Result, is_vector
from matbridge.predict.numbers import ORDINARY

__all__ = ["Given", "Plan", "Plans", "plan_for", "plan_key"]

# One input: an array, or several of one shape.
Given: TypeAlias = np.ndarray | list[np.ndarray]
Turn = Callable[[np.ndarray], np.ndarray]


class Entering(NamedTuple):
    """The shape with all dimensions, and what brings them to the order of an engine; several
    arrays of one shape stand side by side first."""

    name: str
    shape: Shape
    turn: Turn
    dims: str


class Leaving(NamedTuple):
    """A result of this shape in MATLAB's order with B, what brings that to the order that
    the user sees, the shape there, and whether that is a list of observations."""

    shape: Shape
    turn: Turn
    seen: Shape
    several: bool


@dataclass(frozen=True)
class Plan:
    """From the user's arrays to an engine's, and from its results to the user's."""

    entering: tuple[Entering, ...]
    leaving: tuple[Leaving, ...]
    kind: str
    count: int

    def entered(self, inputs: Sequence[Given]) -> dict[str, Labelled]:
        """The inputs as an engine takes them."""
        return {
            name: Labelled(turn(_one(x).reshape(shape)), dims)
            for (name, shape, turn, dims), x in zip(self.entering, inputs, strict=True)
        }

    def seen(self, results: Sequence[Labelled]) -> Predicted | tuple[Predicted, ...] | None:
        """What predict returns; None where something else came out than before."""
        if len(self.leaving) == 1:
            return _seen(results[0].array, self.leaving[0])
        shaped = [_seen(array, one) for (array, _), one in zip(results, self.leaving, strict=True)]
        kept = tuple(one for one in shaped if one is not None)
        return kept if len(kept) == len(shaped) else None

    def results(self, results: Sequence[Labelled]) -> list[Result]:
        """The results as the long way gives them."""
        members = tuple(range(self.count))
        return [Result(self.kind, ((members, array),), dims) for array, dims in results]


def _one(given: Given) -> np.ndarray:
    """Several arrays side by side."""
    return np.concatenate(given) if isinstance(given, list) else given


def _seen(array: np.ndarray, known: Leaving) -> Predicted | None:
    if array.shape != known.shape:
        return None
    result = known.turn(array).reshape(known.seen)
    return list(result) if known.several else result


class Plans(dict[Hashable, Plan]):
    """The plans of a session by what they are for; as many as are likely to come again."""

    MOST = 256

    def keep(self, key: Hashable, plan: Plan | None) -> None:
        """Remember a plan, if there is one."""
        if plan is not None:
            if len(self) >= self.MOST:
                self.clear()
            self[key] = plan


def plan_key(
    inputs: Sequence[object], format: str | Sequence[str] | None, size: int | None
) -> Hashable:
    """What decides the way of these data, None where nothing but looking at them does.

    ``size`` is the most observations that run together, None for all.
    """
    if not (format is None or type(format) is str) or not (size is None or type(size) is int):
        return None
    key: list[Hashable] = [format, size]
    for x in inputs:
        if isinstance(x, list):
            if not _alike(x):
                return None
            key.append(len(x))
            x = x[0]
        if type(x) is not np.ndarray or x.dtype not in ORDINARY:
            return None
        key += (x.shape, x.dtype)
    return tuple(key)


def _alike(arrays: list[Any]) -> bool:
    """Whether these are arrays, at least one, of one shape and type."""
    if not arrays or type(arrays[0]) is not np.ndarray or not arrays[0].ndim:
        return False
    shape, dtype = arrays[0].shape, arrays[0].dtype
    return all(type(x) is np.ndarray and x.shape == shape and x.dtype == dtype for x in arrays)


def plan_for(
    network: Network,
    inputs: Sequence[Given],
    format: str | None,
    size: int | None,
    results: Sequence[Result],
) -> Plan | None:
    """The plan for arrays such as these, which gave these results; None if they take turns."""
    names = network.input_names
    entering = [_entering(network, *pair, format) for pair in zip(names, inputs, strict=True)]
    kept = [one for one in entering if one is not None]
    if len(kept) < len(entering) or any(len(result.groups) > 1 for result in results):
        return None
    count = len(results[0].groups[0][0])
    if size is not None and count > size:
        return None
    leaving = tuple(_leaving(network, result) for result in results)
    return Plan(tuple(kept), leaving, results[0].kind, count)


def _entering(network: Network, name: str, given: Given, format: str | None) -> Entering | None:
    """How this enters; None for what is no value as it stands."""
    array = given[0] if isinstance(given, list) else given
    entry = _entry(network, name, array.shape, format)
    shape, have = entry.shape, entry.have
    if isinstance(given, list):
        if entry.count != 1 or "T" not in entry.dims:
            return None
        shape, have = (len(given), *_less(shape, have.index("B"))), "B" + without(have, "B")
    if entry.splits:
        return None
    order = steps_first(entry.dims)
    return Entering(name, shape, reordering(have, order), order)


def _entry(network: Network, name: str, shape: Shape, format: str | None) -> Entry:
    layer = network.input_layers.get(name)
    if format is not None or layer is None:
        return labelled_entry(layer, shape, check_labels((format or "").upper()))
    return natural_entry(layer, shape)


def _leaving(network: Network, result: Result) -> Leaving:
    """One result; layouts.shape_output says the same for any."""
    ((_, array),), dims = result.groups, result.dims
    shape, order, axis = array.shape, dims, dims.index("B")
    several = result.kind == "list" and "T" in dims
    seen = shape
    if several:
        order, seen = "B" + without(dims, "B"), (shape[axis], *_less(shape, axis))
    elif result.kind != "format" and "T" in dims:
        seen = _less(shape, axis)
    elif result.kind != "format" and is_vector(network, shape, dims):
        order, seen = "BC" + "S" * dims.count("S"), (shape[axis], array.size // shape[axis])
    return Leaving(shape, reordering(dims, order), seen, several)


def _less(shape: Shape, axis: int) -> Shape:
    """The shape without one dimension."""
    return (*shape[:axis], *shape[axis + 1 :])
