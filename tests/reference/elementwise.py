"""Activations, normalization and fully connected layers."""

import math

import numpy as np


def leaky_relu(x, scale):
    return np.where(x >= 0, x, scale * x)


def elu(x, alpha):
    return np.where(x >= 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))


def softmax(x, axis):
    """Over the channels."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def batch_normalization(x, mean, variance, offset, scale, epsilon, axis):
    """(x - mean)/sqrt(variance + ε)·scale + offset, one value per channel."""
    shape = [1] * x.ndim
    shape[axis] = -1
    mean, variance, offset, scale = (
        np.asarray(v).reshape(shape) for v in (mean, variance, offset, scale)
    )
    return (x - mean) / np.sqrt(variance + epsilon) * scale + offset


def fully_connected(x, W, b):
    """x is S...×C×N or C×N (×T): one vector per observation, height fastest."""
    return W @ x.reshape(-1, x.shape[-1], order="F") + b.reshape(-1, 1)


def fully_connected_sequence(x, W, b):
    """x is C×N×T."""
    return np.einsum("oc,cnt->ont", W, x) + b.reshape(-1, 1, 1)


def normalize_input(x, kind, **statistics):
    """The four kinds of input normalization."""
    if kind == "zerocenter":
        return x - statistics["Mean"]
    if kind == "zscore":
        return (x - statistics["Mean"]) / statistics["StandardDeviation"]
    if kind == "none":
        return x
    unit = (x - statistics["Min"]) / (statistics["Max"] - statistics["Min"])
    return unit if kind == "rescale-zero-one" else 2 * unit - 1


def self_attention(x, weights, heads, causal):
    """x is C×N×T; weights by MATLAB's names. Heads are contiguous blocks of channels."""

    def project(name, value):
        W, b = weights[f"{name}Weights"], weights[f"{name}Bias"]
        return np.einsum("oc,cnt->ont", W, value) + b.reshape(-1, 1, 1)

    q, k, v = (project(name, x) for name in ("Query", "Key", "Value"))
    T, N = x.shape[2], x.shape[1]
    dk, dv = q.shape[0] // heads, v.shape[0] // heads
    y = np.zeros_like(v)
    scores = np.zeros((T, T, heads, N))
    for n in range(N):
        for j in range(heads):
            qj = q[j * dk : (j + 1) * dk, n]
            kj = k[j * dk : (j + 1) * dk, n]
            vj = v[j * dv : (j + 1) * dv, n]
            for t in range(T):
                last = t + 1 if causal else T
                s = kj[:, :last].T @ qj[:, t] / math.sqrt(dk)
                a = softmax(s, 0)
                scores[:last, t, j, n] = a
                y[j * dv : (j + 1) * dv, n, t] = vj[:, :last] @ a
    return project("Output", y), scores


def standardize(x, axes, epsilon, offset, scale, channel):
    """(x - mean)/sqrt(variance + ε)·scale + offset, the variance biased, over these axes."""
    shape = [1] * x.ndim
    shape[channel] = -1
    mean = x.mean(axis=axes, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=axes, keepdims=True)
    unit = (x - mean) / np.sqrt(variance + epsilon)
    return unit * np.reshape(scale, shape) + np.reshape(offset, shape)


def group_normalization(x, groups, axes, epsilon, offset, scale, channel):
    """Each group of contiguous channels by itself."""
    size = x.shape[channel] // groups
    parts = []
    for g in range(groups):
        part = np.take(x, range(g * size, (g + 1) * size), channel)
        ones = np.ones(size)
        parts.append(standardize(part, (*axes, channel), epsilon, 0 * ones, ones, channel))
    y = np.concatenate(parts, channel)
    shape = [1] * x.ndim
    shape[channel] = -1
    return y * np.reshape(scale, shape) + np.reshape(offset, shape)


def cross_channel(x, window, alpha, beta, k, channel):
    """x/(K + Alpha·ss/window)^Beta, ss over floor((w-1)/2) channels back, floor(w/2) on."""
    x = np.moveaxis(x, channel, 0)
    y = np.zeros(x.shape)
    for c in range(x.shape[0]):
        first, last = max(c - (window - 1) // 2, 0), c + window // 2
        squares = (x[first : last + 1] ** 2).sum(axis=0)
        y[c] = x[c] / (k + alpha * squares / window) ** beta
    return np.moveaxis(y, 0, channel)


def for_each_head(x, groups, heads):
    """C×N×T of keys or values: the block of each group once for each of its query heads."""
    blocks = np.split(x, groups)
    return np.concatenate([blocks[h // (heads // groups)] for h in range(heads)])


def attention(q, k, v, heads, scale, causal, mask=None):
    """q, k and v are C×N×T; mask is N×T of the keys. Returns the result and the scores, both
    0 where a query sees no key."""
    dk, dv, N = q.shape[0] // heads, v.shape[0] // heads, q.shape[1]
    y = np.zeros((v.shape[0], N, q.shape[2]))
    scores = np.zeros((k.shape[2], q.shape[2], heads, N))
    for n in range(N):
        for j in range(heads):
            for t in range(q.shape[2]):
                keys = [s for s in range(k.shape[2]) if not causal or s <= t]
                keys = [s for s in keys if mask is None or mask[n, s]]
                if not keys:
                    continue
                kj, vj = k[j * dk : (j + 1) * dk, n, keys], v[j * dv : (j + 1) * dv, n, keys]
                a = softmax(kj.T @ q[j * dk : (j + 1) * dk, n, t] * scale, 0)
                scores[keys, t, j, n] = a
                y[j * dv : (j + 1) * dv, n, t] = vj @ a
    return y, scores


def pick(x, which, mask):
    """The first or last of the elements of x (C×N×T) that mask (N×T) lets count, else 0."""
    y = np.zeros(x.shape[:2])
    for n in range(x.shape[1]):
        (there,) = np.nonzero(mask[n])
        if there.size:
            y[:, n] = x[:, n, there[0 if which == "first" else -1]]
    return y


def sinusoidal(positions, size):
    """Channel 2k+1 (from 1) is the sine, 2k+2 the cosine of p/10000^(2k/size)."""
    y = np.zeros((size, len(positions)))
    for k in range(size // 2):
        for t, p in enumerate(positions):
            angle = p / 10000 ** (2 * k / size)
            y[2 * k, t], y[2 * k + 1, t] = math.sin(angle), math.cos(angle)
    return y


def gelu(x, approximation):
    """x·Φ(x), or its approximation by tanh."""
    if approximation == "tanh":
        return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def quadratic(x):
    """[u1·u1 u1·u2 u2·u2 u1·u3 ...] of the rows of x."""
    n = x.shape[0]
    return np.stack([x[i] * x[j] for j in range(n) for i in range(j + 1)])


def embed(x, weights, words):
    """Column x of weights, from 1; the last column for any other number. x is 1×N×T."""
    y = np.zeros((weights.shape[0], *x.shape[1:]))
    for place in np.ndindex(x.shape[1:]):
        word = x[(0, *place)]
        known = word == int(word) and 1 <= word <= words
        y[(slice(None), *place)] = weights[:, int(word) - 1 if known else -1]
    return y
