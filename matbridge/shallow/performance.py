"""How well a network does what it was trained for: MATLAB's performance functions.

Targets and outputs are S×N, one for each output of the network: samples as columns, the steps
of a series side by side. A target that is NaN does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from matbridge.errors import MismatchError, UnsupportedError
from matbridge.shallow.structure import OutputPart, ShallowStructure
from matbridge.text import visible

__all__ = ["PERFORMANCE", "performance"]

# The errors of all elements whose target counts, or what a probability and its target make.
Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _squared(targets: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return (targets - outputs) ** 2


def _absolute(targets: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return np.abs(targets - outputs)


def _cross_entropy(targets: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """-t·log(y); of one output -t·log(y) - (1-t)·log(1-y)."""
    with np.errstate(all="ignore"):
        entropy = -_times_log(targets, outputs)
        if targets.shape[0] == 1:
            entropy = entropy - _times_log(1 - targets, 1 - outputs)
    return entropy


def _times_log(factor: np.ndarray, y: np.ndarray) -> np.ndarray:
    """factor·log(y), which is 0 where both are 0."""
    return np.where(factor == 0, 0.0, factor * np.log(np.maximum(y, 0.0)))


# performFcn: what is measured of each element, and whether that is averaged or added.
PERFORMANCE: Mapping[str, tuple[Measure, bool]] = {
    "mse": (_squared, True),
    "sse": (_squared, False),
    "mae": (_absolute, True),
    "sae": (_absolute, False),
    "crossentropy": (_cross_entropy, True),
}


def performance(
    structure: ShallowStructure,
    targets: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    function: str = "",
) -> float:
    """As MATLAB's perform(net, targets, outputs), by its performFcn or this ``function``.

    Regularization g makes it (1-g)·performance + g·mean(w²) over all weights and biases,
    normalization "standard" divides the errors by half the range of a target, "percent" by
    the range. Raises UnsupportedError for another function, MismatchError for sizes that do
    not fit or where no target counts.
    """
    name = function or str(structure.training.get("performFcn") or "mse")
    if name not in PERFORMANCE:
        raise UnsupportedError(
            f"the performance function {visible(name)} is not known",
            mend=f"Choose one of {', '.join(PERFORMANCE)}.",
        )
    measure, averaged = PERFORMANCE[name]
    measured = np.concatenate(
        [
            _measured(measure, structure, part, t, y)
            for part, t, y in zip(structure.outputs, targets, outputs, strict=True)
        ]
    )
    if not measured.size:
        raise MismatchError("no target counts: all are NaN")
    total = float(measured.sum())
    return _regularized(structure, total / measured.size if averaged else total, averaged)


def _measured(
    measure: Measure,
    structure: ShallowStructure,
    part: OutputPart,
    targets: np.ndarray,
    outputs: np.ndarray,
) -> np.ndarray:
    """What is measured of the elements of one output, those whose target is a number."""
    if targets.shape != outputs.shape:
        sizes = ("×".join(map(str, array.shape)) for array in (targets, outputs))
        raise MismatchError("targets of {} do not fit outputs of {}".format(*sizes))
    scale = _scale(structure, part)
    values = measure(targets * scale, outputs * scale)
    return values[np.isfinite(targets)]


def _parameters(structure: ShallowStructure) -> Mapping[str, object]:
    parameters = structure.training.get("performParam")
    return parameters if isinstance(parameters, Mapping) else {}


def _scale(structure: ShallowStructure, part: OutputPart) -> np.ndarray | float:
    """What errors are multiplied by: 1, or one over (half) the range of each target."""
    normalization = str(_parameters(structure).get("normalization") or "none")
    if normalization == "none":
        return 1.0
    ranges = next((s.settings["xrange"] for s in part.steps if "xrange" in s.settings), None)
    if normalization not in ("standard", "percent") or ranges is None:
        raise UnsupportedError(
            f"errors are normalized as {visible(normalization)}, "
            "and the range of the targets is not saved",
        )
    span = np.asarray(ranges, float).reshape(-1, 1)
    return (2.0 if normalization == "standard" else 1.0) / np.where(span == 0, 1.0, span)


def _regularized(structure: ShallowStructure, value: float, averaged: bool) -> float:
    ratio = float(np.asarray(_parameters(structure).get("regularization", 0.0)).item())
    if not ratio:
        return value
    weights = (*structure.input_weights.values(), *structure.layer_weights.values())
    arrays = [part.array for part in weights]
    arrays += [layer.bias for layer in structure.layers if layer.bias is not None]
    squares = np.concatenate([array.ravel() for array in arrays]) ** 2
    penalty = squares.mean() if averaged else squares.sum()
    return (1 - ratio) * value + ratio * float(penalty)
