"""Recurrence and attention, on labelled values."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any

from matbridge.core.dims import without
from matbridge.ops.layout import Value
from matbridge.ops.windows import Windows

__all__ = ["Recurrence", "Sequences"]


@dataclass(frozen=True)
class Recurrence:
    """How a recurrent layer computes, in MATLAB's words.

    ``gates`` is "ifgo" (LSTM) or "rzh" (GRU), ``directions`` 1 or 2, ``reset_gate_mode``
    as gruLayer names it.
    """

    gates: str
    state_activation: str = "tanh"
    gate_activation: str = "sigmoid"
    directions: int = 1
    reset_gate_mode: str = "after-multiplication"

    @property
    def plain(self) -> bool:
        """Whether the activations are those that every fused kernel has."""
        return self.state_activation == "tanh" and self.gate_activation == "sigmoid"

    def one_way(self) -> Recurrence:
        """The same for one direction alone."""
        return replace(self, directions=1)


class Sequences(Windows):
    """Over time: T."""

    @abstractmethod
    def _recur(
        self, how: Recurrence, data: Any, weights: tuple[Any, ...], states: list[Any]
    ) -> tuple[Any, list[Any]]:
        """data (T, B, C); input weights, recurrent weights, bias and, if there are any,
        peephole weights as MATLAB stacks them, first the forward direction's rows; states
        (directions, B, H). Returns (T, B, directions*H) and the last states.
        """

    def recur(
        self,
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
        steps = self.align(x, "TBC")
        packed = [self._pack_state(how, state, steps) for state in states]
        parts = (input_weights, recurrent_weights, bias, *([peephole] if peephole else []))
        weights = tuple(part.data for part in parts)
        data, last = self._recur(how, steps.data, weights, packed)
        finals = [self._unpack_state(how, state) for state in last]
        return Value(data, "TBC"), finals[0], finals

    def _pack_state(self, how: Recurrence, state: Value, steps: Value) -> Any:
        state = self.expand(state, "BC", Value(steps.data, "TB-"))
        batch, channels = self.sizes(state)
        units = channels // how.directions
        split = self.reshape(state, (batch, how.directions, units), "BDC")
        return self.align(split, "DBC").data

    def _unpack_state(self, how: Recurrence, state: Any) -> Value:
        return self.merge(Value(state, "DBC"), "DC", "C")

    @abstractmethod
    def _attend(
        self,
        query: Any,
        key: Any,
        value: Any,
        scale: float,
        causal: bool,
        mask: Any | None,
        want_scores: bool,
    ) -> tuple[Any, Any]:
        """query (N, heads, T, d), key and value alike; mask (N, 1, 1, T) is 1 or 0.

        Returns the result (N, heads, T, d) and, if wanted, the scores (N, heads, T, T).
        """

    def attend(
        self,
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
        channels = self.size(query, "C") // heads
        data = [self._heads(x, over, heads) for x in (query, key, value)]
        keep = None if mask is None else self._key_mask(mask, over)
        factor = channels**-0.5 if scale is None else scale
        out, scores = self._attend(data[0], data[1], data[2], factor, causal, keep, want_scores)
        rest = without(query.dims, "C" + over)
        result = self.merge(Value(out, rest + "H" + over + "C"), "HC", "C")
        return result, Value(scores, rest + "HQK") if want_scores else None

    def _heads(self, x: Value, over: str, heads: int) -> Any:
        x = self.align(x, without(x.dims, over + "C") + over + "C")
        *outer, channels = self.sizes(x)
        split = self.reshape(x, (*outer, heads, channels // heads), x.dims[:-1] + "HC")
        return self.align(split, without(x.dims, over + "C") + "H" + over + "C").data

    def _key_mask(self, mask: Value, over: str) -> Any:
        kept = self.drop(mask, "C") if "C" in mask.dims else mask
        return self.align(kept, "BHQ" + over).data
