"""Layers of MATLAB's importers, after the operators of ONNX and the layers of Keras that they
stand for. Images are H×W×C×N, sequences C×N×T."""

import numpy as np


def elementwise_affine(x, scale, offset):
    """Scale.*x + Offset, expanded from the first dimension on, as MATLAB's arrays are."""

    def wide(array):
        array = np.asarray(array)
        return array.reshape(array.shape + (1,) * (x.ndim - array.ndim))

    return wide(scale) * x + wide(offset)


def prelu(x, alpha):
    """x for x > 0, else alpha.*x."""
    return np.where(x > 0, x, elementwise_affine(x, alpha, np.zeros((1, 1))))


def flatten(x, channels_first):
    """S...×C×N to K×N, row by row of C×S... (ONNX) or S...×C (Keras): the last fastest."""
    *spatial, channels, N = x.shape
    rows = []
    order = [channels, *spatial] if channels_first else [*spatial, channels]
    for place in np.ndindex(*order):
        c, s = (place[0], place[1:]) if channels_first else (place[-1], place[:-1])
        rows.append(x[(*s, c)])
    return np.stack(rows).reshape(-1, N)


def zero_padding(x, *pairs):
    """Of the first dimensions."""
    sizes = [n + sum(p) for n, p in zip(x.shape, pairs, strict=False)]
    y = np.zeros((*sizes, *x.shape[len(pairs) :]))
    y[tuple(slice(a, a + n) for (a, _), n in zip(pairs, x.shape, strict=False))] = x
    return y
