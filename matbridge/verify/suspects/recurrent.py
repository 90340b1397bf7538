"""Suspects of recurrent layers: what other frameworks and other equations make of their arrays."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import gate_blocks
from matbridge.layers.recurrent import Recurrent
from matbridge.verify.case import Case
from matbridge.verify.suspects.suspect import Suspect, Variant, in_layers

__all__ = ["SUSPECTS"]

# Who stacks gates so; MATLAB's own orders, i,f,g,o and r,z,h, are those of PyTorch and, for the
# LSTM, of Keras, which writes c for g.
ORDERS = {
    "iofg": "ONNX",
    "ifog": "Core ML, Caffe and Deeplearning4j",
    "figo": "OpenVINO",
    "igfo": "TensorFlow 1's BasicLSTMCell and CNTK",
    "gifo": "Chainer",
    "zrh": "ONNX, Keras and OpenVINO",
}
# Their rows are stacked by gate.
STACKED = ("InputWeights", "RecurrentWeights", "Bias")


def gate_orders(case: Case) -> Iterator[Variant]:
    """The rows of the weights stacked in each other order of the gates."""
    for gates, kind in (("ifgo", "LSTM"), ("rzh", "GRU")):
        orders = ("".join(order) for order in itertools.permutations(gates))
        for order in sorted(orders, key=lambda order: order not in ORDERS):
            if order != gates:
                yield from _read_as(case, gates, order, kind)


def _read_as(case: Case, gates: str, order: str, kind: str) -> Iterator[Variant]:
    def change(layer: Layer) -> Layer | None:
        if not isinstance(layer, Recurrent) or gates != layer.GATES:
            return None
        stacked = {n: layer.arrays[n] for n in STACKED if n in layer.arrays}
        units = layer.num_hidden_units
        arrays = {n: restacked(a, units, order, gates) for n, a in stacked.items()}
        return layer.replace(arrays={**layer.arrays, **arrays})

    whose = f", that of {ORDERS[order]}" if order in ORDERS else ""
    meaning = f"the rows of the {kind}'s weights were taken in another order than MATLAB's{whose}"
    yield from in_layers(
        case, change, f"the gates of {{where}} are read as {','.join(order)}", meaning
    )


def restacked(array: np.ndarray, units: int, have: str, want: str) -> np.ndarray:
    """Rows in blocks of gates ``have`` brought to ``want``, for each direction and each bias."""
    blocks = array.reshape(-1, len(have), units, *array.shape[1:])
    return blocks[:, gate_blocks(have, want)].reshape(array.shape)


SUSPECTS = (Suspect("gate order", 1, gate_orders),)
