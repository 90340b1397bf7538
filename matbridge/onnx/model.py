"""A network as the model that a session runs: in the order of its data, with its states.

What is written for others is onnx.write's.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from matbridge.core.arrays import size_of
from matbridge.core.card import Array, Layer
from matbridge.core.dims import reordering, steps_first
from matbridge.core.memory import check_memory
from matbridge.core.network import Network
from matbridge.errors import UnsupportedError
from matbridge.onnx.backend import OnnxBackend
from matbridge.onnx.graph import (
    TYPES,
    Builder,
    Data,
    Dim,
    Tensor,
)
from matbridge.onnx.walk import StateName, States, batch_of, entering, scopes, walk
from matbridge.ops import Ops, Value
from matbridge.ops.backend import Loop
from matbridge.passes.fold import fold_batch_normalization

__all__ = ["EngineModel", "Entry", "Lookup", "StateEntry"]

# Arrays of more bytes stay outside the model, which may not be larger than 2 GB.
LARGE = 1 << 10
# Functions that may make NaN or Inf of finite numbers.
RISKY = frozenset({"log", "sqrt", "exp", "power", "divide"})


class Entry(NamedTuple):
    """The name of an input in the graph, and the order of its dimensions."""

    bears: str
    dims: str


class StateEntry(NamedTuple):
    """A state as an input: its name, what brings MATLAB's layout to the order there, where the
    observations are then, and with what a run begins, in this order."""

    bears: str
    reorder: Callable[[np.ndarray], np.ndarray]
    batch: int
    initial: np.ndarray


class Lookup(NamedTuple):
    """Which layer looks words up, how many there are, and whether each must be known."""

    layer: str
    words: int
    strict: bool


class WatchingBackend(OnnxBackend):
    """Tells what a model does not check itself: indices of words, and where finite data may
    become NaN or Inf, in which onnxruntime's fastest operators see numbers."""

    def __init__(self, builder: Builder, finite: Container[str]) -> None:
        super().__init__(builder)
        self.finite = finite
        self.lookups: list[tuple[Lookup, Data]] = []
        self.watched: list[Tensor] = []

    def sum_of_watched(self) -> list[Tensor]:
        """One number, finite if all that is watched is; none if nothing is."""
        sums = [self.builder.node("ReduceSum", [x], (), keepdims=0) for x in self.watched]
        return sums if len(sums) < 2 else [self.builder.node("Sum", sums, ())]

    def lookup(self, table: Data, data: Data, words: int, strict: bool) -> Data:
        self.lookups.append((Lookup(self.builder.scope, words, strict), data))
        return super().lookup(table, data, words, strict)

    def elementwise(self, name: str, *data: Data | float, **options: float | str) -> Data:
        result = super().elementwise(name, *data, **options)
        risky = name in RISKY and not (name == "divide" and _divides(data[1]))
        if risky and isinstance(result, Tensor) and self.builder.scope not in self.finite:
            self.watched.append(result)
        return result

    def loop(
        self, body: Loop, states: list[Data], sequences: list[Data]
    ) -> tuple[list[Data], list[Data]]:
        before, self.watched = self.watched, []
        results, last = super().loop(body, states, sequences)
        # What is made inside a loop cannot be seen from outside: what leaves it can.
        left = [x for x in results if self.watched and isinstance(x, Tensor)]
        self.watched = [*before, *left]
        return results, last


def _divides(data: Data | float) -> bool:
    """Whether these are constants, none of them zero."""
    return not isinstance(data, Tensor) and bool(np.all(data))


class EngineModel:
    """The model of a network: ``proto``, and the ``arrays`` outside it by name.

    ``inputs`` by the network's names; ``outputs`` are the orders in which values came
    naturally; ``states`` go in; ``leaving`` come out, with what brings them to MATLAB's
    layout; ``wanted`` names all that comes out: outputs, states, indices of
    ``lookups``, and last, if it ``watches``, a number that is not finite where NaN may be lost.
    Raises UnsupportedError for what cannot run or cannot be said in ONNX.
    """

    def __init__(self, network: Network, dtype: np.dtype) -> None:
        network.check_runnable()
        for name in network.nonfinite_arrays():
            raise UnsupportedError(f"{name} holds NaN or Inf, which onnxruntime may lose")
        check_memory(network, network.infer(), np.dtype(np.float64).itemsize)
        network = fold_batch_normalization(network)
        names = {name: f"input_{i}" for i, name in enumerate(network.input_names)}
        self.builder = Builder(dtype, reserved=frozenset(names.values()))
        marks = scopes(network)
        backend = WatchingBackend(
            self.builder, {marks[layer.name] for layer in network.layers if layer.FINITE}
        )
        inputs = {name: entering(network, name, names[name], steps_first) for name in names}
        states = States(steps_first, batch_of(next(iter(inputs.values()))), self.builder.reserved)
        values = walk(network, backend, inputs, network.outputs, states)
        values = [_with_observations(backend, value) for value in values]
        self.inputs = {name: Entry(names[name], value.dims) for name, value in inputs.items()}
        self.outputs = [value.dims for value in values]
        self.states = {
            key: _state_entry(network, key, value.data.name, dtype)
            for key, value in states.entering.items()
        }
        self.leaving = {
            (layer, name): reordering(value.dims, _declared(network[layer], name).dims)
            for (layer, name), value in states.leaving.items()
        }
        layers = {mark: name for name, mark in marks.items()}
        self.lookups = [
            lookup._replace(layer=layers[lookup.layer]) for lookup, _ in backend.lookups
        ]
        leaving = [value.data for value in states.leaving.values()]
        indices = [data for _, data in backend.lookups]
        watched = backend.sum_of_watched()
        self.watches = bool(watched)
        outputs = self._named([value.data for value in values] + leaving + indices + watched)
        self.wanted = [tensor.name for tensor in outputs]
        entries = [value.data for value in (*inputs.values(), *states.entering.values())]
        self.proto, self.arrays = self._finished(entries, outputs)

    def _named(self, data: list[Data]) -> list[Tensor]:
        """Each under a name of its own: one value may be several outputs, or an input."""
        return [self.builder.named(one, f"output_{i}") for i, one in enumerate(data)]

    def _finished(
        self, inputs: list[Tensor], outputs: list[Tensor]
    ) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
        nodes = self.builder.pruned(self.wanted)
        arrays = {k: a for k, a in self.builder.initializers.items() if a.nbytes > LARGE}
        graph = helper.make_graph(
            nodes,
            "matbridge",
            [_info(tensor, self.builder.dtype) for tensor in inputs],
            [_info(tensor, self.builder.dtype) for tensor in outputs],
            [
                _outside(name, array) if name in arrays else numpy_helper.from_array(array, name)
                for name, array in self.builder.initializers.items()
            ],
        )
        opsets = [helper.make_opsetid("", self.builder.opset)]
        version = helper.find_min_ir_version_for(opsets)
        return helper.make_model(graph, opset_imports=opsets, ir_version=version), arrays


def _with_observations(backend: OnnxBackend, value: Value) -> Value:
    if not isinstance(value.data, Tensor):
        raise UnsupportedError("an output does not depend on the input")
    dims = value.dims
    return value if "B" in dims else Ops(backend).align(value, dims + "B")


def _declared(layer: Layer, name: str) -> Array:
    return next(array for array in layer.declared if array.name == name)


def _state_entry(network: Network, key: StateName, bears: str, dtype: np.dtype) -> StateEntry:
    """A state that begins as it was saved, or at zero."""
    layer, name = network[key[0]], key[1]
    declared = _declared(layer, name)
    array = layer.arrays.get(name)
    if array is None:
        array = np.zeros(size_of(layer, declared) or ())
    shape, dims = declared.view(array.shape)
    order = steps_first(dims)
    turn = reordering(dims, order)
    initial = np.ascontiguousarray(turn(array.reshape(shape)), dtype)
    return StateEntry(bears, turn, order.index("B"), initial)


def _info(tensor: Tensor, dtype: np.dtype) -> onnx.ValueInfoProto:
    """The type of an input or output; a length that only data will tell is left open."""
    names = {axis: f"{tensor.name}_{axis}" for axis, n in enumerate(tensor.shape)}
    shape = [names[axis] if isinstance(n, Dim) else n for axis, n in enumerate(tensor.shape)]
    return helper.make_tensor_value_info(tensor.name, TYPES[str(dtype)], shape)


def _outside(name: str, array: np.ndarray) -> TensorProto:
    """An initializer whose data are handed over beside the model."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = TensorProto(
        name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL
    )
    told = {"location": "memory", "offset": "0", "length": str(array.nbytes)}
    for key, value in told.items():
        tensor.external_data.add(key=key, value=value)
    return tensor
