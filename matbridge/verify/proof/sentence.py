"""What a search came to, in sentences, and as verifications that reports show."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from matbridge.verify.judgement import NOT_VERIFIED
from matbridge.verify.proof.judging import is_result
from matbridge.verify.proof.outcome import Agreement, Likeness, NetworkSearch
from matbridge.verify.verification import Verification

__all__ = ["advice", "alike", "as_verification", "no_proof", "proof"]

# The most variables that are named in a line, and that go along with a result.
MOST_NAMED, MOST_ALIKE = 8, 6
# Targets are never so near to what a network gives.
NEARLY = 0.9999
BY_HAND = (
    "give --input and --expected, or record what MATLAB computes: 'matbridge matlab-kit DIR' "
    "writes matbridgeRecord.m"
)


def as_verification(search: NetworkSearch) -> Verification:
    """The best proof with its sentence, the others as notes; without one why not."""
    notes = [no_proof(agreement) for agreement in search.no_proofs]
    best = search.best
    if best is None:
        notes += [*alike(search), advice(search)]
        return Verification(NOT_VERIFIED, sentence=_none(search), notes=tuple(notes))
    others = [_agrees(agreement) for agreement in search.proofs if agreement is not best]
    return dataclasses.replace(
        best.verification,
        sentence=f"{search.verdict}: {proof(best, search)}",
        notes=(*best.verification.notes, *others, *notes, *_targets(search)),
    )


def _none(search: NetworkSearch) -> str:
    if search.obstacle is not None:
        what = search.obstacle.what
        return f"{NOT_VERIFIED}: {search.address} does not run: {search.obstacle.where}: {what}"
    ended = "" if search.finished else " in the time there was"
    return f"{NOT_VERIFIED}: no variable is what {search.address} computes{ended}"


def proof(agreement: Agreement, search: NetworkSearch) -> str:
    """As in "YPred = predict(net, XTest)*sig + mu agrees to 6e-8 of the scale, 1,204 values; no
    other of 23 pairs does"."""
    return f"{_agrees(agreement)}{_others(agreement, search)}"


def _agrees(agreement: Agreement) -> str:
    remark = f" ({agreement.remark})" if agreement.remark else ""
    if agreement.case.labels:
        return f"{agreement.equation}{remark}: all {agreement.values:,} labels agree"
    difference = agreement.verification.outputs[0].statistics.max_rel
    how = "to the last bit"
    if agreement.verification.verdict != "identical" and difference:
        how = f"to {difference:.0e} of the scale".replace("e-0", "e-")
    return f"{agreement.equation}{remark} agrees {how}, {agreement.values:,} values"


def _others(agreement: Agreement, search: NetworkSearch) -> str:
    """How many other pairs were tried with the network, and how many of them agree."""
    tried, proofs = len(search.attempts), len(search.proofs)
    if tried < 2:
        return ""
    if proofs == 1:
        return f"; no other of {tried:,} pairs does"
    return f"; {proofs} of {tried:,} pairs do"


def no_proof(agreement: Agreement) -> str:
    """Why what agrees is none."""
    return f"{agreement.equation} agrees, which proves nothing: {agreement.reason}"


def alike(search: NetworkSearch) -> Iterator[str]:
    """Variables that go along with what the network gives and are not it."""
    for likeness in _alike(search):
        yield (
            f"{likeness.variable} is not {_what_else(likeness)}: it goes "
            f"along with {likeness.call}, {likeness.correlation:.4f}"
        )


def _targets(search: NetworkSearch) -> Iterator[str]:
    """The same in a line, where there is a proof and they matter little."""
    targets = (one for one in _alike(search) if not _seems_result(one))
    told = [f"{one.variable} ({one.correlation:.3g})" for one in targets]
    if told:
        yield f"probably targets, which go along with the output and are not it: {', '.join(told)}"


def _alike(search: NetworkSearch) -> list[Likeness]:
    """Those that go along most, without what is explained already."""
    explained = {agreement.variable for agreement in search.agreements}
    others = [
        one
        for one in search.likenesses.values()
        if one.variable not in explained
        and one.variable.rpartition("{")[0] not in search.likenesses
    ]
    others.sort(key=lambda likeness: -likeness.correlation)
    return others[:MOST_ALIKE]


def _what_else(likeness: Likeness) -> str:
    """What a variable may be that differs by more than rounding."""
    if _seems_result(likeness):
        return (
            "what the network gives as it is now, perhaps a result of other weights, of other "
            "data or of a run in another way, or rounded"
        )
    return "the network's output, probably its targets"


def _seems_result(likeness: Likeness) -> bool:
    return is_result(likeness.variable) or likeness.correlation >= NEARLY


def advice(search: NetworkSearch) -> str:
    """What was looked at, and what to give by hand."""
    return f"{_looked_at(search)}; {BY_HAND}"


def _looked_at(search: NetworkSearch) -> str:
    if search.obstacle is not None:
        mend = search.obstacle.mend.rstrip(".")
        return f"nothing was run: {mend}" if mend else "nothing was run"
    if not search.inputs:
        return "no variable has the size of what it takes"
    if not search.attempts:
        return f"no variable has the size of what it gives for {_named(search.inputs)}"
    outputs = dict.fromkeys(attempt.variable for attempt in search.attempts.values())
    count = len(search.attempts)
    return (
        f"{_named(search.inputs)} as inputs and {_named(list(outputs))} as outputs make "
        f"{count:,} pair{'s' if count > 1 else ''}, none of which is a proof"
    )


def _named(words: Sequence[str]) -> str:
    rest = len(words) - MOST_NAMED
    shown = ", ".join(words[:MOST_NAMED])
    return f"{shown} and {rest} more" if rest > 0 else shown
