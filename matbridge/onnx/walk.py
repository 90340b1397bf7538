"""A walk through a network that adds its nodes to a graph: what enters, and which states."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from matbridge.core.arrays import size_of
from matbridge.core.card import Array, Layer
from matbridge.core.dims import reorder
from matbridge.core.names import identifiers
from matbridge.core.network import Network, Port
from matbridge.errors import UnsupportedError
from matbridge.onnx.backend import OnnxBackend
from matbridge.onnx.graph import Data, Dim, Extent, Tensor
from matbridge.ops import Ops, Value

__all__ = ["Order", "StateName", "States", "batch_of", "entering", "scopes", "walk"]

# A layer, and what MATLAB calls the state.
StateName: TypeAlias = tuple[str, str]
# An order of dimensions for each format.
Order: TypeAlias = Callable[[str], str]


@dataclass
class States:
    """The states that a model takes as inputs and gives as outputs, by layer and name.

    Each lies in ``order``, with as many observations as the data: ``batch``. A state that no
    layer reads is no input, one that none sets is no output.
    """

    order: Order
    batch: Extent
    reserved: Container[str] = ()
    names: dict[StateName, str] = field(default_factory=dict)
    entering: dict[StateName, Value] = field(default_factory=dict)
    leaving: dict[StateName, Value] = field(default_factory=dict)
    initial: dict[StateName, np.ndarray] = field(default_factory=dict)

    def enter(self, key: StateName, name: str, initial: np.ndarray, dims: str) -> Value:
        """The input for a state that begins like this, under this name if it is free."""
        if key not in self.entering:
            order = self.order(dims)
            self.initial[key] = reorder(initial, dims, order)
            sizes = [self.batch if at == "B" else initial.shape[dims.index(at)] for at in order]
            self.entering[key] = Value(Tensor(self._named(key, name), tuple(sizes)), order)
        return self.entering[key]

    def leave(self, key: StateName, name: str, value: Value) -> None:
        """This value is what the state is after the run: the output of this name and _out."""
        self._named(key, name)
        self.leaving[key] = value

    def _named(self, key: StateName, name: str) -> str:
        while name in self.reserved:
            name += "_"
        return self.names.setdefault(key, name)


class Bound:
    """The arrays of one layer as constants; states are inputs, or where every run begins."""

    def __init__(self, layer: Layer, ops: Ops, scope: str, states: States | None) -> None:
        self.layer = layer
        self.declared: dict[str, Array] = {a.name: a for a in layer.declared}
        self.ops = ops
        self.scope = scope
        self.states = states

    def __getitem__(self, name: str) -> Value:
        declared = self.declared[name]
        array = self.layer.arrays.get(name)
        if array is None:
            size = size_of(self.layer, declared)
            if declared.role != "state" or size is None:
                raise UnsupportedError(f"{name} is missing", where=self.layer.name)
            array = np.zeros(size)
        shape, dims = declared.view(array.shape)
        if declared.role == "state" and self.states is not None:
            key = self.layer.name, name
            return self.states.enter(key, f"{self.scope}.{name}", array.reshape(shape), dims)
        # What is computed from constants is computed in float64; the rest need not be copied.
        array = array if array.dtype.kind == "f" else array.astype(np.float64)
        return Value(array.reshape(shape), dims)

    def update(self, **states: Value) -> None:
        """Without states as outputs a model starts every run anew."""
        if self.states is not None:
            for name, value in states.items():
                value = self.ops.align(value, self.states.order(value.dims))
                self.states.leave((self.layer.name, name), f"{self.scope}.{name}", value)


def walk(
    network: Network,
    backend: OnnxBackend,
    inputs: dict[str, Value],
    wanted: Sequence[Port],
    states: States | None = None,
) -> list[Value]:
    """Add the nodes of every layer; the values at ``wanted``."""
    ops, builder = Ops(backend), backend.builder
    names = scopes(network)

    def bind(layer: Layer) -> Bound:
        builder.scope = names[layer.name]
        return Bound(layer, ops, builder.scope, states)

    return network.walk(ops, inputs, bind, wanted)


def scopes(network: Network) -> dict[str, str]:
    """What the names of each layer's nodes begin with."""
    return identifiers(layer.name for layer in network.layers)


def entering(network: Network, name: str, bears: str, order: Order) -> Value:
    """An input of the network as one of the graph, which ``bears`` a name of its own.

    Raises UnsupportedError for an input without an input layer.
    """
    layer = network.input_layers.get(name)
    if layer is None:
        raise UnsupportedError(
            "this input has no input layer, so its format is not known", where=name
        )
    size = layer.entering
    dims = order(size.format)
    spatial = list(size.spatial)
    shape: list[Extent] = []
    for axis, label in enumerate(dims):
        n = spatial.pop(0) if label == "S" else size[label]
        shape.append(Dim(((bears, axis),)) if n is None else n)
    return Value(Tensor(bears, tuple(shape)), dims)


def batch_of(value: Value) -> Extent:
    """How many observations a value holds."""
    data: Data = value.data
    batch: Extent = data.shape[value.dims.index("B")]
    return batch
