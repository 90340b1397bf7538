"""The ways in which a network may have been run on what it was given, the likeliest first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from matbridge.core.classes import STATISTICS
from matbridge.core.network import Network
from matbridge.core.running import Data, Progress
from matbridge.verify.proof.candidates import Entering
from matbridge.verify.proof.workspace import Leaf, Value

__all__ = ["Run", "Warmup", "batched", "has_states", "over_time", "plain"]

# MATLAB's own mini-batch, as many observations.
USUAL_BATCH = 128
BATCH_NAMES = ("minibatchsize", "batchsize", "minibatch")


@dataclass(frozen=True, eq=False)
class Warmup:
    """What a network was run on before, and the network in the state from which it was."""

    network: Network
    inputs: tuple[Data, ...]


@dataclass(frozen=True, eq=False)
class Run:
    """A network, what it is run on and how: ``words`` are its arguments as MATLAB would write
    them, ``count`` the observations or steps, ``leaves`` what they are made of. ``remark`` tells
    what came before, whose ``warmup`` led to the network's state, ``function`` what is called
    where it is not predict or classify."""

    network: Network
    name: str
    words: str
    inputs: tuple[Value | int, ...]
    count: int
    options: Mapping[str, object] = field(default_factory=dict)
    start: str = "saved"
    remark: str = ""
    function: str = ""
    leaves: tuple[Leaf, ...] = ()
    warmup: Warmup | None = None

    def call(self, function: str = "predict") -> str:
        """As MATLAB would write it."""
        network = f"resetState({self.name})" if self.start == "zero" else self.name
        if self.network.kind.columns:
            return self._simulated(network)
        function = "predict" if self._is_learner else self.function or function
        return f"{function}({', '.join((network, self.words, *_named(self.options)))})"

    def _simulated(self, network: str) -> str:
        """Of a network object; that of an Autoencoder is out of reach but for its predict."""
        owner, _, field_name = network.rpartition(".")
        if field_name == "Network" and self.network.provenance.details.get("name") == "Autoencoder":
            return f"predict({owner}, {self.words})"
        return f"{network}({self.words})"

    def assigned(self, variable: str, function: str) -> str:
        """What stands left of the call: predict of a fitcnet model gives labels, then scores."""
        scores = self._is_learner and self.network.classes and function == "predict"
        return f"[~, {variable}]" if scores else variable

    @property
    def _is_learner(self) -> bool:
        return self.network.kind.product == STATISTICS

    @property
    def together(self) -> int:
        """The mini-batch, where it changes results."""
        size = self.options.get("mini_batch_size", 1)
        return size if isinstance(size, int) and "sequence_length" in self.options else 1

    def first(self, count: int) -> Run:
        """The same on the first observations, whole mini-batches of them; itself for others."""
        size = -(-count // self.together) * self.together
        if size >= self.count:
            return self
        if not all(map(self._counts_observations, self.inputs)):
            return self
        inputs = tuple(_first(x, size, self.network.kind.columns) for x in self.inputs)
        return dataclasses.replace(self, inputs=inputs, count=size)

    def _counts_observations(self, value: Value | int) -> bool:
        """Whether what is given has observations, not steps of one sequence."""
        steps = over_time(self.network)
        return not isinstance(value, int) and (isinstance(value, list) or not steps)

    def results(self, progress: Progress | None = None) -> list[Value]:
        """What comes out at each output."""
        network = self.network.reset_state() if self.start == "zero" else self.network
        options = dict(self.options)
        result = network.predict(*self.inputs, **options, progress=progress)  # type: ignore[arg-type]
        return list(result) if isinstance(result, tuple) else [result]


def _named(options: Mapping[str, object]) -> Iterator[str]:
    words = {
        "mini_batch_size": "MiniBatchSize",
        "sequence_length": "SequenceLength",
        "padding_direction": "SequencePaddingDirection",
    }
    for name, value in options.items():
        if name in words:
            yield f"'{words[name]}', " + (f"'{value}'" if isinstance(value, str) else str(value))


def _first(value: Value | int, count: int, columns: bool) -> Value | int:
    if isinstance(value, int):
        return value
    if isinstance(value, list) or (value.ndim == 2 and not columns):
        return value[:count]
    return value[..., :count]


def over_time(network: Network) -> bool:
    """Whether an array is a sequence of steps."""
    return any("T" in layer.format for layer in network.input_layers.values())


def has_states(network: Network) -> bool:
    """Whether the network was saved with states other than those it begins with."""
    reset = network.reset_state()
    return any(
        not np.array_equal(array, reset[layer.name].arrays[name])
        for layer in network.layers
        for name, array in layer.arrays.items()
    )


def plain(network: Network, name: str, entering: Entering) -> Iterator[Run]:
    """As it is, and first from zero where a state was saved: a script that predicts begins anew
    and leaves its state in the network."""
    starts = ("zero", "saved") if has_states(network) else ("saved",)
    for start in starts:
        yield Run(
            network,
            name,
            entering.words,
            entering.values(),
            entering.count,
            start=start,
            leaves=entering.leaves,
        )


def batched(run: Run, entering: Entering, leaves: Sequence[Leaf]) -> Iterator[Run]:
    """The mini-batches that MATLAB pads, of sequences of several lengths."""
    if len(set(entering.lengths)) < 2:
        return
    for size in _batch_sizes(leaves, entering.count):
        for length in ("longest", "shortest"):
            for side in ("right", "left") if length == "longest" else ("right",):
                options = {"mini_batch_size": size, "sequence_length": length}
                if side == "left":
                    options["padding_direction"] = side
                yield dataclasses.replace(run, options=options)


def _batch_sizes(leaves: Sequence[Leaf], count: int) -> list[int]:
    """Those of the workspace, MATLAB's own, and all at once."""
    sizes = []
    for leaf in leaves:
        if leaf.size == 1 and leaf.kind == "numbers" and leaf.name.lower() in BATCH_NAMES:
            sizes.append(int(np.asarray(leaf.load()).reshape(-1)[0]))
    usual = [*sizes, USUAL_BATCH, count]
    return [size for size in dict.fromkeys(min(size, count) for size in usual) if size > 0]
