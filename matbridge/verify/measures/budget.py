"""How far rounding alone moves a value: what single precision can explain, and no more.

The same value is computed in float64 and in float32, in one order of the sums or in several. The
distance of these, as the largest over all elements and as RMSE, over all and of each channel, is
what any other way of computing in single precision leaves too, up to a small factor: MATLAB's own
recordings lie at 0.1 to 2 times the largest and 0.3 to 1.1 times the RMSE of the worst of ours,
and our engines at up to 4.4 and 3.5 times of each other where values are few. A systematic error
shows in the RMSE first, and in its channel first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.verify.measures.statistics import Parts, distance, flat, rms, share

__all__ = ["BUDGETS", "RMS_BUDGETS", "Budget", "Used"]

# So many times the largest difference of ours, and so many times the RMSE, is still rounding ...
BUDGETS, RMS_BUDGETS = 8.0, 4.0
# ... where these are at least so many units of rounding, of the largest value and of the RMS.
FLOOR, RMS_FLOOR = 1.0, 1.0
# An RMSE of fewer values is chance.
FEWEST = 8
# By how much double precision is finer than single.
FINER = float(np.finfo(np.float64).eps / np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Used:
    """How much of a budget a difference is: the largest, the RMSE and that of the worst channel
    (its number from 1, 0 where no channel stands out), in budgets."""

    largest: float
    rmse: float
    channel: int = 0

    @property
    def all(self) -> float:
        """Up to BUDGETS it is rounding."""
        return max(self.largest, self.rmse * BUDGETS / RMS_BUDGETS)


@dataclass(frozen=True, eq=False)
class Budget:
    """What rounding moves, in the units of the value: the most, the RMSE, and that of each
    channel; ``dims`` labels the dimensions of each array, as far as they are known."""

    largest: float
    rmse: float
    channels: np.ndarray
    dims: str
    scale: float
    double: bool = False

    @classmethod
    def of(cls, exact: Parts, singles: Sequence[Parts], double: bool, dims: str = "") -> Budget:
        """From what comes out in float64 and, in one order or several, in float32.

        ``double`` says that MATLAB computes in double precision, which moves as much less as it
        is finer, on either side.
        """
        # In double precision what stands for the truth rounds as much as MATLAB's own.
        unit = 2 * float(np.finfo(np.float64).eps) if double else float(np.finfo(np.float32).eps)
        finer = 2 * FINER if double else 1.0
        moved = [[_moved(a, b) for a, b in zip(s, exact, strict=True)] for s in singles]
        size = [np.where(np.isfinite(part), np.abs(part), 0.0) for part in exact]
        scale = float(flat(size).max(initial=0.0))
        largest = max((float(flat(one).max(initial=0.0)) for one in moved), default=0.0)
        every = max((rms(flat(one)) for one in moved), default=0.0)
        scales = rms_by_channel(size, dims)
        rows = [rms_by_channel(one, dims) for one in moved]
        channels = _channels(rows, scales, every) * finer
        return cls(
            max(largest * finer, FLOOR * unit * scale),
            max(every * finer, RMS_FLOOR * unit * rms(flat(size))),
            np.maximum(channels, RMS_FLOOR * unit * scales),
            dims,
            scale,
            double,
        )

    @property
    def relative(self) -> float:
        """The most that rounding moves, as a share of the scale."""
        return self.largest / self.scale if self.scale else self.largest

    def used(self, apart: Parts) -> Used:
        """How much of it these differences are."""
        largest = share(float(flat(apart).max(initial=0.0)), self.largest)
        count = sum(part.size for part in apart)
        rmse = share(rms(flat(apart)), self.rmse) if count >= FEWEST else 0.0
        channel, worst = self._worst_channel(apart)
        return Used(largest, worst, channel) if worst > rmse else Used(largest, rmse)

    def unseen(self, exact: Parts) -> list[int]:
        """The channels, from 1, of which any values would be rounding: they lie below what the
        largest of all may be off, and have too few values for an RMSE."""
        if not self.channels.size or self._enough(exact):
            return []
        axis = self.dims.index("C")
        others = tuple(n for n in range(len(self.dims)) if n != axis)
        rows = [np.abs(part).max(axis=others, initial=0.0) for part in exact]
        largest = np.max(rows, axis=0)
        small = (largest > 0) & (largest <= BUDGETS * self.largest)
        return [int(n) + 1 for n in np.flatnonzero(small)]

    def _enough(self, parts: Parts) -> bool:
        """Whether each channel has values enough for an RMSE."""
        return sum(part.size for part in parts) >= FEWEST * self.channels.size

    def words(self, used: Used, max_rel: float) -> str:
        """How far off a value is, and how far rounding alone may move it, in a line."""
        kind = "double" if self.double else "single"
        if used.largest <= BUDGETS < used.all:
            where = f" of channel {used.channel:,}" if used.channel else ""
            said = f"the RMSE{where} is {used.rmse:.2g} times what {kind} precision leaves"
            return f"{said} (up to {RMS_BUDGETS:g} is rounding)"
        explained = f"{kind} precision explains up to {BUDGETS * self.relative:.2g}"
        return f"off by {max_rel:.2g} of the largest value, {explained}"

    def _worst_channel(self, apart: Parts) -> tuple[int, float]:
        if not self.channels.size or not self._enough(apart):
            return 0, 0.0
        rows = zip(rms_by_channel(apart, self.dims), self.channels, strict=True)
        shares = [share(float(a), float(b)) for a, b in rows]
        worst = int(np.argmax(shares))
        return worst + 1, shares[worst]


def _channels(rows: Sequence[np.ndarray], scales: np.ndarray, every: float) -> np.ndarray:
    """The RMSE of each channel in the worst of several runs.

    One that rounds better than others by chance is not judged the harder: it may round as badly as
    the RMSE over all, but where channels have units of their own no worse than the worst of them
    does for its scale.
    """
    own = np.max([np.zeros_like(scales), *rows], axis=0)
    relative = np.max(own / np.where(scales > 0, scales, np.inf), initial=0.0)
    return np.maximum(own, np.minimum(every, relative * scales))


def _moved(single: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """How far rounding moves each element; what it makes infinite or NaN says nothing here."""
    apart = distance(single, exact)
    return np.where(np.isfinite(apart), apart, 0.0)


def rms_by_channel(parts: Parts, dims: str) -> np.ndarray:
    """The RMS of each channel over all else; empty where it is not known which they are."""
    if "C" not in dims or not parts:
        return np.zeros(0)
    axis = dims.index("C")
    others = tuple(n for n in range(len(dims)) if n != axis)
    count = sum(part.size for part in parts) / max(parts[0].shape[axis], 1)
    largest = max(float(np.abs(part).max(initial=0.0)) for part in parts)
    if not largest or not math.isfinite(largest):
        return np.full(parts[0].shape[axis], largest)
    squares = [np.square(part / largest).sum(axis=others) for part in parts]
    return np.asarray(largest * np.sqrt(np.sum(squares, axis=0) / max(count, 1)))
