"""What a page tells of an entry, as plain values for its template."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from matbridge.errors import MatbridgeError
from matbridge.report import charts
from matbridge.report.entry import Entry
from matbridge.report.levels import HEADLINES, LEVELS, MEANINGS, Level, level_of, level_of_verdict
from matbridge.report.picture import Mark, picture
from matbridge.report.provenance import Rows, provenance
from matbridge.report.sentences import Finding, diagnosis, divergence
from matbridge.report.templates import figure
from matbridge.verify.case import Source
from matbridge.verify.judgement import Judgement
from matbridge.verify.labels import Confusion
from matbridge.verify.measures.statistics import Element
from matbridge.verify.verification import Verification

__all__ = ["Facts"]

# Of so many classes at most all pairs are shown; of more, so many that are confused most.
MANY, MOST = 24, 30


@dataclass(frozen=True)
class Chart:
    """A figure as JSON, and what it says to who does not see it; ``note`` tells of what."""

    title: str
    json: str
    words: str
    note: str = ""


@dataclass(frozen=True)
class Output:
    """An output as the page shows it."""

    judgement: Judgement
    level: Level
    figures: Rows
    charts: tuple[Chart, ...]
    worst: tuple[Element, ...]
    cells: bool
    confused: tuple[tuple[str, str, int], ...]
    confusion: Confusion | None


@dataclass(frozen=True)
class Row:
    """A judged layer: its number in the picture, "" where the network has no such, and whether
    the row above is of the same; its kind."""

    place: str
    again: bool
    kind: str
    judgement: Judgement
    level: Level


@dataclass(frozen=True)
class Facts:
    """An entry as the page shows it; ``anchor`` begins the addresses of its parts."""

    anchor: str
    name: str
    verdict: str
    headline: str
    meaning: str
    sides: str
    level: Level
    sentence: str
    notes: tuple[str, ...]
    provenance: dict[str, Rows]
    findings: tuple[Finding, ...]
    outputs: tuple[Output, ...]
    layers: tuple[Row, ...]
    first: tuple[str, ...]
    picture: str
    legend: tuple[tuple[Level, int], ...]
    depth: Chart | None

    @property
    def mark(self) -> str:
        """A sign beside the headline, so that colour alone says nothing."""
        return {"far": "✗", "unknown": "–"}.get(self.level.name, "✓")

    @property
    def drawn(self) -> bool:
        """Whether there is a chart."""
        return self.depth is not None or any(output.charts for output in self.outputs)

    @property
    def budgeted(self) -> bool:
        """Whether figures are told that rest on a budget."""
        return any(output.judgement.confusion is None for output in self.outputs)

    @classmethod
    def of(cls, number: int, entry: Entry) -> Facts:
        """The facts of the entry of this number, from 1."""
        anchor, verification = f"v{number}", entry.verification
        known = verification or Verification(entry.verdict)
        first = _first(known)
        return cls(
            anchor=anchor,
            name=entry.name,
            verdict=entry.verdict,
            headline=HEADLINES[entry.verdict],
            meaning=MEANINGS[entry.verdict],
            sides=_sides(known),
            level=level_of_verdict(entry.verdict),
            sentence=_told(entry),
            notes=known.notes,
            provenance=provenance(known) if verification else {},
            findings=_findings(known),
            outputs=tuple(map(_output, known.outputs)),
            layers=_rows(known),
            first=first,
            picture=_picture(known, anchor, first),
            legend=_legend(known.layers),
            depth=_depth(known.layers, first),
        )


def _findings(verification: Verification) -> tuple[Finding, ...]:
    """The cause first where it is known, else where it begins."""
    kinds = (diagnosis, divergence) if verification.explained else (divergence, diagnosis)
    return tuple(finding for kind in kinds for finding in kind(verification))


def _sides(verification: Verification) -> str:
    """Which files are compared."""
    case = verification.case
    if case is None:
        return ""
    sides = [_side(case.network_source), _side(case.expected_source)]
    return " against ".join(filter(None, sides))


def _side(source: Source) -> str:
    name = PurePath(source.file).name
    variable = f": {source.variable}" if source.variable and name else source.variable
    release = f" ({source.release})" if source.release else ""
    return f"{name}{variable}{release}"


def _told(entry: Entry) -> str:
    """The sentence without the verdict, which stands above it already."""
    return entry.sentence.removeprefix(f"{entry.verdict}: ")


def _first(verification: Verification) -> tuple[str, ...]:
    """The layers at which the two part."""
    diverging = verification.divergence
    return tuple(j.layer or j.name for j in diverging.layers) if diverging else ()


# -- layers ------------------------------------------------------------------------------------


def _rows(verification: Verification) -> tuple[Row, ...]:
    """A row for each judged layer, in the order in which data flow."""
    order = verification.case.network.graph.order if verification.case else ()
    place = {layer.name: str(number) for number, layer in enumerate(order, 1)}
    kinds = {layer.name: layer.type_name for layer in order}
    rows: list[Row] = []
    for judgement in verification.layers:
        name = judgement.layer or judgement.name
        number = place.get(name, "")
        again = bool(rows) and rows[-1].place == number
        kind = kinds.get(name, judgement.class_name.rpartition(".")[2]).removesuffix("Layer")
        rows.append(Row(number, again, kind, judgement, level_of(judgement)))
    return tuple(rows)


def _picture(verification: Verification, anchor: str, first: Sequence[str]) -> str:
    """The network with each judged layer in the colour of its error; "" where there is none."""
    if verification.case is None:
        return ""
    judged: dict[str, list[Judgement]] = {}
    for judgement in verification.layers:
        judged.setdefault(judgement.layer or judgement.name, []).append(judgement)
    marks = {name: _mark(name, group, first) for name, group in judged.items()}
    for name in first:
        marks.setdefault(name, Mark("far", "the difference begins here", "first"))
    try:
        return picture(verification.case.network, marks or None, f"{anchor}-", alone=False)
    except MatbridgeError:
        return ""  # a network without layers


def _mark(name: str, group: Sequence[Judgement], first: Sequence[str]) -> Mark:
    """Of several outputs the worst."""
    worst = max(group, key=lambda judgement: level_of(judgement).badness)
    words = f"{worst.verdict}: {figure(worst.statistics.max_rel)} of the scale"
    words += f", {figure(worst.used)} budgets" if worst.budget else ""
    here = "\nthe difference begins here" if name in first else ""
    return Mark(level_of(worst).name, words + here, "first" if name in first else "")


def _legend(judgements: Sequence[Judgement]) -> tuple[tuple[Level, int], ...]:
    counts = Counter(map(level_of, judgements))
    return tuple((level, counts[level]) for level in LEVELS if counts[level])


def _depth(judgements: Sequence[Judgement], first: Sequence[str]) -> Chart | None:
    if len(judgements) < 2:
        return None
    worst = max(judgements, key=lambda j: (j.statistics.max_rel == j.statistics.max_rel, j.used))
    words = f"{len(judgements)} layers; the furthest from its budget is {worst.name}"
    return Chart("Difference against depth", charts.depth(judgements, first), words)


# -- outputs -----------------------------------------------------------------------------------


def _output(judgement: Judgement) -> Output:
    confusion = judgement.confusion
    few = confusion if confusion and len(confusion.classes) <= MANY else None
    return Output(
        judgement=judgement,
        level=level_of(judgement),
        figures=_figures(judgement),
        charts=tuple(_charts(judgement)),
        worst=judgement.statistics.worst,
        cells=any(element.cell for element in judgement.statistics.worst),
        confused=tuple(_confused(confusion)) if confusion else (),
        confusion=few,
    )


def _figures(judgement: Judgement) -> Rows:
    one = judgement.statistics
    if judgement.confusion is not None:
        return [("Labels", f"{one.elements:,}"), ("Agree", f"{1 - one.max_rel:.2%}")]
    rows = [
        ("Values", f"{one.elements:,}"),
        ("Largest difference", figure(one.max_abs)),
        ("Of the largest value", figure(one.max_rel)),
        ("Rounding explains", figure(judgement.budgets * judgement.budget)),
        (f"Budgets ({judgement.budgets:g} allowed)", figure(judgement.used)),
        ("RMSE", figure(one.rmse)),
        ("Cosine", f"{one.cosine:.9g}"),
        ("SNR", f"{one.snr:.1f} dB" if math.isfinite(one.snr) else "∞"),
        ("Largest value", figure(one.scale)),
        ("Tolerance needed", figure(judgement.tolerance_needed)),
    ]
    if not math.isnan(one.argmax):
        rows.append(("Same class", f"{one.argmax:.2%}"))
    if one.nonfinite_expected or one.nonfinite_computed:
        counts = f"{one.nonfinite_expected:,} expected, {one.nonfinite_computed:,} computed"
        rows.append(("NaN or Inf", counts))
    return rows


def _charts(judgement: Judgement) -> list[Chart]:
    """Those for which there is something to draw."""
    one, sample = judgement.statistics, judgement.sample
    allowed = judgement.budget * judgement.budgets
    drawn = []
    if sample is not None and sample.expected.size:
        shown = sample.expected.size
        note = f"{shown:,} of {sample.elements:,} values shown" if shown < sample.elements else ""
        said = f"the largest difference is {figure(one.max_abs)}"
        drawn.append(Chart("Computed against expected", charts.scatter(sample), said, note))
        spread = charts.histogram(sample, allowed * one.scale)
        drawn.append(Chart("Differences; rounding is shaded", spread, said, note))
    if any(one.ulps):
        drawn.append(
            Chart(
                "How many float32 numbers apart",
                charts.ulps(one.ulps),
                f"{one.ulps[0]:,} values are equal",
            )
        )
    if len(one.steps) > 1:
        worst = int(np.argmax(one.steps)) + 1
        said = f"{len(one.steps):,} steps, the furthest at {worst:,}"
        drawn.append(Chart("Difference at each time step", charts.steps(one.steps, allowed), said))
    return drawn


def _confused(confusion: Confusion) -> list[tuple[str, str, int]]:
    """Pairs of an expected class and another that was found, the most frequent first."""
    counts = confusion.counts
    pairs = [(int(counts[i, j]), i, j) for i, j in np.argwhere(counts) if i != j]
    pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
    names = confusion.classes
    return [(names[i], names[j], count) for count, i, j in pairs[:MOST]]
