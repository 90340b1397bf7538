"""Saved objects of every form: what is made of them, and what is said where that fails."""

import numpy as np
import pytest
import saved
from helpers import assert_close

import matbridge
from matbridge import Layer, UnsupportedError
from matbridge.cli.inspect import describe
from matbridge.core.card import prop
from matbridge.core.kinds import number
from matbridge.core.registry import Registry
from matbridge.matlab.file.values import MatObject
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
    (summary,) = describe(tmp_path / "net.mat", Registry.builtin(), 1 << 30)["networks"]
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
