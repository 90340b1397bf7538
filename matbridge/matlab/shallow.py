"""A saved ``network`` object of any version to what it says.

Versions differ in which fields there are; those that compute have borne the same names since
2006. Booleans are double before version 7. The newest objects (version 9) are of a classdef
class whose properties all hold defaults, but ``any``, in which the network stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from matbridge.core.classes import SHALLOW
from matbridge.core.diagnostics import Report
from matbridge.core.kinds import integer, integers, text
from matbridge.errors import LayerError
from matbridge.matlab.file import DEFAULT_LIMIT
from matbridge.matlab.file.budget import Budget, full
from matbridge.matlab.file.values import Cell, MatObject, texts
from matbridge.matlab.layer import tell_unknown
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    Place,
    ProcessStep,
    Settings,
    ShallowStructure,
    WeightPart,
)

__all__ = ["is_shallow", "read_structure"]

# What only training reads, kept as it is saved.
TRAINING = (
    "adaptFcn adaptParam divideFcn divideParam divideMode initFcn initParam performFcn "
    "performParam plotFcns plotParams derivFcn gradientFcn gradientParam trainFcn trainParam "
    "sampleTime userdata"
).split()
# What computes, or follows from what does.
USED = (
    "version name numInputs numLayers numOutputs numInputDelays numLayerDelays "
    "numFeedbackDelays numWeightElements biasConnect inputConnect layerConnect outputConnect "
    "inputs layers outputs biases inputWeights layerWeights IW LW b"
).split()
# How values are cached, the weights before the training, tables that follow from the others,
# targets of the oldest version.
UNREAD = "efficiency revert revertProps hint targetConnect numTargets targets".split()
# Of each part: what is used, and what only training, plots or people read.
PARTS: Mapping[str, tuple[str, ...]] = {
    name: tuple(fields.split())
    for name, fields in {
        "inputs": "name size processedSize processFcns processParams processSettings "
        "feedbackOutput range processedRange exampleInput userdata",
        "layers": "name size transferFcn transferParam netInputFcn netInputParam dimensions "
        "topologyFcn distanceFcn distanceParam distances positions initFcn range userdata",
        "outputs": "name size processedSize processFcns processParams processSettings "
        "feedbackInput feedbackDelay feedbackMode range processedRange exampleOutput userdata",
        "biases": "initFcn learn learnFcn learnParam size userdata",
        "inputWeights": "delays weightFcn weightParam size initFcn initSettings learn learnFcn "
        "learnParam userdata",
    }.items()
}
# Weights, what is said of them, and which there are: of the inputs and of the layers.
INPUT = ("IW", "inputWeights", "inputConnect")
LAYER = ("LW", "layerWeights", "layerConnect")
# What only maps have.
TOPOLOGY = ("dimensions", "topologyFcn", "distanceFcn", "distances", "positions")
# What comes of values that are not of the kind expected: files hold whatever they like.
ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
# More parts than any network has.
MOST = 100_000

Saved = Mapping[str, object]


def is_shallow(value: object) -> bool:
    """Whether this is a ``network`` object, old-style or of a classdef class."""
    if not isinstance(value, MatObject) or value.class_name != SHALLOW:
        return False
    return value.old_style or "numLayers" in _saved(value)


def read_structure(
    value: MatObject, report: Report, where: str, budget: Budget | None = None
) -> ShallowStructure:
    """What a ``network`` object says; what is not understood goes to the ``report``.

    Raises LayerError where it contradicts itself, and FormatError where its sparse weights
    take more than the ``budget``.
    """
    saved = _saved(value)
    kept = {name: value for name, value in saved.items() if name not in UNREAD}
    saved = full(kept, budget or Budget(DEFAULT_LIMIT))
    try:
        structure = _structure(saved)
    except ODD as error:
        said = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise LayerError(f"the network object is damaged: {said}", where=where) from None
    for name, field, unknown in _unknown_fields(saved):
        tell_unknown(field, unknown, f"{where}.{name}" if name else where, report)
    return structure


def _saved(value: MatObject) -> Saved:
    """The fields, wherever this version keeps them."""
    inner = value.properties.get("any")
    if isinstance(inner, MatObject):
        return _saved(inner)
    return inner if isinstance(inner, dict) else value.properties


def _structure(saved: Saved) -> ShallowStructure:
    num_inputs, num_layers = _count(saved, "numInputs"), _count(saved, "numLayers")
    b = _grid(saved, "b", num_layers, 1)
    biased = _connected(saved, "biasConnect", num_layers, 1)
    inputs = [_input(_part(part)) for part in _grid(saved, "inputs", num_inputs, 1).values()]
    parts = _grid(saved, "layers", num_layers, 1)
    layers = [_layer(_part(part), b[at] if at in biased else None) for at, part in parts.items()]
    outputs = _grid(saved, "outputs", 1, num_layers)
    places = sorted(_connected(saved, "outputConnect", 1, num_layers))
    return ShallowStructure(
        inputs=tuple(inputs),
        layers=tuple(layers),
        outputs=tuple(_output(at[1], _part(outputs[at]), layers[at[1] - 1]) for at in places),
        input_weights=_weights(saved, INPUT, layers, [part.processed_size for part in inputs]),
        layer_weights=_weights(saved, LAYER, layers, [part.size for part in layers]),
        name=text(saved.get("name", "")),
        version=text(saved.get("version", "")),
        training={name: saved[name] for name in TRAINING if name in saved},
    )


# -- parts ------------------------------------------------------------------------------------


def _input(part: Saved) -> InputPart:
    size = integer(part["size"])
    return InputPart(
        size=size,
        # Before version 6 nothing is processed.
        processed_size=integer(part.get("processedSize", size)),
        steps=_steps(part),
        name=text(part.get("name", "Input")),
        feedback_output=_optional(part.get("feedbackOutput")),
        range=None if _is_empty(part.get("range")) else np.asarray(part["range"], dtype=float),
    )


def _layer(part: Saved, bias: object) -> LayerPart:
    size = integer(part["size"])
    return LayerPart(
        size=size,
        transfer=text(part["transferFcn"]),
        net_input=text(part["netInputFcn"]),
        bias=None if bias is None else _matrix(bias, size, 1),
        name=text(part.get("name", "Layer")),
        transfer_parameters=_settings(part.get("transferParam")),
        net_input_parameters=_settings(part.get("netInputParam")),
        topology=_topology(part),
    )


def _topology(part: Saved) -> Settings:
    """What makes a layer a map: nothing where it has no topology."""
    if not text(part.get("distanceFcn", "")):
        return {}
    return {name: part[name] for name in TOPOLOGY if name in part}


def _output(layer: int, part: Saved, source: LayerPart) -> OutputPart:
    return OutputPart(
        layer=layer,
        size=integer(part.get("size", source.size)),
        steps=_steps(part),
        name=text(part.get("name", "Output")),
        feedback_input=_optional(part.get("feedbackInput")),
        feedback_delay=integer(part.get("feedbackDelay", 0)),
        feedback_mode=text(part.get("feedbackMode", "none")),
    )


def _steps(part: Saved) -> tuple[ProcessStep, ...]:
    """Processing functions with what they were set to; parameters are what they were to be."""
    names = texts(part.get("processFcns", Cell())) or ()
    parameters = _each(part.get("processParams"), len(names))
    settings = _each(part.get("processSettings"), len(names))
    return tuple(
        ProcessStep(name, {**_settings(before), **_settings(after)})
        for name, before, after in zip(names, parameters, settings, strict=True)
    )


def _each(values: object, count: int) -> list[object]:
    """One value for each function; none where the file has none."""
    if isinstance(values, list) and len(values) == count:
        return list(values)
    if count == 1 and isinstance(values, dict):
        return [values]
    if _is_empty(values):
        return [None] * count
    raise ValueError(f"there are {count} processing functions, but other settings")


def _weights(
    saved: Saved, names: tuple[str, str, str], layers: list[LayerPart], rows: list[int]
) -> dict[Place, WeightPart]:
    """IW or LW by place, with what the parts of its weights say."""
    arrays_name, parts_name, connect_name = names
    shape = len(layers), len(rows)
    arrays, parts = _grid(saved, arrays_name, *shape), _grid(saved, parts_name, *shape)
    weights = {}
    for i, j in _connected(saved, connect_name, *shape):
        part = _part(parts[i, j])
        delays = integers(part["delays"])
        weights[i, j] = WeightPart(
            array=_matrix(arrays[i, j], layers[i - 1].size, rows[j - 1] * len(delays)),
            delays=delays,
            function=text(part["weightFcn"]),
            parameters=_settings(part.get("weightParam")),
        )
    return weights


# -- values -----------------------------------------------------------------------------------


def _count(saved: Saved, name: str) -> int:
    count = integer(saved[name])
    if not 0 <= count <= MOST:
        raise ValueError(f"{name} is {count}")
    return count


def _grid(saved: Saved, name: str, rows: int, columns: int) -> dict[Place, object]:
    """The elements of a cell by row and column, from 1; also of one that lost its shape."""
    cell = saved[name]
    elements = [cell] if isinstance(cell, dict) else cell
    if _is_empty(elements):
        elements = []
    if not isinstance(elements, list) or len(elements) != rows * columns:
        raise ValueError(f"{name} is no cell of {rows}×{columns}")
    places = ((i, j) for j in range(1, columns + 1) for i in range(1, rows + 1))
    return dict(zip(places, elements, strict=True))


def _connected(saved: Saved, name: str, rows: int, columns: int) -> set[Place]:
    """Where a matrix of connections is true, by row and column, from 1."""
    flags = np.asarray(saved[name], dtype=float)
    if flags.size != rows * columns:
        raise ValueError(f"{name} is not {rows}×{columns}")
    matrix = flags.reshape((rows, columns), order="F")
    return {(int(i) + 1, int(j) + 1) for i, j in np.argwhere(matrix)}


def _part(value: object) -> Saved:
    if isinstance(value, MatObject):
        return _saved(value)
    if not isinstance(value, dict):
        raise ValueError(f"a part is {type(value).__name__}, not a struct")
    return value


def _matrix(value: object, rows: int, columns: int) -> np.ndarray:
    """An array of this size, also where [] stands for one without elements."""
    array = np.zeros((0, 0)) if value is None else np.asarray(value)
    if array.dtype.kind == "c":
        raise ValueError("its weights are complex, which is not supported")
    whole = array.size > 0 or rows * columns > 0
    return np.asarray(array, dtype=float) if whole else np.zeros((rows, columns))


def _optional(value: object) -> int | None:
    """A number, None for []."""
    return None if _is_empty(value) else integer(value)


def _settings(value: object) -> Settings:
    """The fields of a struct or of an nnetParam object."""
    if isinstance(value, MatObject):
        inner = value.properties.get("values", value.saved)
        return inner if isinstance(inner, dict) else {}
    return value if isinstance(value, dict) else {}


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, np.ndarray | list) and np.size(value) == 0)


# -- what nobody reads --------------------------------------------------------------------------


def _unknown_fields(saved: Saved) -> Iterator[tuple[str, str, object]]:
    """The part, the name and the value of each field that is not known."""
    yield from (
        ("", name, value) for name, value in saved.items() if name not in (*TRAINING, *USED)
    )
    for cell, known in PARTS.items():
        for number, part in enumerate(_elements(saved.get(cell)), 1):
            if isinstance(part, dict):
                at = f"{cell}{{{number}}}"
                yield from ((at, name, value) for name, value in part.items() if name not in known)


def _elements(cell: object) -> Iterable[object]:
    return cell if isinstance(cell, list) else [cell]
