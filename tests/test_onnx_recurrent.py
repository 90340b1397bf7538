"""LSTM and GRU of ONNX, and what stands around them, as one layer of MATLAB's."""

import itertools

import numpy as np
import pytest
from matlab_exports import draw, single
from onnx import TensorProto, helper, numpy_helper
from reference import recurrent

import matbridge

D, H, N, T = 3, 4, 2, 5
X = single(draw("data of recurrent nodes", D, N, T))
TOLERANCE = 2e-6
INPUT = ("x", (T, N, D))
# ONNX's order of gates by MATLAB's.
ORDER = {"LSTM": ("ifgo", "iofg"), "GRU": ("rzh", "zrh")}
REFERENCE = {"LSTM": recurrent.lstm, "GRU": recurrent.gru}


def stacked(rows, operator, directions):
    """Rows of MATLAB's order of gates as (directions, G·H, columns) of ONNX's."""
    matlab, onnxs = ORDER[operator]
    blocks = rows.reshape(directions, len(matlab), -1, rows.shape[-1])
    parts = [[half[matlab.index(gate)] for gate in onnxs] for half in blocks]
    return np.array([np.concatenate(half) for half in parts])


class Arrays:
    """Weights of one layer in MATLAB's layout."""

    def __init__(self, operator="LSTM", directions=1):
        self.operator, self.directions = operator, directions
        rows = len(ORDER[operator][0]) * H * directions
        self.W, self.R = (single(draw(f"{operator}{k}", rows, n)) for k, n in (("W", D), ("R", H)))
        self.b, self.c = (single(draw(f"{operator}{k}", rows, 1)) for k in "bc")
        self.h0, self.c0 = (single(draw(f"{operator}{k}", H * directions, 1)) for k in "hs")

    def tensors(self, second_bias=False):
        parts = {"W": self.W, "R": self.R}
        named = {k: stacked(v, self.operator, self.directions) for k, v in parts.items()}
        halves = (self.b, self.c if second_bias else np.zeros_like(self.c))
        columns = [stacked(half, self.operator, self.directions)[..., 0] for half in halves]
        named["B"] = np.concatenate(columns, 1)
        shape = (self.directions, 1, H)
        states = {"h0": np.tile(self.h0.reshape(shape), (1, N, 1))}
        states["c0"] = np.tile(self.c0.reshape(shape), (1, N, 1))
        return named | states


def load(nodes, arrays, outputs, folder, inputs=(INPUT,), opset=17):
    """The network of these nodes, behind inputs of these shapes (time, batch and units)."""
    entries = [
        helper.make_tensor_value_info(
            name, TensorProto.FLOAT, ["T", "N", D][-len(shape) :] if name == "x" else shape
        )
        for name, shape in inputs
    ]
    constants = []
    for name, array in arrays.items():
        kind = np.float32 if array.dtype.kind == "f" else np.int64
        constants.append(numpy_helper.from_array(np.asarray(array, kind), name))
    ends = [helper.make_empty_tensor_value_info(name) for name in outputs]
    graph = helper.make_graph(nodes, "made", entries, ends, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path = folder / "made.onnx"
    path.write_bytes(model.SerializeToString())
    return matbridge.load(path)


def node(operator, inputs, outputs, **attributes):
    made = helper.make_node(operator, inputs, outputs, outputs[0] or outputs[-1])
    made.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
    return made


def only_recurrent(network):
    """The network's one layer beside those that data enter by."""
    (layer,) = (layer for layer in network if not layer.IS_INPUT)
    return layer


def assert_close(found, expected):
    assert np.shape(found) == np.shape(expected)
    assert np.abs(np.asarray(found) - expected).max() <= TOLERANCE * np.abs(expected).max() * 10


def predict(network, x=X):
    """The output of each observation, C×T or a row."""
    return network.predict([x[:, n] for n in range(N)])


@pytest.mark.parametrize("operator", ["LSTM", "GRU"])
@pytest.mark.parametrize("states", [True, False])
@pytest.mark.parametrize("ending", ["", "Squeeze", "Reshape", "Transpose"])
def test_the_whole_sequence(operator, states, ending, tmp_path):
    a = Arrays(operator)
    inputs = ["x", "W", "R", "B", "", *(["h0", "c0"] if states else [])][
        : 7 if operator == "LSTM" else 6
    ]
    more = {"linear_before_reset": 1} if operator == "GRU" else {}
    nodes = [node(operator, inputs, ["y"], hidden_size=H, **more)]
    arrays = a.tensors() | {"axes": np.array([1]), "shape": np.array([0, 0, -1])}
    if ending == "Squeeze":
        nodes.append(node("Squeeze", ["y", "axes"], ["z"]))
    elif ending:
        nodes.append(node("Transpose", ["y"], ["t"], perm=[0, 2, 1, 3]))
        nodes.append(node("Reshape", ["t", "shape"], ["z"]))
    network = load(nodes, arrays, ["z" if ending else "y"], tmp_path)
    layer = only_recurrent(network)
    assert (layer.output_mode, layer.has_state_outputs) == ("sequence", False)
    started = {"h": a.h0, "c": a.c0} if states else {}
    if operator == "GRU":
        started.pop("c", None)
    y = REFERENCE[operator](X, a.W, a.R, a.b, **started)[0]
    for n, found in enumerate(predict(network)):
        assert_close(found, y[:, n])


PICKS = {
    "Gather": ({"index": np.array(-1)}, [node("Gather", ["s", "index"], ["z"], axis=0)]),
    "Gather of one": (
        {"index": np.array([-1]), "first": np.array([0])},
        [node("Gather", ["s", "index"], ["g"], axis=0), node("Squeeze", ["g", "first"], ["z"])],
    ),
    "Slice": (
        {"a": np.array([-1]), "b": np.array([2**31 - 1]), "first": np.array([0])},
        [node("Slice", ["s", "a", "b", "first"], ["g"]), node("Squeeze", ["g", "first"], ["z"])],
    ),
    "Y_h": ({"first": np.array([0])}, [node("Squeeze", ["h", "first"], ["z"])]),
}


@pytest.mark.parametrize("pick", PICKS)
@pytest.mark.parametrize("operator", ["LSTM", "GRU"])
def test_the_last_step(operator, pick, tmp_path):
    a = Arrays(operator)
    arrays, picking = PICKS[pick]
    more = {"linear_before_reset": 1} if operator == "GRU" else {}
    nodes = [node(operator, ["x", "W", "R", "B"], ["y", "h"], hidden_size=H, **more)]
    if pick != "Y_h":
        nodes.append(node("Squeeze", ["y", "one"], ["s"]))
    known = a.tensors() | arrays | {"one": np.array([1])}
    network = load([*nodes, *picking], known, ["z"], tmp_path)
    assert only_recurrent(network).output_mode == "last"
    assert_close(predict(network), REFERENCE[operator](X, a.W, a.R, a.b)[1].T)


def test_a_step_that_is_not_the_last_is_not_taken_for_it(tmp_path):
    a = Arrays()
    nodes = [
        node("LSTM", ["x", "W", "R", "B"], ["y"], hidden_size=H),
        node("Squeeze", ["y", "one"], ["s"]),
        node("Gather", ["s", "index"], ["z"], axis=0),
    ]
    arrays = a.tensors() | {"one": np.array([1]), "index": np.array(1)}
    network = load(nodes, arrays, ["z"], tmp_path)
    assert network.layers[1].output_mode == "sequence"


def test_the_last_step_of_both_directions_is_not_where_each_ends(tmp_path):
    """Y at the last step has the first step of the backward direction."""
    a = Arrays("LSTM", 2)
    nodes = [
        node("LSTM", ["x", "W", "R", "B"], ["y"], hidden_size=H, direction="bidirectional"),
        node("Transpose", ["y"], ["t"], perm=[0, 2, 1, 3]),
        node("Reshape", ["t", "shape"], ["s"]),
        node("Gather", ["s", "index"], ["z"], axis=0),
    ]
    arrays = a.tensors() | {"shape": np.array([0, 0, -1]), "index": np.array(-1)}
    network = load(nodes, arrays, ["z"], tmp_path)
    assert network.layers[1].output_mode == "sequence"


def test_sequence_and_states_together(tmp_path):
    """Y, Y_h and Y_c are out, hidden and cell of a layer with HasStateOutputs."""
    a = Arrays()
    first = {"first": np.array([0]), "one": np.array([1])}
    nodes = [node("LSTM", ["x", "W", "R", "B"], ["y", "h", "c"], hidden_size=H)]
    nodes += [node("Squeeze", [k, "one" if k == "y" else "first"], [f"{k}s"]) for k in "yhc"]
    network = load(nodes, a.tensors() | first, ["ys", "hs", "cs"], tmp_path)
    layer = only_recurrent(network)
    assert (layer.output_mode, layer.has_state_outputs) == ("sequence", True)
    y, h, c = recurrent.lstm(X, a.W, a.R, a.b)
    found = predict(network)
    assert_close(np.stack(found[0], 1), y)
    assert_close(found[1], h.T)
    assert_close(found[2], c.T)


def test_the_cell_state_beside_the_last_step(tmp_path):
    a = Arrays()
    nodes = [node("LSTM", ["x", "W", "R", "B"], ["y", "h", "c"], hidden_size=H)]
    nodes += [node("Squeeze", [k, "first"], [f"{k}s"]) for k in "hc"]
    network = load(nodes, a.tensors() | {"first": np.array([0])}, ["hs", "cs"], tmp_path)
    layer = only_recurrent(network)
    assert (layer.output_mode, layer.has_state_outputs) == ("last", True)
    _, h, c = recurrent.lstm(X, a.W, a.R, a.b)
    found = predict(network)
    assert_close(found[0], h.T)
    assert_close(found[1], c.T)


@pytest.mark.parametrize("linear", [0, 1])
@pytest.mark.parametrize("second_bias", [False, True])
def test_reset_gate_modes(linear, second_bias, tmp_path):
    """linear_before_reset and the bias that the reset gate scales say which of the three it is."""
    a = Arrays("GRU")
    nodes = [
        node("GRU", ["x", "W", "R", "B"], ["", "h"], hidden_size=H, linear_before_reset=linear),
        node("Squeeze", ["h", "first"], ["z"]),
    ]
    arrays = a.tensors(second_bias) | {"first": np.array([0])}
    network = load(nodes, arrays, ["z"], tmp_path)
    after = "recurrent-bias-after-multiplication" if second_bias else "after-multiplication"
    mode = after if linear else "before-multiplication"
    assert only_recurrent(network).reset_gate_mode == mode
    b = a.b
    if second_bias:
        b = np.concatenate([a.b, a.c]) if linear else a.b + a.c
    assert_close(predict(network), recurrent.gru(X, a.W, a.R, b, mode=mode)[1].T)


ACTIVATIONS = {
    "hard": (["HardSigmoid", "Tanh", "Tanh"], "hard-sigmoid", "tanh"),
    "soft": (["Sigmoid", "Softsign", "Softsign"], "sigmoid", "softsign"),
    "relu": (["Sigmoid", "Relu", "Relu"], "sigmoid", "relu"),
}


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations(kind, tmp_path):
    names, gate, state = ACTIVATIONS[kind]
    a = Arrays()
    nodes = [
        node("LSTM", ["x", "W", "R", "B"], ["", "h"], hidden_size=H, activations=names),
        node("Squeeze", ["h", "first"], ["z"]),
    ]
    network = load(nodes, a.tensors() | {"first": np.array([0])}, ["z"], tmp_path)
    layer = only_recurrent(network)
    assert (layer.gate_activation_function, layer.state_activation_function) == (gate, state)
    expected = recurrent.lstm(X, a.W, a.R, a.b, state=state, gate=gate)[1]
    assert_close(predict(network), expected.T)


def test_peepholes(tmp_path):
    a = Arrays()
    peephole = single(draw("peephole", 3 * H))
    i, f, o = peephole.reshape(3, H)
    arrays = a.tensors() | {"P": np.concatenate([i, o, f])[None], "first": np.array([0])}
    nodes = [
        node("LSTM", ["x", "W", "R", "B", "", "", "", "P"], ["", "h"], hidden_size=H),
        node("Squeeze", ["h", "first"], ["z"]),
    ]
    network = load(nodes, arrays, ["z"], tmp_path)
    assert only_recurrent(network).type_name == "peepholeLSTMLayer"
    expected = recurrent.lstm(X, a.W, a.R, a.b, P=peephole)[1]
    assert_close(predict(network), expected.T)


# What MATLAB has no layer for: attributes of an LSTM, and the ports used.
REFUSED = {
    "reverse": {"direction": "reverse"},
    "clip": {"clip": 3.0},
    "input_forget": {"input_forget": 1},
    "mixed": {"activations": ["Sigmoid", "Tanh", "Relu"]},
    "other": {"activations": ["Elu", "Tanh", "Tanh"]},
    "slope": {"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_alpha": [0.1]},
}


@pytest.mark.parametrize("option", REFUSED)
def test_what_no_layer_computes_is_no_lstm_layer(option, tmp_path):
    a = Arrays()
    nodes = [
        node("LSTM", ["x", "W", "R", "B"], ["", "h"], hidden_size=H, **REFUSED[option]),
        node("Squeeze", ["h", "first"], ["z"]),
    ]
    network = load(nodes, a.tensors() | {"first": np.array([0])}, ["z"], tmp_path)
    assert not any(layer.type_name == "LSTMLayer" for layer in network)


def test_one_direction_of_two_is_no_output_of_a_layer(tmp_path):
    a = Arrays("LSTM", 2)
    nodes = [
        node("LSTM", ["x", "W", "R", "B"], ["", "h"], hidden_size=H, direction="bidirectional"),
        node("Gather", ["h", "index"], ["z"], axis=0),
    ]
    network = load(nodes, a.tensors() | {"index": np.array(1)}, ["z"], tmp_path)
    assert not any(layer.type_name == "BiLSTMLayer" for layer in network)


def test_states_that_enter(tmp_path):
    """Initial states from inputs: HasStateInputs."""
    a = Arrays()
    arrays = a.tensors()
    del arrays["h0"], arrays["c0"]
    nodes = [
        node("Unsqueeze", ["h", "first"], ["hu"]),
        node("Unsqueeze", ["c", "first"], ["cu"]),
        node("LSTM", ["x", "W", "R", "B", "", "hu", "cu"], ["y"], hidden_size=H),
        node("Squeeze", ["y", "one"], ["z"]),
    ]
    arrays |= {"first": np.array([0]), "one": np.array([1])}
    inputs = (INPUT, ("h", ("N", H)), ("c", ("N", H)))
    network = load(nodes, arrays, ["z"], tmp_path, inputs)
    assert only_recurrent(network).has_state_inputs
    h, c = (single(draw(k, H, N)) for k in ("entering h", "entering c"))
    expected = recurrent.lstm(X, a.W, a.R, a.b, h, c)[0]
    found = network.predict({"x": [X[:, n] for n in range(N)], "h": h.T, "c": c.T})
    assert_close(np.stack(found, 1), expected)


def test_wrong_sizes_are_told(tmp_path):
    """Weights that are not of the size that the operator has make no layer, and no traceback."""
    a = Arrays()
    arrays = a.tensors() | {"first": np.array([0])}
    arrays["W"] = arrays["W"][:, :-1]
    nodes = [
        node("LSTM", ["x", "W", "R", "B"], ["", "h"], hidden_size=H),
        node("Squeeze", ["h", "first"], ["z"]),
    ]
    network = load(nodes, arrays, ["z"], tmp_path)
    assert not any(layer.type_name == "LSTMLayer" for layer in network)


def test_a_long_way_behind_is_no_hang(tmp_path):
    """Thousands of nodes that only view the output are followed a little way."""
    a = Arrays("LSTM", 2)
    nodes = [node("LSTM", ["x", "W", "R", "B"], ["y"], hidden_size=H, direction="bidirectional")]
    names = ["y", *(f"t{i}" for i in range(3000))]
    nodes += [node("Identity", [p], [q]) for p, q in itertools.pairwise(names)]
    network = load(nodes, a.tensors(), [names[-1]], tmp_path)
    assert not any(layer.type_name == "BiLSTMLayer" for layer in network)
