"""What a run on data of one shape needs, worked out once: so the way around an engine is thin.

A plan is only made after such data have gone the long way, where every check was made.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from matbridge.core.dims import check_labels, reordering, steps_first
from matbridge.core.engine import Labelled
from matbridge.core.network import Network
from matbridge.predict.entries import Entry, Shape, labelled_entry, natural_entry
from matbridge.predict.layouts import Result, is_vector
from matbridge.predict.numbers import ORDINARY

__all__ = ["Plan", "Plans", "plan_for", "plan_key"]

Turn = Callable[[np.ndarray], np.ndarray]


class Entering(NamedTuple):
    """The shape with all dimensions, and what brings them to the order of an engine."""

    name: str
    shape: Shape
    turn: Turn
    dims: str


class Leaving(NamedTuple):
    """A result of this shape in MATLAB's order with B, what brings that to the order that
    the user sees, and the shape there."""

    shape: Shape
    dims: str
    turn: Turn
    seen: Shape


@dataclass(frozen=True)
class Plan:
    """From the user's arrays to an engine's, and from its results to the user's."""

    entering: tuple[Entering, ...]
    leaving: tuple[Leaving, ...]
    kind: str
    count: int

    def entered(self, arrays: Sequence[np.ndarray]) -> dict[str, Labelled]:
        """The inputs as an engine takes them."""
        return {
            name: Labelled(turn(array.reshape(shape)), dims)
            for (name, shape, turn, dims), array in zip(self.entering, arrays, strict=True)
        }

    def fits(self, results: Sequence[Labelled]) -> bool:
        """Whether what came out is what came out before."""
        return all(
            array.shape == known.shape
            for (array, _), known in zip(results, self.leaving, strict=True)
        )

    def seen(self, results: Sequence[Labelled]) -> np.ndarray | tuple[np.ndarray, ...]:
        """What predict returns."""
        shaped = tuple(
            known.turn(array).reshape(known.seen)
            for (array, _), known in zip(results, self.leaving, strict=True)
        )
        return shaped[0] if len(shaped) == 1 else shaped

    def results(self, results: Sequence[Labelled]) -> list[Result]:
        """The results as the long way gives them."""
        members = tuple(range(self.count))
        return [Result(self.kind, ((members, array),), dims) for array, dims in results]


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
    for array in inputs:
        if type(array) is not np.ndarray or array.dtype not in ORDINARY:
            return None
        key += (array.shape, array.dtype)
    return tuple(key)


def plan_for(
    network: Network,
    inputs: Sequence[np.ndarray],
    format: str | None,
    size: int | None,
    results: Sequence[Result],
) -> Plan | None:
    """The plan for arrays such as these, which gave these results; None if they take turns."""
    names = network.input_names
    entries = [
        _entry(network, name, x.shape, format) for name, x in zip(names, inputs, strict=True)
    ]
    count = entries[0].count
    if (size is not None and count > size) or any(entry.splits for entry in entries):
        return None
    entering = tuple(
        Entering(name, entry.shape, reordering(entry.have, steps_first(entry.dims)),
                 steps_first(entry.dims))
        for name, entry in zip(names, entries, strict=True)
    )  # fmt: skip
    leaving = tuple(_leaving(network, result) for result in results)
    return Plan(entering, leaving, results[0].kind, count)


def _entry(network: Network, name: str, shape: Shape, format: str | None) -> Entry:
    layer = network.input_layers.get(name)
    if format is not None or layer is None:
        return labelled_entry(layer, shape, check_labels((format or "").upper()))
    return natural_entry(layer, shape)


def _leaving(network: Network, result: Result) -> Leaving:
    """One result; layouts.shape_output says the same for any."""
    ((_, array),), dims = result.groups, result.dims
    shape, order, axis = array.shape, dims, dims.index("B")
    seen = shape
    if result.kind != "format" and "T" in dims:
        seen = (*shape[:axis], *shape[axis + 1 :])
    elif result.kind != "format" and is_vector(network, shape, dims):
        order, seen = "BC" + "S" * dims.count("S"), (shape[axis], array.size // shape[axis])
    return Leaving(shape, dims, reordering(dims, order), seen)
