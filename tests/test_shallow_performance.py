"""Performance functions against their formulas, written out."""

import numpy as np
import pytest
from shallow_forms import structure_of

from matbridge.errors import MismatchError, UnsupportedError
from matbridge.shallow.performance import PERFORMANCE, performance

RNG = np.random.default_rng(5)


def network(**training):
    example = {
        "inputs": [{"size": 2}],
        "layers": [{"size": 3, "bias": RNG.normal(size=(3, 1))}, {"size": 2, "bias": None}],
        "input_weights": {(1, 1): {"array": RNG.normal(size=(3, 2))}},
        "layer_weights": {(2, 1): {"array": RNG.normal(size=(2, 3))}},
        "outputs": [
            {"layer": 2, "steps": [("mapminmax", {"xrange": np.array([[4.0], [0.5]])})]},
            {"layer": 1},
        ],
    }
    return structure_of(example, training=training)


def examples():
    T = [RNG.uniform(0.1, 0.9, (2, 5)), RNG.uniform(0.1, 0.9, (3, 5))]
    Y = [RNG.uniform(0.1, 0.9, t.shape) for t in T]
    T[0][0, 1] = T[1][2, 3] = np.nan
    counted = [np.isfinite(t) for t in T]
    flat = [
        np.concatenate([a[c] for a, c in zip(arrays, counted, strict=True)]) for arrays in (T, Y)
    ]
    return T, Y, *flat


FORMULAS = {
    "mse": lambda t, y: np.mean((t - y) ** 2),
    "sse": lambda t, y: np.sum((t - y) ** 2),
    "mae": lambda t, y: np.mean(abs(t - y)),
    "sae": lambda t, y: np.sum(abs(t - y)),
    "crossentropy": lambda t, y: np.mean(-t * np.log(y)),
}


@pytest.mark.parametrize("name", sorted(PERFORMANCE))
def test_each_function(name):
    T, Y, t, y = examples()
    expected = FORMULAS[name](t, y)
    assert performance(network(performFcn=name), T, Y) == pytest.approx(expected, rel=1e-14)
    assert performance(network(), T, Y, name) == pytest.approx(expected, rel=1e-14)


def test_cross_entropy_of_one_output_counts_both_classes():
    structure = structure_of(
        {
            "inputs": [{"size": 1}],
            "layers": [{"size": 1}],
            "input_weights": {(1, 1): {"array": np.ones((1, 1))}},
            "layer_weights": {},
            "outputs": [{"layer": 1}],
        },
        training={"performFcn": "crossentropy"},
    )
    t, y = np.array([[0.0, 1.0, 1.0]]), np.array([[0.25, 0.5, 1.0]])
    expected = -(np.log(0.75) + np.log(0.5)) / 3
    assert performance(structure, [t], [y]) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("ratio", [0.1, 0.9])
def test_regularization_adds_the_weights(ratio):
    T, Y, t, y = examples()
    structure = network(performFcn="mse", performParam={"regularization": np.array([[ratio]])})
    weights = [*structure.input_weights.values(), *structure.layer_weights.values()]
    w = np.concatenate(
        [*(part.array.ravel() for part in weights), structure.layers[0].bias.ravel()]
    )
    expected = (1 - ratio) * np.mean((t - y) ** 2) + ratio * np.mean(w**2)
    assert performance(structure, T, Y) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("normalization", "half"), [("standard", 2), ("percent", 1)])
def test_normalized_errors(normalization, half):
    T, Y, *_ = examples()
    structure = network(performFcn="mae", performParam={"normalization": normalization})
    structure = structure.replace(outputs=structure.outputs[:1])
    errors = abs(T[0] - Y[0]) * half / np.array([[4.0], [0.5]])
    expected = np.mean(errors[np.isfinite(errors)])
    assert performance(structure, T[:1], Y[:1]) == pytest.approx(expected, rel=1e-14)


def test_what_cannot_be_measured_is_refused():
    T, Y, *_ = examples()
    with pytest.raises(UnsupportedError, match="performance function myperf is not known"):
        performance(network(performFcn="myperf"), T, Y)
    with pytest.raises(UnsupportedError, match="normalized as percent"):
        performance(network(performParam={"normalization": "percent"}), T, Y)
    with pytest.raises(MismatchError, match="2×4 do not fit outputs of 2×5"):
        performance(network(), [T[0][:, :4], T[1]], Y)
    with pytest.raises(MismatchError, match="no target counts"):
        performance(network(), [t * np.nan for t in T], Y)
