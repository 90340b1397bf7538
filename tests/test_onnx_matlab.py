"""ONNX files that MATLAB wrote, every release: read, in MATLAB's layout, to float32 rounding."""

import json

import matlab_cases
import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import layer as constructed
from matlab_exports import Converter
from onnx import helper, numpy_helper
from reference import elementwise

import matbridge
from matbridge.inspect.summary import summarize_network
from matbridge.matlab.file import read_mat
from matbridge.matlab.releases import when_written

ROUNDING = 2e-5


def load(model, folder):
    path = folder / "network.onnx"
    path.write_bytes(model.SerializeToString())
    return matbridge.load(path)


def assert_agree(found, expected):
    """Equal sizes, and no difference beyond float32's rounding of the largest value."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= ROUNDING * max(np.abs(expected).max(), 1e-30)


def outputs_of(network, inputs, **options):
    """What predict returns, one entry for each output."""
    values = network.predict({name: inputs[name] for name in network.input_names}, **options)
    return values if isinstance(values, tuple) else (values,)


# -- models made here ------------------------------------------------------------------------

MADE = [
    (name, release) for name, (_, releases) in matlab_cases.CASES.items() for release in releases
]


@pytest.mark.parametrize(("name", "release"), MADE)
def test_what_each_release_writes(name, release, tmp_path):
    export = matlab_cases.export(name, release)
    network = load(export.model, tmp_path)
    assert sorted((layer.type_name, layer.name) for layer in network) == sorted(export.layers)
    for key, array in export.arrays.items():
        layer, _, field = key.partition(".")
        assert_agree(network[layer].arrays[field].reshape(array.shape, order="F"), array)
    for found, expected in zip(outputs_of(network, export.inputs), export.outputs, strict=True):
        if isinstance(expected, list):
            for a, b in zip(found, expected, strict=True):
                assert_agree(a, b)
        else:
            assert_agree(found, expected)


@pytest.mark.parametrize("law", matlab_cases.BROKEN)
def test_a_wrong_reading_would_be_noticed(law, tmp_path):
    name, release = matlab_cases.BROKEN[law]
    export = matlab_cases.export(name, release, broken=(law,))
    (found,) = outputs_of(load(export.model, tmp_path), export.inputs)
    assert np.abs(found - export.outputs[0]).max() > 100 * ROUNDING


NEWEST = [(name, releases[-1]) for name, (_, releases) in matlab_cases.CASES.items()]


@pytest.mark.parametrize(("name", "release"), NEWEST)
def test_what_was_lifted_is_written_again(name, release, tmp_path):
    """The written model is run and compared with the network, at every port."""
    network = load(matlab_cases.export(name, release).model, tmp_path)
    check = network.save(tmp_path / "again.onnx")
    assert check.ports
    assert check.used <= 1


@pytest.mark.parametrize(("release", "opset"), [("18.2.5", 8), ("18.2.4", 9), ("22.1.2", 6)])
def test_an_opset_on_request(release, opset, tmp_path):
    for name in ("classifier", "perceptron"):
        export = matlab_cases.export(name, release, opset)
        (found,) = outputs_of(load(export.model, tmp_path), export.inputs)
        assert_agree(found, export.outputs[0])


def test_scores_without_a_fully_connected_layer(tmp_path):
    """1×1×C×N, of which a dlnetwork, as R2024b exports it, does not make N×C by itself."""
    export = matlab_cases.fire(Converter("24.2.0"))
    network = load(export.model, tmp_path)
    assert (network.class_name, network.layers[-1].name) == ("dlnetwork", "prob_flatten")
    (found,) = outputs_of(network, export.inputs)
    assert_agree(found, export.outputs[0])


@pytest.mark.parametrize("release", ["19.1.5", "20.2.0"])
def test_steps_and_observations_in_one(release, tmp_path):
    """A Reshape to two dimensions for the sake of a Gemm: still C×T for each observation."""
    converter = Converter(release)
    x = converter.sequence("sequenceinput", 3)
    x = converter.recurrent(x, "lstm", 4, mode="sequence", ending="squeeze")
    W, b = converter.weights("fc.W", 2, 4), converter.weights("fc.b", 2, 1)
    shape = converter.constant("fc_shape", np.array([-1, 4]))
    flat = converter.node("Reshape", [x.tensor, shape], "fc_Reshape")
    names = [converter.constant("fc_W", W), converter.constant("fc_B", b.ravel())]
    x.tensor = converter.node("Gemm", [flat, *names], "fc", transB=1)
    x.data = elementwise.fully_connected_sequence(x.data, W, b)
    export = converter.finish(x)
    network = load(export.model, tmp_path)
    assert [layer.type_name for layer in network.layers[1:]] == ["LSTMLayer", "FullyConnectedLayer"]
    (found,) = outputs_of(network, export.inputs)
    for a, b in zip(found, export.outputs[0], strict=True):
        assert_agree(a, b)


@pytest.mark.parametrize(("release", "name"), [("18.2.5", "R2018b"), ("22.1.2", "R2022a")])
def test_inspect_tells_the_release(release, name, tmp_path):
    network = load(matlab_cases.export("perceptron", release).model, tmp_path)
    assert str(when_written(network)) == f"{name} (its ONNX exporter, {release})"
    assert summarize_network(network, "net")["release"] == str(when_written(network))


# -- files -----------------------------------------------------------------------------------


def mended(model):
    """The model as onnxruntime takes it, and its batch and time free: what opset 6 said by
    attributes said as later ones do, a Flatten before a Gemm, opset 8, and a tanh in place of a
    Placeholder, which is what the layer of the files at hand is called."""
    known = {tensor.name for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        attributes = {a.name: a for a in node.attribute}
        for name in ("broadcast", "axis") if node.op_type in ("Sub", "Add") else ("broadcast",):
            attributes.pop(name, None)
        if node.op_type == "BatchNormalization":
            attributes = {"epsilon": attributes["epsilon"]}
        if node.op_type == "Gemm":
            flat = f"{node.input[0]} flat"
            nodes.append(
                helper.make_node("Flatten", [node.input[0]], [flat], f"{node.name} before")
            )
            node.input[0] = flat
        if node.op_type == "Placeholder":
            node.op_type, node.domain = "Tanh", ""
        kept = list(attributes.values())
        del node.attribute[:]
        node.attribute.extend(kept)
        nodes.append(node)
    inputs = [_free(value) for value in model.graph.input if value.name not in known]
    outputs = [helper.make_empty_tensor_value_info(value.name) for value in model.graph.output]
    graph = helper.make_graph(nodes, "Network", inputs, outputs, model.graph.initializer)
    version = max(next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 8)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", version)], ir_version=max(model.ir_version, 4)
    )


def _free(value):
    sizes = [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim]
    if len(sizes) == 3:
        sizes[:2] = ["time", "batch"]
    sizes[0] = "first"
    return helper.make_tensor_value_info(value.name, onnx.TensorProto.FLOAT, sizes)


def data_for(network, seed=0):
    """Three observations for each input as predict takes them, and each in ONNX's order."""
    draw = np.random.default_rng(seed)
    ours, theirs = {}, {}
    for name, layer in network.input_layers.items():
        shape = [n or 3 for n in layer.entering.sizes]
        x = draw.standard_normal(shape).astype(np.float32)
        each = np.moveaxis(x, layer.format.index("B"), 0)[:, None]
        if layer.format == "CBT":
            ours[name], theirs[name] = list(each[:, 0]), each.transpose(0, 3, 1, 2)
        elif layer.format == "CB":
            ours[name], theirs[name] = x.T, each
        else:
            ours[name], theirs[name] = x, np.moveaxis(each, -1, 2)
    return ours, theirs


def in_matlab_order(values, like):
    """An output of each observation in the layout in which ``like`` is."""
    if isinstance(like, list):
        return [value[:, 0].T for value in values]
    if np.ndim(like) == 2:
        return np.stack([value.reshape(-1) for value in values])
    return np.stack([np.moveaxis(value[0], 0, -1) for value in values], -1)


def run(model, inputs):
    """One observation after the other, as the files of most releases want them."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    count = len(next(iter(inputs.values())))
    several = []
    for n in range(count):
        one = {k: x[n] for k, x in inputs.items()}
        several.append(session.run(None, one))
    return [list(values) for values in zip(*several, strict=True)]


@pytest.fixture(scope="module")
def manifest(corpus):
    return json.loads((corpus / "onnx" / "manifest.json").read_text())


@pytest.mark.parametrize("place", range(74))
def test_each_file_agrees_with_onnxruntime(place, corpus, manifest):
    entry = manifest[place]
    path = corpus / entry["file"]
    # Of two files, what the exporter had no operator for: a layer of reinforcement learning.
    network = matbridge.load(path, replace={"ActorTanh1": constructed("tanhLayer")})
    ours, theirs = data_for(network)
    found = outputs_of(network, ours)
    expected = run(mended(onnx.load(path)), theirs)
    for value, other in zip(found, expected, strict=True):
        assert_agree(value, in_matlab_order(other, value))


@pytest.mark.parametrize("place", range(74))
def test_each_file_becomes_layers_of_matlab(place, corpus, manifest):
    """No operator is left, each layer has a name of the file, and every weight is read."""
    path = corpus / manifest[place]["file"]
    network = matbridge.load(path)
    graph = onnx.load(path).graph
    left = [layer.name for layer in network if not layer.known]
    assert left == [n.name for n in graph.node if n.op_type == "Placeholder"]
    stems = {node.name for node in graph.node} | {value.name for value in graph.input}
    for layer in network:
        assert any(stem == layer.name or stem.startswith(f"{layer.name}_") for stem in stems)
    known = sum(numpy_helper.to_array(t).size for t in graph.initializer if t.data_type == 1)
    held = sum(array.size for layer in network for array in layer.arrays.values())
    assert held == known or "LSTM" in manifest[place]["ops"]


def plain_weights(path):
    """The matrices and biases of a file that holds them in cells W and b, or in a struct."""
    values = read_mat(path)
    for value in values.values():
        values = value if isinstance(value, dict) and "W" in value else values
    flat = [[np.asarray(a) for a in values[name]] for name in "Wb"]
    return list(zip(*flat, strict=True))


@pytest.mark.parametrize("place", range(74))
def test_the_weights_beside_a_file_are_those_of_its_layers(place, corpus, manifest):
    """Matrices out by in and biases, to float32: 41 pairs, written by others than the exporter."""
    pair = manifest[place]["pair"]
    if not pair or pair["variable"] == "net":
        pytest.skip("no plain weights beside it")
    network = matbridge.load(corpus / manifest[place]["file"])
    dense = [layer for layer in network if layer.type_name == "FullyConnectedLayer"]
    weights = plain_weights(corpus / pair["file"])
    # Three of them go on after the exported network, to the range of the output.
    assert len(dense) <= len(weights)
    for layer, (matrix, bias) in zip(dense, weights, strict=False):
        shape = layer.arrays["Weights"].shape
        assert np.array_equal(layer.arrays["Weights"], np.float32(matrix).reshape(shape))
        assert np.array_equal(layer.arrays["Bias"].ravel(), np.float32(bias).ravel())


def test_the_network_that_was_exported(corpus):
    """The .mat of the same network: layers, names, properties and weights to float32."""
    saved = matbridge.load(corpus / "files/object-recognition--net.mat", "net")
    network = matbridge.load(corpus / "onnx/ccnmaastricht+Object_recognition--net.onnx")
    twins = [layer for layer in saved if not layer.IS_OUTPUT]
    assert len(twins) == len(network)
    for one, other in zip(twins, network, strict=True):
        assert (one.type_name, one.name) == (other.type_name, other.name)
        for name in one.properties():
            if getattr(one, name) is not None:
                assert getattr(one, name) == getattr(other, name)
        assert set(one.arrays) == set(other.arrays)
        for name, array in one.arrays.items():
            assert array.shape == other.arrays[name].shape
            assert np.array_equal(np.float32(array), np.float32(other.arrays[name]))
    image = np.random.default_rng(0).uniform(0, 255, (150, 150, 3, 2)).astype(np.float32)
    assert_agree(network.predict(image), saved.predict(image))
