"""Small recurrent networks, what NumPy makes of them with a mistake planted, and both as a case."""

import numpy as np
from helpers import layer
from reference import mistakes

from matbridge import Network
from matbridge.verify.case import Case
from matbridge.verify.diagnose import diagnose

BUILDERS = {
    "lstm": "lstmLayer",
    "bilstm": "bilstmLayer",
    "gru": "gruLayer",
    "peephole": "peepholeLSTMLayer",
    "lstm_projected": "lstmProjectedLayer",
    "gru_projected": "gruProjectedLayer",
}
RESETS = {
    "after": "after-multiplication",
    "before": "before-multiplication",
    "recurrent": "recurrent-bias-after-multiplication",
}
CHANNELS, STEPS, COUNT = 3, 6, 4


def cell(rng, kind, channels, units, two=False, **options):
    """A recurrent stage with random arrays."""
    gates = (3 if kind.startswith("gru") else 4) * (2 if kind == "bilstm" else 1)
    projected = kind.endswith("projected")
    wide, high = (2, units) if projected else (channels, units)
    arrays = {
        "InputWeights": rng.normal(0, 0.8, (gates * units, wide)),
        "RecurrentWeights": rng.normal(0, 0.6, (gates * units, high)),
        "Bias": rng.normal(0, 0.7, (gates * units * (2 if two else 1), 1)),
    }
    if projected:
        arrays["InputProjector"] = rng.normal(0, 0.8, (channels, wide))
        arrays["OutputProjector"] = rng.normal(0, 0.6, (units, high))
    if kind == "peephole":
        arrays["PeepholeWeights"] = rng.normal(0, 0.8, (3 * units, 1))
    return kind, arrays, options


def dense(rng, channels, outputs):
    weights = rng.normal(0, 1, (outputs, channels))
    return "fc", {"Weights": weights, "Bias": rng.normal(0, 1, (outputs, 1))}, {}


def networks(kind, seed=0, modes=("sequence", "last", "deep"), channels=CHANNELS, **options):
    """A network that gives sequences, a classifier of sequences, and two layers deep."""
    rng = np.random.default_rng(seed)
    sides = 2 if kind == "bilstm" else 1
    made = {
        "sequence": [cell(rng, kind, channels, 5, **options), dense(rng, 5 * sides, 2)],
        "last": [
            cell(rng, kind, channels, 4, mode="last", **options),
            dense(rng, 4 * sides, 3),
            ("softmax", {}, {}),
        ],
        "deep": [
            cell(rng, kind, channels, 4, **options),
            cell(rng, kind, 4 * sides, 3, mode="last", **options),
            dense(rng, 3 * sides, 2),
        ],
    }
    return [made[mode] for mode in modes]


def built(stages):
    """The network of these stages."""
    first = stages[0][1]
    channels = first.get("InputProjector", first["InputWeights"].T).shape[0]
    return Network.of([layer("sequenceInputLayer", channels), *map(_layer, stages)])


def _layer(stage):
    kind, arrays, options = stage
    if kind == "fc":
        return layer("fullyConnectedLayer", len(arrays["Bias"]), **arrays)
    if kind == "softmax":
        return layer("softmaxLayer")
    named = {"OutputMode": options.get("mode", "sequence")}
    if "state" in options:
        named["StateActivationFunction"] = options["state"]
    if "gate" in options:
        named["GateActivationFunction"] = options["gate"]
    if kind.startswith("gru"):
        named["ResetGateMode"] = RESETS[options.get("reset", "after")]
    units = arrays["RecurrentWeights"].shape[1]
    sizes = [arrays[n].shape[1] for n in ("OutputProjector", "InputProjector") if n in arrays]
    return layer(BUILDERS[kind], units, *sizes, **arrays, **named)


def sequences(channels=CHANNELS, count=COUNT, lengths=(STEPS,), seed=1):
    """Sequences of these lengths in turn."""
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 1, (channels, lengths[k % len(lengths)])) for k in range(count)]


def as_predicted(results, stages):
    """A list of sequences, or a row for each observation."""
    results = [np.float32(y) for y in results]
    last = any(options.get("mode") == "last" for _, _, options in stages)
    return np.concatenate(results, axis=1).T if last else results


def planted(stages, fault, xs=None):
    """The case of a network and what a program with a mistake made of the same sequences."""
    xs = xs or sequences(channels_of(stages))
    results = [mistakes.run(stages, x, fault)[0] for x in xs]
    return Case(built(stages), (xs,), (as_predicted(results, stages),))


def channels_of(stages):
    arrays = stages[0][1]
    return len(arrays.get("InputProjector", arrays["InputWeights"].T))


def the_cause(case, **options):
    """The only cause that is named."""
    diagnosis = diagnose(case, **options)
    assert diagnosis.finished
    assert diagnosis.enough
    assert len(diagnosis.causes) == 1, [cause.words for cause in diagnosis.causes]
    return diagnosis.causes[0]
