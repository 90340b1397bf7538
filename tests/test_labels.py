"""Class names compare by name, however MATLAB keeps them."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import layer, network_of

import matbridge
from matbridge import MismatchError
from matbridge.cli import run
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import Categorical, Cell, String, StringArray
from matbridge.matlab.file.write import write_mat
from matbridge.verify.compare import EmptyComparisonError
from matbridge.verify.decisions import judge_names
from matbridge.verify.labels import Confusion, class_names

NAMES = ["walk", "idle", "walk", "run"]
CLASSES = ("idle", "run", "walk")


def categorical(names):
    codes = np.array([[CLASSES.index(n) + 1] for n in names], np.uint8)
    return Categorical(CLASSES, codes)


FORMS = {
    "categorical": categorical,
    "cell": lambda names: Cell(names, (len(names), 1)),
    "row of cells": lambda names: Cell(names, (1, len(names))),
    "string": lambda names: StringArray(names, (len(names), 1)),
    "array": np.array,
    "objects": lambda names: np.array(names, dtype=object),
    "list": list,
    "per sequence": lambda names: Cell([categorical(names[:1]), categorical(names[1:])], (2, 1)),
}


@pytest.mark.parametrize("found", FORMS)
@pytest.mark.parametrize("expected", FORMS)
def test_any_form_agrees_with_any(found, expected):
    same = judge_names(FORMS[found](NAMES), FORMS[expected](NAMES))
    assert same.verdict == "identical"
    assert same.statistics.argmax == 1.0
    other = judge_names(FORMS[found](NAMES), FORMS[expected](["walk", "idle", "idle", "run"]))
    assert other.verdict == "different"
    assert other.statistics.argmax == 0.75
    assert other.why == "3 of 4 labels agree"


def test_confusion():
    table = Confusion.of(["a", "a", "b", "c"], ["a", "b", "b", "b"])
    assert table.classes == ("a", "b", "c")
    assert table.counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    assert table.counts.sum() == 4


def test_what_is_no_label():
    for value in (np.ones(3), [np.ones(3)], 3.0, [], ["a", 1.0], np.array(["a", 2.0], object)):
        assert class_names(value) is None
    with pytest.raises(MismatchError, match="class names are expected"):
        judge_names(np.ones(4), NAMES)
    with pytest.raises(MismatchError, match="4 labels were found, 1 expected"):
        judge_names(NAMES, ["walk"])
    with pytest.raises(EmptyComparisonError):
        judge_names(NAMES, Categorical(CLASSES, np.zeros((0, 1), np.uint8)))


def test_names_that_have_nothing_in_common_are_told():
    assert "none of the names found" in judge_names(NAMES, ["1", "2", "3", "4"]).why


@pytest.mark.parametrize("form", ["categorical", "cell", "row of cells", "string"])
def test_verify_labels_of_a_file(form, fixtures, in_folder, capsys):
    net = fixtures / "lstm_classifier.mat"
    names = [str(n) for n in matbridge.load(net).classify(read_mat(net, ["X"])["X"])]
    expected = ["--input", f"{net}:X", "--expected", "y.mat:Y", "--no-diagnosis"]
    arguments = ["verify", str(net), *expected]
    write_mat("y.mat", {"Y": FORMS[form](names)})
    assert run(arguments) == 0
    capsys.readouterr()
    wrong = [CLASSES[(CLASSES.index(names[0]) + 1) % 3], *names[1:]]
    write_mat("y.mat", {"Y": FORMS[form](wrong)})
    assert run(arguments) == 1
    out = capsys.readouterr().out
    assert "3 of 4 labels agree" in out
    assert "expected \\ found" in out
    assert run([*arguments, "--json"]) == 1
    confusion = json.loads(capsys.readouterr().out)["outputs"]["classoutput"]["confusion"]
    counts = np.array(confusion["counts"])
    assert counts.sum() == 4
    assert np.trace(counts) == 3


def test_one_label(fixtures, in_folder):
    net = fixtures / "lstm_classifier.mat"
    x = read_mat(net, ["X"])["X"][0]
    name = str(np.ravel(matbridge.load(net).classify(x))[0])
    np.save("x.npy", x)
    for value in (String(name), Cell([name], (1, 1)), categorical([name])):
        write_mat("y.mat", {"Y": value})
        assert run(["verify", str(net), "--input", "x.npy", "--expected", "y.mat"]) == 0


@pytest.fixture
def nameless(in_folder):
    """A network of three scores without class names, its data, and what it gives."""
    weights, x = np.eye(3), np.array([[3.0, 1, 2], [1, 5, 2]])
    end = layer("fullyConnectedLayer", 3, Weights=weights, Bias=np.zeros((3, 1)))
    network = network_of(end, layer("softmaxLayer"), like=x.T, format="CB")
    network.save("net.safetensors")
    names = StringArray(["b", "a", "c, d"], (3, 1))
    write_mat("data.mat", {"X": x, "classes": names, "labels": StringArray(["a", "a"], (2, 1))})
    return ["net.safetensors", "--input", "data.mat:X"], network.predict(x)


def test_classes_of_a_network_without_them(nameless, capsys):
    arguments, _ = nameless
    assert run(["predict", *arguments, "--classify"]) == 2
    assert "--classes a,b,c" in capsys.readouterr().err
    for classes, expected in (("x,y, z", ["x", "y"]), ("data.mat:classes", ["b", "a"])):
        options = ["--classify", "--classes", classes]
        assert run(["predict", *arguments, *options, "--json"]) == 0
        assert list(json.loads(capsys.readouterr().out).values()) == [expected]
        write_mat("y.mat", {"Y": Cell(expected, (2, 1))})
        assert run(["verify", *arguments, "--classes", classes, "--expected", "y.mat"]) == 0
        capsys.readouterr()
    for wrong in ("a,a,b", "a,b", "data.mat:X", "data.mat:labels"):
        assert run(["predict", *arguments, "--classify", "--classes", wrong]) == 2
    assert run(["predict", *arguments, "--classes", "a,b,c"]) == 2


def test_labels_and_scores_together(nameless, capsys):
    arguments, scores = nameless
    command = ["predict", *arguments, "--classify", "--scores", "--classes", "data.mat:classes"]
    assert run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["labels"] == ["b", "a"]
    assert np.array_equal(np.float32(told["scores"]), scores)
    for name in ("y.mat:Y", "y.npz", "y.csv"):
        assert run([*command, "-o", name]) == 0
    saved = read_mat("y.mat")
    assert list(saved["Y"]) == ["b", "a"]
    assert saved["Y"].names == ("b", "a", "c, d")
    assert np.array_equal(saved["YScores"], scores)
    with np.load("y.npz", allow_pickle=False) as arrays:
        assert arrays["Y"].tolist() == ["b", "a"]
        assert np.array_equal(arrays["YScores"], scores)
    rows = [row.split(",") for row in Path("y.csv").read_text().split()]
    assert [row[0] for row in rows] == ["b", "a"]
    assert np.allclose(np.float64([row[1:] for row in rows]), scores)
    assert run([*command, "-o", "y.npy"]) == 2
    assert run(["predict", *arguments, "--scores"]) == 2
