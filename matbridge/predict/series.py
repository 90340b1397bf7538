"""A ``network`` object run as MATLAB's [Y,Xf,Af] = net(X,Xi,Ai) runs it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from matbridge.core.dims import reorder
from matbridge.core.engine import EngineError, Labelled, States
from matbridge.core.graph import Port
from matbridge.core.network import Network
from matbridge.core.running import Data, Progress
from matbridge.errors import MismatchError
from matbridge.predict.columns import Columns, in_columns, read_columns
from matbridge.predict.delays import DelayStates, Steps
from matbridge.predict.session import Session
from matbridge.shallow import names

if TYPE_CHECKING:
    import torch

__all__ = ["SeriesSession", "Simulated", "open_session", "vec2ind"]

Output = np.ndarray | list[np.ndarray]
Arrays = Mapping[str, Mapping[str, np.ndarray]]
# As many numbers as the largest result on the way shall have.
ROOM = 1 << 20
# Options of predict that only network objects have.
DELAYS = ("initial_input_delays", "initial_layer_delays")


class Simulated(NamedTuple):
    """What a run gave: Y, and the states Xf and Af from which the next one goes on."""

    outputs: Output | tuple[Output, ...]
    final_input_delays: Steps
    final_layer_delays: Steps


class SeriesSession(Session):
    """A session of a network object: samples as columns, cells of steps, delay states.

    It takes what Network.predict tells of shallow networks; with ``format`` it is a session
    as any other.
    """

    _watching: SeriesSession | None = None

    def predict(
        self,
        *inputs: Data,
        format: str | Sequence[str] | None = None,
        initial_input_delays: object = None,
        initial_layer_delays: object = None,
        final_states: bool = False,
        progress: Progress | None = None,
        **options: Any,
    ) -> Any:
        """Y, or with ``final_states`` Y, Xf and Af; see Network.predict."""
        if format is not None:
            turned = in_columns(self.network, inputs, format)
            if turned is None:
                _check_no_states(final_states, initial_input_delays, initial_layer_delays)
                return super().predict(*inputs, format=format, progress=progress, **options)
            inputs = turned
        if options.get("sequence_length") is not None:
            raise MismatchError("a network object pads no sequences: leave out sequence_length")
        network = self.network
        columns = read_columns(network, inputs)
        xi, ai = _delays(network, initial_input_delays, initial_layer_delays)
        running = self._watched() if final_states else self
        starting = running._starting({**xi.by_layer(), **ai.by_layer()})
        arrays, _ = starting._computed(columns, progress)
        outputs = _shaped(columns, arrays[: len(network.outputs)])
        if not final_states:
            return outputs
        entered = [columns.arrays[name] for name in network.input_names]
        return Simulated(outputs, xi.after(entered), ai.after(arrays[len(network.outputs) :]))

    def predict_and_update_state(
        self,
        *inputs: Data,
        format: str | Sequence[str] | None = None,
        initial_input_delays: object = None,
        initial_layer_delays: object = None,
    ) -> Any:
        """Y; the session goes on from the states after the run, or first from those given."""
        if format is not None:
            turned = in_columns(self.network, inputs, format)
            if turned is None:
                return super().predict_and_update_state(*inputs, format=format)
            inputs = turned
        columns = read_columns(self.network, inputs)
        xi, ai = _delays(self.network, initial_input_delays, initial_layer_delays)
        with self._lock:
            self._start({**xi.by_layer(), **ai.by_layer()})
            arrays, states = self._computed(columns)
            self._go_on(states)
        return _shaped(columns, arrays)

    def classify(
        self,
        *inputs: Data,
        classes: Sequence[str] = (),
        scores: bool = False,
        format: str | Sequence[str] | None = None,
        **options: Any,
    ) -> Any:
        """The number of the largest row of each column, from 1, as MATLAB's vec2ind; or its name
        where there are ``classes``."""
        if format is not None:
            options["format"] = format
        delays = {name: options[name] for name in (*DELAYS, "format") if name in options}
        y = self.predict(*inputs, progress=options.get("progress"), **delays)
        first = y[0] if isinstance(y, tuple) else y
        several = isinstance(first, list)
        labels = [_named(vec2ind(part), part, classes) for part in (first if several else [first])]
        return (labels if several else labels[0], y) if scores else labels if several else labels[0]

    def _computed(
        self, columns: Columns, progress: Progress | None = None
    ) -> tuple[list[np.ndarray], States]:
        """The outputs R×Q×T, or R×Q, and the states after the run."""
        self._check_observations(columns.samples)
        with self._lock:
            try:
                return self._in_parts(columns, progress)
            except EngineError as error:
                if not self._turned_to_torch(error):
                    raise
                return self._in_parts(columns, progress)

    def _in_parts(
        self, columns: Columns, progress: Progress | None
    ) -> tuple[list[np.ndarray], States]:
        """Series as a whole; samples in parts whose results stay near the processor."""
        count = columns.samples
        size = count if columns.dims == "CBT" else _part_size(self._base)
        parts: list[list[np.ndarray]] = []
        states: States = {}
        for start in range(0, count, size):
            entering = {
                name: Labelled(array[:, start : start + size], columns.dims)
                for name, array in columns.arrays.items()
            }
            outcome = self.engine.run(entering, self._states)
            assert outcome is not None, "no lengths were asked for"
            results, states = outcome
            parts.append([reorder(array, dims, columns.dims) for array, dims in results])
            if progress is not None:
                progress(min(start + size, count), count)
        joined = zip(*parts, strict=True)
        return [p[0] if len(p) == 1 else np.concatenate(p, axis=1) for p in joined], states

    def _start(self, states: Arrays) -> None:
        """Go on with these states in place of those at hand."""
        held = {name: dict(own) for name, own in self._states.items()}
        for name, own in self.engine.states(states).items():
            held.setdefault(name, {}).update(own)
        if states:
            self._begin(self._base, held)

    def _starting(self, states: Arrays) -> SeriesSession:
        """Another session on the same engine that begins with these states."""
        if not states:
            return self
        other = self.sharing()
        assert isinstance(other, SeriesSession)
        other._start(states)
        return other

    def _watched(self) -> SeriesSession:
        """A session that gives what each layer gives behind the outputs."""
        if self._watching is None:
            self._watching = SeriesSession(_watched(self._base), **self._asked._asdict())
        return self._watching._starting(self.engine.arrays(self._states))


def open_session(
    network: Network,
    engine: str,
    device: torch.device | str,
    dtype: torch.dtype | str | None,
    allow_tf32: bool,
) -> Session:
    """The session that suits the class of network."""
    session = SeriesSession if network.kind.columns else Session
    return session(network, engine=engine, device=device, dtype=dtype, allow_tf32=allow_tf32)


def vec2ind(columns: ArrayLike) -> np.ndarray:
    """As MATLAB's vec2ind: of each column the number of its largest row, from 1, the first of
    several. 0 stands for a column with NaN, in which no row is the largest."""
    array = np.atleast_2d(np.asarray(columns, float))
    unknown = np.isnan(array)
    largest = np.where(unknown, -np.inf, array).argmax(axis=0) + 1
    return np.where(unknown.any(axis=0), 0, largest)


def _named(numbers: np.ndarray, columns: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """The names of these classes, the numbers themselves where there are none."""
    if not len(classes):
        return numbers
    if len(classes) != len(columns):
        raise MismatchError(f"{len(classes)} classes are named, the output has {len(columns)} rows")
    return np.array(["", *classes], dtype=object)[numbers]


def layer_ports(network: Network) -> list[Port]:
    """Where the output of each layer can be seen, a{1}, a{2} and so on, also within loops."""
    known: dict[str, Port] = {}
    for layer in network.layers:
        for output in layer.outputs:
            name = layer.name if output == "out" else output
            known[name] = Port(layer.name, output)
    return [known[names.a(i)] for i in names.numbered(known, names.a)]


def _watched(network: Network) -> Network:
    """The network with the output of each layer behind its own outputs."""
    ports = (*network.outputs, *layer_ports(network))
    return dataclasses.replace(network, output_ports=ports)


def _shaped(columns: Columns, arrays: list[np.ndarray]) -> Output | tuple[Output, ...]:
    shaped = [columns.shaped(array) for array in arrays]
    return shaped[0] if len(shaped) == 1 else tuple(shaped)


def _delays(network: Network, xi: object, ai: object) -> tuple[DelayStates, DelayStates]:
    """Xi and Ai as they are given."""
    return (
        DelayStates.read(network, "Xi", xi, len(network.input_names)),
        DelayStates.read(network, "Ai", ai, len(layer_ports(network))),
    )


def _check_no_states(*states: object) -> None:
    if any(state is not None and state is not False for state in states):
        raise MismatchError(
            "states go with arrays and with cells of R×Q, not with cells of a format",
            mend="Leave format out and give each step as R×Q.",
        )


def _part_size(network: Network) -> int:
    """So many samples that what a layer makes of them fits the cache."""
    largest = max((a.size for layer in network.layers for a in layer.arrays.values()), default=1)
    return max(ROOM // max(largest, 1), 256)
