"""NumPy as what computes for a session: networks that MATLAB computes in double precision."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from matbridge.core.arrays import size_of
from matbridge.core.card import Array, Layer
from matbridge.core.dims import canonical
from matbridge.core.engine import Labelled, States
from matbridge.core.entry import SizeCheck
from matbridge.core.network import Network
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.ops import Ops, Value
from matbridge.ops.arrays import Arrays

__all__ = ["NumpyEngine"]

TYPES: dict[str, np.dtype] = {"float32": np.dtype(np.float32), "float64": np.dtype(np.float64)}

Held = dict[str, np.ndarray]


class NumpyEngine:
    """A network in NumPy on the CPU: an engine, as core.engine describes it.

    ``dtype`` is "float32" or "float64". Raises UnsupportedError for a network that is more than
    arithmetic, with convolutions, LSTM layers or functions on tensors, or that cannot run.
    """

    name = "numpy"

    def __init__(self, network: Network, dtype: str = "float64") -> None:
        if dtype not in TYPES:
            raise MismatchError(
                f"NumPy does not compute in {dtype}", mend="Use float32 or float64."
            )
        if not network.kind.double or not all(layer.in_words for layer in network.layers):
            raise UnsupportedError(
                "the engine numpy computes networks of arithmetic alone, such as shallow ones",
                mend='Use engine="torch".',
            )
        network.check_runnable()
        self.network, self.dtype = network, TYPES[dtype]
        self.size_check = SizeCheck(network, self.dtype.itemsize)
        self.ops = Ops(Arrays(self.dtype))  # type: ignore[arg-type]
        self.held = {layer.name: self._arrays_of(layer) for layer in network.layers}

    def _arrays_of(self, layer: Layer) -> Held:
        """The arrays of a layer; states that are not there are zero."""
        arrays: Held = {}
        for declared in layer.declared:
            array = layer.arrays.get(declared.name)
            size = size_of(layer, declared) if declared.role == "state" else None
            if array is None and size is not None:
                array = np.zeros(size)
            if array is not None:
                arrays[declared.name] = np.asarray(array, self.dtype)
        return arrays

    def run(
        self,
        inputs: Mapping[str, Labelled],
        states: States,
        lengths: tuple[int, ...] | None = None,
    ) -> tuple[list[Labelled], States] | None:
        """One mini-batch; see core.engine. Padded sequences are left to the caller."""
        if lengths is not None:
            return None
        self.size_check({name: (dims, array.shape) for name, (array, dims) in inputs.items()})
        values = {
            name: Value(array.astype(self.dtype, copy=False), dims)
            for name, (array, dims) in inputs.items()
        }
        bound: dict[str, Bound] = {}

        def bind(layer: Layer) -> Bound:
            held = {**self.held[layer.name], **states.get(layer.name, {})}
            bound[layer.name] = Bound(layer, self.ops, held)
            return bound[layer.name]

        with np.errstate(all="ignore"):
            results = self.network.walk(self.ops, values, bind)
        updates = {name: own.updates for name, own in bound.items() if own.updates}
        return [self._labelled(value) for value in results], updates

    def _labelled(self, value: Value) -> Labelled:
        value = value if "B" in value.dims else self.ops.align(value, value.dims + "B")
        dims = canonical(value.dims)
        return Labelled(self.ops.align(value, dims).data, dims)

    def states(self, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> States:
        """These states in the type that is computed with."""
        return {
            layer: {name: np.asarray(array, self.dtype) for name, array in own.items()}
            for layer, own in arrays.items()
        }

    def arrays(self, states: States) -> dict[str, dict[str, np.ndarray]]:
        """These states, which are arrays already."""
        return {layer: dict(own) for layer, own in states.items()}


class Bound:
    """The arrays of one layer during one run, and the states that the run sets."""

    def __init__(self, layer: Layer, ops: Ops, held: Held) -> None:
        self.declared: dict[str, Array] = {array.name: array for array in layer.declared}
        self.ops = ops
        self.held = held
        self.updates: Held = {}

    def __getitem__(self, name: str) -> Value:
        array = self.held[name]
        shape, dims = self.declared[name].view(array.shape)
        return Value(array.reshape(shape), dims)

    def update(self, **states: Value) -> None:
        for name, value in states.items():
            # A copy: what a loop leaves may be a view into whole sequences.
            self.updates[name] = self.ops.align(value, self.declared[name].dims).data.copy()
