"""Suspects of what LSTMs and GRUs make of their gates: orders, biases, update and reset."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import gate_blocks
from matbridge.layers.recurrent import Gated, PeepholeLSTM, Recurrent
from matbridge.verify.suspects.suspect import Change, Suspect, changed, edited

__all__ = ["SUSPECTS", "scaled"]

# Who stacks gates so. MATLAB's own orders are i,f,g,o, which PyTorch has too, and Keras, where g
# is called c, and r,z,h, which PyTorch has too.
ORDERS = {
    "iofg": "ONNX",
    "ifog": "Core ML, Caffe and Deeplearning4j",
    "figo": "OpenVINO",
    "igfo": "TensorFlow 1's BasicLSTMCell and CNTK",
    "gifo": "Chainer",
    "zrh": "ONNX, Keras and OpenVINO",
}
# Arrays whose rows are stacked by gate.
STACKED = ("InputWeights", "RecurrentWeights", "Bias")
LSTM_GATES, GRU_GATES, PEEPHOLES = "ifgo", "rzh", "ifo"

Reading = Callable[[Layer], Layer | None]
Biases = tuple[np.ndarray, np.ndarray]


# -- orders ---------------------------------------------------------------------------------------


def _orders(gates: str, kind: str) -> Iterator[Change]:
    """The rows of the weights stacked in each other order of the gates, the known ones first."""
    orders = ("".join(order) for order in itertools.permutations(gates))
    for order in sorted(orders, key=lambda order: order not in ORDERS):
        whose = f", that of {ORDERS[order]}" if order in ORDERS else ""
        if order != gates:
            yield Change(
                f"the gates of {{where}} are read as {','.join(order)}",
                f"the rows of the {kind}'s weights were taken in another order than MATLAB's "
                f"{','.join(gates)}{whose}",
                _read_as(gates, order),
            )


def _read_as(gates: str, order: str) -> Reading:
    def read(layer: Layer) -> Layer | None:
        if not isinstance(layer, Recurrent) or gates != layer.GATES:
            return None
        units = layer.num_hidden_units
        return edited(layer, lambda a: restacked(a, units, order, gates), *STACKED)

    return read


def _peephole_orders() -> Iterator[Change]:
    for order in map("".join, itertools.permutations(PEEPHOLES)):
        if order != PEEPHOLES:
            whose = ", that of ONNX" if order == "iof" else ""
            yield Change(
                f"the peephole weights of {{where}} are read as {','.join(order)}",
                f"the peephole weights were taken in another order than i,f,o{whose}",
                _peepholes_as(order),
            )


def _peepholes_as(order: str) -> Reading:
    def read(layer: Layer) -> Layer | None:
        if not isinstance(layer, PeepholeLSTM):
            return None
        units = layer.num_hidden_units
        return edited(layer, lambda p: restacked(p, units, order, PEEPHOLES), "PeepholeWeights")

    return read


def _without_peepholes(layer: Layer) -> Layer | None:
    return edited(layer, np.zeros_like, "PeepholeWeights")


def restacked(array: np.ndarray, units: int, have: str, want: str) -> np.ndarray:
    """Rows in blocks of gates ``have`` brought to ``want``, for each direction and each bias."""
    blocks = array.reshape(-1, len(have), units, *array.shape[1:])
    return blocks[:, gate_blocks(have, want)].reshape(array.shape)


# -- update and reset -----------------------------------------------------------------------------


def scaled(layer: Recurrent, factors: Mapping[str, float]) -> Layer | None:
    """The layer with the rows of these gates multiplied."""
    return edited(layer, lambda a: a * _rows(layer, factors, len(a), 1.0), *STACKED)


def _rows(layer: Recurrent, values: Mapping[str, float], count: int, rest: float) -> np.ndarray:
    """A column of so many rows, of each gate its value."""
    block = np.repeat([values.get(gate, rest) for gate in layer.GATES], layer.num_hidden_units)
    return np.tile(block, count // len(block))[:, None]


def _reversed_update(layer: Layer) -> Layer | None:
    # 1 - σ(x) is σ(-x), of the hard sigmoid too.
    return scaled(layer, {"z": -1.0}) if isinstance(layer, Gated) else None


# gruLayer's modes, of which the last has a second bias; and who multiplies so.
AFTER, BEFORE = "after-multiplication", "before-multiplication"
TWO = "recurrent-bias-after-multiplication"
MODES = {
    AFTER: "R is multiplied before the reset, without a bias",
    BEFORE: "as in ONNX with linear_before_reset=0, TensorFlow 1 and Keras with reset_after=False",
    TWO: "the candidate's bias is reset too, as the second bias of PyTorch and cuDNN is",
}


def _reset(mode: str) -> Reading:
    """The reset gate in this mode; a second bias is added to the first, or parted from it."""

    def reset(layer: Layer) -> Layer | None:
        if not isinstance(layer, Gated) or layer.reset_gate_mode == mode:
            return None
        new = layer.replace(reset_gate_mode=mode)
        if layer.reset_gate_mode == TWO:
            return edited(new, lambda b: np.add(*np.split(b, 2)), "Bias") or new
        return edited(new, lambda b: _parted(layer, b), "Bias") if mode == TWO else new

    return reset


def _parted(layer: Recurrent, bias: np.ndarray) -> np.ndarray:
    """A bias as two, of which the second is that of the candidate."""
    second = bias * _rows(layer, {"h": 1.0}, len(bias), 0.0)
    return np.concatenate([bias - second, second])


# -- biases ---------------------------------------------------------------------------------------


def _two_biases(edit: Callable[[np.ndarray, np.ndarray], Biases]) -> Reading:
    """Both biases of a GRU that has two made others."""

    def read(layer: Layer) -> Layer | None:
        if not isinstance(layer, Gated) or layer.reset_gate_mode != TWO:
            return None
        return edited(layer, lambda b: np.concatenate(edit(*np.split(b, 2))), "Bias")

    return read


def _bias_twice(layer: Layer) -> Layer | None:
    if not isinstance(layer, Recurrent):
        return None
    if layer.how.reset_gate_mode == AFTER and layer.GATES == GRU_GATES:
        both = edited(layer, lambda b: np.concatenate([b, b]), "Bias")
        return both and both.replace(reset_gate_mode=TWO)
    return edited(layer, lambda b: 2 * b, "Bias") if not _has_two(layer) else None


def _has_two(layer: Recurrent) -> bool:
    return layer.how.reset_gate_mode == TWO


def _without_bias(layer: Layer) -> Layer | None:
    return edited(layer, np.zeros_like, "Bias") if isinstance(layer, Recurrent) else None


def _forget_bias(more: float) -> Reading:
    def read(layer: Layer) -> Layer | None:
        if not isinstance(layer, Recurrent) or layer.GATES != LSTM_GATES:
            return None
        return edited(layer, lambda b: b + _rows(layer, {"f": more}, len(b), 0.0), "Bias")

    return read


SUSPECTS = (
    Suspect("LSTM gate order", 1, changed(*_orders(LSTM_GATES, "LSTM"))),
    Suspect("GRU gate order", 1, changed(*_orders(GRU_GATES, "GRU"))),
    Suspect("GRU update reversed", 1, changed(
        Change("the update gate of {where} weighs the candidate, h = (1 - z)·h + z·candidate",
               "the GRU was computed with the update reversed, as Chung et al. (2014) write it",
               _reversed_update))),
    Suspect("GRU reset gate mode", 1, changed(*(
        Change(f"the ResetGateMode of {{where}} is {mode}", f"the GRU was computed so: {whose}",
               _reset(mode)) for mode, whose in MODES.items()))),
    Suspect("one bias or two", 2, changed(
        Change("the recurrent bias of {where} is left out",
               "of the GRU's two biases only the first was taken",
               _two_biases(lambda b, c: (b, np.zeros_like(c)))),
        Change("the input bias of {where} is left out",
               "of the GRU's two biases only the second was taken",
               _two_biases(lambda b, c: (np.zeros_like(b), c))),
        Change("the two biases of {where} are exchanged",
               "the GRU's input and recurrent bias were taken for each other",
               _two_biases(lambda b, c: (c, b))),
        Change("the bias of {where} is taken twice",
               "the one bias was taken as both of PyTorch's or cuDNN's", _bias_twice),
        Change("the bias of {where} is left out", "the layer was computed without its bias",
               _without_bias))),
    Suspect("LSTM forget bias", 2, changed(
        Change("1 is added to the forget gate of {where}",
               "a forget bias was added, as TensorFlow 1's BasicLSTMCell does", _forget_bias(1.0)),
        Change("1 is taken from the forget gate of {where}",
               "a forget bias of 1 that the network's bias holds was not there",
               _forget_bias(-1.0)))),
    Suspect("peephole weights", 2, changed(
        *_peephole_orders(),
        Change("the peephole weights of {where} are left out",
               "the LSTM was computed as one without peepholes", _without_peepholes))),
)  # fmt: skip
