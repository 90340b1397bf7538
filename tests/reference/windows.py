"""Convolution, pooling and resizing by plain loops over windows.

x is S...×C×N with one, two or three S. Windows, strides and dilations have one number for
each S, padding one pair.
"""

import itertools
import math

import numpy as np


def same(sizes, window, stride, dilation):
    """PaddingMode 'same': ceil(n/stride) windows, the odd one of the padding at the end."""
    pairs = []
    for n, k, s, d in zip(sizes, window, stride, dilation, strict=True):
        total = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pairs.append((total // 2, total - total // 2))
    return pairs


def pad(x, pairs, value=0.0):
    """A number around the spatial dimensions, or by one of MATLAB's words."""
    full = list(pairs) + [(0, 0)] * (x.ndim - len(pairs))
    modes = {
        "symmetric-include-edge": "symmetric",
        "symmetric-exclude-edge": "reflect",
        "replicate": "edge",
    }
    if isinstance(value, str):
        return np.pad(x, full, mode=modes[value])
    return np.pad(x, full, constant_values=value)


def places(sizes, window, stride, dilation):
    """For each output position, the slices of the window there."""
    counts = [
        (n - ((k - 1) * d + 1)) // s + 1
        for n, k, s, d in zip(sizes, window, stride, dilation, strict=True)
    ]
    for place in itertools.product(*map(range, counts)):
        yield (
            place,
            tuple(
                slice(p * s, p * s + (k - 1) * d + 1, d)
                for p, s, k, d in zip(place, stride, window, dilation, strict=True)
            ),
        )


def count(sizes, window, stride, dilation):
    return tuple(
        (n - ((k - 1) * d + 1)) // s + 1
        for n, k, s, d in zip(sizes, window, stride, dilation, strict=True)
    )


def convolution(x, W, b, stride, pairs, dilation, value=0.0):
    """Correlation: y(p, f) = Σ W(k, c, f)·x(p·s + k·d, c) + b(f)."""
    rank = x.ndim - 2
    x = pad(x, pairs, value)
    W = W.reshape(W.shape + (1,) * (rank + 2 - W.ndim))
    window, F = W.shape[:rank], W.shape[-1]
    y = np.zeros((*count(x.shape[:rank], window, stride, dilation), F, x.shape[-1]))
    for place, window_at in places(x.shape[:rank], window, stride, dilation):
        part = x[window_at].reshape(-1, x.shape[-1], order="F")
        y[place] = W.reshape(-1, F, order="F").T @ part
    return y + b.reshape((1,) * rank + (-1, 1))


def grouped_convolution(x, W, b, stride, pairs, dilation):
    """Weights S×C/G×F/G×G: each group of channels has its own filters."""
    G = W.shape[-1]
    c = x.shape[-2] // G
    b = b.reshape(-1, G, order="F")
    return np.concatenate(
        [
            convolution(x[..., g * c : (g + 1) * c, :], W[..., g], b[:, g], stride, pairs, dilation)
            for g in range(G)
        ],
        axis=-2,
    )


def transposed_convolution(x, W, b, stride, pairs):
    """The adjoint: each input element adds its filter, stride apart; then pairs are cut. A
    negative end is an output beyond the last filter: the bias alone."""
    rank = x.ndim - 2
    W = W.reshape(W.shape + (1,) * (rank + 2 - W.ndim))
    window, F = W.shape[:rank], W.shape[rank]
    full = [s * (n - 1) + k for n, s, k in zip(x.shape[:rank], stride, window, strict=True)]
    y = np.zeros((*full, F, x.shape[-1]))
    for place in itertools.product(*map(range, x.shape[:rank])):
        at = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, stride, window, strict=True))
        y[at] += np.tensordot(W, x[place], axes=(rank + 1, 0))
    y = y[tuple(slice(a, n - max(b, 0)) for (a, b), n in zip(pairs, full, strict=True))]
    y = pad(y, [(0, max(-b, 0)) for _, b in pairs])
    return y + b.reshape((1,) * rank + (-1, 1))


def same_cropping(window, stride):
    """Cropping 'same': stride·n remain; the odd one goes, or what is lacking comes, at the end."""
    totals = [k - s for k, s in zip(window, stride, strict=True)]
    return [(t // 2, t - t // 2) if t > 0 else (0, t) for t in totals]


def max_pool(x, window, stride, pairs):
    """The largest element; padding never wins."""
    rank = x.ndim - 2
    x = pad(x, pairs, -np.inf)
    ones = (1,) * rank
    y = np.zeros((*count(x.shape[:rank], window, stride, ones), *x.shape[rank:]))
    for place, at in places(x.shape[:rank], window, stride, ones):
        y[place] = x[at].max(axis=tuple(range(rank)))
    return y


def average_pool(x, window, stride, pairs, mean_of_padding=False):
    """The mean over the whole window, zeros counted, unless PaddingValue is 'mean'."""
    rank = x.ndim - 2
    inside = pad(np.ones(x.shape), pairs, 0.0)
    x = pad(x, pairs, 0.0)
    ones = (1,) * rank
    axes = tuple(range(rank))
    y = np.zeros((*count(x.shape[:rank], window, stride, ones), *x.shape[rank:]))
    for place, at in places(x.shape[:rank], window, stride, ones):
        divisor = inside[at].sum(axis=axes) if mean_of_padding else math.prod(window)
        y[place] = x[at].sum(axis=axes) / divisor
    return y


def source(i, inputs, outputs, transform):
    """The coordinate, from 0, that output i is taken from."""
    s = outputs / inputs
    return (i + 0.5) / s - 0.5 if transform == "half-pixel" else i / s


def resize(x, sizes, method, transform="half-pixel", rounding="round"):
    """One dimension after the other."""
    for axis, size in enumerate(sizes):
        n = x.shape[axis]
        lines = []
        for i in range(size):
            at = source(i, n, size, transform)
            if method == "nearest":
                if rounding == "round":
                    k = math.floor(at + 0.5)
                elif rounding == "floor":
                    k = math.floor(at)
                else:
                    k = math.floor(at) if size >= n else math.ceil(at)
                lines.append(np.take(x, min(max(k, 0), n - 1), axis))
            else:
                at = min(max(at, 0), n - 1)
                low = min(math.floor(at), n - 1)
                high = min(low + 1, n - 1)
                a, b = np.take(x, low, axis), np.take(x, high, axis)
                lines.append(a + (at - low) * (b - a))
        x = np.stack(lines, axis)
    return x


def max_unpool(x, window, stride, pairs):
    """Max pooling's values put back where they came from, the first in column-major order."""
    sizes = x.shape[:2]
    y = np.zeros(x.shape)
    for c, n in itertools.product(range(x.shape[2]), range(x.shape[3])):
        plane = pad(x[:, :, c, n], pairs, -np.inf)
        for _, at in places(plane.shape, window, stride, (1, 1)):
            part = plane[at]
            row, column = np.unravel_index(np.argmax(part.ravel(order="F")), part.shape, order="F")
            i, j = at[0].start + row - pairs[0][0], at[1].start + column - pairs[1][0]
            y[i, j, c, n] = x[i, j, c, n]
    assert y.shape[:2] == sizes
    return y


def adaptive_average_pool(x, outputs):
    """The mean of regions floor(i·n/outputs) up to ceil((i + 1)·n/outputs)."""
    for axis, count in enumerate(outputs):
        n = x.shape[axis]
        regions = [
            np.take(x, range(math.floor(i * n / count), math.ceil((i + 1) * n / count)), axis)
            for i in range(count)
        ]
        x = np.stack([region.mean(axis) for region in regions], axis)
    return x


def crop(x, sizes, start):
    """Rows, columns (and planes) from ``start``, counted from 0."""
    return x[tuple(slice(a, a + n) for a, n in zip(start, sizes, strict=True))]


def depth_to_space(x, rows, columns, mode):
    """Blocks of channels as rows and columns; x is H×W×C×N."""
    h, w, channels, n = x.shape
    depth = channels // (rows * columns)
    y = np.zeros((h * rows, w * columns, depth, n))
    for i, j, c in itertools.product(range(rows), range(columns), range(depth)):
        k = c + depth * (j + columns * i) if mode == "dcr" else (c * rows + i) * columns + j
        y[i::rows, j::columns, c] = x[:, :, k]
    return y


def space_to_depth(x, rows, columns):
    """Rows and columns of blocks as channels c + C·(j + columns·i)."""
    h, w, depth, _ = x.shape
    x = x[: h // rows * rows, : w // columns * columns]
    blocks = [x[i::rows, j::columns] for i in range(rows) for j in range(columns)]
    return np.concatenate(blocks, axis=2)
