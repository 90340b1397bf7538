"""What became of a verification, on the terminal, as JSON and as a row of many."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from rich.text import Text

from matbridge.cli.divergence import show_layers
from matbridge.cli.many import Row
from matbridge.cli.terminal import Terminal, console, styled, table
from matbridge.text import visible
from matbridge.verify.judgement import PASSES, Judgement
from matbridge.verify.labels import Confusion
from matbridge.verify.verification import Diagnosis, Verification

__all__ = ["document", "row", "show"]

# The most classes whose confusion is shown as a table.
MANY_CLASSES = 12


def show(verification: Verification) -> None:
    """The verdict in a line, then the figures as a table, then the notes."""
    out = console()
    out.print(styled(verification.sentence, colour(verification.verdict)))
    for note in verification.notes:
        out.print(f"  {note}")
    rows = table("Output", "Elements", "Max abs", "Max rel", "RMSE", "Budget", "Verdict")
    for one in verification.outputs:
        rows.add_row(one.name, f"{one.statistics.elements:,}", *figures(one), verdict_of(one))
    out.print(rows)
    for one in verification.outputs:
        show_notes(out, one)
    show_layers(out, verification)
    if verification.diagnosis is not None:
        for sentence in verification.diagnosis.sentences:
            out.print(sentence)


def colour(verdict: str) -> str:
    return "green" if verdict in PASSES else "red"


def verdict_of(judgement: Judgement) -> Text:
    return styled(judgement.verdict, colour(judgement.verdict))


def figures(judgement: Judgement) -> tuple[str, ...]:
    one = judgement.statistics
    return tuple(f"{n:.2g}" for n in (one.max_abs, one.max_rel, one.rmse, judgement.budget))


def show_notes(out: Terminal, judgement: Judgement) -> None:
    """What is to be said of one output."""
    out.print(f"  {judgement.name}: {judgement.why}")
    if judgement.note:
        out.print(f"  {judgement.name}: {judgement.note}")
    if judgement.confusion:
        show_confusion(out, judgement.confusion)
    elif judgement.verdict == "different":
        out.print(
            f"  {judgement.name}: a tolerance of {judgement.tolerance_needed:.3g} would be needed"
        )


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
    """For --json."""
    outputs = {one.name: judgement_document(one) for one in verification.outputs}
    return {
        "verdict": verification.verdict,
        "sentence": verification.sentence,
        "notes": verification.notes,
        "outputs": outputs,
        "diagnosis": diagnosis_document(verification.diagnosis),
        "environment": verification.environment,
    }


def diagnosis_document(diagnosis: Diagnosis | None) -> Mapping[str, object] | None:
    """What was tried and what came of it; None where nothing was."""
    if diagnosis is None:
        return None
    return {**dataclasses.asdict(diagnosis), "sentences": diagnosis.sentences}


def judgement_document(judgement: Judgement) -> Mapping[str, object]:
    return {
        **judgement.statistics.as_dict(),
        "verdict": judgement.verdict,
        "why": judgement.why,
        "budget": judgement.budget,
        "budgets": judgement.budgets,
        "tolerance_needed": judgement.tolerance_needed,
        "note": judgement.note,
        "confusion": judgement.confusion.as_dict() if judgement.confusion else None,
    }


def row(path: Path, address: str, verification: Verification) -> Row:
    """One of many files."""
    outcome, code = verification.sentence, verification.code
    return Row(str(path), address, outcome, code, document(verification), verification)
