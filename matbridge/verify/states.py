"""The states after a run, where they were recorded: a wrong beginning that the last step no longer
shows may still stand there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.network import Network
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.verify.case import Case
from matbridge.verify.judgement import Judgement
from matbridge.verify.layers.judging import unverified
from matbridge.verify.values import Limits, judge

__all__ = ["final_states", "judge_states", "states_of"]

# Options of predict that predict_and_update_state does not take: it runs all at once.
BATCHING = (
    "mini_batch_size",
    "sequence_length",
    "padding_direction",
    "padding_value",
    "sort_by_length",
)


def judge_states(case: Case, limits: Limits | None = None) -> tuple[Judgement, ...]:
    """A judgement for each recorded state, "lstm_1/HiddenState"; not verified where the run leaves
    none behind, as of sequences of several lengths."""
    states = [(layer, name) for layer, own in case.final_states.items() for name in own]
    if not states:
        return ()
    try:
        exact, single = (_after(case, dtype) for dtype in ("float64", "float32"))
    except (MismatchError, UnsupportedError) as error:
        return tuple(_unknown(layer, name, error.what) for layer, name in states)
    return tuple(_judged(case, place, exact, single, limits) for place in states)


def states_of(network: Network) -> dict[str, dict[str, np.ndarray]]:
    """The recurrent states that a network is in, by layer and MATLAB name."""
    states = {layer.name: _states(layer) for layer in network.layers}
    return {name: own for name, own in states.items() if own}


def _states(layer: Layer) -> dict[str, np.ndarray]:
    declared = [one.name for one in layer.declared if one.role == "state"]
    return {
        name: layer.arrays[name]
        for name in declared
        # Those that resetState goes back to are no states of a run.
        if name in layer.arrays and not name.startswith("Initial")
    }


def final_states(case: Case) -> dict[str, dict[str, np.ndarray]]:
    """The states after the run; none where it leaves none behind, as of sequences of several
    lengths, and of a shallow network, whose delays are no states of layers."""
    if case.network.kind.columns or not states_of(case.network):
        return {}
    try:
        return states_of(_after(case, case.network.dtype))
    except (MismatchError, UnsupportedError):
        return {}


def _after(case: Case, dtype: str) -> Network:
    network = case.network.reset_state() if case.start == "zero" else case.network
    options = {k: v for k, v in case.options.items() if k not in BATCHING}
    options["dtype"] = dtype
    updated: Network = network.predict_and_update_state(*case.inputs, **options)[0]
    return updated


def _judged(
    case: Case, place: tuple[str, str], exact: Network, single: Network, limits: Limits | None
) -> Judgement:
    layer, name = place
    if layer not in exact or name not in exact[layer].arrays:
        return _unknown(layer, name, "the network has no such state")
    ours, rounded = (network[layer].arrays[name] for network in (exact, single))
    expected = case.final_states[layer][name]
    try:
        judgement = judge(f"{layer}/{name}", expected, ours, [rounded], limits, case.double)
    except MismatchError as error:
        return _unknown(layer, name, error.what)
    return replace(judgement, layer=layer, class_name=exact[layer].class_name)


def _unknown(layer: str, name: str, why: str) -> Judgement:
    return replace(unverified(f"{layer}/{name}", why), layer=layer)
