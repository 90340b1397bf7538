"""States as inputs and outputs of a written model."""

import numpy as np
import onnxruntime
import pytest
from helpers import SINGLE, assert_close, layer

from matbridge import Network
from matbridge.onnx.write import to_onnx

draw = np.random.default_rng(0).standard_normal
D, H, N, T = 3, 4, 2, 6
GATES = {"lstmLayer": 4, "gruLayer": 3, "bilstmLayer": 8}


def recurrent(builder, channels, **options):
    rows = GATES[builder] * H
    weights = {"InputWeights": draw((rows, channels)), "RecurrentWeights": draw((rows, H))}
    return layer(builder, H, **weights, Bias=draw((rows, 1)), **options)


def network(*builders, name="sequenceinput"):
    channels, layers = D, [layer("sequenceInputLayer", D, Name=name)]
    for builder in builders:
        layers.append(recurrent(builder, channels))
        channels = H * (2 if builder == "bilstmLayer" else 1)
    return Network.of(layers)


def run(session, x, states):
    names = [value.name for value in session.get_outputs()]
    entry, *entries = [value.name for value in session.get_inputs()]
    found = dict(zip(names, session.run(None, {entry: x, **states}), strict=True))
    return found[names[0]], {name: found[f"{name}_out"] for name in entries}


@pytest.mark.parametrize("builders", [("lstmLayer", "gruLayer"), ("bilstmLayer",)])
def test_a_stream_in_pieces_goes_on_where_the_last_ended(builders):
    net = network(*builders)
    model = to_onnx(net, stateful=True).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    x = draw((N, D, T)).astype(np.float32)
    directions = 2 if "bilstmLayer" in builders else 1
    states = {v.name: np.zeros((N, directions * H), np.float32) for v in session.get_inputs()[1:]}
    assert len(states) == (3 if "gruLayer" in builders else 2)
    current = net
    for start in (0, 2, 3):
        piece = x[:, :, start : start + 2]
        y, states = run(session, piece, states)
        current, expected = current.predict_and_update_state(
            piece, format="BCT", dtype="float64", engine="torch"
        )
        assert_close(y, np.asarray(expected).transpose(1, 0, 2), 20 * SINGLE)
    for name, state in states.items():
        one, _, which = name.partition(".")
        assert_close(state, current[one].arrays[which].T, 20 * SINGLE)


def test_a_state_never_bears_the_name_of_an_input():
    model = to_onnx(network("lstmLayer", name="lstm.HiddenState"), stateful=True)
    names = [value.name for value in model.graph.input]
    assert len(set(names)) == 3


def test_without_states_a_model_has_no_more_inputs_than_the_network():
    assert len(to_onnx(network("lstmLayer")).graph.input) == 1
    assert len(to_onnx(Network.of([layer("featureInputLayer", D)]), stateful=True).graph.input) == 1
