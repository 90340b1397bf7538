"""What a run begins with: the mini-batches that predict makes, told apart from what runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.core.engine import Labelled
from matbridge.core.network import Network
from matbridge.core.running import Data
from matbridge.predict.columns import in_columns, read_columns
from matbridge.predict.delays import DelayStates
from matbridge.predict.layouts import read_inputs
from matbridge.predict.sequences import Padding, Piece, exact_pieces, matlab_pieces
from matbridge.predict.series import layer_ports

__all__ = ["MiniBatches"]

Arrays = Mapping[str, Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class MiniBatches:
    """What enters, piece by piece, in the dims of each input; ``states`` stand in for those of
    the network."""

    pieces: tuple[Piece, ...]
    dims: Mapping[str, str]
    count: int
    states: Arrays

    @classmethod
    def of(
        cls, network: Network, inputs: Sequence[Data], options: Mapping[str, Any]
    ) -> MiniBatches:
        """Those that Network.predict makes of these inputs with these of its options.

        Raises MismatchError where the inputs do not fit.
        """
        if network.kind.columns:
            return _of_columns(network, inputs, options)
        batches = read_inputs(network, inputs, options.get("format"))
        first = next(iter(batches.values()))
        size = options.get("mini_batch_size", 128)
        length = options.get("sequence_length")
        if length is None:
            pieces = exact_pieces(batches, size, ragged=False)
        else:
            padding = Padding(
                length,
                options.get("padding_direction", "right"),
                options.get("padding_value", 0.0),
            )
            pieces = matlab_pieces(batches, size, padding, options.get("sort_by_length", False))
        dims = {name: batch.dims for name, batch in batches.items()}
        return cls(tuple(pieces), dims, first.count, {})

    def entering(self, name: str) -> list[Labelled]:
        """The input of this name, a part for each piece."""
        return [Labelled(piece.arrays[name], self.dims[name]) for piece in self.pieces]


def _of_columns(
    network: Network, inputs: Sequence[Data], options: Mapping[str, Any]
) -> MiniBatches:
    """All samples or series of a network object at once, with its delay states."""
    format = options.get("format")
    if format is not None:
        inputs = in_columns(network, inputs, format) or inputs
    columns = read_columns(network, inputs)
    xi, ai = options.get("initial_input_delays"), options.get("initial_layer_delays")
    states = {
        **DelayStates.read(network, "Xi", xi, len(network.input_names)).by_layer(),
        **DelayStates.read(network, "Ai", ai, len(layer_ports(network))).by_layer(),
    }
    steps = next(iter(columns.arrays.values())).shape[-1] if "T" in columns.dims else 0
    piece = Piece(tuple(range(columns.samples)), columns.arrays, steps=steps)
    dims = dict.fromkeys(columns.arrays, columns.dims)
    return MiniBatches((piece,), dims, columns.samples, states)
