"""Why a case differs: the usual suspects, each tried alone, then two together.

A suspect is believed where the case changed as it says matches to rounding, on values enough
that this is no chance. First it is tried in float64 on a few observations; what brings the
difference down is judged, on these and then on all.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from matbridge.core.running import Progress
from matbridge.errors import MatbridgeError
from matbridge.verify.case import Case
from matbridge.verify.evidence import distance, evidence
from matbridge.verify.few import FEW, few
from matbridge.verify.judge import verify_case
from matbridge.verify.suspects import SUSPECTS
from matbridge.verify.suspects.suspect import Suspect, Variant
from matbridge.verify.verification import Cause, Diagnosis, Divergence

__all__ = ["diagnose"]

# A suspect is judged where it leaves less than this of the difference.
HELPS = 0.1
# Where trying a few observations takes so many seconds, one must do.
SLOW = 0.5
# One that explains less than all is worth a word where it leaves less than this.
MOST = 0.03
# Chance must be less likely than once in all that were tried by so many bits.
CERTAIN = 10.0
# Each of so many variants that leave least of the difference is combined with all others.
COMBINED = 16
# What makes the difference so many times larger is no part of the cause.
SPOILS = 2.0
MATCHES = ("identical", "rounding")


def diagnose(
    case: Case,
    time_limit: float = 60.0,
    progress: Progress | None = None,
    suspects: Sequence[Suspect] = SUSPECTS,
    divergence: Divergence | None = None,
) -> Diagnosis:
    """Which of the usual suspects makes a case that differs match, within so many seconds.

    ``progress`` is told the seconds gone, and how many there are. ``divergence`` tells the layers
    where the two part: what concerns these is tried before the rest. Raises what Case.run raises.
    """
    groups = divergence.groups if divergence else ()
    layers = frozenset(itertools.chain.from_iterable(groups))
    begun = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = Search(case, suspects, begun, time_limit, progress)
        if _judged(case)[0] in MATCHES:
            return search.outcome()
        search.singles(lambda variant: not layers or layers.issuperset(variant.where))
        if layers and not search.causes:
            search.singles(lambda variant: not layers.issuperset(variant.where))
        if not search.causes:
            search.pairs()
    return search.outcome()


@dataclass(frozen=True)
class Trial:
    """A suspect tried alone: which of its variants, and the share of the difference it leaves."""

    suspect: Suspect
    place: int
    variant: Variant
    left: float


@dataclass
class Search:
    """What is tried, and what has come of it."""

    case: Case
    suspects: Sequence[Suspect]
    begun: float
    time_limit: float
    progress: Progress | None = None
    causes: list[Cause] = field(default_factory=list)
    tried: int = 0
    finished: bool = True
    nearest: Cause | None = None

    def __post_init__(self) -> None:
        self.suspects = sorted(self.suspects, key=lambda suspect: suspect.rank)
        results = self.case.exact
        self.whole_before = distance(results, self.case.expected)
        self.bits = evidence(self.case, results)
        self.few = FEW
        self.small, self.before = self.case, self.whole_before
        self._choose_few()
        self.trials: list[Trial] = []
        self.least = MOST

    def _choose_few(self) -> None:
        """As few observations as show the difference and are quickly tried; else all."""
        for most in (FEW, 1):
            begun = time.monotonic()
            small = few(self.case, most)
            before = _distance(small)
            if before < HELPS * self.whole_before:
                return
            self.few, self.small, self.before = most, small, before
            if time.monotonic() - begun < SLOW:
                return

    def singles(self, wanted: Callable[[Variant], bool]) -> None:
        """Each suspect alone; all of them, for several may match."""
        for suspect in self.suspects:
            for place, variant in enumerate(suspect.variants(self.case)):
                if not wanted(variant):
                    continue
                if self._out_of_time():
                    return
                left = self.attempt(suspect.name, variant)
                told = dataclasses.replace(variant, case=self.case)
                self.trials.append(Trial(suspect, place, told, left))

    def pairs(self) -> None:
        """Two together, of which one helps most alone, until some match."""
        seen: set[frozenset[str]] = set()
        for trial in self._likely():
            first = next(itertools.islice(trial.suspect.variants(self.case), trial.place, None))
            for suspect, second in self._added(trial.suspect, first):
                both = frozenset((first.words, second.words))
                if both in seen:
                    continue
                if self._out_of_time():
                    return
                seen.add(both)
                name = " and ".join(dict.fromkeys((trial.suspect.name, suspect.name)))
                self.attempt(name, _together(self.case, first, second))
            if self.causes:
                return

    def _likely(self) -> list[Trial]:
        """Those that leave least; where some leave next to nothing, these alone."""
        best = sorted(self.trials, key=lambda trial: trial.left)[:COMBINED]
        return [t for t in best if t.left < HELPS] or [t for t in best if t.left < SPOILS]

    def _added(self, own: Suspect, first: Variant) -> Iterator[tuple[Suspect, Variant]]:
        """What the suspects make of a variant, the most helpful first; not what alone makes it far
        worse, nor the same suspect again in the same layers."""
        alone = {trial.variant.words: trial.left for trial in self.trials}
        least = {t.suspect.name: t.left for t in sorted(self.trials, key=lambda t: -t.left)}
        for suspect in sorted(self.suspects, key=lambda s: least.get(s.name, math.inf)):
            for second in suspect.variants(first.case):
                again = suspect is own and not (set(second.where) - set(first.where))
                if not again and alone.get(second.words, 0.0) < SPOILS:
                    yield suspect, second

    def attempt(self, name: str, variant: Variant) -> float:
        """Try a variant; the share of the difference that it leaves."""
        self.tried += 1
        whole = variant.together or self.small is self.case
        case = variant.case if whole else few(variant.case, self.few)
        before = self.whole_before if variant.together else self.before
        # What was not finite before has no share.
        left = _distance(case) / (before if math.isfinite(before) else 1.0)
        if left < HELPS:
            self._judge(name, variant, case, left)
        return left

    def _judge(self, name: str, variant: Variant, small: Case, left: float) -> None:
        for case in (small, variant.case) if small is not variant.case else (small,):
            verdict, max_rel = _judged(case)
            cause = Cause(name, variant.where, variant.words, variant.meaning, verdict, max_rel)
            if verdict not in MATCHES:
                if left < self.least:
                    self.least, self.nearest = left, cause
                return
        self.causes.append(cause)

    def _out_of_time(self) -> bool:
        gone = time.monotonic() - self.begun
        if self.progress is not None:
            self.progress(round(min(gone, self.time_limit)), round(self.time_limit))
        self.finished = gone <= self.time_limit
        return not self.finished

    def outcome(self) -> Diagnosis:
        enough = self.bits >= math.log2(max(self.tried, 1)) + CERTAIN
        seconds = time.monotonic() - self.begun
        causes = tuple(self.causes) if enough else ()
        return Diagnosis(
            causes,
            self.tried,
            seconds,
            self.finished,
            known=len({suspect.name for suspect in self.suspects}),
            nearest=None if self.causes else self.nearest,
            enough=enough,
            snr=-20 * math.log10(self.whole_before) if self.whole_before > 0 else math.inf,
        )


def _together(case: Case, first: Variant, second: Variant) -> Variant:
    places = {layer.name: place for place, layer in enumerate(case.network.layers)}
    where = sorted({*first.where, *second.where}, key=lambda name: places.get(name, math.inf))
    return Variant(
        second.case,
        tuple(where),
        f"{first.words} and {second.words}",
        "; ".join(dict.fromkeys((first.meaning, second.meaning))),
        first.together or second.together,
    )


def _distance(case: Case) -> float:
    """How far a case is from what is expected; infinite where it cannot be run."""
    try:
        return distance(case.run("float64"), case.expected)
    except (MatbridgeError, ValueError, ArithmeticError):
        return math.inf


def _judged(case: Case) -> tuple[str, float]:
    """The verdict on a case, and its largest difference as a share of the scale."""
    try:
        verification = verify_case(case, layers=False)
    except (MatbridgeError, ValueError, ArithmeticError):
        return "different", math.inf
    worst = max(judgement.statistics.max_rel for judgement in verification.outputs)
    return verification.verdict, worst
