"""Layers and networks as MATLAB's objects, and back: nothing is lost, nothing changes."""

import contextlib
import dataclasses

import numpy as np
import pytest
import saved
from examples import EXAMPLES
from helpers import layer
from same import assert_same

import matbridge
from matbridge import Network
from matbridge.core.diagnostics import Report
from matbridge.core.registry import Registry, Unknown
from matbridge.errors import UnsupportedError
from matbridge.layers import CARDS
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.write import write_mat
from matbridge.matlab.layer import read_layer
from matbridge.matlab.origin import is_placeholder
from matbridge.matlab.saving import same, save_layer, save_network

each = pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{i}-{e.builder}" for i, e in enumerate(EXAMPLES)]
)


def made(example):
    return layer(example.builder, *example.positional, **example.named, Name="layer")


def read(found):
    report = Report()
    again = read_layer(found, Registry.builtin(), report, "net")
    assert not list(report), list(report)
    return again


def assert_identical(again, one):
    """Every property, array and training option of the two."""
    assert type(again) is type(one)
    for name in ("name", "description", *one.properties()):
        assert same(getattr(again, name), getattr(one, name)), name
    assert set(again.arrays) == set(one.arrays)
    for name, array in one.arrays.items():
        assert again.arrays[name].dtype == array.dtype
        assert same(again.arrays[name], array), name


@each
def test_a_layer_is_saved_and_read_back(example):
    one = made(example)
    assert_identical(read(save_layer(one)), one)


@each
def test_what_was_read_is_saved_as_it_was(example):
    """Twice: the second object is the first one again."""
    first = save_layer(made(example))
    assert_same(save_layer(read(first)), first)


@each
def test_properties_are_read_back_from_json(example):
    one = made(example)
    for field, known in one.properties().items():
        value = getattr(one, field)
        assert same(known.kind.from_json(known.kind.to_json(value)), value), known.name


@each
def test_properties_are_shown_as_matlab_writes_them(example):
    one = made(example)
    for field, known in one.properties().items():
        shown = known.kind.show(getattr(one, field))
        assert shown
        assert "\n" not in shown


def test_every_default_of_every_card_is_a_value_of_its_kind():
    for card in CARDS:
        for field in dataclasses.fields(card):
            known = field.metadata.get("matlab")
            if known is None or known.required:
                continue
            value = known.kind(known.default) if known.default is not None else None
            assert same(known.kind.from_saved(known.kind.to_saved(value)), value), (
                card,
                field.name,
            )


def test_changed_layers_are_saved_as_they_are_now():
    before = saved.convolution("conv", np.ones((3, 3, 2, 4)), np.zeros(4), padding="same")
    layer_now = read(before).replace(stride=(2, 1), padding=((1, 0), (2, 3)))
    again = read(save_layer(layer_now))
    assert again.stride == (2, 1)
    assert again.padding == ((1, 0), (2, 3))
    weights = np.arange(72, dtype=np.float32).reshape(3, 3, 2, 4)
    trained = layer_now.replace(arrays={**layer_now.arrays, "Weights": weights})
    assert np.array_equal(read(save_layer(trained)).arrays["Weights"], weights)


def test_trained_weights_go_into_the_object_that_was_read():
    """Its version, learn rates and bookkeeping stay; only the numbers change."""
    before = saved.lstm("lstm", np.ones((8, 3)), np.ones((8, 2)), np.zeros((8, 1)))
    before.properties["any"]["Version"] = saved.number(4)
    before.properties["any"]["InputWeights"]["LearnRateFactor"] = saved.number(7)
    layer_now = read(before)
    weights = np.full((8, 3), 2, np.float32)
    after = save_layer(layer_now.replace(arrays={**layer_now.arrays, "InputWeights": weights}))
    assert after.saved["Version"] == 4
    assert after.saved["InputWeights"]["LearnRateFactor"] == 7
    assert np.array_equal(after.saved["InputWeights"]["Value"], weights)
    after.saved["InputWeights"]["Value"] = before.saved["InputWeights"]["Value"]
    assert_same(after, before)


def test_what_is_kept_takes_no_memory_for_weights():
    one = read(saved.fully_connected("fc", np.ones((50, 40)), np.zeros((50, 1))))
    value = one.origin.saved["Weights"]["Value"]
    assert is_placeholder(value)
    assert value.shape == (50, 40)


def test_layers_without_a_card_are_saved_as_they_were():
    mine = saved.custom("mine", Name="a", Alpha=np.ones((2, 3)), Description="x", Version=1.5)
    hidden = saved.layer("nnet.cnn.layer.NeverSeenLayer", 7, Name="b", Gain=saved.number(3))
    for found in (mine, hidden):
        again = save_layer(read_layer(found, Registry.builtin(), Report(), "net"))
        assert again.class_name == found.class_name
        assert dict(again.saved) == dict(found.saved) or again.saved.keys() == found.saved.keys()
        assert again.saveobj == found.saveobj


def test_networks_of_every_kind(tmp_path, fixtures):
    """Each fixture is saved, written and read, and computes the same."""
    for path in sorted(fixtures.glob("*.mat")):
        for network in read_contents(path).networks.values():
            write_mat(tmp_path / "again.mat", {"net": save_network(network)})
            again = matbridge.load(tmp_path / "again.mat")
            assert [x.name for x in again.layers] == [x.name for x in network.layers], path.name
            assert set(again.connections) == set(network.connections), path.name
            assert again.outputs == network.outputs, path.name
            for one, other in zip(again.layers, network.layers, strict=True):
                assert_identical(one, other)


def test_a_network_built_in_python(tmp_path):
    network = Network.of([layer("featureInputLayer", 2), layer("reluLayer"), layer("tanhLayer")])
    write_mat(tmp_path / "net.mat", {"net": save_network(network)})
    assert read_mat(tmp_path / "net.mat")["net"].class_name == "dlnetwork"
    x = np.array([[1.0, -2.0]])
    again = matbridge.load(tmp_path / "net.mat")
    assert np.array_equal(again.predict(x), network.predict(x))


def readable(folder):
    """The networks of every MAT-file in a folder that can be read."""
    for path in sorted(folder.rglob("*.mat")):
        with contextlib.suppress(matbridge.MatbridgeError):
            yield from read_contents(path).networks.values()


def test_layers_of_real_files_are_saved_as_they_were(corpus):
    """Each with its own version, and reading back as the layer that it is."""
    count = 0
    for network in readable(corpus / "files"):
        if network.kind.double:
            with pytest.raises(UnsupportedError, match="is not written to a MAT-file"):
                save_network(network)
            continue
        for one in network.layers:
            again = save_layer(one)
            assert again.class_name == one.class_name
            assert same(again.saved.get("Version"), one.origin.saved.get("Version"))
            assert again.saved.keys() >= one.origin.saved.keys()
            if one.known:
                assert_identical(read(again), one)
            count += 1
    assert count > 1000


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 1, 5), (24, 5)])
def test_four_dimensional_weights_go_back_as_they_were(shape):
    """As version 2 of FullyConnectedLayer keeps them for images."""
    weights = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    found = saved.layer(
        "FullyConnectedLayer",
        2,
        Name="fc",
        InputSize=saved.number(*shape[:-1]),
        OutputSize=saved.number(1, 1, 5),
        Weights=saved.learnable(weights if len(shape) > 2 else weights.T),
        Bias=saved.learnable(np.ones((1, 1, 5))),
    )
    assert_same(save_layer(read(found)), found)


@pytest.mark.parametrize("name", ["class_name", "kind", "version"])
def test_a_property_may_bear_any_name(name):
    """Also one that a function of ours has for an argument."""
    unknown = Unknown(name="layer", class_name="theirs.Layer", extra={name: "x"})
    assert save_layer(unknown).properties == {"Name": "layer", name: "x"}
