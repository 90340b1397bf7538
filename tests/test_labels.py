"""Class names compare by name, however MATLAB keeps them."""

import json

import numpy as np
import pytest

import matbridge
from matbridge import MismatchError
from matbridge.cli import run
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import Categorical, Cell, String, StringArray
from matbridge.matlab.file.write import write_mat
from matbridge.verify.compare import EmptyComparisonError, compare
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
    same = compare(FORMS[found](NAMES), FORMS[expected](NAMES))
    assert same.agree
    assert same.share == 1.0
    other = compare(FORMS[found](NAMES), FORMS[expected](["walk", "idle", "idle", "run"]))
    assert not other.agree
    assert other.share == 0.75
    assert other.note == "3 of 4 labels agree"


def test_confusion():
    table = Confusion.of(["a", "a", "b", "c"], ["a", "b", "b", "b"])
    assert table.classes == ("a", "b", "c")
    assert table.counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    assert table.counts.sum() == 4


def test_what_is_no_label():
    for value in (np.ones(3), [np.ones(3)], 3.0, [], ["a", 1.0], np.array(["a", 2.0], object)):
        assert class_names(value) is None
    with pytest.raises(MismatchError, match="class names are expected"):
        compare(np.ones(4), NAMES)
    with pytest.raises(MismatchError, match="4 labels were found, 1 expected"):
        compare(NAMES, ["walk"])
    with pytest.raises(EmptyComparisonError):
        compare(NAMES, Categorical(CLASSES, np.zeros((0, 1), np.uint8)))


def test_names_that_have_nothing_in_common_are_told():
    assert "none of the names found" in compare(NAMES, ["1", "2", "3", "4"]).note


@pytest.mark.parametrize("form", ["categorical", "cell", "row of cells", "string"])
def test_verify_labels_of_a_file(form, fixtures, in_folder, capsys):
    net = fixtures / "lstm_classifier.mat"
    names = [str(n) for n in matbridge.load(net).classify(read_mat(net, ["X"])["X"])]
    arguments = ["verify", str(net), "--input", f"{net}:X", "--expected", "y.mat:Y"]
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
