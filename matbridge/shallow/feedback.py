"""closeloop, openloop and removedelay of MATLAB: from structure to structure.

An open loop takes back the output of the step before as an input, that of a real series; a
closed one takes its own. Met in saved pairs of networks: the weights stay as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from matbridge.errors import MismatchError, UnsupportedError
from matbridge.shallow.structure import (
    InputPart,
    OutputPart,
    Place,
    ProcessStep,
    ShallowStructure,
    WeightPart,
)

__all__ = ["alike", "close_loop", "open_loop", "remove_delay"]

Weights = Mapping[Place, WeightPart]


def close_loop(structure: ShallowStructure) -> ShallowStructure:
    """As MATLAB's closeloop: each input that is an output's feedback becomes that output.

    IW{i,j} of such an input becomes LW{i,k} of the output's layer k, with its delays (longer by
    feedbackDelay); the inputs behind it move up. Raises MismatchError where no loop is open,
    UnsupportedError where the feedback is processed otherwise than the output, since MATLAB
    processes nothing on the way, and LayerError where the loop has no delay.
    """
    if _open_output(structure) is None:
        raise MismatchError(
            "the network has no open feedback loop",
            mend="A NAR or NARX network has one: an input that is the feedback of an output.",
        )
    while (output := _open_output(structure)) is not None:
        structure = _closed(structure, output)
    return structure


def _open_output(structure: ShallowStructure) -> OutputPart | None:
    """The first output that an input takes back."""
    return next((part for part in structure.outputs if part.feedback_input is not None), None)


def _closed(structure: ShallowStructure, output: OutputPart) -> ShallowStructure:
    """The loop from this output to its input, closed."""
    layer, number = output.layer, output.feedback_input or 0
    if not alike(structure.inputs[number - 1].steps, output.steps):
        raise UnsupportedError(
            "the feedback input is processed otherwise than the output that it takes",
            where=f"input {number}",
            mend="Predict with the open loop, and feed its outputs back yourself.",
        )
    looped = {
        (i, layer): dataclasses.replace(
            part, delays=tuple(delay + output.feedback_delay for delay in part.delays)
        )
        for (i, j), part in structure.input_weights.items()
        if j == number
    }
    taken = looped.keys() & structure.layer_weights.keys()
    if taken:
        raise UnsupportedError("a layer reads the output already", where=f"LW{min(taken)}")
    outputs = tuple(
        _without_input(part, number)
        if part.layer != layer
        else dataclasses.replace(part, feedback_input=None, feedback_mode="closed")
        for part in structure.outputs
    )
    return structure.replace(
        inputs=structure.inputs[: number - 1] + structure.inputs[number:],
        input_weights=_without(structure.input_weights, number),
        layer_weights={**structure.layer_weights, **looped},
        outputs=outputs,
    )


def _without(weights: Weights, number: int) -> Weights:
    """The weights of all inputs but one, those behind it a number lower."""
    return {(i, j - (j > number)): part for (i, j), part in weights.items() if j != number}


def _without_input(output: OutputPart, number: int) -> OutputPart:
    fed = output.feedback_input
    return dataclasses.replace(output, feedback_input=fed and fed - (fed > number))


def open_loop(structure: ShallowStructure) -> ShallowStructure:
    """As MATLAB's openloop: the inverse of :func:`close_loop`, the feedback the last inputs.

    Raises MismatchError where no loop is closed.
    """
    closed = [part.layer for part in structure.outputs if part.feedback_mode == "closed"]
    if not closed:
        raise MismatchError("the network has no closed feedback loop")
    for layer in closed:
        structure = _opened(structure, layer)
    return structure


def _opened(structure: ShallowStructure, layer: int) -> ShallowStructure:
    """The loop from this layer's output, as another input."""
    output = next(part for part in structure.outputs if part.layer == layer)
    number = len(structure.inputs) + 1
    delayed = {
        place: part
        for place, part in structure.layer_weights.items()
        if place[1] == layer and 0 not in part.delays
    }
    fed_back = {
        (i, number): dataclasses.replace(
            part, delays=tuple(delay - output.feedback_delay for delay in part.delays)
        )
        for (i, _), part in delayed.items()
    }
    size = structure.layers[layer - 1].size
    feedback = InputPart(output.size, size, output.steps, output.name, feedback_output=layer)
    outputs = tuple(
        dataclasses.replace(part, feedback_input=number, feedback_mode="open")
        if part.layer == layer
        else part
        for part in structure.outputs
    )
    return structure.replace(
        inputs=(*structure.inputs, feedback),
        input_weights={**structure.input_weights, **fed_back},
        layer_weights={p: w for p, w in structure.layer_weights.items() if p not in delayed},
        outputs=outputs,
    )


def remove_delay(structure: ShallowStructure, steps: int = 1) -> ShallowStructure:
    """As MATLAB's removedelay: outputs come ``steps`` earlier, the weights stay.

    The delays of all inputs are shorter by so many steps, and the feedbackDelay of outputs with
    an open loop longer. Raises MismatchError where a delay is too short for that.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        mend = "Use a positive whole number."
        raise MismatchError(f"the delay to remove is {steps!r}", mend=mend)
    shortest = min((min(part.delays) for part in structure.input_weights.values()), default=0)
    if shortest < steps:
        raise MismatchError(
            f"the shortest delay of the inputs is {shortest}, {steps} cannot be removed",
            mend="MATLAB's removedelay asks the same of a network.",
        )
    shortened = {
        place: dataclasses.replace(part, delays=tuple(delay - steps for delay in part.delays))
        for place, part in structure.input_weights.items()
    }
    outputs = tuple(
        part
        if part.feedback_mode == "none"
        else dataclasses.replace(part, feedback_delay=part.feedback_delay + steps)
        for part in structure.outputs
    )
    return structure.replace(input_weights=shortened, outputs=outputs)


def alike(steps: tuple[ProcessStep, ...], others: tuple[ProcessStep, ...]) -> bool:
    """Whether two chains of processing functions compute the same, as their settings tell."""
    if len(steps) != len(others):
        return False
    return all(
        step.function == other.function
        and all(
            np.array_equal(np.asarray(value), np.asarray(other.settings[name]), equal_nan=True)
            for name, value in step.settings.items()
            if name in other.settings and not isinstance(value, str)
        )
        for step, other in zip(steps, others, strict=True)
    )
