"""Functions of a handle that move elements: reshape, permute, squeeze, repmat, flip, dlarray."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from matbridge.core.dims import Extent, canonical, check_labels, without
from matbridge.layers.handle.arrays import Arrays
from matbridge.layers.handle.values import Arguments, Labelled, Operand, fresh, known
from matbridge.ops.layout import numbered

__all__ = [
    "array",
    "dlarray",
    "first",
    "flip",
    "join",
    "permute",
    "repmat",
    "reshape",
    "reshaped",
    "squeeze",
    "stripdims",
    "transpose",
    "whole",
]


def array(value: Operand) -> Labelled:
    """The operand, which is not text."""
    if not isinstance(value, Labelled):
        raise TypeError("text cannot be computed with")
    return value


def whole(run: Arrays, value: Operand) -> list[int]:
    """The whole numbers of a constant."""
    numbers = run.numbers(value)
    if numbers is None or not np.isfinite(numbers).all() or np.any(numbers != np.floor(numbers)):
        raise run.refuse("whole numbers are needed there")
    return [int(n) for n in numbers.reshape(-1, order="F")]


def permute(run: Arrays, arguments: Arguments) -> Operand:
    """permute(x, order); places beyond the last dimension have size 1."""
    value, places = array(arguments[0]), [n - 1 for n in whole(run, *arguments[1:])]
    value = run.spread(value, len(places))
    if sorted(places) != list(range(len(value.order))):
        raise ValueError("permute needs each dimension once")
    return run.result(value.value, "".join(value.order[n] for n in places), value)


def transpose(run: Arrays, arguments: Arguments) -> Operand:
    """x' of a matrix; real, so that .' is the same."""
    (value,) = arguments
    turned = run.trimmed(array(value), 2)
    if len(turned.order) != 2:
        raise run.refuse("only matrices can be transposed")
    return run.result(turned.value, turned.order[::-1], turned)


def squeeze(run: Arrays, arguments: Arguments) -> Operand:
    """Without dimensions of size 1, a matrix as it is. Observations and steps keep theirs
    though there be but one, so that the result has the same dimensions for any data."""
    (value,) = arguments
    x = array(value)
    if len(x.order) <= 2:
        return x
    pairs = zip(x.order, run.sizes(x), strict=True)
    gone = "".join(label for label, n in pairs if n == 1 and label not in "BT")
    order = without(x.order, gone)
    return run.result(run.words(x).drop(x.value, gone) if gone else x.value, order, x)


def reshape(run: Arrays, arguments: Arguments) -> Operand:
    """reshape(x, [2 3 4]) or reshape(x, 2, [], 4), in column-major order."""
    value, *sizes = arguments
    wanted: list[Extent] = []
    for size in map(array, sizes):
        if not size.constant:
            raise run.refuse("whole numbers are needed there")
        flat = np.asarray(run.numpy.align(size.value, size.order).data).reshape(-1, order="F")
        wanted += [_size(run, n) for n in flat] if flat.size else [None]
    if len(wanted) < 2:
        raise ValueError("reshape needs two sizes or more")
    return reshaped(run, array(value), wanted)


def _size(run: Arrays, n: Extent) -> Extent:
    """One size: a whole number, NaN for one that is not known yet, or one that data tell."""
    if not isinstance(n, int | float):
        return n
    if np.isnan(n):
        run.unsized = True
        return np.nan
    if n < 0 or n != int(n):
        raise run.refuse("whole numbers are needed there")
    return int(n)


def reshaped(run: Arrays, x: Labelled, sizes: Sequence[Extent]) -> Labelled:
    """Other sizes for the same elements, the first dimension fastest; None for what is left."""
    if any(known(n) and n == 0 for n in sizes) and not x.constant:
        raise ValueError("the result would be empty")
    held = [run.size(x, place) for place in range(len(x.order))]
    new = [_left(run, held, sizes) if n is None else n for n in sizes]
    if all(map(known, [*held, *new])) and math.prod(new) != math.prod(held):
        raise ValueError("reshape changes the number of elements")
    # Under names of their own: what was along time or a batch is so no longer.
    x = run.relabelled(x, fresh("", len(x.order)))
    order, words = fresh("", len(new)), run.words(x)
    # Words count the last dimension fastest, MATLAB the first: the same with all turned round.
    turned = words.align(x.value, x.order[::-1])
    # NaN, a size not known yet, is for the reshape to find out.
    unknown = [None if isinstance(n, float) else n for n in new]
    value = words.reshape(turned, unknown[::-1], order[::-1])
    return Labelled(value, order, False, x.constant)


def _left(run: Arrays, held: Sequence[Extent], sizes: Sequence[Extent]) -> Extent:
    """The size that [] stands for; one that only data tell must be among both, or be left."""
    rest, wanted = list(held), [n for n in sizes if n is not None]
    if len(wanted) != len(sizes) - 1:
        raise ValueError("one size is told by the others")
    if any(isinstance(n, float) for n in [*rest, *wanted]):
        return np.nan
    for n in [n for n in wanted if not known(n)]:
        # Only among their like: to compare a traced size with a number would fix it.
        place = next((i for i, m in enumerate(rest) if not known(m) and m == n), None)
        if place is None:
            raise ValueError("a size is not among those of the array")
        rest.pop(place)
    have = math.prod(n for n in rest if known(n))
    count = math.prod(n for n in wanted if known(n))
    if not count or have % count:
        raise ValueError("the sizes do not divide the number of elements")
    return math.prod((n for n in rest if not known(n)), start=have // count)


def repmat(run: Arrays, arguments: Arguments) -> Operand:
    """repmat(x, 2, 3), repmat(x, [2 3]), repmat(x, 2): 2 times down and across."""
    value, *counts = arguments
    times = [n for count in counts for n in whole(run, count)]
    times = times * 2 if len(times) == 1 else times
    x = run.spread(array(value), len(times))
    sizes = [n for n in run.sizes(x) if known(n)]
    total = math.prod(times) * math.prod(sizes)
    if min(times, default=0) < 1:
        raise ValueError("repmat needs numbers above 0")
    if x.constant:
        run.budget.spend(total)
    else:
        run.budget.check([total])
    for label, count in zip(x.order, times, strict=False):
        x = _repeated(run, x, label, count)
    return x


def _repeated(run: Arrays, x: Labelled, label: str, count: int) -> Labelled:
    """So many copies after another: a dimension of copies before this one, and both as one."""
    if count == 1:
        return x
    if label == "B":
        raise ValueError("observations cannot be repeated")
    if label == "T":
        run.counts_steps(x)
    words, copies = run.words(x), fresh(x.order, 1)
    dims = without(x.value.dims, label) + copies + label
    # Of the copies' length, for x to expand to.
    like = words.constant(np.zeros(count), copies)
    wide = words.expand(x.value, dims, like)
    *outer, _, n = words.sizes(wide)
    merged = words.reshape(wide, (*outer, n if n is None else n * count), dims[:-2] + label)
    return run.result(merged, x.order, x)


def flip(run: Arrays, arguments: Arguments) -> Operand:
    """flip(x, dim); without it the first dimension that is not of size 1."""
    value, *place = arguments
    x = array(value)
    label = x.order[whole(run, place[0])[0] - 1] if place else first(run, x)
    return run.result(run.words(x).flip(x.value, label), x.order, x)


def first(run: Arrays, x: Labelled) -> str:
    """The dimension that MATLAB works along by default: the first not of size 1."""
    pairs = zip(x.order, run.sizes(x), strict=True)
    return next((label for label, n in pairs if n != 1), x.order[0])


def stripdims(run: Arrays, arguments: Arguments) -> Operand:
    """The same array without labels."""
    (value,) = arguments
    x = array(value)
    return Labelled(x.value, x.order, False, x.constant)


def dlarray(run: Arrays, arguments: Arguments) -> Operand:
    """dlarray(x, format): other labels for the same dimensions, and new ones of size 1.

    MATLAB then brings them to its order, S, C, B, T, U. dlarray(x) is x.
    """
    value, *format = arguments
    x = array(value)
    if not format:
        return x
    if x.constant or not isinstance(format[0], str) or len(format) > 1:
        raise TypeError("dlarray needs an input and a format")
    labels = numbered(check_labels(format[0].upper()))
    x = run.trimmed(x, len(labels))
    if len(labels) < len(x.order):
        raise run.refuse("dlarray needs a label for each dimension")
    x = run.relabelled(x, labels)
    whole = run.ops.align(x.value, x.value.dims + labels[len(x.order) :])
    return Labelled(whole, canonical(labels), formatted=True)


def join(run: Arrays, arguments: Arguments) -> Operand:
    """cat(dim, a, b, ...)."""
    place, *values = arguments
    (number,) = whole(run, place)
    if number < 1:
        raise ValueError("dimensions count from 1")
    return run.join(values, number - 1)
