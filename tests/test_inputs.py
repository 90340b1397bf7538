"""Whatever is given to predict runs, or is refused in one message: never a traceback of NumPy's."""

import datetime
import itertools
import warnings

import numpy as np
import pytest
import torch
from helpers import assert_close, layer
from scipy import sparse

from matbridge import MatbridgeError, MismatchError, Network

draw = np.random.default_rng(0).standard_normal
H = 3


def lstm(channels, **options):
    weights = {"InputWeights": draw((4 * H, channels)), "RecurrentWeights": draw((4 * H, H))}
    return layer("lstmLayer", H, **weights, Bias=draw((4 * H, 1)), **options)


NETWORKS = {
    "features": Network.of([layer("featureInputLayer", 2, Name="x"), layer("tanhLayer")]),
    "images": Network.of([layer("imageInputLayer", [3, 4, 2], Normalization="none", Name="x")]),
    "sequences": Network.of([layer("sequenceInputLayer", 2, Name="x"), lstm(2)]),
    "last": Network.of([layer("sequenceInputLayer", 2, Name="x"), lstm(2, OutputMode="last")]),
    "videos": Network.of([layer("sequenceInputLayer", [3, 4, 2], Name="x"), layer("reluLayer")]),
    "open": Network.of([layer("inputLayer", [np.nan] * 3, "CBT", Name="x"), layer("reluLayer")]),
    "no input layer": Network.of([lstm(2)]),
}
SHAPES = [(), (1,), (2,), (2, 5), (5, 2), (3, 4, 2), (3, 4, 2, 2), (2, 3, 5), (1, 2, 3, 4, 5), (0,)]
SHAPES += [(2, 0), (0, 2), (3, 4, 0), (0, 0)]


def odd_values():
    """Numbers in every dress, and what holds none."""
    for shape in SHAPES:
        for kind in (
            "f2",
            ">f4",
            ">f8",
            "g",
            "G",
            ">c16",
            "u1",
            ">i2",
            "?",
            "M8[s]",
            "U3",
            "O",
            "V4",
        ):
            yield np.zeros(shape, kind)
        yield torch.zeros(shape)
        yield torch.zeros(shape, dtype=torch.bfloat16, requires_grad=True)
        yield np.full(shape, np.nan)
    whole = draw((2, 5))
    yield from (None, "text", b"bytes", 1, 2.5, 1j, object(), {}, {"x": whole}, {"y": whole}, set())
    yield from (
        [],
        [[]],
        [[], []],
        [[1, [2]], 3],
        [[1, 2], [3]],
        [whole, whole[:, :2], whole[:1]],
        [whole, None],
    )
    yield from ([whole, []], [whole, np.zeros((0, 0))], [[[1], [2]], [3, 4]], (whole, whole))
    yield from ([np.zeros((3, 4, 2)), np.zeros((3, 5, 2))], [np.zeros((3, 4, 2))] * 2)
    yield from (sparse.csr_matrix(whole), np.ma.masked_less(whole, 0), whole.view(np.matrix))
    yield from (iter([1]), range(2), datetime.date(2020, 1, 1), 10**400, [10**400, 1])
    yield from (np.array([whole, whole[:, :3], None], dtype=object)[:2], memoryview(b"ab"))


@pytest.mark.parametrize("format", [None, "CB", "BC", "TC", "CT", "SSCB", "TSSC", "C", "SSSSCBT"])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_value_runs_or_is_refused(name, format):
    for value in odd_values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                NETWORKS[name].predict(value, format=format, mini_batch_size=2)
            except MatbridgeError as error:
                assert str(error)


@pytest.mark.parametrize("kind", ["f2", ">f4", ">f8", "g", ">i4", "u1", "bfloat16", "gradient"])
def test_numbers_in_every_dress_are_the_same_numbers(kind):
    x = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
    given = x
    if kind == "bfloat16":
        given = torch.tensor(x, dtype=torch.bfloat16)
    elif kind == "gradient":
        given = torch.tensor(x, requires_grad=True)
    else:
        given = x.astype(kind)
    network = NETWORKS["sequences"]
    assert_close(network.predict(given), network.predict(x), 0.0)
    assert_close(network.predict(sparse.csr_matrix(x)), network.predict(x), 0.0)


# -- formats -----------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [(5, 5, 5), (5, 3, 7), (4,)], ids=["equal", "unequal", "one"])
@pytest.mark.parametrize("name", ["sequences", "last"])
def test_lists_of_sequences_in_another_order(name, lengths):
    """As MATLAB's cells of T×C: the result is that of the transposed ones."""
    network, xs = NETWORKS[name], [draw((2, n)) for n in lengths]
    expected = network.predict(xs, dtype="float64")
    turned = [x.T for x in xs]
    cell = np.empty(len(xs), object)
    cell[:] = turned
    for given, format in itertools.product((turned, tuple(turned), cell), ("TC", "tc")):
        found = network.predict(given, format=format, dtype="float64")
        assert isinstance(found, list) == (name == "sequences")
        for a, b in zip(found, expected, strict=True):
            assert_close(a, b, 0.0)
    found = network.predict(turned, format="TC", sequence_length="longest", dtype="float64")
    wanted = network.predict(xs, sequence_length="longest", dtype="float64")
    for a, b in zip(found, wanted, strict=True):
        assert_close(a, b, 0.0)


def test_lists_of_images_in_another_order():
    images = [draw((3, 4, 2)) for _ in range(3)]
    found = NETWORKS["images"].predict([x.transpose(2, 0, 1) for x in images], format="CSS")
    assert_close(found, np.stack(images, -1).astype(np.float32), 0.0)


def test_nested_numbers_are_one_array():
    network, x = NETWORKS["sequences"], draw((2, 4))
    found = network.predict(x.T.tolist(), format="TC", dtype="float64")
    assert_close(found[:, 0], network.predict(x, dtype="float64"), 0.0)


def test_what_is_wrong_with_one_of_several_is_said():
    xs = [draw((2, 4)), draw((3, 4))]
    with pytest.raises(MismatchError, match="x/observation 2: an input of size"):
        NETWORKS["sequences"].predict(xs)
    with pytest.raises(MismatchError, match="x/observation 2: an input of size"):
        NETWORKS["sequences"].predict([x.T for x in xs], format="TC")
    with pytest.raises(
        MismatchError, match="observation 2 has other sizes than the first: 3×1 and 2×1"
    ):
        NETWORKS["open"].predict(xs, format="CT")
    with pytest.raises(MismatchError, match="observation 2: the input is NoneType of object"):
        NETWORKS["sequences"].predict([xs[0], None])


# -- indices of words --------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["map-to-last", "error"])
@pytest.mark.parametrize("index", [np.nan, np.inf, -np.inf, 4.5, 1 + 1e-3])
def test_indices_of_words_are_whole_numbers(index, mode):
    words = layer("wordEmbeddingLayer", 2, 3, Weights=draw((2, 4)), OOVMode=mode)
    network = Network.of([layer("sequenceInputLayer", 1), words])
    module = network.to_torch()
    for _ in range(2):
        with pytest.raises(MismatchError, match="not a whole number"):
            network.predict([[1.0, index, 2.0]])
        with pytest.raises(MismatchError, match="not a whole number"):
            module(torch.tensor([[[1.0, index, 2.0]]]))
    if mode == "map-to-last":
        assert network.predict(np.array([[1.0, 99.0, 0.0]])).shape == (2, 3)
