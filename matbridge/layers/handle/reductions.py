"""Functions of a handle that reduce dimensions, with MATLAB's ways to name these."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from matbridge.layers.handle.arrays import Arrays
from matbridge.layers.handle.elementwise import truth
from matbridge.layers.handle.reshape import array, first, whole
from matbridge.layers.handle.values import Arguments, Labelled, Operand, known

__all__ = ["REDUCTIONS", "softmax"]

Reduction = Callable[[Arrays, Arguments], Operand]


def over(run: Arrays, x: Labelled, dimension: Arguments) -> str:
    """The labels that sum(x), sum(x, 2), sum(x, [1 2]) or sum(x, 'all') name.

    A dimension beyond the last has size 1: there is nothing to reduce.
    """
    if len(dimension) > 1:
        raise TypeError("too many arguments")
    if not dimension:
        return first(run, x)
    if isinstance(dimension[0], str):
        if dimension[0].lower() != "all":
            raise ValueError(f"{dimension[0]!r} names no dimension")
        return x.order
    places = whole(run, dimension[0])
    if not places or min(places) < 1:
        raise ValueError("dimensions count from 1")
    return "".join(x.order[n - 1] for n in dict.fromkeys(places) if n <= len(x.order))


def reduced(run: Arrays, name: str, x: Labelled, labels: str) -> Labelled:
    """Over these labels, which stay with size 1; over none nothing happens."""
    if not labels:
        return x
    return run.result(run.words(x).reduce(name, x.value, labels, keep=True), x.order, x)


def _flag(rest: Arguments) -> tuple[Arguments, str]:
    """The arguments without the last, 'omitnan' or 'includenan', and that."""
    words = ("omitnan", "includenan", "omitmissing", "includemissing")
    if rest and isinstance(rest[-1], str) and rest[-1].lower() in words:
        return rest[:-1], rest[-1].lower()
    return rest, ""


def _plain(name: str) -> Reduction:
    """sum or mean."""

    def apply(run: Arrays, arguments: Arguments) -> Operand:
        value, *more = arguments
        rest, flag = _flag(more)
        if flag.startswith("omit"):
            raise ValueError(f"{flag} is not supported")
        x = array(value)
        return reduced(run, name, x, over(run, x, rest))

    return apply


def _extreme(name: str, none: float) -> Reduction:
    """max(x, [], dim) and max(x, y): NaN counts only where there is nothing else."""

    def apply(run: Arrays, arguments: Arguments) -> Operand:
        value, *rest = arguments
        if len(rest) == 1:
            return run.binary(f"{name}imum-number", value, rest[0])
        if rest and not (isinstance(rest[0], Labelled) and run.empty(rest[0])):
            raise TypeError("max of two arrays takes no dimension")
        dimension, flag = _flag(rest[1:])
        x = array(value)
        labels = over(run, x, dimension)
        if flag.startswith("include") or not labels:
            return reduced(run, name, x, labels)
        numbers = run.binary(f"{name}imum-number", x, none)
        extreme = reduced(run, name, numbers, labels)
        # 0 where all are NaN, which 0/0 then brings back.
        any_number = reduced(run, "max", run.binary("equal", x, x), labels)
        return run.binary("add", extreme, run.binary("divide", 0.0, any_number))

    return apply


def _variance(run: Arrays, arguments: Arguments) -> Operand:
    """var(x, w, dim): w = 0 divides by n - 1, w = 1 by n."""
    value, *more = arguments
    rest, flag = _flag(more)
    if flag.startswith("omit"):
        raise ValueError(f"{flag} is not supported")
    x = array(value)
    weight = whole(run, rest[0]) if rest and not run.empty(array(rest[0])) else [0]
    if weight not in ([0], [1]):
        raise ValueError("weights are not supported")
    labels = over(run, x, rest[1:])
    centred = run.binary("subtract", x, reduced(run, "mean", x, labels))
    squares = reduced(run, "mean", run.binary("multiply", centred, centred), labels)
    return squares if weight == [1] else _unbiased(run, x, squares, labels)


def _unbiased(run: Arrays, x: Labelled, squares: Labelled, labels: str) -> Labelled:
    """squares·n/(n - 1), n as many as there are along these labels; for n = 1 it is 0."""
    sizes = dict(zip(x.order, run.sizes(x), strict=True))
    counts = [sizes[label] for label in labels]
    if all(map(known, counts)) and not set(labels) & set("BT"):
        n = math.prod(counts)
        return run.binary("multiply", squares, n / max(n - 1, 1))
    # Counted where the data are: padding counts for nothing, and NaN as one.
    ones = run.binary("add", run.binary("multiply", run.binary("equal", x, x), 0.0), 1.0)
    total = reduced(run, "sum", ones, labels)
    less = run.binary("maximum-number", run.binary("subtract", total, 1.0), 1.0)
    return run.binary("multiply", squares, run.binary("divide", total, less))


def _deviation(run: Arrays, arguments: Arguments) -> Operand:
    return run.unary("sqrt", _variance(run, arguments))


def _any(run: Arrays, arguments: Arguments) -> Operand:
    value, *rest = arguments
    x = truth(run, value)
    return reduced(run, "max", x, over(run, x, rest))


def _all(run: Arrays, arguments: Arguments) -> Operand:
    value, *rest = arguments
    x = truth(run, value)
    return reduced(run, "min", x, over(run, x, rest))


def _vecnorm(run: Arrays, arguments: Arguments) -> Operand:
    """vecnorm(x, 2, dim)."""
    value, *rest = arguments
    if rest and whole(run, rest[0]) != [2]:
        raise ValueError("only the Euclidean norm is supported")
    x = array(value)
    squares = run.binary("multiply", x, x)
    return run.unary("sqrt", reduced(run, "sum", squares, over(run, x, rest[1:])))


def softmax(run: Arrays, arguments: Arguments) -> Operand:
    """softmax(x), or softmax(x, 'DataFormat', format): over the channels."""
    value, *rest = arguments
    x = array(value)
    if len(rest) not in (0, 2) or x.constant:
        raise TypeError("softmax needs an input and its format")
    format = str(rest[1]) if rest else x.order
    if "C" not in format[: len(x.order)]:
        raise run.refuse("softmax needs a channel dimension")
    label = x.order[format.index("C")]
    return run.result(run.words(x).softmax(x.value, label), x.order, x)


REDUCTIONS: dict[str, Reduction] = {
    "sum": _plain("sum"),
    "mean": _plain("mean"),
    "max": _extreme("max", -np.inf),
    "min": _extreme("min", np.inf),
    "var": _variance,
    "std": _deviation,
    "any": _any,
    "all": _all,
    "vecnorm": _vecnorm,
}
