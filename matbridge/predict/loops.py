"""Shallow networks over time: loops closed and opened, series prepared, forecasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec

import numpy as np

from matbridge.core.network import Network
from matbridge.core.running import Data
from matbridge.core.series import Prepared
from matbridge.errors import MismatchError
from matbridge.matlab.shallow_back import rebuilt, to_structure
from matbridge.predict import prepare as preparing
from matbridge.predict.columns import read_steps
from matbridge.predict.delays import Steps
from matbridge.shallow.performance import performance
from matbridge.shallow.structure import ShallowStructure

__all__ = ["changed", "closed_states", "forecast", "measured", "prepare"]

More = ParamSpec("More")


def changed(
    network: Network,
    change: Callable[Concatenate[ShallowStructure, More], ShallowStructure],
    *more: More.args,
    **named: More.kwargs,
) -> Network:
    """The network whose structure is changed so; its states are zero."""
    return rebuilt(network, change(to_structure(network), *more, **named))


def prepare(network: Network, series: Sequence[Data]) -> Prepared:
    """See Network.prepare."""
    return preparing.prepare(to_structure(network), series)


def closed_states(
    network: Network, final_input_delays: Any, final_layer_delays: Any
) -> tuple[Steps, Steps]:
    """See Network.closed_states."""
    structure = to_structure(network)
    return preparing.closing_states(structure, final_input_delays, final_layer_delays)


def forecast(
    network: Network,
    series: Sequence[Data],
    steps: int,
    inputs: Sequence[Data] = (),
    dtype: str | None = None,
) -> Any:
    """See Network.forecast."""
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise MismatchError(f"steps is {steps!r}", mend="Use a positive whole number.")
    prepared = prepare(network, series)
    run = network.predict(
        *prepared.inputs,
        initial_input_delays=prepared.initial_input_delays,
        initial_layer_delays=prepared.initial_layer_delays,
        final_states=True,
        dtype=dtype,
    )
    xi, ai = closed_states(network, run.final_input_delays, run.final_layer_delays)
    closed = network.close_loop()
    needed = len(to_structure(closed).inputs)
    if len(inputs) != needed:
        raise MismatchError(
            f"{len(inputs)} inputs of the steps to come are given, the network needs {needed}",
            mend="Give each that is no feedback: inputs=[X2], with predict --future X2.",
        )
    y = closed.predict(
        *(inputs or [steps]), initial_input_delays=xi, initial_layer_delays=ai, dtype=dtype
    )
    first = y[0] if isinstance(y, tuple) else y
    count = len(first) if isinstance(first, list) else first.shape[-1]
    if count != steps:
        raise MismatchError(f"the inputs to come have {count} steps, {steps} are asked for")
    return y


def measured(network: Network, targets: Any, outputs: Any, function: str = "") -> float:
    """See Network.performance."""
    structure = to_structure(network)
    sides = [_beside(structure, side) for side in (targets, outputs)]
    return performance(structure, sides[0], sides[1], function)


def _beside(structure: ShallowStructure, side: Any) -> list[np.ndarray]:
    """Each output as S×N, the steps side by side."""
    values = side if isinstance(side, tuple) else (side,)
    if len(values) != len(structure.outputs):
        raise MismatchError(
            f"{len(values)} are given, the network has {len(structure.outputs)} outputs",
            mend="Several outputs are a tuple.",
        )
    arrays = []
    for part, value in zip(structure.outputs, values, strict=True):
        if isinstance(value, list):
            steps = read_steps(value, part.size, "targets and outputs")
            arrays.append(np.concatenate([steps[:, :, t] for t in range(steps.shape[2])], axis=1))
        else:
            arrays.append(read_steps(value, part.size, "targets and outputs")[:, 0])
    return arrays
