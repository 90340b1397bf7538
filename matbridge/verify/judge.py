"""A case judged: run in float64 and in float32, each output and each recorded layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from matbridge.core.running import Progress
from matbridge.verify.case import Case
from matbridge.verify.compare import parts_of
from matbridge.verify.decisions import judge_labels
from matbridge.verify.environment import environment_of
from matbridge.verify.judgement import NOT_VERIFIED, Judgement, worst_judgement, worst_of
from matbridge.verify.layers.diverge import diverge
from matbridge.verify.layers.judging import judge_layers
from matbridge.verify.measures.saturation import little_said
from matbridge.verify.outputs import output_dims
from matbridge.verify.runs import Runs
from matbridge.verify.states import judge_states
from matbridge.verify.values import Limits, judge
from matbridge.verify.verification import Verification

__all__ = ["verify_case"]


def verify_case(
    case: Case,
    tolerance: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    layers: bool = True,
    progress: Progress | None = None,
) -> Verification:
    """Run a case in float64 and in float32 and judge every output, and with ``layers`` every
    recorded layer and state; where something differs, tell the layers that part.

    ``tolerance`` and ``atol`` with ``rtol`` make what is no rounding "close"; see Limits. Raises
    EmptyComparisonError where there is nothing to compare, MismatchError where sizes do not
    belong together, and what Network.predict raises.
    """
    limits = Limits(tolerance, atol, rtol)
    outputs = _judge_labels(case, progress) if case.labels else _rounded(case, limits, progress)
    inner = tuple(judge_layers(case)) if layers and case.activations else ()
    inner += judge_states(case, limits) if layers else ()
    known = [one for one in (*outputs, *inner) if one.verdict != NOT_VERIFIED]
    verdict = worst_of(judgement.verdict for judgement in known)
    return Verification(
        verdict,
        outputs,
        inner,
        _sentence(verdict, outputs, inner),
        case.notes,
        divergence=diverge(case) if layers and verdict == "different" else None,
        environment=environment_of(case),
        case=case,
    )


def _judge_labels(case: Case, progress: Progress | None) -> tuple[Judgement, ...]:
    return (judge_labels(case, progress),)


def _rounded(case: Case, limits: Limits, progress: Progress | None) -> tuple[Judgement, ...]:
    """Where rounding to whole numbers comes last, a tie may go either way: what differs is judged
    by the values before, which lie half a step from what is expected at most."""
    judged = _judge(case, limits, progress)
    apart = any(one.verdict not in ("identical", "rounding") for one in judged)
    if not (apart and case.transform.unrounded):
        return judged
    before = dataclasses.replace(case.transform, apply=case.transform.unrounded)
    smooth = _judge(case.replace(transform=before), Limits(), progress)
    return smooth if all(one.passes for one in smooth) else judged


def _judge(case: Case, limits: Limits, progress: Progress | None) -> tuple[Judgement, ...]:
    """A judgement for each output."""
    runs = Runs.of(case, progress)
    dims = output_dims(case.network, runs.exact, bool(case.options.get("format")))
    classes = len(case.network.classes)
    return tuple(
        _with_notes(
            case,
            judge(
                name,
                case.expected[n],
                runs.exact[n],
                [single[n] for single in runs.singles],
                limits,
                case.double,
                dims[n],
                classes if n == 0 else 0,
            ),
            runs.exact[n],
            dims[n],
        )
        for n, name in enumerate(case.network.output_names)
    )


def _with_notes(case: Case, judgement: Judgement, exact: object, dims: str) -> Judgement:
    """With a word where values that agree say little."""
    if not judgement.passes:
        return judgement
    said = little_said(case.network, parts_of(exact), dims)
    return dataclasses.replace(judgement, note="; ".join(filter(None, (judgement.note, *said))))


def _sentence(verdict: str, outputs: Sequence[Judgement], layers: Sequence[Judgement]) -> str:
    """The verdict in a line: the worst of all, and how many values were compared."""
    of_outputs = any(judgement.verdict == verdict for judgement in outputs)
    worst = worst_judgement(outputs if of_outputs else layers, verdict)
    elements = sum(judgement.statistics.elements for judgement in outputs)
    which = f"{worst.name}: " if len(outputs) > 1 or not of_outputs else ""
    return f"{verdict}: {which}{worst.why}; {elements:,} values"
