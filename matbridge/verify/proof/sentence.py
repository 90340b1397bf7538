"""What a search came to, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from matbridge.verify.proof.outcome import Agreement, NetworkSearch

__all__ = ["advice", "alike", "no_proof", "proof"]

# The most variables that are named in a line.
MOST_NAMED = 8


def proof(agreement: Agreement, search: NetworkSearch) -> str:
    """ "YPred = predict(net, XTest)*sig + mu agrees to 6e-8 of the scale, 1,204 values; no other
    of 23 pairs does"."""
    return f"{_agrees(agreement)}{_others(agreement, search)}"


def _agrees(agreement: Agreement) -> str:
    remark = f" ({agreement.remark})" if agreement.remark else ""
    judged = agreement.verification.outputs[0]
    if agreement.case.labels:
        return f"{agreement.equation}{remark}: all {agreement.values:,} labels agree"
    exact = agreement.verification.verdict == "identical"
    how = "to the last bit" if exact else f"to {judged.statistics.max_rel:.0e} of the scale"
    return f"{agreement.equation}{remark} agrees {how.replace('e-0', 'e-')}, {_values(agreement)}"


def _values(agreement: Agreement) -> str:
    return f"{agreement.values:,} values"


def _others(agreement: Agreement, search: NetworkSearch) -> str:
    """How many other pairs were tried for the variable's network, and how many of them agree."""
    tried = len(search.attempts)
    agreeing = len(search.proofs)
    if tried < 2:
        return ""
    if agreeing == 1:
        return f"; no other of {tried:,} pairs does"
    return f"; {agreeing} of {tried:,} pairs do"


def no_proof(agreement: Agreement) -> str:
    """Why what agrees is none."""
    return f"{agreement.equation} agrees, which proves nothing: {agreement.reason}"


def alike(search: NetworkSearch) -> Iterator[str]:
    """Variables that go along with what the network gives and are not it."""
    explained = {agreement.variable for agreement in search.agreements}
    for likeness in search.likenesses.values():
        if likeness.variable not in explained:
            yield (
                f"{likeness.variable} is not the network's output, probably its targets: "
                f"it correlates with {likeness.call} by {likeness.correlation:.3g}"
            )


def advice(search: NetworkSearch) -> str:
    """What was looked at, and what to give by hand."""
    if not search.inputs:
        return "no variable has the size of its input; give --input and --expected"
    if not search.outputs:
        return f"no variable has the size of what it gives for {_named(search.inputs)}"
    return (
        f"{_named(search.inputs)} went in, and {_named(search.outputs)} did not come out in "
        f"{len(search.attempts):,} pairs"
    )


def _named(words: list[str]) -> str:
    rest = len(words) - MOST_NAMED
    shown = ", ".join(words[:MOST_NAMED])
    return f"{shown} and {rest} more" if rest > 0 else shown
