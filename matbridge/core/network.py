"""The value in the middle: MATLAB layers, the connections between them, and the walk."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.diagnostics import Report
from matbridge.core.dims import Size
from matbridge.errors import LayerError, MatbridgeError, MismatchError, UnknownSizeError

if TYPE_CHECKING:
    import torch

    from matbridge.ops import Ops, Parameters, Value

__all__ = ["Connection", "Network", "Port", "Provenance"]

NOT_KNOWN = "its input is not known"


@dataclass(frozen=True, order=True)
class Port:
    """One end of a connection: ``Port("add", "in2")``, written add/in2."""

    layer: str
    name: str

    def __str__(self) -> str:
        return self.layer if self.name in ("in", "out") else f"{self.layer}/{self.name}"


@dataclass(frozen=True)
class Connection:
    """From an output port to an input port."""

    source: Port
    destination: Port


@dataclass(frozen=True)
class Provenance:
    """Where a network comes from, as far as the file tells."""

    file: str = ""
    address: str = ""
    class_name: str = ""
    versions: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Network:
    """Layers and connections; immutable. Made by ``matbridge.load`` or :meth:`of`.

    ``class_name`` is MATLAB's: SeriesNetwork, DAGNetwork, dlnetwork, nnet.cnn.LayerGraph.
    ``output_ports`` are given where the file names them, else they follow from the graph.
    """

    layers: tuple[Layer, ...]
    connections: tuple[Connection, ...]
    class_name: str = "dlnetwork"
    output_ports: tuple[Port, ...] = ()
    input_order: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    report: Report = field(default_factory=Report)

    @classmethod
    def of(
        cls,
        layers: Sequence[Layer],
        connections: Sequence[tuple[str, str]] | None = None,
        **more: Any,
    ) -> Network:
        """A network from layers built in Python.

        ``connections`` are pairs such as ``("input", "add/in2")``; without them the layers
        form a chain. Layers without a name get one, as MATLAB gives it: lstm, or relu_1, relu_2.
        Raises LayerError for a repeated name or a connection to nowhere.
        """
        named = name_layers(layers)
        if connections is None:
            connections = [(a.name, b.name) for a, b in itertools.pairwise(named)]
        from matbridge.layers.nested import expanded

        named, connections, _ = expanded(named, connections)
        found = {layer.name: layer for layer in named}
        ends = (
            Connection(find_port(found, a, "outputs"), find_port(found, b, "inputs"))
            for a, b in connections
        )
        network = cls(tuple(named), tuple(ends), **more)
        network.order()
        return network

    # -- the graph -----------------------------------------------------------------------

    def __getitem__(self, name: str) -> Layer:
        """The layer of this name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise MismatchError(
            f"there is no layer {name!r}",
            mend=f"The layers are {', '.join(layer.name for layer in self.layers)}.",
        )

    def sources(self) -> dict[Port, Port]:
        """For each connected input port, the output port that feeds it."""
        return {c.destination: c.source for c in self.connections}

    def order(self) -> tuple[Layer, ...]:
        """The layers such that each stands after those that feed it.

        Raises LayerError for a loop.
        """
        waiting = {
            layer.name: {
                c.source.layer for c in self.connections if c.destination.layer == layer.name
            }
            for layer in self.layers
        }
        ordered: list[Layer] = []
        left = list(self.layers)
        while left:
            ready = [layer for layer in left if not waiting[layer.name]]
            if not ready:
                raise LayerError(f"the connections of {left[0].name} form a loop")
            ordered += ready
            done = {layer.name for layer in ready}
            left = [layer for layer in left if layer.name not in done]
            for name in waiting:
                waiting[name] -= done
        return tuple(ordered)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in MATLAB's order: input layers and unconnected ports."""
        fed = {c.destination for c in self.connections}
        names = []
        for layer in self.layers:
            if layer.IS_INPUT:
                names.append(layer.name)
            else:
                ports = (Port(layer.name, name) for name in layer.inputs)
                names += [str(port) for port in ports if port not in fed]
        listed = [name for name in self.input_order if name in names]
        return tuple(listed + [name for name in names if name not in listed])

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The ports whose values are the result, in MATLAB's order."""
        if self.output_ports:
            return self.output_ports
        used = {c.source for c in self.connections}
        ports = (Port(layer.name, name) for layer in self.layers for name in layer.outputs)
        return tuple(port for port in ports if port not in used)

    @property
    def output_names(self) -> tuple[str, ...]:
        return tuple(str(port) for port in self.outputs)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in the order of the scores, () where there are none."""
        for layer in self.layers:
            found = getattr(layer, "classes", ())
            if found:
                return tuple(found)
        return ()

    def infer(self, **inputs: Size) -> dict[Port, Size | MatbridgeError]:
        """Format and size at every port; an error where they cannot be told.

        ``inputs`` are the sizes of data: by the name of an input layer, where they fill in
        what it leaves open, or of an unconnected port.
        """
        sizes: dict[Port, Size | MatbridgeError] = {}
        sources = self.sources()
        for layer in self.order():
            found: list[Size | MatbridgeError] = (
                []
                if layer.IS_INPUT
                else [
                    self._size_at(Port(layer.name, name), sources, sizes, inputs)
                    for name in layer.inputs
                ]
            )
            outcome = _infer_layer(layer, found)
            if layer.name in inputs and isinstance(outcome, Size):
                outcome = outcome.filled(inputs[layer.name])
            for place, name in enumerate(layer.outputs):
                one = outcome[place] if isinstance(outcome, tuple) else outcome
                sizes[Port(layer.name, name)] = one
        return sizes

    def _size_at(
        self,
        port: Port,
        sources: dict[Port, Port],
        sizes: dict[Port, Size | MatbridgeError],
        inputs: Mapping[str, Size],
    ) -> Size | MatbridgeError:
        if port in sources:
            return sizes[sources[port]]
        if str(port) in inputs:
            return inputs[str(port)]
        return UnknownSizeError("nothing is connected to it", where=str(port))

    # -- what it needs to run --------------------------------------------------------------

    def obstacles(self, **inputs: Size) -> list[MatbridgeError]:
        """Why the network cannot run, empty if it can.

        Layers that cannot be run or have no learnables, or else those that refuse what comes
        in; ``inputs`` as for :meth:`infer`.
        """
        found: list[MatbridgeError] = [
            each for each in (layer.obstacle() for layer in self.layers) if each
        ]
        if found:
            return found
        refusals = {
            (error.where, error.what): error
            for error in self.infer(**inputs).values()
            if isinstance(error, MatbridgeError) and not isinstance(error, UnknownSizeError)
        }
        return list(refusals.values())

    @property
    def initialised(self) -> bool:
        """Whether every known layer has its learnables."""
        return not any(layer.uninitialised() for layer in self.layers)

    @property
    def runnable(self) -> bool:
        return not self.obstacles()

    def check_runnable(self) -> None:
        """Raise the first obstacle."""
        for obstacle in self.obstacles():
            raise obstacle

    def parameter_count(self) -> int:
        """The number of learnable values."""
        return sum(a.size for layer in self.layers for a in layer.learnables().values())

    # -- the walk --------------------------------------------------------------------------

    def walk(
        self,
        ops: Ops,
        inputs: Mapping[str, Value],
        bind: Callable[[Layer], Parameters],
        wanted: Sequence[Port] | None = None,
    ) -> list[Value]:
        """Run every layer in order and return the values at ``wanted`` (the outputs).

        ``inputs`` by name; ``bind`` gives a layer's arrays in the ops' own form.
        """
        values: dict[Port, Value] = {}
        sources = self.sources()
        for layer in self.order():
            if layer.IS_INPUT:
                arguments = [inputs[layer.name]]
            else:
                ports = [Port(layer.name, name) for name in layer.inputs]
                arguments = [
                    values[sources[port]] if port in sources else inputs[str(port)]
                    for port in ports
                ]
            result = layer.forward(ops, bind(layer), *arguments)
            results = result if isinstance(result, tuple) else (result,)
            for name, value in zip(layer.outputs, results, strict=True):
                values[Port(layer.name, name)] = value
        return [values[port] for port in (self.outputs if wanted is None else wanted)]

    # -- changed copies ----------------------------------------------------------------------

    def with_layers(self, *changed: Layer) -> Network:
        """The same network with the layers of these names exchanged."""
        new = {layer.name: layer for layer in changed}
        layers = tuple(new.get(layer.name, layer) for layer in self.layers)
        return dataclasses.replace(self, layers=layers)

    def with_states(self, states: Mapping[str, Mapping[str, np.ndarray]]) -> Network:
        """The same network with these states, by layer and MATLAB name."""
        return self.with_layers(
            *(
                self[name].replace(arrays={**self[name].arrays, **arrays})
                for name, arrays in states.items()
            )
        )

    def reset_state(self) -> Network:
        """As MATLAB's resetState: recurrent states back to the initial ones."""
        return self.with_layers(*(_reset(layer) for layer in self.layers))

    # -- doors to the rooms below, opened only when used --------------------------------------

    def predict(self, *inputs: Any, **options: Any) -> Any:
        """Scores or responses in the layout of MATLAB's predict; see predict.session."""
        from matbridge.predict import session

        return session.predict(self, *inputs, **options)

    def classify(self, *inputs: Any, **options: Any) -> Any:
        """Class names, as MATLAB's classify; see predict.session."""
        from matbridge.predict import session

        return session.classify(self, *inputs, **options)

    def predict_and_update_state(self, *inputs: Any, **options: Any) -> tuple[Network, Any]:
        """As MATLAB's predictAndUpdateState: the updated network and the result."""
        from matbridge.predict import session

        return session.predict_and_update_state(self, *inputs, **options)

    def to_torch(self, **options: Any) -> torch.nn.Module:
        """A trainable torch.nn.Module; see torch.module.NetworkModule."""
        from matbridge.torch.module import NetworkModule

        return NetworkModule(self, **options)

    def with_weights_from(self, module: torch.nn.Module) -> Network:
        """A copy with the arrays of a module that :meth:`to_torch` made."""
        from matbridge.torch.module import weights_home

        return weights_home(self, module)


def _reset(layer: Layer) -> Layer:
    """Each state back to its Initial one, or to zero for one observation."""
    arrays = dict(layer.arrays)
    for declared in layer.declared:
        old = arrays.get(declared.name)
        if declared.role == "state" and old is not None:
            zero = np.zeros_like(old[:, :1])
            arrays[declared.name] = arrays.get(f"Initial{declared.name}", zero)
    return layer.replace(arrays=arrays)


def _infer_layer(
    layer: Layer, inputs: list[Size | MatbridgeError]
) -> Size | MatbridgeError | tuple[Size, ...]:
    for size in inputs:
        if isinstance(size, MatbridgeError):
            return UnknownSizeError(NOT_KNOWN, where=layer.name)
    try:
        return layer.inferred(*(size for size in inputs if isinstance(size, Size)))
    except MatbridgeError as error:
        return error if error.where else error.at(layer.name)


def name_layers(layers: Sequence[Layer]) -> list[Layer]:
    """Names for those without, as MATLAB gives them: lstm, or conv_1, conv_2 for several.

    Raises LayerError for a repeated name.
    """
    taken: set[str] = set()
    for layer in layers:
        if layer.name in taken:
            raise LayerError(f"two layers are named {layer.name!r}", mend="Rename one of them.")
        taken.update([layer.name] if layer.name else [])
    nameless = Counter(layer.NICKNAME for layer in layers if not layer.name)
    named = []
    for layer in layers:
        if not layer.name:
            alone = [layer.NICKNAME] if nameless[layer.NICKNAME] == 1 else []
            names = itertools.chain(alone, map(f"{layer.NICKNAME}_{{}}".format, itertools.count(1)))
            layer = layer.replace(name=next(name for name in names if name not in taken))
            taken.add(layer.name)
        named.append(layer)
    return named


def find_port(layers: Mapping[str, Layer], end: str, side: str) -> Port:
    """The port that ``end`` ("add/in2", or "relu" for its only one) names.

    Raises LayerError if there is none.
    """
    if end in layers:
        ports = getattr(layers[end], side)
        return Port(end, ports[0] if ports else side[:-1])
    name, _, port = end.rpartition("/")
    if name in layers and port in getattr(layers[name], side):
        return Port(name, port)
    raise LayerError(
        f"a connection ends at {end!r}, which is not there",
        mend=f"Layers: {', '.join(layers)}.",
    )
