"""A network run a layer at a time over all mini-batches; a value is let go once it was read.

So much is held as flows between the layers at one moment, not what all of them give; and between
two layers a value can be exchanged for another, such as the one that MATLAB recorded there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import reorder, without
from matbridge.core.engine import Labelled
from matbridge.core.graph import Port
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.ops.layout import numbered
from matbridge.predict.mini_batches import MiniBatches
from matbridge.predict.sequences import Collected, Piece
from matbridge.verify.recorded import Observations

__all__ = ["Walk", "leading_to", "sources_of"]


class Walk:
    """One run in ``dtype`` of the layers that lead to the ports that are wanted, in order."""

    def __init__(
        self, network: Network, batches: MiniBatches, dtype: str, wanted: Iterable[Port]
    ) -> None:
        self.network, self.batches, self.dtype = network, batches, dtype
        self.layers = leading_to(network, wanted)
        # How many observations are what they should be at all ports that were fed.
        self.right = batches.count
        # What ports give, a part for each piece, and how many layers have still to read it.
        self.values: dict[Port, list[Labelled]] = {}
        self.readers = Counter(
            port for layer in self.layers for port in sources_of(network, layer).values() if port
        )

    def run(self, layer: Layer) -> None:
        """Run the next of ``layers`` on what stands before it; what nothing else reads goes.

        Raises what the layer raises, and MismatchError where nothing stands before it.
        """
        from matbridge.torch.layerwise import run_pieces

        pieces = self.batches.pieces
        try:
            entering = zip(*self._entering(layer), strict=True)
            begins = [piece.first for piece in pieces]
            states = self.batches.states.get(layer.name, {})
            given = list(run_pieces(layer, list(entering), begins, states, self.dtype))
        finally:
            self._let_go(layer)
        for name, parts in zip(layer.outputs, zip(*given, strict=True), strict=True):
            self.values[Port(layer.name, name)] = list(parts)

    def _entering(self, layer: Layer) -> list[list[Labelled]]:
        return [
            self.batches.entering(name) if port is None else self._at(port)
            for name, port in sources_of(self.network, layer).items()
        ]

    def _at(self, port: Port) -> list[Labelled]:
        if port not in self.values:
            raise MismatchError(f"what {port} gives is not known, for the same reason")
        return self.values[port]

    def _let_go(self, layer: Layer) -> None:
        for port in sources_of(self.network, layer).values():
            if port is not None:
                self.readers[port] -= 1
                self._drop(port)

    def drop(self, layer: Layer) -> None:
        """Let go of what a layer gives and nothing will read."""
        for name in layer.outputs:
            self._drop(Port(layer.name, name))

    def _drop(self, port: Port) -> None:
        if not self.readers[port]:
            self.values.pop(port, None)

    def observations(self, port: Port) -> Observations | None:
        """What a port gives for each observation, or each frame where those are folded; None where
        that is not one value for each."""
        parts = self._at(port)
        if len(parts) == 1 and _folded(self.batches.pieces[0], parts[0]):
            (array, dims), rest = parts[0], without(parts[0].dims, "B")
            return Observations(numbered(rest), dict(enumerate(reorder(array, dims, "B" + rest))))
        collected = Collected()
        try:
            for piece, (array, dims) in zip(self.batches.pieces, parts, strict=True):
                collected.add(piece, array, dims)
        except MismatchError:
            return None
        rest = without(collected.dims, "B")
        values = {
            member: row
            for members, whole in collected.groups()
            for member, row in zip(members, reorder(whole, collected.dims, "B" + rest), strict=True)
        }
        return Observations(numbered(rest), values)

    def feed(self, port: Port, given: Observations) -> None:
        """Exchange what a port gives for these values; padding, and other observations, stay."""
        read: Counter[int] = Counter()
        self.right = min(self.right, len(given.values))
        self.values[port] = [
            _fed(piece, labelled, given, read)
            for piece, labelled in zip(self.batches.pieces, self._at(port), strict=True)
        ]


def _folded(piece: Piece, labelled: Labelled) -> bool:
    """Whether there are several values for each observation."""
    return labelled.array.shape[labelled.dims.index("B")] > len(piece.members)


def _fed(piece: Piece, own: Labelled, given: Observations, read: Counter[int]) -> Labelled:
    """A part with the values of observations in it; ``read`` counts the steps each has had."""
    rest = without(own.dims, "B")
    rows = list(reorder(own.array, own.dims, "B" + rest))
    along = rest.index("T") if "T" in rest else None
    if along is None and not piece.last:
        return own
    steps = None if along is None else rows[0].shape[along]
    members = range(len(rows)) if _folded(piece, own) else piece.members
    for place, member in enumerate(members):
        if member in given.values:
            whole = given.values[member]
            kept = piece.kept if along is not None and steps == piece.steps else None
            if kept is None or along is None:
                rows[place] = whole
            else:
                rows[place] = _spliced(rows[place], whole, along, kept[place], read[member])
                read[member] += kept[place].stop - kept[place].start
    if len({row.shape for row in rows}) > 1:
        return own
    stacked = np.stack(rows)
    kind = stacked.dtype if stacked.dtype.kind == "c" else own.array.dtype
    return Labelled(reorder(stacked.astype(kind, copy=False), "B" + rest, own.dims), own.dims)


def _spliced(own: np.ndarray, whole: np.ndarray, along: int, kept: slice, start: int) -> np.ndarray:
    """A row with steps of a whole sequence, from ``start``, where it is not padding."""
    row = np.array(own)
    before = (slice(None),) * along
    row[(*before, kept)] = whole[(*before, slice(start, start + kept.stop - kept.start))]
    return row


def leading_to(network: Network, wanted: Iterable[Port]) -> tuple[Layer, ...]:
    """The layers that these ports depend on, in the order in which data flow."""
    needed = {port.layer for port in wanted}
    for layer in reversed(network.order()):
        if layer.name in needed:
            needed |= {port.layer for port in sources_of(network, layer).values() if port}
    return tuple(layer for layer in network.order() if layer.name in needed)


def sources_of(network: Network, layer: Layer) -> dict[str, Port | None]:
    """What feeds each input port of a layer, by the name of the network's input where it is one:
    None stands for the data themselves."""
    if layer.IS_INPUT:
        return {layer.name: None}
    ports = [Port(layer.name, name) for name in layer.inputs]
    return {str(port): network.graph.sources.get(port) for port in ports}
