"""The value in the middle: MATLAB layers, the connections between them, and the walk."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, SupportsIndex, overload

import numpy as np

from matbridge.core.arrays import check_arrays
from matbridge.core.card import InputLayer, Layer
from matbridge.core.classes import CLASSES, NetworkClass
from matbridge.core.diagnostics import Diagnostic
from matbridge.core.dims import Size
from matbridge.core.graph import Connection, Graph, Port, find_port, name_layers
from matbridge.core.mistakes import infer_layer, run_layer
from matbridge.core.nesting import expanded
from matbridge.core.series import OverTime
from matbridge.errors import MatbridgeError, MissingNameError, UnknownSizeError
from matbridge.text import listed, nearest, visible

if TYPE_CHECKING:
    import torch

    from matbridge.ops import Ops, Parameters, Value

__all__ = ["Connection", "Network", "Port", "Provenance"]

NOT_KNOWN = "its input is not known"


@dataclass(frozen=True)
class Provenance:
    """Where a network comes from, as far as the file tells."""

    file: str = ""
    address: str = ""
    class_name: str = ""
    versions: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Network(OverTime):
    """Layers and connections; immutable. Made by ``matbridge.load`` or :meth:`of`.

    ``class_name`` is MATLAB's: SeriesNetwork, DAGNetwork, dlnetwork, nnet.cnn.LayerGraph.
    ``output_ports`` are given where the file names them, else they follow from the graph;
    ``report`` is what the reader noticed.

    Raises LayerError where the connections do not make a graph (see :class:`Graph`) or an
    array does not have the size that its layer declares.
    """

    layers: tuple[Layer, ...]
    connections: tuple[Connection, ...]
    class_name: str = "dlnetwork"
    output_ports: tuple[Port, ...] = ()
    input_order: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    report: Sequence[Diagnostic] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "report", tuple(self.report))
        for layer in self.layers:
            check_arrays(layer)
        graph = self.graph
        for port in self.output_ports:
            graph.check_output(port)

    @classmethod
    def of(
        cls,
        layers: Sequence[Layer],
        connections: Sequence[tuple[str, str]] | None = None,
        class_name: str = "dlnetwork",
        input_order: Sequence[str] = (),
        provenance: Provenance | None = None,
        report: Iterable[Diagnostic] = (),
        outputs: Sequence[str] = (),
    ) -> Network:
        """A network from layers built in Python.

        ``connections`` are pairs such as ``("input", "add/in2")``; without them the layers
        form a chain; ``outputs`` are the ends whose values are the result, without them all that
        are not connected. Layers without a name get one, as MATLAB gives it: lstm, or relu_1,
        relu_2.
        Raises LayerError for a repeated name or a connection to nowhere.
        """
        named = name_layers(layers)
        if connections is None:
            connections = [(a.name, b.name) for a, b in itertools.pairwise(named)]
        named, connections, results = expanded(named, connections, outputs)
        by_name = {layer.name: layer for layer in named}
        ends = (
            Connection(find_port(by_name, a, "outputs"), find_port(by_name, b, "inputs"))
            for a, b in connections
        )
        return cls(
            tuple(named),
            tuple(ends),
            class_name,
            tuple(find_port(by_name, name, "outputs") for name in results),
            tuple(input_order),
            provenance=provenance or Provenance(),
            report=tuple(report),
        )

    # -- the graph -----------------------------------------------------------------------

    @cached_property
    def graph(self) -> Graph:
        """The connections by port, and the layers in the order in which data flow."""
        return Graph(self.layers, self.connections)

    @property
    def kind(self) -> NetworkClass:
        """What MATLAB's class of network says about it."""
        return CLASSES.get(self.class_name) or NetworkClass(self.class_name, self.class_name)

    @property
    def dtype(self) -> str:
        """The type in which MATLAB computes it: "float64" for shallow networks and those of the
        statistics toolbox, "float32" for all others."""
        return "float64" if self.kind.double else "float32"

    @overload
    def __getitem__(self, name: str | SupportsIndex) -> Layer: ...

    @overload
    def __getitem__(self, name: slice) -> tuple[Layer, ...]: ...

    def __getitem__(self, name: str | SupportsIndex | slice) -> Layer | tuple[Layer, ...]:
        """The layer of this name, or at this place (from 0, as in ``layers``)."""
        try:
            return self.graph.layers[name] if isinstance(name, str) else self.layers[name]
        except LookupError:
            names = self.graph.layers
            raise MissingNameError(
                f"there is no layer {name!r}",
                mend=f"{nearest(str(name), names)}The {len(names)} layers are {listed(names)}.",
            ) from None

    def __contains__(self, layer: object) -> bool:
        """Whether the layer is there, or one of this name."""
        return layer in (self.graph.layers if isinstance(layer, str) else self.layers)

    def _ipython_key_completions_(self) -> list[str]:
        """What completes ``network["``."""
        return list(self.graph.layers)

    def __repr__(self) -> str:
        place = " of ".join(filter(None, (self.provenance.address, self.provenance.file)))
        title = visible(f"{self.class_name} {place}".rstrip())
        return f"<{title}: {len(self)} layers, {self.parameter_count():,} learnables>"

    def __str__(self) -> str:
        return self.summary()

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def order(self) -> tuple[Layer, ...]:
        """The layers such that each stands after those that feed it."""
        return self.graph.order

    @cached_property
    def input_layers(self) -> Mapping[str, InputLayer]:
        """The input layers by name; an input without one is an open port."""
        return {layer.name: layer for layer in self.layers if isinstance(layer, InputLayer)}

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in MATLAB's order: input layers and unconnected ports."""
        names = dict.fromkeys(self.graph.open_inputs)
        listed = [name for name in self.input_order if name in names]
        return tuple(dict.fromkeys(listed + list(names)))

    @cached_property
    def outputs(self) -> tuple[Port, ...]:
        """The ports whose values are the result, in MATLAB's order."""
        return self.output_ports or self.graph.open_outputs

    @property
    def output_names(self) -> tuple[str, ...]:
        return tuple(str(port) for port in self.outputs)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in the order of the scores, () where there are none."""
        return next((layer.class_names for layer in self.layers if layer.class_names), ())

    def choose(self, scores: np.ndarray, axis: int) -> np.ndarray:
        """The numbers from 0 of the classes that scores along an axis, which keeps the size 1,
        decide for: those of the highest, the first on a tie, unless the network has costs."""
        naming = next((layer for layer in self.layers if layer.class_names), None)
        if naming is None:
            return np.asarray(np.argmax(scores, axis, keepdims=True))
        return naming.choose(scores, axis)

    def infer(self, **inputs: Size) -> dict[Port, Size | MatbridgeError]:
        """Format and size at every port; an error where they cannot be told.

        ``inputs`` are the sizes of data: by the name of an input layer, where they fill in
        what it leaves open, or of an unconnected port.
        """
        sizes: dict[Port, Size | MatbridgeError] = {}
        for layer in self.order():
            entering = [self._size_at(port, sizes, inputs) for port in _entering(layer)]
            outcome = _infer_layer(layer, entering)
            # An input layer says what it knows; the data fill in the rest.
            if layer.name in inputs and isinstance(outcome, Size):
                outcome = outcome.filled(inputs[layer.name])
            for place, name in enumerate(layer.outputs):
                size = outcome[place] if isinstance(outcome, tuple) else outcome
                sizes[Port(layer.name, name)] = size
        return sizes

    def _size_at(
        self,
        port: Port,
        sizes: Mapping[Port, Size | MatbridgeError],
        inputs: Mapping[str, Size],
    ) -> Size | MatbridgeError:
        source = self.graph.sources.get(port)
        if source is not None:
            return sizes[source]
        if str(port) in inputs:
            return inputs[str(port)]
        return UnknownSizeError("nothing is connected to it", where=str(port))

    # -- what it needs to run --------------------------------------------------------------

    def obstacles(self, **inputs: Size) -> list[MatbridgeError]:
        """Why the network cannot run, empty if it can.

        Layers that cannot be run or have no learnables, or else those that refuse what comes
        in; ``inputs`` as for :meth:`infer`.
        """
        obstacles: list[MatbridgeError] = [
            obstacle for layer in self.layers if (obstacle := layer.obstacle())
        ]
        if obstacles:
            return obstacles
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

    def nonfinite_arrays(self) -> tuple[str, ...]:
        """The arrays that hold NaN or Inf, as of a training that diverged: "fc.Weights"."""
        return tuple(
            f"{layer.name}.{name}"
            for layer in self.layers
            for name, array in layer.arrays.items()
            if not np.isfinite(array).all()
        )

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
        sources = self.graph.sources
        for layer in self.order():
            if layer.IS_INPUT:
                arguments = [inputs[layer.name]]
            else:
                arguments = [
                    values[sources[port]] if port in sources else inputs[str(port)]
                    for port in _entering(layer)
                ]
            results = run_layer(layer, ops, bind(layer), arguments)
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

    def summary(self, everything: bool = False) -> str:
        """The table of layers as text: what matters of each, or ``everything``."""
        from matbridge.inspect.table import to_text

        return to_text(self, everything)

    def _repr_html_(self) -> str:
        from matbridge.inspect.table import to_html

        return to_html(self)

    def to_torch(
        self,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        format: str | Sequence[str] | None = None,
    ) -> torch.nn.Module:
        """A trainable torch.nn.Module; see torch.module.NetworkModule."""
        from matbridge.torch.module import NetworkModule

        return NetworkModule(self, dtype, device, format)

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
            # One column: what a run left may have one for each observation.
            zero = np.zeros_like(old[:, :1])
            arrays[declared.name] = arrays.get(f"Initial{declared.name}", zero)
    return layer.replace(arrays=arrays)


def _entering(layer: Layer) -> list[Port]:
    """The input ports of a layer; an input layer has none."""
    return [] if layer.IS_INPUT else [Port(layer.name, name) for name in layer.inputs]


def _infer_layer(
    layer: Layer, inputs: list[Size | MatbridgeError]
) -> Size | MatbridgeError | tuple[Size, ...]:
    for size in inputs:
        if isinstance(size, MatbridgeError):
            return UnknownSizeError(NOT_KNOWN, where=layer.name)
    try:
        return infer_layer(layer, *(size for size in inputs if isinstance(size, Size)))
    except MatbridgeError as error:
        return error if error.where else error.at(layer.name)
