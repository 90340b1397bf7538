"""Recurrent networks as MATLAB computes them, and as others do by mistake, step by step.

A network is a list of stages (kind, arrays, options) on one sequence x of size C×T. ``fault`` holds
what is done otherwise, by name; every gate is looked up by its letter in the order of the rows.
"""

import numpy as np

from .recurrent import ACTIVATIONS, hard_sigmoid, sigmoid

ORDER = {"lstm": "ifgo", "bilstm": "ifgo", "peephole": "ifgo", "gru": "rzh"}


def torch_hard_sigmoid(x):
    return np.clip(x / 6 + 0.5, 0, 1)


GATES = {"sigmoid": sigmoid, "hard-sigmoid": hard_sigmoid, "torch": torch_hard_sigmoid}


def by_gate(array, order):
    """The blocks of rows by the letters of their gates."""
    return dict(zip(order, np.split(array, len(order)), strict=True))


def square_turned(array):
    return np.concatenate([a.T for a in np.split(array, len(array) // array.shape[1])])


def read_by_rows(array):
    """MATLAB's memory (columns first) read by a program that takes rows first."""
    return np.frombuffer(array.tobytes(order="F"), dtype=array.dtype).reshape(array.shape)


def taken(arrays, fault):
    """The arrays as the mistaken program has them."""
    arrays = dict(arrays)
    for name, turn in fault.get("arrays", {}).items():
        if name in arrays:
            arrays[name] = turn(arrays[name])
    return arrays


def lstm(x, arrays, options, fault, h=None, c=None):
    order = fault.get("order", "ifgo")
    W, R, b = (by_gate(arrays[n], order) for n in ("InputWeights", "RecurrentWeights", "Bias"))
    units = W["i"].shape[0]
    σ = GATES[fault.get("gate", options.get("gate", "sigmoid"))]
    s = ACTIVATIONS[fault.get("state", options.get("state", "tanh"))]
    P = dict.fromkeys("ifo", np.zeros(units))
    if "PeepholeWeights" in arrays and not fault.get("no_peepholes"):
        P = by_gate(arrays["PeepholeWeights"].ravel(), fault.get("peepholes", "ifo"))
    times = fault.get("bias_times", 1)
    h, c = (np.zeros(units) if z is None else z for z in (h, c))
    rows = []
    for step in x.T:
        z = {k: W[k] @ step + R[k] @ h + times * b[k].ravel() for k in order}
        i, f = σ(z["i"] + P["i"] * c), σ(z["f"] + P["f"] * c + fault.get("forget", 0.0))
        c = f * c + i * s(z["g"])
        h = σ(z["o"] + P["o"] * c) * s(c)
        rows.append(h)
    return np.array(rows).T, h, c


def gru(x, arrays, options, fault, h=None, c=None):
    order = fault.get("order", "rzh")
    W, R = (by_gate(arrays[n], order) for n in ("InputWeights", "RecurrentWeights"))
    units = W["r"].shape[0]
    b, d = biases(arrays["Bias"].ravel(), 3 * units, order, fault)
    mode = fault.get("reset", options.get("reset", "after"))
    σ = GATES[fault.get("gate", options.get("gate", "sigmoid"))]
    s = ACTIVATIONS[fault.get("state", options.get("state", "tanh"))]
    h = np.zeros(units) if h is None else h
    rows = []
    for step in x.T:
        r, z = (σ(W[k] @ step + b[k] + R[k] @ h + d[k]) for k in "rz")
        if mode == "before":
            candidate = s(W["h"] @ step + b["h"] + d["h"] + R["h"] @ (r * h))
        else:
            candidate = s(W["h"] @ step + b["h"] + r * (R["h"] @ h + d["h"]))
        h = (1 - z) * h + z * candidate if fault.get("reversed") else (1 - z) * candidate + z * h
        rows.append(h)
    return np.array(rows).T, h, None


def biases(bias, rows, order, fault):
    """The bias of W·x and that of R·h, by gate."""
    two = len(bias) > rows
    first = by_gate(bias[:rows], order)
    second = by_gate(bias[rows:] if two else np.zeros(rows), order)
    none = dict.fromkeys(order, 0.0)
    both = {k: first[k] + second[k] for k in order}
    return {
        None: (first, second),
        "first": (first, none),
        "second": (none, second),
        "exchanged": (second, first),
        "summed": (both, none),
        "twice": (first, first),
        "none": (none, none),
        # The candidate's stands beside R·h, as cuDNN's second bias does.
        "recurrent": ({**first, "h": 0.0}, {**none, "h": first["h"]}),
    }[fault.get("bias")]


def bilstm(x, arrays, options, fault, h=None, c=None):
    halves = {n: np.split(a, 2) for n, a in arrays.items()}
    which = (1, 0) if fault.get("exchanged") else (0, 1)
    first, second = ({n: parts[k] for n, parts in halves.items()} for k in which)
    forward, _, _ = lstm(x, first, options, fault)
    turned = 1 if fault.get("both_forward") else -1
    backward, _, _ = lstm(x[:, ::turned], second, options, fault)
    placed = backward if fault.get("unreversed") else backward[:, ::turned]
    parts = [forward, placed]
    if options.get("mode") == "last":
        parts = [forward[:, -1:], placed[:, -1:] if fault.get("last_step") else backward[:, -1:]]
    if fault.get("swapped"):
        parts.reverse()
    return np.concatenate(parts), None, None


def projected(cell):
    def run(x, arrays, options, fault, h=None, c=None):
        W = arrays["InputWeights"] @ arrays["InputProjector"].T
        R = arrays["RecurrentWeights"] @ arrays["OutputProjector"].T
        plain = {**arrays, "InputWeights": W, "RecurrentWeights": R}
        return cell(x, plain, options, fault, h, c)

    return run


CELLS = {
    "lstm": lstm,
    "peephole": lstm,
    "gru": gru,
    "bilstm": bilstm,
    "lstm_projected": projected(lstm),
    "gru_projected": projected(gru),
}


def run(stages, x, fault=None, states=None):
    """The result of a network on one sequence, and the states after it by stage.

    ``fault["only"]`` is the one stage that is mistaken, all by default.
    """
    fault, states, after = fault or {}, states or {}, {}
    for place, (kind, arrays, options) in enumerate(stages):
        wrong = fault if fault.get("only") in (None, place) else {}
        if kind in CELLS:
            arrays = taken(arrays, wrong)
            y, *after[place] = CELLS[kind](x, arrays, options, wrong, *states.get(place, ()))
            x = result(y, options, wrong)
        elif kind == "fc":
            x = arrays["Weights"] @ x + arrays["Bias"]
        elif kind == "softmax":
            x = np.exp(x - x.max(axis=0))
            x = x / x.sum(axis=0)
    return x, after


def result(y, options, fault):
    if options.get("mode") != "last":
        return y
    made = fault.get("last", "last")
    parts = {"last": y[:, -1], "mean": y.mean(1), "first": y[:, 0], "max": y.max(1)}
    return parts[made][:, None]
