"""What verify shows, and what --json prints; docs/verification.md and its schema."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import matbridge
from matbridge.cli import run
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat
from matbridge.verify.verification import SCHEMA

DOCS = Path(__file__).parent.parent / "docs"
FORM = json.loads((DOCS / "verification.schema.json").read_text(encoding="utf-8"))

RIGHT = {"identical", "rounding"}


@pytest.fixture
def call(capsys, in_folder):
    def called(*arguments):
        code = run(["verify", *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out

    return called


@pytest.fixture
def told(call):
    """The code and what --json prints, which fits its schema."""

    def called(*arguments):
        code, out = call(*arguments, "--json")
        document = json.loads(out)
        jsonschema.validate(document, FORM)
        assert document["schema"] == SCHEMA
        return code, document

    return called


@pytest.fixture
def classifier(fixtures):
    return fixtures / "lstm_classifier.mat"


@pytest.fixture
def regressor(fixtures):
    return fixtures / "gru_regressor.mat"


def data_of(net):
    return ("--input", f"{net}:X", "--expected")


def wrong(net, place, change=0.01):
    y = np.array(read_mat(net, ["Y"])["Y"])
    y[place] += change
    np.save("y.npy", y)
    return (net, *data_of(net), "y.npy", "--no-diagnosis")


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(FORM)
    assert f"schema {SCHEMA}" in FORM["title"]


def test_what_passes(told, classifier, regressor):
    code, found = told(classifier, *data_of(classifier), f"{classifier}:Y")
    assert (code, found["verdict"]) == (0, "rounding")
    one = found["outputs"]["classoutput"]
    assert one["argmax"] == 1
    assert one["used"] <= one["budgets"] == 8
    assert sum(one["ulps"]) == one["elements"] == 12
    code, found = told(regressor, *data_of(regressor), f"{regressor}:Y")
    (one,) = found["outputs"].values()
    assert len(one["steps"]) == 20


def test_what_differs(told, regressor):
    code, found = told(*wrong(regressor, (1, 6)))
    assert (code, found["verdict"]) == (1, "different")
    (one,) = found["outputs"].values()
    assert one["worst"][0]["subscripts"] == [2, 7]
    assert one["worst"][0]["index"] == 2 + 2 * 6
    assert one["tolerance_needed"] == one["max_rel"]
    assert [n for n, step in enumerate(one["steps"], 1) if step > 1e-4] == [7]
    assert "record what each gives" in found["divergence"]["advice"]
    assert found["diagnosis"] is None


def test_tolerances(told, regressor):
    arguments = wrong(regressor, (1, 6))
    scale = np.abs(np.load("y.npy")).max()
    for options, code in (
        (("--tolerance", 0.0101 / scale), 0),
        (("--tolerance", 0.0099 / scale), 1),
        (("--atol", 0.0101), 0),
        (("--atol", 0.0099), 1),
        (("--rtol", 1e-9), 1),
        (("--rtol", 1e3), 0),
    ):
        got, found = told(*arguments, *options)
        assert (got, found["verdict"]) == (code, "different" if code else "close")


def test_class_names(told, classifier):
    names = [str(n) for n in matbridge.load(classifier).classify(read_mat(classifier, ["X"])["X"])]
    write_mat("names.mat", {"Y": Cell(names, (4, 1))})
    code, found = told(classifier, *data_of(classifier), "names.mat:Y")
    one = found["outputs"]["classoutput"]
    assert (code, one["verdict"]) == (0, "identical")
    assert one["margins"]["closest"] > 0
    assert "class names alone say little" in one["note"]
    other = [next(n for n in ("idle", "run", "walk") if n != names[0]), *names[1:]]
    write_mat("names.mat", {"Y": Cell(other, (4, 1))})
    code, found = told(classifier, *data_of(classifier), "names.mat:Y", "--no-diagnosis")
    one = found["outputs"]["classoutput"]
    assert (code, one["verdict"]) == (1, "different")
    assert len(one["margins"]["wrong"]) == 1


def test_several_files_and_what_fails(told, classifier, regressor, fixtures):
    code, found = told(classifier, regressor, fixtures / "cnn.mat", "--input", ":X", "--expected",
                       ":Y")  # fmt: skip
    assert (code, found["good"], found["bad"]) == (0, 3, 0)
    assert {row["about"]["verdict"] for row in found["files"]} == {"rounding"}
    code, found = told(classifier, regressor, "--input", ":X", "--expected", ":Nothing")
    assert code == 2
    assert all(row["about"]["exit_code"] == 2 for row in found["files"])
    code, found = told(classifier, "--input", ":X", "--expected", ":Nothing")
    assert code == found["error"]["exit_code"] == 2


def test_another_network(told, classifier):
    code, found = told(classifier, "--against", classifier)
    assert (code, found["verdict"]) == (0, "identical")
    assert {one["verdict"] for one in found["layers"]} <= RIGHT
    assert len(found["layers"]) > 3
    network = matbridge.load(classifier)
    fc = next(layer for layer in network.layers if layer.BUILDER == "fullyConnectedLayer")
    arrays = {**fc.arrays, "Weights": fc.arrays["Weights"] * 1.01}
    network.with_layers(fc.replace(arrays=arrays)).save("other.safetensors")
    code, found = told(classifier, "--against", "other.safetensors")
    assert (code, found["verdict"]) == (1, "different")
    assert [one["name"] for one in found["divergence"]["layers"]] == [fc.name]


def test_fixtures_and_searches(told, classifier, regressor):
    network = matbridge.load(regressor)
    x = read_mat(regressor, ["X"])["X"]
    matbridge.record(network, x, to="ref.mat", layers="all")
    code, found = told(regressor, "--fixture", "ref.mat")
    assert code == 0
    assert found["verdict"] in RIGHT
    assert {one["verdict"] for one in found["layers"]} <= RIGHT
    code, found = told(regressor)
    assert (code, found["verdict"]) == (0, "rounding")
    code, found = told(regressor, classifier)
    assert (code, found["good"]) == (0, 2)


def test_nothing_to_verify_against_is_no_pass(call, told, regressor):
    network = matbridge.load(regressor)
    network.save("net.safetensors")
    np.save("empty.npy", np.zeros((0, 2)))
    data = ("--input", f"{regressor}:X")
    assert told("net.safetensors", *data)[0] == 5
    assert told("net.safetensors", *data, "--expected", "empty.npy")[0] == 5
    code, found = told("net.safetensors")
    assert code == 5
    assert found.get("verdict", "not verified") == "not verified"
    code, found = told("net.safetensors", "net.safetensors", "--input", f"{regressor}:X",
                       "--expected", "empty.npy")  # fmt: skip
    assert (code, found["good"]) == (5, 0)


# -- the terminal --------------------------------------------------------------------------------


def test_the_verdict_comes_first_and_fits(call, regressor, classifier, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out = call(*wrong(regressor, (1, 6)))
    lines = out.splitlines()
    assert lines[0].startswith("different: off by 0.0067 of the largest value, single precision")
    assert "\x1b" not in out
    assert max(map(len, lines)) <= 80
    assert "(2,7) is " in out
    assert "wrong from time step 7 of 20 on" in out
    code, out = call(classifier, *data_of(classifier), f"{classifier}:Y")
    assert out.startswith("rounding: off by ")
    assert "would be needed" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_an_element_of_a_cell(call, regressor):
    network, x = matbridge.load(regressor), read_mat(regressor, ["X"])["X"]
    y = [np.array(one) for one in network.predict([x, x[:, :5]])]
    y[1][0, 3] += 1
    write_mat("data.mat", {"X": Cell([x, x[:, :5]], (2, 1)), "Y": Cell(y, (2, 1))})
    code, out = call(regressor, "--input", "data.mat:X", "--expected", "data.mat:Y",
                     "--no-diagnosis")  # fmt: skip
    assert code == 1
    assert "{2}(1,4) is " in out


def test_many_classes_and_unequal_nan_are_told(call, regressor):
    y = np.array(read_mat(regressor, ["Y"])["Y"])
    y[0, 0] = np.nan
    np.save("y.npy", y)
    code, out = call(regressor, *data_of(regressor), "y.npy", "--no-diagnosis", "--tolerance", 1e9)
    assert code == 1
    assert "1 values are NaN or Inf on one side alone" in out
