"""Forecasts of recurrent networks: a state warmed up, then outputs fed back or data followed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from matbridge.core.dims import reordering
from matbridge.errors import MatbridgeError
from matbridge.verify.proof.constants import Constants
from matbridge.verify.proof.parts import after, indexed
from matbridge.verify.proof.runs import Run
from matbridge.verify.proof.workspace import Leaf

__all__ = ["followed", "forecasts"]

TURN = reordering("CB", "BC")
# Of the range: so near the first forecast step must be for the others to be tried.
FIRST = 1e-3
MOST_WARMUPS = 12
MOST_SCALARS = 64


def followed(runs: Sequence[Run]) -> Iterator[Run]:
    """Each sequence in the state that another one leaves: XTest after XTrain."""
    arrays = [run for run in runs if len(run.inputs) == 1 and isinstance(run.inputs[0], np.ndarray)]
    for before in arrays[:MOST_WARMUPS]:
        for run in arrays[:MOST_WARMUPS]:
            if run is not before:
                yield from after(run, before)


def forecasts(
    runs: Sequence[Run], expected: Sequence[Leaf], leaves: Sequence[Leaf], constants: Constants
) -> Iterator[tuple[Run, Leaf]]:
    """Closed loops that may have given a variable: after each sequence, and after each with the
    value that came next, the network's own outputs are its inputs.

    A closed loop is run one step at a time on what MATLAB kept of it, so that no rounding grows.
    """
    for run in _warmups(runs, leaves):
        series = run.inputs[0]
        assert isinstance(series, np.ndarray)
        before = dataclasses.replace(run, inputs=(series[:, :-1],))
        for ready in after(run, before):
            try:
                first = np.asarray(ready.network.predict(series[:, -1:]))
            except MatbridgeError:
                break
            for leaf in expected:
                if first.shape[0] in leaf.shape and len(leaf.shape) == 2 and leaf.kind == "numbers":
                    yield from _fed_back(ready, first, leaf, constants, run.words)


def _warmups(runs: Sequence[Run], leaves: Sequence[Leaf]) -> Iterator[Run]:
    arrays = [run for run in runs if len(run.inputs) == 1 and isinstance(run.inputs[0], np.ndarray)]
    for run in arrays[:MOST_WARMUPS]:
        series = run.inputs[0]
        assert isinstance(series, np.ndarray)
        if series.ndim != 2 or series.shape[1] < 3:
            continue
        for leaf in leaves:
            target = _one_ahead(series, leaf)
            if target is not None:
                inputs = (np.concatenate([series, target[:, -1:]], axis=1),)
                words = f"[{run.words} {leaf.address}(:,end)]"
                yield dataclasses.replace(run, inputs=inputs, words=words)
        yield run
        yield from _beginnings(run, series, leaves)


def _beginnings(run: Run, series: np.ndarray, leaves: Sequence[Leaf]) -> Iterator[Run]:
    """The first steps, as many as a number of the workspace says: X(:,1:offset)."""
    scalars = [leaf for leaf in leaves if leaf.kind == "numbers" and leaf.size == 1]
    for leaf in scalars[:MOST_SCALARS]:
        count = float(np.real(np.asarray(leaf.load()).reshape(-1)[0]))
        if 2 <= count < series.shape[1] and count == int(count):
            part = series[:, : int(count)]
            words = indexed(run.words, f":,1:{leaf.address}")
            yield dataclasses.replace(run, inputs=(part,), words=words)


def _one_ahead(series: np.ndarray, leaf: Leaf) -> np.ndarray | None:
    """The targets of a forecast: the series, one step ahead."""
    if leaf.kind != "numbers" or leaf.shape not in (series.shape, series.shape[::-1]):
        return None
    target = np.asarray(leaf.load())
    target = target if target.shape == series.shape else TURN(target)
    return target if np.array_equal(target[:, :-1], series[:, 1:]) else None


def _fed_back(
    ready: Run, first: np.ndarray, leaf: Leaf, constants: Constants, words: str
) -> Iterator[tuple[Run, Leaf]]:
    values = np.asarray(leaf.load(), np.float64)
    values = values if values.shape[0] == first.shape[0] else TURN(values)
    if values.shape[1] < 3 or not np.isfinite(values).all():
        return
    scalings = [(0.0, 1.0)]
    for mean, deviation in constants.standardizations():
        scalings.append((mean.value.reshape(-1, 1), deviation.value.reshape(-1, 1)))  # type: ignore[arg-type]
    for mean_of, deviation_of in scalings:
        if np.size(mean_of) not in (1, len(values)):
            continue
        outputs = (values - mean_of) / deviation_of
        near = np.abs(outputs[:, :1] - first).max() <= FIRST * max(float(np.ptp(outputs)), 1e-30)
        if near:
            last = np.asarray(ready.inputs[0])[:, -1:]
            inputs = (np.concatenate([last, outputs[:, :-1]], axis=1),)
            yield (
                dataclasses.replace(
                    ready,
                    inputs=inputs,
                    count=inputs[0].shape[1],
                    words="its own output one step before",
                    function="predictAndUpdateState",
                    remark=f"in closed loop after {words}",
                ),
                leaf,
            )
            return
