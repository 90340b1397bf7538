"""Shallow networks against the same written by hand in NumPy, with the same weights.

    python benchmarks/shallow.py

"predict" is the whole way from MATLAB's arrays and back, in float64. By hand the static network is
a few lines over all samples, the closed loop one such step after the other. The ratios, taken in
turns in one run, are what counts.
"""

import numpy as np
from common import compare, draw

from matbridge.core.registry import Registry
from matbridge.matlab.shallow_cards import to_network
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    ProcessStep,
    ShallowStructure,
    WeightPart,
)

HIDDEN = 10
SAMPLES, STEPS = 100_000, 10_000


def normal(*size):
    return draw.standard_normal(size) * 0.5


def mapping(rows):
    """mapminmax with random settings."""
    gain = draw.uniform(0.5, 2, (rows, 1))
    return {"xoffset": normal(rows, 1), "gain": gain, "ymin": np.array([[-1.0]])}


def applied(x, settings):
    return (x - settings["xoffset"]) * settings["gain"] + settings["ymin"]


def reversed_(y, settings):
    return (y - settings["ymin"]) / settings["gain"] + settings["xoffset"]


def tansig(n):
    return 2 / (1 + np.exp(-2 * n)) - 1


def network(rows, entry, weights, biases, end, feedback=None):
    """A hidden layer of tansig and one linear output, which may be fed back."""
    step, back = (ProcessStep("mapminmax", settings) for settings in (entry, end))
    layers = (LayerPart(HIDDEN, "tansig", bias=biases[0]), LayerPart(1, bias=biases[1]))
    delays = (1, 2)
    inner = {(2, 1): WeightPart(weights[1])}
    if feedback is not None:
        inner[1, 2] = WeightPart(feedback, delays)
    structure = ShallowStructure(
        (InputPart(rows, rows, (step,)),),
        layers,
        (OutputPart(2, 1, (back,)),),
        {(1, 1): WeightPart(weights[0], (0,) if feedback is None else delays)},
        inner,
    )
    return to_network(structure, Registry.builtin())


def fitnet():
    """8 inputs, 10 neurons, 100,000 samples at once."""
    entry, end = mapping(8), mapping(1)
    W, V, b, c = normal(HIDDEN, 8), normal(1, HIDDEN), normal(HIDDEN, 1), normal(1, 1)
    x = normal(8, SAMPLES)

    def by_hand():
        return reversed_(c + V @ tansig(b + W @ applied(x, entry)), end)

    return network(8, entry, (W, V), (b, c), end), x, by_hand


def narx():
    """A closed loop: an input and the output, each at delays 1 and 2, for 10,000 steps."""
    entry, end = mapping(1), mapping(1)
    W, F, V = normal(HIDDEN, 2), normal(HIDDEN, 2), normal(1, HIDDEN)
    b, c = normal(HIDDEN, 1), normal(1, 1)
    x = normal(1, STEPS)

    def by_hand():
        series = applied(np.concatenate([np.zeros((1, 2)), x], axis=1), entry)
        outputs = np.zeros((1, STEPS + 2))
        for t in range(2, STEPS + 2):
            taps = np.concatenate([series[:, t - 1], series[:, t - 2]])[:, None]
            fed_back = np.concatenate([outputs[:, t - 1], outputs[:, t - 2]])[:, None]
            outputs[:, t : t + 1] = c + V @ tansig(b + W @ taps + F @ fed_back)
        return reversed_(outputs[:, 2:], end)

    return network(1, entry, (W, V), (b, c), end, F), x, by_hand


def main():
    for name, case, most in (
        (f"fitnet, {SAMPLES:,} samples", fitnet, 1.2),
        (f"NARX closed, {STEPS:,} steps", narx, 2.0),
    ):
        net, x, by_hand = case()
        difference = np.abs(net.predict(x) - by_hand()).max() / np.abs(by_hand()).max()
        assert difference < 1e-9, f"{name}: not the same network ({difference})"
        times = compare({"by hand": by_hand, "predict": lambda net=net, x=x: net.predict(x)})
        base, ratio = times["by hand"], times["predict"] / times["by hand"]
        print(f"{name:28} by hand {base * 1e3:8.3f} ms   predict ×{ratio:.2f} (at most {most})")


if __name__ == "__main__":
    main()
