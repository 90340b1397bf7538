"""Each recorded layer judged, in the order in which data flow, one after the other.

A layer is run in float64 and in float32; how far these lie apart is its budget. Not all
activations are in memory at once, neither ours nor those that were recorded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.graph import Port, find_port
from matbridge.errors import LayerError, MatbridgeError
from matbridge.predict.mini_batches import MiniBatches
from matbridge.predict.series import layer_ports
from matbridge.shallow import names
from matbridge.verify.case import AS_IT_IS, Case
from matbridge.verify.judgement import NOT_VERIFIED, Judgement
from matbridge.verify.recorded import Layout, Observations, Recorded, layouts, read_misfit
from matbridge.verify.statistics import Statistics
from matbridge.verify.walk import Walk

__all__ = ["Record", "judge_layers", "judged"]

DTYPES = ("float64", "float32")
BUDGETS, FLOOR = 4.0, float(np.finfo(np.float32).eps)


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


def judge_layers(case: Case) -> Iterator[Judgement]:
    """A judgement for each recorded layer on the way that the case's inputs take, in the order in
    which data flow; those of which nothing is known to the network come last, not verified.

    Raises what Network.predict raises.
    """
    record = Record.of(case)
    yield from (judgement for port, judgement in judged(case, record) if port in record.keys)
    for key in record.unknown:
        yield _unverified(key, "the network has no layer of this name")


def judged(case: Case, record: Record, fed: bool = False) -> Iterator[tuple[Port, Judgement]]:
    """Each port of a record, judged; where layers are ``fed``, what was recorded takes the place
    of what is computed, so that each is judged by what it does itself."""
    network = case.network.reset_state() if case.start == "zero" else case.network
    batches = MiniBatches.of(network, case.inputs, case.options)
    walks = [Walk(network, batches, dtype, record.ports) for dtype in DTYPES]
    for layer in walks[0].layers:
        failure = _run(walks, layer, fed)
        for port in _ports(layer, record):
            judgement = failure or _judged(layer, port, walks, record.at(port), fed)
            yield (
                port,
                dataclasses.replace(
                    judgement, name=str(port), layer=layer.name, class_name=layer.class_name
                ),
            )
        for walk in walks:
            walk.drop(layer)


def _run(walks: Sequence[Walk], layer: Layer, fed: bool) -> Judgement | None:
    """Run a layer in both types; fed with recorded values it may refuse them, which is told."""
    try:
        for walk in walks:
            walk.run(layer)
    except MatbridgeError as error:
        if not fed:
            raise
        return _unverified(layer.name, str(error.what))
    return None


def _ports(layer: Layer, record: Record) -> list[Port]:
    ports = (Port(layer.name, name) for name in layer.outputs)
    return [port for port in ports if port in record.keys or port in record.outputs]


def _judged(
    layer: Layer, port: Port, walks: Sequence[Walk], value: Recorded | None, fed: bool
) -> Judgement:
    own = [walk.observations(port) for walk in walks]
    if value is None or own[0] is None or own[1] is None:
        return _unverified(str(port), "what was recorded are no numbers for each observation")
    network, count = walks[0].network, walks[0].batches.count
    rows_first = not network.kind.formatted and not network.kind.columns
    fitting = layouts(value, own[0], count, rows_first)
    if not fitting:
        _feed(walks if fed else (), port, read_misfit(value, own[0], count))
        return _misfit(str(port), own[0], value)
    layout, given = _nearest(fitting, value, own[0])
    members = [member for member in given.values if member < walks[0].right]
    _feed(walks if fed else (), port, given)
    given = given.among(members)
    exact, single = (layout.lay(one.among(members)) for one in own if one is not None)
    judgement = _judge(str(port), exact, single, layout.lay(given))
    return dataclasses.replace(judgement, note=_note(judgement, own[0], given, count))


def _feed(walks: Sequence[Walk], port: Port, given: Observations | None) -> None:
    if given is not None:
        for walk in walks:
            walk.feed(port, given)


def _nearest(
    fitting: Sequence[Layout], value: Recorded, own: Observations
) -> tuple[Layout, Observations]:
    """The layout whose values are nearest to what is computed, the first of equals."""
    read = [(layout, layout.read(value, own)) for layout in fitting]
    if len(read) == 1:
        return read[0]
    return min(read, key=lambda pair: _distance(pair[1], own))


def _distance(given: Observations, own: Observations) -> float:
    with np.errstate(invalid="ignore"):
        apart = (np.nansum(np.abs(x - own.values[m])) for m, x in given.values.items())
        return float(sum(apart))


# -- what is told ------------------------------------------------------------------------------


def _judge(
    name: str,
    exact: np.ndarray | list[np.ndarray],
    single: np.ndarray | list[np.ndarray],
    expected: np.ndarray | list[np.ndarray],
) -> Judgement:
    a, b, c = (_flat(value) for value in (exact, single, expected))
    statistics, rounding = Statistics.of(a, c), Statistics.of(b, a)
    budget = max(rounding.max_rel, FLOOR)
    if statistics.max_rel == 0 or Statistics.of(b, c).max_rel == 0:
        verdict, why = "identical", "equal to the last bit"
    elif statistics.max_rel <= BUDGETS * budget:
        verdict, why = "rounding", f"within {BUDGETS:g} times what float32 moves it"
    else:
        verdict, why = "different", "more than rounding explains"
    return Judgement(name, verdict, why, statistics, budget, BUDGETS, statistics.max_rel)


def _flat(value: np.ndarray | list[np.ndarray]) -> np.ndarray:
    if isinstance(value, list):
        return np.concatenate([np.ravel(item) for item in value])
    return np.asarray(value)


def _note(judgement: Judgement, own: Observations, given: Observations, count: int) -> str:
    """Of which observations it is, and from which time step on it is different."""
    notes = []
    if len(given.values) < count:
        notes.append(f"recorded of the first {len(given.values):,} of {count:,} observations")
    if judgement.verdict == "different" and "T" in own.dims:
        step, steps = _first_step(judgement, own, given)
        notes.append(f"from time step {step:,} of {steps:,} on")
    return "; ".join(notes)


def _first_step(judgement: Judgement, own: Observations, given: Observations) -> tuple[int, int]:
    """The first step, from 1, at which some observation is further away than rounding."""
    allowed = judgement.budgets * judgement.budget * judgement.statistics.scale
    along = own.dims.index("T")
    firsts, longest = [], 0
    for member, value in given.values.items():
        far = ~(np.abs(value - own.values[member]) <= allowed)
        others = tuple(axis for axis in range(far.ndim) if axis != along)
        steps = np.flatnonzero(far.any(axis=others))
        firsts += [int(steps[0]) + 1] if steps.size else []
        longest = max(longest, value.shape[along])
    return min(firsts, default=1), longest


def _misfit(name: str, own: Observations, value: Recorded) -> Judgement:
    first = next(iter(own.values.values()))
    shape = np.shape(value[0] if isinstance(value, list | tuple) else value)
    said = "×".join(map(str, first.shape)), "×".join(map(str, shape))
    what = "of each cell" if isinstance(value, list | tuple) else "of what was recorded"
    why = f"the sizes differ: {said[0]} for each observation, {said[1]} {what}"
    return dataclasses.replace(_unverified(name, why), verdict="different")


def _unverified(name: str, why: str) -> Judgement:
    nothing = Statistics(0, 0.0, 0.0, float("inf"), float("nan"), float("nan"), float("nan"))
    return Judgement(name, NOT_VERIFIED, why, nothing, 0.0, 0.0, float("inf"))
