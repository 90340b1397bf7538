"""What MATLAB's functions in a handle make of arrays in MATLAB's layout, in NumPy.

Arrays have as many dimensions here as there; MATLAB counts them from 1.
"""

import numpy as np


def maximum(x, y):
    """max(x, y): NaN gives way to a number."""
    return np.where(np.isnan(x), y, np.where(np.isnan(y), x, np.where(x > y, x, y)))


def minimum(x, y):
    return -maximum(-x, -y)


def largest(x, axis):
    """max(x, [], dim) without NaN; NaN where there is nothing else."""
    lanes = np.moveaxis(x, axis, -1)
    y = np.full(lanes.shape[:-1], np.nan)
    for place in np.ndindex(y.shape):
        numbers = [v for v in lanes[place] if v == v]
        y[place] = max(numbers) if numbers else np.nan
    return np.expand_dims(y, axis)


def smallest(x, axis):
    return -largest(-x, axis)


def variance(x, axes, biased=False):
    """Σ(x - mean)²/(n - 1), or /n."""
    n = int(np.prod([x.shape[a] for a in axes]))
    mean = x.sum(axes, keepdims=True) / n
    return ((x - mean) ** 2).sum(axes, keepdims=True) / (n if biased or n == 1 else n - 1)


def fix(x):
    return np.where(x < 0, np.ceil(x), np.floor(x))


def mod(x, y):
    """x - floor(x/y)*y; x where y is 0."""
    x, y = np.broadcast_arrays(x, y)
    pairs = zip(x.flat, y.flat, strict=True)
    return np.array([a - np.floor(a / b) * b if b else a for a, b in pairs]).reshape(x.shape)


def rem(x, y):
    return x - fix(x / y) * y


def reshape(x, *sizes):
    """Column by column."""
    return x.reshape(sizes, order="F")
