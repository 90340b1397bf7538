"""Recurrent kernels: the fused ones where they fit, a loop over time where not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.ops import Recurrence

__all__ = ["recur"]

Weights = tuple[Tensor, Tensor, Tensor]

STATE_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "softsign": F.softsign,
    "relu": torch.relu,
}


def _hard_sigmoid(x: Tensor) -> Tensor:
    return (0.2 * x + 0.5).clamp(0, 1)


GATE_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "hard-sigmoid": _hard_sigmoid,
}


class Calls(Protocol):
    """How operations are called: ``_call`` may keep what depends on weights only."""

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any: ...

    def _apply(self, function: Callable[..., Any], *arguments: Any) -> Any: ...


def recur(
    ops: Calls, how: Recurrence, data: Tensor, weights: Weights, states: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """data (T, B, C), states (directions, B, H); see :meth:`Sequences._recur`."""
    if how.plain and how.reset_gate_mode != "before-multiplication":
        return _fused(ops, how, data, weights, states)
    directions = [
        tuple(ops._call(_rows, part, i, how.directions) for part in weights)
        for i in range(how.directions)
    ]
    found = ops._apply(_loops, how, data, directions, states)
    return found[0], list(found[1:])


def _loops(
    how: Recurrence, data: Tensor, directions: list[Any], states: list[Tensor]
) -> tuple[Tensor, ...]:
    """Both directions, step by step."""
    results = [
        _loop(how, data.flip(0) if i else data, part, [s[i] for s in states])
        for i, part in enumerate(directions)
    ]
    sequences = [y.flip(0) if i else y for i, (y, _) in enumerate(results)]
    finals = [torch.stack(parts) for parts in zip(*(last for _, last in results), strict=True)]
    return torch.cat(sequences, -1), *finals


def _rows(weights: Tensor, part: int, parts: int) -> Tensor:
    """The rows of one direction, or of one half of a bias."""
    size = weights.shape[0] // parts
    return weights[part * size : (part + 1) * size]


def _fused(
    ops: Calls, how: Recurrence, data: Tensor, weights: Weights, states: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """torch's own LSTM and GRU: the same gate order, with a second bias of its own."""
    flat: list[Tensor] = []
    for i in range(how.directions):
        inner, recurrent, bias = (ops._call(_rows, part, i, how.directions) for part in weights)
        flat += [inner, recurrent]
        if how.reset_gate_mode == "recurrent-bias-after-multiplication":
            flat += [ops._call(_rows, bias, 0, 2), ops._call(_rows, bias, 1, 2)]
        else:
            flat += [bias, ops._call(torch.zeros_like, bias)]
    options: tuple[Any, ...] = (True, 1, 0.0, False, how.directions == 2, False)
    begin = [ops._apply(Tensor.contiguous, state) for state in states]
    if len(states) == 2:
        y, hidden, cell = ops._apply(torch.lstm, data, begin, flat, *options)
        return y, [hidden, cell]
    y, hidden = ops._apply(torch.gru, data, begin[0], flat, *options)
    return y, [hidden]


def _loop(
    how: Recurrence, data: Tensor, weights: Any, states: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """One direction, step by step, the input products of all steps at once."""
    input_weights, recurrent, bias = weights
    step = _gru_step if how.gates == "rzh" else _lstm_step
    extra = None
    if how.reset_gate_mode == "recurrent-bias-after-multiplication":
        bias, extra = _rows(bias, 0, 2), _rows(bias, 1, 2)
    products = F.linear(data, input_weights, bias)
    outputs = []
    for t in range(data.shape[0]):
        states = step(how, products[t], recurrent, extra, states)
        outputs.append(states[0])
    return torch.stack(outputs), states


def _lstm_step(
    how: Recurrence, x: Tensor, recurrent: Tensor, extra: Tensor | None, states: list[Tensor]
) -> list[Tensor]:
    """z = W·x + R·h + b; c = σ(f)·c + σ(i)·s(g); h = σ(o)·s(c)."""
    gate, squash = GATE_ACTIVATIONS[how.gate_activation], STATE_ACTIVATIONS[how.state_activation]
    hidden, cell = states
    i, f, g, o = (x + F.linear(hidden, recurrent)).chunk(4, -1)
    cell = gate(f) * cell + gate(i) * squash(g)
    return [gate(o) * squash(cell), cell]


def _gru_step(
    how: Recurrence, x: Tensor, recurrent: Tensor, extra: Tensor | None, states: list[Tensor]
) -> list[Tensor]:
    """h = (1 - z)·candidate + z·h, the reset gate where ResetGateMode puts it."""
    gate, squash = GATE_ACTIVATIONS[how.gate_activation], STATE_ACTIVATIONS[how.state_activation]
    (hidden,) = states
    units = hidden.shape[-1]
    if how.reset_gate_mode == "before-multiplication":
        r, z = gate(x[..., : 2 * units] + F.linear(hidden, recurrent[: 2 * units])).chunk(2, -1)
        candidate = squash(x[..., 2 * units :] + F.linear(r * hidden, recurrent[2 * units :]))
    else:
        xr, xz, xh = x.chunk(3, -1)
        hr, hz, hh = F.linear(hidden, recurrent, extra).chunk(3, -1)
        r, z = gate(xr + hr), gate(xz + hz)
        candidate = squash(xh + r * hh)
    return [(1 - z) * candidate + z * hidden]
