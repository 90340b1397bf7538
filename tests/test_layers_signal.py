"""Signals, complex numbers, normalization by a function and its inverse: what is refused, and
what is read and written."""

import numpy as np
import pytest
import saved
from helpers import assert_close, layer, network_of

import matbridge
from matbridge import LayerError, Network, UnsupportedError
from matbridge.core.diagnostics import Report
from matbridge.core.registry import Registry
from matbridge.matlab.file.values import FunctionHandle
from matbridge.matlab.layer import read_layer
from matbridge.matlab.saving import save_layer
from matbridge.safetensors.write import save_safetensors

draw = np.random.default_rng(7)
X = draw.standard_normal((3, 4, 2, 5))


@pytest.mark.parametrize(
    ("named", "x", "format", "said"),
    [
        ({}, draw.standard_normal((1, 1, 100)), "CBT", "needs 128 steps"),
        ({"Window": [1, 1, 1], "OverlapLength": 3}, np.ones((1, 1, 9)), "CBT", "does not fit"),
        ({"Window": [1, 1, 1], "FFTLength": 2}, np.ones((1, 1, 9)), "CBT", "does not fit"),
        ({"Window": [1, 1, 1]}, np.ones((4, 1)), "CB", "needs a signal of format CBT"),
        ({"TransformMode": "realimag"}, np.ones((2, 1, 200)), "CBT", "needs 1 channel"),
        ({"WeightLearnRateFactor": 1}, np.ones((1, 1, 200)), "CBT", "weights that were trained"),
    ],
)
def test_stft_refuses(named, x, format, said):
    network = network_of(layer("stftLayer", **named), like=x, format=format)
    with pytest.raises(LayerError, match=said):
        network.predict(x, format=format)


def test_stft_of_unequal_lengths_is_that_of_each():
    one = layer("stftLayer", Window=np.ones(4), OverlapLength=2)
    sequences = [draw.standard_normal((2, n)) for n in (9, 12, 30)]
    network = network_of(one, like=np.ones((2, 1, 9)), format="CBT")
    for found, sequence in zip(network.predict(sequences, dtype="float64"), sequences, strict=True):
        alone = network.predict(sequence[:, None], format="CBT", dtype="float64")
        assert_close(np.squeeze(found), np.squeeze(alone))


@pytest.mark.parametrize("builder", ["istftLayer", "cwtLayer", "modwtLayer"])
def test_what_is_not_documented_is_read_and_says_why_it_cannot_run(builder):
    one = read_layer(saved.custom(builder, Name="one"), Registry.builtin(), Report(), "net")
    assert one.known
    network = network_of(one, like=np.ones((2, 1, 9)), format="CBT")
    with pytest.raises(UnsupportedError, match="cannot be run: .* documented"):
        network.predict(np.ones((2, 1, 9)), format="CBT")


def test_complex_weights_are_read_and_saved_again():
    W, b = X[:, :2, 0, 0] + 1j * X[:, 2:, 1, 0], X[:, :1, 0, 1] + 1j * X[:, :1, 0, 2]
    one = layer("complexFullyConnectedLayer", 3, Weights=W, Bias=b, Name="fc")
    kept = save_layer(one)
    assert np.iscomplexobj(kept.saved["Weights"]["Value"])
    again = read_layer(kept, Registry.builtin(), Report(), "net")
    for name, array in one.arrays.items():
        assert_close(again.arrays[name], array)
    assert_close(again.arrays["WeightsImaginary"], W.imag)


@pytest.mark.parametrize("inside", [lambda f: f, lambda f: {"Type": f, "Version": np.ones((1, 1))}])
def test_normalization_by_a_function_is_read_and_kept(tmp_path, inside):
    function = FunctionHandle("@(x)(x-a)/2", {"a": np.array([[0.5]])}, raw=raw_handle())
    entry = saved.layer(
        "nnet.cnn.layer.ImageInputLayer",
        4,
        Name="in",
        InputSize=np.array([[3, 4, 2]]),
        Normalization=inside(function),
    )
    one = read_layer(entry, Registry.builtin(), Report(), "net")
    network = Network.of([one])
    assert not one.passes_through
    assert_close(network.predict(X, dtype="float64"), (X - 0.5) / 2)
    again = read_layer(save_layer(one), Registry.builtin(), Report(), "net")
    assert_close(Network.of([again]).predict(X, dtype="float64"), (X - 0.5) / 2)
    save_safetensors(network, tmp_path / "net.safetensors")
    written = matbridge.load(tmp_path / "net.safetensors")
    assert_close(written.predict(X, dtype="float64"), (X - 0.5) / 2)


def raw_handle():
    return {"function_handle": {"function": "@(x)(x-a)/2", "type": "anonymous"}}


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("@(x)x(1:2,:,:,:)", LayerError, "a function as Normalization that makes 2"),
        ("@(x)imadjust(x)", UnsupportedError, "the function imadjust is not known"),
    ],
)
def test_a_function_that_cannot_normalize_is_told(text, error, said):
    one = layer("imageInputLayer", [3, 4, 2], Normalization=text)
    with pytest.raises(error, match=said):
        Network.of([one]).predict(X)


def test_inverse_normalization_refuses_other_dimensions():
    one = layer("inverseNormalizationLayer", 1, Normalization="zerocenter", Mean=np.ones((2, 1)))
    with pytest.raises(LayerError, match="the channels of its input .* are dimension 3"):
        network_of(one, like=X, format="SSCB").predict(X)
    right = layer("inverseNormalizationLayer", 3, Normalization="zerocenter", Mean=np.ones((2, 1)))
    assert_close(network_of(right, like=X, format="SSCB").predict(X, dtype="float64"), X + 1)


def test_inverse_normalization_of_a_saved_struct():
    kept = saved.layer(
        "nnet.cnn.layer.InverseNormalizationLayer",
        1,
        Name="inv",
        Normalization={"Type": "rescale", "Min": np.zeros((2, 1)), "Max": 4 * np.ones((2, 1)),
                       "TargetMin": np.array([[-1.0]]), "TargetMax": np.array([[1.0]])},
        OperationDimension="channel",
    )  # fmt: skip
    one = read_layer(kept, Registry.builtin(), Report(), "net")
    found = network_of(one, like=X, format="SSCB").predict(X, dtype="float64")
    assert_close(found, (X + 1) * 2)
