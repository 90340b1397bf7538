"""Sequences of unequal lengths in one batch, each computed as if it were alone.

The sequences stand side by side, padded at the end. Every word has a rule here that says how
it is spoken over them: as it stands, because padding stays beside the data where it does no
harm; in a form that never lets padding in; or not at all. A word without a rule is not
spoken: UnpaddableError is raised, and the caller runs the sequences by groups of equal length
instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor

from matbridge.core.card import Layer
from matbridge.core.dims import window_span, without
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.layers import CARDS
from matbridge.ops import Ops, Recurrence, Value, arithmetic, layout, windows
from matbridge.torch.backend import TorchBackend
from matbridge.torch.recurrence import rows

__all__ = ["RULES", "UnpaddableError", "may_be_ragged", "padded_ops"]

Word = Callable[..., object]


class UnpaddableError(Exception):
    """Padding would change the result here."""


def may_be_ragged(network: Network) -> bool:
    """Whether every layer speaks in words of ops alone, and no state leaves one."""
    return all(
        type(layer) in CARDS and layer.in_words and not _tells_states(layer)
        for layer in network.layers
    )


def _tells_states(layer: Layer) -> bool:
    """Whether its states are outputs, of which only the hidden one is known here."""
    return len(layer.outputs) > 1 and any(array.role == "state" for array in layer.declared)


def padded_ops(backend: TorchBackend, lengths: Sequence[int]) -> Ops:
    """The words over sequences of these lengths, padded at the end to the longest."""
    return Ops(backend, Padded(backend, lengths))


class Steps(int):
    """The number of steps of a padded batch: handed on, but never computed with."""

    def _refuse(self, *_: object) -> NoReturn:
        raise UnpaddableError

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _refuse
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse
    __pow__ = __rpow__ = __float__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse


class Padded:
    """Speaks each word by its rule."""

    def __init__(self, backend: TorchBackend, lengths: Sequence[int]) -> None:
        self.backend = backend
        self.lengths = torch.tensor(lengths, device=backend.device)
        self.shortest, self.longest = min(lengths), max(lengths)

    def __call__(self, word: Word, *arguments: object, **options: object) -> object:
        rule = RULES.get(word.__name__)
        if rule is None:
            raise UnpaddableError
        return rule(self, word, *arguments, **options)

    def speak(self, word: Word, *arguments: object, **options: object) -> Any:
        """The word as it stands."""
        return word(self.backend, *arguments, **options)

    def pads(self, x: Value) -> bool:
        """Whether ``x`` runs along padded time; UnpaddableError if its time is another."""
        if "T" not in x.dims:
            return False
        steps = x.data.shape[x.dims.index("T")]
        if steps not in (1, self.longest):
            raise UnpaddableError
        return steps == self.longest

    def inside(self) -> Value:
        """True where there are data, as B×T."""
        steps = torch.arange(self.longest, device=self.backend.device)
        return Value(steps < self.lengths[:, None], "BT")

    def masked(self, x: Value, fill: float) -> Value:
        """``x`` with this number in place of its padding."""
        x = x if "B" in x.dims else layout.align(self.backend, x, x.dims + "B")
        inside = layout.align(self.backend, self.inside(), x.dims).data
        return Value(torch.where(inside, x.data, fill), x.dims)

    def at(self, x: Value, step: Tensor) -> Value:
        """The step of each observation with this number."""
        x = layout.align(self.backend, x, without(x.dims, "BT") + "BT")
        index = step.reshape(-1, 1).expand(*x.data.shape[:-1], 1)
        return Value(x.data.gather(-1, index)[..., 0], x.dims[:-1])

    def turned(self, x: Value) -> Value:
        """Each sequence of a value TBC turned round in time, its padding left at the end."""
        steps = torch.arange(self.longest, device=self.backend.device)[:, None]
        index = torch.where(steps < self.lengths, self.lengths - 1 - steps, steps)
        return Value(x.data.gather(0, index[:, :, None].expand_as(x.data)), x.dims)


# -- rules ---------------------------------------------------------------------------------


def _beside(padded: Padded, word: Word, *arguments: object, **options: object) -> Any:
    """Never mixes steps: padding stays where it is."""
    for x in arguments:
        if isinstance(x, Value):
            padded.pads(x)
        elif isinstance(x, Steps):
            raise UnpaddableError
    return padded.speak(word, *arguments, **options)


def _size(padded: Padded, word: Word, x: Value, label: str) -> object:
    size = padded.speak(word, x, label)
    return Steps(size) if label == "T" and padded.pads(x) else size


def _sizes(padded: Padded, word: Word, x: Value) -> tuple[object, ...]:
    sizes = zip(x.dims, padded.speak(word, x), strict=True)
    return tuple(Steps(n) if label == "T" and padded.pads(x) else n for label, n in sizes)


def _spatial(padded: Padded, word: Word, x: Value, labels: str = "S") -> object:
    return _none_of(padded, word, "T" in labels and padded.pads(x), x, labels)


def _constant(padded: Padded, word: Word, array: object, dims: str) -> Value:
    return _none_of(padded, word, "T" in dims, array, dims)


def _none_of(
    padded: Padded, word: Word, touched: bool, *arguments: object, **options: object
) -> Any:
    """As it stands, unless it touches time or the observations."""
    if touched:
        raise UnpaddableError
    return _beside(padded, word, *arguments, **options)


def _reshape(padded: Padded, word: Word, x: Value, sizes: Sequence[object], dims: str) -> Value:
    """Time and observations must stand before or after what is reshaped."""
    old, new = list(zip(x.dims, x.data.shape, strict=True)), list(zip(dims, sizes, strict=True))
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    touched = any(label in "BT" for label, _ in (*old, *new))
    return _none_of(padded, word, touched, x, sizes, dims)


def _drop(padded: Padded, word: Word, x: Value, labels: str) -> Value:
    """A dimension of size 1 holds no padding; observations stay."""
    return _none_of(padded, word, "B" in labels, x, labels)


def _rename(padded: Padded, word: Word, x: Value, dims: str) -> Value:
    """Time and observations keep their names, and no other dimension of data takes them."""
    if "B" in x.dims or "T" in x.dims:
        moved = any(x.dims.find(label) != dims.find(label) for label in "BT")
        return _none_of(padded, word, moved, x, dims)
    return _beside(padded, word, x, dims)


def _merge(padded: Padded, word: Word, x: Value, labels: str, into: str) -> Value:
    return _none_of(padded, word, bool(set("BT") & set(labels + into)), x, labels, into)


def _split(
    padded: Padded, word: Word, x: Value, label: str, sizes: Sequence[object], dims: str
) -> Value:
    return _none_of(padded, word, bool(set("BT") & set(label + dims)), x, label, sizes, dims)


def _slice(
    padded: Padded,
    word: Word,
    x: Value,
    label: str,
    start: object,
    stop: object = None,
    step: int = 1,
) -> Value:
    first = start == 0 and stop == 1
    touched = label == "B" or (label == "T" and padded.pads(x) and not first)
    end = int(stop) if isinstance(stop, Steps) else stop
    return _none_of(padded, word, touched, x, label, start, end, step)


def _pick(padded: Padded, word: Word, x: Value, label: str, index: int) -> Value:
    if label != "T" or not padded.pads(x):
        return _none_of(padded, word, label == "B", x, label, index)
    if not -1 <= index < padded.shortest:
        raise MismatchError(f"a sequence of {padded.shortest} steps has no step {index + 1}")
    last = padded.lengths - 1
    return padded.at(x, last if index == -1 else torch.full_like(last, index))


def _concatenate(padded: Padded, word: Word, values: Sequence[Value], label: str) -> Value:
    for value in values:
        padded.pads(value)
    return _none_of(padded, word, label in "BT", values, label)


def _flip(padded: Padded, word: Word, x: Value, label: str) -> Value:
    return _none_of(padded, word, label in "BT", x, label)


def _take(padded: Padded, word: Word, x: Value, label: str, places: Sequence[int]) -> Value:
    return _none_of(padded, word, label in "BT", x, label, places)


def _lookup(padded: Padded, word: Word, table: Value, x: Value, words: int, strict: bool) -> Value:
    # Padding is no word, and must not be taken for an unknown one.
    x = padded.masked(x, 1.0) if strict and padded.pads(x) else x
    return _beside(padded, word, table, x, words, strict)


def _reduce(
    padded: Padded, word: Word, name: str, x: Value, over: str, keep: bool = False
) -> Value:
    if "B" in over and "B" in x.dims:
        raise UnpaddableError
    if "T" not in over or not padded.pads(x):
        return padded.speak(word, name, x, over, keep)
    fill = {"max": -torch.inf, "min": torch.inf}.get(name, 0.0)
    y = padded.speak(word, name, padded.masked(x, fill), over, keep)
    if name != "mean":
        return y
    share = Value(padded.longest / padded.lengths.to(x.data.dtype), "B")
    return arithmetic.multiply(padded.backend, y, share)


def _softmax(padded: Padded, word: Word, x: Value, over: str = "C") -> Value:
    return _none_of(padded, word, over in "BT", x, over)


def _over_space(padded: Padded, word: Word, x: Value, *arguments: Any, **options: Any) -> object:
    """Windows over space leave time alone; those over time do not."""
    over = options.get("over") or arguments[0]
    return _none_of(padded, word, "T" in over, x, *arguments, **options)


def _convolve(
    padded: Padded, word: Word, x: Value, weights: Value, bias: Value, **how: Any
) -> Value:
    if "T" not in how["over"] or not padded.pads(x):
        return _beside(padded, word, x, weights, bias, **how)
    # The last dimension; zeros beyond the end are what padding means.
    window = layout.spatial(padded.backend, weights)
    steps = (how["padding"], window, how["stride"], how["dilation"])
    *_, ends = windows.padding_for(padded.backend, x, how["over"], *steps)
    span = window_span(window[-1], how["dilation"][-1])
    kept = how["stride"][-1] == 1 and sum(ends) == span - 1
    touched = not kept or how.get("padding_value", 0.0) != 0.0
    return _none_of(padded, word, touched, padded.masked(x, 0.0), weights, bias, **how)


def _recur(
    padded: Padded,
    word: Word,
    how: Recurrence,
    x: Value,
    *parts: Value,
    peephole: Value | None = None,
) -> tuple[Value, Value, list[Value]]:
    """Each direction alone, the last hidden state taken where each sequence ends.

    The last cell state is not told: nobody asks for it here.
    """
    if not padded.pads(x):
        return padded.speak(word, how, x, *parts, peephole=peephole)
    x = layout.align(padded.backend, x, "TBC")
    ends = []
    for i in range(how.directions):
        own = [_part(padded, part, i, how.directions) for part in parts]
        eye = None if peephole is None else _part(padded, peephole, i, how.directions)
        data = padded.turned(x) if i else x
        y, _, _ = padded.speak(word, how.one_way(), data, *own, peephole=eye)
        ends.append((padded.turned(y) if i else y, padded.at(y, padded.lengths - 1)))
    whole, last = (
        layout.concatenate(padded.backend, side, "C") for side in zip(*ends, strict=True)
    )
    return whole, last, [last] * (len(parts) - 3)


def _part(padded: Padded, x: Value, i: int, directions: int) -> Value:
    """The rows of weights, or the channels of a state, of one direction."""
    if directions == 1:
        return x
    if "C" in x.dims:
        units = layout.size(padded.backend, x, "C") // directions
        return layout.slice(padded.backend, x, "C", i * units, (i + 1) * units)
    return Value(padded.backend.calls.fold(rows, x.data, i, directions), x.dims)


def _attend(
    padded: Padded, word: Word, query: Value, key: Value, value: Value, **options: Any
) -> object:
    """Padding is no key; scores have the number of steps for a size."""
    if options["over"] == "T" and padded.pads(key):
        if options.get("want_scores"):
            raise UnpaddableError
        known = Value(padded.inside().data.to(padded.backend.dtype), "BT")
        given = options.get("mask")
        mask = known if given is None else arithmetic.multiply(padded.backend, given, known)
        options = {**options, "mask": mask}
    return _beside(padded, word, query, key, value, **options)


# The allow-list: how each word is spoken over padded sequences.
RULES: dict[str, Callable[..., object]] = {
    **dict.fromkeys(("align", "expand", "flatten", "transpose", "matmul", "affine"), _beside),
    **dict.fromkeys(("map", "binary", "add", "subtract", "multiply", "divide", "power"), _beside),
    **dict.fromkeys(("maximum", "minimum", "complex", "positions", "fully_connect"), _beside),
    **dict.fromkeys(("max_pool_places", "unpool", "region_means", "dropout", "noise"), _beside),
    **dict.fromkeys(("pad", "transposed_convolve", "max_pool", "average_pool"), _over_space),
    "resize": _over_space,
    "sizes": _sizes,
    "size": _size,
    "spatial": _spatial,
    "constant": _constant,
    "reshape": _reshape,
    "drop": _drop,
    "rename": _rename,
    "merge": _merge,
    "split": _split,
    "slice": _slice,
    "pick": _pick,
    "concatenate": _concatenate,
    "flip": _flip,
    "take": _take,
    "lookup": _lookup,
    "reduce": _reduce,
    "softmax": _softmax,
    "convolve": _convolve,
    "recur": _recur,
    "attend": _attend,
}
