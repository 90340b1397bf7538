"""Recurrent layers as ONNX's LSTM and GRU.

ONNX stacks the LSTM's gates i, o, f, c and the GRU's z, r, h, with a second bias for the
recurrent part; MATLAB i, f, g, o and r, z, h.
"""

from __future__ import annotations

import numpy as np

from matbridge.core.dims import gate_blocks
from matbridge.errors import UnsupportedError
from matbridge.onnx.graph import Attribute, Builder, Data, Extent, Tensor
from matbridge.ops.backend import Recurrence

__all__ = ["recur"]

OPERATORS = {"ifgo": ("LSTM", "iofg"), "rzh": ("GRU", "zrh")}
STATE_ACTIVATIONS = {"tanh": "Tanh", "softsign": "Softsign", "relu": "Relu"}
GATE_ACTIVATIONS = {"sigmoid": "Sigmoid", "hard-sigmoid": "HardSigmoid"}


def recur(
    builder: Builder,
    how: Recurrence,
    data: Data,
    weights: tuple[Data, ...],
    states: list[Data],
) -> tuple[Tensor, list[Tensor]]:
    """data (T, B, C); the result is (T, directions, B, H), states (directions, B, H)."""
    arrays = [w for w in weights if isinstance(w, np.ndarray)]
    if not isinstance(data, Tensor) or len(arrays) < len(weights):
        raise UnsupportedError("a recurrent layer of constants cannot be written to ONNX")
    operator, order = OPERATORS[how.gates]
    input_weights, recurrent = (_stack(w, how, order) for w in arrays[:2])
    units = recurrent.shape[-1]
    steps, batch, _ = data.shape
    inputs: list[Data | str] = [data, input_weights, recurrent, _bias(arrays[2], how, order)]
    zero = all(isinstance(state, Tensor) and state.zero for state in states)
    if len(arrays) == 4 or not zero:
        # The empty name stands for the lengths of the sequences.
        inputs += ["", *states]
    if len(arrays) == 4:
        # ONNX's peepholes are ordered i, o, f; MATLAB's i, f, o.
        inputs.append(_stack(arrays[3].reshape(-1, 1), how, "iof", "ifo")[..., 0])
    shapes: list[tuple[Extent, ...]] = [(steps, how.directions, batch, units)]
    shapes += [(how.directions, batch, units)] * len(states)
    y, *last = builder.nodes_with(
        operator,
        inputs,
        shapes,
        hidden_size=units,
        direction="bidirectional" if how.directions == 2 else "forward",
        **_activations(how),
    )
    return y, last


def _stack(weights: np.ndarray, how: Recurrence, order: str, gates: str = "") -> np.ndarray:
    """Rows of each direction with the gates in ONNX's order: (directions, G·H, columns)."""
    # MATLAB stacks directions, then gates, then units.
    blocks = weights.reshape(how.directions, len(order), -1, weights.shape[-1])
    chosen = blocks[:, gate_blocks(gates or how.gates, order)]
    return chosen.reshape(how.directions, -1, weights.shape[-1])


def _bias(bias: np.ndarray, how: Recurrence, order: str) -> np.ndarray:
    """(directions, 2·G·H): the input part, then the recurrent part."""
    column = bias.reshape(-1, 1)
    if how.reset_gate_mode == "recurrent-bias-after-multiplication":
        parts = [_stack(half, how, order) for half in np.split(column, 2)]
    else:
        parts = [_stack(column, how, order)]
        parts.append(np.zeros_like(parts[0]))
    return np.concatenate(parts, 1)[..., 0]


def _activations(how: Recurrence) -> dict[str, Attribute]:
    """Activations of ONNX's in its order: gates, candidate, and for the LSTM the output."""
    attributes: dict[str, Attribute] = {}
    if how.gates == "rzh":
        attributes["linear_before_reset"] = int(how.reset_gate_mode != "before-multiplication")
    if how.plain:
        return attributes
    squashes = [STATE_ACTIVATIONS[how.state_activation]] * (2 if how.gates == "ifgo" else 1)
    names = [GATE_ACTIVATIONS[how.gate_activation], *squashes] * how.directions
    hard = [name == "HardSigmoid" for name in names]
    attributes["activations"] = names
    attributes["activation_alpha"] = [0.2 for flag in hard if flag]
    attributes["activation_beta"] = [0.5 for flag in hard if flag]
    # An empty list is no attribute to ONNX; the number 0 is one.
    return {k: v for k, v in attributes.items() if v or v == 0}
