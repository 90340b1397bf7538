"""Suspects of states: from which a run begins, and what an earlier one left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from matbridge.core.card import Layer
from matbridge.layers.recurrent import Recurrent
from matbridge.verify.case import Case
from matbridge.verify.suspects.sequences import is_recurrent, lengths_of, over_time, sizes_of
from matbridge.verify.suspects.suspect import Change, Suspect, Variant, in_layers
from matbridge.verify.ways import by_mini_batches, carried, second_pass

__all__ = ["SUSPECTS"]


def initial_states(case: Case) -> Iterator[Variant]:
    """The saved state, or zero, where the run began in the other."""
    if not any(array.any() for states in _states(case).values() for array in states.values()):
        return
    words = {
        "zero": ("it starts from the initial state", "resetState came before the prediction"),
        "saved": ("it starts from the saved state", "the state was not reset"),
    }
    for start in words.keys() - {case.start}:
        yield Variant(case.replace(start=start), (), *words[start])
    swapped = Change(
        "the hidden and the cell state of {where} are swapped",
        "the states were given in the other order",
        _states_swapped,
    )
    hidden = Change("the hidden state of {where} is zero", "only the cell state was set",
                    lambda layer: _without_state(layer, "HiddenState"))  # fmt: skip
    cell = Change("the cell state of {where} is zero", "only the hidden state was set",
                  lambda layer: _without_state(layer, "CellState"))  # fmt: skip
    for change in (swapped, hidden, cell):
        yield from in_layers(case.replace(start="saved"), change)


def _states(case: Case) -> Mapping[str, Mapping[str, np.ndarray]]:
    layers = (layer for layer in case.network.layers if isinstance(layer, Recurrent))
    return {
        layer.name: {n: layer.arrays[n] for n in layer.STATES if n in layer.arrays}
        for layer in layers
    }


def _states_swapped(layer: Layer) -> Layer | None:
    hidden, cell = (layer.arrays.get(name) for name in ("HiddenState", "CellState"))
    if hidden is None or cell is None or np.array_equal(hidden, cell):
        return None
    return layer.replace(arrays={**layer.arrays, "HiddenState": cell, "CellState": hidden})


def _without_state(layer: Layer, name: str) -> Layer | None:
    state = layer.arrays.get(name)
    both = isinstance(layer, Recurrent) and len(layer.STATES) > 1
    if not both or state is None or not state.any():
        return None
    return layer.replace(arrays={**layer.arrays, name: np.zeros_like(state)})


def carried_states(case: Case) -> Iterator[Variant]:
    """The state that something before left: another observation, mini-batch or run."""
    if not over_time(case) or not is_recurrent(case):
        return
    count = len(lengths_of(case))
    if count > 1:
        yield Variant(
            case.replace(way=carried),
            (),
            "each sequence begins in the state that the one before it left",
            "the state was carried from observation to observation: resetState was left out",
            True,
        )
    if len(set(lengths_of(case))) < 2:
        yield Variant(
            case.replace(way=second_pass),
            (),
            "it starts from the state that a first run over the same data left",
            "the state was stale: resetState was left out between two runs",
            True,
        )
    for size in sizes_of(count) if len(set(lengths_of(case))) == 1 else ():
        if 1 < size < count and count % size == 0:
            yield Variant(
                case.replace(way=by_mini_batches(size)),
                (),
                f"each mini-batch of {size} begins in the state that the one before it left",
                "the state was carried from mini-batch to mini-batch",
                True,
            )


SUSPECTS = (
    Suspect("initial state", 1, initial_states),
    Suspect("carried state", 1, carried_states),
)
