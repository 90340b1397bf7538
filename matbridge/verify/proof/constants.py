"""The numbers of a workspace by which outputs were scaled back: sig, mu, ps.xmax, std(data)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matbridge.verify.functions import FUNCTIONS
from matbridge.verify.proof.workspace import Leaf

__all__ = ["Constant", "Constants"]

# Vectors of no more elements give each element too; arrays of more are data, whose mean,
# deviation and range were often taken.
SHORT, DATA = 8, 9
# The most data whose statistics are taken, and values of each.
MOST_DATA, MOST_VALUES = 60, 4 << 20
# How near a number must be to be looked at: the fit tells the constants that well.
NEAR = 1e-3
# Names that mean something else in a transform.
RESERVED = ("y", "pi", "Inf", "inf", "NaN", "eps", *FUNCTIONS)
# ... in MATLAB's examples, and in the languages of its users.
MEANS = re.compile(
    r"^mu|mu$|means?|cent(er|re)|average|avg|mittel(wert)?|moyenne|media$|promedio", re.IGNORECASE
)
DEVIATIONS = re.compile(
    r"sigma|sig|std_?abw|std|sd$|scale|dev|streuung|(standard)?abweichung|ecart_?type"
    r"|desv(iacion|io)?",
    re.IGNORECASE,
)
LEAST, LARGEST = (re.compile(word, re.IGNORECASE) for word in ("min(imum)?", "max(imum)?"))

Statistic = Callable[[np.ndarray, int | None], np.ndarray]

STATISTICS: dict[str, Statistic] = {
    "mean": lambda x, axis: np.mean(x, axis, keepdims=True),
    "std": lambda x, axis: np.std(x, axis, ddof=1, keepdims=True),
    "min": lambda x, axis: np.min(x, axis, keepdims=True),
    "max": lambda x, axis: np.max(x, axis, keepdims=True),
}


@dataclass(frozen=True)
class Constant:
    """A number, or one for each row, and how MATLAB would write it."""

    words: str
    value: np.ndarray

    @property
    def size(self) -> int:
        return int(self.value.size)

    @property
    def identifier(self) -> str:
        """A name that stands for it in a transform: ps_xmax for ps.xmax."""
        name = re.sub(r"\W+", "_", self.words).strip("_")
        return name if name not in RESERVED else f"{name}_"


class Constants:
    """Those of a workspace for outputs of so many rows."""

    def __init__(self, leaves: Sequence[Leaf], rows: int) -> None:
        self.leaves = [leaf for leaf in leaves if leaf.kind == "numbers" and 0 not in leaf.shape]
        self.rows = rows

    @cached_property
    def saved(self) -> tuple[Constant, ...]:
        """Those that stand in the workspace as they are."""
        return tuple(self._saved())

    def _saved(self) -> Iterator[Constant]:
        for leaf in self.leaves:
            if leaf.size > max(SHORT, self.rows):
                continue
            values = np.asarray(leaf.load(), np.float64).reshape(-1, order="F")
            if not np.isfinite(values).all():
                continue
            if leaf.size in (1, self.rows):
                yield Constant(leaf.address, values)
            if 1 < leaf.size <= SHORT:
                for number, value in enumerate(values, 1):
                    yield Constant(f"{leaf.address}({number})", np.array([value]))

    @cached_property
    def derived(self) -> tuple[Constant, ...]:
        """Means, deviations and ends of the data, over all and for each row."""
        return tuple(self._derived())

    def _derived(self) -> Iterator[Constant]:
        data = [leaf for leaf in self.leaves if DATA <= leaf.size <= MOST_VALUES]
        for leaf in data[:MOST_DATA]:
            array = np.asarray(leaf.load(), np.float64)
            if array.ndim != 2 or not np.isfinite(array).all():
                continue
            for name, statistic in STATISTICS.items():
                whole = f"{name}({leaf.address}{'' if 1 in array.shape else '(:)'})"
                yield Constant(whole, statistic(array, None).reshape(-1))
                for axis in (0, 1):
                    values = statistic(array, axis).reshape(-1) if array.shape[axis] > 1 else None
                    if values is not None and values.size == self.rows > 1:
                        yield Constant(f"{name}({leaf.address},[],{axis + 1})", values)

    def near(self, value: np.ndarray, scale: float) -> Iterator[Constant]:
        """Those that may be this number, or these of each row, within what a fit tells."""
        for constant in (*self.saved, *self.derived):
            if constant.size in (1, value.size):
                allowed = NEAR * np.maximum(np.abs(value), scale)
                if (np.abs(constant.value - value) <= allowed).all():
                    yield constant

    def pairs(self, first: re.Pattern[str], second: re.Pattern[str]) -> Iterator[Pair]:
        """Two numbers told by their names that belong together: muX and sigX, not muX and sigY."""
        others = [c for c in self.saved if second.search(c.words)]
        for one in self.saved:
            if first.search(one.words):
                for other in others:
                    alike = first.sub("", one.words).lower() == second.sub("", other.words).lower()
                    if one.size == other.size and alike:
                        yield one, other

    def standardizations(self) -> Iterator[Pair]:
        """Pairs of a mean and a deviation."""
        yield from (p for p in self.pairs(MEANS, DEVIATIONS) if (p[1].value != 0).all())

    def ranges(self) -> Iterator[Pair]:
        """Pairs of a smallest and a largest value."""
        yield from (p for p in self.pairs(LEAST, LARGEST) if (p[0].value < p[1].value).all())


Pair = tuple[Constant, Constant]
