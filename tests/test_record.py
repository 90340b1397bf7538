"""matbridge record, and verify on what it wrote: alone, in folders, beside the network."""

import json
import shutil

import numpy as np
import pytest

import matbridge
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat
from matbridge.verify.judge import verify_case

RNG = np.random.default_rng(0)


@pytest.fixture
def here(fixtures, in_folder):
    """A folder with two networks and data for one of them."""
    for name in ("lstm_classifier", "cnn"):
        shutil.copy(fixtures / f"{name}.mat", in_folder)
    x = Cell([RNG.standard_normal((4, n)).astype(np.float32) for n in (5, 3, 5)], (3, 1))
    write_mat(in_folder / "data.mat", {"X": x, "sig": 2.0, "mu": np.array([[1.0, 2.0, 3.0]])})
    return in_folder


@pytest.fixture
def recorded(here, call):
    code, out, err = call(
        "record", "lstm_classifier.mat", "--input", "data.mat:X", "--layers", "all", "-o", "ref.mat"
    )
    assert code == 0, err
    assert out == "ref.mat: 1 output, 5 layers\n"
    return here


@pytest.mark.parametrize(
    "words",
    [
        ("lstm_classifier.mat", "--fixture", "ref.mat"),
        ("ref.mat",),
        (".",),
        ("lstm_classifier.mat", "--fixture", "."),
    ],
)
def test_what_was_recorded_verifies(words, recorded, call):
    (recorded / "cnn.mat").unlink()
    (recorded / "data.mat").unlink()
    code, out, err = call("verify", *words)
    assert code == 0, err + out
    assert "identical" in out or "rounding" in out


def test_a_network_that_computes_something_else(recorded, call):
    network = matbridge.load("lstm_classifier.mat")
    bias = network["fc"].arrays["Bias"] + np.float32(0.01)
    changed = network["fc"].replace(arrays={**network["fc"].arrays, "Bias": bias})
    network.with_layers(changed).save("lstm_classifier.mat", force=True)
    code, out, _ = call("verify", "ref.mat", "--json", "--no-diagnosis")
    assert code == 1
    document = json.loads(out)
    assert document["verdict"] == "different"
    assert any("has changed since the fixture was recorded" in n for n in document["notes"])
    code, out, _ = call("verify", "ref.mat", "ref.mat", "lstm_classifier.mat", "--no-diagnosis")
    assert code == 1


def test_the_network_stands_in_the_fixture(recorded, call):
    words = ("cnn.mat", "--seed", "3", "--keep-network", "--json", "-o", "whole.mat")
    code, out, _ = call("record", *words)
    assert code == 0
    document = json.loads(out)
    assert document["output"] == "whole.mat"
    assert document["inputs"] == ["imageinput"]
    (recorded / "cnn.mat").unlink()
    assert call("verify", "whole.mat")[0] == 0
    again = matbridge.load("whole.mat", "net")
    assert again.class_name == "SeriesNetwork"


def test_the_same_number_gives_the_same_inputs(here, call):
    for name, seed in (("a.mat", 1), ("b.mat", 1), ("c.mat", 2)):
        assert call("record", "cnn.mat", "--seed", seed, "-o", name)[0] == 0
    a, b, c = (read_mat(name, ["input1"])["input1"] for name in ("a.mat", "b.mat", "c.mat"))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_options_of_predict_are_kept(here, call):
    words = ("--sequence-length", "longest", "--mini-batch-size", "2")
    code, _, err = call(
        "record", "lstm_classifier.mat", "--input", "data.mat:X", *words, "-o", "ref.mat"
    )
    assert code == 0, err
    options = read_mat("ref.mat", ["fixture"])["fixture"]["options"]
    assert options["SequenceLength"] == "longest"
    assert options["MiniBatchSize"] == 2
    assert call("verify", "ref.mat")[0] == 0
    # Run exactly, the padded sequence gives something else.
    variables = read_mat("ref.mat")
    del variables["fixture"]["options"]
    write_mat("ref.mat", variables)
    assert call("verify", "ref.mat", "--no-diagnosis")[0] == 1


def test_from_zero_states(here, call):
    network = matbridge.load("lstm_classifier.mat")
    state = {"lstm": {"HiddenState": np.ones((10, 1), np.float32)}}
    network.with_states(state).save("lstm_classifier.mat", force=True)
    words = ("record", "lstm_classifier.mat", "--input", "data.mat:X{1}")
    assert call(*words, "-o", "saved.mat")[0] == 0
    assert call(*words, "--reset-state", "-o", "zero.mat")[0] == 0
    saved, zero = matbridge.read_fixture("saved.mat"), matbridge.read_fixture("zero.mat")
    assert np.array_equal(saved.initial_states["lstm"]["HiddenState"], np.ones((10, 1)))
    assert zero.start == "zero"
    assert np.abs(saved.outputs[0] - zero.outputs[0]).max() > 1e-4
    assert call("verify", "saved.mat")[0] == call("verify", "zero.mat")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--input", "data.mat:X", "-o", "lstm_classifier.mat", "--force"), 2, "is read by the"),
        (("--input", "data.mat:X", "-o", "data.mat", "--force"), 2, "is read by the same call"),
        (("--input", "data.mat:X", "-o", "ref.mat"), 2, "already there\n  Say --force to"),
        (("-o", "new.mat"), 2, "either --input or --seed"),
        (("--input", "data.mat:X", "--seed", "1", "-o", "new.mat"), 2, "either --input or --seed"),
        (("--seed", "1", "-o", "new.npz"), 2, "a fixture is a .mat"),
        (("--seed", "1", "--layers", "lsmt", "-o", "new.mat"), 2, "Did you mean 'lstm'?"),
        (("--seed", "1"), 2, "'-o'"),
    ],
)
def test_what_cannot_be_recorded(words, code, said, recorded, call):
    before = {path: path.read_bytes() for path in recorded.iterdir()}
    found, _, err = call("record", "lstm_classifier.mat", *words)
    assert (found, said in err) == (code, True), err
    assert {path: path.read_bytes() for path in recorded.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("cnn.mat", "--fixture", "ref.mat"), 2, "recorded of a SeriesNetwork lstm_classifier"),
        (("cnn.mat", "--fixture", "data.mat"), 3, "this is no fixture"),
        (("cnn.mat", "--fixture", "none.mat"), 3, "No such file"),
        (("cnn.mat", "--fixture", "empty"), 3, "holds no"),
        (("cnn.mat", "--fixture", "ref.mat", "--expected", ":Y"), 2, "--expected and --fixture"),
        (("data.mat", "--expected-transform", "y"), 2, "goes with --expected"),
        (("away/ref.mat",), 2, "names lstm_classifier.mat, which is not beside it"),
    ],
)
def test_what_cannot_be_verified(words, code, said, recorded, call):
    (recorded / "empty").mkdir()
    (recorded / "away").mkdir()
    shutil.copy(recorded / "ref.mat", recorded / "away")
    found, _, err = call("verify", *words)
    assert (found, said in err) == (code, True), err


def test_rows_of_several_fixtures(recorded, call):
    """One of another network, one damaged: the rest goes on, and the exit code tells."""
    assert call("record", "cnn.mat", "--seed", "1", "-o", "image.mat")[0] == 0
    (recorded / "bad.mat").write_bytes((recorded / "ref.mat").read_bytes()[:-200])
    words = ("--fixture", "ref.mat", "--fixture", "image.mat", "--fixture", "bad.mat")
    code, out, err = call("verify", "lstm_classifier.mat", *words, "--json")
    rows = json.loads(out)["files"]
    assert [row["exit_code"] for row in rows] == [0, 2, 3]
    assert "1/3 ref.mat" in err
    assert code
    (recorded / "bad.mat").unlink()
    (recorded / "data.mat").unlink()
    code, out, _ = call("verify", ".", "--json")
    rows = {row["file"]: row["exit_code"] for row in json.loads(out)["files"]}
    # The networks are verified with their fixtures, not by themselves.
    assert rows == {"image.mat": 0, "ref.mat": 0}
    assert code == 0


def test_a_transform_of_loose_variables(here, call):
    network = matbridge.load("lstm_classifier.mat")
    data = read_mat("data.mat")
    scores = network.predict(data["X"])
    kept = scores * 2 + np.array([1.0, 2.0, 3.0])
    write_mat("kept.mat", {"Y": kept, "ps": {"gain": 2.0}})
    words = ("verify", "lstm_classifier.mat", "--input", "data.mat:X", "--expected", "kept.mat:Y")
    assert call(*words, "--no-diagnosis")[0] == 1
    # sig and mu are not in kept.mat, but in the file of the input.
    code, out, err = call(*words, "--expected-transform", "y*sig + mu")
    assert code == 0, out + err
    assert call(*words, "--expected-transform", "y.*ps.gain + mu(1, :)")[0] == 0
    code, _, err = call(*words, "--expected-transform", "y*sgi + mu")
    assert code == 2
    assert "nothing is known by the name 'sgi'" in err
    code, _, err = call(*words, "--expected-transform", "y*sig +")
    assert code == 2
    assert "y*sig +>>>" in err


def test_layers_between_which_observations_cannot_be_told(fixtures, tmp_path):
    """Of a network that folds its sequences, the layers at which they can are kept."""
    network = matbridge.load(fixtures / "video_classification.mat")
    fixture = matbridge.record(network, to=tmp_path / "ref.mat", layers="all")
    assert 0 < len(fixture.activations) < len(network.layers)
    with pytest.raises(matbridge.MismatchError, match="does not fit"):
        matbridge.record(network, np.ones((2, 2)), to=tmp_path / "other.mat", layers="all")


def test_a_shallow_network(tmp_path):
    from shallow_nets import data, network, random_structure, series

    draw = np.random.default_rng(4)
    structure = random_structure(draw)
    shallow = network(structure)
    inputs = data(shallow, series(draw, structure, 12))
    fixture = matbridge.record(shallow, inputs, to=tmp_path / "ref.mat", layers="all")
    assert set(fixture.activations) >= {"a{1}"}
    case = matbridge.read_fixture(tmp_path / "ref.mat").case(shallow)
    assert verify_case(case).verdict in ("identical", "rounding")
