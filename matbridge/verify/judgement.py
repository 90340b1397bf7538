"""One value judged: an output, or what a layer gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matbridge.verify.labels import Confusion
from matbridge.verify.measures.budget import Used
from matbridge.verify.measures.margins import Margins
from matbridge.verify.measures.sample import Sample
from matbridge.verify.measures.statistics import Statistics

__all__ = ["CLASSES", "NOT_VERIFIED", "PASSES", "Judgement", "worst_judgement", "worst_of"]

NOT_VERIFIED = "not verified"
# From the worst to the best; "not verified" is said where there is nothing to compare with.
CLASSES = ("different", "close", NOT_VERIFIED, "rounding", "identical")
PASSES = ("identical", "rounding", "close")


@dataclass(frozen=True)
class Judgement:
    """The verdict on one value, and what it rests on.

    ``budget`` is how far single precision alone moves the value, as a share of its scale, as
    ``statistics.max_rel`` is; ``budgets`` how many times that may be and still be rounding.
    ``tolerance_needed`` is the smallest at which it would pass as "close". ``confusion`` is that
    of class names, ``sample`` some elements of an output, for a report; ``spent`` tells how much
    of the budget the largest difference and the RMSE are, ``margins`` by how much class names
    were decided.
    """

    name: str
    verdict: str
    why: str
    statistics: Statistics
    budget: float
    budgets: float
    tolerance_needed: float
    layer: str = ""
    class_name: str = ""
    note: str = ""
    confusion: Confusion | None = None
    sample: Sample | None = None
    spent: Used | None = None
    margins: Margins | None = None

    @property
    def passes(self) -> bool:
        return self.verdict in PASSES

    @property
    def used(self) -> float:
        """The difference in budgets: up to ``budgets`` it is rounding."""
        if self.spent is not None:
            return self.spent.all
        if self.statistics.max_rel == 0:
            return 0.0
        return self.statistics.max_rel / self.budget if self.budget else float("inf")


def worst_judgement(judgements: Iterable[Judgement], verdict: str) -> Judgement:
    """Of those of a verdict the one that is furthest off: what a line tells of all."""
    return max((one for one in judgements if one.verdict == verdict), key=lambda one: one.used)


def worst_of(verdicts: Iterable[str]) -> str:
    """The worst of some verdicts; "not verified" of none."""
    present = set(verdicts)
    return next((one for one in CLASSES if one in present), NOT_VERIFIED)
