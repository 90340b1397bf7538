"""Batch normalization taken into the layer before it, for prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard, TypeVar

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import column_major
from matbridge.core.graph import Port
from matbridge.core.network import Network
from matbridge.layers.convolution import Convolution
from matbridge.layers.dense import FullyConnected
from matbridge.layers.normalization import BatchNormalization
from matbridge.layers.shape import Identity

__all__ = ["fold_batch_normalization"]

Family = TypeVar("Family", bound=Layer)


def fold_batch_normalization(network: Network) -> Network:
    """The same network with each batch normalization absorbed where it can be.

    A layer can absorb what follows it if nothing else sees its output. Computed in float64,
    so that float32 only rounds once.
    """
    graph, results = network.graph, set(network.outputs)
    changed: dict[str, Layer] = {}
    for layer in network.order():
        source = graph.sources.get(Port(layer.name, "in"))
        if source is None or not _computes_as(layer, BatchNormalization):
            continue
        if source in results or len(graph.users[source]) != 1:
            continue
        before = network[source.layer]
        for family, absorb in ABSORBERS.items():
            if not _computes_as(before, family):
                continue
            arrays = absorb(before, *_scale_and_shift(layer))
            if arrays:
                changed[before.name] = before.replace(arrays={**before.arrays, **arrays})
                changed[layer.name] = Identity(name=layer.name)
    return network.with_layers(*changed.values())


def _scale_and_shift(layer: BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """What the layer does at prediction: one scale and one shift per channel."""
    mean, variance, offset, scale = (
        layer.arrays[name].reshape(-1).astype(np.float64)
        for name in ("TrainedMean", "TrainedVariance", "Offset", "Scale")
    )
    factor = scale / np.sqrt(variance + layer.epsilon)
    return factor, offset - mean * factor


def _into_convolution(
    layer: Convolution, scale: np.ndarray, shift: np.ndarray
) -> dict[str, np.ndarray]:
    # The filters are the last dimensions, of groups too, column by column.
    weights, bias = layer.arrays["Weights"], layer.arrays["Bias"]
    factors = column_major(scale, weights.shape[layer.RANK + 1 :])
    offsets = column_major(shift, bias.shape)
    return {"Weights": weights * factors, "Bias": bias * column_major(scale, bias.shape) + offsets}


def _into_fully_connected(
    layer: FullyConnected, scale: np.ndarray, shift: np.ndarray
) -> dict[str, np.ndarray]:
    if layer.operation_dimension != "spatial-channel":
        return {}
    column, weights, bias = scale.reshape(-1, 1), layer.arrays["Weights"], layer.arrays["Bias"]
    return {"Weights": weights * column, "Bias": bias * column + shift.reshape(-1, 1)}


# By family: the arrays of a layer followed by a scale and shift of its output channels, none
# where it cannot absorb them.
ABSORBERS: dict[type[Layer], Callable[..., dict[str, np.ndarray]]] = {
    Convolution: _into_convolution,
    FullyConnected: _into_fully_connected,
}


def _computes_as(layer: Layer, family: type[Family]) -> TypeGuard[Family]:
    """Whether this is a layer of the family that computes nothing of its own."""
    return type(layer).forward is family.forward
