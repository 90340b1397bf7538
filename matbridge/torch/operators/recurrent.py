"""RNN, LSTM and GRU with every option that ONNX has, step by step.

The equations are those of the operators' specification; what a layer of MATLAB's says is
lifted to it and runs faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table

__all__ = ["RECURRENT"]

Curve = Callable[[Tensor], Tensor]

# By name, given alpha and beta where the file says them, else None.
CURVES: dict[str, Callable[[float | None, float | None], Curve]] = {
    "relu": lambda a, b: torch.relu,
    "tanh": lambda a, b: torch.tanh,
    "sigmoid": lambda a, b: torch.sigmoid,
    "softsign": lambda a, b: F.softsign,
    "softplus": lambda a, b: F.softplus,
    "affine": lambda a, b: lambda x: _or(a, 1.0) * x + _or(b, 0.0),
    "leakyrelu": lambda a, b: lambda x: F.leaky_relu(x, _or(a, 0.01)),
    "thresholdedrelu": lambda a, b: lambda x: torch.where(x > _or(a, 1.0), x, 0.0),
    "scaledtanh": lambda a, b: lambda x: _or(a, 1.0) * torch.tanh(_or(b, 1.0) * x),
    "hardsigmoid": lambda a, b: lambda x: (_or(a, 0.2) * x + _or(b, 0.5)).clamp(0, 1),
    "elu": lambda a, b: lambda x: F.elu(x, _or(a, 1.0)),
}


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


@dataclass(frozen=True)
class Direction:
    """The weights of one direction, and its functions."""

    w: Tensor
    r: Tensor
    wb: Tensor
    rb: Tensor
    peepholes: tuple[Tensor, ...]
    curves: tuple[Curve, ...]
    clip: float


def _clipped(d: Direction, x: Tensor) -> Tensor:
    return x.clamp(-d.clip, d.clip) if d.clip else x


def _rnn(call: Call, d: Direction, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    return d.curves[0](_clipped(d, F.linear(x, d.w, d.wb) + F.linear(h, d.r, d.rb))), c


def _gru(call: Call, d: Direction, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    size = h.shape[-1]
    gates = F.linear(x, d.w, d.wb)
    rz, rh = d.r.split([2 * size, size])
    bz, bh = d.rb.split([2 * size, size])
    z, r = d.curves[0](_clipped(d, gates[:, : 2 * size] + F.linear(h, rz, bz))).chunk(2, -1)
    if call.whole("linear_before_reset"):
        memory = r * F.linear(h, rh, bh)
    else:
        memory = F.linear(r * h, rh, bh)
    new = d.curves[1](_clipped(d, gates[:, 2 * size :] + memory))
    return (1 - z) * new + z * h, c


def _lstm(call: Call, d: Direction, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    gates = F.linear(x, d.w, d.wb) + F.linear(h, d.r, d.rb)
    i, o, f, new = gates.chunk(4, -1)
    p_i, p_o, p_f = d.peepholes or (torch.zeros_like(c[:1]),) * 3
    i = d.curves[0](_clipped(d, i + p_i * c))
    f = 1 - i if call.whole("input_forget") else d.curves[0](_clipped(d, f + p_f * c))
    c = f * c + i * d.curves[1](_clipped(d, new))
    o = d.curves[0](_clipped(d, o + p_o * c))
    return o * d.curves[2](c), c


@dataclass(frozen=True)
class Cell:
    """A kind of recurrence: its step, how many gates, and the functions it has by default."""

    step: Callable[[Call, Direction, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
    gates: int
    curves: tuple[str, ...]


CELLS = {
    "RNN": Cell(_rnn, 1, ("Tanh",)),
    "GRU": Cell(_gru, 3, ("Sigmoid", "Tanh")),
    "LSTM": Cell(_lstm, 4, ("Sigmoid", "Tanh", "Tanh")),
}


def _curves(call: Call, cell: Cell, directions: int) -> list[Curve]:
    names = call.texts("activations") or list(cell.curves) * directions
    alphas, betas = call.numbers("activation_alpha"), call.numbers("activation_beta")
    curves = []
    for name in names:
        takes_alpha = name.lower() not in ("relu", "tanh", "sigmoid", "softsign", "softplus")
        takes_beta = name.lower() in ("affine", "scaledtanh", "hardsigmoid")
        alpha = alphas.pop(0) if takes_alpha and alphas else None
        beta = betas.pop(0) if takes_beta and betas else None
        curves.append(CURVES[name.lower()](alpha, beta))
    return curves


def _directions(
    call: Call, cell: Cell, w: Tensor, r: Tensor, b: Tensor | None, p: Tensor | None
) -> list[Direction]:
    count = w.shape[0]
    curves = _curves(call, cell, count)
    rows = w.shape[1]
    b = w.new_zeros(count, 2 * rows) if b is None else b
    each = len(cell.curves)
    return [
        Direction(
            w[d],
            r[d],
            b[d, :rows],
            b[d, rows:],
            () if p is None else p[d].chunk(3),
            tuple(curves[d * each : (d + 1) * each]),
            call.number("clip", 0.0),
        )
        for d in range(count)
    ]


def _pass(
    call: Call,
    cell: Cell,
    direction: Direction,
    x: Tensor,
    lengths: Tensor,
    state: tuple[Tensor, Tensor],
    backward: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """One direction over all steps; past its length a sequence gives 0 and keeps its state."""
    h, c = state
    steps = range(x.shape[0])
    results: list[Tensor] = [h] * x.shape[0]
    for t in reversed(steps) if backward else steps:
        new_h, new_c = cell.step(call, direction, x[t], h, c)
        counts = (t < lengths).unsqueeze(-1)
        h, c = torch.where(counts, new_h, h), torch.where(counts, new_c, c)
        results[t] = torch.where(counts, new_h, torch.zeros_like(new_h))
    return torch.stack(results), h, c


def recur(
    call: Call,
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    lengths: Tensor | None = None,
    h: Tensor | None = None,
    c: Tensor | None = None,
    p: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Y (T, D, B, H), Y_h and Y_c (D, B, H); with layout 1 the batch comes first."""
    cell, batch_first = CELLS[call.operation.op_type], bool(call.whole("layout"))
    x = x.transpose(0, 1) if batch_first else x
    shape = (w.shape[0], x.shape[1], r.shape[-1])
    h, c = (_state(s, shape, x, batch_first) for s in (h, c))
    lengths = x.new_full((x.shape[1],), x.shape[0]) if lengths is None else lengths
    directions = _directions(call, cell, w, r, b, p)
    backwards = [call.text("direction", "forward") == "reverse", True][: len(directions)]
    if len(directions) == 2:
        backwards = [False, True]
    parts = [
        _pass(call, cell, one_way, x, lengths, (h[n], c[n]), backwards[n])
        for n, one_way in enumerate(directions)
    ]
    y = torch.stack([part[0] for part in parts], 1)
    last = [torch.stack([part[n] for part in parts]) for n in (1, 2)]
    if batch_first:
        return y.permute(2, 0, 1, 3), *(s.transpose(0, 1) for s in last)
    return y, *last


def _state(state: Tensor | None, shape: tuple[int, ...], x: Tensor, batch_first: bool) -> Tensor:
    if state is None:
        return x.new_zeros(shape)
    return state.transpose(0, 1) if batch_first else state


RECURRENT: Table = {name: Entry(recur) for name in CELLS}
