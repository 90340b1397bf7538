"""By how much the classes of observations were decided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.verify.measures.budget import BUDGETS

__all__ = ["Margins"]


@dataclass(frozen=True)
class Margins:
    """How far decisions are from going the other way, in budgets of the scores.

    ``closest`` is the least by which a decision that agrees was won; ``wrong`` by how much those
    that do not agree were won over the class that is expected, the largest first; a class that
    has no score is infinitely far.
    """

    closest: float
    wrong: tuple[float, ...] = ()

    @property
    def ties(self) -> bool:
        """Whether all that do not agree were decided by no more than rounding."""
        return bool(self.wrong) and self.wrong[0] <= BUDGETS

    @property
    def words(self) -> str:
        """How much class names that agree say, or why they do not."""
        if self.ties:
            return "each of the others is a tie by rounding: the scores lie no further apart"
        if self.wrong:
            near = sum(margin <= BUDGETS for margin in self.wrong)
            tied = f", {near:,} of them ties by rounding" if near else ""
            known = [margin for margin in self.wrong if margin < math.inf]
            none = len(self.wrong) - len(known)
            lost = f"of those expected {none:,} are missing, or no class of the network"
            said = [lost] if none else []
            if known:
                said.append(f"{len(known):,} were decided by up to {known[0]:.2g} budgets{tied}")
            return "; ".join(said)
        return (
            "class names alone say little: scores may be wrong by the margin of each decision, "
            f"at the closest one {self.closest:.2g} times what rounding moves them"
        )

    @classmethod
    def of(
        cls, rows: np.ndarray, names: Sequence[str], result: Sequence[str], expected: Sequence[str]
    ) -> Margins:
        """The margins of rows of scores, in budgets."""
        place = {name: n for n, name in enumerate(names)}
        closest, wrong = math.inf, []
        for row, ours, theirs in zip(rows, result, expected, strict=True):
            if ours == theirs:
                second, first = np.sort(row)[-2:] if len(row) > 1 else (-math.inf, row[0])
                closest = min(closest, float(first - second))
            else:
                other = row[place[theirs]] if theirs in place else -math.inf
                wrong.append(abs(float(row.max() - other)))
        return Margins(closest, tuple(sorted(wrong, reverse=True)))
