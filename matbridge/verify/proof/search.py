"""The search for proof in a workspace: what fits is run and compared, the likeliest first."""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

from matbridge.core.network import Network
from matbridge.errors import MatbridgeError
from matbridge.matlab.file import MatFile
from matbridge.verify.proof.candidates import Entering, Shape, expected_of, inputs_of
from matbridge.verify.proof.comparing import TARGETS, Hit, Near, differences, held_against
from matbridge.verify.proof.constants import Constants
from matbridge.verify.proof.forecasting import followed, forecasts
from matbridge.verify.proof.judging import agreement
from matbridge.verify.proof.normalizing import normalized
from matbridge.verify.proof.outcome import Attempt, Likeness, NetworkSearch, Search
from matbridge.verify.proof.parts import head, parts_of_run
from matbridge.verify.proof.runs import Run, batched, plain
from matbridge.verify.proof.series import prepared, simulated
from matbridge.verify.proof.workspace import Leaf, Workspace

__all__ = ["TIME_LIMIT", "search"]

# Seconds for all networks of a file.
TIME_LIMIT = 60.0
# So many observations are looked at before all are run.
PROBE = 64
# What a phase may take of the time that is left: later ones are less likely, not hopeless.
SHARE = 0.5
# What goes along with a result so much is most likely what the network was trained to give.
ALIKE = 0.8
# ... where there are so many values.
TELLING = 10
# How often what agrees is run: to compare, and in each precision and order to judge.
RUNS = 6

Told = Callable[[str], None]
# What is done with a hit: whether it counts.
Judged = Callable[[Run, int, Leaf, Hit], bool]


class OutOfTimeError(Exception):
    """The time is up."""


@dataclasses.dataclass
class Clock:
    """How long a search may still take."""

    limit: float
    started: float = dataclasses.field(default_factory=time.monotonic)
    until: float = math.inf

    @property
    def spent(self) -> float:
        return time.monotonic() - self.started

    def check(self, *_: object) -> None:
        """Raise OutOfTimeError where nothing is left; a run's progress as well."""
        if self.spent > min(self.limit, self.until):
            raise OutOfTimeError


def search(
    values: MatFile | Mapping[str, object] | Workspace,
    networks: Mapping[str, Network],
    time_limit: float = TIME_LIMIT,
    told: Told = lambda message: None,
) -> Search:
    """Look for what MATLAB computed with these networks, by address, in the data of a workspace.

    Every variable that fits an input is run, in the ways that are usual, and each that fits an
    output held against what comes out; ``told`` is what is being tried. An interrupt ends the
    search with what was found so far.
    """
    workspace = values if isinstance(values, Workspace) else Workspace.of(values)
    clock = Clock(time_limit)
    states = [NetworkSearch(address, finished=False) for address in networks]
    try:
        for number, (state, network) in enumerate(zip(states, networks.values(), strict=True)):
            # What others leave of the time is for those that come after them.
            clock.until = clock.spent + (time_limit - clock.spent) / (len(states) - number)
            state.finished = _Seeker(state, network, workspace, clock, told).seek()
    except KeyboardInterrupt:
        pass  # what was found so far is kept, and those it ended are not finished
    finished = all(state.finished for state in states)
    return Search(tuple(states), clock.spent, finished, tuple(workspace.skipped))


class _Seeker:
    """The search for one network."""

    def __init__(
        self,
        state: NetworkSearch,
        network: Network,
        workspace: Workspace,
        clock: Clock,
        told: Told,
    ) -> None:
        self.state, self.network, self.clock, self.told = state, network, clock, told
        self.leaves = workspace.leaves
        self.shapes: list[tuple[Shape, list[Leaf]]] = []
        self.constants: dict[int, Constants] = {}
        # The addresses of the variables that are explained.
        self.proved: set[str] = set()

    def seek(self) -> bool:
        """Go through the phases; whether there was time for all of them."""
        try:
            self.network.check_runnable()
            self.shapes = [
                expected_of(self.network, port, self.leaves) for port in self.network.outputs
            ]
        except MatbridgeError as error:
            self.state.obstacle = error
            return True
        self.state.outputs = [leaf.address for _, leaves in self.shapes for leaf in leaves]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                phases = self._shallow() if self.network.kind.columns else self._deep()
                # Each has its share: one that is cut short does not end the search.
                return sum(not self._try_all(runs) for runs in phases) == 0
            except OutOfTimeError:
                return False

    # -- which runs --------------------------------------------------------------------------

    def _deep(self) -> Iterator[Iterator[Run]]:
        """The phases: as it is, in mini-batches, in other states, scaled before, in parts."""
        entering = inputs_of(self.network, self.leaves)
        self.state.inputs = [given.words for given in entering]
        base = [(run, given) for given in entering for run in self._safely(self._plain(given))]
        runs = [run for run, _ in base]
        yield iter(runs)
        yield (new for run, given in base for new in batched(run, given, self.leaves))
        yield self._forecasts(runs)
        yield followed(runs)
        rows = self._rows_entering()
        yield (new for run in runs for new in normalized(run, self._named(rows)))
        yield from self._in_parts(runs)

    def _plain(self, given: Entering) -> Iterator[Run]:
        return plain(self.network, self.state.address, given)

    def _shallow(self) -> Iterator[Iterator[Run]]:
        counts = sorted({max(leaf.shape) for _, leaves in self.shapes for leaf in leaves})
        runs = list(simulated(self.network, self.state.address, self.leaves, counts))
        self.state.inputs = list(dict.fromkeys(run.words for run in runs))
        yield iter(runs)
        yield prepared(self.network, self.state.address, self.leaves)
        plainly = [run for run in runs if not run.options]
        rows = self._rows_entering()
        yield (new for run in plainly for new in normalized(run, self._named(rows)))
        yield from self._in_parts(plainly)

    def _in_parts(self, runs: Sequence[Run]) -> Iterator[Iterator[Run]]:
        counts = dict.fromkeys(
            n for _, leaves in self.shapes for leaf in leaves for n in (max(leaf.shape),)
        )
        yield (new for run in runs for new in parts_of_run(run, list(counts), self.leaves))

    def _safely(self, runs: Iterator[Run]) -> Iterator[Run]:
        """The runs, without those whose data cannot be loaded."""
        try:
            yield from runs
        except MatbridgeError:
            return

    def _rows_entering(self) -> int:
        layer = next(iter(self.network.input_layers.values()), None)
        return (layer.entering["C"] or 1) if layer is not None else 1

    def _named(self, rows: int) -> Constants:
        if rows not in self.constants:
            self.constants[rows] = Constants(self.leaves, rows)
        return self.constants[rows]

    # -- each run ----------------------------------------------------------------------------

    def _try_all(self, runs: Iterator[Run]) -> bool:
        """Try the runs of a phase; whether its share of the time was enough."""
        left = min(self.clock.limit, self.clock.until) - self.clock.spent
        until = self.clock.spent + SHARE * left
        for run in runs:
            self.clock.check()
            if self.clock.spent > until:
                return False
            self._try(run, [self._open(leaves, run) for _, leaves in self.shapes])
        return True

    def _open(self, leaves: Sequence[Leaf], run: Run) -> list[Leaf]:
        """What is not explained yet, without what went in."""
        return [leaf for leaf in leaves if leaf not in run.leaves and not self._explained(leaf)]

    def _explained(self, leaf: Leaf) -> bool:
        """Whether it is proved, or stands in a cell that is."""
        return bool(self.proved & {leaf.address, leaf.address.rpartition("{")[0]})

    def _forecasts(self, runs: Sequence[Run]) -> Iterator[Run]:
        """Closed loops are compared here: each is of one variable."""
        rows = self.shapes[0][0].rows or 1
        if len(self.shapes) == 1 and rows == self._rows_entering() and self.shapes[0][0].columns:
            open_leaves = [leaf for leaf in self.shapes[0][1] if not self._explained(leaf)]
            for run, leaf in forecasts(runs, open_leaves, self.leaves, self._named(rows)):
                if not self._explained(leaf):
                    self._try(run, [[leaf]])
        return iter(())

    def _try(self, run: Run, open_leaves: Sequence[Sequence[Leaf]]) -> None:
        """Run on a few observations, and on all where something goes along with these."""
        fitting = [_of_count(leaves, run.count) for leaves in open_leaves]
        if not any(fitting):
            return
        self.told(f"{self.state.address}: {run.call()}")
        probe = run.first(PROBE)
        if probe is run:
            self._compare(run, fitting, self._judged)
            return
        agreed: set[str] = set()
        heads = [_heads(leaves, run.count, probe.count) for leaves in fitting]

        def keep(one: Run, place: int, leaf: Leaf, hit: Hit) -> bool:
            agreed.add(leaf.address)
            return True

        self._compare(probe, heads, keep)
        if agreed:
            whole = run.first(self._affordable(probe))
            if whole is not run:
                fitting = [_heads(leaves, run.count, whole.count) for leaves in fitting]
                remark = f"the first {whole.count:,} of {run.count:,} observations, for time"
                whole = dataclasses.replace(whole, remark=remark)
            self._compare(whole, fitting, self._judged, agreed)

    def _affordable(self, probe: Run) -> int:
        """How many observations can be run and judged in the time that is left."""
        started = time.monotonic()
        probe.results(self.clock.check)
        seconds = max(time.monotonic() - started, 1e-4)
        left = max(self.clock.limit - self.clock.spent, 1.0)
        return int(probe.count * max(left / (RUNS * seconds), 1.0))

    def _compare(
        self,
        run: Run,
        leaves: Sequence[Sequence[Leaf]],
        judged: Judged,
        only: set[str] | None = None,
    ) -> None:
        """Hold what comes out against each of the leaves of its output, or those of ``only``."""
        try:
            results = run.results(self.clock.check)
        except MatbridgeError:
            return
        for place, (result, (shape, _)) in enumerate(zip(results, self.shapes, strict=True)):
            chosen = [leaf for leaf in leaves[place] if only is None or leaf.address in only]
            hits = set()
            for leaf in chosen:
                for held in held_against(self.network, result, leaf, shape, self._named):
                    if isinstance(held, Near):
                        self._note(run, leaf, held)
                    elif judged(run, place, leaf, held):
                        hits.add(leaf)
            errors = [leaf for leaf in chosen if leaf not in hits]
            for leaf, hit in differences(result, errors, leaves[place], shape):
                if leaf not in hits and judged(run, place, leaf, hit):
                    hits.add(leaf)

    def _judged(self, run: Run, place: int, leaf: Leaf, hit: Hit) -> bool:
        """Whether it agrees to rounding; kept as a proof, or with the reason why it is none."""
        targets = any(TARGETS.search(other.name) for other in self.leaves if other is not leaf)
        tried = len(self.state.attempts) + 1
        agreed = agreement(run, place, hit, tried, self.clock.check, targets)
        pair = (run.words, hit.variable)
        if agreed is None:
            self.state.attempts[pair] = Attempt(run.call(hit.function), hit.variable, "differs")
            return False
        outcome = agreed.reason or agreed.verification.verdict
        self.state.attempts[pair] = Attempt(run.call(hit.function), hit.variable, outcome)
        known = {other.variable for other in self.state.agreements}
        if not agreed.reason or agreed.variable not in known:
            self.state.agreements.append(agreed)
        if not agreed.reason:
            self.proved.add(leaf.address)
        return True

    def _note(self, run: Run, leaf: Leaf, near: Near) -> None:
        """What differs, and what goes along with a result though it is not it."""
        pair = (run.words, leaf.address)
        self.state.attempts.setdefault(pair, Attempt(run.call(), leaf.address, "differs"))
        known = self.state.likenesses.get(leaf.address)
        better = known is None or known.correlation < near.correlation
        if near.correlation >= ALIKE and better and near.values >= TELLING:
            likeness = Likeness(leaf.address, run.call(), near.correlation)
            self.state.likenesses[leaf.address] = likeness


def _of_count(leaves: Sequence[Leaf], count: int) -> list[Leaf]:
    """Those that have as many observations or steps."""
    return [leaf for leaf in leaves if count in leaf.shape or leaf.size == count]


def _heads(leaves: Sequence[Leaf], count: int, size: int) -> list[Leaf]:
    """The first observations of each."""
    parts = (head(leaf, count, size) for leaf in leaves)
    return [leaf for leaf in parts if leaf is not None]
