"""Windows of ONNX as MATLAB's layers: padding that stands before them or is computed, pooling,
sizes that are open; each against NumPy's loops over windows."""

import numpy as np
import pytest
from matlab_exports import PRODUCER, Converter, draw, filters_first, single
from onnx import TensorProto, helper, numpy_helper
from reference import windows

import matbridge

X = single(draw("data of windows", 7, 6, 2, 3))
W = single(draw("filter of windows", 3, 2, 2, 4))
B = single(draw("bias of windows", 4))


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs, [output], output, **attributes)


def load(nodes, arrays, folder, sizes=("N", 2, 7, 6), opset=17, producer=""):
    """The network of nodes from x to y."""
    constants = []
    for name, array in arrays.items():
        kind = np.float32 if np.asarray(array).dtype.kind == "f" else np.int64
        constants.append(numpy_helper.from_array(np.asarray(array, kind), name))
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)],
        [helper.make_empty_tensor_value_info("y")],
        constants,
    )
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name=producer)
    path = folder / "made.onnx"
    path.write_bytes(model.SerializeToString())
    return matbridge.load(path)


def convolution(tensor, **attributes):
    return node("Conv", [tensor, "W", "B"], "y", kernel_shape=[3, 2], **attributes)


WEIGHTS = {"W": filters_first(W, 2), "B": B}


def assert_close(found, expected):
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def only_layer(network):
    (layer,) = (layer for layer in network if not layer.IS_INPUT)
    return layer


@pytest.mark.parametrize("opset", [9, 17])
@pytest.mark.parametrize(
    ("mode", "value"), [("constant", 0.0), ("constant", 1.5), ("reflect", 0.0), ("edge", 0.0)]
)
def test_a_pad_before_a_convolution(opset, mode, value, tmp_path):
    """Its amounts and its value, an attribute before opset 11, are the layer's own."""
    pairs, arrays = [(1, 2), (2, 1)], dict(WEIGHTS)
    ends = [0, 0, 1, 2, 0, 0, 2, 1]
    if opset < 11:
        pad = node("Pad", ["x"], "p", pads=ends, mode=mode, value=value)
    else:
        arrays |= {"amounts": np.array(ends), "value": np.array(value)}
        pad = node("Pad", ["x", "amounts", "value"], "p", mode=mode)
    network = load([pad, convolution("p", strides=[2, 1])], arrays, tmp_path, opset=opset)
    words = {"reflect": "symmetric-exclude-edge", "edge": "replicate", "constant": value}
    layer = only_layer(network)
    assert (layer.padding, layer.padding_value) == (tuple(pairs), words[mode])
    expected = windows.convolution(X, W, B, (2, 1), pairs, (1, 1), words[mode])
    assert_close(network.predict(X), expected)


def test_a_pad_of_the_channels_is_no_padding_of_a_layer(tmp_path):
    """Nor one that takes away."""
    for ends in ([0, 1, 0, 0, 0, 0, 0, 0], [0, 0, -1, 0, 0, 0, 0, 0]):
        arrays = {"amounts": np.array(ends), **WEIGHTS}
        nodes = [node("Pad", ["x", "amounts"], "p"), convolution("p")]
        network = load(nodes, arrays, tmp_path)
        assert len(network) > 2


@pytest.mark.parametrize("own", [{"auto_pad": "SAME_UPPER"}, {"pads": [0, 1, 1, 0]}])
def test_a_pad_before_a_window_that_pads_itself(own, tmp_path):
    """One padding on another is not one padding: the first stays an operator."""
    amounts = [(1, 0), (0, 1)]
    arrays = {"amounts": np.array([0, 0, 1, 0, 0, 0, 0, 1]), "value": np.array(1.5), **WEIGHTS}
    nodes = [node("Pad", ["x", "amounts", "value"], "p"), convolution("p", **own)]
    network = load(nodes, arrays, tmp_path)
    inner = windows.pad(X, amounts, 1.5)
    pairs = [(0, 1), (1, 0)]
    if "pads" not in own:
        pairs = windows.same(inner.shape[:2], (3, 2), (1, 1), (1, 1))
    expected = windows.convolution(inner, W, B, (1, 1), pairs, (1, 1))
    assert_close(network.predict(X), expected)
    assert len(network) == 3


@pytest.mark.parametrize(("value", "fits"), [(-np.inf, True), (-3.4e38, True), (0.0, False)])
def test_a_pad_before_max_pooling(value, fits, tmp_path):
    """Padding never wins in MATLAB: zeros around the data, which may, are no such padding."""
    arrays = {"amounts": np.array([0, 0, 1, 0, 0, 0, 0, 1]), "value": np.array(value)}
    pool = node("MaxPool", ["p"], "y", kernel_shape=[2, 3], strides=[2, 2])
    network = load([node("Pad", ["x", "amounts", "value"], "p"), pool], arrays, tmp_path)
    if not fits:
        assert len(network) > 2
        return
    expected = windows.max_pool(X, (2, 3), (2, 2), [(1, 0), (0, 1)])
    assert_close(network.predict(X), expected)
    assert only_layer(network).padding == ((1, 0), (0, 1))


@pytest.mark.parametrize("counts", [None, 0, 1])
def test_what_average_pooling_counts(counts, tmp_path):
    """A Pad counts, count_include_pad says whether padding does: PaddingValue 0 or 'mean'."""
    options = {} if counts is None else {"count_include_pad": counts}
    pool = node("AveragePool", ["x"], "y", kernel_shape=[2, 3], pads=[1, 1, 0, 1], **options)
    network = load([pool], {}, tmp_path)
    expected = windows.average_pool(X, (2, 3), (1, 1), [(1, 0), (1, 1)], not counts)
    assert only_layer(network).padding_value == (0 if counts else "mean")
    assert_close(network.predict(X), expected)
    amounts = {"amounts": np.array([0, 0, 1, 1, 0, 0, 0, 1])}
    pool = node("AveragePool", ["p"], "y", kernel_shape=[2, 3])
    network = load([node("Pad", ["x", "amounts"], "p"), pool], amounts, tmp_path)
    expected = windows.average_pool(X, (2, 3), (1, 1), [(1, 0), (1, 1)])
    assert_close(network.predict(X), expected)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [(3, 3), (2, 5), (1, 1)])
@pytest.mark.parametrize("swapped", [False, True])
def test_padding_at_run_time_is_the_rule_or_it_is_not(stride, size, swapped, tmp_path):
    """R2024b's graph is 'same'; one that has the odd one at the beginning is not, but at the size
    of the input it is known what it comes to."""
    converter = Converter("24.2.0", broken=("pads",) if swapped else ())
    x = converter.images("imageinput", 9, 8, 2, normalization="none")
    y = converter.convolution(x, "conv", 3, size, stride=stride, padding="same")
    path = tmp_path / "made.onnx"
    path.write_bytes(converter.finish(y).model.SerializeToString())
    network = matbridge.load(path)
    layer = network["conv"]
    pairs = windows.same((9, 8), size, (stride,) * 2, (1, 1))
    symmetric = all(a == b for n in range(99) for a, b in
                    windows.same((n + 5, n + 5), size, (stride,) * 2, (1, 1)))  # fmt: skip
    if swapped and not symmetric:
        assert layer.padding == tuple((b, a) for a, b in pairs)
    else:
        assert layer.padding == "same"
        assert_close(network.predict(x.data), y.data)


def test_uneven_static_padding_of_matlab_is_same(tmp_path):
    """Only 'same' makes the numbers uneven like this; even ones stay as they are."""
    arrays = {"W": draw("w", 4, 2, 3, 3), "B": B}
    for pads, stride, padding in (
        ([1, 0, 1, 1], 2, "same"),
        ([0, 1, 1, 1], 2, ((0, 1), (1, 1))),
        ([1, 1, 1, 1], 1, ((1, 1), (1, 1))),
    ):
        conv = node(
            "Conv", ["x", "W", "B"], "y", kernel_shape=[3, 3], strides=[stride] * 2, pads=pads
        )
        network = load([conv], arrays, tmp_path, (1, 2, 7, 6), 8, PRODUCER)
        assert only_layer(network).padding == padding


def test_images_of_any_size(tmp_path):
    """Height and width that someone freed after the export, as of a fully convolutional network."""
    network = load(
        [convolution("x", pads=[1, 0, 1, 1])], WEIGHTS, tmp_path, ["?", 2, "H", "W"], 8, PRODUCER
    )
    for x in (X, X[:5, :4]):
        expected = windows.convolution(x, W, B, (1, 1), [(1, 1), (0, 1)], (1, 1))
        assert_close(network.predict(x), expected)


def test_convolution_over_the_steps(tmp_path):
    """T×N×C turned to N×C×T and back: convolution1dLayer over time."""
    sequence, w = single(draw("steps", 3, 2, 8)), single(draw("w1", 3, 3, 4))
    arrays = {"W": filters_first(w, 1), "B": B}
    nodes = [
        node("Transpose", ["x"], "t", perm=[1, 2, 0]),
        node("Conv", ["t", "W", "B"], "c", kernel_shape=[3], pads=[2, 0]),
        node("Transpose", ["c"], "y", perm=[2, 0, 1]),
    ]
    network = load(nodes, arrays, tmp_path, ["T", "N", 3], 17, PRODUCER)
    expected = windows.convolution(sequence.transpose(2, 0, 1), w, B, (1,), [(2, 0)], (1,))
    found = network.predict([sequence[:, n] for n in range(2)])
    for n in range(2):
        assert_close(found[n], expected[:, :, n].T)
    assert only_layer(network).type_name == "Convolution1DLayer"


@pytest.mark.parametrize("option", ["ceil_mode", "dilations", "SAME_LOWER"])
def test_windows_that_matlab_lacks(option, tmp_path):
    options = {
        "ceil_mode": {"ceil_mode": 1},
        "dilations": {"dilations": [2, 1]},
        "SAME_LOWER": {"auto_pad": "SAME_LOWER"},
    }
    pool = node("MaxPool", ["x"], "y", kernel_shape=[2, 2], strides=[2, 2], **options[option])
    network = load([pool], {}, tmp_path)
    assert not any(layer.type_name == "MaxPooling2DLayer" for layer in network)


@pytest.mark.parametrize(
    ("operator", "layer", "value"),
    [
        ("GlobalAveragePool", "GlobalAveragePooling1DLayer", np.mean),
        ("GlobalMaxPool", "GlobalMaxPooling1DLayer", np.max),
    ],
)
def test_global_pooling_over_time(operator, layer, value, tmp_path):
    """Of sequences in N×C×T, as a convolution over time has them; time goes."""
    nodes = [
        node("Transpose", ["x"], "turned", perm=[1, 2, 0]),
        node("Conv", ["turned", "W"], "convolved", kernel_shape=[1]),
        node(operator, ["convolved"], "pooled"),
        node("Flatten", ["pooled"], "flat"),
        node("MatMul", ["flat", "V"], "y"),
    ]
    one, two = single(draw("filter over time", 5, 2, 1)), single(draw("rows", 5, 3))
    arrays = {"W": one, "V": two}
    network = load(nodes, arrays, tmp_path, ("T", "N", 2), opset=8, producer=PRODUCER)
    assert list(network)[2].type_name == layer
    x = single(draw("sequence", 2, 6))
    assert_close(network.predict(x), (value(one[:, :, 0] @ x, axis=1) @ two)[None])


@pytest.mark.parametrize("producer", [PRODUCER, ""])
def test_a_convolution_whose_window_only_its_weights_tell(producer, tmp_path):
    """kernel_shape may be left out: 'same' is seen, and a Pad before it, as with it."""
    arrays = {**WEIGHTS, "amounts": np.array([0, 0, 1, 0, 0, 0, 2, 1])}
    nodes = [node("Pad", ["x", "amounts"], "p"), node("Conv", ["p", "W", "B"], "y")]
    assert only_layer(load(nodes, arrays, tmp_path, producer=producer)).padding == ((1, 2), (0, 1))
    if producer:
        alone = [node("Conv", ["x", "W", "B"], "y", pads=[1, 0, 1, 1])]
        layer = only_layer(load(alone, WEIGHTS, tmp_path, producer=producer))
        assert layer.padding == "same"


def test_names_of_nodes_do_not_count_in_files_of_matlab(tmp_path):
    """Tools strip or change them; MATLAB's exporter names the tensors after the layers too."""
    nodes = [node("Sub", ["x", "x_Mean"], "x_Sub"), node("Conv", ["x_Sub", "W", "B"], "y")]
    for name in ("", "other"):
        for each in nodes:
            each.name = name and f"{name}{each.op_type}"
        arrays = {**WEIGHTS, "x_Mean": np.full((1, 2, 1, 1), 0.5)}
        network = load(nodes, arrays, tmp_path, producer=PRODUCER)
        assert [layer.name for layer in network] == ["x", "y"]
        assert next(iter(network)).normalization == "zerocenter"
