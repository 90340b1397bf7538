"""Recurrent layers for prediction, step by step, where no kernel of torch's fits.

The input products of all steps are one multiplication. Each step then works in place on
its part of them, so that nothing is allocated on the way; training takes the steps of
:mod:`matbridge.torch.recurrence` instead, which autograd can follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["GATE", "STATE", "gru", "gru_before", "lstm", "peephole_lstm", "stacked"]

Result = tuple[Tensor, list[Tensor]]
Gate = Callable[[Tensor], Tensor]


class State(NamedTuple):
    """A state activation in place, and from one tensor into another."""

    here: Callable[[Tensor], Tensor]
    into: Callable[..., Tensor]


def _relu(x: Tensor, out: Tensor) -> Tensor:
    return torch.clamp(x, min=0, out=out)


def _softsign(x: Tensor, out: Tensor) -> Tensor:
    return torch.div(x, x.abs().add_(1), out=out)


def _softsign_here(x: Tensor) -> Tensor:
    return x.div_(x.abs().add_(1))


def _clip(x: Tensor) -> Tensor:
    """The hard sigmoid: its 0.2x + 0.5 is in the weights already."""
    return x.clamp_(0, 1)


STATE = {
    "tanh": State(torch.tanh_, torch.tanh),
    "relu": State(torch.relu_, _relu),
    "softsign": State(_softsign_here, _softsign),
}
GATE: dict[str, Gate] = {"sigmoid": torch.sigmoid_, "hard-sigmoid": _clip}


def stacked(weights: Tensor, have: str, want: str, slope: float, offset: float) -> Tensor:
    """The rows of these gates in another order, those of i, f, o, r and z through a line."""
    blocks = dict(zip(have, weights.chunk(len(have)), strict=True))
    return torch.cat([blocks[g] * slope + offset if g in "iforz" else blocks[g] for g in want])


def _room(products: Tensor, units: int, *gates: int) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """Room for the result (T, B, H) and for one step (B, G·H), and that cut into so many gates."""
    y = products.new_empty(*products.shape[:2], units)
    z = products.new_empty(products.shape[1:])
    return y, z, z.split([n * units for n in gates], -1)


def lstm(
    products: Tensor, recurrent: Tensor, states: list[Tensor], gate: Gate, squash: State
) -> Result:
    """Gates i, f, o, g: products W·x + b (T, B, 4H), recurrent R' (H, 4H), states (B, H).

    c = σ(f)·c + σ(i)·s(g); h = σ(o)·s(c). Returns h (T, B, H) and the last states.
    """
    hidden, cell = states[0], states[1].clone()
    y, z, (gates, g) = _room(products, recurrent.shape[0], 3, 1)
    i, f, o = gates.chunk(3, -1)
    for x, out in zip(products.unbind(), y.unbind(), strict=True):
        torch.addmm(x, hidden, recurrent, out=z)
        gate(gates)
        squash.here(g)
        cell.mul_(f).addcmul_(i, g)
        hidden = squash.into(cell, out=out).mul_(o)
    return y, [hidden, cell]


def peephole_lstm(
    products: Tensor,
    recurrent: Tensor,
    peephole: Tensor,
    states: list[Tensor],
    gate: Gate,
    squash: State,
) -> Result:
    """As :func:`lstm`; i and f see c before the step, o sees it after."""
    hidden, cell = states[0], states[1].clone()
    units = recurrent.shape[0]
    y, z, (early, o, g) = _room(products, units, 2, 1, 1)
    pair, seen = early.unflatten(-1, (2, units)), cell.unsqueeze(-2)
    both, last = peephole[: 2 * units].reshape(2, units), peephole[2 * units :]
    i, f = early.chunk(2, -1)
    for x, out in zip(products.unbind(), y.unbind(), strict=True):
        torch.addmm(x, hidden, recurrent, out=z)
        pair.addcmul_(both, seen)
        gate(early)
        squash.here(g)
        cell.mul_(f).addcmul_(i, g)
        gate(o.addcmul_(last, cell))
        hidden = squash.into(cell, out=out).mul_(o)
    return y, [hidden, cell]


def gru(
    products: Tensor,
    recurrent: Tensor,
    extra: Tensor | None,
    states: list[Tensor],
    gate: Gate,
    squash: State,
) -> Result:
    """Gates r, z, h; h = (1 - z)·s(W·x + b + r·(R·h + c)) + z·h, with ``extra`` as c."""
    (hidden,) = states
    y, inner, (both, late) = _room(products, recurrent.shape[0], 2, 1)
    r, z = both.chunk(2, -1)
    begin = inner.new_zeros(()) if extra is None else extra
    for x, out in zip(products.unbind(), y.unbind(), strict=True):
        early, candidate = x.split((both.shape[1], late.shape[1]), -1)
        torch.addmm(begin, hidden, recurrent, out=inner)
        gate(both.add_(early))
        squash.here(candidate.addcmul_(r, late))
        hidden = torch.lerp(candidate, hidden, z, out=out)
    return y, [hidden]


def gru_before(
    products: Tensor, recurrent: Tensor, states: list[Tensor], gate: Gate, squash: State
) -> Result:
    """Gates r, z, h; h = (1 - z)·s(W·x + b + R·(r·h)) + z·h."""
    (hidden,) = states
    units = recurrent.shape[0]
    y, _, (both, candidate) = _room(products, units, 2, 1)
    r, z = both.chunk(2, -1)
    gates, inner = recurrent[:, : 2 * units], recurrent[:, 2 * units :]
    for x, out in zip(products.unbind(), y.unbind(), strict=True):
        early, late = x.split((2 * units, units), -1)
        gate(torch.addmm(early, hidden, gates, out=both))
        torch.addmm(late, r.mul_(hidden), inner, out=candidate)
        hidden = torch.lerp(squash.here(candidate), hidden, z, out=out)
    return y, [hidden]
