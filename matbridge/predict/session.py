"""predict and classify, as MATLAB's users know them, on a network made ready to run."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.engine import Engine, EngineError, Labelled, States
from matbridge.core.network import Network
from matbridge.core.running import Data, Progress
from matbridge.errors import MismatchError
from matbridge.predict.engines import AUTO, Asked, Choice, open_engine
from matbridge.predict.labels import class_names, label
from matbridge.predict.layouts import Batch, Predicted, Result, read_inputs, shape_output
from matbridge.predict.plan import Plan, Plans, plan_for, plan_key
from matbridge.predict.sequences import (
    Collected,
    Padding,
    Piece,
    exact_pieces,
    matlab_pieces,
    of_one_length,
)

if TYPE_CHECKING:
    import torch

__all__ = ["Session"]


@dataclass(frozen=True)
class Batching:
    """Which observations run together: at most ``size`` (None: all), padded as MATLAB does
    (``padding`` None: each at its own length)."""

    size: int | None
    padding: Padding | None = None
    sort: bool = False

    def __post_init__(self) -> None:
        size = self.size
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
            raise MismatchError(
                f"the mini-batch size is {size!r}", mend="Use a positive whole number."
            )


class Planned(NamedTuple):
    """What came the short way."""

    plan: Plan
    seen: Predicted | tuple[Predicted, ...]
    results: list[Labelled]
    states: States


class Session:
    """A network made ready to run: its engine, its weights laid out, and its state.

    ``Network.predict`` makes one and keeps it; a loop that serves can hold its own:

        with network.session(device="cuda") as session:
            for x in requests:
                y = session.predict(x)

    ``engine`` is "torch", "onnxruntime" or "auto": onnxruntime where that computes the network
    on this device, else torch; ``choice`` tells which, and why not the other. ``device``,
    ``dtype`` and ``allow_tf32`` are as torch takes them. Several threads may use one session;
    they take turns. Warns where arrays of the network hold NaN or Inf. Raises
    UnsupportedError for a network that cannot run, MismatchError for an engine, a device or a
    type that is not there.
    """

    def __init__(
        self,
        network: Network,
        *,
        engine: str = "auto",
        device: torch.device | str = "cpu",
        dtype: torch.dtype | str | None = None,
        allow_tf32: bool = False,
    ) -> None:
        _warn_about(network)
        self._asked = Asked(engine, device, dtype or network.dtype, allow_tf32)
        self._engine: Engine | None
        self._engine, self.choice = open_engine(network, self._asked)
        self._plans = Plans()
        self._lock = threading.RLock()
        self._begin(network, {})

    def _begin(self, network: Network, states: States) -> None:
        """Go on with this network and, in place of its states, those that the engine holds."""
        self._base, self._states = network, states
        self._current: Network | None = None if states else network
        self._observations = {**_observations(network), **_observations_held(states)}

    def _go_on(self, states: States) -> None:
        """Take over what a run left."""
        self._states = {**self._states, **states}
        if states:
            self._current = None
            self._observations.update(_observations_held(states))

    def sharing(self) -> Session:
        """Another session on the same engine, with a state of its own from here on."""
        other = object.__new__(type(self))
        other._asked, other.choice = self._asked, self.choice
        other._engine, other._lock, other._plans = self._engine, self._lock, self._plans
        other._begin(self._base, self._states)
        return other

    def __repr__(self) -> str:
        what = "closed" if self._engine is None else f"{len(self._base)} layers, {self.choice}"
        return f"<Session of a {self._base.class_name}: {what}>"

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the weights and what was made of them; ``network`` stays."""
        if self._engine is not None:
            self._current = self.network
            self._engine = None

    @property
    def engine(self) -> Engine:
        """What computes; MismatchError once the session is closed."""
        if self._engine is None:
            raise MismatchError("the session is closed", mend="Open another: network.session().")
        return self._engine

    @property
    def network(self) -> Network:
        """The network with the state that the session is in."""
        if self._current is None:
            self._current = self._base.with_states(self.engine.arrays(self._states))
        return self._current

    # -- what it does ------------------------------------------------------------------------

    def predict(
        self,
        *inputs: Data,
        format: str | Sequence[str] | None = None,
        mini_batch_size: int = 128,
        sequence_length: str | int | None = None,
        padding_direction: str = "right",
        padding_value: float = 0.0,
        sort_by_length: bool = False,
        progress: Progress | None = None,
    ) -> Any:
        """Scores or responses, as Network.predict; the session's state stays as it is."""
        if sequence_length is None and progress is None:
            planned = self._planned(inputs, format, mini_batch_size)
            if planned is not None:
                return planned.seen
        padding = _padding(sequence_length, padding_direction, padding_value)
        batching = Batching(mini_batch_size, padding, sort_by_length)
        results, _ = self._run(inputs, format, batching, progress)
        return self._shaped(results)

    def classify(
        self,
        *inputs: Data,
        classes: Sequence[str] = (),
        scores: bool = False,
        format: str | Sequence[str] | None = None,
        mini_batch_size: int = 128,
        sequence_length: str | int | None = None,
        padding_direction: str = "right",
        padding_value: float = 0.0,
        sort_by_length: bool = False,
        progress: Progress | None = None,
    ) -> Any:
        """Class names, as Network.classify; with ``scores`` both, as a tuple."""
        names = class_names(self._base, classes)
        if sequence_length is None and progress is None:
            planned = self._planned(inputs, format, mini_batch_size)
            if planned is not None:
                labels = label(self._base, planned.plan.results(planned.results)[0], names)
                return (labels, planned.seen) if scores else labels
        padding = _padding(sequence_length, padding_direction, padding_value)
        batching = Batching(mini_batch_size, padding, sort_by_length)
        results, _ = self._run(inputs, format, batching, progress)
        labels = label(self._base, results[0], names)
        return (labels, self._shaped(results)) if scores else labels

    def predict_and_update_state(
        self, *inputs: Data, format: str | Sequence[str] | None = None
    ) -> Any:
        """As MATLAB's predictAndUpdateState: the result; the session keeps the new state.

        The observations must be of one length.
        """
        with self._lock:  # until the new state is there, so that no other thread's is lost
            planned = self._planned(inputs, format, None)
            if planned is not None:
                self._go_on(planned.states)
                return planned.seen
            results, states = self._run(inputs, format, Batching(None))
            self._go_on(states)
        return self._shaped(results)

    def reset_state(self) -> None:
        """As MATLAB's resetState: recurrent states back to the initial ones."""
        reset = self._base.reset_state()
        arrays = {layer.name: _recurrent_states(layer) for layer in reset.layers}
        states = self.engine.states({name: own for name, own in arrays.items() if own})
        with self._lock:
            self._begin(reset, states)

    # -- how ---------------------------------------------------------------------------------

    def _planned(
        self, inputs: Sequence[Data], format: str | Sequence[str] | None, size: int | None
    ) -> Planned | None:
        """The short way of data such as have gone the long way before; None for others."""
        plan = self._plans.get(plan_key(inputs, format, size))
        if plan is None:
            return None
        if self._observations:
            self._check_observations(plan.count)
        try:
            with self._lock:
                outcome = self.engine.run(plan.entered(inputs), self._states)  # type: ignore[arg-type]
        except EngineError:
            return None
        if outcome is None:
            return None
        seen = plan.seen(outcome[0])
        return None if seen is None else Planned(plan, seen, *outcome)

    def _run(
        self,
        inputs: Sequence[Data],
        format: str | Sequence[str] | None,
        batching: Batching,
        progress: Progress | None = None,
    ) -> tuple[list[Result], States]:
        """The result at each output, and the states after the last mini-batch."""
        self.engine  # noqa: B018 - closed or not, before anything is read
        batches = read_inputs(self._base, inputs, format)
        first = next(iter(batches.values()))
        if batching.size is None and len(first.members) > 1:
            raise MismatchError("states can only be updated by sequences of one length")
        self._check_observations(first.count)
        with self._lock:
            try:
                outcome = self._exactly(batches, batching, progress)
            except EngineError as error:
                if not self._turned_to_torch(error):
                    raise
                outcome = self._exactly(batches, batching, progress)
        collected, states = outcome
        kind = next((b.kind for b in batches.values() if b.kind != "array"), "array")
        results = [Result(kind, each.groups(), each.dims) for each in collected]
        key = plan_key(inputs, format, batching.size)
        if key is not None and batching.padding is None:
            one = format if isinstance(format, str) else None
            self._plans.keep(key, plan_for(self._base, inputs, one, batching.size, results))  # type: ignore[arg-type]
        return results, states

    def _exactly(
        self, batches: dict[str, Batch], batching: Batching, progress: Progress | None
    ) -> tuple[list[Collected], States]:
        """All mini-batches, padded where the engine sees to it that this changes no result."""
        first = next(iter(batches.values()))
        together = len(first.members) > 1 and of_one_length(batches)
        outcome = self._through(batches, batching, progress, together)
        if outcome is None:
            outcome = self._through(batches, batching, progress, together=False)
        assert outcome is not None
        return outcome

    def _turned_to_torch(self, error: EngineError) -> bool:
        """Whether the choice was ours, and there is another engine to go on with."""
        if self._asked.engine != AUTO or self.choice.name == "torch":
            return False
        states = self.engine.arrays(self._states)
        self._engine, _ = open_engine(self._base, self._asked._replace(engine="torch"))
        self.choice = Choice("torch", error.what)
        self._states = self._engine.states(states)
        return True

    def _through(
        self,
        batches: dict[str, Batch],
        batching: Batching,
        progress: Progress | None,
        together: bool,
    ) -> tuple[list[Collected], States] | None:
        """All mini-batches, one after the other; None if the engine cannot pad them."""
        engine = self.engine
        collected = [Collected() for _ in self._base.outputs]
        count, done = next(iter(batches.values())).count, 0
        states = self._states
        for piece in self._pieces(batches, batching, count, together):
            labelled = {n: Labelled(a, batches[n].dims) for n, a in piece.arrays.items()}
            # One that goes on with longer sequences begins where the last ended.
            outcome = engine.run(labelled, self._states if piece.first else states, piece.lengths)
            if outcome is None:
                return None
            results, states = outcome
            for output, (array, dims) in zip(collected, results, strict=True):
                output.add(piece, array, dims)
            done += len(piece.members) * piece.last
            if progress is not None:
                progress(done, count)
        return collected, states

    def _pieces(
        self, batches: dict[str, Batch], batching: Batching, count: int, together: bool
    ) -> Iterator[Piece]:
        """Mini-batches as MATLAB makes them, or exact ones."""
        # Where each observation has its own state, they stay together.
        stateful = any(n > 1 for n in self._observations.values())
        size = count if stateful or batching.size is None else batching.size
        if batching.padding is not None:
            return matlab_pieces(batches, size, batching.padding, batching.sort)
        return exact_pieces(batches, size, together and not stateful)

    def _check_observations(self, count: int) -> None:
        """States of several observations only serve as many."""
        for (layer, name), n in self._observations.items():
            if n not in (1, count):
                raise MismatchError(
                    f"the saved {name} is that of {n} observations, the input has {count}",
                    where=layer,
                    mend="Use network.reset_state() to begin anew.",
                )

    def _shaped(self, results: Sequence[Result]) -> Predicted | tuple[Predicted, ...]:
        shaped = [shape_output(self._base, result) for result in results]
        return shaped[0] if len(shaped) == 1 else tuple(shaped)


def _padding(length: str | int | None, direction: str, value: float) -> Padding | None:
    """How MATLAB would pad, None for exact lengths."""
    return None if length is None else Padding(length, direction, value)


def _recurrent_states(layer: Layer) -> dict[str, np.ndarray]:
    """The states that the layer has saved, without those from which it once began."""
    names = [a.name for a in layer.declared if a.role == "state"]
    saved = [name for name in names if name in layer.arrays and not name.startswith("Initial")]
    return {name: layer.arrays[name] for name in saved}


def _observations(network: Network) -> dict[tuple[str, str], int]:
    """Of how many observations the state of each layer is."""
    return {
        (layer.name, name): array.shape[1]
        for layer in network.layers
        for name, array in _recurrent_states(layer).items()
    }


def _observations_held(states: States) -> dict[tuple[str, str], int]:
    return {(layer, name): a.shape[1] for layer, own in states.items() for name, a in own.items()}


def _warn_about(network: Network) -> None:
    """Say which arrays make NaN of whatever comes in."""
    names = network.nonfinite_arrays()
    if names:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        warnings.warn(
            f"the network's arrays hold NaN or Inf ({shown}): its training diverged, and what "
            "it computes is no answer",
            stacklevel=_levels_to_caller(),
        )


def _levels_to_caller() -> int:
    """How far up the first function is that is not of matbridge."""
    frame, levels = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("matbridge."):
        frame, levels = frame.f_back, levels + 1
    return levels
