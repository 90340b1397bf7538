"""The ways in which a network is run on all that is there: usually at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matbridge.core.network import Network
from matbridge.core.running import Data

__all__ = [
    "Runner",
    "Way",
    "after_these",
    "at_once",
    "by_mini_batches",
    "carried",
    "closed_after",
    "each_step_alone",
    "second_pass",
]

# Of options, what a run that keeps the state takes.
KEPT = ("dtype", "device", "engine", "allow_tf32", "format")


@dataclass(frozen=True)
class Runner:
    """A network in its state, with the options of predict; ``classes`` where names are wanted."""

    network: Network
    options: Mapping[str, Any]
    classes: Sequence[str] | None = None

    def result(self, inputs: Sequence[Data]) -> Any:
        """What predict gives, or classify."""
        if self.classes is None:
            return self.network.predict(*inputs, **self.options)
        return self.network.classify(*inputs, classes=self.classes, **self.options)

    def after(self, inputs: Sequence[Data]) -> Runner:
        """The same in the state that these inputs leave."""
        options = {name: self.options[name] for name in KEPT if name in self.options}
        network, _ = self.network.predict_and_update_state(*inputs, **options)
        return replace(self, network=network)


Way = Callable[[Runner, tuple[Data, ...]], Any]


def at_once(runner: Runner, inputs: tuple[Data, ...]) -> Any:
    """As predict does: each observation begins in the network's state."""
    return runner.result(inputs)


def after_these(before: tuple[Data, ...]) -> Way:
    """In the state that other inputs left: what rounding moved there moves on."""
    return lambda runner, inputs: runner.after(before).result(inputs)


def second_pass(runner: Runner, inputs: tuple[Data, ...]) -> Any:
    """In the state that a first run over the same inputs left."""
    return runner.after(inputs).result(inputs)


def carried(runner: Runner, inputs: tuple[Data, ...]) -> Any:
    """Each sequence of a list begins in the state that the one before it left."""
    return _one_after_another(runner, inputs, 1)


def by_mini_batches(size: int) -> Way:
    """Each mini-batch of sequences of one length begins in the state of the one before it."""
    return lambda runner, inputs: _one_after_another(runner, inputs, size)


def _one_after_another(runner: Runner, inputs: tuple[Any, ...], size: int) -> Any:
    results = []
    for start in range(0, len(inputs[0]), size):
        part = [several[start : start + size] for several in inputs]
        results.append(runner.result(part))
        runner = runner.after(part)
    return _joined(results)


def each_step_alone(runner: Runner, inputs: tuple[Any, ...]) -> Any:
    """Each time step of a sequence, along its last dimension, as an observation of its own."""
    if isinstance(inputs[0], list):
        return [each_step_alone(runner, one) for one in zip(*inputs, strict=True)]
    steps = [list(np.split(x, x.shape[-1], axis=-1)) for x in inputs]
    results = runner.result(steps)
    if not isinstance(results, list):
        return results
    return np.concatenate(results, axis=-1)


def closed_after(steps: int) -> Way:
    """After so many steps of the only sequence the network's own results are its inputs."""

    def way(runner: Runner, inputs: tuple[Any, ...]) -> Any:
        given = (inputs[0][..., :steps],)
        results = [runner.result(given)]
        while steps + len(results) - 1 < inputs[0].shape[-1]:
            runner = runner.after(given)
            given = (results[-1][..., -1:],)
            results.append(runner.result(given))
        return np.concatenate(results, axis=-1)

    return way


def _joined(results: list[Any]) -> Any:
    """The results of lists of observations as those of one list."""
    if isinstance(results[0], tuple):
        return tuple(_joined(list(parts)) for parts in zip(*results, strict=True))
    if isinstance(results[0], list):
        return [part for result in results for part in result]
    return np.concatenate(results, axis=0)
