"""predict and classify speak MATLAB; what does not fit is said."""

import numpy as np
import pytest
import torch
from helpers import assert_close, layer

import matbridge
from matbridge import MismatchError, Network, UnsupportedError


@pytest.fixture(scope="module")
def images():
    """3×4 images with 2 channels; gives them back."""
    return Network.of([layer("imageInputLayer", [3, 4, 2], Normalization="none", Name="in")])


@pytest.fixture(scope="module")
def sequences():
    return Network.of([layer("sequenceInputLayer", 2, Name="in"), layer("reluLayer")])


@pytest.fixture(scope="module")
def features():
    W = np.array([[1.0, 0, 0], [0, 1, 1]])
    start = layer("featureInputLayer", 3, Name="in")
    return Network.of([start, layer("fullyConnectedLayer", 2, Weights=W, Bias=[0, 1])])


@pytest.fixture
def draw():
    return np.random.default_rng(0)


def test_images(images, draw):
    x = draw.standard_normal((3, 4, 2, 5))
    assert_close(images.predict(x, dtype="float64"), x)
    assert_close(images.predict(x[..., 0], dtype="float64"), x[..., :1])
    assert_close(images.predict([x[..., 0], x[..., 1]], dtype="float64"), x[..., :2])


def test_any_order_of_dimensions(images, draw):
    x = draw.standard_normal((5, 2, 3, 4))
    assert_close(images.predict(x, format="BCSS", dtype="float64"), x.transpose(2, 3, 1, 0))


def test_sequences(sequences, draw):
    x = draw.random((2, 7))
    assert_close(sequences.predict(x, dtype="float64"), x)
    lists = [draw.random((2, n)) for n in (3, 5, 3, 1)]
    found = sequences.predict(lists, dtype="float64")
    assert isinstance(found, list)
    for a, b in zip(found, lists, strict=True):
        assert_close(a, b)
    assert_close(sequences.predict(x.T, format="TC", dtype="float64"), x[:, None, :])


def test_features(features, draw):
    x = draw.standard_normal((4, 3))
    expected = np.stack([x[:, 0], x[:, 1] + x[:, 2] + 1], axis=1)
    assert_close(features.predict(x, dtype="float64"), expected)
    assert_close(features.predict(x[0], dtype="float64"), expected[:1])
    assert_close(features.predict(x.T, format="CB", dtype="float64"), expected.T)


def test_mini_batches_give_the_same(features, draw):
    x = draw.standard_normal((300, 3))
    seen = []
    whole = features.predict(x, dtype="float64", mini_batch_size=300)
    parts = features.predict(
        x, dtype="float64", mini_batch_size=7, progress=lambda *p: seen.append(p)
    )
    assert_close(parts, whole, 1e-14)
    assert seen[-1] == (300, 300)


def test_integers_are_numbers(images):
    x = np.arange(24, dtype=np.uint8).reshape(3, 4, 2)
    assert images.predict(x)[..., 0].tolist() == x.tolist()


def test_inputs_by_name_and_in_order(draw):
    network = Network.of(
        [
            layer("featureInputLayer", 2, Name="a"),
            layer("featureInputLayer", 2, Name="b"),
            layer("concatenationLayer", 1, 2, Name="cat"),
        ],
        [("a", "cat/in1"), ("b", "cat/in2")],
    )
    a, b = draw.random((3, 2)), draw.random((3, 2))
    expected = np.concatenate([a, b], axis=1)
    assert_close(network.predict(a, b, dtype="float64"), expected)
    assert_close(network.predict({"b": b, "a": a}, dtype="float64"), expected)
    with pytest.raises(MismatchError, match="missing: b; unknown: c"):
        network.predict({"a": a, "c": b})
    with pytest.raises(MismatchError, match="2 inputs, 1 were given"):
        network.predict(a)
    with pytest.raises(MismatchError, match="different numbers of observations: a 3, b 2"):
        network.predict(a, b[:2])


def test_lists_of_different_inputs_are_paired(draw):
    network = Network.of(
        [
            layer("sequenceInputLayer", 1, Name="a"),
            layer("sequenceInputLayer", 1, Name="b"),
            layer("additionLayer", 2, Name="add"),
        ],
        [("a", "add/in1"), ("b", "add/in2")],
    )
    lengths = [3, 2, 3, 4]
    a = [draw.random((1, n)) for n in lengths]
    b = [draw.random((1, n)) for n in lengths]
    for found, x, y in zip(network.predict(a, b, dtype="float64"), a, b, strict=True):
        assert_close(found, x + y)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((3, 4, 3), "does not fit 3.S. × 4.S. × 2.C. × 1.B."),
        ((4, 3, 2, 1), "does not fit"),
        ((3, 4, 2, 1, 1), "too many dimensions"),
    ],
)
def test_wrong_images(images, shape, said):
    with pytest.raises(MismatchError, match=said) as caught:
        images.predict(np.zeros(shape))
    assert "H×W×C×N" in str(caught.value)


def test_a_transposed_sequence_is_recognised(sequences):
    with pytest.raises(MismatchError, match=r'time × channels[\s\S]*format="TC"'):
        sequences.predict(np.zeros((7, 2)))


def test_transposed_features_are_recognised(features):
    with pytest.raises(MismatchError, match="channels × observations"):
        features.predict(np.zeros((3, 9)))


def test_what_is_not_numbers(images, sequences):
    with pytest.raises(MismatchError, match="not numbers"):
        images.predict(np.array(["a"]))
    with pytest.raises(MismatchError, match="no sequences"):
        sequences.predict([])
    with pytest.raises(MismatchError, match="complex"):
        sequences.predict(np.ones((2, 3)) * 1j)
    with pytest.raises(MismatchError, match="not a dlarray format"):
        sequences.predict(np.ones((2, 3)), format="XY")
    with pytest.raises(MismatchError, match="2 formats were given for 1 inputs"):
        sequences.predict(np.ones((2, 3)), format=["CT", "CT"])


def test_a_sequence_that_is_too_short():
    network = Network.of([layer("sequenceInputLayer", 2, MinLength=4)])
    with pytest.raises(MismatchError, match="3 steps is shorter than MinLength 4"):
        network.predict(np.zeros((2, 3)))


def test_devices_and_types(images):
    x = np.zeros((3, 4, 2))
    with pytest.raises(MismatchError, match="not a floating point type"):
        images.predict(x, dtype="int32")
    with pytest.raises(MismatchError, match="cannot be used"):
        images.predict(x, device="nonsense")
    if not torch.cuda.is_available():
        with pytest.raises(MismatchError, match="cuda"):
            images.predict(x, device="cuda")


def test_nan_goes_through(sequences):
    x = np.array([[1.0, np.nan], [2.0, 3.0]])
    found = sequences.predict(x)
    assert np.isnan(found).sum() == 1


def test_classify(fixtures, draw):
    network = matbridge.load(fixtures / "lstm_classifier.mat")
    data = [draw.standard_normal((4, n)) for n in (5, 8, 5)]
    scores = network.predict(data)
    names = np.array(network.classes)
    assert network.classify(data).tolist() == names[scores.argmax(axis=1)].tolist()
    assert network.classify(data, classes=["x", "y", "z"])[0] in "xyz"
    with pytest.raises(MismatchError, match="3 scores do not fit 2 classes"):
        network.classify(data, classes=["x", "y"])


def test_classify_each_step(draw):
    network = Network.of([layer("sequenceInputLayer", 2), layer("softmaxLayer")])
    x = draw.standard_normal((2, 6))
    names = np.array(["a", "b"])
    expected = names[x.argmax(axis=0)].tolist()
    assert network.classify(x, classes=names).tolist() == expected
    assert [y.tolist() for y in network.classify([x], classes=names)] == [expected]
    with pytest.raises(MismatchError, match="does not name its classes"):
        network.classify(x)


def test_classify_each_pixel(images, draw):
    x = draw.standard_normal((3, 4, 2, 2))
    found = images.classify(x, classes=["a", "b"])
    assert found.shape == (3, 4, 2)
    assert (found == np.array(["a", "b"])[x.argmax(axis=2)]).all()


def test_nan_scores_are_undefined():
    network = Network.of([layer("featureInputLayer", 2)])
    x = np.array([[1.0, np.nan], [3.0, 2.0]])
    assert network.classify(x, classes=["a", "b"]).tolist() == ["<undefined>", "a"]


def test_an_untrained_network_does_not_run():
    network = Network.of([layer("featureInputLayer", 2), layer("fullyConnectedLayer", 3)])
    assert not network.initialised
    with pytest.raises(UnsupportedError, match=r"fc: .*uninitialised: it has no Weights, Bias"):
        network.predict(np.zeros((1, 2)))


def test_an_input_without_a_layer_needs_a_format():
    network = Network.of([layer("reluLayer", Name="relu")])
    assert network.input_names == ("relu",)
    with pytest.raises(MismatchError, match="format is not known"):
        network.predict(np.ones((2, 3)))
    assert network.predict(-np.ones((2, 3)), format="CB").tolist() == np.zeros((2, 3)).tolist()
