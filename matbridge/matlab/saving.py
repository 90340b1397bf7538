"""Layers and networks as the objects in which MATLAB saves them: the inverse of reading.

What was read and not changed since is written as it was saved, in the version that it had. Anything
else is written in the newest form that real files show, or by its public names.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from matbridge.core.card import Array, Layer
from matbridge.core.network import Network, Port
from matbridge.core.registry import Unknown
from matbridge.errors import LayerError, UnsupportedError
from matbridge.layers.function import Handle
from matbridge.matlab import forms
from matbridge.matlab.file.values import FunctionHandle, MatObject
from matbridge.matlab.layer import read_properties
from matbridge.matlab.origin import filled, is_whole, wrapped

__all__ = ["end_of", "pairs_of", "save_layer", "save_network"]

Saved = dict[str, object]

# The packages of the importers' layers.
IMPORTERS = ("nnet.onnx.layer.", "nnet.keras.layer.")
# The newest version of each class that real files show, and what else it holds. Elsewhere the
# version is 1.
VERSIONS: Mapping[str, int] = {
    "SequenceInputLayer": 5,
    "ImageInputLayer": 4,
    "FeatureInputLayer": 2,
    "LSTMLayer": 5,
    "BiLSTMLayer": 4,
    "GRULayer": 2,
    "FullyConnectedLayer": 3,
    "Convolution2DLayer": 6,
    "TransposedConvolution2DLayer": 2,
    "BatchNormalizationLayer": 3,
    "MaxPooling2DLayer": 2,
    "AveragePooling2DLayer": 2,
    "SoftmaxLayer": 4,
    "ClassificationOutputLayer": 4,
    "RegressionOutputLayer": 2,
    "Resize2DLayer": 3,
    "YOLOv2OutputLayer": 2,
}
MORE: Mapping[str, Saved] = {
    "SequenceInputLayer": {"NormalizationDimension": "auto"},
    "ImageInputLayer": {"Augmentations": np.zeros((1, 0)), "NormalizationDimension": "auto"},
    "FeatureInputLayer": {"NormalizationDimension": "auto"},
    "FlattenLayer": {"NumFlattenDimensions": forms.number(3)},
    "BatchNormalizationLayer": {
        "ChannelDim": forms.EMPTY,
        "IsMovingAverageMode": forms.logical(False),
        "NumTrainingSamples": forms.number(0),
    },
    "SoftmaxLayer": {"ChannelDim": forms.number(3), "VectorFormat": forms.logical(False)},
    "ClassificationOutputLayer": {"ObservationDim": forms.number(4)},
    "RegressionOutputLayer": {"ObservationDim": forms.number(2)},
    "TransposedConvolution2DLayer": {"OutputSizeOffset": forms.EMPTY},
}


def save_network(network: Network) -> MatObject:
    """A SeriesNetwork or DAGNetwork where there is an output layer, a dlnetwork otherwise.

    Raises UnsupportedError for the classes that are not made of layers in MATLAB.
    """
    if network.kind.double:
        raise UnsupportedError(
            f"a {network.kind.words} is not written to a MAT-file",
            mend="Convert it to .safetensors, .onnx or .pt2.",
        )
    objects = [save_layer(layer) for layer in network.layers]
    pairs = [
        (end_of(network, c.source), end_of(network, c.destination)) for c in network.connections
    ]
    if not any(layer.IS_OUTPUT for layer in network.layers):
        ends = [end_of(network, port) for port in network.outputs]
        return forms.dlnetwork(pairs, ends, *objects)
    if pairs == list(itertools.pairwise(layer.name for layer in network.layers)):
        return forms.series_network(*objects)
    return forms.dag_network(pairs, *objects)


def pairs_of(network: Network) -> list[tuple[str, str]]:
    """The connections, from and to, as MATLAB spells them."""
    ends = ((c.source, c.destination) for c in network.connections)
    return [(end_of(network, source), end_of(network, end)) for source, end in ends]


def end_of(network: Network, port: Port) -> str:
    """As MATLAB spells it: "add/in2", or the name alone of a layer with one port."""
    layer = network[port.layer]
    ports = layer.outputs if port.name in layer.outputs else layer.inputs
    return port.layer if len(ports) == 1 else f"{port.layer}/{port.name}"


def save_layer(layer: Layer) -> MatObject:
    """The object that reads back as this layer."""
    if isinstance(layer, Unknown):
        return _save_unknown(layer)
    saved = _fresh(layer)
    if layer.origin is not None:
        again = _again(layer, saved)
        # As it was, where that still says what the layer is now.
        if is_whole(again) and _says(again, layer):
            return wrapped(layer.origin, again)
    class_name = layer.class_name or layer.MATLAB[0]
    if _is_users(class_name):
        return forms.custom(class_name, **saved)
    short = class_name.removeprefix("nnet.cnn.layer.")
    return forms.layer(class_name, VERSIONS.get(short, 1), **{**MORE.get(short, {}), **saved})


def _again(layer: Layer, fresh: Saved) -> Saved:
    """The saved form that was read, with the numbers and the name that the layer has now."""
    form = {
        name: filled(value, fresh.get(name), functools.partial(layer.shaped, name))
        for name, value in layer.origin.saved.items()
    }
    return {**form, "Name": layer.name}


def _is_users(class_name: str) -> bool:
    """Whether it is written in MATLAB's language, by a user or for an importer: then its
    properties are kept as they are."""
    return "." not in class_name or class_name.startswith(IMPORTERS)


def _save_unknown(layer: Unknown) -> MatObject:
    if layer.origin is None:
        return forms.custom(layer.class_name, Name=layer.name, **layer.extra)
    return wrapped(layer.origin, {**layer.origin.saved, "Name": layer.name, **layer.extra})


def _fresh(layer: Layer) -> Saved:
    """Everything that the layer says, by the names of the newest version."""
    saved: Saved = {"Name": layer.name}
    if layer.description:
        saved["Description"] = layer.description
    for field, known in layer.properties().items():
        saved[known.saved] = _matlab(known.saved, known.kind.to_saved(getattr(layer, field)))
    for declared in layer.declared:
        array = layer.arrays.get(declared.name)
        if declared.role == "learnable" or array is not None:
            saved[declared.name] = _array(layer, declared, array)
    ports = layer.inputs
    if ports != layer.INPUTS and "ports" in vars(layer):
        saved["nnet.layer.Layer.PrivateInputs"] = forms.cell_of_text(ports, row=True)
    options = {name: layer.training[name] for name in layer.TRAINING if name in layer.training}
    return layer.downgrade({**saved, **options, **layer.extra})


def _matlab(name: str, value: object) -> object:
    """Lists of text as a cell or as categories, and what only cards have as MATLAB's own."""
    if isinstance(value, Handle):
        return FunctionHandle(value.text, dict(value.workspace), value.raw)
    if isinstance(value, Network):
        return save_network(value)
    if not isinstance(value, list):
        return value
    return forms.categories(*value) if name == "Categories" else forms.cell_of_text(value)


def _array(layer: Layer, declared: Array, array: np.ndarray | None) -> object:
    """Learnables with their training options, but in classes of the user's own."""
    array = None if array is None else _without_last_ones(array)
    if declared.role != "learnable" or _is_users(layer.class_name or layer.MATLAB[0]):
        return forms.EMPTY if array is None else array
    kept = layer.training.get(declared.name)
    value = forms.EMPTY if array is None else array
    return {**forms.learnable(None), **(kept or {}), "Value": value}


def _without_last_ones(array: np.ndarray) -> np.ndarray:
    """Without the trailing dimensions of size 1, which MATLAB drops."""
    shape = array.shape
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    return array.reshape(shape)


def _says(saved: Saved, layer: Layer) -> bool:
    """Whether this saved form reads back as the layer."""
    try:
        again, _ = read_properties(type(layer), dict(saved))
    except LayerError:
        return False
    names = [name for name in layer.properties() if name != "network"]
    return (
        again.name == layer.name
        and all(same(getattr(again, name), getattr(layer, name)) for name in names)
        and set(again.arrays) == set(layer.arrays)
        and all(same(again.arrays[name], array) for name, array in layer.arrays.items())
    )


def same_items(a: Mapping[str, object], b: Mapping[str, object]) -> bool:
    """Whether two workspaces hold the same names and values."""
    return set(a) == set(b) and all(same(a[name], b[name]) for name in a)


def same(a: Any, b: Any) -> bool:
    """Whether two values of cards are equal, NaN and arrays among them."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        equal_nan = np.asarray(a).dtype.kind == "f" and np.asarray(b).dtype.kind == "f"
        return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=equal_nan))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Handle) and isinstance(b, Handle):
        return a.text == b.text and same_items(a.workspace, b.workspace)
    # NaN, which does not equal itself, equals NaN here.
    return bool(a == b or (a != a and b != b))
