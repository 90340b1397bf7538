"""What MATLAB refuses, told by layer and reason before anything is computed."""

import numpy as np
import pytest
import saved
from helpers import behind_inputs, input_layer, layer

import matbridge
from matbridge import LayerError, MismatchError, Network
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat

FEATURES, SEQUENCE, IMAGE = (3,), (3,), (6, 5, 4)


def ones(*size):
    return np.ones(size)


# The constructor's arguments, and what is wrong with them.
ARGUMENTS = [
    (("lstmLayer", 0), {}, "NumHiddenUnits: a whole number above 0 is needed, not 0"),
    (("lstmLayer", 2.5), {}, "a whole number is needed, not 2.5"),
    (("lstmLayer", [1, 2]), {}, "one value is needed, not 2"),
    (("gruLayer", 2), {"OutputMode": "first"}, "'first' is none of sequence, last"),
    (("gruLayer", 2), {"ResetGateMode": 3}, "text is needed, not int"),
    (("dropoutLayer", 1.5), {}, "a number from 0 to 1 is needed, not 1.5"),
    (("convolution2dLayer", [1, 2, 3], 4), {}, "2 values are needed, not 3"),
    (("convolution2dLayer", 3, 4), {"Stride": 0}, "a whole number above 0 is needed, not 0"),
    (("convolution2dLayer", 3, 4), {"Padding": [1, 2, 3]}, "4 values are needed, not 3"),
    (("convolution2dLayer", 3, 4), {"Padding": -1}, "amounts are not negative, as -1 is"),
    (("convolution2dLayer", 3, 4), {"Padding": "some"}, "'some' is none of same, causal"),
    (("convolution2dLayer", 3, 4), {"PaddingValue": "mirror"}, "'mirror' is none of"),
    (("resize2dLayer",), {"Scale": [1, 2, 3]}, "Scale: 2 values are needed"),
    (("resize2dLayer",), {"OutputSize": [np.nan, np.nan]}, "OutputSize: sizes above 0"),
    (("resize2dLayer",), {"Scale": [1, np.inf]}, "Scale: sizes above 0"),
    (("crop2dLayer", [0, 1]), {}, "Location: 2 whole numbers above 0"),
    (("groupNormalizationLayer", 0), {}, "NumGroups: a whole number above 0"),
    (("maxPooling2dLayer", [2, 0]), {}, "PoolSize: a whole number above 0"),
    (("featureInputLayer", []), {}, "InputSize: a size is needed"),
    (("lstmLayer", {"a": 1}), {}, "a number is needed, not dict"),
    (("lstmLayer", 2), {"HiddenState": ones(3, 1)}, "HiddenState has size 3×1"),
    (
        ("fullyConnectedLayer", 2),
        {"Weights": ones(3, 3)},
        "Weights has size 3×3, but the layer's properties need 2×?",
    ),
    (
        ("batchNormalizationLayer",),
        {"Offset": ones(2, 2)},
        r"Offset has size \(2, 2\), not one value per channel",
    ),
    (
        ("batchNormalizationLayer",),
        {"Offset": ones(2, 1), "Scale": ones(3, 1)},
        "Scale has 3 values for 2 channels",
    ),
]


@pytest.mark.parametrize(("positional", "named", "message"), ARGUMENTS)
def test_arguments(positional, named, message):
    with pytest.raises(LayerError, match=message) as caught:
        layer(*positional, **named)
    assert caught.value.where == positional[0]


def heads(channels):
    arrays = {f"{k}Weights": ones(4, channels) for k in ("Query", "Key", "Value")}
    arrays |= {f"{k}Bias": ones(4, 1) for k in ("Query", "Key", "Value")}
    return {**arrays, "OutputWeights": ones(channels, 4), "OutputBias": ones(channels, 1)}


FILTERS = {"Weights": ones(3, 3, 2, 1), "Bias": ones(1, 1, 1)}
DENSE = {"Weights": ones(2, 5), "Bias": ones(2, 1)}
LSTM = {"InputWeights": ones(8, 4), "RecurrentWeights": ones(8, 2), "Bias": ones(8, 1)}
NORM = {"Offset": ones(4, 1), "Scale": ones(4, 1)}
STATISTICS = {"TrainedMean": ones(4, 1), "TrainedVariance": ones(4, 1), **NORM}

# A layer, the size and format of its input, and what it says.
INPUTS = [
    (("fullyConnectedLayer", 2), DENSE, FEATURES, "CB", "needs 5 inputs, but its input is 3"),
    (("lstmLayer", 2), LSTM, SEQUENCE, "CBT", "needs 4 channels, but its input is 3"),
    (("convolution2dLayer", 3, 1), FILTERS, IMAGE, "SSCB", "needs 2 channels"),
    (("convolution2dLayer", 3, 1), FILTERS, (2,), "CBT", "needs 2 spatial dimensions"),
    (
        ("convolution2dLayer", 3, 1),
        FILTERS,
        (2, 5, 2),
        "SSCB",
        "a window that is larger than its padded input",
    ),
    (("maxPooling2dLayer", 7), {}, IMAGE, "SSCB", "a window that is larger"),
    (("batchNormalizationLayer",), STATISTICS, SEQUENCE, "CBT", "needs 4 channels"),
    (("layerNormalizationLayer",), NORM, SEQUENCE, "CBT", "needs 4 channels"),
    (("groupNormalizationLayer", 3), NORM, IMAGE, "SSCB", "cannot split 4 channels into 3"),
    (("globalAveragePooling2dLayer",), {}, SEQUENCE, "CBT", "needs 2 spatial dimensions"),
    (("adaptiveAveragePooling2dLayer", 2), {}, SEQUENCE, "CBT", "needs 2 spatial dimensions"),
    (("selfAttentionLayer", 3, 4), heads(3), SEQUENCE, "CBT", "among 3 heads"),
    (("selfAttentionLayer", 2, 4), heads(4), IMAGE, "SSCB", "one time or spatial dimension"),
    (
        ("sinusoidalPositionEncodingLayer", 5),
        {},
        SEQUENCE,
        "CBT",
        "needs an even OutputSize, not 5",
    ),
    (
        ("sinusoidalPositionEncodingLayer", 4),
        {"Positions": "spatial-indices"},
        SEQUENCE,
        "CBT",
        "needs one dimension S",
    ),
    (
        ("positionEmbeddingLayer", 3, 8),
        {"Weights": ones(3, 8), "PositionDimension": "spatial"},
        SEQUENCE,
        "CBT",
        "needs one spatial dimension",
    ),
    (
        ("positionEmbeddingLayer", 3, 8),
        {"Weights": ones(3, 8), "PositionDimension": "temporal"},
        IMAGE,
        "SSCB",
        "needs one time dimension",
    ),
    (("wordEmbeddingLayer", 2, 5), {"Weights": ones(2, 6)}, SEQUENCE, "CBT", "channel of word"),
    (("wordEmbeddingLayer", 2, 5), {"Weights": ones(2, 9)}, (1,), "CBT", "9 columns of Weights"),
    (("depthToSpace2dLayer", 3), {}, IMAGE, "SSCB", "a multiple of 9 channels"),
    (("spaceToDepthLayer", 2), {}, SEQUENCE, "CBT", "needs a spatial dimension"),
    (("resize2dLayer",), {"OutputSize": [2, 2]}, SEQUENCE, "CBT", "needs 2 spatial dimensions"),
    (("resize2dLayer",), {}, IMAGE, "SSCB", "neither Scale nor OutputSize nor a reference"),
    (("indexing1dLayer",), {}, IMAGE, "SSCB", "needs one time or spatial dimension"),
    (("realToComplexLayer",), {}, SEQUENCE, "CBT", "needs pairs along C"),
    (("scalingLayer",), {"Scale": ones(4, 1)}, FEATURES, "CB", "has Scale of size 4×1"),
    (("scalingLayer",), {"Bias": ones(6, 4)}, IMAGE, "SSCB", "has Bias of size 6×4"),
    (("concatenationLayer", 3), {}, FEATURES, "CB", "joins along dimension 3"),
    (("inputLayer", [3, 4], "CBT"), {}, None, None, "has 2 sizes for the format CBT"),
]


@pytest.mark.parametrize(("arguments", "named", "sizes", "format", "message"), INPUTS)
def test_what_comes_in(arguments, named, sizes, format, message):
    one = layer(*arguments, Name="one", **named)
    before = [input_layer(format, (*sizes, 1, 1)[: len(format)], "in")] if sizes else []
    pairs = [("in", f"one/{port}") for port in one.inputs] if before else []
    network = Network.of([*before, one], pairs)
    with pytest.raises(LayerError, match=message) as caught:
        network.to_torch()
    assert caught.value.where == "one"


PAIRS = [
    (("additionLayer", 2), (4, 5, 3), (4, 6, 3), "cannot combine"),
    (("multiplicationLayer", 2), (4, 5, 3), (5, 5, 3), "cannot combine"),
    (("depthConcatenationLayer", 2), (4, 5, 3), (4, 6, 1), "cannot join"),
    (("crop2dLayer", "centercrop"), (4, 5, 3), (4, 6, 1), "cannot crop .* to the larger"),
    (("crop2dLayer", [2, 1]), (4, 5, 3), (4, 5, 1), r"cannot crop .* from \(2, 1\)"),
]


@pytest.mark.parametrize(("arguments", "first", "second", "message"), PAIRS)
def test_inputs_that_do_not_belong_together(arguments, first, second, message):
    one = layer(*arguments, Name="one")
    network = behind_inputs(one, [("SSCB", np.ones((*n, 1))) for n in (first, second)])
    with pytest.raises(LayerError, match=message):
        network.to_torch()


def short(*layers):
    return Network.of([layer("sequenceInputLayer", 3), *layers])


CONVOLUTION = {"Weights": ones(4, 3, 2), "Bias": ones(1, 2)}
# Layers that only the length of the data stops.
LENGTHS = [
    (("convolution1dLayer", 4, 2), CONVOLUTION, [9, 3, 5], "larger than its padded input"),
    (("maxPooling1dLayer", 4), {}, [3], "larger than its padded input"),
    (("positionEmbeddingLayer", 3, 6), {"Weights": ones(3, 6)}, [5, 7], "knows 6 positions"),
    (("indexing1dLayer", 4), {}, [3], "takes position 4"),
    (("indexing1dLayer", 4), {}, [5, 5, 3, 4], "has no step 4|takes position 4"),
    (("indexing1dLayer", 4), {}, [5, 9, 3], "takes position 4|has no step 4"),
]


@pytest.mark.parametrize(("arguments", "named", "lengths", "message"), LENGTHS)
def test_sequences_that_are_too_short_or_long(arguments, named, lengths, message):
    network = short(layer(*arguments, **named))
    with pytest.raises((LayerError, MismatchError), match=message):
        network.predict([np.ones((3, n)) for n in lengths])


IMAGES = layer("imageInputLayer", [4, 4, 3], Normalization="none")
DATA = [
    (IMAGES, np.ones((4, 4, 3, 0)), "there are no observations in it"),
    (IMAGES, np.ones((4, 3, 3)), "does not fit 4"),
    (IMAGES, np.ones((4, 4, 3, 1, 2)), "too many dimensions"),
    (layer("featureInputLayer", 3), np.ones((0, 3)), "there are no observations in it"),
    (layer("featureInputLayer", 3), np.ones((2, 3, 4)), "features are N×C, not 2×3×4"),
    (layer("sequenceInputLayer", 3), np.ones((3, 0)), "0 steps is shorter than MinLength 1"),
    (layer("sequenceInputLayer", 3), [], "no sequences were given"),
    (layer("sequenceInputLayer", 3), np.ones((2, 3, 4)), "too many dimensions"),
    (layer("sequenceInputLayer", 3), 1j * np.ones((3, 4)), "the input is complex"),
    (layer("sequenceInputLayer", 3), np.array([["a"]]), "numbers"),
]


@pytest.mark.parametrize(("input", "data", "message"), DATA)
def test_data(input, data, message):
    with pytest.raises(MismatchError, match=message):
        Network.of([input, layer("reluLayer")]).predict(data)


def test_what_pytorch_cannot_do_is_told_in_one_line():
    """A failure that no size explains."""

    def broken(ops, x):
        raise RuntimeError("out of memory\nand much more")

    network = short(layer("functionLayer", "@(x) x").replace(function=broken))
    with pytest.raises(MismatchError, match="cannot compute this input: out of memory\n"):
        network.predict(np.ones((3, 4)))


@pytest.mark.parametrize(
    "columns",
    [
        {"Source": Cell(["in"], (1, 1)), "Destination": Cell([], (0, 1))},
        {"Source": np.ones((2, 1)), "Destination": Cell(["relu"], (1, 1))},
        {"Source": Cell(["in"], (1, 1))},
    ],
)
def test_a_damaged_table_of_connections_is_reported(columns, tmp_path):
    graph = saved.layer_graph([("in", "relu")], saved.feature_input("in", 3), saved.relu("relu"))
    graph.saved["Connections"].columns.clear()
    graph.saved["Connections"].columns.update(columns)
    write_mat(tmp_path / "net.mat", {"net": graph})
    network = matbridge.load(tmp_path / "net.mat")
    assert len(network.layers) == 2
    assert "Connections is damaged" in network.report[0].what
