"""The command line: what is typed, what is seen, what goes wrong, what then."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import saved
import torch

import matbridge
from matbridge.cli import COMMANDS
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat


@pytest.fixture
def net(fixtures):
    return fixtures / "lstm_classifier.mat"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_a_worked_example(command, call):
    code, out, _ = call(*[command] * bool(command), "--help")
    assert code == 0
    assert f"matbridge {command}".strip() in out
    assert "Example" in out or not command


def test_python_m_matbridge():
    done = subprocess.run(
        [sys.executable, "-m", "matbridge", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"matbridge, version {matbridge.__version__}"


# -- inspect -----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_of_few_characters(net, encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    for options in ([], ["--json"]):
        command = [sys.executable, "-m", "matbridge", "inspect", str(net), *options]
        found = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.decode(encoding))["networks"]


def test_inspect_shows_the_layer_table(net, call):
    code, out, _ = call("inspect", net)
    assert code == 0
    for word in (
        "SeriesNetwork",
        "LSTM",
        "10(C) × 1(B)",
        "InputWeights 40×4",
        "HiddenState 10×1",
        "classes: idle, run, walk",
        "Deep Learning Toolbox",
        "every variable carries a checksum",
        "runs",
    ):
        assert word in out, word
    assert max(map(len, out.splitlines())) <= 120
    assert "\x1b[" not in out


def test_a_narrow_terminal_folds_the_table(net, call, monkeypatch):
    """Nothing is lost: what does not fit stands below."""
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = call("inspect", net)
    for cell in ("HiddenState 10×1", "InputWeights 40×4", 'OutputMode "last"'):
        assert cell in out
    assert max(map(len, out.splitlines())) <= 80


def test_inspect_as_json(fixtures, call):
    code, out, _ = call("inspect", fixtures / "cnn_bilstm.mat", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["format"] == "v7.3"
    (network,) = found["networks"]
    assert network["address"] == "net"
    assert network["class"] == "dlnetwork"
    assert network["runnable"]
    assert network["problems"] == []
    assert ["seq2", "cat/in2"] in network["connections"]
    layers = {layer["name"]: layer for layer in network["layers"]}
    assert layers["bilstm"] == {
        "name": "bilstm",
        "class": "nnet.cnn.layer.BiLSTMLayer",
        "type": "BiLSTMLayer",
        "product": "Deep Learning Toolbox",
        "known": True,
        "status": "",
        "runnable": True,
        "from": ["cat"],
        "properties": {
            "NumHiddenUnits": "6",
            "OutputMode": '"sequence"',
            "InputSize": "62",
            "StateActivationFunction": '"tanh"',
            "GateActivationFunction": '"sigmoid"',
            "HasStateInputs": "false",
            "HasStateOutputs": "false",
        },
        "telling": ["OutputMode", "StateActivationFunction", "GateActivationFunction"],
        "output": {"format": "CBT", "size": [12, 1, 1]},
        "outputs": {"out": {"format": "CBT", "size": [12, 1, 1]}},
        "learnables": {"InputWeights": [48, 62], "RecurrentWeights": [48, 6], "Bias": [48, 1]},
        "states": {
            "HiddenState": [12, 1],
            "CellState": [12, 1],
            "InitialHiddenState": [12, 1],
            "InitialCellState": [12, 1],
        },
        "uninitialised": [],
    }
    assert network["parameters"] == sum(
        int(np.prod(size)) for layer in layers.values() for size in layer["learnables"].values()
    )
    assert {v["name"] for v in found["variables"]} == {"net", "X1", "X2", "Y"}


def test_inspect_tells_what_is_wrong(call, in_folder):
    broken = saved.series_network(
        saved.image_input("in", 8, 8, 1),
        saved.convolution("conv", np.ones((3, 3, 2, 4)), np.zeros(4)),
        saved.custom("myLayer", Name="mine"),
    )
    write_mat("net.mat", {"net": broken})
    code, out, _ = call("inspect", "net.mat")
    assert code == 4
    assert "conv: Convolution2DLayer needs 2 channels, but its input is 8(S) × 8(S)" in out
    assert "does not know the layer class myLayer" in out
    assert "the user's own classes: myLayer" in out
    assert "myLayer (custom)" in out


def test_inspect_a_layer_that_contradicts_itself(call, in_folder):
    layer = saved.fully_connected("fc", np.ones((2, 3)), np.zeros((2, 1)))
    layer.properties["any"]["OutputSize"] = saved.number(5)
    write_mat("net.mat", {"net": saved.series_network(saved.feature_input("in", 3), layer)})
    code, out, _ = call("inspect", "net.mat", "--json")
    assert code == 4
    (problem, *_) = json.loads(out)["networks"][0]["problems"]
    assert "Weights has size 2×3" in problem["what"]
    assert "5×3 (OutputSize×InputSize)" in problem["what"]


def test_inspect_loose_arrays(call, in_folder):
    write_mat("w.mat", {"kernel": np.ones((4, 3)), "b1": np.ones((4, 1))}, "v6")
    code, out, _ = call("inspect", "w.mat")
    assert code == 4
    assert "4×3" in out
    assert "Loose arrays do not tell how they belong together" in out
    assert "no checksum: kernel, b1" in out


def test_inspect_loose_arrays_that_are_a_chain(call, in_folder):
    """Its parts are no other variables."""
    arrays = {"W1": np.ones((4, 3)), "b1": np.ones((4, 1)), "X": np.ones((3, 7))}
    write_mat("w.mat", arrays, "v6")
    code, out, _ = call("inspect", "w.mat")
    assert code == 4
    assert "fully connected layers of sizes 3 → 4, but nothing tells the functions" in out
    assert "--activations linear" in out
    code, out, _ = call("inspect", "w.mat", "--activations", "linear")
    assert code == 0
    others = out[out.index("other variables:") :]
    assert "X " in others
    assert "b1" not in others


def test_inspect_a_network_object_without_its_fields(call, in_folder):
    from matbridge.matlab.file.values import MatObject

    write_mat("s.mat", {"net": MatObject("network", {"version": "8"}, old_style=True)})
    code, out, _ = call("inspect", "s.mat")
    assert code == 4
    assert "the network object is damaged: numInputs is missing" in out
    code, _, err = call("convert", "s.mat")
    assert code == 3
    assert "the network object is damaged: numInputs is missing" in err


def test_inspect_safetensors(net, call):
    assert call("convert", net, "--to", "safetensors")[0] == 0
    code, out, _ = call("inspect", "lstm_classifier.safetensors")
    assert code == 0
    assert "InputWeights 40×4" in out


# -- convert -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pt2", "safetensors", "onnx"])
def test_convert(kind, net, call, in_folder):
    code, out, err = call("convert", net, "--to", kind)
    assert code == 0
    assert f"written to lstm_classifier.{kind}" in out
    assert "loaded again and compared on random input: agree" in out
    assert "MATLAB's numbers  ClassificationOutputLayer, DropoutLayer" in out
    assert "writing" in err
    assert [p.name for p in in_folder.iterdir()] == [f"lstm_classifier.{kind}"]


def test_convert_by_the_ending(net, call, in_folder):
    assert call("convert", net, "-o", "a.onnx")[0] == 0
    code, _, err = call("convert", net, "-o", "a.xyz")
    assert code == 2
    assert "a.xyz does not tell what to write" in err


def test_convert_as_json(net, call):
    code, out, _ = call("convert", net, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["check"]["verdict"] == "agree"
    assert found["network"]["class"] == "SeriesNetwork"
    module = torch.export.load(found["output"]).module()
    assert module(torch.zeros(1, 4, 3)).shape == (1, 3)


def test_convert_does_not_overwrite(net, call, in_folder):
    (in_folder / "lstm_classifier.pt2").write_text("mine")
    code, _, err = call("convert", net)
    assert code == 2
    assert "already there" in err
    assert "--force" in err
    assert (in_folder / "lstm_classifier.pt2").read_text() == "mine"
    assert call("convert", net, "--force")[0] == 0
    assert (in_folder / "lstm_classifier.pt2").stat().st_size > 1000


def test_convert_leaves_nothing_half_written(net, call, in_folder, monkeypatch):
    from matbridge.errors import UnsupportedError
    from matbridge.torch import program

    def fail(network, path):
        path.write_text("half")
        raise UnsupportedError("no")

    monkeypatch.setattr(program, "write_program", fail)
    assert call("convert", net)[0] == 4
    assert list(in_folder.iterdir()) == []


def test_convert_into_a_folder_that_is_not_there(net, call):
    code, _, err = call("convert", net, "-o", "no/such.pt2")
    assert code == 2
    assert "no such folder" in err


def test_convert_what_does_not_run_keeps_its_arrays(call, in_folder):
    custom = saved.custom("myLayer", Name="mine", Alpha=np.float32([[1], [2]]))
    write_mat("net.mat", {"net": saved.series_network(saved.feature_input("in", 2), custom)})
    code, _, err = call("convert", "net.mat")
    assert code == 4
    assert "myLayer" in err
    code, out, _ = call("convert", "net.mat", "--to", "safetensors")
    assert code == 0
    assert "does not run" in out
    assert matbridge.load("net.safetensors")["mine"].extra["Alpha"].tolist() == [[1], [2]]


# -- several networks ------------------------------------------------------------------------------


@pytest.fixture
def several(in_folder):
    def one(seed, trained=True):
        W = np.random.default_rng(seed).standard_normal((2, 3)) if trained else None
        fc = saved.fully_connected("fc", np.ones((2, 3)), np.zeros((2, 1)))
        if not trained:
            fc.properties["any"]["Weights"] = saved.learnable(None)
        else:
            fc.properties["any"]["Weights"] = saved.learnable(W)
        return saved.series_network(saved.feature_input("in", 3), fc)

    agent = saved.custom(
        "rl.agent", Actor=saved.custom("m", Model=one(1)), Critic=saved.custom("m", Model=one(2))
    )
    write_mat("agent.mat", {"agent": agent, "nets": Cell([one(3, False), one(4)], (1, 2))})
    return "agent.mat"


def test_several_networks_are_listed(several, call):
    code, _, err = call("convert", several)
    assert code == 2
    assert "several networks" in err
    assert "agent.Actor.Model, agent.Critic.Model, nets{1}, nets{2}" in err


def test_an_address_may_stop_short(several, call):
    assert call("convert", several, "--network", "agent.Actor", "-o", "a.pt2")[0] == 0
    assert call("convert", several, "--network", "nets", "-o", "n.pt2")[0] == 0
    code, _, err = call("convert", several, "--network", "agent")
    assert code == 2
    code, _, err = call("convert", several, "--network", "nothing")
    assert code == 2
    assert "no network at 'nothing'" in err


# -- predict and verify --------------------------------------------------------------------------


def test_predict_to_every_kind_of_file(net, call, in_folder):
    expected = read_mat(net, ["Y"])["Y"]
    for name in ("out.mat:Scores", "out.npy", "out.npz:Scores", "out.csv"):
        code, out, _ = call("predict", net, "--input", f"{net}:X", "-o", name)
        assert code == 0
        assert "4×3" in out
    found = [
        read_mat("out.mat")["Scores"],
        np.load("out.npy"),
        np.load("out.npz")["Scores"],
        np.loadtxt("out.csv", delimiter=","),
    ]
    for one in found:
        assert np.abs(one - expected).max() < 1e-6


def test_predict_prints_without_an_output(net, call):
    code, out, _ = call("predict", net, "--input", f"{net}:X", "--classify")
    assert code == 0
    assert "classoutput 4" in out
    code, out, _ = call("predict", net, "--input", f"{net}:X", "--json")
    assert np.shape(json.loads(out)["classoutput"]) == (4, 3)


def test_predict_sequences_as_a_cell(fixtures, call, in_folder):
    net = fixtures / "gru_regressor.mat"
    x = read_mat(net, ["X"])["X"]
    write_mat("data.mat", {"X": Cell([x, x[:, :5]], (2, 1))})
    assert call("predict", net, "--input", "data.mat:X", "-o", "out.mat")[0] == 0
    found = read_mat("out.mat")["Y"]
    assert isinstance(found, Cell)
    assert [y.shape for y in found] == [(2, 20), (2, 5)]
    code, out, _ = call("predict", net, "--input", "data.mat:X", "-o", "out.npz")
    assert "2 sequences" in out
    code, _, err = call("predict", net, "--input", "data.mat:X", "-o", "out.csv")
    assert code == 2
    assert ".csv holds one array, not 2" in err


def test_predict_from_csv(fixtures, call, in_folder):
    x = read_mat(fixtures / "gru_regressor.mat", ["X"])["X"]
    np.savetxt("x.csv", x.T, delimiter=",", header="a,b,c", comments="")
    expected = read_mat(fixtures / "gru_regressor.mat", ["Y"])["Y"]
    arguments = ["--input", "x.csv", "--format", "TC", "-o", "y.npy"]
    assert call("predict", fixtures / "gru_regressor.mat", *arguments)[0] == 0
    assert np.abs(np.load("y.npy")[:, 0] - expected).max() < 1e-5


def test_predict_in_matlabs_mini_batches(net, call):
    def scores(*options):
        code, out, err = call("predict", net, "--input", f"{net}:X", "--json", *options)
        assert code == 0, err
        return np.array(json.loads(out)["classoutput"])

    network, x = matbridge.load(net), read_mat(net, ["X"])["X"]
    longest = scores("--sequence-length", "longest", "--mini-batch-size", "2")
    zeros = [np.pad(one, ((0, 0), (0, n))) for one, n in zip(x, (5, 0, 0, 2), strict=True)]
    assert np.abs(longest - network.predict(zeros)).max() < 1e-6
    left = scores("--sequence-length", "longest", "--padding-direction", "left")
    assert np.abs(left - longest).max() > 1e-3
    # The state is carried over, so that splitting changes nothing.
    assert np.abs(scores("--sequence-length", "3", "--mini-batch-size", "2") - longest).max() < 1e-6
    code, _, err = call("predict", net, "--input", f"{net}:X", "--sequence-length", "long")
    assert code == 2
    assert '"shortest" or a positive whole number' in err


def test_verify_agrees(fixtures, call):
    for name, keys in (("cnn", ["X"]), ("cnn_bilstm", ["X1", "X2"])):
        net = fixtures / f"{name}.mat"
        inputs = [a for key in keys for a in ("--input", f"{net}:{key}")]
        code, out, _ = call("verify", net, *inputs, "--expected", f"{net}:Y")
        assert code == 0
        assert out.startswith("rounding: ")
    code, out, _ = call(
        "verify", net, "--input", f"seq2={net}:X2", "--input", f"seq1={net}:X1",
        "--expected", f"{net}:Y", "--json", "--dtype", "float64",
    )  # fmt: skip
    found = json.loads(out)
    assert code == 0
    assert found["verdict"] == "rounding"
    assert found["outputs"]["fc"]["max_rel"] < 1e-12


def test_verify_differs(fixtures, call, in_folder):
    net = fixtures / "cnn.mat"
    y = read_mat(net, ["Y"])["Y"]
    y[0, 0] += 0.01
    np.save("y.npy", y)
    arguments = ["--input", f"{net}:X", "--expected", "y.npy", "--no-diagnosis"]
    code, out, _ = call("verify", net, *arguments)
    assert code == 1
    assert out.startswith("different: ")
    assert "a tolerance of 0.01 would be needed" in out
    arguments = ["--input", f"{net}:X", "--expected", "y.npy", "--tolerance", "0.02"]
    assert call("verify", net, *arguments)[0] == 0


def test_verify_labels(net, call, in_folder):
    names = matbridge.load(net).classify(read_mat(net, ["X"])["X"])
    classes = ["idle", "run", "walk"]
    expected = saved.categories(*classes)
    expected.codes = np.array([[classes.index(n) + 1] for n in names], np.uint8)
    write_mat("y.mat", {"Y": expected})
    assert call("verify", net, "--input", f"{net}:X", "--expected", "y.mat:Y")[0] == 0
    expected.codes[0] = expected.codes[0] % 3 + 1
    write_mat("y.mat", {"Y": expected})
    arguments = ["--input", f"{net}:X", "--expected", "y.mat:Y", "--no-diagnosis"]
    assert call("verify", net, *arguments)[0] == 1


def test_comparing_nothing_never_passes(net, call, in_folder):
    assert call("verify", net, "--input", f"{net}:X")[0] == 5
    np.save("y.npy", np.zeros((0, 3)))
    code, _, err = call("verify", net, "--input", f"{net}:X", "--expected", "y.npy")
    assert code == 5
    assert "nothing to compare" in err


def test_verify_sizes_that_cannot_belong_together(net, call, in_folder):
    np.save("y.npy", np.zeros((7, 7)))
    code, _, err = call("verify", net, "--input", f"{net}:X", "--expected", "y.npy")
    assert code == 2
    assert "(4, 3), but (7, 7) is expected" in err


# -- bad input -----------------------------------------------------------------------------------


def test_usage(net, call):
    assert call("convert")[0] == 2
    assert call("nonsense")[0] == 2
    assert call("predict", net, "--bad")[0] == 2
    assert call("inspect", net, "--max-size", "lots")[0] == 2


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_unreadable_files(command, call, in_folder):
    (in_folder / "a.mat").write_text("version https://git-lfs.github.com/spec/v1\n")
    code, out, err = call(command, "a.mat")
    assert (code, out) == (3, "")
    assert err.startswith("error: a.mat: this is a Git LFS pointer")
    assert "git lfs pull" in err
    code, _, err = call(command, "missing.mat")
    assert code == 3
    assert "No such file" in err


def test_a_cut_file(net, call, in_folder):
    (in_folder / "cut.mat").write_bytes(net.read_bytes()[:3000])
    code, _, err = call("convert", "cut.mat")
    assert code == 3
    assert "cut.mat" in err
    assert "cut off" in err


def test_max_size(net, call):
    code, out, _ = call("inspect", net, "--max-size", "10K")
    assert code == 3
    assert "--max-size" in out
    code, _, err = call("convert", net, "--max-size", "10K")
    assert code == 3
    assert "--max-size" in out + err


def test_bad_data(net, call, in_folder):
    def predict(data):
        return call("predict", net, "--input", data)

    np.save("wrong.npy", np.zeros((9, 9)))
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez("several.npz", a=np.zeros(1), b=np.zeros(1))
    (in_folder / "bad.csv").write_text("1,2\n3,x\n")
    cases = {
        "wrong.npy": (2, "does not fit"),
        "objects.npy": (3, "objects.npy"),
        "several.npz:c": (2, "It holds a, b"),
        "bad.csv": (3, "bad.csv"),
        "missing.npy": (3, "No such file"),
        "data.xyz": (2, "names no data file"),
        f"{net}:Nope": (2, "there is no variable 'Nope'"),
        f"{net}": (2, "holds several variables"),
        f"{net}:net": (2, "not an array or a cell"),
        f"{net}:X(9)": (2, "there is no (9)"),
    }
    for data, (expected, said) in cases.items():
        code, _, err = predict(data)
        assert code == expected, (data, err)
        assert said in err, (data, err)
    assert predict(f"{net}:X(1)")[0] == 0
    assert predict(f"{net}:X{{2}}")[0] == 0


def test_nan_is_told(net, call, in_folder):
    x = np.zeros((4, 5))
    x[1, 2] = np.nan
    np.save("x.npy", x)
    code, out, err = call("predict", net, "--input", "x.npy")
    assert code == 0
    assert "holds 1 NaN" in err


def test_cards_of_the_users(call, in_folder):
    custom = saved.custom("myDouble", Name="double")
    write_mat("net.mat", {"net": saved.series_network(saved.feature_input("in", 2), custom)})
    np.save("x.npy", np.array([[1.0, 2.0]]))
    code, out, _ = call("scaffold", "net.mat", "myDouble", "-o", "cards.py")
    assert code == 0
    source = (in_folder / "cards.py").read_text()
    line = re.search("raise NotImplementedError.*", source).group()
    (in_folder / "cards.py").write_text(source.replace(line, "return ops.multiply(x, 2.0)"))
    arguments = ["--cards", "cards.py", "--input", "x.npy", "--json"]
    code, out, _ = call("predict", "net.mat", *arguments)
    assert json.loads(out)["double"] == [[2.0, 4.0]]
    assert call("convert", "net.mat", "--cards", "cards.py")[0] == 0
    code, _, err = call("scaffold", "net.mat", "other")
    assert code == 2
    code, _, err = call("convert", "net.mat", "--cards", "nowhere.py")
    assert code == 2


def test_interrupt(net, call, monkeypatch):
    import matbridge.cli.many

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(matbridge.cli.many, "read", stop)
    code, _, err = call("convert", net)
    assert code == 130
    assert "interrupted" in err


def test_layers(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = call("layers")
    assert code == 0
    row = next(line for line in out.splitlines() if line.startswith("roiAlignLayer"))
    assert "yes" in row
    assert "where in an element it takes its samples is not documented" in row
    assert "lstmLayer" in out


def test_layers_as_json(call):
    code, out, _ = call("layers", "--json")
    assert code == 0
    rows = {row["constructor"]: row for row in json.loads(out)["layers"]}
    lstm = rows["lstmLayer"]
    assert lstm["class"] == "nnet.cnn.layer.LSTMLayer"
    assert (lstm["read"], lstm["run"], lstm["evidence"]) == (True, True, "MATLAB's numbers")
    for row in rows.values():
        assert bool(row["reason"]) == (not row["run"])
        assert bool(row["evidence"]) == row["run"]
