"""Sequences of unequal lengths in one batch, each computed as if it were alone.

The sequences stand side by side, padded at the end. Every word that does not act along time
leaves padding beside the data, where it does no harm; those that do act along time are
here, in a form that never lets padding in. A word that cannot do so raises UnpaddableError, and
the caller runs the sequences by groups of equal length instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from matbridge.core.dims import window_span, without
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.layers import CARDS
from matbridge.ops import Recurrence, Value
from matbridge.torch.prepared import Prepared
from matbridge.torch.recurrence import rows

__all__ = ["Ragged", "UnpaddableError", "may_be_ragged"]


class UnpaddableError(Exception):
    """Padding would change the result here."""


def may_be_ragged(network: Network) -> bool:
    """Whether every layer speaks in words of ops alone, and no state leaves one."""
    return all(
        type(layer) in CARDS
        and getattr(layer, "function", None) is None
        and not getattr(layer, "has_state_outputs", False)
        for layer in network.layers
    )


class Ragged(Prepared):
    """Operations on sequences of these lengths, padded at the end.

    Weights made ready by ``base`` are used again.
    """

    def __init__(self, base: Prepared, lengths: Sequence[int]) -> None:
        super().__init__(base.dtype, base.device)
        self.constants, self.kept = base.constants, base.kept
        self.lengths = torch.tensor(lengths, device=base.device)
        self.shortest = min(lengths)

    def inside(self, steps: int) -> Value:
        """True where there are data, as B×T."""
        return Value(torch.arange(steps, device=self.device) < self.lengths[:, None], "BT")

    def masked(self, x: Value, fill: float) -> Value:
        """``x`` with this number in place of its padding."""
        inside = self.align(self.inside(self.size(x, "T")), x.dims).data
        return Value(torch.where(inside, x.data, fill), x.dims)

    def rename(self, x: Value, dims: str) -> Value:
        if "T" in x.dims and (
            x.dims.index("T") != dims.find("T") or x.dims.find("B") != dims.find("B")
        ):
            raise UnpaddableError
        return super().rename(x, dims)

    def native(self, **ways: Any) -> Any:
        raise UnpaddableError

    # -- parts of a sequence ---------------------------------------------------------------

    def slice(self, x: Value, label: str, start: Any, stop: Any = None, step: int = 1) -> Value:
        if label == "T" and not (start == 0 and stop == 1):
            raise UnpaddableError
        return super().slice(x, label, start, stop, step)

    def pick(self, x: Value, label: str, index: int) -> Value:
        if label != "T":
            return super().pick(x, label, index)
        if index >= self.shortest:
            raise MismatchError(f"a sequence of {self.shortest} steps has no step {index + 1}")
        return self._at(
            x, self.lengths - 1 if index == -1 else torch.full_like(self.lengths, index)
        )

    def _at(self, x: Value, step: Tensor) -> Value:
        """The step of each observation with this number."""
        x = self.align(x, without(x.dims, "BT") + "BT")
        index = step.reshape(-1, 1).expand(*x.data.shape[:-1], 1)
        return Value(x.data.gather(-1, index)[..., 0], x.dims[:-1])

    def concatenate(self, values: Sequence[Value], label: str) -> Value:
        if label == "T":
            raise UnpaddableError
        return super().concatenate(values, label)

    def flip(self, x: Value, label: str) -> Value:
        if label == "T":
            raise UnpaddableError
        return super().flip(x, label)

    def lookup(self, table: Value, x: Value, words: int, strict: bool) -> Value:
        # Padding is no word, and must not be taken for an unknown one.
        x = self.masked(x, 1.0) if strict and "T" in x.dims else x
        return super().lookup(table, x, words, strict)

    # -- over time ---------------------------------------------------------------------------

    def reduce(self, name: str, x: Value, over: str, keep: bool = False) -> Value:
        if "T" not in over or "T" not in x.dims:
            return super().reduce(name, x, over, keep)
        if "B" in over:
            raise UnpaddableError
        fill = {"max": -torch.inf, "min": torch.inf}.get(name, 0.0)
        masked = self.masked(x, fill)
        if name != "mean":
            return super().reduce(name, masked, over, keep)
        steps = self.size(x, "T")
        mean = super().reduce("mean", masked, over, keep)
        share = Value(steps / self.lengths.to(x.data.dtype), "B")
        return self.multiply(mean, share)

    def softmax(self, x: Value, over: str = "C") -> Value:
        if over == "T":
            raise UnpaddableError
        return super().softmax(x, over)

    def convolve(self, x: Value, weights: Value, bias: Value, **options: Any) -> Value:
        over: str = options["over"]
        if "T" in over:
            # The last dimension; zeros beyond the end are what padding means.
            windows, strides, dilations = (
                self.spatial(weights),
                options["stride"],
                options["dilation"],
            )
            *_, ends = self.padding_for(x, over, options["padding"], windows, strides, dilations)
            kept = strides[-1] == 1 and sum(ends) == window_span(windows[-1], dilations[-1]) - 1
            if not kept or options.get("padding_value", 0.0) != 0.0:
                raise UnpaddableError
            x = self.masked(x, 0.0)
        return super().convolve(x, weights, bias, **options)

    def transposed_convolve(self, x: Value, weights: Value, bias: Value, **options: Any) -> Value:
        self._only_space(options["over"])
        return super().transposed_convolve(x, weights, bias, **options)

    def max_pool(self, x: Value, **options: Any) -> Value:
        self._only_space(options["over"])
        return super().max_pool(x, **options)

    def average_pool(self, x: Value, **options: Any) -> Value:
        self._only_space(options["over"])
        return super().average_pool(x, **options)

    def _only_space(self, over: str) -> None:
        if "T" in over:
            raise UnpaddableError

    # -- recurrence and attention ----------------------------------------------------------------

    def _recur(
        self, how: Recurrence, data: Tensor, weights: tuple[Tensor, ...], states: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """As without padding. The last cell state is not told: nobody asks for it here."""
        if len(data) == 1:
            return super()._recur(how, data, weights, states)
        alone, observations = how.one_way(), torch.arange(data.shape[1], device=data.device)
        sequences, lasts = [], []
        for i in range(how.directions):
            part = tuple(self._call(rows, one, i, how.directions) for one in weights)
            x = self._turned(data) if i else data
            y, _ = super()._recur(alone, x, part, [state[i : i + 1] for state in states])
            lasts.append(y[self.lengths - 1, observations])
            sequences.append(self._turned(y) if i else y)
        last = torch.stack(lasts)
        return torch.cat(sequences, -1), [last] * len(states)

    def _turned(self, data: Tensor) -> Tensor:
        """Each sequence of (T, B, C) turned round in time, its padding left at the end."""
        steps = torch.arange(data.shape[0], device=data.device)[:, None]
        index = torch.where(steps < self.lengths, self.lengths - 1 - steps, steps)
        return data.gather(0, index[:, :, None].expand_as(data))

    def attend(self, query: Value, key: Value, value: Value, **options: Any) -> Any:
        if options["over"] == "T":
            inside = self.inside(self.size(key, "T"))
            known = Value(inside.data.to(self.dtype), "BT")
            given = options.get("mask")
            options["mask"] = known if given is None else self.multiply(given, known)
        return super().attend(query, key, value, **options)
