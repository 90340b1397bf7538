"""Operators over some dimensions: reductions, sums that run, sorting, softmax."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table

__all__ = ["REDUCTIONS"]

Over = Callable[[Tensor, list[int], bool], Tensor]


def reduction(function: Over) -> Entry:
    """Over the axes of the attribute, or of the second operand in newer operator sets."""

    def reduce(call: Call, x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
        over = list(axes) if axes is not None else call.wholes("axes")
        if not over and call.whole("noop_with_empty_axes"):
            return function(x.unsqueeze(-1), [x.ndim], False)
        return function(x, over or list(range(x.ndim)), bool(call.whole("keepdims", 1)))

    return Entry(reduce, lists=(1,))


def _sum(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return x.sum(axes, keep, dtype=x.dtype) if axes else x.clone()


def _mean(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return x.mean(axes, keep) if axes else x.clone()


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keep, dtype=x.dtype)
    return x


def _extreme(function: Callable[..., Tensor], empty: float) -> Over:
    def reduce(x: Tensor, axes: list[int], keep: bool) -> Tensor:
        if any(x.shape[axis] == 0 for axis in axes):
            # Of nothing: what every number wins against.
            neutral = empty > 0 if x.dtype == torch.bool else empty
            return torch.full_like(_sum(x, axes, keep), neutral)
        if x.dtype == torch.bool:
            return function(x.to(torch.uint8), axes, keep).to(x.dtype)
        return function(x, axes, keep) if axes else x.clone()

    return reduce


def _root_of_squares(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return torch.sqrt(_sum(x * x, axes, keep).double()).to(x.dtype)


def _log_of_exp(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return torch.logsumexp(x, axes, keep) if axes else x.clone()


def arg_extreme(extreme: Callable[..., Tensor]) -> Entry:
    """The place of the first extreme, or of the last with select_last_index."""

    def find(call: Call, x: Tensor) -> Tensor:
        axis, keep = call.whole("axis"), bool(call.whole("keepdims", 1))
        if not call.whole("select_last_index"):
            return extreme(x, axis, keep)
        return x.shape[axis] - 1 - extreme(x.flip(axis), axis, keep)

    return Entry(find)


def running(function: Callable[[Tensor, int], Tensor], neutral: float) -> Entry:
    """Over the elements up to each, without itself if exclusive, from the end if reverse."""

    def run(call: Call, x: Tensor, axis: int) -> Tensor:
        x = x.flip(axis) if call.whole("reverse") else x
        y = function(x, axis).to(x.dtype)
        if call.whole("exclusive"):
            first = torch.full_like(y.narrow(axis, 0, 1), neutral)
            y = torch.cat([first, y.narrow(axis, 0, y.shape[axis] - 1)], axis)
        return y.flip(axis) if call.whole("reverse") else y

    return Entry(run, lists=(1,))


def top_k(call: Call, x: Tensor, k: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
    """The first of equal ones comes first."""
    count, axis = call.whole("k") if k is None else k[0], call.whole("axis", -1)
    largest = bool(call.whole("largest", 1))
    values, places = torch.sort(x, dim=axis, descending=largest, stable=True)
    return values.narrow(axis, 0, count), places.narrow(axis, 0, count)


def over_axis(function: Callable[[Tensor, int], Tensor]) -> Entry:
    """Softmax and its like: over one dimension, before operator set 13 over all from it on."""

    def apply(call: Call, x: Tensor) -> Tensor:
        if call.version >= 13:
            return function(x, call.whole("axis", -1))
        axis = call.whole("axis", 1) % max(x.ndim, 1)
        return function(x.flatten(axis), axis).reshape(x.shape)

    return Entry(apply)


def hardmax(x: Tensor, axis: int) -> Tensor:
    return torch.zeros_like(x).scatter(axis, x.argmax(axis, keepdim=True), 1.0)


def lp_normalization(call: Call, x: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(x, call.whole("p", 2), call.whole("axis", -1), keepdim=True)
    return torch.where(norm == 0, torch.zeros_like(x), x / norm)


REDUCTIONS: Table = {
    "ArgMax": arg_extreme(torch.argmax),
    "ArgMin": arg_extreme(torch.argmin),
    "CumProd": running(torch.cumprod, 1.0),
    "CumSum": running(torch.cumsum, 0.0),
    "Hardmax": over_axis(hardmax),
    "LogSoftmax": over_axis(torch.log_softmax),
    "LpNormalization": Entry(lp_normalization),
    "ReduceL1": reduction(lambda x, axes, keep: _sum(x.abs(), axes, keep)),
    "ReduceL2": reduction(_root_of_squares),
    "ReduceLogSum": reduction(lambda x, axes, keep: torch.log(_sum(x, axes, keep))),
    "ReduceLogSumExp": reduction(_log_of_exp),
    "ReduceMax": reduction(_extreme(torch.amax, -torch.inf)),
    "ReduceMean": reduction(_mean),
    "ReduceMin": reduction(_extreme(torch.amin, torch.inf)),
    "ReduceProd": reduction(_product),
    "ReduceSum": reduction(_sum),
    "ReduceSumSquare": reduction(lambda x, axes, keep: _sum(x * x, axes, keep)),
    "Softmax": over_axis(torch.softmax),
    "TopK": Entry(top_k, lists=(1,)),
}
