"""ONNX in half precision and in 8 bits: smaller, and what that loses is measured and told."""

import json
import sys

import numpy as np
import onnx
import pytest
from conftest import FIXTURES
from helpers import SINGLE, assert_close, layer
from test_examples import made, network_of
from test_onnx_opsets import WRITTEN, started

import matbridge
from matbridge import Network
from matbridge.cli import run
from matbridge.core.writing import Writing
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.onnx.engine import run_onnx
from matbridge.onnx.write import to_onnx
from matbridge.torch.trace import trace
from matbridge.verify.inputs import OBSERVATIONS, draw_inputs
from matbridge.verify.loss import DRAWS
from matbridge.verify.roundtrip import DifferenceError

NAMES = ["cnn", "cnn_bilstm", "dag", "gru_regressor", "peephole_lstm", "unet"]
MANNERS = {"half": {"half": True}, "int8": {"quantize": "int8"}}


def wide(scale=1.0):
    """Enough weights that their bits make the size of the file."""
    draw = np.random.default_rng(0).standard_normal
    weights = (scale * draw((200, 200)) / 14).astype(np.float32)
    fc = layer("fullyConnectedLayer", 200, Weights=weights, Bias=np.zeros((200, 1), np.float32))
    return Network.of([layer("featureInputLayer", 200), fc])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("manner", "least"), [("half", 50.0), ("int8", 20.0)])
def test_what_is_lost_is_what_the_outputs_say(manner, least, name, in_folder):
    """The figures against NumPy's, from the written file on the same inputs."""
    network = matbridge.load(FIXTURES / f"{name}.mat")
    check = network.save("net.onnx", **MANNERS[manner])
    onnx.checker.check_model("net.onnx", full_check=manner == "half")
    (loss,) = check.losses
    found, exact = [], []
    module = network.to_torch(dtype="float64")
    for seed in range(DRAWS):
        for place in range(OBSERVATIONS):
            inputs = [values[place : place + 1] for values in draw_inputs(network, seed)]
            found.append(run_onnx(in_folder / "net.onnx", inputs)[network.output_names[0]])
            exact.append(traced(module, inputs).reshape(found[-1].shape))
    found, exact = np.concatenate(found).astype(float), np.concatenate(exact)
    noise = np.square(found - exact).sum()
    assert loss.max_rel == pytest.approx(np.abs(found - exact).max() / np.abs(exact).max())
    assert loss.snr == pytest.approx(10 * np.log10(np.square(exact).sum() / noise))
    assert loss.snr > least
    if network.classes:
        same = found.argmax(1) == exact.argmax(1)
        assert (loss.same, loss.decided) == (same.sum(), same.size)
    else:
        assert loss.decided == 0


def traced(module, inputs):
    import torch

    with torch.no_grad():
        return module(*(torch.tensor(x, dtype=torch.float64) for x in inputs)).numpy()


@pytest.mark.parametrize(("manner", "share"), [("half", 0.55), ("int8", 0.35)])
def test_it_is_smaller(manner, share, in_folder):
    network = wide()
    network.save("net.onnx")
    network.save("small.onnx", **MANNERS[manner])
    plain, small = onnx.load("net.onnx"), onnx.load("small.onnx")
    assert small.ByteSize() < share * plain.ByteSize()
    # What goes in and comes out keeps its name, order and type.
    for a, b in zip(plain.graph.input, small.graph.input, strict=True):
        assert (a.name, a.type) == (b.name, b.type)
    assert [o.name for o in plain.graph.output] == [o.name for o in small.graph.output]


def test_states_and_class_names_stay(fixtures, in_folder):
    network = matbridge.load(fixtures / "deep_lstm.mat")
    network.save("net.onnx", half=True, stateful=True, opset=13)
    model = onnx.load("net.onnx")
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert told["classes"] == list(network.classes)
    inputs = {value.name for value in model.graph.input}
    assert {state["input"] for state in told["states"]} < inputs
    assert model.opset_import[0].version == 13
    assert "network" not in told


def test_data_that_are_given(fixtures, in_folder):
    """Sequences of unequal lengths too: as many scores as there are observations."""
    network = matbridge.load(fixtures / "sequence_to_label.mat")
    channels = next(iter(network.input_layers.values())).entering["C"]
    draw = np.random.default_rng(0).standard_normal
    sequences = [draw((channels, n)) for n in (4, 7, 4, 9, 7)]
    check = network.save("net.onnx", quantize="int8", data=[sequences])
    assert check.on == "the data given"
    assert [loss.decided for loss in check.losses] == [5]
    with pytest.raises(MismatchError):
        network.save("other.onnx", quantize="int8", data=[draw((channels + 1, 4))])
    assert [p.name for p in in_folder.iterdir()] == ["net.onnx"]


def test_from_the_command_line(fixtures, in_folder, capsys):
    net = str(fixtures / "cnn.mat")
    assert run(["convert", net, "-o", "half.onnx", "--half"]) == 0
    out = capsys.readouterr().out
    assert "measured" in out or "random input" in out
    assert "the same class" in out
    assert "dB" in out
    command = ["convert", net, "-o", "small.onnx", "--quantize", "int8", "--input", f"{net}:X"]
    assert run([*command, "--json"]) == 0
    check = json.loads(capsys.readouterr().out)["check"]
    assert check["verdict"] == "measured"
    assert check["on"] == "the data given"
    assert check["losses"][0]["snr"] > 20


def test_what_there_is_not(fixtures, in_folder):
    network = matbridge.load(fixtures / "cnn.mat")
    with pytest.raises(MismatchError, match="half and quantize exclude each other"):
        network.save("net.onnx", half=True, quantize="int8")
    with pytest.raises(MismatchError, match='not quantized to .int4.\\n.*Use "int8"'):
        network.save("net.onnx", quantize="int4")
    with pytest.raises(UnsupportedError, match="operators for 8 bits from opset 11 on"):
        network.save("net.onnx", quantize="int8", opset=10)
    with pytest.raises(MismatchError, match="no choice of half"):
        network.save("net.pt2", half=True)
    with pytest.raises(MismatchError, match="data are only used where something is lost"):
        network.save("net.onnx", data=[np.zeros((4, 4))])
    assert list(in_folder.iterdir()) == []


@pytest.mark.parametrize(("manner", "what"), [("half", "half precision"), ("int8", "8 bits")])
def test_without_onnxruntime_it_is_told(manner, what, fixtures, in_folder, monkeypatch):
    network = matbridge.load(fixtures / "cnn.mat")
    for name in ("onnxruntime", "onnxruntime.quantization", "onnxruntime.transformers.onnx_model"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UnsupportedError, match=f"{what}.*onnxruntime's tools: .*\\n.*pip install"):
        network.save("net.onnx", **MANNERS[manner])


def test_numbers_that_half_precision_does_not_hold(in_folder):
    with pytest.raises(DifferenceError, match="with so few bits the network gives NaN or Inf"):
        wide(1e5).save("net.onnx", half=True)
    assert list(in_folder.iterdir()) == []


def test_an_exact_manner_is_told_apart():
    assert Writing(opset=13, stateful=True).exact
    assert not Writing(half=True).exact
    assert not Writing(quantize="int8").exact


def test_any_positive_number_of_a_mask_counts():
    """In ONNX as in PyTorch: the check after writing draws all numbers."""
    masked = [e for e in WRITTEN if "mask" in made(e).inputs]
    assert len(masked) > 2
    for example in masked:
        network = network_of(made(example), example.inputs)
        inputs = draw_inputs(network)
        model = to_onnx(network)
        feed = dict(zip([i.name for i in model.graph.input], inputs, strict=True))
        found = started(model).run(None, feed)
        exact = trace(network, inputs, "float64")
        for y, name in zip(found, network.output_names, strict=True):
            assert_close(y, exact[name], 100 * SINGLE)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cnn", ("bolt", "nut", "screw", "washer")),
        ("lstm_classifier", ("idle", "run", "walk")),
        ("unet", ()),  # of pixels
    ],
)
def test_class_names_are_read_back(name, told, fixtures, in_folder):
    network = matbridge.load(fixtures / f"{name}.mat")
    network.save("half.onnx", half=True)
    assert matbridge.load("half.onnx").classes == told


@pytest.mark.parametrize("said", ["[", '"abcd"', '["a", "b"]', "[1, 2, 3, 4]", "[" * 99999])
def test_class_names_that_do_not_fit_are_none(said, fixtures, in_folder):
    matbridge.load(fixtures / "cnn.mat").save("half.onnx", half=True)
    model = onnx.load("half.onnx")
    next(entry for entry in model.metadata_props if entry.key == "classes").value = said
    onnx.save(model, "half.onnx")
    again = matbridge.load("half.onnx")
    assert again.classes == ()
    assert again.runnable
