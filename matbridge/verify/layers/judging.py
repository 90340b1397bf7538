"""Each recorded layer judged, in the order in which data flow, one after the other.

A layer is run in float64 and in float32; how far these lie apart is its budget. Not all
activations are in memory at once, neither ours nor those that were recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.classes import NetworkClass
from matbridge.core.graph import Port, find_port
from matbridge.errors import LayerError, MatbridgeError
from matbridge.predict.mini_batches import MiniBatches
from matbridge.predict.series import layer_ports
from matbridge.shallow import names
from matbridge.verify.case import AS_IT_IS, Case
from matbridge.verify.judgement import NOT_VERIFIED, Judgement
from matbridge.verify.layers.layouts import Layout, Observations, Recorded, layouts, read_misfit
from matbridge.verify.layers.walk import Walk
from matbridge.verify.measures.statistics import Statistics
from matbridge.verify.values import Limits, judge
from matbridge.verify.ways import at_once

__all__ = ["Record", "judge_layers", "judged", "unverified"]

DTYPES = ("float64", "float32")
# Outputs that MATLAB counts in its own way: these are judged by what is made of them.
COUNTED = ("indices", "size", "miniBatchSize")


@dataclass(frozen=True)
class Record:
    """What a case knows of the values at ports: recorded activations, and what is expected."""

    case: Case
    keys: Mapping[Port, str]
    outputs: Mapping[Port, int]
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, case: Case) -> Record:
        """By the names of layers, of "layer/port", or of a network object's a{1}, a{2} ..."""
        network = case.network
        known = {names.a(i): port for i, port in enumerate(layer_ports(network), 1)}
        keys: dict[Port, str] = {}
        unknown = []
        for key in case.activations:
            try:
                keys[known.get(key) or find_port(network.graph.layers, key, "outputs")] = key
            except LayerError:
                unknown.append(key)
        plain = case.transform is AS_IT_IS and not case.labels
        outputs = {p: i for i, p in enumerate(network.outputs) if plain and i < len(case.expected)}
        return cls(case, keys, {p: i for p, i in outputs.items() if p not in keys}, tuple(unknown))

    def name_of(self, port: Port) -> str:
        """What is recorded there was recorded by this name."""
        return self.keys.get(port, str(port))

    @property
    def ports(self) -> tuple[Port, ...]:
        return (*self.keys, *self.outputs)

    def at(self, port: Port) -> Recorded | None:
        """What is known at a port, read when it is asked for; None where it is no numbers."""
        case = self.case
        value = case.activations[self.keys[port]] if port in self.keys else None
        value = case.expected[self.outputs[port]] if port in self.outputs else value
        items = value if isinstance(value, list | tuple) else [value]
        if not items or any(np.asarray(item).dtype.kind not in "biufc" for item in items):
            return None
        if case.network.kind.columns and isinstance(value, list | tuple):
            return _joined(case, [np.asarray(item) for item in value])
        return [np.asarray(item) for item in value] if isinstance(value, list | tuple) else value


def _joined(case: Case, steps: Sequence[np.ndarray]) -> np.ndarray:
    """A network object's cell of steps, or of samples, as one array."""
    over_time = any("T" in layer.format for layer in case.network.input_layers.values())
    return np.stack(steps, axis=2) if over_time else np.concatenate(steps, axis=1)


def judge_layers(case: Case, limits: Limits | None = None) -> Iterator[Judgement]:
    """A judgement for each recorded layer, in the order in which data flow; those that cannot be
    judged are not verified.

    ``limits`` as for judge.judge. Raises what Network.predict raises.
    """
    record = Record.of(case)
    yield from (one for port, one in judged(case, record, limits) if port in record.keys)
    for key in record.unknown:
        yield unverified(key, "the network has no layer of this name")


def judged(
    case: Case, record: Record, limits: Limits | None = None, fed: bool = False
) -> Iterator[tuple[Port, Judgement]]:
    """Each port of a record, judged; where layers are ``fed``, what was recorded takes the place
    of what is computed, so that each is judged by what it does itself."""
    if case.steps or case.way is not at_once:
        why = "layers are compared where all observations are run at once"
        yield from ((port, unverified(str(port), why)) for port in record.ports)
        return
    network = case.network.reset_state() if case.start == "zero" else case.network
    batches = MiniBatches.of(network, case.inputs, case.options)
    walks = [Walk(network, batches, dtype, record.ports) for dtype in DTYPES]
    for layer in walks[0].layers:
        refusal = _run(walks, layer, fed)
        for port in _ports(layer, record):
            if refusal:
                judgement = unverified(str(port), refusal)
            else:
                judgement = _judged(port, walks, record, limits, fed)
            name = record.name_of(port)
            yield port, replace(judgement, name=name, layer=layer.name, class_name=layer.class_name)
        for walk in walks:
            walk.drop(layer)


def _run(walks: Sequence[Walk], layer: Layer, fed: bool) -> str:
    """Run a layer in both types. Fed with recorded values it may refuse them: then it says why."""
    try:
        for walk in walks:
            walk.run(layer)
    except MatbridgeError as error:
        if not fed:
            raise
        return error.what
    return ""


def _ports(layer: Layer, record: Record) -> list[Port]:
    ports = (Port(layer.name, name) for name in layer.outputs)
    return [port for port in ports if port in record.keys or port in record.outputs]


def _judged(
    port: Port, walks: Sequence[Walk], record: Record, limits: Limits | None, fed: bool
) -> Judgement:
    value, own = record.at(port), walks[0].observations(port)
    single = walks[1].observations(port)
    if value is None or own is None or single is None:
        return unverified(str(port), "what was recorded is not an array for each observation")
    count = len(own.values)
    found = _found(value, own, count, walks[0].network.kind)
    if port.name in COUNTED and (found is None or not _same(found[1], own)):
        return unverified(str(port), "MATLAB counts this in its own way")
    given = read_misfit(value, own, count) if found is None else found[1]
    known = walks[0].known if fed and walks[0].known & set(own.values) else set(own.values)
    if fed and given is not None and port.name not in COUNTED:
        for walk in walks:
            walk.feed(port, given)
    if found is None or given is None:
        return _misfit(str(port), own, value)
    layout, given = found[0], given.among([m for m in given.values if m in known])
    exact, rounded = (layout.lay(one.among(list(given.values))) for one in (own, single))
    double = record.case.double
    values = layout.lay(given), exact, [rounded]
    judgement = judge(str(port), *values, limits, double, layout.dims)
    # Samples of all layers would be too many for a report.
    return replace(judgement, note=_note(judgement, own, given, count), sample=None)


def _found(
    value: Recorded, own: Observations, count: int, kind: NetworkClass
) -> tuple[Layout, Observations] | None:
    """The layout of what was recorded, and its observations; None where no layout fits. Of
    several that one whose values are nearest to what is computed, or the first."""
    rows_first = not kind.formatted and not kind.columns
    fitting = layouts(value, own, count, rows_first)
    read = [(layout, layout.read(value, own)) for layout in fitting]
    if len(read) < 2:
        return read[0] if read else None
    return min(read, key=lambda pair: _distance(pair[1], own))


def _distance(given: Observations, own: Observations) -> float:
    with np.errstate(invalid="ignore"):
        apart = (np.nansum(np.abs(x - own.values[m])) for m, x in given.values.items())
        return float(sum(apart))


def _same(given: Observations, own: Observations) -> bool:
    return all(np.array_equal(value, own.values[m]) for m, value in given.values.items())


# -- what is told ------------------------------------------------------------------------------


def _note(judgement: Judgement, own: Observations, given: Observations, count: int) -> str:
    """Of which observations it is, and from which time step on it is different."""
    notes = [judgement.note] if judgement.note else []
    if len(given.values) < count:
        notes.append(f"of {len(given.values):,} of {count:,} observations")
    if judgement.verdict == "different" and "T" in own.dims:
        step, steps = _first_step(judgement, own, given)
        notes.append(f"from time step {step:,} of {steps:,} on")
    return "; ".join(notes)


def _first_step(judgement: Judgement, own: Observations, given: Observations) -> tuple[int, int]:
    """The first step, from 1, at which some observation is further away than rounding, and how
    many there are."""
    allowed = judgement.budgets * judgement.budget * judgement.statistics.scale
    along = own.dims.index("T")
    firsts, longest = [], 0
    for member, value in given.values.items():
        far = ~(np.abs(value - own.values[member]) <= allowed)
        steps = np.flatnonzero(far.any(axis=tuple(i for i in range(far.ndim) if i != along)))
        firsts += [int(steps[0]) + 1] if steps.size else []
        longest = max(longest, value.shape[along])
    return min(firsts, default=1), longest


def _misfit(name: str, own: Observations, value: Recorded) -> Judgement:
    """A verdict on sizes: those of an observation beside those that were recorded."""
    computed = next(iter(own.values.values())).shape
    cells = isinstance(value, list | tuple)
    recorded = np.shape(value[0] if cells else value)
    said = "×".join(map(str, computed)), "×".join(map(str, recorded))
    what = "in the first cell" if cells else "in all"
    why = f"the sizes differ: {said[0]} for an observation, {said[1]} {what} were recorded"
    return replace(unverified(name, why), verdict="different")


def unverified(name: str, why: str) -> Judgement:
    """A value that cannot be judged."""
    nothing = Statistics(0, 0.0, 0.0, float("inf"), float("nan"), float("nan"), float("nan"))
    return Judgement(name, NOT_VERIFIED, why, nothing, 0.0, 0.0, float("inf"))
