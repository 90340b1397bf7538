"""A network of layers built in Python as the objects in which MATLAB would save it."""

import itertools

import numpy as np
import saved


def network(built):
    """A SeriesNetwork or DAGNetwork where there is an output layer, a dlnetwork otherwise."""
    found = [layer(one) for one in built.layers]
    pairs = [(_end(built, c.source), _end(built, c.destination)) for c in built.connections]
    if not any(one.IS_OUTPUT for one in built.layers):
        return saved.dlnetwork(pairs, [port.layer for port in built.outputs], *found)
    names = [one.name for one in built.layers]
    if pairs == list(itertools.pairwise(names)):
        return saved.series_network(*found)
    return saved.dag_network(pairs, *found)


def _end(built, port):
    """ "add/in2", or the name alone of a layer with one port."""
    one = built[port.layer]
    ports = one.outputs if port.name in one.outputs else one.inputs
    return port.layer if len(ports) == 1 else f"{port.layer}/{port.name}"


def layer(one):
    """As MATLAB writes this layer where that is known, or else by its public properties."""
    if one.BUILDER in KNOWN:
        return KNOWN[one.BUILDER](one)
    return by_public_names(one)


def by_public_names(one):
    """A layer whose saved form nobody has shown yet."""
    properties = {
        p.saved: _plain(getattr(one, field))
        for field, p in one.properties().items()
        if getattr(one, field) is not None
    }
    properties |= {
        a.name: saved.learnable(one.arrays[a.name]) if a.role == "learnable" else one.arrays[a.name]
        for a in one.declared
        if a.name in one.arrays
    }
    kind = one.MATLAB[0]
    if "." not in kind:
        # An object of the user's own keeps its learnables as they are.
        return saved.custom(kind, Name=one.name, **{**properties, **one.arrays})
    return saved.layer(kind, 1, Name=one.name, **properties)


def _plain(value):
    if isinstance(value, bool):
        return saved.logical(value)
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return saved.categories(*value)
    return saved.number(*np.atleast_1d(value).ravel())


def _recurrent(function):
    def write(one):
        more = {"mode": one.reset_gate_mode} if one.BUILDER == "gruLayer" else {}
        arrays = (one.arrays[n] for n in ("InputWeights", "RecurrentWeights", "Bias"))
        return function(one.name, *arrays, last=one.output_mode == "last", **more)

    return write


def _projected(one):
    names = ("InputWeights", "RecurrentWeights", "Bias", "InputProjector", "OutputProjector")
    arrays = (one.arrays[n] for n in names)
    return saved.lstm_projected(one.name, *arrays, last=one.output_mode == "last")


def _sequence_input(one):
    return saved.sequence_input(one.name, *one.input_size, mean=one.arrays.get("Mean"))


def _convolution(one):
    arrays = one.arrays["Weights"], one.arrays["Bias"]
    padding = one.padding if isinstance(one.padding, str) else np.ravel(one.padding)
    return saved.convolution(one.name, *arrays, one.stride, padding, one.dilation_factor)


def _batch_normalization(one):
    names = ("TrainedMean", "TrainedVariance", "Offset", "Scale")
    arrays = [one.arrays[n] for n in names]
    return saved.batch_normalization(one.name, *arrays, image=arrays[0].ndim > 2)


# The classes whose saved form the networks of real users show.
KNOWN = {
    "sequenceInputLayer": _sequence_input,
    "imageInputLayer": lambda one: saved.image_input(
        one.name, *one.input_size, mean=one.arrays.get("Mean")
    ),
    "lstmLayer": _recurrent(saved.lstm),
    "bilstmLayer": _recurrent(saved.bilstm),
    "gruLayer": _recurrent(saved.gru),
    "lstmProjectedLayer": _projected,
    "fullyConnectedLayer": lambda one: saved.fully_connected(
        one.name, one.arrays["Weights"], one.arrays["Bias"]
    ),
    "convolution2dLayer": _convolution,
    "batchNormalizationLayer": _batch_normalization,
    "reluLayer": lambda one: saved.relu(one.name),
    "dropoutLayer": lambda one: saved.dropout(one.name, one.probability),
    "flattenLayer": lambda one: saved.flatten(one.name),
    "softmaxLayer": lambda one: saved.softmax(one.name),
    "additionLayer": lambda one: saved.addition(one.name, len(one.inputs)),
    "depthConcatenationLayer": lambda one: saved.depth_concatenation(one.name, len(one.inputs)),
    "classificationLayer": lambda one: saved.classification(one.name, *one.classes),
    "regressionLayer": lambda one: saved.regression(one.name),
}
