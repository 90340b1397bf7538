"""What was found about a difference, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matbridge.text import listed
from matbridge.verify.verification import Cause, Verification

__all__ = ["Finding", "diagnosis", "divergence"]


@dataclass(frozen=True)
class Finding:
    """A finding: what it is about, what it says first, and the rest."""

    title: str
    lead: str
    lines: tuple[str, ...] = ()


def divergence(verification: Verification) -> Iterator[Finding]:
    """Where the two part, or what to record to know it."""
    found = verification.divergence
    if found is None or not (found.layers or found.advice):
        return
    if verification.explained and not found.layers:
        return  # what to record for more is said where more is to be known
    names = [judgement.layer or judgement.name for judgement in found.layers]
    lead = "No activations were recorded, so the layer cannot be told."
    if names:
        lead = (
            f"The difference begins in {listed(names)}: what enters is right, what leaves is not."
        )
    lines = [
        f"{j.name}: {j.statistics.max_rel:.2e} of the largest value on the recorded inputs"
        + (f", {j.note}" if j.note else "")
        for j in found.layers
    ]
    yield Finding("First divergence", lead, (*lines, *filter(None, [found.advice])))


def diagnosis(verification: Verification) -> Iterator[Finding]:
    """What makes it match, or that nothing known does."""
    found = verification.diagnosis
    if found is None:
        return
    tried = f"{found.tried:,} variants of {found.known} suspects tried in {found.seconds:.0f} s"
    if not found.tried:
        tried = f"None of the {found.known} suspects applies to this network"
    rest = [] if found.finished else ["The time limit ended the search."]
    if found.causes:
        first, *others = found.causes
        also = [f"As well: {_matches(cause)}" for cause in others]
        meaning = [_sentence(first.meaning)] if first.meaning else []
        yield Finding("Diagnosis", _matches(first), (*meaning, *also, *rest, f"{tried}."))
        return
    lead = "None of the known causes explains the difference."
    if not found.enough:
        lead = "The expected values say too little to believe any cause."
    near = []
    if found.nearest:
        left = f"{found.nearest.max_rel:.2e} of the scale"
        near.append(f"Nearest: {found.nearest.words}, which leaves {left}.")
    yield Finding("Diagnosis", lead, (*near, *rest, f"{tried}."))


def _matches(cause: Cause) -> str:
    how = "exactly" if cause.verdict == "identical" else "to rounding"
    return f"It matches {how} when {cause.words}."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."
