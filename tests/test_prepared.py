"""Prediction made ready: folded, kept, recorded and replayed, and still the same."""

import numpy as np
import pytest
import torch
from helpers import assert_close, layer, network_of

import matbridge
from matbridge import Layer, Network
from matbridge.layers.normalization import BatchNormalization
from matbridge.layers.shape import Identity
from matbridge.ops import Value
from matbridge.passes.fold import fold_batch_normalization
from matbridge.torch.module import NetworkModule
from matbridge.torch.prediction import PreparedModule
from matbridge.torch.prepared import Prepared
from matbridge.torch.ragged import padded_ops

draw = np.random.default_rng(0)


def statistics(C, image=True):
    shape = (1, 1, C) if image else (C, 1)
    arrays = {name: draw.standard_normal(shape) for name in ("TrainedMean", "Offset", "Scale")}
    return layer("batchNormalizationLayer", TrainedVariance=draw.random(shape) + 0.5, **arrays)


def convolution(C, F):
    weights = {
        "Weights": draw.standard_normal((3, 3, C, F)),
        "Bias": draw.standard_normal((1, 1, F)),
    }
    return layer("convolution2dLayer", 3, F, Padding="same", **weights)


def dense(C, F):
    weights = {"Weights": draw.standard_normal((F, C)), "Bias": draw.standard_normal((F, 1))}
    return layer("fullyConnectedLayer", F, **weights)


def modules(network, dtype=torch.float64):
    return NetworkModule(network, dtype), PreparedModule(network, dtype=dtype)


@pytest.mark.parametrize(
    ("before", "shape", "format"),
    [
        (convolution(2, 4), (5, 6, 2, 3), "SSCB"),
        (dense(3, 4), (3, 5), "CB"),
        (dense(3, 4), (3, 2, 7), "CBT"),
    ],
)
def test_batch_normalization_is_absorbed(before, shape, format):
    x = draw.standard_normal(shape)
    network = network_of(before, statistics(4, format == "SSCB"), like=x, format=format)
    folded = fold_batch_normalization(network)
    assert isinstance(folded.layers[-1], Identity)
    assert folded[network.layers[1].name] is not network.layers[1]
    plain = NetworkModule(network, torch.float64)
    again = NetworkModule(folded, torch.float64)
    dims = {"SSCB": (3, 2, 0, 1), "CB": (1, 0), "CBT": (1, 0, 2)}[format]
    tensor = torch.from_numpy(np.ascontiguousarray(x.transpose(dims)))
    assert_close(again(tensor).detach().numpy(), plain(tensor).detach().numpy())


def test_a_layer_that_others_see_absorbs_nothing():
    conv, bn = convolution(2, 4).replace(name="conv"), statistics(4).replace(name="bn")
    start = layer("imageInputLayer", [5, 5, 2], Normalization="none", Name="in")
    add = layer("additionLayer", 2, Name="add")
    ends = [("in", "conv"), ("conv", "bn"), ("bn", "add/in1"), ("conv", "add/in2")]
    network = Network.of([start, conv, bn, add], ends)
    assert fold_batch_normalization(network)["bn"] is network["bn"]


class Doubled(BatchNormalization):
    """A user's own normalization, which computes something else."""

    def forward(self, ops, p, x):
        return ops.multiply(super().forward(ops, p, x), 2.0)


def test_a_card_that_computes_something_else_is_not_absorbed():
    own = Doubled(name="own", arrays=statistics(4, False).arrays)
    network = network_of(dense(3, 4), own, like=np.zeros((3, 5)), format="CB")
    assert fold_batch_normalization(network)["own"] is network["own"]


def test_a_recorded_run_is_replayed(fixtures):
    for name in ("lstm_classifier", "gru_regressor", "cnn", "cnn_bilstm", "dag"):
        network = matbridge.load(fixtures / f"{name}.mat")
        plain, prepared = modules(network)
        for sizes in ((2, 5), (3, 5), (2, 5), (1, 9), (2, 5)):
            inputs = []
            for one, dims in plain.formats().items():
                spatial = iter(network[one].infer().spatial)
                free = {"B": sizes[0], "T": sizes[1], "C": network[one].infer()["C"]}
                shape = [next(spatial) if d == "S" else free[d] for d in dims]
                inputs.append(torch.from_numpy(draw.standard_normal(shape)))
            assert_close(prepared(*inputs).numpy(), plain(*inputs).detach().numpy())
        assert len(prepared.tapes) in (2, 3)


def test_the_tapes_are_bounded(monkeypatch):
    network = network_of(dense(3, 4), like=np.zeros((3, 1)), format="CB")
    prepared = PreparedModule(network)
    monkeypatch.setattr(PreparedModule, "TAPES", 4)
    for n in range(1, 10):
        prepared(torch.zeros(n, 3))
    assert len(prepared.tapes) == 4


def test_states_are_part_of_a_recording():
    D, H = 2, 3
    weights = {"InputWeights": draw.standard_normal((4 * H, D))}
    weights |= {"RecurrentWeights": draw.standard_normal((4 * H, H)), "Bias": np.zeros((4 * H, 1))}
    x = draw.standard_normal((D, 4))
    network = network_of(layer("lstmLayer", H, **weights), like=x[:, None], format="CBT")
    first, _ = network.predict_and_update_state(x, dtype="float64")
    again, _ = network.predict_and_update_state(x, dtype="float64")
    for name in ("HiddenState", "CellState"):
        assert_close(again["lstm"].arrays[name], first["lstm"].arrays[name], 0.0)
    other, _ = network.predict_and_update_state(2 * x, dtype="float64")
    assert not np.allclose(other["lstm"].arrays["HiddenState"], first["lstm"].arrays["HiddenState"])


class Foreign(Layer):
    """A layer that computes behind the back of ops."""

    def forward(self, ops, p, x):
        return type(x)(torch.sinh(x.data), x.dims)


def test_what_cannot_be_replayed_is_computed_again():
    start = layer("featureInputLayer", 3, Name="in")
    network = Network.of([start, Foreign(name="f"), layer("reluLayer")])
    prepared = PreparedModule(network)
    for _ in range(3):
        x = torch.randn(4, 3)
        assert torch.equal(prepared(x), torch.sinh(x).relu())
    assert not prepared.tapes


def test_weights_are_laid_out_once():
    x = np.zeros((5, 5, 2, 1))
    network = network_of(convolution(2, 4), like=x, format="SSCB")
    prepared = PreparedModule(network)
    prepared(torch.zeros(1, 2, 5, 5))
    kept = len(prepared.prepared.kept)
    assert kept > 0
    for n in (2, 3, 4):
        prepared(torch.zeros(n, 2, 5, 5))
    assert len(prepared.prepared.kept) == kept
    kernels = [t for t in prepared.prepared.kept.values() if t.ndim == 4]
    assert kernels
    assert all(t.is_contiguous() and t.shape == (4, 2, 3, 3) for t in kernels)


@pytest.mark.parametrize("room", [0, 1 << 14])
def test_what_is_kept_for_many_sizes_is_bounded(monkeypatch, room):
    """A serving loop that meets new sizes forever holds no more, and computes the same."""
    monkeypatch.setattr(Prepared, "ROOM", room)
    monkeypatch.setattr(PreparedModule, "TAPES", 2)
    pool = layer("adaptiveAveragePooling2dLayer", 3)
    start = layer("inputLayer", [np.nan, np.nan, 2, np.nan], "SSCB", Name="in")
    network = Network.of([start, convolution(2, 4), statistics(4), pool])
    prepared, plain = PreparedModule(network, dtype="float64"), NetworkModule(network, "float64")
    once = []
    for n in range(4, 60):
        x = torch.from_numpy(draw.standard_normal((1, 2, n, n + 1)))
        assert_close(prepared(x).numpy(), plain(x).detach().numpy())
        once.append(prepared.prepared.held)
    assert max(once) <= prepared.prepared.limit + 2 * once[0]
    weights = {id(t) for part in prepared.fixed.values() for t in part.values()}
    assert weights <= prepared.prepared.constants.keys()
    assert len(prepared.prepared.constants) <= len(weights) + max(once) / Prepared.ENTRY


def test_sequences_of_unequal_lengths_keep_nothing_more(monkeypatch):
    """Constants that each run makes anew do not add up."""
    monkeypatch.setattr(Prepared, "ROOM", 1 << 13)
    waves = layer("sinusoidalPositionEncodingLayer", 4)
    prepared = PreparedModule(Network.of([layer("sequenceInputLayer", 3, Name="in"), waves]))
    for n in range(4, 40):
        x = Value(torch.ones(n + 1, 2, 3), "TBC")
        prepared.walk(padded_ops(prepared.backend, [n, n + 1]), {"in": x}, {})
        assert len(prepared.prepared.constants) < 12
