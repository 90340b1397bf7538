"""Whether what agrees is a proof: judged as every case is, and by how much it says."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator

import numpy as np

from matbridge.core.network import Network
from matbridge.core.running import Progress
from matbridge.errors import MatbridgeError
from matbridge.verify.case import Case, Source
from matbridge.verify.judge import verify_case
from matbridge.verify.proof import chance
from matbridge.verify.proof.comparing import Hit
from matbridge.verify.proof.outcome import Agreement
from matbridge.verify.proof.runs import Run
from matbridge.verify.verification import Verification
from matbridge.verify.ways import after_these

__all__ = ["agreement", "is_result"]

# What a network's own results are called, as opposed to what it was trained to give.
# A "fit" or "sim" within a longer word may as well be a target (simClass, benefit).
PREDICTED = re.compile(
    r"pred|_?hat$|estim|classif|forecast|(^|^y|_)(fit|sim)(ted|ulated|out|\d|_|$)", re.IGNORECASE
)
# ... and where something else is called its targets: the scripts of MATLAB's apps call results y
# and targets t, but y is as often what a network is trained to give.
OWN = re.compile(r"^y|^a\d*$|out|result", re.IGNORECASE)
# Of whole numbers fewer than these are classes, more are levels, as of pictures.
LEVELS = 17


def agreement(
    run: Run,
    place: int,
    hit: Hit,
    tried: int,
    progress: Progress | None = None,
    targets: bool = False,
) -> Agreement | None:
    """The hit as a case, judged; None where it is more than rounding.

    ``place`` is that of the output, ``tried`` how many pairs were looked at so far; ``targets``
    tells that another variable is called those of the network.
    """
    passed = (_passed(case, progress) for case in _cases(run, place, hit))
    verification = next((one for one in passed if one is not None), None)
    if verification is None or verification.case is None:
        return None
    bits = _bits(hit, verification)
    before, after = hit.around
    return Agreement(
        hit.variable,
        f"{run.assigned(hit.variable, hit.function)} = {before}{run.call(hit.function)}{after}",
        run.remark,
        verification.case,
        verification,
        bits,
        int(hit.numbers.size),
        _reason(hit, run, bits, tried, targets),
    )


def _passed(case: Case, progress: Progress | None) -> Verification | None:
    try:
        verification = verify_case(case, layers=False, progress=progress)
    except MatbridgeError:
        return None
    return verification if verification.verdict in ("identical", "rounding") else None


def _cases(run: Run, place: int, hit: Hit) -> Iterator[Case]:
    """The hit as a case; after a warmup then from before it, for the state that it led to is
    known to rounding alone, and a network may make much of that."""
    case = _case(run, place, hit)
    yield case
    if run.warmup is not None:
        network = _of_output(run.warmup.network, place)
        yield case.replace(network=network, way=after_these(run.warmup.inputs))


def _of_output(network: Network, place: int) -> Network:
    if len(network.outputs) == 1:
        return network
    return dataclasses.replace(network, output_ports=(network.outputs[place],))


def _case(run: Run, place: int, hit: Hit) -> Case:
    network = _of_output(run.network, place)
    provenance = network.provenance
    return Case(
        network,
        run.inputs,
        (hit.expected,),
        dict(run.options),
        hit.transform,
        run.start,
        classes=hit.classes,
        network_source=Source(provenance.file, variable=provenance.address),
        input_source=Source(provenance.file, variable=run.words),
        expected_source=Source(provenance.file, variable=hit.variable),
    )


def _bits(hit: Hit, verification: Verification) -> float:
    if hit.certainty is not None:
        return chance.bits_of_labels(hit.numbers)
    judged = verification.outputs[0]
    finite = hit.numbers[np.isfinite(hit.numbers)]
    spread = float(np.ptp(finite)) if finite.size else 0.0
    if not spread:
        return 0.0
    allowed = max(judged.statistics.max_abs, judged.budget * judged.statistics.scale)
    return chance.bits_of_numbers(hit.numbers, allowed / spread)


def _reason(hit: Hit, run: Run, bits: float, tried: int, targets: bool) -> str:
    """Why it is no proof; "" where it is one."""
    numbers = hit.numbers[np.isfinite(hit.numbers)]
    if not numbers.size or np.ptp(numbers) == 0:
        return "all values are the same"
    if _is_input(run, hit):
        return "the values are those that went in"
    needed = chance.ENOUGH + math.log2(max(tried, 1))
    levels = np.unique(numbers) if (numbers == np.round(numbers)).all() else None
    if hit.certainty is None and (levels is None or len(levels) >= LEVELS):
        return "" if bits >= needed else f"{numbers.size:,} values say {bits:.0f} bits"
    # Few whole numbers, as classes are: these a network is trained to give as well.
    count = len(np.unique(numbers))
    what = f"{numbers.size:,} labels of {count} classes"
    if hit.certainty is None:
        what = f"{numbers.size:,} values, all of them one of {count} whole numbers,"
    if bits < needed:
        return f"{what} say {bits:.0f} bits"
    own = 0.0 if hit.certainty is None else chance.surprise(hit.certainty)
    if own >= needed or is_result(hit.variable, targets):
        return ""
    return f"{what} are what it was trained to give, as it seems: it errs in none of them"


def is_result(variable: str, targets: bool = False) -> bool:
    """Whether the name says that a network gave it."""
    name = re.split(r"[:.]", variable)[-1]
    return bool(PREDICTED.search(name) or (targets and OWN.search(name)))


def _is_input(run: Run, hit: Hit) -> bool:
    """Whether what came out is what went in: a network that changes nothing proves nothing."""
    expected = hit.expected
    # Before it was normalized, too.
    for value in (*run.inputs, *(leaf.load() for leaf in run.leaves)):
        if isinstance(value, np.ndarray) and isinstance(expected, np.ndarray):
            same = value.size == expected.size and expected.dtype.kind in "fiub"
            if same and any(
                np.allclose(value.reshape(-1, order=order), expected.reshape(-1), rtol=1e-5)
                for order in ("C", "F")
            ):
                return True
            if same and np.allclose(
                hit.transform.apply(value).reshape(-1), expected.reshape(-1), rtol=1e-5
            ):
                return True
    return False
