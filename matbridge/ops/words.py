"""The words that a card speaks, in one table, over a backend that is held."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from matbridge.ops import arithmetic, layout, operators, plain, regularization, sequences, windows
from matbridge.ops.backend import ArrayBackend, Backend
from matbridge.ops.layout import Value

__all__ = ["WORDS", "ArrayOps", "Ops", "Speaker"]

P = ParamSpec("P")
R = TypeVar("R")


class Speaker(Protocol):
    """How words are spoken where not as they stand, such as with care for padding."""

    def __call__(self, word: Callable[..., Any], *arguments: object, **options: object) -> Any: ...


# Any: a word is typed by its other arguments, whichever kind of backend it takes.
def _word(function: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """A function of a backend as a method of what holds one."""

    def spoken(ops: Any, /, *arguments: P.args, **options: P.kwargs) -> R:
        if ops.speaker is None:
            return function(ops.backend, *arguments, **options)
        result: R = ops.speaker(function, *arguments, **options)
        return result

    functools.update_wrapper(spoken, function)
    return spoken


class ArrayOps:
    """The words of layout and arithmetic, spoken over one backend.

    Each is a function of a backend, in the file of its kind, and passes through the
    speaker if there is one; what is made of words alone is a method.
    """

    def __init__(self, backend: ArrayBackend, speaker: Speaker | None = None) -> None:
        self.backend = backend
        self.speaker = speaker

    @property
    def training(self) -> bool:
        """True while training: dropout drops, batch normalization uses the mini-batch."""
        return self.backend.training

    sizes = _word(layout.sizes)
    size = _word(layout.size)
    spatial = _word(layout.spatial)
    constant = _word(layout.constant)
    align = _word(layout.align)
    reshape = _word(layout.reshape)
    drop = _word(layout.drop)
    rename = _word(layout.rename)
    expand = _word(layout.expand)
    merge = _word(layout.merge)
    split = _word(layout.split)
    flatten = _word(layout.flatten)
    slice = _word(layout.slice)
    pick = _word(layout.pick)
    take = _word(layout.take)
    concatenate = _word(layout.concatenate)
    flip = _word(layout.flip)

    map = _word(arithmetic.map)
    binary = _word(arithmetic.binary)
    add = _word(arithmetic.add)
    subtract = _word(arithmetic.subtract)
    multiply = _word(arithmetic.multiply)
    divide = _word(arithmetic.divide)
    power = _word(arithmetic.power)
    maximum = _word(arithmetic.maximum)
    minimum = _word(arithmetic.minimum)
    complex = _word(arithmetic.complex)
    reduce = _word(arithmetic.reduce)
    positions = _word(arithmetic.positions)
    lookup = _word(arithmetic.lookup)
    softmax = _word(arithmetic.softmax)
    transpose = _word(arithmetic.transpose)
    matmul = _word(arithmetic.matmul)
    affine = _word(arithmetic.affine)
    fully_connect = _word(arithmetic.fully_connect)

    def standardize(self, x: Value, over: str, epsilon: float) -> Value:
        """(x - mean) / sqrt(variance + epsilon), the variance biased, over these labels."""
        centred = self.subtract(x, self.reduce("mean", x, over, keep=True))
        variance = self.reduce("mean", self.multiply(centred, centred), over, keep=True)
        return self.divide(centred, self.map("sqrt", self.add(variance, epsilon)))


class Ops(ArrayOps):
    """Every word that a card speaks."""

    def __init__(self, backend: Backend, speaker: Speaker | None = None) -> None:
        super().__init__(backend, speaker)

    pad = _word(windows.pad)
    convolve = _word(windows.convolve)
    transposed_convolve = _word(windows.transposed_convolve)
    max_pool = _word(windows.max_pool)
    max_pool_places = _word(windows.max_pool_places)
    unpool = _word(windows.unpool)
    average_pool = _word(windows.average_pool)
    region_means = _word(windows.region_means)
    resize = _word(windows.resize)

    recur = _word(sequences.recur)
    loop = _word(sequences.loop)
    attend = _word(sequences.attend)

    operate = _word(operators.operate)

    plain = _word(plain.plain)

    dropout = _word(regularization.dropout)
    noise = _word(regularization.noise)


WORDS: tuple[str, ...] = tuple(
    name
    for words in (ArrayOps, Ops)
    for name, member in vars(words).items()
    if callable(member) and not name.startswith("_")
)
