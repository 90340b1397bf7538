"""Plain weight exports, and networks built by hand from loose arrays."""

import numpy as np
import pytest
from helpers import assert_close
from reference import elementwise, recurrent, windows

import matbridge
from matbridge import LayerError, MismatchError, Network
from matbridge.inspect.summary import summarize_network
from matbridge.matlab import (
    convolution2dLayer,
    fullyConnectedLayer,
    imageInputLayer,
    lstmLayer,
    reluLayer,
    sequenceInputLayer,
)
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file.values import Cell, StructArray
from matbridge.matlab.file.write import write_mat

draw = np.random.default_rng(0)
W, R, B = (
    draw.standard_normal((12, 2)),
    draw.standard_normal((12, 3)),
    draw.standard_normal((12, 1)),
)
V, C = draw.standard_normal((2, 3)), draw.standard_normal((2, 1))
X = draw.standard_normal((2, 6))

LSTM = {"InputWeights": W, "RecurrentWeights": R, "Bias": B, "NumHiddenUnits": np.array([[3.0]])}
DENSE = {"Weights": V, "Bias": C, "OutputSize": np.array([[2.0]])}
EMPTY = np.zeros((0, 0))


def expected():
    y, _, _ = recurrent.lstm(X[:, None], W, R, B)
    return elementwise.fully_connected_sequence(y, V, C)[:, 0]


def struct_array(kind):
    """As MATLAB makes it: every element has every field, empty where it does not apply."""
    names = {
        "Class": [f"nnet.cnn.layer.{n}Layer" for n in ("SequenceInput", "LSTM", "FullyConnected")],
        "Type": ["SequenceInputLayer", "LSTMLayer", "FullyConnectedLayer"],
        "type": ["sequenceInputLayer", "lstm", "fullyconnected"],
    }[kind]
    own = [{"InputSize": np.array([[2.0]])}, LSTM, DENSE]
    fields = [kind, *dict.fromkeys(k for one in own for k in one)]
    items = [
        {k: {kind: name, **one}.get(k, EMPTY) for k in fields}
        for name, one in zip(names, own, strict=True)
    ]
    return StructArray(items, (1, 3))


@pytest.mark.parametrize("kind", ["Class", "Type", "type"])
def test_a_struct_array_of_layers(kind, tmp_path):
    write_mat(tmp_path / "w.mat", {"exported": struct_array(kind)})
    network = matbridge.load(tmp_path / "w.mat")
    assert [layer.name for layer in network.layers] == ["sequenceinput", "lstm", "fc"]
    assert_close(network.predict(X, dtype="float64"), expected())


def test_a_struct_of_layers_and_a_cell(tmp_path):
    one = {"Type": "sequenceInputLayer", "InputSize": np.array([[2.0]])}
    layers = {
        "in": one,
        "rec": {"Type": "lstmLayer", **LSTM},
        "out": {"Type": "FullyConnected", **DENSE},
    }
    cell = Cell([{"Name": k, **v} for k, v in layers.items()], (3, 1))
    for value in (layers, cell):
        write_mat(tmp_path / "w.mat", {"w": value})
        network = matbridge.load(tmp_path / "w.mat")
        assert [layer.name for layer in network.layers] == ["in", "rec", "out"]
        assert_close(network.predict(X, dtype="float64"), expected())


@pytest.mark.parametrize("form", ["struct", "cell"])
def test_connections(form, tmp_path):
    layers = [
        {"Type": "featureInputLayer", "Name": "in", "InputSize": np.array([[3.0]])},
        {"Type": "reluLayer", "Name": "relu"},
        {"Type": "additionLayer", "Name": "add", "NumInputs": np.array([[2.0]])},
    ]
    pairs = [("in", "relu"), ("relu", "add/in1"), ("in", "add/in2")]
    sources, ends = zip(*pairs, strict=True)
    table = {"Source": Cell(sources), "Destination": Cell(ends)}
    if form == "cell":
        table = Cell([*sources, *ends], (3, 2))
    write_mat(tmp_path / "w.mat", {"w": {"Layers": Cell(layers), "Connections": table}})
    x = np.array([[1.0, -2, 3]])
    found = matbridge.load(tmp_path / "w.mat").predict(x, dtype="float64")
    assert_close(found, np.maximum(x, 0) + x)


def test_what_is_missing_is_said(tmp_path):
    layers = Cell(
        [{"Type": "lstmLayer", **{k: v for k, v in LSTM.items() if k != "NumHiddenUnits"}}]
    )
    write_mat(tmp_path / "w.mat", {"w": layers})
    with pytest.raises(LayerError, match=r"w\(1\): the property NumHiddenUnits is missing"):
        matbridge.load(tmp_path / "w.mat")


def test_connections_of_another_form(tmp_path):
    layers = Cell([{"Type": "reluLayer", "Name": "a"}])
    write_mat(tmp_path / "w.mat", {"w": {"Layers": layers, "Connections": np.ones((2, 2))}})
    with pytest.raises(LayerError, match="neither a table, a struct nor a cell"):
        matbridge.load(tmp_path / "w.mat")


def test_other_structs_are_not_taken_for_networks(tmp_path):
    write_mat(tmp_path / "w.mat", {"info": {"Type": "report", "Name": "x"}, "s": {"a": {"b": "c"}}})
    assert read_contents(tmp_path / "w.mat").networks == {}


def test_a_network_built_by_hand_from_loose_arrays(corpus):
    """P-Net of a face detector, whose weights came as loose arrays."""
    from matbridge.matlab.file import read_mat

    w = read_mat(corpus / "data/code_mtcnn_weights_pnet.mat")

    def convolution(name):
        weights = w[f"{name}_weight"]
        return convolution2dLayer(
            weights.shape[:2], weights.shape[-1], Weights=weights, Bias=w[f"{name}_bias"]
        )

    network = Network.of(
        [
            imageInputLayer([24, 20, 3], Normalization="none"),
            convolution("features_conv1"),
            reluLayer(),
            convolution("features_conv2"),
        ]
    )
    x = draw.standard_normal((24, 20, 3, 1))
    ones, none = (1, 1), [(0, 0), (0, 0)]
    y = windows.convolution(
        x, w["features_conv1_weight"], w["features_conv1_bias"], ones, none, ones
    )
    y = windows.convolution(
        np.maximum(y, 0), w["features_conv2_weight"], w["features_conv2_bias"], ones, none, ones
    )
    assert_close(network.predict(x, dtype="float64"), y)


def test_networks_built_in_python():
    network = Network.of(
        [
            sequenceInputLayer(2),
            lstmLayer(3, InputWeights=W, RecurrentWeights=R, Bias=B.reshape(-1)),
            fullyConnectedLayer(2, Weights=V, Bias=C),
        ]
    )
    assert_close(network.predict(X, dtype="float64"), expected())


def test_constructors_refuse_what_matlab_refuses():
    with pytest.raises(MismatchError, match=r"has no argument Foo[\s\S]*NumHiddenUnits"):
        lstmLayer(3, Foo=1)
    with pytest.raises(MismatchError, match="takes 1 positional arguments, not 2"):
        lstmLayer(3, 4)
    with pytest.raises(LayerError, match="OutputMode: 'middle' is none of sequence, last"):
        lstmLayer(3, OutputMode="middle")
    with pytest.raises(LayerError, match="InputWeights has size 5×2"):
        lstmLayer(3, InputWeights=np.ones((5, 2)))
    with pytest.raises(LayerError, match="a whole number is needed"):
        lstmLayer(2.5)
    with pytest.raises(LayerError, match="NumHiddenUnits is missing"):
        lstmLayer()
    with pytest.raises(AttributeError, match="no constructor"):
        from matbridge import matlab

        matlab.nothingLayer  # noqa: B018


def test_names_and_connections_are_checked():
    with pytest.raises(LayerError, match="two layers are named 'a'"):
        Network.of([reluLayer(Name="a"), reluLayer(Name="a")])
    with pytest.raises(LayerError, match="ends at 'b/in7'"):
        Network.of([reluLayer(Name="a"), reluLayer(Name="b")], [("a", "b/in7")])
    with pytest.raises(LayerError, match="form a loop"):
        Network.of([reluLayer(Name="a"), reluLayer(Name="b")], [("a", "b"), ("b", "a")])
    names = [
        x.name for x in Network.of([reluLayer(), reluLayer(), reluLayer(Name="relu_1")]).layers
    ]
    assert names == ["relu_2", "relu_3", "relu_1"]
    with pytest.raises(MismatchError, match="there is no layer 'x'"):
        Network.of([reluLayer()])["x"]


def test_structs_that_name_classes_tell_no_release(tmp_path):
    """A class that exists since some release was named by whoever wrote the struct."""
    layers = [
        {"Class": "featureInputLayer", "InputSize": np.array([[2.0]])},
        {"Class": "geluLayer"},
    ]
    write_mat(tmp_path / "w.mat", {"net": Cell(layers)})
    network = matbridge.load(tmp_path / "w.mat")
    assert network.layers[1].type_name == "GELULayer"
    assert summarize_network(network, "net")["release"] == "unknown"
