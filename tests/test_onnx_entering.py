"""Which labels the inputs of an ONNX file get from what reads them, near or far."""

import numpy as np
import pytest
from onnx import helper
from onnx_models import model_of, run, saved

import matbridge

UNITS, CHANNELS = 4, 3
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}
WHOLE = np.array([0]), np.array([1]), np.array([0])


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def recurrent(kind, x, outputs, states=(), directions=1):
    """A node without a bias, and its weights."""
    gates = {"LSTM": 4, "GRU": 3}[kind] * UNITS
    arrays = {
        "W": numbers(directions, gates, CHANNELS),
        "R": numbers(directions, gates, UNITS, seed=1),
    }
    direction = "bidirectional" if directions == 2 else "forward"
    options = {"hidden_size": UNITS, "direction": direction}
    node = helper.make_node(kind, [x, "W", "R", "", "", *states], outputs, **options)
    return node, arrays


@pytest.mark.parametrize("sliced", [False, True], ids=["at once", "sliced"])
@pytest.mark.parametrize(("kind", "names"), [("LSTM", ["h", "c"]), ("GRU", ["h"])])
def test_states_enter_as_states(kind, names, sliced, tmp_path):
    """directions×N×H is N×C; a Slice of all of it, as PyTorch writes one, changes nothing."""
    states = [f"{name}_all" for name in names] if sliced else names
    node, arrays = recurrent(kind, "x", ["Y", *(f"{n}_out" for n in names)], states)
    nodes = [node, helper.make_node("Squeeze", ["Y", "one"], ["y"])]
    arrays["one"] = np.array([1])
    if sliced:
        arrays |= dict(zip(("from", "to", "axis"), WHOLE, strict=True))
        slices = [[n, "from", "to", "axis"] for n in names]
        nodes = [*(helper.make_node("Slice", s, [f"{s[0]}_all"]) for s in slices), *nodes]
    inputs = {"x": ["t", "n", CHANNELS], **{n: [1, "n", UNITS] for n in names}}
    outputs = {"y": None, **{f"{n}_out": None for n in names}}
    model = model_of(nodes, inputs, outputs, arrays)
    network = matbridge.load(saved(tmp_path, model))
    types = [layer.type_name for layer in network.layers]
    states_in = ["FeatureInputLayer"] * len(names)
    assert types == ["SequenceInputLayer", *states_in, f"{kind}Layer"]
    for steps, batch in ((5, 2), (3, 4)):
        x = numbers(steps, batch, CHANNELS)
        data = [numbers(1, batch, UNITS, seed=n + 5) for n in range(len(names))]
        truth = run(model, x, *data)
        found = network.predict(x, *(h[0] for h in data), format=["TBC", *["BC"] * len(names)])
        np.testing.assert_allclose(found[0], truth[0].transpose(2, 1, 0), **TOLERANCE)
        for ours, theirs in zip(found[1:], truth[1:], strict=True):
            np.testing.assert_allclose(ours, theirs[0].T, **TOLERANCE)


def test_states_of_several_directions_have_the_batch_of_the_data(tmp_path):
    """MATLAB has no bidirectional GRU, but the observations are the same."""
    node, arrays = recurrent("GRU", "x", ["y", "h_out"], ["h"], directions=2)
    inputs = {"x": ["t", "n", CHANNELS], "h": [2, "n", UNITS]}
    model = model_of([node], inputs, {"h_out": None}, arrays)
    network = matbridge.load(saved(tmp_path, model))
    x, h = numbers(5, 3, CHANNELS), numbers(2, 3, UNITS, seed=5)
    (truth,) = run(model, x, h)
    found = network.predict(x, h, format=["TBC", "SBC"])
    np.testing.assert_allclose(np.squeeze(found), truth.transpose(0, 2, 1), **TOLERANCE)


@pytest.mark.parametrize("window", ["Conv", "MaxPool", "AveragePool", "BatchNormalization"])
def test_windows_before_a_recurrent_layer_are_over_time(window, tmp_path):
    node, arrays = recurrent("GRU", "steps", ["", "h"])
    options = {"kernel_shape": [2]}
    names = []
    if window == "Conv":
        arrays["F"] = numbers(CHANNELS, CHANNELS, 2)
        names = ["F"]
    elif window == "BatchNormalization":
        names = ["scale", "offset", "mean", "variance"]
        arrays |= {name: np.abs(numbers(CHANNELS, seed=n)) for n, name in enumerate(names)}
        options = {}
    nodes = [
        helper.make_node(window, ["x", *names], ["a"], **options),
        helper.make_node("Tanh", ["a"], ["b"]),
        helper.make_node("Transpose", ["b"], ["steps"], perm=[2, 0, 1]),
        node,
    ]
    model = model_of(nodes, {"x": ["n", CHANNELS, "t"]}, {"h": None}, arrays)
    network = matbridge.load(saved(tmp_path, model))
    types = [layer.type_name for layer in network.layers]
    assert types[0] == "SequenceInputLayer"
    assert types[-1] == "GRULayer"
    for batch, length in ((2, 6), (3, 9)):
        x = numbers(batch, CHANNELS, length)
        (truth,) = run(model, x)
        np.testing.assert_allclose(network.predict(x, format="BCT"), truth[0].T, **TOLERANCE)


def test_a_convolution_without_one_behind_it_is_over_space(tmp_path):
    node = helper.make_node("Conv", ["x", "F"], ["y"], kernel_shape=[2])
    arrays = {"F": numbers(CHANNELS, CHANNELS, 2)}
    model = model_of([node], {"x": ["n", CHANNELS, 8]}, {"y": None}, arrays)
    network = matbridge.load(saved(tmp_path, model))
    assert network.layers[0].infer().format == "SCB"
