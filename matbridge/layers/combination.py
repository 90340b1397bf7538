"""Layers with several inputs, in1, in2, ..."""

from __future__ import annotations

import functools

import numpy as np

from matbridge.core.card import RECORDED, Layer, learnable, prop
from matbridge.core.dims import LABELS, Size, canonical, union
from matbridge.core.kinds import count, positive
from matbridge.ops import Ops, Parameters, Value
from matbridge.ops.layout import numbered

__all__ = [
    "Addition",
    "Concatenation",
    "DepthConcatenation",
    "Multiplication",
    "WeightedAddition",
]


class Combination(Layer):
    """What layers with NumInputs inputs share; the order is that of the ports."""

    num_inputs: int = prop("NumInputs", count, arg=1, default=2)

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(f"in{i}" for i in range(1, self.num_inputs + 1))

    def infer(self, *inputs: Size) -> Size:
        """The size after singleton expansion, or LayerError.

        Missing dimensions are inserted as singletons at the end of each block of equal
        labels. Source: the documentation of multiplicationLayer.
        """
        format = canonical(functools.reduce(union, (x.format for x in inputs)))
        sizes: list[int | None] = []
        for place, label in enumerate(numbered(format)):
            extents = {_at(x, label) for x in inputs} - {1}
            known = extents - {None}
            if len(known) > 1 and format[place] not in "BT":
                self.refuse(f"cannot combine {' and '.join(map(str, inputs))}")
            # A number meets ones and open sizes; an open one meets ones and stays open.
            sizes.append(known.pop() if known else None if extents else 1)
        return Size(format, tuple(sizes))


def _at(x: Size, label: str) -> int | None:
    labels = numbered(x.format)
    return x.sizes[labels.index(label)] if label in labels else 1


class Addition(Combination):
    """additionLayer: in1 + in2 + ..., with singleton expansion."""

    MATLAB = ("nnet.cnn.layer.AdditionLayer",)
    BUILDER = "additionLayer"
    NICKNAME = "addition"
    SINCE = "R2017b"
    EVIDENCE = RECORDED

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return functools.reduce(ops.add, inputs)


class Multiplication(Combination):
    """multiplicationLayer: in1·in2·..., element by element, with singleton expansion."""

    MATLAB = ("nnet.cnn.layer.MultiplicationLayer",)
    BUILDER = "multiplicationLayer"
    NICKNAME = "multiplication"
    SINCE = "R2020b"

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return functools.reduce(ops.multiply, inputs)


class WeightedAddition(Combination):
    """weightedAdditionLayer, a custom layer of MATLAB's documentation:
    Weights(1)·in1 + Weights(2)·in2 + ..., Weights with one number for each input."""

    MATLAB = ("weightedAdditionLayer",)
    BUILDER = "weightedAdditionLayer"
    NICKNAME = "weighted-add"
    SINCE = "R2018b"
    ARRAYS = (learnable("Weights", "NumInputs", dims="K"),)

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """Custom layers inherit NumInputs, which may be saved under another name or not at all."""
        weights = saved.get("Weights")
        if isinstance(weights, np.ndarray):
            saved["Weights"] = weights.reshape(-1, 1)
            saved.setdefault("NumInputs", weights.size)
        return saved

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        weighted = [ops.multiply(x, ops.pick(p["Weights"], "K", i)) for i, x in enumerate(inputs)]
        return functools.reduce(ops.add, weighted)


class DepthConcatenation(Combination):
    """depthConcatenationLayer: the channels of in1, then in2, ..."""

    MATLAB = ("nnet.cnn.layer.DepthConcatenationLayer",)
    BUILDER = "depthConcatenationLayer"
    NICKNAME = "depthcat"
    SINCE = "R2017b"
    EVIDENCE = RECORDED

    def label(self, format: str) -> str:
        """The dimension along which the inputs are put together."""
        return "C"

    def infer(self, *inputs: Size) -> Size:
        first = max(inputs, key=lambda x: len(x.format))
        label = self.label(first.format)
        place = numbered(first.format).index(label)
        aligned = [_grown(x, first.format) for x in inputs]
        for other in aligned:
            pairs = zip(first.format, first.sizes, other, strict=True)
            for i, (name, a, b) in enumerate(pairs):
                if i != place and name not in "BT" and None not in (a, b) and a != b:
                    self.refuse(f"cannot join {' and '.join(map(str, inputs))} along {label}")
        along = [sizes[place] for sizes in aligned]
        total = sum(n or 0 for n in along) if None not in along else None
        return first.with_extent(place, total)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        longest = max((x.dims for x in inputs), key=len)
        return ops.concatenate(inputs, self.label(canonical(longest)))


def _grown(x: Size, format: str) -> tuple[int | None, ...]:
    return tuple(_at(x, label) for label in numbered(format))


class Concatenation(DepthConcatenation):
    """concatenationLayer: along Dim, counted as MATLAB stores the array.

    For images 1 is the height, 2 the width, 3 the channels; for CB and CBT 1 is C.
    """

    MATLAB = ("nnet.cnn.layer.ConcatenationLayer",)
    BUILDER = "concatenationLayer"
    NICKNAME = "concat"
    SINCE = "R2019a"

    dim: int = prop("Dim", positive, arg=1)
    num_inputs: int = prop("NumInputs", count, arg=2, default=2)

    def label(self, format: str) -> str:
        labels = numbered(format)
        if self.dim > len(labels):
            self.refuse(f"joins along dimension {self.dim}, but its input has the format {format}")
        label = labels[self.dim - 1]
        if label not in "C123T":
            names = dict(zip(LABELS, ("spatial", "channel", "batch", "time", ""), strict=True))
            self.refuse(f"cannot join along the {names[label]} dimension of {format}")
        return label
