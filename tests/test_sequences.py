"""Sequences of unequal lengths: exact, and in the mini-batches that MATLAB makes."""

import numpy as np
import pytest
from helpers import EXACT, assert_close, layer
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import recurrent

from matbridge import MismatchError, Network
from matbridge.torch.engine import TorchEngine

D, H = 3, 4
LENGTHS = [5, 9, 2, 7, 5, 1, 8, 12]


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def stacked(gates, inputs=D):
    return {
        "InputWeights": draw(1, gates * H, inputs),
        "RecurrentWeights": draw(2, gates * H, H) * 0.5,
        "Bias": draw(3, gates * H, 1),
    }


def values(arrays):
    return arrays["InputWeights"], arrays["RecurrentWeights"], arrays["Bias"]


def sequences(lengths=LENGTHS):
    return [draw(100 + i, D, n) for i, n in enumerate(lengths)]


LSTM, GRU, BILSTM = stacked(4), stacked(3), stacked(8)
norm = {"Offset": draw(4, D, 1), "Scale": draw(5, D, 1)}
attention = {f"{k}Weights": draw(6, D, D) for k in ("Query", "Key", "Value", "Output")}
attention |= {f"{k}Bias": draw(7, D, 1) for k in ("Query", "Key", "Value", "Output")}
conv = {"Weights": draw(8, 3, D, D), "Bias": draw(9, 1, D)}
table = {"Weights": draw(10, D, 20)}
token = {"Weights": draw(11, D, 1)}
peephole = {**LSTM, "PeepholeWeights": draw(12, 3 * H, 1)}

# Layers, and whether sequences of unequal lengths may share a batch.
CHAINS = {
    "lstm": ([layer("lstmLayer", H, **LSTM)], True),
    "lstm last": ([layer("lstmLayer", H, OutputMode="last", **LSTM)], True),
    "bilstm": ([layer("bilstmLayer", H, **BILSTM)], True),
    "bilstm last": ([layer("bilstmLayer", H, OutputMode="last", **BILSTM)], True),
    "gru last": ([layer("gruLayer", H, OutputMode="last", **GRU)], True),
    "gru by steps": ([layer("gruLayer", H, ResetGateMode="before-multiplication", **GRU)], True),
    "peephole": ([layer("peepholeLSTMLayer", H, OutputMode="last", **peephole)], True),
    "index": ([layer("lstmLayer", H, **LSTM), layer("indexing1dLayer", "last")], True),
    "index 1": ([layer("indexing1dLayer", 1)], True),
    "causal": ([layer("convolution1dLayer", 3, D, Padding="causal", **conv)], True),
    "dilated": (
        [layer("convolution1dLayer", 3, D, Padding="same", DilationFactor=2, **conv)] * 1,
        True,
    ),
    "attention": ([layer("selfAttentionLayer", 1, D, **attention)], True),
    "causal attention": (
        [layer("selfAttentionLayer", 1, D, AttentionMask="causal", **attention)],
        True,
    ),
    "mean": ([layer("globalAveragePooling1dLayer")], True),
    "max": ([layer("globalMaxPooling1dLayer")], True),
    "instance": ([layer("instanceNormalizationLayer", **norm)], True),
    "group": ([layer("groupNormalizationLayer", 1, **norm)], True),
    "old layer": (
        [layer("layerNormalizationLayer", OperationDimension="batch-excluded", **norm)],
        True,
    ),
    "positions": ([layer("positionEmbeddingLayer", D, 20, **table)], True),
    "waves": ([layer("sinusoidalPositionEncodingLayer", 4)], True),
    "softmax": ([layer("softmaxLayer"), layer("reluLayer")], True),
    "shorter": (
        [layer("convolution1dLayer", 1, D, Stride=2, **{**conv, "Weights": conv["Weights"][:1]})],
        False,
    ),
    "pool": ([layer("maxPooling1dLayer", 2, Padding="same")], False),
    "edges": (
        [layer("convolution1dLayer", 3, D, Padding="same", PaddingValue="replicate", **conv)],
        False,
    ),
    "token": ([layer("embeddingConcatenationLayer", **token)], False),
    "function": ([layer("functionLayer", "@(x) x - mean(x, 3)")], True),
    "sum of squares": ([layer("functionLayer", "@(x) x ./ sqrt(sum(x.^2, 3))")], True),
}


@pytest.mark.parametrize("name", list(CHAINS))
def test_each_sequence_is_as_if_alone(name):
    layers, shared = CHAINS[name]
    network = Network.of([layer("sequenceInputLayer", D), *layers])
    found = network.predict(sequences(), dtype="float64")
    alone = [network.predict([x], dtype="float64") for x in sequences()]
    for y, one in zip(found, alone, strict=True):
        assert_close(y, one[0], EXACT)
    (session,) = network._sessions.values()
    assert session.engine.padding_is_harmless is shared


FRAME = (4, 5, 2)
filters = {"Weights": draw(20, 3, 3, 2, 2), "Bias": draw(21, 1, 1, 2)}
points = {"Weights": draw(22, 1, 1, 1, 2, 2), "Bias": draw(23, 1, 1, 1, 2)}
cubes = {"Weights": draw(24, 2, 2, 2, 2, 2), "Bias": draw(25, 1, 1, 1, 2)}
FRAMES = {
    "convolution": (layer("convolution2dLayer", 3, 2, Padding="same", **filters), True),
    "max pooling": (layer("maxPooling2dLayer", 2), True),
    "average pooling": (layer("averagePooling2dLayer", 2, Stride=2), True),
    "transposed": (layer("transposedConv2dLayer", 3, 2, **filters), True),
    "over space and time": (layer("convolution3dLayer", 1, 2, **points), True),
    "pooling over time": (layer("maxPooling3dLayer", 2, Padding="same"), False),
    "mean of time": (layer("averagePooling3dLayer", (1, 1, 2), Padding="same"), False),
    "spreading time": (layer("transposedConv3dLayer", 2, 2, **cubes), False),
}


@pytest.mark.parametrize("name", list(FRAMES))
def test_image_sequences_of_unequal_lengths(name):
    one, shared = FRAMES[name]
    network = Network.of([layer("sequenceInputLayer", FRAME), one])
    videos = [draw(30 + n, *FRAME, n) for n in (4, 6, 2, 5, 4)]
    found = network.predict(videos, dtype="float64")
    for y, x in zip(found, videos, strict=True):
        assert_close(y, network.predict(x, dtype="float64"), EXACT)
    (session,) = network._sessions.values()
    assert session.engine.padding_is_harmless is shared


def test_unequal_sequences_share_batches(monkeypatch):
    network = Network.of([layer("sequenceInputLayer", D), layer("lstmLayer", H, **LSTM)])
    sizes = []
    original = TorchEngine.run

    def counted(engine, values, states, lengths):
        (x,) = values.values()
        sizes.append(x.array.shape[x.dims.index("B")])
        return original(engine, values, states, lengths)

    monkeypatch.setattr(TorchEngine, "run", counted)
    network.predict(sequences([10, 11, 12, 13, 14, 15, 30]), engine="torch")
    assert sizes == [6, 1]


def test_several_inputs_of_unequal_lengths():
    network = Network.of(
        [
            layer("sequenceInputLayer", D, Name="a"),
            layer("sequenceInputLayer", D, Name="b"),
            layer("lstmLayer", H, OutputMode="last", Name="la", **LSTM),
            layer("lstmLayer", H, OutputMode="last", Name="lb", **LSTM),
            layer("additionLayer", 2, Name="sum"),
        ],
        [("a", "la"), ("b", "lb"), ("la", "sum/in1"), ("lb", "sum/in2")],
    )
    a, b = sequences([3, 5, 5]), sequences([4, 2, 2])
    found = network.predict(a, b, dtype="float64")
    last = [[recurrent.lstm(x[:, None], *values(LSTM))[1][:, 0] for x in xs] for xs in (a, b)]
    assert_close(found, np.array(last[0]) + np.array(last[1]))
    with pytest.raises(MismatchError, match="different numbers of time steps"):
        network.predict(a, b, sequence_length="longest")


def test_inputs_whose_lengths_do_not_go_together():
    """Observations of one length at one input differ at the other."""
    network = Network.of(
        [
            layer("sequenceInputLayer", D, Name="a"),
            layer("sequenceInputLayer", D, Name="b"),
            layer("globalMaxPooling1dLayer", Name="pa"),
            layer("globalMaxPooling1dLayer", Name="pb"),
            layer("concatenationLayer", 1, 2, Name="join"),
        ],
        [("a", "pa"), ("b", "pb"), ("pa", "join/in1"), ("pb", "join/in2")],
    )
    a, b = sequences([3, 5, 5, 3]), sequences([2, 2, 4, 4])
    expected = [np.concatenate([x.max(1), y.max(1)]) for x, y in zip(a, b, strict=True)]
    assert_close(network.predict(a, b, dtype="float64"), np.array(expected))


def test_an_unknown_word_is_found_behind_padding():
    W = draw(1, D, 8)
    network = Network.of(
        [
            layer("sequenceInputLayer", 1),
            layer("wordEmbeddingLayer", D, 7, OOVMode="error", Weights=W),
        ]
    )
    words = [np.array([[1.0, 2, 3]]), np.array([[7.0, 4]])]
    for y, x in zip(network.predict(words, dtype="float64"), words, strict=True):
        assert_close(y, W[:, x[0].astype(int) - 1])
    words[1][0, 1] = 9
    with pytest.raises(MismatchError, match="not one of 1 to 7"):
        network.predict(words)


# -- MATLAB's mini-batches -----------------------------------------------------------------


def padded(xs, direction="right", value=0.0, steps=None):
    """The mini-batch that MATLAB makes of these sequences, C×N×T."""
    steps = max(x.shape[1] for x in xs) if steps is None else steps
    batch = np.full((D, len(xs), steps), value)
    for n, x in enumerate(xs):
        k = min(x.shape[1], steps)
        if direction == "right":
            batch[:, n, :k] = x[:, :k]
        else:
            batch[:, n, steps - k :] = x[:, x.shape[1] - k :]
    return batch


def network(mode):
    one = layer("lstmLayer", H, OutputMode=mode, **LSTM)
    return Network.of([layer("sequenceInputLayer", D), one])


@pytest.mark.parametrize("size", [3, 128])
@pytest.mark.parametrize("direction", ["left", "right"])
@pytest.mark.parametrize("value", [0.0, -1.5])
@pytest.mark.parametrize("length", ["longest", "shortest"])
def test_padding_as_matlab_does_it(size, direction, value, length):
    xs = sequences()
    options = {
        "mini_batch_size": size,
        "sequence_length": length,
        "padding_direction": direction,
        "padding_value": value,
        "dtype": "float64",
    }
    last, whole = (network(mode).predict(xs, **options) for mode in ("last", "sequence"))
    for start in range(0, len(xs), size):
        part = xs[start : start + size]
        steps = min(x.shape[1] for x in part) if length == "shortest" else None
        y, h, _ = recurrent.lstm(padded(part, direction, value, steps), *values(LSTM))
        assert_close(last[start : start + size], h.T)
        for n, x in enumerate(part):
            kept = min(x.shape[1], y.shape[2])
            own = y[:, n, :kept] if direction == "right" else y[:, n, y.shape[2] - kept :]
            assert_close(whole[start + n], own)


@pytest.mark.parametrize("steps", [1, 3, 4, 12, 50])
def test_pieces_carry_the_state_over(steps):
    xs = sequences()
    y, h, _ = recurrent.lstm(padded(xs), *values(LSTM))
    options = {"sequence_length": steps, "dtype": "float64"}
    assert_close(network("last").predict(xs, **options), h.T)
    for n, found in enumerate(network("sequence").predict(xs, **options)):
        assert_close(found, y[:, n, : xs[n].shape[1]])


def test_pieces_restart_for_each_mini_batch():
    xs = sequences()
    options = {"sequence_length": 3, "mini_batch_size": 2, "dtype": "float64"}
    found = network("last").predict(xs, **options)
    for start in range(0, len(xs), 2):
        _, h, _ = recurrent.lstm(padded(xs[start : start + 2]), *values(LSTM))
        assert_close(found[start : start + 2], h.T)


def test_sorted_by_length_padding_is_less():
    xs = sequences()
    options = {"sequence_length": "longest", "mini_batch_size": 2, "dtype": "float64"}
    found = network("last").predict(xs, sort_by_length=True, **options)
    order = sorted(range(len(xs)), key=lambda i: xs[i].shape[1])
    for start in range(0, len(xs), 2):
        pair = order[start : start + 2]
        _, h, _ = recurrent.lstm(padded([xs[i] for i in pair]), *values(LSTM))
        assert_close(found[pair], h.T)


def test_padding_reaches_the_last_output_and_exact_lengths_do_not():
    xs = sequences([3, 9])
    exact = network("last").predict(xs, dtype="float64")
    _, h, _ = recurrent.lstm(xs[0][:, None], *values(LSTM))
    assert_close(exact[0], h[:, 0])
    batched = network("last").predict(xs, sequence_length="longest", dtype="float64")
    assert np.abs(batched[0] - exact[0]).max() > 1e-3


@pytest.mark.parametrize("options", [{"sequence_length": "long"}, {"sequence_length": 0}])
def test_a_length_that_is_none(options):
    with pytest.raises(MismatchError, match="SequenceLength"):
        network("last").predict(sequences(), **options)


def test_a_direction_that_is_none():
    with pytest.raises(MismatchError, match="SequencePaddingDirection"):
        network("last").predict(sequences(), sequence_length="longest", padding_direction="up")


def test_classes_of_unequal_sequences():
    output = layer("classificationLayer", Classes=["a", "b", "c", "d"])
    net = Network.of(
        [
            layer("sequenceInputLayer", D),
            layer("lstmLayer", H, **LSTM),
            layer("softmaxLayer"),
            output,
        ]
    )
    found = net.classify(sequences(), sequence_length="longest")
    assert [len(y) for y in found] == LENGTHS
    for y, x in zip(net.classify(sequences()), sequences(), strict=True):
        expected, _, _ = recurrent.lstm(x[:, None], *values(LSTM))
        assert list(y) == ["abcd"[k] for k in expected[:, 0].argmax(0)]


@settings(max_examples=25)
@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=9),
    size=st.integers(1, 5),
    name=st.sampled_from(["bilstm", "bilstm last", "attention", "mean", "dilated"]),
)
def test_any_lengths_in_any_batches(lengths, size, name):
    layers, _ = CHAINS[name]
    net = Network.of([layer("sequenceInputLayer", D), *layers])
    xs = sequences(lengths)
    found = net.predict(xs, mini_batch_size=size, dtype="float64")
    for y, x in zip(found, xs, strict=True):
        assert_close(y, net.predict([x], dtype="float64")[0], EXACT)
