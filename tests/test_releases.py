"""Which release wrote a network, and what MATLAB needs to open it."""

import dataclasses

import pytest
from helpers import layer

from matbridge import Network
from matbridge.core.network import Provenance
from matbridge.core.registry import Unknown
from matbridge.layers.function import FunctionLayer, Handle
from matbridge.matlab.file.values import Cell
from matbridge.matlab.releases import products, when_written


def told(layers, created="", class_name="SeriesNetwork"):
    provenance = Provenance(details={"created": created})
    network = dataclasses.replace(Network.of(layers), provenance=provenance, class_name=class_name)
    return str(when_written(network))


LSTM = layer("lstmLayer", 3)


@pytest.mark.parametrize(
    ("layers", "created", "expected"),
    [
        ([LSTM], "", "R2017b or later (LSTMLayer exists since then)"),
        (
            [LSTM],
            "Thu Mar 27 05:53:32 2025",
            "R2017b to R2025a (LSTMLayer exists since then, and the date)",
        ),
        ([layer("positionEmbeddingLayer", 3, 9)], "Mon Oct  2 10:00:00 2023",
         "R2023b (PositionEmbeddingLayer exists since then, and the date)"),
        ([LSTM], "Thu Jan  1 00:00:00 2009", "R2017b or later (LSTMLayer exists since then)"),
        ([LSTM], "no date", "R2017b or later (LSTMLayer exists since then)"),
        ([LSTM], "Mon Feb  2 10:00:00 2018",
         "R2017b (LSTMLayer exists since then, and the date)"),
    ],
)  # fmt: skip
def test_by_classes_and_date(layers, created, expected):
    assert told(layers, created) == expected


def test_by_the_class_of_the_network():
    assert told([layer("reluLayer")], class_name="dlnetwork").startswith(
        "R2019b or later (dlnetwork"
    )


def test_a_function_handle_names_it():
    raw = Cell([None, {"matlabroot": "/usr/local/MATLAB/R2022b"}])
    one = FunctionLayer(predict_fcn=Handle("@(x)x", {}, raw))
    assert told([one], "Thu Mar 27 05:53:32 2025") == "R2022b (named in a function handle)"


def test_what_each_class_comes_from():
    classes = (
        (
            "nnet.keras.layer.FlattenCStyleLayer",
            "Deep Learning Toolbox Converter for TensorFlow Models",
        ),
        ("nnet.onnx.layer.FlattenLayer", "Deep Learning Toolbox Converter for ONNX Model Format"),
        ("nnet.cnn.layer.BrandNewLayer", "Deep Learning Toolbox"),
        ("rl.layer.Other", "Reinforcement Learning Toolbox"),
        ("myLayer", "the user's own class"),
    )
    network = Network.of([LSTM, *(Unknown(class_name=name) for name, _ in classes)])
    found = products(network)
    assert found["nnet.cnn.layer.LSTMLayer"] == "Deep Learning Toolbox"
    for name, product in classes:
        assert found[name] == product
