"""Plain operator layers: what they hold, how they are kept, run, and written back."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import matbridge
from matbridge import LayerError, Network, UnsupportedError
from matbridge.layers.input import FeatureInput
from matbridge.layers.operator import Data, Learned, Operator, Result
from matbridge.onnx.write import to_onnx

TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


def numbers(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def model_of(nodes, shape, arrays=(), opset=17, kind=TensorProto.FLOAT, gives=None):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", gives or TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in dict(arrays).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def loaded(model, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return matbridge.load(path)


def bilinear(**options):
    """y = x·W·x, of which no layer of MATLAB's says the last product."""
    nodes = [
        helper.make_node("Sin", ["x"], ["s"], name="sine"),
        helper.make_node("Pow", ["s", "two"], ["p"], name="square"),
        helper.make_node("Max", ["p", "w"], ["y"], name="largest"),
    ]
    arrays = {"two": np.float32(2), "w": numbers(4)}
    return model_of(nodes, ["N", 4], arrays, **options)


def truth_of(model, x):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def test_what_no_layer_says_stays_that_operator(tmp_path):
    network = loaded(bilinear(), tmp_path)
    assert [layer.name for layer in network.layers] == ["x", "sine", "square", "largest"]
    sine, square, largest = network.layers[1:]
    assert isinstance(largest, Operator)
    assert (sine.type_name, sine.version, sine.operands) == ("Sin", 17, (Data("BC"),))
    assert square.operands[1] == 2
    assert largest.operands == (Data("BC"), Learned((4,)))
    assert network.parameter_count() == 4
    assert "Sin" in network.summary()
    for batch in (1, 5):
        x = numbers(batch, 4, seed=batch)
        np.testing.assert_allclose(network.predict(x), truth_of(bilinear(), x), **TOLERANCE)


@pytest.mark.parametrize("to", ["safetensors", "onnx"])
def test_it_is_kept_in_files(to, tmp_path):
    network = loaded(bilinear(), tmp_path)
    path = tmp_path / f"again.{to}"
    network.save(path)
    again = matbridge.load(path)
    before, after = network["square"], again["square"]
    assert (before.op_type, before.attributes, before.results) == (
        after.op_type,
        after.attributes,
        after.results,
    )
    x = numbers(3, 4)
    np.testing.assert_array_equal(network.predict(x), again.predict(x))


@pytest.mark.parametrize("opset", [13, 17, 21])
def test_it_is_written_back_in_any_opset(opset, tmp_path):
    written = to_onnx(loaded(bilinear(), tmp_path), opset=opset)
    assert {"Sin", "Pow", "Max"} <= {node.op_type for node in written.graph.node}
    x = numbers(3, 4)
    np.testing.assert_allclose(truth_of(written, x), truth_of(bilinear(), x), **TOLERANCE)


def test_attributes_become_operands_in_newer_opsets(tmp_path):
    nodes = [helper.make_node("ReduceSum", ["x"], ["y"], axes=[1], keepdims=1)]
    model = model_of(nodes, ["N", 4], opset=11)
    network = loaded(model, tmp_path)
    x = numbers(3, 4)
    for opset in (11, 17):
        written = to_onnx(network, opset=opset)
        np.testing.assert_allclose(truth_of(written, x), truth_of(model, x), **TOLERANCE)


def test_an_opset_that_cannot_say_it_is_refused(tmp_path):
    network = loaded(
        model_of([helper.make_node("Mish", ["x"], ["y"])], ["N", 4], opset=18), tmp_path
    )
    with pytest.raises(UnsupportedError, match="the operator Mish of opset 18 cannot be said"):
        to_onnx(network, opset=17)


def test_a_single_number_is_written_without_dimensions(tmp_path):
    """Gather of one place drops a dimension, of a list of one it does not."""
    nodes = [helper.make_node("Gather", ["x", "place"], ["y"], axis=1)]
    model = model_of(nodes, ["N", 4], {"place": np.array(2)})
    x = numbers(3, 4)
    written = to_onnx(loaded(model, tmp_path))
    assert truth_of(written, x).shape == truth_of(model, x).shape == (3,)


@pytest.mark.parametrize(
    ("operator", "takes", "gives"),
    [
        ("ArgMax", TensorProto.FLOAT, TensorProto.INT64),
        ("IsNaN", TensorProto.FLOAT, TensorProto.BOOL),
        ("Not", TensorProto.BOOL, TensorProto.BOOL),
        ("Neg", TensorProto.INT32, TensorProto.INT32),
    ],
)
def test_results_of_other_types_are_written_as_numbers(operator, takes, gives, tmp_path):
    """An output of whole numbers or of true and false is one of the model's own type."""
    options = {"axis": 1} if operator == "ArgMax" else {}
    nodes = [helper.make_node(operator, ["x"], ["y"], **options)]
    model = model_of(nodes, ["N", 4], kind=takes, gives=gives)
    written = to_onnx(loaded(model, tmp_path))
    x = (numbers(3, 4) * 3).round()
    own = x.astype(helper.tensor_dtype_to_np_dtype(takes))
    truth = truth_of(model, own).astype(np.float32)
    np.testing.assert_array_equal(truth_of(written, x), truth)


def test_what_an_opset_does_not_take_is_told(tmp_path):
    """Shifts of signed whole numbers came with opset 26 of BitShift."""
    options = {"direction": "LEFT"}
    nodes = [helper.make_node("BitShift", ["x", "by"], ["y"], **options)]
    arrays = {"by": np.array([1], np.int32)}
    kinds = {"kind": TensorProto.INT32, "gives": TensorProto.INT32}
    network = loaded(model_of(nodes, ["N", 4], arrays, opset=28, **kinds), tmp_path)
    with pytest.raises(UnsupportedError, match="cannot be said in opset 17"):
        to_onnx(network, opset=17)


def test_gradients_flow_through_it(tmp_path):
    module = loaded(bilinear(), tmp_path).to_torch()
    x = torch.randn(3, 4, requires_grad=True)
    module(x).sum().backward()
    assert torch.isfinite(x.grad).all()
    assert [tuple(p.shape) for p in module.parameters()] == [(4,)]


def test_an_exported_program_has_it(tmp_path):
    network = loaded(bilinear(), tmp_path)
    network.save(tmp_path / "net.pt2")
    program = torch.export.load(tmp_path / "net.pt2").module()
    x = numbers(3, 4)
    np.testing.assert_allclose(
        program(torch.from_numpy(x)).detach().numpy(), network.predict(x), **TOLERANCE
    )


def test_whole_numbers_enter_as_such(tmp_path):
    """Words by their numbers from 0: floating point data of predict become whole ones."""
    nodes = [helper.make_node("Gather", ["table", "x"], ["y"])]
    model = model_of(nodes, ["N", "T"], {"table": numbers(9, 3)}, kind=TensorProto.INT64)
    network = loaded(model, tmp_path)
    words = np.array([[1, 0, 8], [2, 2, 5]])
    axes = "".join(network.provenance.details["axes"]["inputs"]["x"])
    y = network.predict(words, format=axes)
    (labels,) = network.provenance.details["axes"]["outputs"].values()
    ours = matbridge.core.dims.reorder(
        y, matbridge.core.dims.canonical("".join(labels)), "".join(labels)
    )
    np.testing.assert_allclose(ours, truth_of(model, words), **TOLERANCE)
    np.testing.assert_allclose(truth_of(to_onnx(network), words.astype(np.float32)).size, ours.size)


@pytest.mark.parametrize(
    ("operator", "inputs", "outputs", "said"),
    [
        ("RandomUniformLike", ["x"], ["y"], "RandomUniformLike"),
        ("DeformConv", ["x", "w", "x"], ["y"], "DeformConv"),
        ("Bernoulli", ["x"], ["y"], "Bernoulli"),
    ],
)
def test_what_cannot_be_run_is_told(operator, inputs, outputs, said, tmp_path):
    model = model_of([helper.make_node(operator, inputs, outputs)], ["N", 4], {"w": numbers(4, 4)})
    network = loaded(model, tmp_path)
    assert any(said in str(line) for line in network.report)
    with pytest.raises(UnsupportedError, match=said):
        network.predict(numbers(2, 4))


def alone(**options):
    layer = Operator(**{"name": "op", "op_type": "Sin", "version": 17, **options})
    return Network.of([FeatureInput(name="in", input_size=(3,)), layer])


PLAIN = {"attributes": {}, "operands": (Data("BC"),), "results": (Result("BC", (None, 3)),)}


def test_an_operator_that_nobody_knows_is_refused():
    network = alone(**{**PLAIN, "op_type": "Frobnicate"})
    with pytest.raises(UnsupportedError, match="the operator Frobnicate cannot be run"):
        network.predict(numbers(2, 3))


def test_a_result_of_other_dimensions_is_refused():
    network = alone(**{**PLAIN, "results": (Result("BCT", (None, 3, None)),)})
    with pytest.raises(LayerError, match="gave 2 dimensions where BCT is expected"):
        network.predict(numbers(2, 3), engine="torch")


def test_data_that_would_lose_a_dimension_are_refused():
    network = alone(**{**PLAIN, "operands": (Data("B"),)})
    with pytest.raises(LayerError, match="takes B, but its input is"):
        network.predict(numbers(2, 3))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("attributes", "[1]", "a mapping of attributes is needed"),
        ("operands", "[1]", "an operand is an order of labels"),
        ("operands", "1", "a list is needed"),
        ("results", "[[1, [2]]]", "a result is an order of labels and sizes"),
        (
            "operands",
            '[{"type": "object", "shape": [1], "values": [1]}]',
            "an array of object is no constant",
        ),
    ],
)
def test_what_a_file_says_of_it_is_checked(field, value, said):
    with pytest.raises(ValueError, match=said):
        Operator.properties()[field].kind.from_json(value)


@pytest.mark.parametrize(
    ("node", "arrays"),
    [
        (
            ("ConvTranspose", {"strides": [2, 2], "output_shape": [14, 12]}),
            {"w": numbers(4, 5, 3, 4)},
        ),
        (("Slice", {}), {"a": np.array([1, 2]), "b": np.array([6, 4]), "c": np.array([2, 3])}),
        (("LpPool", {"kernel_shape": [3, 2], "strides": [2, 1]}), {}),
    ],
)
def test_an_operator_that_only_changes_lengths_leaves_dimensions_in_place(node, arrays, tmp_path):
    """No dimension of the result is as long as one of the data's; MATLAB's order is kept."""
    operator, attributes = node
    nodes = [
        helper.make_node("MaxPool", ["x"], ["p"], kernel_shape=[1, 1]),
        helper.make_node(operator, ["p", *arrays], ["y"], **attributes),
    ]
    model = model_of(nodes, ["N", 4, 7, 6], arrays, opset=10)
    x = numbers(3, 4, 7, 6)
    network = loaded(model, tmp_path)
    assert network.layers[-1].type_name == operator
    scores = network.predict(x.transpose(2, 3, 1, 0))
    np.testing.assert_allclose(scores, truth_of(model, x).transpose(2, 3, 1, 0), **TOLERANCE)


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize("kept", [0, 1, 2])
def test_parts_of_a_split_that_nobody_reads_keep_a_name(opset, kept, tmp_path):
    """onnxruntime ends the whole process at a Split with an unnamed part."""
    parts = ["a", "b", "c"]
    parts[kept] = "y"
    sizes = [1, 2, 3]
    said = {"split": sizes} if opset < 13 else {}
    arrays = {} if opset < 13 else {"sizes": np.array(sizes)}
    nodes = [helper.make_node("Split", ["x", *arrays], parts, axis=1, **said)]
    model = model_of(nodes, ["N", 6], arrays, opset=opset)
    network = loaded(model, tmp_path)
    assert all(name for node in to_onnx(network).graph.node for name in node.output)
    x = numbers(3, 6)
    np.testing.assert_allclose(network.predict(x), truth_of(model, x), **TOLERANCE)


def test_lengths_that_are_written_as_text_are_numbers(tmp_path):
    """As R2022b writes some: the shape inference counts with them too."""
    nodes = [helper.make_node("ConvTranspose", ["x", "w"], ["y"], output_shape=[14, 12])]
    network = loaded(model_of(nodes, ["N", "4", "7", "6"], {"w": numbers(4, 5, 8, 7)}), tmp_path)
    assert network.predict(numbers(7, 6, 4, 3)).shape == (14, 12, 5, 3)


def test_arithmetic_on_a_shape_that_mixes_types(tmp_path):
    """As MATLAB's exporter writes crop2dLayer: whole numbers divided by a floating one, which
    onnxruntime refuses; the Cast behind it still tells what comes out."""
    nodes = [
        helper.make_node("Shape", ["x"], ["size"]),
        helper.make_node("MaxPool", ["x"], ["small"], kernel_shape=[4, 5]),
        helper.make_node("Shape", ["small"], ["target"]),
        helper.make_node("Sub", ["size", "target"], ["more"]),
        helper.make_node("Div", ["more", "two"], ["half"]),
        helper.make_node("Floor", ["half"], ["floor"]),
        helper.make_node("Add", ["floor", "target"], ["end"]),
        helper.make_node("Cast", ["floor"], ["starts"], to=TensorProto.INT64),
        helper.make_node("Cast", ["end"], ["ends"], to=TensorProto.INT64),
        helper.make_node("MaxPool", ["x"], ["pooled"], kernel_shape=[1, 1]),
        helper.make_node("Slice", ["pooled", "starts", "ends"], ["y"]),
    ]
    arrays = {"two": np.array([2], np.float32)}
    model = model_of(nodes, [1, 3, 9, 8], arrays, opset=11)
    model.producer_name = "MATLAB Deep Learning Toolbox Converter for ONNX Model Format"
    network = loaded(model, tmp_path)
    x = numbers(9, 8, 3, 2)
    np.testing.assert_array_equal(network.predict(x), x[1:7, 2:6])
