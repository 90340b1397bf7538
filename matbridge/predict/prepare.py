"""Series made ready for a network with delays, as MATLAB's preparets does, and its loops closed
from the states that a run left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from matbridge.core.card import Array
from matbridge.core.running import Data
from matbridge.core.series import Prepared, Series
from matbridge.errors import MismatchError
from matbridge.layers.processing import PROCESSING
from matbridge.matlab.layer import read_properties
from matbridge.ops import ArrayOps, Value
from matbridge.ops.constants import Constants
from matbridge.predict.columns import read_steps
from matbridge.predict.delays import Steps
from matbridge.shallow.feedback import close_loop
from matbridge.shallow.structure import ProcessStep, ShallowStructure

__all__ = ["closing_states", "prepare", "processed"]


def prepare(structure: ShallowStructure, series: Sequence[Data]) -> Prepared:
    """Inputs, initial states and targets from whole series, as preparets(net,X,T).

    ``series`` are the inputs that are no feedback, in order, then the targets of all outputs,
    which a network without any feedback may do without; a NAR network takes its one series. The
    first steps become states; of a layer that is an output its targets, processed, of others
    zeros. Where the outputs run ahead (removedelay), so do the targets, the last ones NaN.
    Raises MismatchError where the series do not fit.
    """
    inputs, targets = _sorted_out(structure, series)
    cells = any(isinstance(each, list | tuple) for each in series)
    steps = next(iter([*inputs, *targets.values()])).shape[2]
    shift = max(structure.num_input_delays, structure.num_layer_delays)
    if steps <= shift:
        raise MismatchError(
            f"a series of {steps} steps is too short: the delays take {shift} of them"
        )
    ahead = structure.num_feedback_delays
    later = {layer: _shifted(target, ahead) for layer, target in targets.items()}
    return Prepared(
        tuple(_form(x[:, :, shift:], cells) for x in inputs) or (steps - shift,),
        [_steps(x, shift, structure.num_input_delays) for x in inputs],
        _layer_states(structure, later, shift, steps, _samples(inputs, targets)),
        tuple(_form(target[:, :, shift:], cells) for target in later.values()),
        shift,
    )


def _sorted_out(
    structure: ShallowStructure, series: Sequence[Data]
) -> tuple[list[np.ndarray], dict[int, np.ndarray]]:
    """The series of each input, feedback among them, and of the target of each output layer."""
    free = [j for j, part in enumerate(structure.inputs) if part.feedback_output is None]
    fed_back = len(free) < len(structure.inputs) or not structure.inputs
    counts = {len(free) + len(structure.outputs)} | (set() if fed_back else {len(free)})
    if len(series) not in counts:
        raise MismatchError(
            f"{len(series)} series are given, the network needs {' or '.join(map(str, counts))}",
            mend="First the inputs that are no feedback, then the targets of the outputs.",
        )
    sizes = [structure.inputs[j].size for j in free] + [part.size for part in structure.outputs]
    names = [f"input {j + 1}" for j in free]
    names += [f"target of layer {part.layer}" for part in structure.outputs]
    arrays = [read_steps(*each) for each in zip(series, sizes, names, strict=False)]
    if len({array.shape[1:] for array in arrays}) > 1:
        raise MismatchError("the series have different numbers of steps")
    pairs = zip(structure.outputs, arrays[len(free) :], strict=False)
    targets = {part.layer: array for part, array in pairs}
    given = iter(arrays)
    inputs = [
        next(given) if part.feedback_output is None else targets[part.feedback_output]
        for part in structure.inputs
    ]
    return inputs, targets


def _samples(inputs: Iterable[np.ndarray], targets: dict[int, np.ndarray]) -> int:
    return next(iter([*inputs, *targets.values()])).shape[1]


def _shifted(target: np.ndarray, ahead: int) -> np.ndarray:
    """So many steps earlier; what is not known yet is NaN."""
    room = np.full((*target.shape[:2], ahead), np.nan)
    return np.concatenate([target[:, :, ahead:], room], axis=2)


def _steps(array: np.ndarray, end: int, count: int) -> list[np.ndarray]:
    return [array[:, :, step] for step in range(end - count, end)]


def _form(array: np.ndarray, cells: bool) -> Series:
    """A cell of steps, or one R×T, or R×Q×T of several series."""
    if cells:
        return [array[:, :, step] for step in range(array.shape[2])]
    return array[:, 0] if array.shape[1] == 1 else array


def _layer_states(
    structure: ShallowStructure,
    targets: dict[int, np.ndarray],
    shift: int,
    steps: int,
    samples: int,
) -> Steps:
    """Ai: the targets of output layers as these layers give them, zeros for others."""
    states: Steps = []
    for number, layer in enumerate(structure.layers, 1):
        output = next((part for part in structure.outputs if part.layer == number), None)
        series = np.zeros((layer.size, samples, steps))
        if output is not None and number in targets:
            series = processed(output.steps, targets[number])
        states.append(_steps(series, shift, structure.num_layer_delays))
    return states


def processed(steps: Iterable[ProcessStep], series: np.ndarray) -> np.ndarray:
    """A series R×Q×T after these processing functions, applied first to last."""
    value = Value(series, "CBT")
    ops = ArrayOps(Constants())
    for step in steps:
        layer, _ = read_properties(PROCESSING[step.function], dict(step.settings))
        arrays = {
            declared.name: _held(declared, layer.arrays[declared.name])
            for declared in layer.declared
            if declared.name in layer.arrays
        }
        value = layer.forward(ops, arrays, value)  # type: ignore[arg-type, assignment]
    return np.asarray(ops.align(value, "CBT").data)


def _held(declared: Array, array: np.ndarray) -> Value:
    shape, dims = declared.view(array.shape)
    return Value(array.reshape(shape), dims)


def closing_states(
    structure: ShallowStructure, final_inputs: Sequence[object], final_layers: Sequence[object]
) -> tuple[Steps, Steps]:
    """Xi and Ai of the closed loop from the final states Xf and Af of the open one.

    As closeloop(net,xf,af): of the layer that is fed back the states are what its input was fed,
    processed as its output is. Raises MismatchError where they do not reach as far back as the
    closed loop's delays.
    """
    closed = close_loop(structure)
    inputs: Steps = []
    layers: list[object] = [*final_layers]
    for number, (states, part) in enumerate(zip(final_inputs, structure.inputs, strict=True), 1):
        if part.feedback_output is None:
            inputs.append(_last(states, part.size, closed.num_input_delays, f"Xf{{{number}}}"))
            continue
        output = next(o for o in structure.outputs if o.layer == part.feedback_output)
        series = processed(output.steps, read_steps(states, part.size, f"Xf{{{number}}}"))
        layers[part.feedback_output - 1] = _steps(series, series.shape[2], series.shape[2])
    depth, read = closed.num_layer_delays, {j for _, j in closed.layer_weights}
    return inputs, [
        _last(states, layer.size, depth, f"Af{{{number}}}", needed=number in read)
        for number, (states, layer) in enumerate(zip(layers, structure.layers, strict=True), 1)
    ]


def _last(
    states: object, size: int, depth: int, where: str, needed: bool = True
) -> list[np.ndarray]:
    """So many of the last states, NaN for those that are not there and not needed."""
    count = len(states) if isinstance(states, list | tuple) else 1
    array = read_steps(states, size, where) if count else np.zeros((size, 1, 0))
    lacking = depth - array.shape[2]
    if lacking > 0 and needed and array.shape[2]:
        raise MismatchError(
            f"it has {array.shape[2]} steps, the closed loop needs {depth}", where=where
        )
    room = np.full((size, array.shape[1], max(lacking, 0)), np.nan)
    return _steps(np.concatenate([room, array], axis=2), array.shape[2] + max(lacking, 0), depth)
