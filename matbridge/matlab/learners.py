"""Models of fitcnet and fitrnet to networks of cards.

Full models (ClassificationNeuralNetwork) and compact ones keep what computes under the same
names; a full one keeps the training data as well. A model that Classification Learner or
Regression Learner exported stands in a struct, beside the PCA that comes before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from matbridge.core.arrays import fit_arrays
from matbridge.core.card import Layer
from matbridge.core.diagnostics import Report
from matbridge.core.network import Network, Provenance
from matbridge.errors import LayerError
from matbridge.layers.activation import ReLU, Sigmoid, Tanh
from matbridge.layers.learner import (
    ClassScores,
    LearnerLayer,
    Predictors,
    PrincipalComponents,
    Response,
    Standardization,
)
from matbridge.layers.transfer import NetSoftmax
from matbridge.matlab.file.values import Categorical, Cell, MatObject, StringArray
from matbridge.matlab.layer import ODD, read_properties, tell_unknown

__all__ = ["LEARNERS", "read_learner"]

CLASSIFIERS = (
    "ClassificationNeuralNetwork",
    "classreg.learning.classif.CompactClassificationNeuralNetwork",
)
REGRESSIONS = (
    "RegressionNeuralNetwork",
    "classreg.learning.regr.CompactRegressionNeuralNetwork",
)
LEARNERS = (*CLASSIFIERS, *REGRESSIONS)

ACTIVATIONS: Mapping[str, type[Layer] | None] = {
    "relu": ReLU,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "softmax": NetSoftmax,
    "none": None,
    "linear": None,
}
# What prediction reads, and what only training, display or bookkeeping does.
KNOWN = (
    *("NeuralNetworkImpl", "Mu", "Sigma", "StandardizeData", "NumPredictors", "DataSummary"),
    *("OutputLayerActivation", "ClassSummary", "PrivScoreTransform", "PrivResponseTransform"),
    *("PrivScoreType", "DefaultLoss", "LabelPredictor", "DefaultScoreType", "Impl"),
    *("CategoricalVariableCoding", "LayerSizes", "Activations", "Version", "ExpandedActivations"),
    *("PrivX", "PrivY", "X", "Y", "W", "PrivW", "Data", "ModelParams", "ModelParameters"),
    *("ConvergenceInfo", "TrainingHistory", "FitInfo", "HyperparameterOptimizationResults"),
    *("ParameterOptimizationResults", "BayesianOptimizationResults", "RowsUsed", "Solver"),
    *("ExpandedPredictorNames", "OptimizationHistory", "TrainingLoss", "LossFun"),
)


def read_learner(
    model: MatObject, provenance: Provenance, beside: Mapping[str, object] | None = None
) -> Network:
    """The network of a model; ``beside`` are the fields of the struct that it stands in.

    Raises LayerError where the model lacks weights or its parts do not fit.
    """
    try:
        return _network(model, provenance, beside or {})
    except ODD as error:
        raise LayerError(f"the model is damaged: {error}") from None


def _network(model: MatObject, provenance: Provenance, beside: Mapping[str, object]) -> Network:
    saved, report = model.saved, Report()
    for name in saved:
        if name not in KNOWN:
            tell_unknown(name, saved[name], provenance.address, report)
    classifies = model.class_name in CLASSIFIERS
    ending = _class_scores if classifies else _response
    first = _predictors(saved, beside)
    layers = [first, *_prepared(saved, beside), *_hidden(saved), ending(saved)]
    return Network.of(layers, None, model.class_name, (), provenance, tuple(report))


def _fields(value: object) -> Mapping[str, Any]:
    """What a struct or object holds; nothing of anything else."""
    saved = getattr(value, "saved", value)
    return saved if isinstance(saved, Mapping) else {}


def _items(value: object) -> list[object]:
    """The elements of a cell; of anything but [] one."""
    if isinstance(value, Cell):
        return list(value)
    empty = value is None or (isinstance(value, np.ndarray) and not value.size)
    return [] if empty else [value]


def _given(value: object) -> np.ndarray | None:
    """A numeric array in double precision, None for [] or anything else."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and value.size:
        return value.astype(float)
    return None


def _column(value: object) -> np.ndarray | None:
    array = _given(value)
    return None if array is None else array.reshape(-1, 1)


def _predictors(saved: Mapping[str, object], beside: Mapping[str, object]) -> Layer:
    data = _fields(saved.get("DataSummary"))
    # The names are those of the components where these come first.
    first = _given(beside.get("PCACoefficients"))
    categorical = data.get("CategoricalPredictors")
    properties = {
        "Name": "predictors",
        "NumPredictors": _count(saved) if first is None else len(first),
        "PredictorNames": Cell(_named(data.get("PredictorNames")) if first is None else ()),
        "CategoricalPredictors": np.zeros((0, 0)) if categorical is None else categorical,
    }
    return read_properties(Predictors, properties)[0]


def _prepared(saved: Mapping[str, object], beside: Mapping[str, object]) -> Iterator[Layer]:
    """What is done to the predictors: components, where the model was exported with PCA, then
    standardization."""
    if _given(beside.get("PCACoefficients")) is not None:
        yield _with_arrays(PrincipalComponents(name="pca"), beside)
    if _given(saved.get("Mu")) is not None:
        yield _with_arrays(Standardization(name="standardize"), saved)


def _with_arrays(layer: Layer, saved: Mapping[str, object]) -> Layer:
    arrays = {}
    for declared in layer.declared:
        array = _given(saved.get(declared.name))
        if array is not None:
            arrays[declared.name] = array.reshape(-1, 1) if declared.dims == "C" else array
    return fit_arrays(layer, arrays)


def _count(saved: Mapping[str, object]) -> object:
    """NumPredictors, or as many as the first weights multiply."""
    known = _given(saved.get("NumPredictors"))
    return _weights(saved)[0][0].shape[1] if known is None else known


def _named(value: object) -> tuple[str, ...]:
    """PredictorNames, which MATLAB may also keep as their number alone."""
    items = tuple(value) if isinstance(value, Cell | StringArray | Categorical) else ()
    return tuple(map(str, items)) if all(isinstance(item, str) for item in items) else ()


def _weights(saved: Mapping[str, object]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The weights (outputs×inputs) and biases (outputs×1) of each fully connected layer."""
    inside = _fields(saved.get("NeuralNetworkImpl"))
    weights = [_given(item) for item in _items(inside.get("LayerWeights"))]
    biases = [_column(item) for item in _items(inside.get("LayerBiases"))]
    pairs = [
        (w, b) for w, b in zip(weights, biases, strict=False) if w is not None and b is not None
    ]
    if not pairs or len(pairs) != max(len(weights), len(biases)):
        raise LayerError(
            "the model has no weights, or not as many biases",
            mend="Save the trained model itself: a cross-validated or a partitioned one has none.",
        )
    return pairs


def _hidden(saved: Mapping[str, object]) -> Iterator[Layer]:
    """fc_1, relu_1, fc_2, ..., softmax."""
    pairs = _weights(saved)
    names = _activations(saved, len(pairs))
    for number, ((weights, bias), name) in enumerate(zip(pairs, names, strict=True), 1):
        arrays = {"LayerWeights": weights, "LayerBiases": bias}
        yield fit_arrays(LearnerLayer(name=f"fc_{number}"), arrays)
        if name not in ACTIVATIONS:
            raise LayerError(
                f"the activation {name!r} is none of {', '.join(ACTIVATIONS)}",
                where=f"fc_{number}",
            )
        kind = ACTIVATIONS[name]
        if kind is not None:
            yield kind(name=name if number == len(pairs) else f"{name}_{number}")


def _activations(saved: Mapping[str, object], count: int) -> list[str]:
    """One for each layer: MATLAB keeps one name for all hidden ones, or a cell of them."""
    inside = _fields(saved.get("NeuralNetworkImpl"))
    hidden = _items(inside.get("Activations", saved.get("Activations")))
    last = saved.get("OutputLayerActivation", "none")
    if len(hidden) == 1:
        hidden *= count - 1
    names = [*hidden, last] if len(hidden) == count - 1 else hidden
    if len(names) != count:
        raise LayerError(f"the model has {count} layers and {len(hidden)} activations")
    return [str(name).lower() for name in names]


# -- what comes out ---------------------------------------------------------------------------


def _class_scores(saved: Mapping[str, object]) -> Layer:
    classes = _fields(saved.get("ClassSummary"))
    names = class_labels(classes.get("ClassNames"))
    possible = class_labels(classes.get("NonzeroProbClasses"))
    if possible and len(possible) < len(names):
        absent = ", ".join(name for name in names if name not in possible)
        raise LayerError(
            f"the classes {absent} have no probability, and where their scores stand is not known",
            mend="Train the model without them.",
        )
    properties = {
        "Name": "scores",
        "ClassNames": Cell(names),
        "Prior": classes.get("Prior"),
        "Cost": classes.get("Cost"),
        "ScoreTransform": saved.get("PrivScoreTransform", "none"),
    }
    return read_properties(ClassScores, properties)[0]


def class_labels(value: object) -> tuple[str, ...]:
    """The names in a ClassLabel, of whatever type the labels were: numbers and logical values as
    MATLAB shows them."""
    label = _fields(value).get("L", value)
    for kind, written in LABELS:
        if isinstance(label, kind):
            return tuple(written(label))
    return ()


def _categories(value: MatObject) -> Iterator[str]:
    """A nominal or ordinal object of the older classes: names, and codes from 1."""
    fields = value.saved
    names = _items(fields.get("labels", fields.get("categoryNames")))
    codes = _given(fields.get("codes"))
    for code in [] if codes is None else codes.reshape(-1, order="F"):
        yield str(names[int(code) - 1])


def _numbers(value: np.ndarray) -> Iterator[str]:
    if value.dtype.kind in "UO":
        # Rows of characters, filled up with blanks.
        yield from (str(row).rstrip() for row in value.reshape(-1, order="F"))
    elif value.dtype.kind == "b":
        yield from ("true" if item else "false" for item in value.reshape(-1, order="F"))
    else:
        yield from (f"{item:.15g}" for item in value.reshape(-1, order="F"))


LABELS: tuple[tuple[type, Callable[[Any], Iterator[str]]], ...] = (
    (str, lambda value: iter([value])),
    (np.ndarray, _numbers),
    (Categorical, iter),
    (Cell, lambda value: iter(map(str, value))),
    (StringArray, lambda value: iter(map(str, value))),
    (MatObject, _categories),
)


def _response(saved: Mapping[str, object]) -> Layer:
    data = _fields(saved.get("DataSummary"))
    properties = {
        "Name": "response",
        "ResponseName": data.get("ResponseName", "Y"),
        "ResponseTransform": saved.get("PrivResponseTransform", "none"),
    }
    return read_properties(Response, properties)[0]
