"""fitcnet and fitrnet models, from MATLAB's documentation. Rows are observations."""

import numpy as np

ACTIVATIONS = {
    "relu": lambda x: np.where(x < 0, 0, x),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "none": lambda x: x,
}

TRANSFORMS = {
    "none": lambda s: s,
    "identity": lambda s: s,
    "logit": lambda s: 1 / (1 + np.exp(-s)),
    "doublelogit": lambda s: 1 / (1 + np.exp(-2 * s)),
    "invlogit": lambda s: np.log(s / (1 - s)),
    "ismax": lambda s: (s == s.max(1, keepdims=True)) * 1.0,
    "sign": np.sign,
    "symmetric": lambda s: 2 * s - 1,
    "symmetricismax": lambda s: (s == s.max(1, keepdims=True)) * 2.0 - 1,
    "symmetriclogit": lambda s: 2 / (1 + np.exp(-s)) - 1,
}


def raw_outputs(x, weights, biases, activation, mu=None, sigma=None, centers=None, pca=None):
    """N×K: the last fully connected layer."""
    if pca is not None:
        x = (x - centers) @ pca
    if mu is not None:
        x = (x - mu) / sigma
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        x = ACTIVATIONS[activation](x @ W.T + b.T)
    return x @ weights[-1].T + biases[-1].T


def posterior(outputs):
    e = np.exp(outputs - outputs.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def labels(posterior, names, cost=None):
    """The class of the least expected cost: cost[i, j] for j where i is true."""
    k = posterior.shape[1]
    cost = 1 - np.eye(k) if cost is None else cost
    return np.array(names)[(posterior @ cost).argmin(1)]
