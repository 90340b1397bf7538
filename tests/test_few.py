"""A few observations of a case, wherever they are counted."""

import numpy as np
import pytest
from helpers import layer
from planted import built, networks, sequences

from matbridge import Network
from matbridge.verify.case import Case
from matbridge.verify.few import FEW, few

COUNT = 20
ROWS = [round(k * (COUNT - 1) / (FEW - 1)) for k in range(FEW)]


def lstm():
    return built(networks("lstm", modes=("last",))[0])


def test_sequences_and_rows_columns_or_names():
    xs = sequences(count=COUNT)
    scores = np.arange(3.0 * COUNT).reshape(COUNT, 3)
    names = np.array(["a", "b"] * (COUNT // 2), dtype=object)
    for expected, chosen in (
        (scores, scores[ROWS]),
        (scores[:, :1].reshape(1, -1), scores[ROWS, :1].reshape(1, -1)),
        (names, names[ROWS]),
        (list(scores), [scores[k] for k in ROWS]),
    ):
        small = few(Case(lstm(), (xs,), (expected,)))
        assert [x is xs[k] for x, k in zip(small.inputs[0], ROWS, strict=True)]
        assert np.array_equal(small.expected[0], chosen)


def test_images_and_features():
    images = Network.of([layer("imageInputLayer", [4, 5, 3], Normalization="none")])
    x = np.random.default_rng(0).normal(size=(4, 5, 3, COUNT))
    small = few(Case(images, (x,), (x,)))
    assert np.array_equal(small.inputs[0], x[..., ROWS])
    assert np.array_equal(small.run()[0], np.float32(small.expected[0]))
    features = Network.of([layer("featureInputLayer", 3)])
    x = np.random.default_rng(0).normal(size=(COUNT, 3))
    small = few(Case(features, (x,), (x,)))
    assert np.array_equal(small.expected[0], x[ROWS])


@pytest.mark.parametrize(
    "case",
    [
        Case(lstm(), (sequences(count=3),), (np.zeros((3, 3)),)),
        Case(lstm(), (np.zeros((3, COUNT)),), (np.zeros((1, 3)),)),
        Case(lstm(), (sequences(count=COUNT),), (np.zeros((COUNT + 1, 3)),)),
        Case(lstm(), (sequences(count=COUNT),), (np.zeros((COUNT, 3)),),
             {"sequence_length": "longest"}),
        Case(lstm(), (sequences(count=COUNT),), (np.zeros((COUNT, 3)),), {"format": "CT"}),
    ],
)  # fmt: skip
def test_what_cannot_be_parted_stays(case):
    assert few(case) is case
