"""Suspects of recurrent layers: activations, matrices, directions and what is their result."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import column_major, reorder
from matbridge.core.network import Network
from matbridge.layers.recurrent import Projected, Recurrent
from matbridge.ops import Ops, Value
from matbridge.verify.suspects import gates
from matbridge.verify.suspects.insertion import Function, with_after, with_before
from matbridge.verify.suspects.suspect import Change, Rewiring, Suspect, changed, edited

__all__ = ["SUSPECTS"]

Reading = Callable[[Layer], Layer | None]


# -- activations ----------------------------------------------------------------------------------


def _activation(field: str, name: str) -> Reading:
    def read(layer: Layer) -> Layer | None:
        if not isinstance(layer, Recurrent) or vars(layer)[field] == name:
            return None
        return layer.replace(**{field: name})

    return read


def _flat_hard_sigmoid(layer: Layer) -> Layer | None:
    """x/6 + 1/2, clipped, is MATLAB's hard sigmoid 0.2·x + 0.5 of 5/6·x."""
    if not isinstance(layer, Recurrent):
        return None
    flatter = gates.scaled(layer, {gate: 5 / 6 for gate in layer.GATES if gate not in "gh"})
    flatter = flatter and (edited(flatter, lambda p: p * 5 / 6, "PeepholeWeights") or flatter)
    return flatter and flatter.replace(gate_activation_function="hard-sigmoid")


# -- matrices -------------------------------------------------------------------------------------


def _blocks_turned(name: str) -> Reading:
    """The matrix of each gate transposed, where it is square."""

    def read(layer: Layer) -> Layer | None:
        array = layer.arrays.get(name)
        if not isinstance(layer, Recurrent) or array is None:
            return None
        if array.shape[1] != layer.num_hidden_units:
            return None
        return edited(layer, _turned_blocks, name)

    return read


def _turned_blocks(array: np.ndarray) -> np.ndarray:
    blocks = np.split(array, len(array) // array.shape[1])
    return np.concatenate([reorder(block, "OI", "IO") for block in blocks])


def _projector_turned(name: str) -> Reading:
    def read(layer: Layer) -> Layer | None:
        array = layer.arrays.get(name)
        if not isinstance(layer, Projected) or array is None or array.shape != array.shape[::-1]:
            return None
        return edited(layer, lambda a: reorder(a, "OI", "IO"), name)

    return read


def _row_by_row(layer: Layer) -> Layer | None:
    """The elements as they lie in MATLAB's memory, taken row by row."""
    names = ("InputWeights", "RecurrentWeights", "InputProjector", "OutputProjector")
    if not isinstance(layer, Recurrent):
        return None
    return edited(layer, lambda a: column_major(a, (-1,)).reshape(a.shape), *names)


# -- directions and results -----------------------------------------------------------------------


Rewired = Callable[[Network, Layer], Network | None]


def _instead_of_last(function: Function, directions: int = 0) -> Rewired:
    """In place of the last state something made of the sequence of states."""

    def rewired(network: Network, layer: Layer) -> Network | None:
        if not isinstance(layer, Recurrent) or layer.output_mode != "last":
            return None
        if directions > layer.DIRECTIONS:
            return None
        whole = network.with_layers(layer.replace(output_mode="sequence"))
        return with_after(whole, layer.name, function)

    return rewired


def _last_step(ops: Ops, y: Value) -> Value:
    return ops.pick(y, "T", -1)


def _first_step(ops: Ops, y: Value) -> Value:
    return ops.pick(y, "T", 0)


def _mean(ops: Ops, y: Value) -> Value:
    return ops.reduce("mean", y, "T")


def _greatest(ops: Ops, y: Value) -> Value:
    return ops.reduce("max", y, "T")


def _of_halves(join: Callable[[Ops, Value, Value], list[Value]], mode: str = "") -> Rewired:
    """The forward and the backward half of the channels joined otherwise."""

    def rewired(network: Network, layer: Layer) -> Network | None:
        if not isinstance(layer, Recurrent) or layer.DIRECTIONS < 2:
            return None
        if mode and layer.output_mode != mode:
            return None
        units = layer.num_hidden_units

        def function(ops: Ops, y: Value) -> Value:
            halves = ops.slice(y, "C", 0, units), ops.slice(y, "C", units)
            return ops.concatenate(join(ops, *halves), "C")

        return with_after(network, layer.name, function)

    return rewired


def _unreversed(ops: Ops, forward: Value, backward: Value) -> list[Value]:
    return [forward, ops.flip(backward, "T")]


def _swapped(ops: Ops, forward: Value, backward: Value) -> list[Value]:
    return [backward, forward]


def _both_forward(network: Network, layer: Layer) -> Network | None:
    """Both directions from the first step on: what the layer gives of the sequences turned round,
    run beside them, has in its backward half what that gives of the sequences as they are."""
    if not isinstance(layer, Recurrent) or layer.DIRECTIONS < 2:
        return None
    units, last = layer.num_hidden_units, layer.output_mode == "last"

    def beside(ops: Ops, x: Value) -> Value:
        return ops.concatenate([x, ops.flip(x, "T")], "B")

    def halves(ops: Ops, y: Value) -> Value:
        count = ops.size(y, "B") // 2
        forward = ops.slice(ops.slice(y, "B", 0, count), "C", 0, units)
        backward = ops.slice(ops.slice(y, "B", count), "C", units)
        turned = backward if last else ops.flip(backward, "T")
        return ops.concatenate([forward, turned], "C")

    return with_after(with_before(network, layer.name, beside), layer.name, halves)


def _exchanged(layer: Layer) -> Layer | None:
    """The weights of the directions taken for each other."""
    if not isinstance(layer, Recurrent) or layer.DIRECTIONS < 2:
        return None
    return edited(layer, lambda a: np.roll(a, len(a) // 2, axis=0), *layer.arrays)


SUSPECTS = (
    Suspect("BiLSTM directions", 1, changed(
        Rewiring("the backward half of {where} is not reversed back",
                 "its states were left in the order in which they were computed",
                 _of_halves(_unreversed, "sequence")),
        Rewiring("both directions of {where} run forward",
                 "the sequence was not reversed for the backward direction", _both_forward),
        Rewiring("the halves of {where} are swapped",
                 "the backward states were put before the forward ones", _of_halves(_swapped)),
        Change("the weights of the directions of {where} are exchanged",
               "the backward weights were taken as the first half of the rows", _exchanged))),
    Suspect("BiLSTM last", 1, changed(
        Rewiring("'last' of {where} is the last time step of both directions",
                 "h_b(T), the first that the backward direction computes, was taken where MATLAB "
                 "takes h_b(1)", _instead_of_last(_last_step, 2)))),
    Suspect("last against sequence", 2, changed(
        Rewiring("the mean over time of {where} is taken in place of the last state",
                 "the layer was followed by an average over time", _instead_of_last(_mean)),
        Rewiring("the first state of {where} is taken in place of the last",
                 "the wrong end of the sequence was taken", _instead_of_last(_first_step)),
        Rewiring("the maximum over time of {where} is taken in place of the last state",
                 "the layer was followed by a maximum over time", _instead_of_last(_greatest)))),
    Suspect("gate activation", 2, changed(
        *(Change(f"the gates of {{where}} use {name}",
                 f"GateActivationFunction was taken as {name}",
                 _activation("gate_activation_function", name))
          for name in ("sigmoid", "hard-sigmoid")),
        Change("the gates of {where} use max(0, min(1, x/6 + 1/2))",
               "the hard sigmoid of PyTorch and Keras 3 was taken for MATLAB's 0.2·x + 0.5",
               _flat_hard_sigmoid))),
    Suspect("state activation", 2, changed(*(
        Change(f"the state of {{where}} uses {name}",
               f"StateActivationFunction was taken as {name}",
               _activation("state_activation_function", name))
        for name in ("tanh", "softsign", "relu")))),
    Suspect("recurrent weights transposed", 2, changed(
        Change("the recurrent weights of {where} are transposed, gate by gate",
               "R' was taken for R, as where h is a row", _blocks_turned("RecurrentWeights")))),
    Suspect("input weights transposed", 2, changed(
        Change("the input weights of {where} are transposed, gate by gate",
               "W' was taken for W, as where x is a row", _blocks_turned("InputWeights")))),
    Suspect("projectors transposed", 2, changed(*(
        Change(f"the {name} of {{where}} is transposed", "Q was taken for Q'",
               _projector_turned(name)) for name in ("InputProjector", "OutputProjector")))),
    Suspect("recurrent weights row by row", 3, changed(
        Change("the weights of {where} are read row by row",
               "arrays were reshaped in C's order, where MATLAB stores columns", _row_by_row))),
)  # fmt: skip
