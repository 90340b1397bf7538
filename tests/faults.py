"""Faults to plant in one layer of a network: each changes what it computes, and nothing else."""

import dataclasses

import numpy as np

from matbridge.core.graph import Connection, Port
from matbridge.matlab import CONSTRUCTORS, construct


def faults_of(layer):
    """The names of those that a layer can have."""
    return [name for name, (applies, _) in FAULTS.items() if applies(layer)]


def plant(network, name, fault, draw, share=1e-3):
    """The network with this fault in this layer."""
    _, change = FAULTS[fault]
    return change(network, network[name], draw, share)


def scaled(network, layer, draw, share):
    """One weight, of those that are not small, off by a share."""
    arrays = [n for n, a in layer.arrays.items() if np.any(a) and n not in STATES]
    array = arrays[draw.integers(len(arrays))]
    values = np.array(layer.arrays[array], np.float64)
    places = np.flatnonzero((np.abs(values) >= np.median(np.abs(values))) & (values != 0))
    place = np.unravel_index(places[draw.integers(len(places))], values.shape)
    values[place] *= 1 + share
    return network.with_layers(layer.replace(arrays={**layer.arrays, array: values}))


def other_epsilon(network, layer, draw, share):
    return network.with_layers(layer.replace(epsilon=layer.epsilon * 100))


def swapped(network, layer, draw, share):
    """What enters by the first port and by the last one, exchanged."""
    first, last = (Port(layer.name, name) for name in (layer.inputs[0], layer.inputs[-1]))
    turned = {first: last, last: first}
    connections = tuple(
        Connection(c.source, turned.get(c.destination, c.destination)) for c in network.connections
    )
    return dataclasses.replace(network, connections=connections)


def shifted(network, layer, draw, share):
    """The same padding in all, but on one side."""
    named = {"Stride": 1, "Padding": [2, 0, 0, 2], "Name": layer.name}
    if "Average" in layer.type_name or "Max" in layer.type_name:
        kind = "average" if "Average" in layer.type_name else "max"
        return network.with_layers(construct(CONSTRUCTORS[f"{kind}Pooling2dLayer"], 3, **named))
    filters = layer.arrays["Bias"].size
    other = construct(CONSTRUCTORS["convolution2dLayer"], 3, filters, **named)
    return network.with_layers(other.replace(arrays=layer.arrays))


def exchanged(network, layer, draw, share):
    """Another function in its place."""
    builder, positional = OTHERS[layer.type_name]
    positional = positional or (len(layer.inputs),) * (len(layer.inputs) > 1)
    return network.with_layers(construct(CONSTRUCTORS[builder], *positional, Name=layer.name))


STATES = ("HiddenState", "CellState")
# Constructors of what is put in place of a type, and their arguments.
OTHERS = {
    "LeakyReLULayer": ("leakyReluLayer", (0.101,)),
    "ELULayer": ("eluLayer", (0.901,)),
    "TanhLayer": ("sigmoidLayer", ()),
    "ReLULayer": ("leakyReluLayer", (1e-3,)),
    "AdditionLayer": ("multiplicationLayer", ()),
    "DropoutLayer": ("leakyReluLayer", (0.99,)),
    "SoftmaxLayer": ("sigmoidLayer", ()),
    "GlobalAveragePooling2DLayer": ("globalMaxPooling2dLayer", ()),
}


def is_padded(layer):
    return layer.type_name in ("MaxPooling2DLayer", "AveragePooling2DLayer") or (
        layer.type_name == "Convolution2DLayer" and layer.arrays["Weights"].shape[0] == 3
    )


FAULTS = {
    "weight": (lambda layer: any(n not in STATES for n in layer.arrays), scaled),
    "epsilon": (lambda layer: hasattr(layer, "epsilon"), other_epsilon),
    "order": (lambda layer: "Concatenation" in layer.type_name, swapped),
    "padding": (is_padded, shifted),
    "function": (lambda layer: layer.type_name in OTHERS, exchanged),
}
