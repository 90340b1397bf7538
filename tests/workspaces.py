"""Workspaces as MathWorks' examples leave them: a network, its data, and what came out.

What came out is computed by tests/reference in float64 and rounded to single, never by matbridge.
"""

import numpy as np
from helpers import layer
from reference import learners, recurrent, shallow_network
from shallow_forms import plain
from shallow_nets import minmax, network

from matbridge import Network
from matbridge.matlab.file.values import Categorical, Cell
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    ShallowStructure,
    WeightPart,
)

UNITS = 7
# Every seed gives another network of the same layers.
SERIES = np.sin(np.arange(90) * 0.7) * 120 + np.cos(np.arange(90) * 0.31) * 60 + 300


def single(array):
    """As predict returns it."""
    return np.asarray(array, np.float32)


def cell(items, row=False):
    items = list(items)
    return Cell(items, (1, len(items)) if row else (len(items), 1))


def categorical(numbers, classes):
    return Categorical(tuple(classes), np.asarray(numbers, np.uint8).reshape(-1, 1) + 1)


# -- recurrent -----------------------------------------------------------------------------------


class Recurrent:
    """sequenceInput, LSTM, fully connected, and softmax where there are classes."""

    def __init__(self, inputs, outputs, last=False, classes=(), seed=1):
        draw = np.random.default_rng(seed)
        self.last, self.classes = last, tuple(classes)
        self.W = draw.normal(size=(4 * UNITS, inputs)) * 0.6
        self.R = draw.normal(size=(4 * UNITS, UNITS)) * 0.4
        self.b = draw.normal(size=(4 * UNITS, 1)) * 0.2
        self.F, self.g = draw.normal(size=(outputs, UNITS)), draw.normal(size=(outputs, 1)) * 0.1
        for name in ("W", "R", "b", "F", "g"):
            setattr(self, name, single(getattr(self, name)).astype(float))
        self.h = self.c = np.zeros((UNITS, 1))

    def steps(self, x):
        """Each step of one sequence, in the state that is left: K×T."""
        y, self.h, self.c = recurrent.lstm(x[:, None, :], self.W, self.R, self.b, self.h, self.c)
        scores = self.F @ y[:, 0] + self.g
        if self.classes:
            e = np.exp(scores - scores.max(0))
            scores = e / e.sum(0)
        return scores[:, -1:] if self.last else scores

    def alone(self, x):
        """One sequence from the beginning."""
        self.h = self.c = np.zeros((UNITS, 1))
        return self.steps(x)

    def network(self, saved=False):
        mode = "last" if self.last else "sequence"
        states = {"HiddenState": self.h, "CellState": self.c} if saved else {}
        lstm = layer(
            "lstmLayer", UNITS, OutputMode=mode, Name="lstm", InputWeights=self.W,
            RecurrentWeights=self.R, Bias=self.b, **states,
        )  # fmt: skip
        dense = layer("fullyConnectedLayer", len(self.F), Name="fc", Weights=self.F, Bias=self.g)
        layers = [layer("sequenceInputLayer", self.W.shape[1], Name="in"), lstm, dense]
        if self.classes:
            layers += [layer("softmaxLayer", Name="softmax")]
            classes = Categorical(self.classes, np.arange(1, len(self.classes) + 1)[:, None])
            layers += [layer("classificationLayer", Name="out", Classes=classes)]
        else:
            layers += [layer("regressionLayer", Name="out")]
        return Network.of(layers, class_name="SeriesNetwork")


def forecasting(seed=1):
    """Time series forecasting as the chickenpox example leaves it: closed loop, then updates."""
    net = Recurrent(1, 1, seed=seed)
    train, test = SERIES[:70][None], SERIES[70:][None]
    mu, sig = train.mean(), train.std(ddof=1)
    x, t = (train[:, :-1] - mu) / sig, (train[:, 1:] - mu) / sig
    x_test = (test[:, :-1] - mu) / sig
    net.alone(x)
    closed = [net.steps(t[:, -1:])]
    for _ in range(x_test.shape[1] - 1):
        closed.append(net.steps(closed[-1]))
    net.alone(x)
    updated = [net.steps(x_test[:, i : i + 1]) for i in range(x_test.shape[1])]
    return net, {
        "data": SERIES[None],
        "dataTrain": train,
        "dataTest": test,
        "mu": np.array([[mu]]),
        "sig": np.array([[sig]]),
        "XTrain": x,
        "YTrain": t,
        "XTest": x_test,
        "YTest": test[:, 1:],
        "numTimeStepsTest": np.array([[float(x_test.shape[1])]]),
        "closed": single(np.concatenate(closed, 1) * sig + mu),
        "updated": single(np.concatenate(updated, 1) * sig + mu),
    }


def classification(seed=1, lengths=None):
    """Sequence classification as the Japanese vowels example leaves it: mini-batches of 27,
    padded at the right to the longest of each."""
    draw = np.random.default_rng(7)
    net = Recurrent(3, 5, last=True, classes="abcde", seed=seed)
    lengths = sorted(draw.integers(5, 15, 81)) if lengths is None else lengths
    x = [draw.normal(size=(3, n)) for n in lengths]
    scores = []
    for start in range(0, len(x), 27):
        batch = x[start : start + 27]
        longest = max(item.shape[1] for item in batch)
        padded = [np.pad(item, ((0, 0), (0, longest - item.shape[1]))) for item in batch]
        scores += [net.alone(item)[:, 0] for item in padded]
    scores = np.stack(scores)
    chosen = scores.argmax(1)
    truth = np.where(draw.random(len(x)) < 0.15, draw.integers(0, 5, len(x)), chosen)
    return net, {
        "XTest": cell(x),
        "YTest": categorical(truth, "abcde"),
        "YPred": categorical(chosen, "abcde"),
        "scores": single(scores),
        "acc": np.array([[float((truth == chosen).mean())]]),
        "miniBatchSize": np.array([[27.0]]),
    }


def remaining_life(seed=1):
    """Sequence-to-sequence regression as the turbofan example leaves it: one sequence at once."""
    draw = np.random.default_rng(11)
    net = Recurrent(4, 1, seed=seed)
    x = [draw.normal(size=(4, n)) for n in (12, 9, 20, 15, 11)]
    y = [net.alone(item) for item in x]
    t = [part + 0.05 * draw.normal(size=part.shape) for part in y]
    return net, {
        "XTest": cell(x),
        "YTest": cell(t),
        "YPred": cell(map(single, y)),
        "miniBatchSize": np.array([[20.0]]),
    }


def waveforms(seed=1):
    """Sequence-to-label regression: a response for each sequence."""
    draw = np.random.default_rng(13)
    net = Recurrent(2, 1, last=True, seed=seed)
    x = [draw.normal(size=(2, n)) for n in draw.integers(6, 12, 40)]
    y = np.concatenate([net.alone(item) for item in x], 0)
    return net, {
        "XTest": cell(x),
        "TTest": y + 0.1 * draw.normal(size=y.shape),
        "YTest": single(y),
    }


# -- features ------------------------------------------------------------------------------------


class Dense:
    """featureInput, fully connected, tanh, fully connected."""

    def __init__(self, inputs, outputs, seed=1):
        draw = np.random.default_rng(seed)
        self.W, self.b = draw.normal(size=(8, inputs)), draw.normal(size=(8, 1))
        self.F, self.g = draw.normal(size=(outputs, 8)), draw.normal(size=(outputs, 1))
        for name in ("W", "b", "F", "g"):
            setattr(self, name, single(getattr(self, name)).astype(float))

    def alone(self, x):
        """N×C to N×K."""
        return (self.F @ np.tanh(self.W @ x.T + self.b) + self.g).T

    def network(self):
        return Network.of(
            [
                layer("featureInputLayer", self.W.shape[1], Name="in"),
                layer("fullyConnectedLayer", 8, Name="fc1", Weights=self.W, Bias=self.b),
                layer("tanhLayer", Name="tanh"),
                layer("fullyConnectedLayer", len(self.F), Name="fc", Weights=self.F, Bias=self.g),
            ]
        )


def features(seed=1):
    """Features with their standardization beside them, and responses scaled back by mapminmax."""
    draw = np.random.default_rng(17)
    net = Dense(3, 2, seed)
    raw = draw.normal(size=(120, 3)) * [3.0, 10.0, 0.5] + [1.0, -20.0, 4.0]
    mu, sigma = raw.mean(0, keepdims=True), raw.std(0, ddof=1, keepdims=True)
    y = net.alone((raw - mu) / sigma)
    low, high = np.array([[2.0], [-7.0]]), np.array([[31.0], [44.0]])
    ps = {"name": "mapminmax", "xmin": low, "xmax": high, "ymin": np.array([[-1.0]]),
          "ymax": np.array([[1.0]])}  # fmt: skip
    scaled = (y + 1) / 2 * (high - low).T + low.T
    return net, {
        "X": raw,
        "muX": mu,
        "sigX": sigma,
        "ps_output": ps,
        "T": scaled + draw.normal(size=y.shape),
        "YPred": single(scaled),
    }


# -- network objects -----------------------------------------------------------------------------


def fitnet(seed=1, transfer="purelin", rows=1, delays=(0,), feedback=False):
    """A hidden layer of tansig and an output layer, with mapminmax at both ends."""
    draw = np.random.default_rng(seed)
    inputs = 1 if feedback else 3
    taps = len(delays)
    loop = {"feedback_output": 2} if feedback else {}
    fed = {"feedback_input": 1, "feedback_mode": "open"} if feedback else {}
    scale = minmax(draw, rows)
    hidden = LayerPart(6, "tansig", "netsum", draw.normal(size=(6, 1)))
    last = LayerPart(rows, transfer, "netsum", draw.normal(size=(rows, 1)))
    return ShallowStructure(
        (InputPart(inputs, inputs, (scale,) if feedback else (minmax(draw, inputs),), **loop),),
        (hidden, last),
        (OutputPart(2, rows, () if transfer == "softmax" else (scale,), **fed),),
        {(1, 1): WeightPart(draw.normal(size=(6, inputs * taps)), delays, "dotprod")},
        {(2, 1): WeightPart(draw.normal(size=(rows, 6)), (0,), "dotprod")},
    )


def fitting(seed=1):
    """nnstart's script for fitting: x, t, y, e."""
    draw = np.random.default_rng(19)
    structure = fitnet(seed)
    x = draw.normal(size=(3, 60))
    y = shallow_network.static(plain(structure), x)
    t = y + 0.02 * draw.normal(size=y.shape)
    return structure, {
        "x": x,
        "t": t,
        "y": y,
        "e": t - y,
        "performance": np.array([[((t - y) ** 2).mean()]]),
    }


def recognition(seed=1):
    """nnstart's script for pattern recognition: x, t, y, tind, yind."""
    draw = np.random.default_rng(23)
    structure = fitnet(seed, "softmax", 4)
    x = draw.normal(size=(3, 80))
    y = shallow_network.static(plain(structure), x)
    chosen = y.argmax(0)
    truth = np.where(draw.random(80) < 0.1, draw.integers(0, 4, 80), chosen)
    t = np.eye(4)[:, truth]
    return structure, {
        "x": x,
        "t": t,
        "y": y,
        "e": t - y,
        "tind": truth[None] + 1.0,
        "yind": chosen[None] + 1.0,
        "percentErrors": np.array([[float((truth != chosen).mean())]]),
    }


def autoregression(seed=1):
    """nnstart's script for a NAR network: x, xi, ai, t, y, and the closed loop's yc."""
    draw = np.random.default_rng(29)
    structure = fitnet(seed, delays=(1, 2), feedback=True)
    series = np.cumsum(draw.normal(size=(1, 50)), axis=1) * 0.1
    steps = [series[:, i : i + 1] for i in range(50)]
    (y,), *_ = shallow_network.simulate(plain(structure), [steps[2:]], Xi=[steps[:2]])
    t = steps[2:]
    return structure, {
        "T": cell(steps, row=True),
        "x": cell(t, row=True),
        "xi": cell(steps[:2], row=True),
        "ai": Cell([], (2, 0)),
        "t": cell(t, row=True),
        "y": cell(y, row=True),
        "e": cell([a - b for a, b in zip(t, y, strict=True)], row=True),
    }


def exogenous(seed=1):
    """nnstart's script for a NARX network: x has a row for each input."""
    draw = np.random.default_rng(seed)
    input_scale, scale = minmax(draw, 2), minmax(draw, 1)
    structure = ShallowStructure(
        (InputPart(2, 2, (input_scale,)), InputPart(1, 1, (scale,), feedback_output=2)),
        (
            LayerPart(6, "tansig", "netsum", draw.normal(size=(6, 1))),
            LayerPart(1, "purelin", "netsum", draw.normal(size=(1, 1))),
        ),
        (OutputPart(2, 1, (scale,), feedback_input=2, feedback_mode="open"),),
        {
            (1, 1): WeightPart(draw.normal(size=(6, 4)), (1, 2), "dotprod"),
            (1, 2): WeightPart(draw.normal(size=(6, 2)), (1, 2), "dotprod"),
        },
        {(2, 1): WeightPart(draw.normal(size=(1, 6)), (0,), "dotprod")},
    )
    x, t = ([draw.normal(size=(rows, 1)) for _ in range(40)] for rows in (2, 1))
    (y,), *_ = shallow_network.simulate(plain(structure), [x[2:], t[2:]], Xi=[x[:2], t[:2]])

    def rows(first, second):
        pairs = zip(first, second, strict=True)
        return Cell([part for pair in pairs for part in pair], (2, len(first)))

    return structure, {
        "X": cell(x, row=True),
        "T": cell(t, row=True),
        "x": rows(x[2:], t[2:]),
        "xi": rows(x[:2], t[:2]),
        "ai": Cell([], (2, 0)),
        "t": cell(t[2:], row=True),
        "y": cell(y, row=True),
    }


def shallow(structure):
    return network(structure)


def regression_learner():
    """fitrnet's model is double and takes rows."""
    draw = np.random.default_rng(31)
    weights = [draw.normal(size=(5, 4)), draw.normal(size=(1, 5))]
    biases = [draw.normal(size=(5, 1)), draw.normal(size=(1, 1))]
    x = draw.normal(size=(40, 4))
    return x, weights, biases, learners.raw_outputs(x, weights, biases, "relu")
