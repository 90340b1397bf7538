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
