"""What the networks here are made of: layers, weights, and the reference layer by layer."""

import itertools

import numpy as np
from fixture import Fixture
from reference import elementwise, windows

from matbridge import Network
from matbridge.matlab import CONSTRUCTORS, construct
from matbridge.matlab.file.values import Cell
from matbridge.matlab.saving import save_network


def layer(constructor, name, *positional, **named):
    return construct(CONSTRUCTORS[constructor], *positional, Name=name, **named)


def chain(*names):
    """Each layer connected to the next."""
    return list(itertools.pairwise(names))


class Graph:
    """Layers put one after the other, or after those named."""

    def __init__(self, *input, **named):
        self.layers, self.pairs = [layer(*input, **named)], []
        self.last = self.layers[0].name

    def add(self, constructor, name, *positional, after=None, **named):
        """A layer after the last one, or after others: one for each of its inputs."""
        sources = (self.last,) if after is None else after
        self.layers.append(layer(constructor, name, *positional, **named))
        ports = [name] if len(sources) == 1 else [f"{name}/in{i + 1}" for i in range(len(sources))]
        self.pairs += zip(sources, ports, strict=True)
        self.last = name
        return name


# -- weights by MATLAB's names, in the order in which the reference takes them ---------------


def recurrent_weights(random, D, H, gates=4):
    sizes = {"InputWeights": (gates * H, D), "RecurrentWeights": (gates * H, H)}
    return {k: random(*n, scale=0.4) for k, n in sizes.items()} | {"Bias": random(gates * H, 1)}


def dense_weights(random, D, K):
    return {"Weights": random(K, D, scale=D**-0.5), "Bias": random(K, 1)}


def filters(random, *size):
    inputs = np.prod(size[:-1])
    bias = (1,) * (len(size) - 2)
    return {"Weights": random(*size, scale=inputs**-0.5), "Bias": random(*bias, size[-1])}


def statistics(random, channels, rank=2):
    """Of batch normalization; 1×1×C for images, C×1 for vectors."""
    names = ("TrainedMean", "TrainedVariance", "Offset", "Scale")
    shape = (*(1,) * rank, channels) if rank > 1 else (channels, 1)
    found = random.batch_statistics(channels)
    return {k: v.reshape(shape) for k, v in zip(names, found, strict=True)}


def norm_weights(random, channels):
    return {"Offset": random(channels, 1), "Scale": random(channels, 1)}


# -- the reference, layer by layer ------------------------------------------------------------


def dense(x, w):
    apply = elementwise.fully_connected_sequence if x.ndim == 3 else elementwise.fully_connected
    return apply(x, w["Weights"], w["Bias"])


def convolved(x, w, pairs=None, stride=(1, 1), dilation=(1, 1)):
    """Images H×W×C×N; 'same' unless there are pairs."""
    pairs = windows.same(x.shape[:2], w["Weights"].shape[:2], stride, dilation) if pairs is None \
        else pairs  # fmt: skip
    return windows.convolution(x, *w.values(), stride, pairs, dilation)


def convolved_in_time(x, w, pairs, dilation=1):
    """Sequences C×N×T."""
    y = windows.convolution(x.transpose(2, 0, 1), *w.values(), (1,), [pairs], (dilation,))
    return y.transpose(1, 2, 0)


def pooled_in_time(x, window, stride):
    return windows.max_pool(x.transpose(2, 0, 1), (window,), (stride,), [(0, 0)]).transpose(1, 2, 0)


def normalized(x, w, axis):
    return elementwise.batch_normalization(x, *(v.ravel() for v in w.values()), 1e-5, axis)


def layer_normalized(x, w):
    return elementwise.standardize(x, (0,), 1e-5, w["Offset"], w["Scale"], 0)


def on_frames(function, x):
    """Each step of H×W×C×N×T by itself."""
    return np.stack([function(x[..., t]) for t in range(x.shape[-1])], -1)


def relu(x):
    return np.maximum(x, 0)


def softmax(x, axis=0):
    return elementwise.softmax(x, axis)


# -- data as MATLAB users hold them -------------------------------------------------------------


def made(layers, pairs, reference, format, data):
    """A fixture: observations of ``data``, each in MATLAB's layout without N."""
    built = Network.of(layers, pairs)
    results = [reference(np.expand_dims(x, format.index("B"))) for x in data]
    if format == "SSCB":
        x, y = np.stack(data, -1), np.concatenate(results, -1)
        y = y.T if y.ndim == 2 else y
    else:
        x = Cell(data, (len(data), 1))
        several = results[0].ndim == 3
        y = Cell([r[:, 0] for r in results], x.shape) if several else np.stack(
            [r[:, 0] for r in results]
        )  # fmt: skip
    variables = {"X": x, "Y": y}
    return Fixture(save_network(built), reference, (format,), variables, built)


def sequences(random, channels, *lengths):
    return [random(channels, n, scale=1) for n in lengths]
