"""Weight and net input functions of shallow networks: from what a layer reads to its net input.

A weight function makes z of the weights and what is weighted, an input or the output of a
layer, delayed or not; a net input function makes n of all z of a layer and its bias. MATLAB's
weights W are S×R, its biases b S×1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar

from matbridge.core.card import DOCUMENTATION, EQUATION, RECORDED, Array, Layer, learnable, prop
from matbridge.core.dims import Size, without
from matbridge.core.kinds import count, logical
from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "NET_INPUT",
    "WEIGHTING",
    "BoxDist",
    "ConvWF",
    "Dist",
    "DotProd",
    "ManDist",
    "NegDist",
    "NetInputFunction",
    "NetProd",
    "NetSum",
    "NormProd",
    "ScalProd",
    "WeightFunction",
    "multiplied",
]


def multiplied(ops: Ops, weights: Value, x: Value) -> Value:
    """W·x for weights (OI), and nothing added: in double precision to the last bit what MATLAB's
    product of the two gives, which affine, with another order of the weights, does not."""
    x = ops.align(x, without(x.dims, "C") + "C")
    return ops.matmul(x, ops.align(weights, "IO"))


class WeightFunction(Layer):
    """z of the weights W and what is weighted."""

    SINCE = "before R2006a"
    EVIDENCE = DOCUMENTATION
    ARRAYS = (learnable("W", "S", "R", dims="OI", empty=True),)

    @classmethod
    def rows(cls, weights: tuple[int, ...], given: int | None) -> int | None:
        """How many rows z has for weights of this size and so many rows that are weighted."""
        return weights[0]

    @classmethod
    def wanted(cls, weights: tuple[int, ...]) -> int | None:
        """How many rows weights of this size multiply; None for any number."""
        return weights[1]

    @classmethod
    def weigh(cls, ops: Ops, weights: Value, x: Value) -> Value:
        """z of the weights (OI) and x, whose channels are the rows that are weighted."""
        raise NotImplementedError

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        weights = self.arrays["W"].shape
        self.expect(x["C"], self.wanted(weights), "rows", x)
        return x.put(C=self.rows(weights, x["C"]))

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return self.weigh(ops, p["W"], x)


class DotProd(WeightFunction, function="dotprod"):
    """dotprod: W·p."""

    EVIDENCE = RECORDED

    @classmethod
    def weigh(cls, ops: Ops, weights: Value, x: Value) -> Value:
        return multiplied(ops, weights, x)


# In so many blocks the rows of p are gone through, at most: all at once, the differences of many
# samples to many neurons would fill any memory.
BLOCKS = 64


def _over_rows(
    ops: Ops,
    weights: Value,
    x: Value,
    measure: Callable[[Ops, Value], Value],
    reduction: str,
    word: str,
) -> Value:
    """The sum or maximum over the rows of p of a measure of p - w, for each row w of the weights;
    ``word`` puts that of two blocks together."""
    rows = ops.size(weights, "I")
    x = ops.rename(x, x.dims.replace("C", "I"))
    step = max(1, math.ceil(rows / BLOCKS))
    total: Value | None = None
    for start in range(0, max(rows, 1), step):
        ends = (start, min(start + step, rows))
        here, there = (v if step >= rows else ops.slice(v, "I", *ends) for v in (x, weights))
        part = ops.reduce(reduction, measure(ops, ops.subtract(here, there)), "I")
        total = part if total is None else ops.binary(word, total, part)
    assert total is not None
    return ops.rename(total, total.dims.replace("O", "C"))


def _square(ops: Ops, x: Value) -> Value:
    return ops.multiply(x, x)


def _size(ops: Ops, x: Value) -> Value:
    return ops.map("abs", x)


def _distance(ops: Ops, weights: Value, x: Value) -> Value:
    return ops.map("sqrt", _over_rows(ops, weights, x, _square, "sum", "add"))


class Dist(WeightFunction, function="dist"):
    """dist: the Euclidean distance √Σ(w - p)² of p to each row w of W. MATLAB's numbers are known
    of it only behind radbas and compet."""

    EVIDENCE = RECORDED

    @classmethod
    def weigh(cls, ops: Ops, weights: Value, x: Value) -> Value:
        return _distance(ops, weights, x)


class NegDist(WeightFunction, function="negdist"):
    """negdist: the negative of dist."""

    EVIDENCE = RECORDED

    @classmethod
    def weigh(cls, ops: Ops, weights: Value, x: Value) -> Value:
        return ops.map("negative", _distance(ops, weights, x))


class ManDist(WeightFunction, function="mandist"):
    """mandist: the Manhattan distance Σ|w - p|."""

    @classmethod
    def weigh(cls, ops: Ops, weights: Value, x: Value) -> Value:
        return _over_rows(ops, weights, x, _size, "sum", "add")


class BoxDist(WeightFunction, function="boxdist"):
    """boxdist: the largest difference max|w - p|."""

    @classmethod
    def weigh(cls, ops: Ops, weights: Value, x: Value) -> Value:
        return _over_rows(ops, weights, x, _size, "max", "maximum")


class NormProd(WeightFunction, function="normprod"):
    """normprod: W·p / Σ|p|. The documentation says the sum of the elements of p, which is the same
    for those that radial basis functions give."""

    EVIDENCE = EQUATION

    @classmethod
    def weigh(cls, ops: Ops, weights: Value, x: Value) -> Value:
        total = ops.reduce("sum", ops.map("abs", x), "C", keep=True)
        return ops.divide(multiplied(ops, weights, x), total)


class ScalProd(WeightFunction, function="scalprod"):
    """scalprod: w·p, w one number."""

    ARRAYS = (learnable("W", "1", "1", dims="OI"),)

    @classmethod
    def rows(cls, weights: tuple[int, ...], given: int | None) -> int | None:
        return given

    @classmethod
    def wanted(cls, weights: tuple[int, ...]) -> int | None:
        return None

    @classmethod
    def weigh(cls, ops: Ops, weights: Value, x: Value) -> Value:
        return ops.multiply(x, ops.drop(weights, "OI"))


class ConvWF(WeightFunction, function="convwf"):
    """convwf: the convolution of p with the M×1 weights, z(i) = Σ w(k)·p(i + k - 1), R - M + 1
    rows. That the weights are not turned round, as in convolution layers, is assumed: the
    documentation gives no equation."""

    EVIDENCE = EQUATION
    SINCE = "R2006a"
    ARRAYS = (learnable("W", "M", "1", dims="OI"),)

    @classmethod
    def rows(cls, weights: tuple[int, ...], given: int | None) -> int | None:
        return None if given is None else given - weights[0] + 1

    @classmethod
    def wanted(cls, weights: tuple[int, ...]) -> int | None:
        return None

    def infer(self, x: Size) -> Size:
        y = super().infer(x)
        if y["C"] is not None and y["C"] < 1:
            self.refuse(f"has {len(self.arrays['W'])} weights, more than the rows of {x}")
        return y

    @classmethod
    def weigh(cls, ops: Ops, weights: Value, x: Value) -> Value:
        length, places = ops.size(weights, "O"), ops.size(x, "C")
        z: Value | None = None
        for k in range(length):
            shifted = ops.slice(x, "C", k, places - length + 1 + k)
            weighted = ops.multiply(shifted, ops.drop(ops.slice(weights, "O", k, k + 1), "OI"))
            z = weighted if z is None else ops.add(z, weighted)
        return x if z is None else z


class NetInputFunction(Layer):
    """n of one or more z and, with HasBias, of the bias b."""

    ARRAYS = (learnable("b", "S", "1", dims="C", empty=True),)

    SINCE = "before R2006a"
    # The word that puts two together.
    WORD: ClassVar[str] = ""

    num_inputs: int = prop("NumInputs", count, arg=1, default=1)
    has_bias: bool = prop("HasBias", logical, default=True)

    @property
    def declared(self) -> tuple[Array, ...]:
        return self.ARRAYS if self.has_bias else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        if self.num_inputs == 1:
            return ("in",)
        return tuple(f"in{i}" for i in range(1, self.num_inputs + 1))

    def infer(self, *inputs: Size) -> Size:
        if not inputs:
            self.refuse("has nothing to put together")
        first = max(inputs, key=lambda z: len(z.format))
        rows = next((z["C"] for z in inputs if z["C"] is not None), None)
        for z in inputs:
            self.need(z, "C")
            self.expect(z["C"], rows, "rows", z)
        if self.has_bias:
            self.expect(rows, self.arrays["b"].size, "rows", first)
        return first.put(C=rows)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        # In MATLAB's order: b, then IW{i,1}, IW{i,2}, ..., LW{i,1}, ...
        parts = [p["b"], *inputs] if self.has_bias else list(inputs)
        n = parts[0]
        for z in parts[1:]:
            n = ops.binary(self.WORD, n, z)
        return n


class NetSum(NetInputFunction, function="netsum"):
    """netsum: b + z1 + z2 + ..., in this order."""

    EVIDENCE = RECORDED
    WORD = "add"


class NetProd(NetInputFunction, function="netprod"):
    """netprod: b·z1·z2·..., element by element. MATLAB's numbers are known of it only behind
    radbas and compet."""

    EVIDENCE = RECORDED
    WORD = "multiply"


# By the names that weightFcn has in a network object.
WEIGHTING: Mapping[str, type[WeightFunction]] = {
    card.MATLAB[0]: card
    for card in (DotProd, Dist, NegDist, ManDist, BoxDist, NormProd, ScalProd, ConvWF)
}
# By the names that netInputFcn has.
NET_INPUT: Mapping[str, type[NetInputFunction]] = {
    card.MATLAB[0]: card for card in (NetSum, NetProd)
}
