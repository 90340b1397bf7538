"""Class names from scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.predict.layouts import Predicted, Result, shape_output

__all__ = ["class_names", "label"]

UNDEFINED = "<undefined>"


def class_names(network: Network, given: Sequence[str]) -> np.ndarray:
    """The names in the order of the scores: those given, or else the network's.

    Raises MismatchError where there are none, or the network has several outputs.
    """
    names = np.array([str(name) for name in given] or list(network.classes), dtype=object)
    if not len(names):
        raise MismatchError("the network does not name its classes", mend="Give classes=[...].")
    if len(network.outputs) > 1:
        raise MismatchError("the network has several outputs", mend="Use predict.")
    return names


def label(network: Network, result: Result, names: np.ndarray) -> Predicted:
    """The name of the class that the scores decide for, in place of the channels."""
    axis = result.dims.index("C")
    labelled = Result(
        result.kind,
        tuple(
            (members, _chosen(network, scores, axis, names)) for members, scores in result.groups
        ),
        result.dims,
    )
    shaped = shape_output(network, labelled)
    if isinstance(shaped, list):
        return [part[0] for part in shaped]
    return np.take(shaped, 0, labelled.channel_axis(shaped.ndim))


def _chosen(network: Network, scores: np.ndarray, axis: int, names: np.ndarray) -> np.ndarray:
    if scores.shape[axis] != len(names):
        raise MismatchError(f"{scores.shape[axis]} scores do not fit {len(names)} classes")
    unknown = np.isnan(scores).any(axis, keepdims=True)
    return np.where(unknown, UNDEFINED, names[network.choose(scores, axis)])
