"""imresize and rgb2gray, for arrays of unsigned bytes, from their documentation."""

import math

import numpy as np


def cubic(x):
    """The bicubic kernel with -1/2."""
    x = abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def triangle(x):
    """The linear kernel."""
    return np.maximum(1 - abs(x), 0.0)


def matrix(inputs, outputs, kernel, width, antialiasing):
    """The weights of each input for each output; edges are mirrored."""
    scale = outputs / inputs
    shrink = min(scale, 1.0) if antialiasing else 1.0
    weights = np.zeros((outputs, inputs))
    for i in range(outputs):
        centre = (i + 0.5) / scale - 0.5
        first = math.floor(centre - width / shrink / 2)
        places = np.arange(first, first + math.ceil(width / shrink) + 2)
        values = kernel(shrink * (centre - places))
        mirrored = np.minimum(places % (2 * inputs), 2 * inputs - 1 - places % (2 * inputs))
        np.add.at(weights[i], mirrored, values / values.sum())
    return weights


def imresize(x, sizes, kernel=cubic, width=4, antialiasing=True, rounding=True):
    """Height and width of x (H×W or H×W×C), the one that shrinks more first; rounded to bytes
    after each."""
    y = x.astype(float)
    order = sorted((0, 1), key=lambda axis: sizes[axis] / x.shape[axis])
    for axis in order:
        weights = matrix(x.shape[axis], sizes[axis], kernel, width, antialiasing)
        y = np.moveaxis(np.tensordot(weights, y, axes=(1, axis)), 0, axis)
        y = byte(y) if rounding else y
    return byte(y)


def byte(x):
    """Rounded, halves up, and cut off at 0 and 255."""
    return np.clip(np.floor(x + 0.5), 0, 255)


def rgb2gray(x):
    """Luminance of an H×W×3 image."""
    return byte(x @ np.array([0.298936021293775, 0.587043074451121, 0.114020904255103]))
