"""Networks that came into MATLAB from ONNX and Keras."""

import numpy as np
import pytest
import saved
from helpers import assert_close, layer, network_of

from matbridge import LayerError, MatbridgeError
from matbridge.core.diagnostics import Report
from matbridge.core.registry import Registry
from matbridge.matlab.layer import read_layer

draw = np.random.default_rng(5)
X = draw.standard_normal((3, 4, 2, 5))


def read(class_name, **properties):
    """The layer of a saved object, as the importers' classes are saved."""
    report = Report()
    found = saved.custom(class_name, Name="one", Description="of an importer", **properties)
    return read_layer(found, Registry.builtin(), report, "net"), report


@pytest.mark.parametrize("package", ["onnx", "keras"])
@pytest.mark.parametrize(("name", "function"), [("Sigmoid", None), ("Tanh", np.tanh)])
def test_activations_are_those_of_matlab(package, name, function):
    one, report = read(f"nnet.{package}.layer.{name}Layer")
    expected = function(X) if function else 1 / (1 + np.exp(-X))
    assert one.known
    assert not list(report)
    found = network_of(one, like=X, format="SSCB").predict(X, dtype="float64")
    assert_close(found, expected)


def test_the_rest_that_matlab_has_too():
    one, _ = read("nnet.onnx.layer.IdentityLayer")
    assert_close(network_of(one, like=X, format="SSCB").predict(X, dtype="float64"), X)
    one, _ = read("nnet.keras.layer.GlobalAveragePooling2dLayer")
    found = network_of(one, like=X, format="SSCB").predict(X, dtype="float64")
    assert_close(found, X.mean((0, 1), keepdims=True))


def test_what_the_importer_saves_beside_is_known():
    one, report = read(
        "nnet.onnx.layer.VerifyBatchSizeLayer",
        RequiredBatchSize=saved.number(1),
        BatchDim=saved.number(4),
        InputLayerName="input",
    )
    assert one.known
    assert not list(report)
    sides = {"Top": 1, "Bottom": 2, "Left": 0, "Right": 3}
    one, _ = read(
        "nnet.keras.layer.ZeroPadding2dLayer", **{k: saved.number(v) for k, v in sides.items()}
    )
    assert one.amounts == ((1, 2), (0, 3))


def test_padding_of_two_orders_is_refused():
    one, report = read("nnet.keras.layer.ZeroPadding2dLayer", Amounts=np.array([[1.0, 2], [3, 4]]))
    assert not one.known
    assert "whose order is not documented" in next(iter(report)).what
    one, _ = read("nnet.keras.layer.ZeroPadding2dLayer", Amounts=np.full((2, 2), 3.0))
    assert one.amounts == ((3, 3), (3, 3))


def test_a_property_that_is_missing_is_told():
    one, report = read("nnet.onnx.layer.ClipLayer", Min=saved.number(0))
    assert not one.known
    assert "the property Max is missing" in str(next(iter(report)).what)
    one, _ = read("nnet.onnx.layer.PreluLayer", Slope=np.ones((1, 1)))
    with pytest.raises(MatbridgeError, match="it has no Alpha"):
        network_of(one, like=X, format="SSCB").predict(X)


@pytest.mark.parametrize("shape", [(3, 4, 2, 5), (4, 4), (2, 1), (1, 1, 3), (1, 1, 1, 2)])
def test_what_would_enlarge_the_data_is_refused(shape):
    one = layer(
        "nnet.onnx.layer.ElementwiseAffineLayer",
        Scale=np.ones(shape),
        Offset=np.zeros((1, 1)),
    )
    network = network_of(one, like=X, format="SSCB")
    with pytest.raises(LayerError, match="has Scale of size"):
        network.predict(X)


@pytest.mark.parametrize(
    ("builder", "like", "format", "said", "named"),
    [
        ("onnx.layer.FlattenLayer", X[..., None], "SSCBT", "flattens images", {}),
        ("keras.layer.ZeroPadding2dLayer", X[0], "CBT", "spatial", {"Amounts": 1}),
        ("keras.layer.ZeroPadding1dLayer", X, "SSCB", "pads one dimension", {"Amounts": 1}),
    ],
)
def test_formats_that_are_refused(builder, like, format, said, named):
    network = network_of(layer(f"nnet.{builder}", **named), like=like, format=format)
    with pytest.raises(LayerError, match=said):
        network.predict(like, format=format)


def test_binary_cross_entropy_is_an_output():
    one, _ = read("nnet.keras.layer.BinaryCrossEntropyRegressionLayer")
    assert one.IS_OUTPUT
    assert_close(network_of(one, like=X, format="SSCB").predict(X, dtype="float64"), X)
