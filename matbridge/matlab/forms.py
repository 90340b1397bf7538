"""What MATLAB saves, as plain values: the forms that objects of networks and layers have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from matbridge.matlab.file.values import Categorical, Cell, Map, MatObject, ObjectArray, Table

__all__ = [
    "EMPTY",
    "categories",
    "cell_of_text",
    "connections",
    "custom",
    "dag_network",
    "dlnetwork",
    "layer",
    "layer_graph",
    "layers",
    "learnable",
    "logical",
    "number",
    "series_network",
]

EMPTY = np.zeros((0, 0))
Pairs = Sequence[tuple[str, str]]


def number(*values: float) -> np.ndarray:
    """A row of doubles."""
    return np.array([values], dtype=float)


def logical(value: object) -> np.ndarray:
    """true or false."""
    return np.array([[bool(value)]])


def cell_of_text(texts: Sequence[str], row: bool = False) -> Cell:
    """A column of texts, or a row."""
    return Cell(texts, (1, len(texts)) if row else (len(texts), 1))


def categories(*names: str) -> Categorical:
    """A column with each category once, in order."""
    codes = np.arange(1, len(names) + 1, dtype=np.uint8 if len(names) < 256 else np.uint32)
    return Categorical(tuple(names), codes.reshape(-1, 1))


def learnable(value: ArrayLike | None, l2: float = 1.0) -> dict[str, object]:
    """A learnable array, None for one that has no value yet, with its training options."""
    return {
        "Version": number(2),
        "Value": EMPTY if value is None else np.asarray(value, np.float32),
        "LearnRateFactor": number(1),
        "L2Factor": number(l2),
        "Initializer": {
            "Version": number(1),
            "Class": "nnet.internal.cnn.layer.learnable.initializer.Zeros",
            "ConstructorArguments": EMPTY,
        },
    }


def layer(kind: str, version: int, /, **saved: object) -> MatObject:
    """A layer of MATLAB's, which writes its struct by itself."""
    class_name = kind if "." in kind else f"nnet.cnn.layer.{kind}"
    return _written(class_name, version, **saved)


def _written(class_name: str, version: int, /, **saved: object) -> MatObject:
    """An object whose class chose what to save: a struct with a version."""
    return MatObject(class_name, {"any": {"Version": number(version), **saved}}, saveobj=True)


def custom(class_name: str, /, **properties: object) -> MatObject:
    """A layer of the user's own: its properties as they are."""
    return MatObject(class_name, properties)


def layers(*objects: MatObject) -> ObjectArray:
    """The column of layers of a network."""
    return ObjectArray(objects, (len(objects), 1), "nnet.cnn.layer.Layer")


def connections(pairs: Pairs) -> Table:
    """The table Connections: "relu" or "add/in2" on either side."""
    columns = {
        "Source": cell_of_text([source for source, _ in pairs]),
        "Destination": cell_of_text([destination for _, destination in pairs]),
    }
    return Table(columns, (), {"versionSavedFrom": number(4), "minCompatibleVersion": number(1)})


def series_network(*objects: MatObject) -> MatObject:
    """A chain of layers that ends in an output layer."""
    return _written("SeriesNetwork", 1, Layers=layers(*objects))


def dag_network(pairs: Pairs, *objects: MatObject) -> MatObject:
    """A graph of layers with output layers."""
    graph = {"Layers": layers(*objects), "Connections": connections(pairs)}
    return _written("DAGNetwork", 1, **graph)


def layer_graph(pairs: Pairs, *objects: MatObject) -> MatObject:
    """A graph of layers."""
    graph = {"Layers": layers(*objects), "Connections": connections(pairs)}
    return _written("nnet.cnn.LayerGraph", 1, **graph)


def dlnetwork(pairs: Pairs, outputs: Sequence[str], *objects: MatObject) -> MatObject:
    """A graph of layers without output layers; ``outputs`` name where it ends."""
    saved = {
        "LayerGraph": layer_graph(pairs, *objects),
        "Initialized": logical(True),
        "SerializedQuantizationInfo": {"version": number(1), "data": Map()},
        "ExampleInputs": Cell([], (0, 0)),
        "OutputNames": cell_of_text(outputs, row=True),
        "ExternalOutputNames": EMPTY,
        "ExternalInputNames": EMPTY,
        "RetainCustomInputNames": logical(True),
        "RetainCustomOutputNames": logical(True),
    }
    return _written("dlnetwork", 6, **saved)
