"""A network run a layer at a time over all mini-batches; a value is let go once it was read.

So much is held as flows between the layers at one moment, not what all of them give; and between
two layers a value can be exchanged for another, such as the one that MATLAB recorded there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import canonical, reorder, without
from matbridge.core.engine import Labelled
from matbridge.core.graph import Port
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.ops.layout import numbered
from matbridge.predict.mini_batches import MiniBatches
from matbridge.predict.sequences import Collected, Piece
from matbridge.verify.layers.layouts import Observations

__all__ = ["Walk", "leading_to", "sources_of"]


class Walk:
    """One run in ``dtype`` of the layers that lead to the ports that are wanted, in order."""

    def __init__(
        self, network: Network, batches: MiniBatches, dtype: str, wanted: Iterable[Port]
    ) -> None:
        self.network, self.batches, self.dtype = network, batches, dtype
        self.layers = leading_to(network, wanted)
        # The observations of which all is known where values are fed: none of it is padding.
        self.known = set(range(batches.count)) - _padded(batches.pieces)
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
            self._data(name) if port is None else self._at(port)
            for name, port in sources_of(self.network, layer).items()
        ]

    def _data(self, name: str) -> list[Labelled]:
        """The network's own input, as floating point numbers."""
        return [_floating(part, self.dtype) for part in self.batches.entering(name)]

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
        """What a port gives for each observation, its steps side by side where they are folded;
        None where that is not one value for each."""
        collected = Collected()
        try:
            for piece, part in zip(self.batches.pieces, self._at(port), strict=True):
                collected.add(piece, *_unfolded(piece, part))
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
        self.known &= set(given.values)
        self.values[port] = [
            _fed(piece, labelled, given, read)
            for piece, labelled in zip(self.batches.pieces, self._at(port), strict=True)
        ]


def _floating(part: Labelled, dtype: str) -> Labelled:
    if part.array.dtype.kind == "c":
        return part
    return part._replace(array=part.array.astype(dtype, copy=False))


def _unfolded(piece: Piece, part: Labelled) -> Labelled:
    """A part whose steps are folded into its observations, those of one step together, with time;
    any other as it is."""
    (array, dims), count = part, len(piece.members)
    total = array.shape[dims.index("B")]
    if total == count or total % count or "T" in dims:
        return part
    rest = without(dims, "B")
    rows = reorder(array, dims, "B" + rest)
    apart = rows.reshape(total // count, count, *rows.shape[1:])
    return Labelled(reorder(apart, "TB" + rest, canonical(dims + "T")), canonical(dims + "T"))


def _folded(part: Labelled, dims: str) -> Labelled:
    """The inverse: a part in these dims again."""
    if part.dims == dims:
        return part
    rest = without(dims, "B")
    rows = reorder(part.array, part.dims, "TB" + rest)
    return Labelled(reorder(rows.reshape(-1, *rows.shape[2:]), "B" + rest, dims), dims)


def _fed(piece: Piece, part: Labelled, given: Observations, read: Counter[int]) -> Labelled:
    """A part with the values of observations in it; ``read`` counts the steps each has had."""
    own = _unfolded(piece, part)
    rest = without(own.dims, "B")
    rows = list(reorder(own.array, own.dims, "B" + rest))
    along = rest.index("T") if "T" in rest else None
    if along is None and not piece.last:
        return part
    steps = None if along is None else rows[0].shape[along]
    for place, member in enumerate(piece.members):
        if member in given.values:
            whole = given.values[member]
            kept = piece.kept if along is not None and steps == piece.steps else None
            if kept is None or along is None:
                rows[place] = whole
            else:
                rows[place] = _spliced(rows[place], whole, along, kept[place], read[member])
                read[member] += _steps_in(kept[place])
    if len({row.shape for row in rows}) > 1:
        return part
    stacked = np.stack(rows)
    kind = stacked.dtype if stacked.dtype.kind == "c" else own.array.dtype
    fed = reorder(stacked.astype(kind, copy=False), "B" + rest, own.dims)
    return _folded(Labelled(fed, own.dims), part.dims)


def _spliced(own: np.ndarray, whole: np.ndarray, along: int, kept: slice, start: int) -> np.ndarray:
    """A row with steps of a whole sequence, from ``start``, where it is not padding."""
    row = np.array(own)
    before = (slice(None),) * along
    row[(*before, kept)] = whole[(*before, slice(start, start + _steps_in(kept)))]
    return row


def _steps_in(kept: slice) -> int:
    return max(int(kept.stop) - int(kept.start), 0)


def _padded(pieces: Iterable[Piece]) -> set[int]:
    """The observations that have padding somewhere."""
    return {
        member
        for piece in pieces
        for member, kept in zip(piece.members, piece.kept or (), strict=False)
        if _steps_in(kept) < piece.steps
    }


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
