"""Arrays that expand to the data as MATLAB's do: dimension by dimension, by position."""

from __future__ import annotations

import math
from typing import ClassVar

from matbridge.core.card import Array, Layer
from matbridge.core.dims import Size
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered

__all__ = ["Expanding", "by_position"]


def by_position(name: str, role: str = "constant") -> Array:
    """An array that meets the data dimension by dimension, whatever these are called."""
    return Array(name, ("Statistic",), "US", role)


class Expanding(Layer):
    """Arrays expand to the data as MATLAB's do, dimension by dimension: a scalar, H×W,
    1×1×C, H×W×C; C×1 on data without spatial dimensions. What would enlarge the data is
    refused."""

    # Whether one value per channel may lie along any dimension where there is no S.
    ANY_DIMENSION: ClassVar[bool] = False

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the arrays that count."""
        return tuple(array.name for array in self.ARRAYS)

    def uninitialised(self) -> tuple[str, ...]:
        return tuple(name for name in self.used if name not in self.arrays)

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        for name in self.used:
            shape = self.arrays[name].shape
            labels, sizes = self.placed(name, shape, x.format)
            there = dict(zip(numbered(x.format), x.sizes, strict=True))
            for n, label in zip(sizes, labels, strict=True):
                if n not in (1, there[label]) and there[label] is not None:
                    listed = "×".join(map(str, shape))
                    self.refuse(f"has {name} of size {listed}, but its input is {x}")
        return x

    def placed(self, name: str, shape: tuple[int, ...], format: str) -> tuple[str, tuple[int, ...]]:
        """The labels and sizes of an array of this shape beside data of this format."""
        if self.ANY_DIMENSION and "S" not in format and sum(n != 1 for n in shape) <= 1:
            return "C", (math.prod(shape),)
        # Batch and time stand behind the channels; no array reaches so far.
        labels = numbered(format[: format.index("C") + 1])
        extra = shape[len(labels) :]
        if math.prod(extra) != 1:
            listed = "×".join(map(str, shape))
            self.refuse(f"has {name} of size {listed}, but its input has the format {format}")
        return labels[: len(shape)], shape[: len(labels)]

    def beside(self, ops: Ops, p: Parameters, name: str, x: Value) -> Value:
        """The array under the numbered labels of the data."""
        spatial = "S" * sum(label in "123" for label in x.dims)
        array = p[name]
        labels, sizes = self.placed(name, ops.sizes(array), spatial + "C")
        return ops.reshape(array, sizes, labels)
