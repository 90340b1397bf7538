"""ONNX files as they are wished: opset, states; from Python and the command line."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import SINGLE, assert_close
from test_onnx_metadata import assert_same_network

import matbridge
from matbridge.cli import run
from matbridge.errors import MismatchError
from matbridge.onnx.opsets import NEWEST, OLDEST

RECURRENT = ["deep_lstm", "gru_regressor", "lstm_projected", "gru_projected", "peephole_lstm"]


def started(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def told(session, key):
    return json.loads(session.get_modelmeta().custom_metadata_map[key])


@pytest.mark.parametrize("opset", [OLDEST, 13, 26, NEWEST])
def test_an_opset_is_chosen(opset, fixtures, in_folder):
    network = matbridge.load(fixtures / "cnn.mat")
    check = network.save("net.onnx", opset=opset)
    # Of the newest the pinned onnxruntime knows nothing yet.
    assert check.ports > 4 or ("does not know opset" in check.note and opset > 26)
    assert onnx.load("net.onnx").opset_import[0].version == opset
    assert_same_network(matbridge.load("net.onnx"), network)


def test_choices_that_there_are_not(fixtures, in_folder):
    network = matbridge.load(fixtures / "cnn.mat")
    with pytest.raises(MismatchError, match="program leaves no choice of opset\\n.*or write onnx"):
        network.save("net.pt2", opset=17)
    with pytest.raises(MismatchError, match="leaves no choice of stateful"):
        matbridge.convert(fixtures / "cnn.mat", "net.safetensors", stateful=True)
    with pytest.raises(MismatchError, match="the network has no state"):
        network.save("net.onnx", stateful=True)
    with pytest.raises(MismatchError, match="not written in opset 5"):
        network.save("net.onnx", opset=5)
    assert list(in_folder.iterdir()) == []


def streamed(session, x):
    """The output for sequences x (N, C, T), a step at a time from where MATLAB begins."""
    states = told(session, "states")
    (entry,) = [i.name for i in session.get_inputs() if i.name not in {s["input"] for s in states}]
    start = (np.array(state["initial"], np.float32) for state in states)
    carried = {
        state["input"]: np.repeat(initial, len(x), 0)
        for state, initial in zip(states, start, strict=True)
    }
    steps = []
    for t in range(x.shape[2]):
        names = [o.name for o in session.get_outputs()]
        given = {entry: x[:, :, t : t + 1], **carried}
        found = dict(zip(names, session.run(None, given), strict=True))
        carried = {state["input"]: found[state["output"]] for state in states}
        steps.append(found[names[0]])
    return steps


@pytest.mark.parametrize("name", RECURRENT)
def test_step_by_step_is_as_one_run(name, fixtures, in_folder):
    """Also from a state that the network has saved."""
    network = matbridge.load(fixtures / f"{name}.mat")
    entry = next(iter(network.input_layers.values()))
    x = np.random.default_rng(0).standard_normal((2, entry.entering["C"], 6)).astype(np.float32)
    states = {
        one.name: {n: np.full_like(a, 0.25) for n, a in one.states().items() if "Initial" not in n}
        for one in network.layers
        if any(a.role == "state" for a in one.declared)
    }
    for number, start in enumerate((network, network.with_states(states))):
        path = in_folder / f"{number}.onnx"
        start.save(path, stateful=True)
        assert_same_network(matbridge.load(path), start)
        session = started(path)
        assert {s["layer"] for s in told(session, "states")} == set(states)
        expected = np.asarray(start.predict(x, format="BCT", dtype="float64", engine="torch"))
        steps = streamed(session, x)
        if expected.ndim == 3:
            assert_close(np.concatenate(steps, 2), np.moveaxis(expected, 1, 0), 40 * SINGLE)
        else:
            assert_close(steps[-1], expected.T, 40 * SINGLE)


def test_from_the_command_line(fixtures, in_folder, capsys):
    net = str(fixtures / "gru_regressor.mat")
    assert run(["convert", net, "-o", "net.onnx", "--opset", "13", "--stateful"]) == 0
    session = started("net.onnx")
    assert len(session.get_inputs()) > 1
    assert run(["convert", net, "-o", "old.onnx", "--opset", "8"]) == 2
    assert "Use 9 to" in capsys.readouterr().err
    assert run(["convert", net, "-o", "net.pt2", "--opset", "17"]) == 2
    assert "leaves no choice of opset" in capsys.readouterr().err
