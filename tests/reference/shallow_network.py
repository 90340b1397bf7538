"""Whole ``network`` objects in NumPy, step by step: delays, states, feedback, processing.

A structure is a plain dict, numbers of inputs and layers MATLAB's own, from 1:

    {
        "inputs": [{"steps": [("mapminmax", {...}), ...]}, ...],
        "layers": [{"size": 3, "transfer": "tansig", "net_input": "netsum", "bias": S×1 or None}],
        "input_weights": {(i, j): {"array": S×(R·delays), "delays": (1, 2), "function": "dotprod"}},
        "layer_weights": {(i, j): ...},
        "outputs": [{"layer": 2, "steps": [...]}],
    }

Steps, delays (0), function, transfer, net_input and bias may be left out. A cell of series is a
list with one entry for each input, layer or output; an entry holds one R×Q array for each step.
"""

import numpy as np

from reference import shallow


def delays_of(weights):
    return max((max(weight.get("delays", (0,))) for weight in weights.values()), default=0)


def order_of(structure):
    """Layers such that each follows those that it reads without a delay."""
    waiting, done = list(range(1, len(structure["layers"]) + 1)), []
    while waiting:
        for i in waiting:
            before = {
                j
                for (k, j), weight in structure["layer_weights"].items()
                if k == i and 0 in weight.get("delays", (0,))
            }
            if before <= set(done):
                waiting.remove(i)
                done.append(i)
                break
        else:
            raise ValueError(f"layers {waiting} feed each other without a delay")
    return done


def weighted(weight, past):
    """z of one weight; past[d] is what it reads, d steps ago."""
    taps = np.concatenate([past[d] for d in weight.get("delays", (0,))])
    return shallow.WEIGHTING[weight.get("function", "dotprod")](weight["array"], taps)


def simulate(structure, X, Xi=None, Ai=None, steps=None, samples=1):
    """Outputs Y, final states Xf and Af, and the layers' outputs A, as MATLAB's sim returns them.

    X[j][t] is R×Q. Xi[j][k], k from the oldest, are raw inputs before the first step, Ai[i][k]
    layers' outputs; zeros where they are left out. Without inputs say ``steps`` and
    ``samples``.
    """
    inputs, layers = structure["inputs"], structure["layers"]
    if inputs:
        steps, samples = len(X[0]), X[0][0].shape[1] if len(X[0]) else samples
    depth = delays_of(structure["input_weights"])
    memory = delays_of(structure["layer_weights"])
    if Xi is None:
        Xi = [[np.zeros_like(series[0], float)] * depth for series in X]
    if Ai is None:
        Ai = [[np.zeros((layer["size"], samples))] * memory for layer in layers]
    raw = [[*before, *series] for before, series in zip(Xi, X, strict=True)]
    p = [
        [shallow.apply(np.asarray(x, float), part.get("steps", ())) for x in series]
        for part, series in zip(inputs, raw, strict=True)
    ]
    a = [[np.asarray(state, float) for state in states] for states in Ai]
    order = order_of(structure)
    for t in range(steps):
        for series in a:
            series.append(None)
        for i in order:
            layer = layers[i - 1]
            z = [
                weighted(weight, {d: p[j - 1][depth + t - d] for d in weight.get("delays", (0,))})
                for (k, j), weight in sorted(structure["input_weights"].items())
                if k == i
            ]
            z += [
                weighted(weight, {d: a[j - 1][memory + t - d] for d in weight.get("delays", (0,))})
                for (k, j), weight in sorted(structure["layer_weights"].items())
                if k == i
            ]
            if layer.get("bias") is not None:
                z.insert(0, np.broadcast_to(layer["bias"], (layer["size"], samples)))
            together = shallow.NET_INPUT[layer.get("net_input", "netsum")]
            n = together(*z) if z else np.zeros((layer["size"], samples))
            a[i - 1][memory + t] = shallow.TRANSFER[layer.get("transfer", "purelin")](n)
    Y = [
        [shallow.reverse(y, part.get("steps", ())) for y in a[part["layer"] - 1][memory:]]
        for part in structure["outputs"]
    ]
    Xf = [series[len(series) - depth :] for series in raw]
    Af = [series[len(series) - memory :] for series in a]
    return Y, Xf, Af, [series[memory:] for series in a]


def static(structure, *X):
    """Samples as columns through a network without delays: one output, or a tuple of them."""
    Y, *_ = simulate(structure, [[np.asarray(x, float)] for x in X])
    return Y[0][0] if len(Y) == 1 else tuple(series[0] for series in Y)
