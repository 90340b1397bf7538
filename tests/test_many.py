"""Several files with one command."""

import itertools
import json
import re

import numpy as np
import pytest
import saved

from matbridge.matlab.file.write import write_mat

QUICK = ["--no-diagnosis"]


@pytest.fixture
def folder(fixtures, in_folder):
    """Two good networks, one that is damaged, one without layers' code, and a note."""
    inner = in_folder / "models" / "inner"
    inner.mkdir(parents=True)
    for name, place in (("lstm_classifier", inner.parent), ("gru_regressor", inner)):
        (place / f"{name}.mat").write_bytes((fixtures / f"{name}.mat").read_bytes())
    (inner / "cut.mat").write_bytes((fixtures / "cnn.mat").read_bytes()[:900])
    write_mat(
        inner / "custom.mat",
        {"net": saved.series_network(saved.feature_input("in", 2), saved.custom("my", Name="m"))},
    )
    (inner / "notes.txt").write_text("no network")
    (inner / ".hidden").mkdir()
    (inner / ".hidden" / "net.mat").write_text("no network")
    return "models"


def rows(out):
    return {row["file"].rpartition("/")[2].rpartition("\\")[2]: row for row in out["files"]}


def test_inspect_a_folder(folder, call):
    code, out, err = call("inspect", folder)
    assert code == 4
    assert "SeriesNetwork, 6 layers" in out
    assert "4 in all, 2 good, 2 not" in out
    assert "1/4" in err
    assert "hidden" not in out
    code, out, _ = call("inspect", folder, "--json")
    found = json.loads(out)
    assert (found["good"], found["bad"]) == (2, 2)
    assert {name: row["exit_code"] for name, row in rows(found).items()} == {
        "lstm_classifier.mat": 0,
        "gru_regressor.mat": 0,
        "cut.mat": 3,
        "custom.mat": 4,
    }
    assert rows(found)["gru_regressor.mat"]["about"]["runnable"]


def test_convert_goes_on_after_an_error(folder, call, in_folder):
    (in_folder / "out").mkdir()
    code, out, _ = call("convert", folder, "--to", "onnx", "-o", "out")
    assert code in (3, 4)
    assert "4 in all, 2 good, 2 not" in out
    names = sorted(path.name for path in (in_folder / "out").iterdir())
    assert names == ["gru_regressor.onnx", "lstm_classifier.onnx"]
    code, out, _ = call("convert", folder, "--to", "onnx", "-o", "out", "--json")
    found = rows(json.loads(out))
    assert "already there" in found["lstm_classifier.mat"]["outcome"]
    code, _, err = call("convert", folder, "--to", "onnx", "-o", "nowhere")
    assert code == 2
    assert "no such folder" in err


def test_two_of_one_name_are_not_written_over_each_other(fixtures, call, in_folder):
    for name in ("a", "b"):
        (in_folder / name).mkdir()
        (in_folder / name / "net.mat").write_bytes((fixtures / "lstm_classifier.mat").read_bytes())
    code, out, _ = call("convert", "a", "b", "--to", "safetensors", "--force")
    assert code == 2
    assert "another network was just written there" in out
    assert (in_folder / "net.safetensors").is_file()


def test_every_network_of_a_file(call, in_folder):
    def one(seed):
        weights = np.random.default_rng(seed).standard_normal((2, 3))
        fc = saved.fully_connected("fc", weights, np.zeros((2, 1)))
        return saved.series_network(saved.feature_input("in", 3), fc)

    agent = saved.custom("agent", Actor=one(1), Critic=one(2))
    write_mat("agent.mat", {"agent": agent, "net": one(3)})
    code, out, err = call("convert", "agent.mat", "--all", "--to", "safetensors")
    assert code == 0, out + err
    assert sorted(path.name for path in in_folder.glob("*.safetensors")) == [
        "agent-agent.Actor.safetensors",
        "agent-agent.Critic.safetensors",
        "agent-net.safetensors",
    ]
    code, _, err = call("convert", "agent.mat", "--all", "--network", "net")
    assert code == 2
    assert call("inspect", "agent.mat", "--all")[1].count("runs") == 3


def test_verify_files_that_hold_their_own_data(folder, fixtures, call, in_folder):
    code, out, _ = call("verify", folder, "--input", ":X", "--expected", ":Y", "--json")
    found = rows(json.loads(out))
    assert code in (2, 3, 4)
    assert found["lstm_classifier.mat"]["about"]["verdict"] == "rounding"
    assert found["gru_regressor.mat"]["exit_code"] == 0
    assert found["custom.mat"]["exit_code"] != 0
    paths = [fixtures / "lstm_classifier.mat", fixtures / "gru_regressor.mat"]
    code, out, _ = call("verify", *paths, "--input", ":X", "--expected", ":Y")
    assert code == 0
    assert "2 in all, 2 good, 0 not: 2 rounding" in out
    # That one differs is told, and does not end the rest.
    np.save("y.npy", np.zeros((4, 3)))
    code, out, _ = call("verify", *paths, "--input", ":X", "--expected", "y.npy", *QUICK)
    assert code == 1
    assert "different: " in out
    assert "gru_regressor.mat" in out


def test_verdicts_fit_eighty_columns(folder, fixtures, call, in_folder, monkeypatch):
    """Figures stay whole, long names fold; what does not pass is told in words below."""
    monkeypatch.setenv("COLUMNS", "80")
    long = in_folder / "models" / ("a-name-that-nobody-would-choose-" * 3 + ".mat")
    long.write_bytes((fixtures / "lstm_classifier.mat").read_bytes())
    write_mat("y.mat", {"Y": np.full((4, 3), 9.0)})
    code, out, _ = call("verify", folder, "--input", ":X", "--expected", "y.mat:Y", *QUICK)
    assert code == 1
    assert max(map(len, out.split("\n"))) <= 80
    lines = [line.split() for line in out.split("\n")]
    assert lines[0] == ["File", "Network", "Verdict", "Max", "rel", "Budgets", "Time"]
    row = next(line for line in lines if line[:1] == ["lstm_classifier.mat"])
    assert row[1:3] == ["net", "different"]
    assert 0.5 < float(row[3]) < 1.5
    assert "lstm_classifier.mat: different: " in out
    assert "5 in all, 0 good, 5 not: " in out
    assert "2 different" in out


def test_that_one_differs_is_the_exit_code(fixtures, call, in_folder):
    """Whatever else went wrong before it."""
    (in_folder / "a.mat").write_bytes(b"nothing")
    np.save("y.npy", np.zeros((4, 3)))
    paths = ["a.mat", fixtures / "lstm_classifier.mat"]
    code, out, _ = call("verify", *paths, "--input", ":X", "--expected", "y.npy", *QUICK)
    assert code == 1
    assert "1 different, 1 error" in out or "1 error, 1 different" in out


def test_how_long_the_rest_takes_is_told(fixtures, call, in_folder, monkeypatch):
    ticks = itertools.count(0, 4)
    monkeypatch.setattr("matbridge.cli.many.time.perf_counter", lambda: float(next(ticks)))
    for name in "abc":
        (in_folder / f"{name}.mat").write_bytes((fixtures / "lstm_classifier.mat").read_bytes())
    err = call("inspect", "a.mat", "b.mat", "c.mat")[2]
    assert "1/3 a.mat\n" in err
    assert re.search(r"2/3 b.mat \(about \d+ s left\)", err)


def test_an_empty_folder(call, in_folder):
    (in_folder / "empty").mkdir()
    for command in ("inspect", "convert"):
        code, _, err = call(command, "empty")
        assert code == 3
        assert "no file that matbridge reads" in err


def test_saturated_scores_are_told(call, in_folder):
    fc = saved.fully_connected("fc", 1e3 * np.eye(2), np.zeros((2, 1)))
    softmax = saved.layer("SoftmaxLayer", 1, Name="softmax")
    write_mat("net.mat", {"net": saved.series_network(saved.feature_input("in", 2), fc, softmax)})
    for x, told in ((np.eye(2), True), (np.eye(2) * 1e-3, False)):
        np.save("x.npy", x)
        assert call("predict", "net.mat", "--input", "x.npy", "-o", "y.npy", "--force")[0] == 0
        code, out, _ = call("verify", "net.mat", "--input", "x.npy", "--expected", "y.npy")
        assert code == 0
        assert ("saturated" in out) == told


def test_arrays_that_are_no_numbers_are_told(call, in_folder):
    weights = np.eye(2)
    weights[0, 0] = np.nan
    fc = saved.fully_connected("fc", weights, np.zeros((2, 1)))
    write_mat("net.mat", {"net": saved.series_network(saved.feature_input("in", 2), fc)})
    code, _, err = call("convert", "net.mat", "--to", "onnx")
    assert code == 0
    assert "warning: fc/Weights" in err or "warning: fc.Weights" in err
    assert "NaN or Inf" in err
