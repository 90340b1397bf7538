"""Recurrence and attention, on labelled values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matbridge.core.dims import without
from matbridge.ops.backend import Backend, Data, Recurrence
from matbridge.ops.layout import Value, align, drop, expand, merge, reshape, size, sizes

__all__ = ["Body", "attend", "loop", "recur"]

# A step: with the backend that it is run by, from states and the inputs of the step to the states
# after it and its results. All are values over TBC, the inputs and results of one step.
Body = Callable[[Backend, Sequence[Value], Sequence[Value]], tuple[list[Value], list[Value]]]


def recur(
    backend: Backend,
    how: Recurrence,
    x: Value,
    input_weights: Value,
    recurrent_weights: Value,
    bias: Value,
    *states: Value,
    peephole: Value | None = None,
) -> tuple[Value, Value, list[Value]]:
    """A recurrent layer over all time steps.

    ``peephole`` weights (rows i, f, o of an LSTM) let its gates see the cell state.
    ``states`` are hidden (and cell) values of format CB, the directions stacked in C.
    Returns the sequence of hidden states (CBT), the last hidden state of each
    direction (CB) and the last states.
    """
    steps = align(backend, x, "TBC")
    packed = [_pack_state(backend, how, state, steps) for state in states]
    parts = (input_weights, recurrent_weights, bias, *([peephole] if peephole else []))
    weights = tuple(part.data for part in parts)
    data, last = backend.recur(how, steps.data, weights, packed)
    finals = [_unpack_state(backend, how, state) for state in last]
    return Value(data, "TBC"), finals[0], finals


def _pack_state(backend: Backend, how: Recurrence, state: Value, steps: Value) -> Data:
    # "-" hides the channels of the data: the observations alone are repeated.
    state = expand(backend, state, "BC", Value(steps.data, "TB-"))
    batch, channels = sizes(backend, state)
    units = channels // how.directions
    apart = reshape(backend, state, (batch, how.directions, units), "BDC")
    return align(backend, apart, "DBC").data


def _unpack_state(backend: Backend, how: Recurrence, state: Data) -> Value:
    return merge(backend, Value(state, "DBC"), "DC", "C")


def loop(
    backend: Backend, body: Body, states: Sequence[Value], sequences: Sequence[Value]
) -> tuple[list[Value], list[Value]]:
    """A step run over all time steps of these sequences, of which there is at least one.

    ``states`` are values of any length in T, repeated for the observations. Returns the
    results of all steps (TBC), and the last states.
    """
    data = [align(backend, x, "TBC") for x in sequences]
    # "-" hides all of the data but the observations.
    like = Value(data[0].data, "-B-")
    before = [expand(backend, state, "TBC", like).data for state in states]

    def step(
        inner: Backend, states: Sequence[Data], inputs: Sequence[Data]
    ) -> tuple[list[Data], list[Data]]:
        own = ([Value(part, "TBC") for part in parts] for parts in (states, inputs))
        after, results = body(inner, *own)
        return _bare(inner, after), _bare(inner, results)

    results, last = backend.loop(step, before, [x.data for x in data])
    return [Value(y, "TBC") for y in results], [Value(state, "TBC") for state in last]


def _bare(backend: Backend, values: Sequence[Value]) -> list[Data]:
    return [align(backend, value, "TBC").data for value in values]


def attend(
    backend: Backend,
    query: Value,
    key: Value,
    value: Value,
    *,
    over: str,
    heads: int,
    scale: float | None = None,
    causal: bool = False,
    mask: Value | None = None,
    want_scores: bool = False,
) -> tuple[Value, Value | None]:
    """Scaled dot-product attention; heads are contiguous blocks of channels.

    softmax over the keys of key'·query·scale; ``scale`` defaults to one over the root
    of the channels per head. ``mask`` is 1 where a key counts.
    """
    channels = size(backend, query, "C") // heads
    rest = without(query.dims, "C" + over)
    data = [_heads(backend, x, rest, over, heads) for x in (query, key, value)]
    keep = None if mask is None else _key_mask(backend, mask, rest, over)
    factor = channels**-0.5 if scale is None else scale
    out, scores = backend.attend(data[0], data[1], data[2], factor, causal, keep, want_scores)
    result = merge(backend, Value(out, rest + "H" + over + "C"), "HC", "C")
    return result, Value(scores, rest + "HQK") if want_scores else None


def _heads(backend: Backend, x: Value, rest: str, over: str, heads: int) -> Data:
    x = align(backend, x, rest + over + "C")
    *outer, channels = sizes(backend, x)
    apart = reshape(backend, x, (*outer, heads, channels // heads), rest + over + "HC")
    return align(backend, apart, rest + "H" + over + "C").data


def _key_mask(backend: Backend, mask: Value, rest: str, over: str) -> Data:
    kept = drop(backend, mask, "C") if "C" in mask.dims else mask
    return align(backend, kept, rest + "HQ" + over).data
