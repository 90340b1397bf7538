"""Arrays of a handle: matched, expanded, joined, as MATLAB's are.

Without labels arrays meet by position, with them (both formatted) by label. Constants are
values too, of NumPy data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from matbridge.core.dims import Extent, canonical, missing
from matbridge.errors import MatbridgeError, UnknownSizeError
from matbridge.layers.handle.parse import unsupported
from matbridge.layers.handle.values import (
    Arguments,
    Budget,
    Labelled,
    Operand,
    fresh,
    is_scalar,
    known,
    shown,
)
from matbridge.ops import ArrayOps, Value
from matbridge.ops.constants import Constants

__all__ = ["Arrays"]


class Arrays:
    """The operations of one evaluation, and what it may still make."""

    def __init__(self, ops: ArrayOps, text: str, budget: Budget) -> None:
        self.ops = ops
        self.text = text
        self.budget = budget
        self.numpy = ArrayOps(Constants())
        # Whether a size was asked for that only data will tell.
        self.unsized = False

    def refuse(self, why: str) -> MatbridgeError:
        """What to raise where numbers were needed; if it is for want of a size, time will tell."""
        if self.unsized:
            return UnknownSizeError(f"the size of what {self.text!r} makes depends on the data")
        return unsupported(self.text, why)

    # -- constants and sizes ---------------------------------------------------------------

    def array(self, array: ArrayLike) -> Labelled:
        """A constant, of two dimensions at least."""
        data = np.atleast_2d(np.asarray(array))
        # Sizes that a backend traces stay objects, so that they can be computed with.
        if data.dtype != object or all(isinstance(n, int | float) for n in data.flat):
            data = data.astype(float)
        order = fresh("", data.ndim)
        self.budget.spend(data.size)
        return Labelled(Value(data, order), order, constant=True)

    def numbers(self, value: Operand) -> np.ndarray | None:
        """A constant as an array in MATLAB's order, None for what the input has a part in.

        NaN stands for sizes that only data will tell.
        """
        if not isinstance(value, Labelled) or not value.constant:
            return None
        data = np.asarray(self.numpy.align(value.value, value.order).data)
        if data.dtype != object:
            return data
        floats = [float(n) if isinstance(n, int | float) else np.nan for n in data.reshape(-1)]
        self.unsized |= bool(np.isnan(floats).any())
        return np.array(floats).reshape(data.shape)

    def words(self, *values: Labelled) -> ArrayOps:
        """In what these are computed with."""
        return self.numpy if all(v.constant for v in values) else self.ops

    def sizes(self, x: Labelled) -> tuple[Extent, ...]:
        """In MATLAB's order."""
        by_label = dict(zip(x.value.dims, self.words(x).sizes(x.value), strict=True))
        return tuple(by_label[label] for label in x.order)

    def size(self, x: Labelled, place: int) -> Extent:
        """The size of dimension ``place``, from 0, for use in a computation; NaN where it is
        not known yet."""
        if place >= len(x.order):
            return 1
        if x.order[place] == "T":
            self.counts_steps(x)
        n = self.sizes(x)[place]
        self.unsized |= n is None
        return np.nan if n is None else n

    def counts_steps(self, x: Labelled) -> None:
        """Say that the number of time steps matters: a padded batch refuses to lose its T."""
        # Done for what it raises.
        self.ops.rename(x.value, x.value.dims.replace("T", fresh(x.order, 1)))

    # -- dimensions by position --------------------------------------------------------------

    def spread(self, x: Labelled, count: int) -> Labelled:
        """With this many dimensions at least, the new ones of size 1."""
        new = fresh(x.order, max(count - len(x.order), 0))
        value = self.words(x).align(x.value, x.value.dims + new)
        return Labelled(value, x.order + new, x.formatted, x.constant)

    def trimmed(self, x: Labelled, count: int) -> Labelled:
        """Without trailing dimensions of size 1 beyond this many."""
        while len(x.order) > count and self.sizes(x)[-1] == 1:
            value = self.words(x).drop(x.value, x.order[-1])
            x = Labelled(value, x.order[:-1], x.formatted, x.constant)
        return x

    def matched(
        self, values: Arguments, along: int | None = None
    ) -> tuple[list[Labelled], str, tuple[Extent, ...]]:
        """The values under common labels, the order of these, and the sizes to which they
        expand. ``along`` is the dimension that they are joined in, where sizes may differ."""
        arrays = [v for v in values if isinstance(v, Labelled)]
        if len(arrays) < len(values):
            raise unsupported(self.text, "text cannot be computed with")
        # The labels of what the input has a part in go on; constants take them by position.
        order = max(arrays, key=lambda v: (not v.constant, len(v.order))).order
        labelled = [v for v in arrays if v.formatted]
        if len(labelled) > 1:
            every = "".join(order + missing(order, v.order) for v in labelled)
            order = canonical("".join(set(every)))
        arrays = [self.trimmed(v, len(order)) for v in arrays]
        count = max(len(order), (along or 0) + 1, *(len(v.order) for v in arrays))
        order += fresh(order, count - len(order))
        matched = [
            v if v.formatted and len(labelled) > 1 else self.relabelled(v, order) for v in arrays
        ]
        return matched, order, self.common(matched, order, along)

    def relabelled(self, x: Labelled, order: str) -> Labelled:
        """With the first of these labels, dimension by dimension."""
        names = dict(zip(x.order, order, strict=False))
        dims = "".join(names[d] for d in x.value.dims)
        value = self.words(x).rename(x.value, dims)
        return Labelled(value, order[: len(x.order)], x.formatted, x.constant)

    def common(
        self, values: Sequence[Labelled], order: str, along: int | None
    ) -> tuple[Extent, ...]:
        """The sizes to which these expand, or that they have in common when joined."""
        by_label = [dict(zip(v.order, self.sizes(v), strict=True)) for v in values]
        sizes: list[Extent] = []
        for place, label in enumerate(order):
            met = [extents.get(label, 1) for extents in by_label]
            if place == along:
                sizes.append(sum(met) if all(map(known, met)) else None)
                continue
            plain = {n for n in met if known(n) and (n != 1 or along is not None)}
            if len(plain) > 1:
                listed = " and ".join(shown(self.sizes(v)) for v in values)
                raise unsupported(self.text, f"arrays of sizes {listed} cannot be combined")
            # A constant with one element for each step fits one number of steps only.
            if label == "T" and any(
                v.constant and n != 1 for v, n in zip(values, met, strict=True)
            ):
                self.counts_steps(next(v for v in values if not v.constant))
            sizes.append(next((n for n in met if not known(n)), max(plain, default=1)))
        return tuple(sizes)

    # -- what several functions do ---------------------------------------------------------

    def result(self, value: Value, order: str, *of: Labelled) -> Labelled:
        """A result in this order of something done to these."""
        constant = all(v.constant for v in of)
        return Labelled(value, order, any(v.formatted for v in of), constant)

    def unary(self, name: str, value: Operand, **options: float) -> Labelled:
        if not isinstance(value, Labelled):
            raise unsupported(self.text, "text cannot be computed with")
        return self.result(self.words(value).map(name, value.value, **options), value.order, value)

    def binary(self, name: str, left: Operand | float, right: Operand | float) -> Labelled:
        operands = [self.array(v) if isinstance(v, float) else v for v in (left, right)]
        values, order, sizes = self.matched(operands)
        if all(v.constant for v in values):
            self.budget.spend(math.prod(sizes))
            y = self.numpy.binary(name, *(v.value for v in values))
        else:
            self.budget.check(sizes)
            y = self.ops.binary(name, *map(self.entered, values))
        return self.result(y, order, *values)

    def entered(self, x: Labelled) -> Value | float:
        """An operand of ``ops``; a constant of one element as a number."""
        if is_scalar(x):
            return float(np.asarray(x.value.data).reshape(-1)[0])
        return self.lifted(x)

    def lifted(self, x: Labelled) -> Value:
        """A value of ``ops``, whatever it is made from."""
        if not x.constant:
            return x.value
        return self.ops.constant(np.asarray(x.value.data, dtype=float), x.value.dims)

    def join(self, values: Arguments, place: int) -> Operand:
        """Side by side; [] counts for nothing."""
        parts = [v for v in values if not (isinstance(v, Labelled) and self.empty(v))]
        if len(parts) < 2:
            return next(iter(parts), self.array(np.zeros((0, 0))))
        arrays, order, sizes = self.matched(parts, place)
        constant = all(v.constant for v in arrays)
        if constant:
            self.budget.spend(math.prod(sizes))
        else:
            self.budget.check(sizes)
        widest = [self.spread_as(v, order) for v in arrays]
        joined = [v.value if constant else self.lifted(v) for v in widest]
        value = self.words(*arrays).concatenate(joined, order[place])
        return self.result(value, order, *arrays)

    def empty(self, x: Labelled) -> bool:
        return x.constant and not np.size(x.value.data)

    def spread_as(self, x: Labelled, order: str) -> Labelled:
        """With all of these labels, the new ones of size 1."""
        value = self.words(x).align(x.value, x.value.dims + missing(x.value.dims, order))
        return Labelled(value, order, x.formatted, x.constant)
