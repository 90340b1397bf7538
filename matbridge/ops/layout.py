"""Values and their labels: the only place where a value's dimensions change order."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matbridge.core.dims import missing, permutation, without
from matbridge.errors import MismatchError

__all__ = ["Layout", "Value"]


@dataclass(frozen=True)
class Value:
    """Data of a backend and the labels of its dimensions, in the order at hand."""

    data: Any
    dims: str


def numbered(dims: str) -> str:
    """The spatial labels told apart: ``numbered("BCSS") == "BC12"``."""
    count = 0
    named = ""
    for label in dims:
        count += label == "S"
        named += str(count) if label == "S" else label
    return named


def unnumbered(dims: str) -> str:
    """The inverse of :func:`numbered`."""
    return dims.translate(str.maketrans("123", "SSS"))


def column_major(dims: str) -> str:
    """The numbered spatial labels and C such that the last runs fastest: "C21"."""
    return "C" + "321"[3 - dims.count("S") :]


class Layout(ABC):
    """Alignment, reshaping, and what rides along as batch. Sizes may be symbolic."""

    @abstractmethod
    def sizes(self, x: Value) -> tuple[Any, ...]:
        """Sizes in the order at hand; whole numbers where they are known."""

    @abstractmethod
    def constant(self, array: Any, dims: str) -> Value:
        """A value that does not depend on the input."""

    @abstractmethod
    def _permute(self, data: Any, axes: tuple[int, ...]) -> Any: ...

    @abstractmethod
    def _reshape(self, data: Any, sizes: tuple[Any, ...]) -> Any: ...

    @abstractmethod
    def _expand(self, data: Any, sizes: tuple[Any, ...]) -> Any: ...

    @abstractmethod
    def _slice(self, data: Any, axis: int, start: Any, stop: Any, step: int) -> Any: ...

    @abstractmethod
    def _concatenate(self, data: Sequence[Any], axis: int) -> Any: ...

    @abstractmethod
    def _flip(self, data: Any, axis: int) -> Any: ...

    def size(self, x: Value, label: str) -> Any:
        """The size of the first dimension with this label."""
        return self.sizes(x)[x.dims.index(label)]

    def spatial(self, x: Value, labels: str = "S") -> tuple[Any, ...]:
        """The sizes of all dimensions with these labels, in the order at hand."""
        pairs = zip(x.dims, self.sizes(x), strict=True)
        return tuple(n for label, n in pairs if label in labels)

    def align(self, x: Value, dims: str) -> Value:
        """The same value with its dimensions in this order; new ones have size 1."""
        if x.dims == dims:
            return x
        new = missing(x.dims, dims)
        if new:
            x = Value(self._reshape(x.data, self.sizes(x) + (1,) * len(new)), x.dims + new)
        if len(x.dims) != len(dims):
            raise MismatchError(f"a value of format {x.dims} cannot be brought to {dims}")
        return Value(self._permute(x.data, permutation(x.dims, dims)), dims)

    def reshape(self, x: Value, sizes: Sequence[Any], dims: str) -> Value:
        """New sizes and labels over the same elements, the last dimension fastest."""
        return Value(self._reshape(x.data, tuple(sizes)), dims)

    def drop(self, x: Value, labels: str) -> Value:
        """Without these dimensions (every S for one "S"), which have size 1."""
        pairs = zip(x.dims, self.sizes(x), strict=True)
        kept = [(label, n) for label, n in pairs if label not in labels]
        return self.reshape(x, [n for _, n in kept], "".join(label for label, _ in kept))

    def rename(self, x: Value, dims: str) -> Value:
        """Other labels for the same dimensions."""
        return Value(x.data, dims)

    def expand(self, x: Value, dims: str, like: Value) -> Value:
        """``x`` aligned to ``dims`` and repeated to the sizes that ``like`` has."""
        x = self.align(x, dims)
        there = dict(zip(like.dims, self.sizes(like), strict=True))
        wanted = (there.get(label, n) for label, n in zip(dims, self.sizes(x), strict=True))
        return Value(self._expand(x.data, tuple(wanted)), dims)

    def merge(self, x: Value, labels: str, into: str) -> Value:
        """Merge these dimensions, the last named running fastest, into one at the end.

        Spatial dimensions are told apart as 1, 2, 3: ``merge(x, "C321", "C")`` is
        MATLAB's column-major order of H×W×D×C.
        """
        x = self.rename(x, numbered(x.dims))
        rest = without(x.dims, labels)
        x = self.align(x, rest + labels)
        outer, inner = self.sizes(x)[: len(rest)], self.sizes(x)[len(rest) :]
        return self.reshape(x, (*outer, math.prod(inner)), unnumbered(rest) + into)

    def split(self, x: Value, label: str, sizes: Sequence[Any], dims: str) -> Value:
        """One dimension as several, the last running fastest; they stand at the end."""
        x = self.align(x, without(x.dims, label) + label)
        return self.reshape(x, (*self.sizes(x)[:-1], *sizes), x.dims[:-1] + dims)

    def flatten(self, x: Value) -> Value:
        """All spatial dimensions and the channels as channels, in column-major order."""
        return self.merge(x, column_major(x.dims), "C") if "S" in x.dims else x

    def batched(self, x: Value, core: str) -> tuple[Any, Callable[[Any, str], Value]]:
        """Data with everything but ``core`` merged into one leading dimension.

        The second result turns data of the same kind back into a value, given its core.
        """
        rest = without(x.dims, core)
        x = self.align(x, rest + core)
        outer, inner = self.sizes(x)[: len(rest)], self.sizes(x)[len(rest) :]
        if len(rest) == 1:
            return x.data, lambda data, core: Value(data, rest + core)

        def restore(data: Any, core: str) -> Value:
            sizes = self.sizes(Value(data, "B" + core))[1:]
            return Value(self._reshape(data, (*outer, *sizes)), rest + core)

        return self._reshape(x.data, (math.prod(outer), *inner)), restore

    def slice(self, x: Value, label: str, start: Any, stop: Any = None, step: int = 1) -> Value:
        """Elements start (from 0) up to, not including, stop along one dimension.

        "1", "2", "3" name the spatial ones.
        """
        axis = numbered_axis(x.dims, label)
        return Value(self._slice(x.data, axis, start, stop, step), x.dims)

    def pick(self, x: Value, label: str, index: int) -> Value:
        """One element along a dimension, which goes; -1 is the last."""
        stop = None if index == -1 else index + 1
        return self.drop(self.slice(x, label, index, stop), label)

    def concatenate(self, values: Sequence[Value], label: str) -> Value:
        """Side by side along one dimension; "1", "2", "3" name the spatial ones."""
        dims = max((value.dims for value in values), key=len)
        data = [self.align(value, dims).data for value in values]
        return Value(self._concatenate(data, numbered_axis(dims, label)), dims)

    def flip(self, x: Value, label: str) -> Value:
        """Turned round along one dimension."""
        return Value(self._flip(x.data, x.dims.index(label)), x.dims)


def numbered_axis(dims: str, label: str) -> int:
    """The axis of a label, or of a spatial dimension told apart as 1, 2, 3."""
    return (numbered(dims) if label in ("1", "2", "3") else dims).index(label)
