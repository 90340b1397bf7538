"""Recurrent kernels: the fused ones where they fit, a loop over time where not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.errors import LayerError
from matbridge.ops.backend import Recurrence
from matbridge.torch import loops
from matbridge.torch.calls import Calls

__all__ = ["recur", "rows"]

Weights = tuple[Tensor, ...]
# The next states from the input products of one step and the states before it.
Step = Callable[..., list[Tensor]]

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


def recur(
    calls: Calls, how: Recurrence, data: Tensor, weights: Weights, states: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """data (T, B, C), states (directions, B, H); see :meth:`Backend.recur`."""
    _check_sizes(how, data, weights, states)
    # Without a copy in order, the input products are ten times as slow for one observation.
    data = calls.call(Tensor.contiguous, data)
    fits = how.plain and how.reset_gate_mode != "before-multiplication"
    if fits and len(weights) == 3:
        return _fused(calls, how, data, weights, states)
    directions = [
        tuple(calls.fold(rows, part, i, how.directions) for part in weights)
        for i in range(how.directions)
    ]
    loop = _loop
    if not torch.is_grad_enabled() and not torch.compiler.is_exporting():
        directions = [_in_place_weights(calls, how, *parts) for parts in directions]
        loop = _loop_in_place
    y, *last = calls.call(_loops, loop, how, data, directions, states)
    return y, last


def _check_sizes(how: Recurrence, data: Tensor, weights: Weights, states: list[Tensor]) -> None:
    """The fused kernels read beyond the end of what is too small, and divide by no units."""
    channels, units = data.shape[2], weights[1].shape[-1]
    rows = how.directions * len(how.gates) * units
    biases = 2 if how.reset_gate_mode == "recurrent-bias-after-multiplication" else 1
    sizes = [tuple(part.shape) for part in weights[:3]]
    wanted = [(rows, channels), (rows, units), (biases * rows,)]
    ends = [(state.shape[0], state.shape[2]) for state in states]
    if rows * channels == 0 or sizes != wanted or set(ends) != {(how.directions, units)}:
        raise LayerError(
            f"a recurrent layer of {units} hidden units has weights of sizes {sizes} for "
            f"{channels} channels",
            mend="Check the InputSize of the network and the layer before it.",
        )


def _loops(
    loop: Callable[..., tuple[Tensor, list[Tensor]]],
    how: Recurrence,
    data: Tensor,
    directions: list[object],
    states: list[Tensor],
) -> tuple[Tensor, ...]:
    """Both directions, step by step."""
    results = [
        loop(how, data.flip(0) if i else data, part, [s[i] for s in states])
        for i, part in enumerate(directions)
    ]
    sequences = [y.flip(0) if i else y for i, (y, _) in enumerate(results)]
    finals = [torch.stack(parts) for parts in zip(*(last for _, last in results), strict=True)]
    return torch.cat(sequences, -1), *finals


def rows(weights: Tensor, part: int, parts: int) -> Tensor:
    """The rows of one direction, or of one half of a bias."""
    size = weights.shape[0] // parts
    return weights[part * size : (part + 1) * size]


def _fused(
    calls: Calls, how: Recurrence, data: Tensor, weights: Weights, states: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """torch's own LSTM and GRU: the same gate order, with a second bias of its own."""
    flat: list[Tensor] = []
    for i in range(how.directions):
        inner, recurrent, bias = (calls.fold(rows, part, i, how.directions) for part in weights)
        flat += [inner, recurrent]
        if how.reset_gate_mode == "recurrent-bias-after-multiplication":
            flat += [calls.fold(rows, bias, 0, 2), calls.fold(rows, bias, 1, 2)]
        else:
            flat += [bias, calls.fold(torch.zeros_like, bias)]
    options: tuple[object, ...] = (True, 1, 0.0, False, how.directions == 2, False)
    begin = [calls.call(Tensor.contiguous, state) for state in states]
    if len(states) == 2:
        y, hidden, cell = calls.call(torch.lstm, data, begin, flat, *options)
        return y, [hidden, cell]
    y, hidden = calls.call(torch.gru, data, begin[0], flat, *options)
    return y, [hidden]


def _loop(
    how: Recurrence, data: Tensor, weights: Sequence[Tensor], states: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """One direction, step by step, the input products of all steps at once."""
    input_weights, recurrent, bias, *peephole = weights
    extra = None
    if how.reset_gate_mode == "recurrent-bias-after-multiplication":
        bias, extra = rows(bias, 0, 2), rows(bias, 1, 2)
    products = F.linear(data, input_weights, bias)
    if how.gates == "ifgo":
        step = _lstm_step(how, recurrent, *peephole)
    elif how.reset_gate_mode == "before-multiplication":
        step = _gru_step_before(how, recurrent)
    else:
        step = _gru_step_after(how, recurrent, extra)
    if torch.compiler.is_exporting():
        return _scan(step, products, states)
    outputs = []
    for x in products.unbind():
        states = step(x, *states)
        outputs.append(states[0])
    return torch.stack(outputs), states


def _scan(step: Step, products: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """The loop as one operator of an exported program, for any number of steps."""
    from torch._higher_order_ops.scan import scan

    def combine(before: list[Tensor], x: Tensor) -> tuple[list[Tensor], Tensor]:
        after = step(x, *before)
        # What is carried on and what is given out may not be one tensor.
        return after, after[0].clone()

    last, y = scan(combine, [state.clone() for state in states], products)
    return y, last


def _in_place_weights(calls: Calls, how: Recurrence, *weights: Tensor) -> Weights:
    """The weights for torch_loops: gates in its order, the hard sigmoid's line in them, R'."""
    inner, recurrent, bias, *rest = weights
    have = how.gates
    want = "ifog" if have == "ifgo" else have
    slope, offset = (0.2, 0.5) if how.gate_activation == "hard-sigmoid" else (1.0, 0.0)
    if how.reset_gate_mode == "recurrent-bias-after-multiplication":
        bias, extra = (calls.fold(rows, bias, i, 2) for i in (0, 1))
        rest = [calls.fold(loops.stacked, extra, have, want, slope, 0.0)]
    elif rest:
        rest = [calls.fold(loops.stacked, rest[0], "ifo", "ifo", slope, 0.0)]
    return (
        calls.fold(loops.stacked, inner, have, want, slope, 0.0),
        calls.fold(Tensor.t, calls.fold(loops.stacked, recurrent, have, want, slope, 0.0)),
        calls.fold(loops.stacked, bias, have, want, slope, offset),
        *rest,
    )


def _loop_in_place(
    how: Recurrence, data: Tensor, weights: Sequence[Tensor], states: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """One direction for prediction."""
    inner, recurrent, bias, *rest = weights
    products = F.linear(data, inner, bias)
    activations = (
        loops.GATE[how.gate_activation],
        loops.STATE[how.state_activation],
    )
    if how.gates == "ifgo" and rest:
        return loops.peephole_lstm(products, recurrent, rest[0], states, *activations)
    if how.gates == "ifgo":
        return loops.lstm(products, recurrent, states, *activations)
    if how.reset_gate_mode == "before-multiplication":
        return loops.gru_before(products, recurrent, states, *activations)
    extra = rest[0] if rest else None
    return loops.gru(products, recurrent, extra, states, *activations)


def _lstm_step(how: Recurrence, recurrent: Tensor, peephole: Tensor | None = None) -> Step:
    """z = W·x + R·h + b; c = σ(f)·c + σ(i)·s(g); h = σ(o)·s(c); with a peephole, i and f
    see c before the step and o sees it after."""
    gate, squash = GATE_ACTIVATIONS[how.gate_activation], STATE_ACTIVATIONS[how.state_activation]
    units, columns = recurrent.shape[1], recurrent.t()
    both = None if peephole is None else peephole[: 2 * units].reshape(2, units)
    seen = None if peephole is None else peephole[2 * units :].clone()

    def step(x: Tensor, hidden: Tensor, cell: Tensor) -> list[Tensor]:
        z = torch.addmm(x, hidden, columns)
        first, third, last = z.split((2 * units, units, units), -1)
        if both is not None:
            first = first + (both * cell.unsqueeze(-2)).flatten(-2)
        i, f = gate(first).chunk(2, -1)
        cell = torch.addcmul(f * cell, i, squash(third))
        if seen is not None:
            last = torch.addcmul(last, seen, cell)
        return [gate(last) * squash(cell), cell]

    return step


def _gru_step_before(how: Recurrence, recurrent: Tensor) -> Step:
    """h = (1 - z)·s(W·x + b + R·(r·h)) + z·h."""
    gate, squash = GATE_ACTIVATIONS[how.gate_activation], STATE_ACTIVATIONS[how.state_activation]
    units = recurrent.shape[1]
    # Apart in memory, as an exported loop demands.
    gates, candidate = recurrent[: 2 * units].t(), recurrent[2 * units :].t().clone()

    def step(x: Tensor, hidden: Tensor) -> list[Tensor]:
        both, last = x.split((2 * units, units), -1)
        r, z = gate(torch.addmm(both, hidden, gates)).chunk(2, -1)
        return [torch.lerp(squash(torch.addmm(last, r * hidden, candidate)), hidden, z)]

    return step


def _gru_step_after(how: Recurrence, recurrent: Tensor, extra: Tensor | None) -> Step:
    """h = (1 - z)·s(W·x + b + r·(R·h + c)) + z·h."""
    gate, squash = GATE_ACTIVATIONS[how.gate_activation], STATE_ACTIVATIONS[how.state_activation]
    units = recurrent.shape[1]

    def step(x: Tensor, hidden: Tensor) -> list[Tensor]:
        both, last = x.split((2 * units, units), -1)
        gates, inner = F.linear(hidden, recurrent, extra).split((2 * units, units), -1)
        r, z = gate(both + gates).chunk(2, -1)
        return [torch.lerp(squash(torch.addcmul(last, r, inner)), hidden, z)]

    return step
