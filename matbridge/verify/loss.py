"""What a network loses where it is written in fewer bits than it was trained in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matbridge.core.check import Check, Loss
from matbridge.core.dims import batch_first, reorder
from matbridge.core.network import Network
from matbridge.errors import UnsupportedError
from matbridge.predict.layouts import read_inputs
from matbridge.predict.sequences import exact_pieces
from matbridge.verify.inputs import OBSERVATIONS, draw_inputs
from matbridge.verify.roundtrip import Arrays, DifferenceError, Trace

__all__ = ["measure"]

# How many draws of random inputs, and how many observations of data at once.
DRAWS, TOGETHER = 8, 32


@dataclass
class Sums:
    """What adds up over the runs, of the values at one output."""

    noise: float = 0.0
    signal: float = 0.0
    worst: float = 0.0
    largest: float = 0.0
    same: int = 0
    decided: int = 0

    def add(self, found: np.ndarray, exact: np.ndarray, classes: int) -> None:
        difference = np.abs(found - exact)
        self.noise += float(np.square(difference).sum())
        self.signal += float(np.square(exact).sum())
        self.worst = max(self.worst, float(difference.max(initial=0.0)))
        self.largest = max(self.largest, float(np.abs(exact).max(initial=0.0)))
        if classes and exact.ndim > 1 and exact.shape[1] == classes:
            agree = found.argmax(axis=1) == exact.argmax(axis=1)
            self.same += int(agree.sum())
            self.decided += agree.size

    def loss(self, output: str) -> Loss:
        relative = self.worst / self.largest if self.largest else self.worst
        ratio = self.signal / self.noise if self.noise else math.inf
        decibels = 10 * math.log10(ratio) if 0 < ratio < math.inf else ratio
        return Loss(output, relative, decibels, self.same, self.decided)


def measure(
    network: Network,
    path: Path,
    run: Callable[[Path, Arrays], Trace] | None,
    data: Sequence[object],
) -> Check:
    """How far the outputs of what was written are from the network in float64.

    On ``data`` as predict takes them, else on random input. Raises DifferenceError where they
    are no longer finite.
    """
    from matbridge.torch.trace import trace

    sums = {name: Sums() for name in network.output_names}
    elements = 0
    for inputs in _given(network, data) if data else _drawn(network):
        if run is None:
            raise UnsupportedError("what is not run cannot be measured")
        found, exact = run(path, inputs), trace(network, inputs, "float64")
        for name, total in sums.items():
            # Spatial dimensions of size 1 may be left out.
            values = np.asarray(found[name], np.float64)
            wanted = exact[name].reshape(values.shape)
            if not np.isfinite(values[np.isfinite(wanted)]).all():
                raise DifferenceError(
                    f"with so few bits the network gives NaN or Inf at {name}",
                    mend="Write it without half or quantize.",
                )
            total.add(values, wanted, len(network.classes))
            elements += values.size
    losses = tuple(total.loss(name) for name, total in sums.items())
    return Check(elements=elements, losses=losses, on="the data given" if data else "random input")


def _drawn(network: Network) -> Iterator[Arrays]:
    """One observation at a time: those that are drawn together differ more than real ones, which
    share the range of their 8 bits."""
    for seed in range(DRAWS):
        inputs = draw_inputs(network, seed)
        for place in range(OBSERVATIONS):
            yield [values[place : place + 1] for values in inputs]


def _given(network: Network, data: Sequence[object]) -> Iterator[Arrays]:
    """The data batch first, observations of one length together."""
    batches = read_inputs(network, data, None)
    for piece in exact_pieces(batches, TOGETHER, ragged=False):
        yield [
            np.ascontiguousarray(
                reorder(piece.arrays[name], batch.dims, batch_first(batch.dims)), np.float32
            )
            for name, batch in batches.items()
        ]
