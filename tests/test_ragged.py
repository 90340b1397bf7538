"""Every layer beside an LSTM: unequal lengths in one batch are as each sequence alone."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
import torch
from examples import EXAMPLES, draw
from helpers import assert_close, layer

from matbridge import MatbridgeError, Network
from matbridge.core.dims import Size
from matbridge.core.graph import Port
from matbridge.ops import Value
from matbridge.torch.backend import TorchBackend
from matbridge.torch.ragged import UnpaddableError, padded_ops

H = 3
# Close enough to share a batch.
STEPS = (5, 6, 4, 6, 5)


def lstm(channels, mode="sequence"):
    return layer(
        "lstmLayer",
        H,
        OutputMode=mode,
        Name="lstm",
        InputWeights=draw("W", 4 * H, channels),
        RecurrentWeights=draw("R", 4 * H, H),
        Bias=draw("b", 4 * H, 1),
    )


def widening(channels):
    """An LSTM with as many units as channels."""
    names = ("InputWeights", "RecurrentWeights")
    weights = {name: draw(name, 4 * channels, channels) / channels for name in names}
    bias = draw("b", 4 * channels, 1)
    return layer("lstmLayer", channels, Name="first", Bias=bias, **weights)


def sequence(format, x, start, steps):
    """The example's data as one sequence of this many steps, from observation ``start``."""
    axis = format.index("B")
    if "T" not in format:
        return np.moveaxis(x.take((start + np.arange(steps)) % x.shape[axis], axis), axis, -1)
    return x.take(start % x.shape[axis], axis).take(np.arange(steps) % x.shape[-1], -1)


def chain(start, one, *after):
    """The input feeding every input of the layer, and what stands after it."""
    last = f"{one.name}/{one.outputs[0]}" if len(one.outputs) > 1 else one.name
    pairs = [(start.name, f"{one.name}/{port}") for port in one.inputs]
    return [start, one, *after], [*pairs, *pairwise([last, *(x.name for x in after)])]


def networks(example):
    """The layer before an LSTM, and after one; None where it does not take sequences."""
    format, x = example.inputs[0]
    one = layer(example.builder, *example.positional, **example.named).replace(name="layer")
    sizes = [n for n, label in zip(x.shape, format, strict=True) if label in "SC"]
    start = layer("sequenceInputLayer", sizes, Name="in")
    if one.IS_INPUT or one.IS_OUTPUT:
        return
    yield before(start, one)
    if "S" not in format:
        first = widening(sizes[-1])
        layers, pairs = chain(first, one)
        yield runnable([start, *layers], [("in", "first"), *pairs])


def before(start, one):
    network = runnable(*chain(start, one))
    if network is None:
        return None
    size = network.infer()[Port("layer", one.outputs[0])]
    if not isinstance(size, Size) or "C" not in size or "T" not in size:
        return network
    flat = layer("flattenLayer", Name="flat")
    return runnable(*chain(start, one, flat, lstm(size.elements("SC"), "last"))) or network


def runnable(layers, pairs):
    try:
        network = Network.of(layers, pairs)
    except MatbridgeError:
        return None
    return network if network.runnable else None


def outcome(network, xs):
    """The results, one tuple of outputs for each sequence, or what is refused."""
    try:
        found = network.predict(xs, dtype="float64")
    except MatbridgeError as error:
        return error.what
    outputs = found if isinstance(found, tuple) else (found,)
    return list(zip(*map(each_sequence, outputs), strict=True))


def each_sequence(y):
    """The parts of one output; images have their observations last."""
    if isinstance(y, list):
        return y
    return list(np.moveaxis(y, -1, 0)) if y.ndim > 2 else list(y)


def check(network, xs):
    together = outcome(network, xs)
    alone = [outcome(network, [x]) for x in xs]
    if any(isinstance(result, str) for result in alone):
        assert isinstance(together, str), f"{together} where one alone says {alone}"
        return False
    assert not isinstance(together, str), together
    for found, (expected,) in zip(together, alone, strict=True):
        for y, wanted in zip(found, expected, strict=True):
            # An example of what fills in missing values has some, which an LSTM before it spreads.
            assert np.array_equal(np.isnan(y), np.isnan(wanted))
            assert_close(np.nan_to_num(y), np.nan_to_num(wanted), 1e-10)
    return True


BY_BUILDER = defaultdict(list)
for example in EXAMPLES:
    BY_BUILDER[example.builder].append(example)

# These take sequences, beyond doubt: the test computes something for each.
COMPUTED = {
    *("lstmLayer", "bilstmLayer", "gruLayer", "peepholeLSTMLayer", "selfAttentionLayer"),
    *("convolution1dLayer", "convolution2dLayer", "convolution3dLayer", "transposedConv1dLayer"),
    *("maxPooling1dLayer", "averagePooling3dLayer", "globalAveragePooling1dLayer"),
    *("batchNormalizationLayer", "layerNormalizationLayer", "instanceNormalizationLayer"),
    *("fullyConnectedLayer", "softmaxLayer", "functionLayer", "wordEmbeddingLayer"),
    *("positionEmbeddingLayer", "embeddingConcatenationLayer", "indexing1dLayer"),
    *("complexToRealLayer", "realToComplexLayer", "concatenationLayer", "additionLayer"),
    *("flattenLayer", "reshapeLayer", "dropoutLayer", "resize2dLayer"),
}


@pytest.mark.parametrize("builder", list(BY_BUILDER))
def test_every_layer_beside_an_lstm(builder):
    """In one batch if every word has a rule for padding, by groups of equal length if not."""
    computed = 0
    for example in BY_BUILDER[builder]:
        xs = [sequence(*example.inputs[0], i, n) for i, n in enumerate(STEPS)]
        computed += sum(check(n, xs) for n in networks(example) if n is not None)
    assert computed or builder not in COMPUTED


def test_what_takes_sequences_has_examples():
    assert set(BY_BUILDER) >= COMPUTED


# -- the allow-list ------------------------------------------------------------------------

REFUSED = {
    "a word without a rule": lambda ops, x: ops.plain(torch.sinh, [x], []),
    "steps computed with": lambda ops, x: ops.divide(x, ops.size(x, "T") * 1.0),
    "steps as a number": lambda ops, x: ops.multiply(x, ops.size(x, "T")),
    "steps compared": lambda ops, x: ops.flip(x, "C") if ops.size(x, "T") > 3 else x,
    "steps of all sizes": lambda ops, x: ops.multiply(x, 1 / ops.sizes(x)[x.dims.index("T")]),
    "steps among others": lambda ops, x: ops.spatial(x, "ST"),
    "a constant along time": lambda ops, x: ops.constant(np.ones(5), "T"),
    "time reshaped": lambda ops, x: ops.reshape(x, (10, 2), "TC"),
    "time merged": lambda ops, x: ops.merge(x, "TC", "C"),
    "channels named time": lambda ops, x: ops.rename(ops.pick(x, "T", 0), "BT"),
    "observations split": lambda ops, x: ops.split(x, "B", (1, 2), "BS"),
    "observations dropped": lambda ops, x: ops.drop(x, "B"),
    "time turned into space": lambda ops, x: ops.rename(x, x.dims.replace("T", "S")),
    "every second step": lambda ops, x: ops.slice(x, "T", 0, None, 2),
    "steps joined": lambda ops, x: ops.concatenate([x, x], "T"),
    "time backwards": lambda ops, x: ops.flip(x, "T"),
    "softmax over time": lambda ops, x: ops.softmax(x, "T"),
    "the mean of a batch": lambda ops, x: ops.reduce("mean", x, "B"),
    "time padded": lambda ops, x: ops.pad(x, "T", [(1, 0)]),
    "time of another length": lambda ops, x: ops.add(
        ops.rename(Value(torch.ones(4, 2), "TC"), "TC"), 1.0
    ),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_what_would_let_padding_in_is_refused(what):
    backend = TorchBackend(torch.float64, torch.device("cpu"))
    ops = padded_ops(backend, [3, 5])
    with pytest.raises(UnpaddableError):
        REFUSED[what](ops, Value(torch.ones(5, 2, 2), "TBC"))


def test_a_word_to_come_is_refused():
    """No rule, no word: nobody has to remember that padding exists."""

    def shuffle(backend, x):
        return x

    backend = TorchBackend(torch.float64, torch.device("cpu"))
    speaker = padded_ops(backend, [3, 5]).speaker
    with pytest.raises(UnpaddableError):
        speaker(shuffle, Value(torch.ones(5, 2, 2), "TBC"))
