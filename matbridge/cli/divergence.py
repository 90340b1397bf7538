"""What became of the layers of a verification, on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from matbridge.cli.terminal import Terminal, styled, table
from matbridge.text import visible
from matbridge.verify.judgement import CLASSES, NOT_VERIFIED, PASSES, Judgement
from matbridge.verify.verification import Divergence, Verification

__all__ = ["show_layers"]

# So many of the layers that differ are shown, in the order in which data flow.
MOST = 10


def show_layers(out: Terminal, verification: Verification) -> None:
    """How many recorded layers agree, those that do not, and where the difference begins."""
    if verification.layers:
        out.print(f"  layers: {_counted(verification.layers)}")
    _show_failing(out, [one for one in verification.layers if one.verdict not in PASSES])
    found = verification.divergence
    # What to record for more is said where more is to be known.
    if found is not None and (found.layers or not verification.explained):
        _show_divergence(out, found)


def _counted(layers: Sequence[Judgement]) -> str:
    counts = Counter(layer.verdict for layer in layers)
    return ", ".join(f"{counts[word]:,} {word}" for word in reversed(CLASSES) if counts[word])


def _show_failing(out: Terminal, failing: Sequence[Judgement]) -> None:
    if not failing:
        return
    rows = table("Layer", "Type", "Max rel", "Budgets", "Verdict")
    for one in failing[:MOST]:
        figures = (f"{one.statistics.max_rel:.2g}", f"{one.used:.2g}")
        known = one.verdict != NOT_VERIFIED and one.statistics.elements
        shown = figures if known else ("", "")
        rows.add_row(visible(one.name), _type_of(one), *shown, _verdict(one))
    out.print(rows)
    if failing[MOST:]:
        out.print(f"  and {len(failing) - MOST:,} more; --json shows all")
    for one in failing[:MOST]:
        if one.verdict == NOT_VERIFIED:
            out.sentence(f"  {one.name}: {one.why}")


def _show_divergence(out: Terminal, divergence: Divergence) -> None:
    if divergence.sentence:
        out.sentence(divergence.sentence, "yellow")
    for one in divergence.layers[:MOST]:
        said = "; ".join(filter(None, (one.why, one.note)))
        out.sentence(f"  {one.name} ({_type_of(one)}): {said}")
    if divergence.advice:
        out.sentence(f"  {divergence.advice}")


def _type_of(judgement: Judgement) -> str:
    """The class without its package."""
    return judgement.class_name.rpartition(".")[2]


def _verdict(judgement: Judgement) -> Text:
    return styled(judgement.verdict, "green" if judgement.verdict in PASSES else "red")
