"""Recurrence and attention, on labelled values."""

from __future__ import annotations

from matbridge.core.dims import without
from matbridge.ops.backend import Backend, Data, Recurrence
from matbridge.ops.layout import Value, align, drop, expand, merge, reshape, size, sizes

__all__ = ["attend", "recur"]


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
