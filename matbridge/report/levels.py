"""How bad a judgement is, as a page colours it: the error against its budget, in steps."""

from __future__ import annotations

from dataclasses import dataclass

from matbridge.verify.judgement import NOT_VERIFIED, Judgement

__all__ = ["HEADLINES", "LEVELS", "MEANINGS", "Level", "level_of", "level_of_verdict"]


@dataclass(frozen=True)
class Level:
    """A step: its name as a class of CSS, and what the legend says."""

    name: str
    words: str

    @property
    def badness(self) -> int:
        """The worst counts most; what is not verified counts least."""
        return -1 if self is UNKNOWN else self.rank

    @property
    def rank(self) -> int:
        """Its place from the best to the worst; what is not verified comes last."""
        return [level.name for level in LEVELS].index(self.name)


EQUAL = Level("equal", "identical")
ROUNDING = Level("rounding", "rounding")
NEAR = Level("near", "close")
OFF = Level("off", "different")
FAR = Level("far", "different, over 1,000 times")
UNKNOWN = Level("unknown", "not verified")
LEVELS = (EQUAL, ROUNDING, NEAR, OFF, FAR, UNKNOWN)

# Up to so many times what counts as rounding a difference may be one of precision.
PRECISION = 1e3

_OF_VERDICT = {
    "identical": EQUAL,
    "rounding": ROUNDING,
    "close": NEAR,
    "different": FAR,
    "error": FAR,
}

# What stands at the head of a page.
HEADLINES = {
    "identical": "Identical",
    "rounding": "The same, to rounding",
    "close": "Close",
    "different": "Different",
    "passed": "Passed",
    NOT_VERIFIED: "Not verified",
    "error": "Error",
}


# And what that means, to who sees it for the first time.
MEANINGS = {
    "identical": "Both sides compute the very same numbers.",
    "rounding": "Both sides compute the same: rounding alone may move it further than that.",
    "close": "More than rounding explains, within the tolerance that was given.",
    "different": "The two do not compute the same.",
    "passed": "It passed by the figures that the command printed.",
    NOT_VERIFIED: "Nothing was compared. This is no pass.",
    "error": "It could not be read or run, so nothing was compared. This is no pass.",
}


def level_of_verdict(verdict: str) -> Level:
    """The step of a verdict alone."""
    return _OF_VERDICT.get(verdict, ROUNDING if verdict == "passed" else UNKNOWN)


def level_of(judgement: Judgement) -> Level:
    """The step of a judgement: a different one by how many budgets it is off."""
    if judgement.verdict != "different":
        return level_of_verdict(judgement.verdict)
    return OFF if judgement.used <= judgement.budgets * PRECISION else FAR
