"""Layers that only make sense together: folding, unpooling, nested networks."""

import numpy as np
import pytest
from helpers import EXACT, SINGLE, assert_close, layer
from reference import recurrent, windows

from matbridge import LayerError, Network, UnsupportedError
from matbridge.onnx.write import to_onnx


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def on_onnx(network, *inputs):
    """The outputs of ONNX Runtime; inputs and outputs batch first."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(to_onnx(network).SerializeToString())
    named = {
        entry.name: np.ascontiguousarray(x, np.float32)
        for entry, x in zip(session.get_inputs(), inputs, strict=True)
    }
    return session.run(None, named)


def folded():
    """Frames through a convolution, then an LSTM over their features."""
    W, b = draw(1, 2, 2, 1, 3), draw(2, 1, 1, 3)
    arrays = {
        "InputWeights": draw(3, 16, 18),
        "RecurrentWeights": draw(4, 16, 4),
        "Bias": draw(5, 16, 1),
    }
    network = Network.of(
        [
            layer("sequenceInputLayer", [3, 4, 1], Name="video"),
            layer("sequenceFoldingLayer", Name="fold"),
            layer("convolution2dLayer", 2, 3, Weights=W, Bias=b, Name="conv"),
            layer("sequenceUnfoldingLayer", Name="unfold"),
            layer("flattenLayer", Name="flat"),
            layer("lstmLayer", 4, Name="lstm", **arrays),
        ],
        [
            ("video", "fold"),
            ("fold/out", "conv"),
            ("conv", "unfold/in"),
            ("fold/miniBatchSize", "unfold/miniBatchSize"),
            ("unfold", "flat"),
            ("flat", "lstm"),
        ],
    )

    def expected(x):
        steps = []
        for t in range(x.shape[-1]):
            y = windows.convolution(x[..., t], W, b, (1, 1), [(0, 0)] * 2, (1, 1))
            steps.append(y.reshape(-1, x.shape[-2], order="F"))
        return recurrent.lstm(np.stack(steps, -1), *arrays.values())[0]

    return network, expected


def test_folding_and_unfolding():
    network, expected = folded()
    sizes = {str(port): str(size) for port, size in network.infer().items()}
    assert sizes["fold"] == "3(S) × 4(S) × 1(C) × 1(B)"
    assert sizes["unfold"] == "2(S) × 3(S) × 3(C) × 1(B) × 1(T)"
    x = draw(6, 3, 4, 1, 2, 5)
    assert_close(network.predict(x, format="SSCBT", dtype="float64"), expected(x))
    (found,) = on_onnx(network, x.transpose(3, 2, 4, 0, 1))
    assert_close(found.transpose(1, 0, 2), expected(x), 50 * SINGLE)


def test_unfolding_needs_the_size_that_folding_gives():
    network = Network.of(
        [layer("imageInputLayer", [3, 4, 1], Name="x"), layer("sequenceUnfoldingLayer", Name="u")],
        [("x", "u/in"), ("x", "u/miniBatchSize")],
    )
    errors = [size for size in network.infer().values() if isinstance(size, LayerError)]
    assert "miniBatchSize" in str(errors[0])


@pytest.mark.parametrize("padding", [0, (1, 0, 0, 1)])
@pytest.mark.parametrize("stride", [(2, 2), (3, 2)])
def test_unpooling_puts_maxima_back(padding, stride):
    pool = {"Stride": stride, "Padding": padding, "HasUnpoolingOutputs": True}
    network = Network.of(
        [
            layer("imageInputLayer", [6, 7, 2], Name="x", Normalization="none"),
            layer("maxPooling2dLayer", 2, Name="pool", **pool),
            layer("maxUnpooling2dLayer", Name="unpool"),
        ],
        [
            ("x", "pool"),
            ("pool/out", "unpool/in"),
            ("pool/indices", "unpool/indices"),
            ("pool/size", "unpool/size"),
        ],
    )
    # Few values, so that there are ties.
    x = np.random.default_rng(3).integers(0, 3, (6, 7, 2, 2)).astype(float) + 1
    pairs = [(0, 0)] * 2 if padding == 0 else [(1, 0), (0, 1)]
    expected = windows.max_unpool(x, (2, 2), stride, pairs)
    assert_close(network.predict(x, dtype="float64"), expected)
    assert str(network.infer()[network.outputs[0]]) == "6(S) × 7(S) × 2(C) × 1(B)"
    distinct = draw(4, 6, 7, 2, 2)
    (found,) = on_onnx(network, distinct.transpose(3, 2, 0, 1))
    expected = windows.max_unpool(distinct, (2, 2), stride, pairs)
    assert_close(found.transpose(2, 3, 1, 0), expected, SINGLE)


def inner(entry=True):
    W, b = draw(1, 4, 3), draw(2, 4, 1)
    layers = [
        layer("fullyConnectedLayer", 4, Weights=W, Bias=b, Name="fc"),
        layer("tanhLayer", Name="squash"),
    ]
    if entry:
        layers.insert(0, layer("featureInputLayer", 3, Name="features"))
    return Network.of(layers), lambda x: np.tanh(W @ x + b)


@pytest.mark.parametrize("entry", [True, False])
def test_a_network_layer_is_its_layers(entry):
    net, function = inner(entry)
    network = Network.of(
        [
            layer("featureInputLayer", 3, Name="x"),
            layer("networkLayer", net, Name="block"),
            layer("reluLayer", Name="relu"),
        ]
    )
    assert [x.name for x in network.layers] == ["x", "block/fc", "block/squash", "relu"]
    x = draw(3, 3, 5)
    expected = np.maximum(function(x), 0)
    assert_close(network.predict(x, format="CB", dtype="float64"), expected)
    (found,) = on_onnx(network, x.T)
    assert_close(found.T, expected, 50 * SINGLE)


def test_a_network_in_a_network_in_a_network():
    net, function = inner()
    middle = Network.of([layer("featureInputLayer", 3), layer("networkLayer", net, Name="inner")])
    entries = [layer("featureInputLayer", 3, Name="x")]
    outer = Network.of([*entries, layer("networkLayer", middle, Name="outer")])
    assert [x.name for x in outer.layers] == ["x", "outer/inner/fc", "outer/inner/squash"]
    x = draw(3, 3, 5)
    assert_close(outer.predict(x, format="CB", dtype="float64"), function(x))
    names = dict(outer.to_torch().named_parameters())
    assert "outer_inner_fc.Weights" in names


def test_a_network_layer_with_several_ports():
    body = Network.of(
        [layer("additionLayer", 2, Name="add"), layer("reluLayer", Name="relu")],
        [("add", "relu")],
    )
    network = Network.of(
        [
            layer("featureInputLayer", 3, Name="a"),
            layer("featureInputLayer", 3, Name="b"),
            layer("networkLayer", body, Name="block"),
        ],
        [("a", "block/in1"), ("b", "block/in2")],
    )
    a, b = draw(1, 3, 2), draw(2, 3, 2)
    found = network.predict(a, b, format="CB", dtype="float64")
    assert_close(found, np.maximum(a + b, 0), EXACT)


def test_a_port_that_a_network_layer_does_not_have():
    net, _ = inner()
    with pytest.raises(LayerError, match="no port in7; it has in, in1"):
        Network.of(
            [layer("featureInputLayer", 3, Name="x"), layer("networkLayer", net, Name="n")],
            [("x", "n/in7")],
        )


def test_an_input_layer_that_normalizes_cannot_be_nested():
    entry = layer("featureInputLayer", 3, Normalization="zerocenter", Mean=np.ones((3, 1)))
    with pytest.raises(LayerError, match="normalizes"):
        Network.of([layer("reluLayer"), layer("networkLayer", Network.of([entry]), Name="n")])


def test_a_neural_ode_is_read_and_says_why_it_is_not_run():
    net, _ = inner()
    network = Network.of(
        [layer("featureInputLayer", 3), layer("neuralODELayer", net, [0, 1], Name="ode")]
    )
    with pytest.raises(UnsupportedError, match="relative tolerance of 1e-3"):
        network.predict(np.zeros((1, 3)))
