"""Saved objects of every form: what is made of them, and what is said where that fails."""

import numpy as np
import pytest
import saved
from helpers import assert_close

import matbridge
from matbridge import Layer, UnsupportedError
from matbridge.cli import run
from matbridge.core.card import prop
from matbridge.core.kinds import number
from matbridge.inspect.summary import summarize
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file.values import Cell, Map, MatObject
from matbridge.matlab.file.write import write_mat


def loaded(folder, *layers, registry=None):
    """The network of these saved layers, written and read again."""
    write_mat(folder / "net.mat", {"net": saved.series_network(*layers)})
    return matbridge.load(folder / "net.mat", registry=registry)


# -- Normalization -----------------------------------------------------------------------------

LOW, HIGH = np.float32([[1], [-2], [0]]), np.float32([[3], [2], [10]])
INPUTS = {"SequenceInputLayer": "CT", "FeatureInputLayer": "BC"}


def rescaled(kind, target, wrap):
    """An input layer as MATLAB saves it with Normalization rescale-..."""
    normalization = {
        "Version": saved.number(1),
        "Type": "rescale",
        "ImageSize": saved.number(3),
        "Min": LOW,
        "Max": HIGH,
        "TargetMin": saved.number(target[0]),
        "TargetMax": saved.number(target[1]),
    }
    return saved.layer(
        kind, 4, Name="in", InputSize=saved.number(3), Normalization=wrap(normalization)
    )


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("target", [(0, 1), (-1, 1)])
@pytest.mark.parametrize("wrap", [dict, lambda n: MatObject("normalization", n)])
def test_rescale_is_told_by_its_target(kind, target, wrap, tmp_path):
    network = loaded(tmp_path, rescaled(kind, target, wrap), saved.relu("out"))
    name = {0: "rescale-zero-one", -1: "rescale-symmetric"}[target[0]]
    assert network["in"].normalization == name
    x = np.random.default_rng(1).uniform(-5, 12, (3, 4))
    y = (x - LOW) / (HIGH - LOW) * (target[1] - target[0]) + target[0]
    turned = (lambda a: a) if INPUTS[kind] == "CT" else np.transpose
    found = network.predict(turned(x), dtype="float64")
    assert_close(found, np.maximum(turned(y), 0))


def test_rescale_to_another_target_is_refused(tmp_path):
    network = loaded(tmp_path, rescaled("SequenceInputLayer", (0, 5), dict))
    with pytest.raises(UnsupportedError, match=r"rescales to \[0.0, 5.0\]"):
        network.predict(np.zeros((3, 4)))


# -- what cannot be read is not called custom ------------------------------------------------------


def test_a_built_in_layer_that_cannot_be_read_says_why(tmp_path):
    odd = saved.layer("LeakyReLULayer", 1, Name="odd", Scale="wide")
    network = loaded(tmp_path, saved.feature_input("in", 2), odd)
    said = "LeakyReLULayer cannot be read: Scale: a number is needed, not str"
    assert [d.what for d in network.report] == [said]
    with pytest.raises(UnsupportedError, match=said) as caught:
        network.predict(np.zeros((1, 2)))
    assert "card" not in str(caught.value)
    (summary,) = summarize(read_contents(tmp_path / "net.mat"))["networks"]
    assert summary["layers"][1]["status"] == "cannot be read"
    assert len(summary["problems"]) == 1


@pytest.mark.parametrize(
    ("class_name", "status", "said"),
    [
        ("nnet.cnn.layer.NeverSeenLayer", "not supported", "MATLAB's nnet.cnn.layer.NeverSeen"),
        ("myLayer", "custom", "does not know the layer class myLayer"),
    ],
)
def test_only_the_users_own_layers_are_custom(class_name, status, said, tmp_path):
    network = loaded(tmp_path, saved.feature_input("in", 2), saved.custom(class_name, Name="a"))
    assert network["a"].status == status
    with pytest.raises(UnsupportedError, match=said):
        network.predict(np.zeros((1, 2)))


def test_a_users_card_that_cannot_read_its_layer(tmp_path):
    class Mine(Layer):
        MATLAB = ("my.Layer",)
        power: float = prop("Power", number)

    layers = saved.feature_input("in", 2), saved.custom("my.Layer", Name="mine")
    network = loaded(tmp_path, *layers, registry=[Mine])
    with pytest.raises(UnsupportedError, match="the property Power is missing") as caught:
        network.predict(np.zeros((1, 2)))
    assert caught.value.mend == "Mend its card."


# -- nothing that is saved is dropped ------------------------------------------------------------

NEUTRAL = [saved.EMPTY, saved.number(0), saved.logical(False), "", "auto", "none", Cell([], (0, 0))]
TELLING = [saved.number(2), saved.logical(True), "fancy", Cell(["a"], (1, 1)), {"a": 1}]


def with_property(value):
    one = saved.relu("relu")
    one.properties["any"]["Novelty"] = value
    return saved.feature_input("in", 2), one


@pytest.mark.parametrize("value", NEUTRAL, ids=repr)
def test_an_unknown_property_that_is_off_is_a_note(value, tmp_path):
    (told,) = loaded(tmp_path, *with_property(value)).report
    assert told.level == "note"


@pytest.mark.parametrize("value", TELLING, ids=repr)
def test_any_other_unknown_property_warns(value, tmp_path):
    (told,) = loaded(tmp_path, *with_property(value)).report
    assert told.level == "warning"
    assert "Novelty" in told.what
    assert "may differ" in told.what


def test_warnings_are_seen_in_every_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    loaded(tmp_path, *with_property(saved.number(2)))
    np.save("x.npy", np.ones((1, 2)))
    for command in (
        ["inspect", "net.mat"],
        ["inspect", "net.mat", "--json"],
        ["convert", "net.mat", "-o", "net.safetensors"],
        ["convert", "net.mat", "-o", "again.safetensors", "--json"],
        ["predict", "net.mat", "--input", "x.npy"],
        ["predict", "net.mat", "--input", "x.npy", "--json"],
    ):
        assert run(command) == 0
        out, err = capsys.readouterr()
        assert "Novelty" in out + err, command
        assert "may differ" in out + err, command


def test_unknown_properties_of_networks_warn(tmp_path):
    network = saved.dlnetwork([("in", "relu")], ["relu"], *with_property(saved.EMPTY))
    network.properties["any"]["Precision"] = "half"
    write_mat(tmp_path / "net.mat", {"net": network})
    warnings = [d for d in matbridge.load(tmp_path / "net.mat").report if d.level == "warning"]
    assert ["Precision" in d.what for d in warnings] == [True]


@pytest.mark.parametrize("data", [Map({"relu": "int8"}), {"Layers": saved.number(1)}])
def test_quantization_is_reported(data, tmp_path):
    network = saved.dlnetwork([("in", "relu")], ["relu"], *with_property(saved.EMPTY))
    network.properties["any"]["SerializedQuantizationInfo"]["data"] = data
    write_mat(tmp_path / "net.mat", {"net": network})
    warnings = [d for d in matbridge.load(tmp_path / "net.mat").report if d.level == "warning"]
    assert ["quantized" in d.what for d in warnings] == [True]


def test_a_known_property_that_is_not_honoured_is_an_error(tmp_path):
    one = saved.layer(
        "TransposedConvolution2DLayer",
        2,
        Name="up",
        FilterSize=saved.number(2, 2),
        NumFilters=saved.number(3),
        NumChannels=saved.number(1),
        OutputSizeOffset=saved.number(1, 0),
    )
    network = loaded(tmp_path, saved.image_input("in", 4, 4, 1), one)
    with pytest.raises(UnsupportedError, match="OutputSizeOffset is .* only 0 is supported"):
        network.predict(np.zeros((4, 4)))
