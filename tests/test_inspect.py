"""What inspect tells a newcomer, in text, JSON, Python and a notebook."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import saved
from examples import EXAMPLES
from helpers import layer
from onnx import helper
from onnx_models import model_of
from onnx_models import saved as saved_onnx

import matbridge
from matbridge import Network
from matbridge.cli import run
from matbridge.inspect.fits import fitting
from matbridge.inspect.properties import brief, properties, telling
from matbridge.inspect.table import layer_table, to_html, to_text
from matbridge.layers.operator import Data, Operator
from matbridge.matlab.file.values import Categorical, Cell, MatObject
from matbridge.matlab.file.write import write_mat


@pytest.fixture
def call(capsys, in_folder, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)

    def invoke(*arguments):
        code = run(["inspect", *map(str, arguments)])
        return code, capsys.readouterr().out

    return invoke


def document(call, *arguments):
    return json.loads(call(*arguments, "--json")[1])


def series(weights=None):
    weights = np.ones((2, 3)) if weights is None else weights
    fc = saved.fully_connected("fc", weights, np.zeros((2, 1)))
    return saved.series_network(saved.feature_input("in", 3), fc)


# -- the other variables ---------------------------------------------------------------------------


def test_other_variables_and_what_they_fit(call, in_folder):
    variables = {
        "net": series(),
        "X": np.zeros((7, 3)),
        "Y": np.zeros((7, 2), np.float32),
        "other": np.zeros((5, 5)),
        "note": "text",
    }
    write_mat("net.mat", variables)
    listed = {v["name"]: v for v in document(call, "net.mat")["variables"]}
    assert set(listed) == set(variables)
    assert [(f["side"], f["name"]) for f in listed["X"]["fits"]] == [("input", "in")]
    assert [(f["side"], f["name"]) for f in listed["Y"]["fits"]] == [("output", "fc")]
    assert listed["other"]["fits"] == listed["note"]["fits"] == []
    _, out = call("net.mat")
    assert ["X", "double", "7×3", "input", "in"] in [line.split() for line in out.splitlines()]
    assert ["note", "char", "1×4"] in [line.split() for line in out.splitlines()]


IMAGES = Network.of(
    [layer("imageInputLayer", [6, 5, 1], Normalization="none", Name="in"), layer("reluLayer")]
)
COLOUR = Network.of(
    [layer("imageInputLayer", [6, 5, 3], Normalization="none", Name="in"), layer("reluLayer")]
)
SEQUENCES = Network.of([layer("sequenceInputLayer", 3, Name="in"), layer("reluLayer")])
FEATURES = Network.of([layer("featureInputLayer", 3, Name="in"), layer("reluLayer")])
FITS = [
    (IMAGES, (6, 5), ""),
    (IMAGES, (6, 5, 1, 9), ""),
    (IMAGES, (6, 5, 2), None),
    (COLOUR, (6, 5, 3), ""),
    (COLOUR, (6, 5, 3, 2), ""),
    (COLOUR, (6, 5), None),
    (COLOUR, (5, 6, 3), None),
    (SEQUENCES, (3, 50), ""),
    (SEQUENCES, (50, 3), "TC"),
    (SEQUENCES, (4, 5), None),
    (SEQUENCES, (3, 5, 2), None),
    (FEATURES, (50, 3), ""),
    (FEATURES, (3, 50), None),
    (FEATURES, (0, 3), None),
]


@pytest.mark.parametrize(("network", "shape", "format"), FITS)
def test_fitting_by_size(network, shape, format):
    fits = [f for f in fitting("double", shape, None, network) if f["side"] == "input"]
    assert [f["format"] for f in fits] == ([] if format is None else [format])
    assert not list(fitting("struct", shape, None, network))
    member = np.zeros(shape)
    of_cell = [f for f in fitting("cell", (9, 1), member, network) if f["side"] == "input"]
    assert of_cell == fits


def test_labels_fit_a_classifier(fixtures, call, in_folder):
    network = matbridge.load(fixtures / "lstm_classifier.mat")
    for class_name, member in (("categorical", None), ("string", None), ("cell", "walk")):
        (fit,) = fitting(class_name, (4, 1), member, network)
        assert fit["side"] == "labels"
    assert not list(fitting("categorical", (4, 1), None, SEQUENCES))


# -- properties and connections --------------------------------------------------------------------


def test_the_properties_that_matter(call, fixtures):
    _, out = call(fixtures / "cnn.mat")
    for text in (
        "FilterSize [",
        "Stride [",
        "Padding ",
        'Normalization "zerocenter"',
        "PoolSize [",
    ):
        assert text in out, text
    assert "DilationFactor" not in out
    _, out = call(fixtures / "cnn.mat", "--layers")
    assert "DilationFactor [1 1]" in out
    assert "Epsilon 1e-05" in out


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.builder)
def test_every_property_of_every_layer_is_shown(example):
    card = layer(example.builder, *example.positional, **example.named)
    shown = properties(card)
    assert set(shown) == {declared.name for declared in type(card).properties().values()}
    assert all(text and "\n" not in text for text in shown.values())
    assert not [text for text in shown.values() if re.match(r"\(\w+\)$", text)]
    assert set(telling(card)) <= set(shown)


def test_a_function_is_shown_by_its_text():
    network = Network.of([layer("featureInputLayer", 3), layer("functionLayer", "@(x) x.^2")])
    assert "PredictFcn @(x) x.^2" in to_text(network)


def test_connections_are_told_where_they_are_no_chain(call, fixtures):
    _, out = call(fixtures / "cnn_bilstm.mat")
    assert "From" in out
    _, chain = call(fixtures / "cnn.mat")
    assert "From" not in chain


def test_layers_and_connections_stand_in_the_order_of_the_data(call, in_folder):
    fc = saved.fully_connected("fc", np.ones((2, 3)), np.zeros((2, 1)))
    pairs = [("relu", "add/in2"), ("fc", "relu"), ("fc", "add/in1"), ("in", "fc")]
    layers = [saved.addition("add"), saved.relu("relu"), fc, saved.feature_input("in", 3)]
    write_mat("net.mat", {"net": saved.layer_graph(pairs, *layers)})
    (network,) = document(call, "net.mat")["networks"]
    names = [one["name"] for one in network["layers"]]
    assert names == ["in", "fc", "relu", "add"]
    assert network["layers"][-1]["from"] == ["fc", "relu"]
    places = [names.index(end.partition("/")[0]) for _, end in network["connections"]]
    assert places == sorted(places)


def test_what_a_detector_holds_beside_its_network(call, in_folder):
    detector = MatObject(
        "yolov2ObjectDetector",
        {
            "Network": series(),
            "ClassNames": Cell(["cat", "dog"], (1, 2)),
            "AnchorBoxes": np.array([[10.0, 20.0], [30.0, 40.0]]),
            "Empty": np.zeros((0, 0)),
        },
    )
    write_mat("net.mat", {"detector": detector})
    (network,) = document(call, "net.mat")["networks"]
    assert network["beside"] == {"ClassNames": '["cat" "dog"]', "AnchorBoxes": "[10 20; 30 40]"}
    assert "beside it AnchorBoxes: [10 20; 30 40]" in call("net.mat")[1]


def test_a_list_of_things_of_other_sizes_is_shown():
    """The operands of an operator's layer: labels here, an array there."""
    operator = Operator(
        op_type="Gather",
        version=17,
        attributes={},
        operands=(Data("CB"), np.array([1, 2])),
        results=(None,),
    )
    assert "CB" in properties(operator)["Operands"]


def test_values_in_brief():
    labels = Categorical(("a", "b"), np.array([[1], [2]], np.uint8))
    assert brief(labels) == '["a" "b"]'
    assert brief(np.zeros((9, 9))) == "9×9 double"
    assert brief(np.zeros((9, 9, 2), np.float32)) == "9×9×2 single"
    assert brief(np.array([[True]])) == "true"
    assert brief(["x"] * 100).endswith("... (100)]")


# -- origin, and what is wrong ---------------------------------------------------------------------


def test_a_file_of_matbridge_is_told_as_such(call, in_folder, fixtures):
    write_mat("net.mat", {"net": series()})
    assert "written by matbridge, not by MATLAB" in call("net.mat")[1]
    assert document(call, "net.mat")["provenance"]["written_by"].startswith("matbridge")
    assert run(["convert", "net.mat", "--to", "safetensors"]) == 0
    assert "written by matbridge from net.mat, not by MATLAB" in call("net.safetensors")[1]


def test_the_head_of_a_file_that_is_no_mat_file(call, in_folder):
    """Who wrote it, in which version of its language, how large it is, and which file it is."""
    nodes = [helper.make_node("Sin", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["y"])]
    model = model_of(nodes, {"x": ["n", 3]}, {"y": ["n", 3]}, opset=15, producer="a tool")
    data = saved_onnx(Path(), model).read_bytes()
    told = document(call, "net.onnx")
    assert told["provenance"] == {
        "written_by": "a tool",
        "origin": ["net.onnx"],
        "versions": ["opset 15", "com.mathworks opset 1", "IR version 8"],
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    assert told["networks"][0]["products"] == ["Deep Learning Toolbox"]
    shown = call("net.onnx")[1]
    assert f"a tool · opset 15 · com.mathworks opset 1 · IR version 8 · {len(data)} bytes" in shown
    assert f"sha256 {hashlib.sha256(data).hexdigest()}" in shown
    assert "kept as operators of ONNX: Sin" in shown
    write_mat("net.mat", {"net": series()})
    for name in ("of_mat.onnx", "of_mat.safetensors"):
        assert run(["convert", "net.mat", "-o", name]) == 0
        shown = call(name)[1]
        assert "written by matbridge from net.mat, not by MATLAB" in shown
        assert f"sha256 {hashlib.sha256(Path(name).read_bytes()).hexdigest()}" in shown


def test_arrays_that_hold_nan_or_inf_are_named(call, in_folder):
    weights = np.ones((2, 3))
    weights[0, 1], weights[1, 2] = np.nan, np.inf
    write_mat("net.mat", {"net": series(weights=weights)})
    (network,) = document(call, "net.mat")["networks"]
    assert network["nonfinite"] == ["fc.Weights"]
    assert "warning fc.Weights: it holds NaN or Inf" in call("net.mat")[1]


def test_the_keys_are_the_same_for_every_kind_of_network(call, in_folder, fixtures, capsys):
    broken = saved.series_network(saved.custom("myLayer", Name="mine"))
    shallow = MatObject("network", {"version": "8"}, old_style=True)
    failing = MatObject("SeriesNetwork", {"any": {"Version": np.array([[1.0]])}})
    write_mat("all.mat", {"a": series(), "b": broken, "c": shallow, "d": failing})
    write_mat("net.mat", {"net": series()})
    assert run(["convert", "net.mat", "--to", "safetensors"]) == 0
    capsys.readouterr()
    networks = document(call, "all.mat")["networks"]
    assert len(networks) == 4
    networks += document(call, "net.safetensors")["networks"]
    networks += document(call, fixtures / "cnn_bilstm.mat")["networks"]
    assert len({tuple(network) for network in networks}) == 1
    assert len({tuple(one) for network in networks for one in network["layers"]}) == 1


def test_exit_code_4_where_nothing_runs(call, in_folder):
    write_mat("data.mat", {"x": np.ones((2, 2))})
    write_mat("custom.mat", {"net": saved.series_network(saved.custom("myLayer", Name="mine"))})
    both = {"net": series(), "other": saved.series_network(saved.custom("myLayer", Name="mine"))}
    write_mat("both.mat", both)
    assert call("data.mat")[0] == 4
    assert call("custom.mat")[0] == 4
    assert call("custom.mat", "--json")[0] == 4
    assert call("both.mat")[0] == 0


# -- width -----------------------------------------------------------------------------------------


def cells(network):
    table = layer_table(network)
    return {line.replace(" ", "") for row in table.rows for cell in row for line in cell}


@pytest.mark.parametrize("width", ["40", "80", "100", "132"])
@pytest.mark.parametrize("name", ["cnn_bilstm", "lstm_classifier", "cnn"])
def test_nothing_is_lost_at_any_width(call, fixtures, monkeypatch, name, width):
    (network,) = document(call, fixtures / f"{name}.mat")["networks"]
    monkeypatch.setenv("COLUMNS", width)
    _, out = call(fixtures / f"{name}.mat")
    assert max(map(len, out.splitlines())) <= int(width)
    assert "…" not in out
    if int(width) >= 80:
        assert "OutputMode" in out or name == "cnn"
        assert all(one["name"] in out for one in network["layers"])


def test_a_pipe_is_as_wide_as_its_content(call, fixtures):
    (network,) = document(call, fixtures / "cnn_bilstm.mat")["networks"]
    _, out = call(fixtures / "cnn_bilstm.mat")
    rows = [line for line in out.splitlines() if "FilterSize [3 3]" in line]
    assert any("Weights 3×3×1×3" in row for row in rows)
    assert all(cell in out.replace(" ", "") for cell in cells(network))


# -- in Python -------------------------------------------------------------------------------------


def test_text_and_html_in_python(fixtures):
    network = matbridge.load(fixtures / "lstm_classifier.mat")
    text = to_text(network)
    assert "InputWeights 40×4" in text
    assert 'OutputMode "last"' in text
    assert text.splitlines()[0].startswith("net SeriesNetwork: ")
    page = to_html(network)
    assert page.count("<tr>") == len(network.layers) + 1
    hostile = Network.of([layer("featureInputLayer", 3, Name="<script>\x1b[2J")])
    assert "<script>" not in to_html(hostile)
    assert "\x1b" not in to_html(hostile) + to_text(hostile)
