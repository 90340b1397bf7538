"""Recurrent layers. Rows of the weights are stacked by gate: i, f, g, o and r, z, h.

Equations: MATLAB's documentation of lstmLayer, bilstmLayer, gruLayer and
lstmProjectedLayer; gate order, state update and projection are confirmed by MATLAB's
recorded numbers.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from matbridge.core.card import RECORDED, Array, Layer, learnable, prop, state
from matbridge.core.dims import Size
from matbridge.core.kinds import logical, one_of, optional, positive
from matbridge.ops import Ops, Parameters, Recurrence, Value

__all__ = ["GRU", "LSTM", "BiLSTM", "GRUProjected", "LSTMProjected", "PeepholeLSTM"]


class Recurrent(Layer):
    """What all recurrent layers share.

    Learnables: InputWeights G·H×D, RecurrentWeights G·H×H, Bias G·H×1, for G gates, H
    hidden units and D channels. States are H×1, or H×N for N observations. Input CBT (any
    spatial dimensions count as channels); output H×N×T, or H×N for OutputMode 'last'.
    Prediction starts from HiddenState and CellState; where they are empty, from
    InitialHiddenState and InitialCellState, else from zero.
    """

    GATES: ClassVar[str] = "ifgo"
    DIRECTIONS: ClassVar[int] = 1
    STATES: ClassVar[tuple[str, ...]] = ("HiddenState", "CellState")

    num_hidden_units: int = prop("NumHiddenUnits", positive, arg=1)
    output_mode: str = prop("OutputMode", one_of("sequence", "last"), default="sequence")
    input_size: int | None = prop("InputSize", optional(positive), default=None)
    state_activation_function: str = prop(
        "StateActivationFunction", one_of("tanh", "softsign", "relu"), default="tanh"
    )
    gate_activation_function: str = prop(
        "GateActivationFunction", one_of("sigmoid", "hard-sigmoid"), default="sigmoid"
    )
    has_state_inputs: bool = prop("HasStateInputs", logical, default=False)
    has_state_outputs: bool = prop("HasStateOutputs", logical, default=False)

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """ReturnSequence becomes OutputMode; {Value, Remember} becomes the state, or else the
        initial state does."""
        if "ReturnSequence" in saved:
            sequence = logical(saved.pop("ReturnSequence"))
            saved["OutputMode"] = "sequence" if sequence else "last"
        for name in cls.STATES:
            state = saved.get(name)
            if isinstance(state, dict):
                saved[name] = state.get("Value", np.zeros((0, 0)))
            if not np.asarray(saved.get(name, ())).size and f"Initial{name}" in saved:
                saved[name] = saved[f"Initial{name}"]
        return saved

    @classmethod
    def downgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        sequence = saved.pop("OutputMode") == "sequence"
        saved["ReturnSequence"] = np.array([[sequence]])
        for name in cls.STATES:
            value = saved.pop(name, np.zeros((0, 0)))
            saved[name] = {"Value": value, "Remember": np.array([[True]])}
        return saved

    @property
    def how(self) -> Recurrence:
        return Recurrence(
            self.GATES,
            self.state_activation_function,
            self.gate_activation_function,
            self.DIRECTIONS,
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("in", *self._state_ports) if self.has_state_inputs else ("in",)

    @property
    def outputs(self) -> tuple[str, ...]:
        return ("out", *self._state_ports) if self.has_state_outputs else ("out",)

    @property
    def _state_ports(self) -> tuple[str, ...]:
        return ("hidden", "cell")[: len(self.STATES)]

    def infer(self, x: Size, *states: Size) -> Size | tuple[Size, ...]:
        self.need(x, "C")
        self.expect(x.elements("SC"), self.input_size, "channels", x)
        flat = x.drop("S").put(C=self.num_hidden_units * self.DIRECTIONS)
        last = flat.drop("T")
        y = flat if self.output_mode == "sequence" else last
        return (y, *(last for _ in self.STATES)) if self.has_state_outputs else y

    def forward(
        self, ops: Ops, p: Parameters, x: Value, *states: Value
    ) -> Value | tuple[Value, ...]:
        states = states or tuple(p[name] for name in self.STATES)
        weights = self.weights(ops, p)
        y, last, finals = ops.recur(
            self.how, ops.flatten(x), *weights, *states, peephole=self.peephole(p)
        )
        # What comes in by ports is the network's to carry on, not the layer's to keep.
        if not self.has_state_inputs:
            p.update(**dict(zip(self.STATES, finals, strict=True)))
        result = last
        if self.output_mode == "sequence":
            # Data without time are one step to the kernel.
            result = y if "T" in x.dims else ops.drop(y, "T")
        return (result, *finals) if self.has_state_outputs else result

    def weights(self, ops: Ops, p: Parameters) -> tuple[Value, Value, Value]:
        """Input weights, recurrent weights and bias as the kernel needs them."""
        return p["InputWeights"], p["RecurrentWeights"], p["Bias"]

    def peephole(self, p: Parameters) -> Value | None:
        """What lets the gates see the cell state, if the layer has that."""
        return None


def _arrays(rows: str, states: tuple[str, ...], state_rows: str) -> tuple[Array, ...]:
    return (
        learnable("InputWeights", rows, "InputSize", dims="OI"),
        learnable("RecurrentWeights", rows, "NumHiddenUnits", dims="OI"),
        learnable("Bias", rows, "1", dims="O"),
        *(state(name, state_rows, "Observations", dims="CB") for name in states),
        *(state(f"Initial{name}", state_rows, "Observations", dims="CB") for name in states),
    )


class LSTM(Recurrent):
    """lstmLayer. z = W·x + R·h + b in rows i, f, g, o; c = σ(f)·c + σ(i)·s(g);
    h = σ(o)·s(c), with σ the gate and s the state activation."""

    MATLAB = ("nnet.cnn.layer.LSTMLayer",)
    BUILDER = "lstmLayer"
    NICKNAME = "lstm"
    SINCE = "R2017b"
    EVIDENCE = RECORDED
    ARRAYS = _arrays("4*NumHiddenUnits", ("HiddenState", "CellState"), "NumHiddenUnits")


class BiLSTM(Recurrent):
    """bilstmLayer: rows 1 to 4H forward, 4H+1 to 8H backward; 2H output channels, forward
    then backward.

    'last' takes each direction where it ends, h_f(T) and h_b(1): MATLAB's own ONNX exports
    take Y_h there, and the forget gates of trained backward halves have learned."""

    MATLAB = ("nnet.cnn.layer.BiLSTMLayer",)
    BUILDER = "bilstmLayer"
    NICKNAME = "bilstm"
    SINCE = "R2018a"
    EVIDENCE = RECORDED
    DIRECTIONS = 2
    ARRAYS = _arrays("8*NumHiddenUnits", ("HiddenState", "CellState"), "2*NumHiddenUnits")


class Gated(Recurrent):
    """Rows r, z, h; h = (1 - z)·candidate + z·h.

    ResetGateMode: 'after-multiplication' s(W·x + b + r·(R·h)), 'before-multiplication'
    s(W·x + b + R·(r·h)), 'recurrent-bias-after-multiplication' s(W·x + b + r·(R·h + c)),
    where Bias is 6H×1: b, then c.
    """

    GATES = "rzh"
    STATES = ("HiddenState",)

    reset_gate_mode: str = prop(
        "ResetGateMode",
        one_of(
            "after-multiplication",
            "before-multiplication",
            "recurrent-bias-after-multiplication",
        ),
        default="after-multiplication",
    )

    @property
    def declared(self) -> tuple[Array, ...]:
        if self.reset_gate_mode != "recurrent-bias-after-multiplication":
            return self.ARRAYS
        bias = learnable("Bias", "6*NumHiddenUnits", "1", dims="O")
        return tuple(bias if a.name == "Bias" else a for a in self.ARRAYS)

    @property
    def how(self) -> Recurrence:
        return dataclasses.replace(super().how, reset_gate_mode=self.reset_gate_mode)


class GRU(Gated):
    """gruLayer."""

    MATLAB = ("nnet.cnn.layer.GRULayer",)
    BUILDER = "gruLayer"
    NICKNAME = "gru"
    SINCE = "R2020a"
    EVIDENCE = RECORDED
    ARRAYS = _arrays("3*NumHiddenUnits", ("HiddenState",), "NumHiddenUnits")


def _projected(rows: str, rest: tuple[Array, ...]) -> tuple[Array, ...]:
    return (
        learnable("InputWeights", rows, "InputProjectorSize", dims="OI"),
        learnable("RecurrentWeights", rows, "OutputProjectorSize", dims="OI"),
        learnable("InputProjector", "InputSize", "InputProjectorSize", dims="OI"),
        learnable("OutputProjector", "NumHiddenUnits", "OutputProjectorSize", dims="OI"),
        *rest,
    )


class Projected(Recurrent):
    """W·(Qi'·x) and R·(Qo'·h) in place of W·x and R·h.

    InputProjector Qi is D×InputProjectorSize, OutputProjector Qo is H×OutputProjectorSize;
    the output keeps H channels. So W·Qi' and R·Qo' are the matrices of a plain layer.
    """

    TRAINING = ("InputProjectorInitializer", "OutputProjectorInitializer")

    output_projector_size: int = prop("OutputProjectorSize", positive, arg=2)
    input_projector_size: int = prop("InputProjectorSize", positive, arg=3)

    def weights(self, ops: Ops, p: Parameters) -> tuple[Value, Value, Value]:
        inner = ops.matmul(p["InputWeights"], ops.transpose(p["InputProjector"]))
        outer = ops.matmul(p["RecurrentWeights"], ops.transpose(p["OutputProjector"]))
        return inner, outer, p["Bias"]


class LSTMProjected(Projected):
    """lstmProjectedLayer."""

    MATLAB = ("nnet.cnn.layer.LSTMProjectedLayer",)
    BUILDER = "lstmProjectedLayer"
    NICKNAME = "lstmp"
    SINCE = "R2022b"
    EVIDENCE = RECORDED
    ARRAYS = _projected("4*NumHiddenUnits", LSTM.ARRAYS[2:])


class GRUProjected(Projected, Gated):
    """gruProjectedLayer."""

    MATLAB = ("nnet.cnn.layer.GRUProjectedLayer",)
    BUILDER = "gruProjectedLayer"
    NICKNAME = "grup"
    SINCE = "R2023b"
    ARRAYS = _projected("3*NumHiddenUnits", GRU.ARRAYS[2:])


class PeepholeLSTM(Recurrent):
    """peepholeLSTMLayer, a custom layer of MATLAB's documentation: an LSTM whose gates i and
    f also see the cell state before the step, and o the one after it.

    PeepholeWeights are 3·H×1, rows i, f, o.
    """

    MATLAB = ("peepholeLSTMLayer",)
    BUILDER = "peepholeLSTMLayer"
    NICKNAME = "peephole-lstm"
    SINCE = "R2021b"
    ARRAYS = (
        *LSTM.ARRAYS[:2],
        learnable("PeepholeWeights", "3*NumHiddenUnits", "1", dims="O"),
        *LSTM.ARRAYS[2:],
    )

    def peephole(self, p: Parameters) -> Value | None:
        return p["PeepholeWeights"]
