"""What became of a verification, on the terminal, as JSON and as a row of many."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matbridge.cli.divergence import show_layers
from matbridge.cli.many import Row
from matbridge.cli.terminal import Terminal, console, styled, table
from matbridge.text import visible
from matbridge.verify.judgement import PASSES, Judgement
from matbridge.verify.labels import Confusion
from matbridge.verify.measures.statistics import Element
from matbridge.verify.verification import Diagnosis, Divergence, Verification

__all__ = ["document", "row", "show"]

# The most classes whose confusion is shown as a table.
MANY_CLASSES = 12
# So many of the worst elements are shown; --json has more.
FEW_WORST = 3


def show(verification: Verification) -> None:
    """The verdict in a line, then the figures as a table, then what is to be said of them."""
    out = console()
    out.sentence(verification.sentence, colour(verification.verdict))
    for note in verification.notes:
        out.sentence(f"  {note}")
    if verification.explained:
        _show_causes(out, verification)
    numbers = [one for one in verification.outputs if one.confusion is None]
    if numbers:
        show_figures(out, numbers)
    for one in verification.outputs:
        for remark in remarks(one, alone=len(verification.outputs) == 1):
            out.sentence(f"  {one.name}: {remark}")
        if one.confusion and one.verdict != "identical":
            show_confusion(out, one.confusion)
    show_layers(out, verification)
    if not verification.explained:
        _show_causes(out, verification)


def _show_causes(out: Terminal, verification: Verification) -> None:
    """Why it differs: above the figures where that is known, below them where it is not."""
    for sentence in verification.diagnosis.sentences if verification.diagnosis else ():
        out.sentence(sentence, "yellow")


def show_figures(out: Terminal, judgements: Sequence[Judgement]) -> None:
    """A row for each output; differences and budgets are shares of the scale but for the first."""
    rows = table("Output", "Values", "Max abs", "Max rel", "RMSE", "Budget", "SNR dB", "Verdict")
    for one in judgements:
        verdict = styled(one.verdict, colour(one.verdict))
        rows.add_row(visible(one.name), f"{one.statistics.elements:,}", *figures(one), verdict)
    out.print(rows)


def colour(verdict: str) -> str:
    return "green" if verdict in PASSES else "red"


def figures(judgement: Judgement) -> tuple[str, ...]:
    one = judgement.statistics
    shares = (one.max_abs, one.max_rel, one.rmse, judgement.budget)
    return (*(f"{n:.2g}" for n in shares), f"{one.snr:.0f}")


def remarks(judgement: Judgement, alone: bool) -> Iterator[str]:
    """What is to be said of one output beside its figures."""
    one = judgement.statistics
    if not alone:
        yield judgement.why
    if judgement.note:
        yield judgement.note
    if one.nonfinite_unequal:
        yield f"{one.nonfinite_unequal:,} values are NaN or Inf on one side alone"
    if judgement.verdict != "different" or judgement.confusion:
        return
    far = [e for e in one.worst if not abs(e.expected - e.computed) <= allowed(judgement)]
    for element in far[:FEW_WORST]:
        yield f"{place(element)} is {element.computed:.7g}, {element.expected:.7g} is expected"
    step = first_step(judgement)
    if step:
        yield f"wrong from time step {step:,} of {len(one.steps):,} on"
    if not math.isnan(one.argmax):
        yield f"the largest score is of the same class in {one.argmax:.3g} of all: no proof"
    yield f"a tolerance of {judgement.tolerance_needed:.3g} would be needed"


def place(element: Element) -> str:
    """An element as MATLAB addresses it: {cell}(subscripts)."""
    cell = f"{{{element.cell}}}" if element.cell else ""
    return f"{cell}({','.join(map(str, element.subscripts))})"


def first_step(judgement: Judgement) -> int:
    """The first time step, from 1, that is beyond the budget; 0 where none is."""
    steps = enumerate(judgement.statistics.steps, 1)
    shares = judgement.budgets * judgement.budget
    return next((number for number, far in steps if far > shares), 0)


def allowed(judgement: Judgement) -> float:
    """How far an element may be off and be rounding."""
    return judgement.budgets * judgement.budget * judgement.statistics.scale


def show_confusion(out: Terminal, confusion: Confusion) -> None:
    """A row for each class expected, a column for each found; only where they are few."""
    if len(confusion.classes) > MANY_CLASSES:
        out.print(f"  {len(confusion.classes)} classes; --json shows which are confused")
        return
    classes = [visible(name) for name in confusion.classes]
    rows = table("expected \\ found", *classes)
    for name, counts in zip(classes, confusion.counts, strict=True):
        rows.add_row(name, *map(str, counts))
    out.print(rows)


def document(verification: Verification) -> Mapping[str, object]:
    """For --json; docs/verification.md tells what it means."""
    divergence = verification.divergence
    return {
        "verdict": verification.verdict,
        "sentence": verification.sentence,
        "notes": verification.notes,
        "outputs": {one.name: judgement_document(one) for one in verification.outputs},
        "layers": [judgement_document(one) for one in verification.layers],
        "divergence": divergence_document(divergence) if divergence else None,
        "diagnosis": diagnosis_document(verification.diagnosis),
        "environment": verification.environment,
    }


def divergence_document(divergence: Divergence) -> Mapping[str, object]:
    """Where the two part."""
    return {
        "layers": [judgement_document(one) for one in divergence.layers],
        "sentence": divergence.sentence,
        "groups": divergence.groups,
        "advice": divergence.advice,
    }


def diagnosis_document(diagnosis: Diagnosis | None) -> Mapping[str, object] | None:
    """What was tried and what came of it; None where nothing was."""
    if diagnosis is None:
        return None
    return {**dataclasses.asdict(diagnosis), "sentences": diagnosis.sentences}


def judgement_document(judgement: Judgement) -> Mapping[str, object]:
    """Of one value; NaN and Inf are null."""
    spent, margins = judgement.spent, judgement.margins
    return {
        "name": judgement.name,
        "layer": judgement.layer,
        "class_name": judgement.class_name,
        "verdict": judgement.verdict,
        "why": judgement.why,
        "note": judgement.note,
        "budget": judgement.budget,
        "budgets": judgement.budgets,
        "used": judgement.used,
        "spent": dataclasses.asdict(spent) if spent else None,
        "tolerance_needed": judgement.tolerance_needed,
        **judgement.statistics.as_dict(),
        "confusion": judgement.confusion.as_dict() if judgement.confusion else None,
        "margins": dataclasses.asdict(margins) if margins else None,
    }


def row(path: Path, address: str, verification: Verification) -> Row:
    """One of many files."""
    outcome, code = verification.sentence, verification.code
    return Row(str(path), address, outcome, code, document(verification), verification)
