"""Safetensors files: without loss, and whatever stands in their JSON is checked."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from examples import EXAMPLES
from helpers import input_layer, layer
from safetensors.numpy import save_file
from test_saving import assert_identical

import matbridge
from matbridge import FormatError, LayerError, MatbridgeError, Network
from matbridge.core.registry import Registry
from matbridge.safetensors.codec import GRAPH_KEY, network_from_json, network_to_json
from matbridge.safetensors.write import save_safetensors

MUTANTS = Path(__file__).with_name("mutants.py")


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{i}-{e.builder}" for i, e in enumerate(EXAMPLES)]
)
def test_every_layer_is_the_same_from_json(example):
    one = layer(example.builder, *example.positional, **example.named, Name="layer")
    graph, arrays = network_to_json(Network((one,), ()))
    graph = json.loads(json.dumps(graph, allow_nan=False))
    assert_identical(network_from_json(graph, arrays, Registry.builtin())["layer"], one)


@pytest.mark.parametrize("name", ["cnn", "cnn_bilstm", "transformer_encoder"])
def test_what_a_file_held_goes_along(name, fixtures, tmp_path):
    """Learn rates, versions and bookkeeping too, so that the same object can be written."""
    from same import assert_same

    from matbridge.matlab.saving import save_layer

    network = matbridge.load(fixtures / f"{name}.mat")
    save_safetensors(network, tmp_path / "net.safetensors")
    again = matbridge.load(tmp_path / "net.safetensors")
    for one, other in zip(again.layers, network.layers, strict=True):
        assert_identical(one, other)
        assert_same(save_layer(one), save_layer(other))


@pytest.fixture
def graph():
    """in, lstm, add (of lstm twice), fc; and the arrays."""
    draw = np.random.default_rng(1).standard_normal
    lstm = {"InputWeights": draw((8, 3)), "RecurrentWeights": draw((8, 2)), "Bias": draw((8, 1))}
    layers = [
        input_layer("CBT", (3, 1, 1), "in"),
        layer("lstmLayer", 2, Name="lstm", **lstm),
        layer("additionLayer", 2, Name="add"),
        layer("fullyConnectedLayer", 2, Name="fc", Weights=draw((2, 2)), Bias=draw((2, 1))),
    ]
    pairs = [("in", "lstm"), ("lstm", "add/in1"), ("lstm", "add/in2"), ("add", "fc")]
    return network_to_json(Network.of(layers, pairs))


def refused(graph, arrays, tmp_path, said, kind=MatbridgeError):
    """One message that says this, from a file."""
    path = tmp_path / "net.safetensors"
    save_file(arrays, path, metadata={GRAPH_KEY: json.dumps(graph)})
    with pytest.raises(kind, match=said) as caught:
        matbridge.load(path)
    assert str(caught.value).startswith("net.safetensors")
    assert len(str(caught.value).splitlines()) <= 2


def layer_of(graph, name):
    return next(one for one in graph["layers"] if one["more"]["name"] == name)


PROPERTIES = {
    "NumHiddenUnits": [0, -1, 2.5, 1e300, "two", None, [2, 2], {"a": 1}, {"$float": "nan"}],
    "OutputMode": ["first", 3, None, ["last"], {}],
    "InputSize": [0, "three", [3, 3], 4],
    "HasStateInputs": ["yes", [1, 0], None],
    "StateActivationFunction": ["exec", 1],
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_values_that_a_property_cannot_have(name, graph, tmp_path):
    for value in PROPERTIES[name]:
        layer_of(graph[0], "lstm")["properties"][name] = value
        refused(*graph, tmp_path, "lstm")


def test_properties_that_are_missing_or_unknown(graph, tmp_path):
    properties = layer_of(graph[0], "lstm")["properties"]
    units = properties.pop("NumHiddenUnits")
    refused(*graph, tmp_path, "lstm: the property NumHiddenUnits is missing", LayerError)
    properties |= {"NumHiddenUnits": units, "Colour": "red"}
    refused(*graph, tmp_path, "lstm: .*has no property Colour", FormatError)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.ones((8, 3), np.complex64), "InputWeights holds complex64, not real numbers"),
        (np.ones((0, 3), np.float32), "InputWeights is empty, of size 0×3"),
        (np.ones((0, 0), np.float32), "InputWeights is empty, of size 0×0"),
        (np.ones((4, 3), np.float32), "InputWeights has size 4×3"),
        (np.ones((8, 30), np.float32), "InputWeights has size 8×30"),
        (np.ones(24, np.float32), "InputWeights has size 24"),
        (np.ones((), np.float32), "InputWeights has size"),
    ],
)
def test_arrays_that_do_not_fit(array, said, graph, tmp_path):
    graph[1]["lstm.InputWeights"] = array
    graph[0]["types"]["lstm.InputWeights"] = array.dtype.name
    refused(*graph, tmp_path, f"lstm: {said}", LayerError)


def test_arrays_that_are_missing_or_unknown(graph, tmp_path):
    arrays = dict(graph[1])
    del arrays["lstm.Bias"]
    refused(graph[0], arrays, tmp_path, "the array 'lstm.Bias' is not in the file", FormatError)
    layer_of(graph[0], "lstm")["arrays"]["Extra"] = "fc.Bias"
    refused(*graph, tmp_path, "lstm: it has no array Extra", LayerError)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda g: g["layers"].append(g["layers"][1]), "two layers are named 'lstm'"),
        (
            lambda g: g["connections"].append([["lstm", "out"], ["gone", "in"]]),
            "a connection ends at 'gone'",
        ),
        (
            lambda g: g["connections"].append([["lstm", "up"], ["fc", "in"]]),
            "a connection ends at 'lstm/up'",
        ),
        (
            lambda g: g["connections"].append([["lstm", "out"], ["fc", "in"]]),
            "two connections lead into one port",
        ),
        (
            lambda g: g["connections"].append([["lstm", "out"], ["in", "in"]]),
            "leads into an input layer",
        ),
        (lambda g: g["connections"].append([["fc", "out"]]), "a connection has 1 ends, not 2"),
        (lambda g: g["connections"].append("fc"), "a connection is a str, not a list"),
        (lambda g: g.pop("layers"), "layers is missing"),
        (lambda g: g.update(layers={}), "layers is a dict, not a list"),
        (lambda g: g.update(outputs=[["gone", "out"]]), "ends at 'gone'"),
        (lambda g: g.update({"class": 3}), "class is a int, not a str"),
        (lambda g: g.update(matbridge=1), "has format 1, not 2"),
        (lambda g: g["layers"][1].update(card="nobody.knows"), "class nobody.knows is not known"),
        (lambda g: g["layers"][1]["more"].update(name=3), "name is a int, not a str"),
        (lambda g: g["layers"][1]["more"].update(fits=True), "the layer has no fits"),
        (lambda g: g["layers"][1]["more"].update(extra=[]), "extra is a tuple, not a dict"),
        (lambda g: g["provenance"].pop("$dict"), "a value is none of"),
    ],
)
def test_graphs_that_are_none(change, said, graph, tmp_path):
    change(graph[0])
    refused(*graph, tmp_path, said)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{", "[" * 100000, '{"matbridge": 2}'])
def test_metadata_that_is_no_graph(text, tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({"a": np.ones(2)}, path, metadata={GRAPH_KEY: text})
    with pytest.raises(FormatError, match="graph"):
        matbridge.load(path)


@pytest.mark.parametrize("name", ["lstm_classifier", "dag"])
def test_mutants(name, fixtures):
    """In a child process, so that a crash or an endless loop is seen, and where."""
    count = 250
    command = [sys.executable, str(MUTANTS), str(fixtures / f"{name}.mat"), "0", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"mutant {lines[-1:]} ended it: {done.stderr[-1500:]}"
    assert len(lines) == count
    # The mutants must hurt: most are noticed.
    assert sum("refused" in line for line in lines) > count / 2


@pytest.mark.parametrize(
    ("written", "read"),
    [("float64", "int64"), ("float64", "uint64"), ("float32", "int32"), ("float16", "int16"),
     ("int64", "float64"), ("float64", "complex64")],
)  # fmt: skip
def test_an_array_that_is_labelled_as_another_type(written, read):
    """Of as many bytes, so that only the label tells."""
    weights = np.ones((2, 2), written)
    one = layer("fullyConnectedLayer", 2, Name="fc", Weights=weights, Bias=np.ones((2, 1)))
    graph, arrays = network_to_json(Network((one,), ()))
    arrays["fc.Weights"] = arrays["fc.Weights"].view(read)
    with pytest.raises(FormatError, match=f"'fc.Weights' is {read}, not {written}"):
        network_from_json(graph, arrays, Registry.builtin())
    with pytest.raises(FormatError, match="types is missing"):
        del graph["types"]
        network_from_json(graph, arrays, Registry.builtin())
