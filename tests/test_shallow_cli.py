"""predict and verify of shallow networks from the command line, and genFunction's code."""

import json

import generated_code
import numpy as np
import pytest
from reference.shallow_network import simulate
from scipy.sparse import csc_array
from test_generated import fitnet, nar, narx

import matbridge
from matbridge.cli import run
from matbridge.matlab.file import MatFile
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat

RNG = np.random.default_rng(17)


@pytest.fixture
def folder(tmp_path):
    """A NAR network and a fitnet as code, and data for both."""
    rng = np.random.default_rng(19)
    series = [rng.normal(size=(1, 1)) for _ in range(12)]
    network, static = nar(), fitnet()
    # The settings of its output tell that the input is its feedback.
    network["inputs"] = [{"size": 1, "steps": network["outputs"][0]["steps"]}]
    (tmp_path / "nar.m").write_text(generated_code.write(network), encoding="utf-8")
    (tmp_path / "fit.m").write_text(generated_code.write(static), encoding="utf-8")
    inputs = rng.normal(size=(3, 10))
    targets = simulate(static, [[inputs]])[0][0][0] + rng.normal(size=(2, 10))
    errors = (targets - simulate(static, [[inputs]])[0][0][0]) ** 2
    record = {
        "trainInd": np.array([[1.0, 2, 3, 4, 5, 6]]),
        "valInd": np.array([[7.0, 8]]),
        "testInd": np.array([[9.0, 10]]),
        "best_perf": np.array([[errors[:, :6].mean()]]),
        "best_vperf": np.array([[errors[:, 6:8].mean()]]),
        "best_tperf": np.array([[errors[:, 8:].mean()]]),
    }
    variables = {
        "T": Cell(series, (1, 12)),
        "X": Cell(series[4:], (1, 8)),
        "Xi": Cell(series[:4], (1, 4)),
        "inputs": inputs,
        "targets": targets,
        "tr": record,
    }
    Y = simulate(network, [series[4:]], [series[:4]])[0][0]
    write_mat(tmp_path / "data.mat", {**variables, "Y": Cell(Y, (1, 8))})
    return tmp_path


def test_states_and_cells(folder, capsys):
    data = f"{folder}/data.mat"
    code = run(
        ["predict", f"{folder}/nar.m", "--input", f"{data}:X", "--initial-input-delays",
         f"{data}:Xi", "--final-states", "-o", f"{folder}/y.mat"]
    )  # fmt: skip
    assert code == 0
    written = MatFile(folder / "y.mat")
    recorded = MatFile(folder / "data.mat")
    assert written["Y"].shape == (1, 8)
    np.testing.assert_allclose(list(written["Y"]), list(recorded["Y"]), rtol=1e-12)
    assert written["Xf"].shape == (1, 4)
    assert np.array_equal(np.concatenate(written["Xf"]), np.concatenate(recorded["X"][-4:]))
    assert written["Af"].shape == (2, 0)
    verify = ["verify", f"{folder}/nar.m", "--input", f"{data}:X", "--expected", f"{data}:Y"]
    assert run([*verify, "--initial-input-delays", f"{data}:Xi", "--tolerance", "1e-13"]) == 0
    assert run(verify) == 1
    capsys.readouterr()


def test_whole_series(folder, capsys):
    data = f"{folder}/data.mat"
    assert run(["predict", f"{folder}/nar.m", "--prepare", "--input", f"{data}:T", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    recorded = MatFile(folder / "data.mat")["Y"]
    np.testing.assert_allclose(printed["y1"], list(recorded), rtol=1e-12)
    assert run(["predict", f"{folder}/nar.m", "--final-states", "--input", f"{data}:T"]) == 0
    assert "Xf{1,4}" in capsys.readouterr().out


def test_forecasts_and_other_loops(folder, capsys):
    data, code = f"{folder}/data.mat", f"{folder}/nar.m"
    assert run(["predict", code, "--input", f"{data}:T", "--forecast", "3", "--json"]) == 0
    assert np.shape(json.loads(capsys.readouterr().out)["y1"]) == (1, 3)
    assert run(["predict", code, "--close-loop", "--input", "4", "--json"]) == 0
    assert np.shape(json.loads(capsys.readouterr().out)["y1"]) == (1, 4)
    removed = ["predict", code, "--remove-delay", "1", "--prepare", "--input", f"{data}:T"]
    assert run([*removed, "--json"]) == 0
    assert np.shape(json.loads(capsys.readouterr().out)["y1"])[0] == 9


def test_series_are_verified(folder, capsys):
    data, verify = f"{folder}/data.mat", ["verify", f"{folder}/nar.m", "--tolerance", "1e-13"]
    series, network = MatFile(folder / "data.mat")["T"], matbridge.load(folder / "nar.m")
    write_mat(
        folder / "y.mat",
        {
            "y2": network.forecast(list(series), steps=3),
            "ahead": Cell(_prepared_output(network.remove_delay(), series), (1, 9)),
            "closed": Cell(_prepared_output(network.close_loop(), series), (1, 8)),
            "column": np.concatenate(series),
        },
    )
    whole = [*verify, "--input", f"{data}:T"]
    assert run([*whole, "--prepare", "--expected", f"{data}:Y"]) == 0
    assert run([*whole, "--forecast", "3", "--expected", f"{folder}/y.mat:y2"]) == 0
    other = [*whole, "--prepare", "--expected"]
    assert run([*other, f"{folder}/y.mat:ahead", "--remove-delay", "1"]) == 0
    assert run([*other, f"{folder}/y.mat:closed", "--close-loop"]) == 0
    turned = [*verify, "--input", f"{folder}/y.mat:column'", "--prepare"]
    assert run([*turned, "--expected", f"{data}:Y"]) == 0
    assert run([*other, f"{data}:Y", "--close-loop"]) == 1
    capsys.readouterr()


def _prepared_output(network, series):
    p = network.prepare(list(series))
    y = network.predict(
        *p.inputs,
        initial_input_delays=p.initial_input_delays,
        initial_layer_delays=p.initial_layer_delays,
    )
    return list(y) if isinstance(y, list) else list(y[:, None, :].T)


def test_a_training_record_of_series_is_verified(folder, capsys):
    data, network = f"{folder}/data.mat", f"{folder}/nar.m"
    series, outputs = (np.concatenate(MatFile(folder / "data.mat")[n]).T for n in ("T", "Y"))
    errors = (series[:, 4:] - outputs) ** 2
    indices = {"trainInd": np.arange(1.0, 7)[None], "valInd": np.array([[7.0, 8]])}
    worth = {"best_perf": errors[:, :6].mean(), "best_vperf": errors[:, 6:].mean()}
    write_mat(folder / "tr.mat", {"tr": {**indices, **worth, "testInd": np.zeros((1, 0))}})
    verify = ["verify", network, "--prepare", "--record", f"{folder}/tr.mat:tr"]
    assert run([*verify, "--targets", f"{data}:T"]) == 0
    assert "validation" in capsys.readouterr().out
    assert run([*verify, "--targets", f"{data}:T", "--close-loop"]) == 1
    assert run([*verify, "--targets", f"{data}:T", "--input", f"{data}:T"]) == 2
    capsys.readouterr()


def test_sparse_data_are_read(folder, capsys):
    inputs, targets = (MatFile(folder / "data.mat")[name] for name in ("inputs", "targets"))
    sparse = {"x": csc_array(inputs), "s": {"t": csc_array(targets)}}
    write_mat(folder / "sparse.mat", sparse)
    data, network = f"{folder}/sparse.mat", f"{folder}/fit.m"
    verify = ["verify", network, "--input", f"{data}:x", "--record", f"{folder}/data.mat:tr"]
    assert run([*verify, "--targets", f"{data}:s.t"]) == 0
    assert run(["predict", network, "--input", f"{data}:x(:,1:3)", "--json"]) == 0
    capsys.readouterr()
    # A few bytes of a file may say any size.
    write_mat(folder / "wide.mat", {"x": csc_array((10**6, 10**6))})
    assert run(["predict", network, "--input", f"{folder}/wide.mat:x"]) == 3
    assert "x holds more than 4096 MiB" in capsys.readouterr().err


def test_forecasts_with_inputs_to_come(folder, capsys):
    example = narx()
    example["inputs"][1] = {"size": 1, "steps": example["outputs"][0]["steps"]}
    (folder / "narx.m").write_text(generated_code.write(example), encoding="utf-8")
    network = matbridge.load(folder / "narx.m")
    rows = [layer.size for layer in network.input_layers.values()]
    x, t, later = (RNG.normal(size=size) for size in ((rows[0], 9), (rows[1], 9), (rows[0], 3)))
    write_mat(folder / "narx.mat", {"x": x, "t": t, "later": later})
    data = f"{folder}/narx.mat"
    whole = ["predict", f"{folder}/narx.m", "--input", f"{data}:x", "--input", f"{data}:t"]
    beyond = [*whole, "--json", "--future", f"{data}:later", "--forecast"]
    assert run([*beyond, "3"]) == 0
    y = network.forecast(x, t, steps=3, inputs=[later])
    assert np.array_equal(json.loads(capsys.readouterr().out)["y1"], y)
    for arguments, why in (
        ([*beyond, "4"], "the inputs to come have 3 steps, 4 are asked for"),
        ([*whole, "--forecast", "3"], "0 inputs of the steps to come are given"),
        ([*whole, "--future", f"{data}:later"], "--future goes with --forecast"),
    ):
        assert run(arguments) == 2
        printed = capsys.readouterr()
        assert why in printed.err + printed.out


def test_a_training_record_is_verified(folder, capsys):
    data = f"{folder}/data.mat"
    verify = ["verify", f"{folder}/fit.m", "--input", f"{data}:inputs", "--record", f"{data}:tr"]
    assert run([*verify, "--targets", f"{data}:targets", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["verdict"] in ("identical", "rounding")
    assert set(printed["outputs"]) == {"training", "validation", "test"}
    assert run([*verify, "--targets", f"{data}:targets"]) == 0
    assert "validation" in capsys.readouterr().out
    write_mat(folder / "other.mat", {"t": MatFile(folder / "data.mat")["targets"] + 1})
    assert run([*verify, "--targets", f"{folder}/other.mat:t"]) == 1
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["predict", "nar.m", "--input", "data.mat:T", "--forecast", "2", "--prepare"], 2,
         "--forecast prepares the series"),
        (["predict", "nar.m", "--input", "data.mat:X", "--final-states", "-o", "y.npy"], 2,
         "--final-states writes cells"),
        (["verify", "fit.m", "--input", "data.mat:inputs", "--targets", "data.mat:targets",
          "--record", "data.mat:X"], 2, "this is no training record"),
        (["verify", "fit.m", "--input", "data.mat:inputs", "--targets", "data.mat:targets",
          "--expected", "data.mat:Y"], 2, "--expected and --targets do not go together"),
        (["verify", "fit.m", "--input", "data.mat:inputs", "--targets", "data.mat:targets",
          "--targets", "data.mat:targets", "--record", "data.mat:tr"], 2, "2 targets are given"),
        (["predict", "fit.m", "--input", "5"], 2, "names no data file"),
        (["verify", "nar.m", "--input", "data.mat:T", "--forecast", "2", "--targets",
          "data.mat:T"], 2, "--forecast goes with --expected"),
        (["predict", "nar.m", "--input", "data.mat:T", "--prepare", "--format", "TC"], 2,
         "whole series are cells or R×T"),
        (["verify", "nar.m", "--targets", "data.mat:T"], 2, "Missing option '--input'"),
        (["verify", "nar.m", "--against", "nar.m", "--close-loop"], 2, "without loops changed"),
        (["verify", "nar.m", "--input", "data.mat:tr'", "--expected", "data.mat:Y"], 2,
         "only a matrix or a cell can be transposed"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(folder, capsys, monkeypatch, arguments, code, why):
    monkeypatch.chdir(folder)
    assert run(arguments) == code
    assert why in capsys.readouterr().err


def test_only_network_objects_have_states(fixtures, folder, capsys):
    network, data = f"{fixtures}/lstm_classifier.mat", f"{folder}/data.mat:inputs"
    for option in (["--final-states"], ["--initial-input-delays", data]):
        assert run(["predict", network, "--input", data, *option]) == 2
        assert f"{option[0]} is for network objects" in capsys.readouterr().err


def test_code_is_converted_and_its_edits_refused(folder, capsys):
    for name in ("nar", "fit"):
        for kind in ("onnx", "pt2", "safetensors"):
            target = f"{folder}/{name}.{kind}"
            assert run(["convert", f"{folder}/{name}.m", "-o", target]) == 0
    assert run(["inspect", f"{folder}/fit.m"]) == 0
    assert "runs" in capsys.readouterr().out
    text = (folder / "fit.m").read_text(encoding="utf-8")
    edited = text.replace("tansig_apply(repmat", "2*tansig_apply(repmat")
    (folder / "edited.m").write_text(edited, encoding="utf-8")
    assert run(["convert", f"{folder}/edited.m"]) == 4
    told = capsys.readouterr().err
    assert "edited.m:myNeuralNetworkFunction/line" in told
    assert "Restore what genFunction wrote" in told
