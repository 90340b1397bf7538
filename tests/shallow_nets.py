"""Shallow networks drawn at random, and the same as the plain dicts of the reference."""

import numpy as np

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

SMOOTH = ("tansig", "logsig", "purelin", "elliotsig", "radbas", "satlins")


def network(structure):
    return to_network(structure, Registry.builtin())


def minmax(draw, rows):
    """mapminmax for rows of a range of their own."""
    low, width = draw.normal(size=(rows, 1)), draw.uniform(0.5, 3, size=(rows, 1))
    settings = {
        "xmin": low,
        "xmax": low + width,
        "ymin": np.array([[-1.0]]),
        "ymax": np.array([[1.0]]),
        "gain": 2 / width,
        "xoffset": low,
    }
    return ProcessStep("mapminmax", settings)


def delays(draw, feedback):
    """Some delays in any order; those of a loop begin at 1."""
    count = int(draw.integers(1, 4))
    chosen = draw.choice(np.arange(1 if feedback else 0, 4), size=count, replace=False)
    return tuple(int(d) for d in chosen)


def random_structure(draw, feedback=False, delayed=True):
    """Any number of inputs, layers and outputs, connected anyhow; with ``feedback`` in loops."""
    inputs = []
    for _ in range(int(draw.integers(1, 4))):
        rows = int(draw.integers(1, 4))
        steps = (minmax(draw, rows),) if draw.random() < 0.7 else ()
        inputs.append(InputPart(rows, rows, steps))
    sizes = [int(n) for n in draw.integers(1, 5, size=int(draw.integers(1, 5)))]
    layers = tuple(
        LayerPart(
            size,
            transfer=str(draw.choice(SMOOTH)),
            net_input="netprod" if draw.random() < 0.15 else "netsum",
            bias=draw.normal(size=(size, 1)) if draw.random() < 0.8 else None,
        )
        for size in sizes
    )

    def weight(rows, columns, back):
        taps = delays(draw, back) if delayed else (0,)
        function = "dist" if draw.random() < 0.15 else "dotprod"
        array = draw.normal(size=(rows, columns * len(taps))) / columns
        return WeightPart(array, taps, function)

    input_weights = {
        (i, j): weight(size, part.size, False)
        for i, size in enumerate(sizes, 1)
        for j, part in enumerate(inputs, 1)
        if draw.random() < 0.6
    }
    layer_weights = {
        (i, j): weight(size, other, j >= i)
        for i, size in enumerate(sizes, 1)
        for j, other in enumerate(sizes, 1)
        if (j < i or (feedback and delayed)) and draw.random() < 0.5
    }
    outputs = tuple(
        OutputPart(i, size, (minmax(draw, size),) if draw.random() < 0.7 else ())
        for i, size in enumerate(sizes, 1)
        if i == len(sizes) or draw.random() < 0.3
    )
    return ShallowStructure(tuple(inputs), layers, outputs, input_weights, layer_weights)


def as_reference(structure):
    """The structure as tests/reference/shallow_network.py takes it."""

    def steps(part):
        return [(step.function, dict(step.settings)) for step in part.steps]

    def weights(parts):
        return {
            at: {"array": w.array, "delays": w.delays, "function": w.function}
            for at, w in parts.items()
        }

    return {
        "inputs": [{"steps": steps(part)} for part in structure.inputs],
        "layers": [
            {
                "size": part.size,
                "transfer": part.transfer,
                "net_input": part.net_input,
                "bias": part.bias,
            }
            for part in structure.layers
        ],
        "input_weights": weights(structure.input_weights),
        "layer_weights": weights(structure.layer_weights),
        "outputs": [{"layer": p.layer, "steps": steps(p)} for p in structure.outputs],
    }


def series(draw, structure, steps, samples=1):
    """X as the reference takes it: for each input a list of R×Q."""
    return [
        [draw.normal(size=(part.size, samples)) for _ in range(steps)] for part in structure.inputs
    ]


def data(network, x):
    """A series as arrays, R×T, by the input's name; to a static network steps are samples."""
    return dict(zip(network.input_names, (np.concatenate(part, 1) for part in x), strict=True))


def several(result):
    return result if isinstance(result, tuple) else (result,)
