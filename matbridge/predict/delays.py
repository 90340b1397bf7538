"""Delay states of MATLAB's ``network`` objects.

Xi are the steps of the inputs before the first, Ai those of what the layers gave, oldest first, as
MATLAB has them: a row for each input or layer, a column for each delay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.arrays import size_of
from matbridge.core.network import Network
from matbridge.errors import MatbridgeError, MismatchError
from matbridge.matlab.file.values import Cell
from matbridge.predict.columns import cell_rows, read_steps

__all__ = ["DelayStates", "Steps"]

# For each input or layer its steps, R×Q each.
Steps = list[list[np.ndarray]]


@dataclass(frozen=True)
class Place:
    """Where a network keeps the states of an input or a layer: R rows, so many delays."""

    layer: str
    array: str
    rows: int
    depth: int


@dataclass(frozen=True)
class DelayStates:
    """Xi or Ai, by ``word``: where the network keeps them, and what is given for some of the
    inputs or layers, R×Q×delays by number. A layer that a loop and others read with delays has
    several places, which hold the same."""

    network: Network
    word: str
    places: Mapping[int, tuple[Place, ...]]
    given: Mapping[int, np.ndarray]

    @classmethod
    def read(cls, network: Network, word: str, value: object, count: int) -> DelayStates:
        """What is given as Xi or Ai, with a row for each of so many inputs or layers.

        Rows that no delay reads may hold anything. Raises MismatchError where others do not fit.
        """
        places = _places(network, word)
        rows = [None] * count if value is None else list(_rows(value, count))
        if len(rows) != count:
            raise MismatchError(f"{word} has {len(rows)} rows, the network needs {count}")
        given = {}
        for number, row in enumerate(rows, 1):
            array = _state(row, places.get(number, ()), f"{word}{{{number}}}")
            if array is not None:
                given[number] = array
        return cls(network, word, places, given)

    @property
    def depth(self) -> int:
        """The longest delay."""
        return max((place.depth for same in self.places.values() for place in same), default=0)

    def by_layer(self) -> dict[str, dict[str, np.ndarray]]:
        """What is given, by the layers that keep it."""
        states: dict[str, dict[str, np.ndarray]] = {}
        for number, array in self.given.items():
            for place in self.places.get(number, ()):
                states.setdefault(place.layer, {})[place.array] = array
        return states

    def after(self, arrays: Sequence[np.ndarray]) -> Steps:
        """The last steps of what entered or came out, R×Q×T each; those before the run where it
        was shorter."""
        if not self.depth:
            return [[] for _ in arrays]
        return [self._last(number, array) for number, array in enumerate(arrays, 1)]

    def _last(self, number: int, array: np.ndarray) -> list[np.ndarray]:
        rows, samples, _ = array.shape
        before = np.broadcast_to(self._before(number), (rows, samples, self.depth))
        longer = np.concatenate([before, array], axis=2)[:, :, -self.depth :]
        return [longer[:, :, step] for step in range(self.depth)]

    def _before(self, number: int) -> np.ndarray | float:
        """The states from which the run began, zero where nothing keeps them."""
        if number in self.given:
            return self.given[number]
        kept = (
            self.network[place.layer].arrays.get(place.array)
            for place in self.places.get(number, ())
        )
        return next((array for array in kept if array is not None), 0.0)


def _places(network: Network, word: str) -> dict[int, tuple[Place, ...]]:
    """The states of the inputs or layers that are read with delays, by number.

    They are named by MATLAB's cells, Xi{1} or Ai{2}: the layer that keeps them, or the array of
    a loop.
    """
    places: dict[int, tuple[Place, ...]] = {}
    for layer in network.layers:
        for declared in layer.declared:
            name = declared.name if declared.name.startswith(word) else layer.name
            number = re.fullmatch(rf"{word}\W?_?(\d+)\W?", name)
            size = size_of(layer, declared) if declared.role == "state" else None
            if number and size is not None:
                rows, _, depth = size
                place = Place(layer.name, declared.name, rows, depth)
                places[int(number[1])] = (*places.get(int(number[1]), ()), place)
    return places


def _rows(value: object, count: int) -> Iterable[object]:
    if isinstance(value, Cell) and value.shape[0] == count:
        return cell_rows(value, count)
    if isinstance(value, list | tuple) and len(value) == count:
        nested = all(row is None or isinstance(row, list | tuple) for row in value)
        return value if nested or count > 1 else [value]
    return [value]


def _state(row: object, places: Sequence[Place], where: str) -> np.ndarray | None:
    """The states of one row; of one that nothing reads, if they are numbers at all."""
    if row is None:
        return None
    if not places:
        return _unread(row)
    place = places[0]
    array = read_steps(row, place.rows, where)
    if array.shape[2] != place.depth:
        raise MismatchError(
            f"it has {array.shape[2]} steps, the delays need {place.depth}", where=where
        )
    return array


def _unread(row: object) -> np.ndarray | None:
    if not isinstance(row, list | tuple) or not row:
        return None
    try:
        return read_steps(row, np.shape(row[0])[0] if np.ndim(row[0]) else 1, "")
    except (MatbridgeError, TypeError, ValueError):
        return None
