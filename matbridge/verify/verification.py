"""What became of a case: the value that the terminal, --json and every report render."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from matbridge.verify.case import Case
from matbridge.verify.judgement import NOT_VERIFIED, PASSES, Judgement

__all__ = ["SCHEMA", "Cause", "Diagnosis", "Divergence", "Verification"]

# Of --json; its form is told in docs/verification.md.
SCHEMA = 1
# How many causes that the data cannot tell apart are told, beside the first.
FEW = 3
# From how many dB on a difference below the values is usually this, the largest first.
KINDS = (
    (110.0, "that is near to rounding, as other kernels or orders of sums leave it"),
    (45.0, "that is lower precision, or a slightly wrong constant"),
    (-math.inf, "no precision explains that, something else is computed"),
)


@dataclass(frozen=True)
class Divergence:
    """The layers that fail although all their inputs pass: there the two part.

    ``layers`` are judged on MATLAB's recorded inputs; ``groups`` names for each of them the layers
    that were judged with it, as nothing was recorded between them, and itself. ``sentence`` names
    them in a line; ``advice`` says what to record where no activations tell more.
    """

    layers: tuple[Judgement, ...] = ()
    advice: str = ""
    groups: tuple[tuple[str, ...], ...] = ()
    sentence: str = ""


@dataclass(frozen=True)
class Cause:
    """What makes a case match: the suspect, where, in a sentence, and the verdict with it.

    ``suspect`` names the hypothesis ("LSTM gate order"), ``where`` the layers, ``words`` how it
    matches ("the gates of lstm_1 are read as i,f,o,g"), ``meaning`` what that says of how the
    expected values came about.
    """

    suspect: str
    where: tuple[str, ...]
    words: str
    meaning: str
    verdict: str
    max_rel: float

    @property
    def sentence(self) -> str:
        """As "matches to rounding when the gates of lstm_1 are read as i,o,f,g: ..."."""
        how = "is identical" if self.verdict == "identical" else "matches to rounding"
        return f"{how} when {self.words}: {self.meaning}"


@dataclass(frozen=True)
class Diagnosis:
    """What was tried; without ``causes`` the fault is none of those that are known.

    ``causes`` match equally well: the likeliest first, and those that the data cannot tell from
    it. ``known`` counts the suspects, ``tried`` their variants, alone and in pairs. ``finished``
    is False where the time limit ended the search, ``enough`` where the expected values say too
    little to believe any cause. ``nearest`` explains most of the difference, but not all.
    ``snr`` is that of what is expected against the difference, in dB, over all outputs.
    """

    causes: tuple[Cause, ...]
    tried: int
    seconds: float
    finished: bool = True
    known: int = 0
    nearest: Cause | None = None
    enough: bool = True
    snr: float = math.nan

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, for a person: the cause first, or that there is none."""
        if not self.enough:
            return (
                "The cause cannot be told: what is expected is too little, alike or saturated.",
            )
        if not self.causes:
            return (self._none(), *self._almost(), *self._kind())
        first, *others = self.causes
        return (f"It {first.sentence}.", *self._others(others), *self._untried())

    def _untried(self) -> tuple[str, ...]:
        if self.finished:
            return ()
        return ("The time limit ended the search: whether another cause does too was not tried.",)

    def _others(self, others: list[Cause]) -> tuple[str, ...]:
        if not others:
            return ()
        more = f", and {len(others) - FEW} other changes" if len(others) > FEW else ""
        told = "; or when ".join(cause.words for cause in others[:FEW])
        return (f"These data cannot tell that from another cause: it also does when {told}{more}.",)

    def _none(self) -> str:
        ended = "" if self.finished else "; the time limit ended the search, so there may be one"
        return (
            f"None of {self.known} known causes explains it, alone or with the likeliest others: "
            f"{self.tried:,} tried in {self.seconds:.1f} s{ended}."
        )

    def _almost(self) -> tuple[str, ...]:
        cause = self.nearest
        if cause is None:
            return ()
        left = f"all but {cause.max_rel:.2g} of the scale"
        return (f"Most of it goes, {left}, when {cause.words}: {cause.meaning}.",)

    def _kind(self) -> tuple[str, ...]:
        """What so large a difference usually is."""
        words = next((words for least, words in KINDS if self.snr >= least), "")
        return (f"The difference is {self.snr:.0f} dB below the values: {words}.",) if words else ()


@dataclass(frozen=True)
class Verification:
    """The verdict on a case: "identical", "rounding", "close", "different" or "not verified".

    ``outputs`` has a judgement for each output, ``layers`` for each recorded layer in the order
    in which data flow. ``sentence`` is what was shown, in one line. ``environment`` tells
    versions, device and types.
    """

    verdict: str
    outputs: tuple[Judgement, ...] = ()
    layers: tuple[Judgement, ...] = ()
    sentence: str = ""
    notes: tuple[str, ...] = ()
    divergence: Divergence | None = None
    diagnosis: Diagnosis | None = None
    environment: dict[str, str] = field(default_factory=dict)
    case: Case | None = None

    def __str__(self) -> str:
        """The sentence: a dump of all arrays tells nobody anything."""
        return self.sentence

    @property
    def explained(self) -> bool:
        """Whether a cause was found."""
        return self.diagnosis is not None and bool(self.diagnosis.causes)

    @property
    def code(self) -> int:
        """The exit code: 0 where it passes, 5 where there was nothing to verify against."""
        if self.verdict == NOT_VERIFIED:
            return 5
        return 0 if self.verdict in PASSES else 1
