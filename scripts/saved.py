"""Layers as real files show them, written down by hand, for fixtures and tests."""

import numpy as np

from matbridge.matlab.file.values import Cell
from matbridge.matlab.forms import (
    EMPTY,
    categories,
    connections,
    custom,
    dag_network,
    dlnetwork,
    layer,
    layer_graph,
    layers,
    learnable,
    logical,
    number,
    series_network,
)

__all__ = [
    "EMPTY",
    "categories",
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


def normalization(size, mean):
    return {
        "Version": number(1),
        "Type": "zerocenter",
        "ImageSize": number(*size),
        "AverageImage": np.asarray(mean, np.float32),
        "NumTrainingSamples": number(100),
    }


def sequence_input(name, *size, mean=None):
    return layer(
        "SequenceInputLayer",
        5,
        Name=name,
        InputSize=number(*size),
        Normalization=EMPTY if mean is None else normalization(size, mean),
        NormalizationDimension="auto",
        MinLength=number(1),
        SplitComplexInputs=logical(False),
    )


def image_input(name, *size, mean=None):
    return layer(
        "ImageInputLayer",
        4,
        Name=name,
        InputSize=number(*size),
        Normalization=np.zeros((1, 0)) if mean is None else normalization(size, mean),
        Augmentations=np.zeros((1, 0)),
        NormalizationDimension="auto",
    )


def feature_input(name, size):
    return layer(
        "FeatureInputLayer",
        2,
        Name=name,
        InputSize=number(size),
        Normalization=EMPTY,
        NormalizationDimension="auto",
        SplitComplexInputs=logical(False),
    )


def _recurrent(kind, version, name, W, R, b, states, units, last, **more):
    zeros = np.zeros((states[1], 1), np.float32)
    held = {}
    for state in states[0]:
        held[state] = {"Value": zeros, "Remember": logical(True)}
    for state in states[0]:
        held[f"Initial{state}"] = zeros
    inputs = number(np.shape(W)[1]) if W is not None else EMPTY
    return layer(
        kind,
        version,
        Name=name,
        InputSize=more.pop("InputSize", inputs),
        NumHiddenUnits=number(units),
        ReturnSequence=logical(not last),
        **more,
        StateActivationFunction="tanh",
        GateActivationFunction="sigmoid",
        HasStateInputs=logical(False),
        HasStateOutputs=logical(False),
        InputWeights=learnable(W),
        RecurrentWeights=learnable(R),
        Bias=learnable(b, 0.0),
        **held,
    )


def lstm(name, W, R, b, last=False):
    units = np.shape(R)[1]
    states = (("CellState", "HiddenState"), units)
    return _recurrent("LSTMLayer", 5, name, W, R, b, states, units, last)


def bilstm(name, W, R, b, last=False):
    units = np.shape(R)[1]
    states = (("CellState", "HiddenState"), 2 * units)
    return _recurrent("BiLSTMLayer", 4, name, W, R, b, states, units, last)


def gru(name, W, R, b, last=False, mode="after-multiplication"):
    units = np.shape(R)[1]
    states = (("HiddenState",), units)
    return _recurrent("GRULayer", 2, name, W, R, b, states, units, last, ResetGateMode=mode)


def lstm_projected(name, W, R, b, inputs, outputs, last=False):
    """``inputs`` and ``outputs`` are the projectors D×p and H×q."""
    states = (("CellState", "HiddenState"), np.shape(outputs)[0])
    return _recurrent(
        "LSTMProjectedLayer",
        1,
        name,
        W,
        R,
        b,
        states,
        np.shape(outputs)[0],
        last,
        InputSize=number(np.shape(inputs)[0]),
        InputProjectorSize=number(np.shape(inputs)[1]),
        OutputProjectorSize=number(np.shape(outputs)[1]),
        InputProjector=learnable(inputs),
        OutputProjector=learnable(outputs),
    )


def fully_connected(name, W, b):
    """Version 3: weights out×in."""
    outputs, inputs = np.shape(W)
    return layer(
        "FullyConnectedLayer",
        3,
        Name=name,
        InputSize=number(inputs),
        OutputSize=number(outputs),
        Weights=learnable(W),
        Bias=learnable(b, 0.0),
    )


def fully_connected_4d(name, W, b, h, w, c):
    """Version 2, as for images: weights h×w×c×out, OutputSize [1 1 out]."""
    outputs = np.shape(W)[0]
    plain = {"LearnRateFactor": number(1), "L2Factor": number(1)}
    return layer(
        "FullyConnectedLayer",
        2,
        Name=name,
        InputSize=number(h, w, c),
        OutputSize=number(1, 1, outputs),
        Weights={"Value": np.float32(W.T.reshape(h, w, c, outputs, order="F")), **plain},
        Bias={"Value": np.float32(np.reshape(b, (1, 1, outputs))), **plain},
    )


def convolution(name, W, b, stride=(1, 1), padding="same", dilation=(1, 1)):
    """Trailing dimensions of size 1 are lost, as MATLAB loses them."""
    W = np.asarray(W)
    while W.ndim > 2 and W.shape[-1] == 1:
        W = W[..., 0]
    manual = not isinstance(padding, str)
    full = W.shape + (1,) * (4 - W.ndim)
    return layer(
        "Convolution2DLayer",
        5,
        Name=name,
        FilterSize=number(*full[:2]),
        NumChannels=number(full[2]),
        NumFilters=number(full[3]),
        Stride=number(*stride),
        DilationFactor=number(*dilation),
        PaddingMode="manual" if manual else padding,
        PaddingSize=number(*padding) if manual else number(1, 1, 1, 1),
        Weights=learnable(W),
        Bias=learnable(np.reshape(b, (1, 1, -1))),
    )


def batch_normalization(name, mean, variance, offset, scale, image=True):
    def column(v):
        return np.reshape(np.float32(v), (1, 1, -1) if image else (-1, 1))

    return layer(
        "BatchNormalizationLayer",
        2,
        Name=name,
        Epsilon=number(1e-5),
        NumChannels=number(np.size(mean)),
        ChannelDim=number(3 if image else 1),
        TrainedMean=column(mean),
        TrainedVariance=column(variance),
        NumTrainingSamples=number(100),
        Offset=learnable(column(offset)),
        Scale=learnable(column(scale)),
    )


def max_pooling(name, size, stride, padding=(0, 0, 0, 0)):
    manual = not isinstance(padding, str)
    return layer(
        "MaxPooling2DLayer",
        2,
        Name=name,
        PoolSize=number(*size),
        Stride=number(*stride),
        PaddingMode="manual" if manual else padding,
        PaddingSize=number(*padding) if manual else number(0, 1, 0, 1),
        HasUnpoolingOutputs=logical(False),
    )


def average_pooling(name, size, stride):
    return layer(
        "AveragePooling2DLayer",
        2,
        Name=name,
        PoolSize=number(*size),
        Stride=number(*stride),
        PaddingMode="manual",
        PaddingSize=number(0, 0, 0, 0),
    )


def relu(name):
    return layer("ReLULayer", 1, Name=name)


def leaky_relu(name, scale):
    return layer("LeakyReLULayer", 1, Name=name, Scale=number(scale))


def dropout(name, probability=0.5):
    return layer("DropoutLayer", 1, Name=name, Probability=number(probability))


def flatten(name):
    return layer("FlattenLayer", 1, Name=name, NumFlattenDimensions=number(3))


def softmax(name):
    return layer("SoftmaxLayer", 4, Name=name, ChannelDim=number(3), VectorFormat=logical(False))


def addition(name, inputs=2):
    return layer("AdditionLayer", 1, Name=name, NumInputs=number(inputs))


def depth_concatenation(name, inputs=2):
    return layer("DepthConcatenationLayer", 1, Name=name, NumInputs=number(inputs))


def concatenation(name, dim, inputs=2):
    return layer("ConcatenationLayer", 1, Name=name, Dim=number(dim), NumInputs=number(inputs))


def classification(name, *classes):
    return layer(
        "ClassificationOutputLayer",
        4,
        Name=name,
        ObservationDim=number(4),
        NumClasses=number(len(classes)),
        Categories=categories(*classes),
        ClassWeights=EMPTY,
    )


def regression(name):
    return layer(
        "RegressionOutputLayer",
        2,
        Name=name,
        ResponseNames=Cell(["Response"], (1, 1)),
        ObservationDim=number(2),
    )
