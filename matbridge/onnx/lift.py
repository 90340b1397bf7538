"""From ONNX nodes to layers in MATLAB's layout: the walk.

It starts at the outputs and asks for each tensor the patterns of its node, the last of a group,
in the order of the table (patterns/__init__.py); what none of them says stays as an unknown
layer, and the report lists them all. See lifted.py for how to write a pattern.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import replace

import onnx

from matbridge.core.card import Layer
from matbridge.core.contents import Reading
from matbridge.core.diagnostics import Report
from matbridge.core.dims import Size
from matbridge.core.graph import Connection, find_port
from matbridge.core.network import Network, Provenance
from matbridge.core.registry import Unknown
from matbridge.errors import (
    FormatError,
    LayerError,
    MatbridgeError,
    UnknownSizeError,
    UnsupportedError,
)
from matbridge.layers.imported import ONNXFlattenInto2D
from matbridge.layers.shape import Flatten, Identity
from matbridge.onnx.entering import entering
from matbridge.onnx.labels import Axes
from matbridge.onnx.lifted import Labelled, Lifted, Lifting, NotYetError, Pattern
from matbridge.onnx.nodes import Node, NodeGraph, Shape
from matbridge.onnx.patterns.operators import apart
from matbridge.ops.layout import numbered
from matbridge.version import DOCS

__all__ = ["lift"]


def lift(
    graph: NodeGraph,
    patterns: Sequence[Pattern],
    provenance: Provenance,
    how: Reading,
) -> Network:
    """The network of a graph; cards and replacements of ``how`` stand for what it does not say.

    Raises FormatError for a tensor that nothing makes.
    """
    return _Walk(graph, patterns, how).network(provenance)


MEND = (
    f"The report lists every operator that cannot be read; a card can stand for one: {DOCS}/onnx.md"
)
# What comes of nodes that are not as ONNX says.
ODD = (ValueError, TypeError, LookupError, ArithmeticError)


class _Walk:
    def __init__(self, graph: NodeGraph, patterns: Sequence[Pattern], how: Reading) -> None:
        self.graph = graph
        self.patterns = patterns
        self.at = Lifting(graph, how.registry, how.replacements)
        self.feeds: dict[str, Labelled] = {}
        # The place in the file of what each layer was made from: layers are listed in its order.
        self.places: dict[str, int] = {}
        self.report = Report()
        for tensor, (layer, axes) in entering(graph).items():
            self._add(layer, -1)
            self.at.values[tensor] = Labelled(layer.name, axes)
            size = layer.infer()
            assert isinstance(size, Size)
            self.at.sizes[layer.name] = size
            self._note_fixed(tensor, axes)

    def _note_fixed(self, tensor: str, axes: Axes) -> None:
        """The lengths of batch and time in the file; where they are free, some numbers."""
        example = () if self.graph.from_matlab else self.graph.sizes.examples.get(tensor, ())
        shape = self.graph.shape(tensor) or ()
        for place, (label, length) in enumerate(zip(axes, shape, strict=True)):
            if label in "BT" and label:
                number = example[place] if length is None and example else length
                self.at.fixed.setdefault(label, number)

    def _add(self, layer: Layer, place: int) -> None:
        self.at.layers[layer.name] = layer
        self.places[layer.name] = place

    # -- the walk --------------------------------------------------------------------------

    def network(self, provenance: Provenance) -> Network:
        for tensor in self.graph.outputs:
            self._lift(tensor)
        ends = [self._leaving(tensor) for tensor in self.graph.outputs]
        layers = {name: self.at.layers[name] for name in self._needed(ends)}
        connections = [
            Connection(find_port(layers, value.end, "outputs"), find_port(layers, end, "inputs"))
            for end, value in self.feeds.items()
            if self._layer_of(end) in layers
        ]
        self._tell(layers)
        return Network(
            tuple(layers.values()),
            tuple(connections),
            self._class_name(layers, connections),
            output_ports=tuple(find_port(layers, end, "outputs") for end in ends),
            input_order=tuple(self.at.values[tensor].end for tensor in self.graph.inputs),
            provenance=replace(provenance, details={**provenance.details, "axes": self._axes()}),
            report=tuple(self.report),
        )

    def _class_name(self, layers: Sized, connections: Sized) -> str:
        """MATLAB's class of network: a chain was a SeriesNetwork before there was dlnetwork."""
        if not self.at.classic:
            return "dlnetwork"
        chain = len(connections) == len(layers) - 1 and len(self.graph.inputs) == 1
        return "SeriesNetwork" if chain else "DAGNetwork"

    def _axes(self) -> dict[str, dict[str, list[str]]]:
        """The labels of the dimensions of the file's inputs and outputs, in its own order."""
        sides = {"inputs": self.graph.inputs, "outputs": self.graph.outputs}
        return {
            side: {t: list(self.at.values[t].axes) for t in names} for side, names in sides.items()
        }

    def _lift(self, tensor: str) -> None:
        """Lift what makes this tensor, and before it what its patterns ask for."""
        waiting = [tensor]
        while waiting:
            if waiting[-1] in self.at.values:
                waiting.pop()
                continue
            node = self.graph.maker(waiting[-1])
            if node is None or self.graph.constant(waiting[-1]) is not None:
                raise self._no_maker(waiting[-1])
            try:
                lifted = self._asked(node)
            except NotYetError as wanted:
                waiting.append(wanted.tensor)
                continue
            self._keep(lifted, node)

    def _no_maker(self, tensor: str) -> MatbridgeError:
        if self.graph.constant(tensor) is not None:
            return UnsupportedError(f"the output {tensor!r} is a constant")
        users = ", ".join(str(node) for node in self.graph.users(tensor)[:3])
        return FormatError(f"no node, input or initializer makes {tensor!r}", where=users)

    def _asked(self, node: Node) -> Lifted:
        """What the first pattern that fits says of the node, else an unknown layer."""
        fault = self.graph.fault(node)
        if fault:
            return self._unknown(node, FormatError(f"it is not as ONNX has it: {fault}"))
        refused: list[MatbridgeError] = []
        for pattern in self.patterns:
            try:
                lifted = pattern(self.at, node)
                if lifted is None:
                    continue
                self._check(lifted, node)
            except MatbridgeError as error:
                refused.append(error)
                continue
            except ODD as error:
                said = f"its inputs or attributes are not as ONNX has them: {error}"
                refused.append(FormatError(said))
                continue
            return lifted
        return self._unknown(node, refused[0] if refused else _no_pattern(node))

    def _unknown(self, node: Node, why: MatbridgeError) -> Lifted:
        """A layer that says the operator; its output is taken to be labelled as its input."""
        data = [n for n in dict.fromkeys(node.inputs) if n and self.graph.constant(n) is None]
        inputs = [self.at.value(n) for n in data]
        outputs = [n for n in node.outputs if n]
        layer = Unknown(
            name=self.at.name(node),
            class_name=node.operator if "::" in node.operator else f"onnx::{node.operator}",
            ports=_ports("in", len(data)),
            out_ports=_ports("out", len(outputs)),
            reason=why.what,
            mend=why.mend or MEND,
        )
        axes = inputs[0].axes if inputs else ()
        return Lifted.one(layer, inputs, dict.fromkeys(outputs, axes))

    def _keep(self, lifted: Lifted, node: Node) -> None:
        for layer in (*lifted.replaces, *lifted.layers):
            self._add(layer, -1 if layer.IS_INPUT else node.place)
        self.feeds.update(lifted.feeds)
        self.at.sizes.update(self._sizes_of(lifted))
        self.at.values.update(lifted.gives)

    # -- what is checked of an answer ----------------------------------------------------------

    def _check(self, lifted: Lifted, node: Node) -> None:
        """Raise LayerError where the layers refuse their inputs, or the labels of a tensor are
        not those of its layer, or its lengths not those that ONNX infers."""
        for name in node.outputs:
            read = self.graph.users(name) or name in self.graph.outputs
            if name and read and name not in lifted.gives:
                raise LayerError(f"the layer does not give {name!r}")
        sizes = ChainMap(self._sizes_of(lifted), self.at.sizes)
        for tensor, value in lifted.gives.items():
            size = sizes.get(value.end)
            if size is None:
                continue
            _check_axes(value.axes, size)
            _check_lengths(value.axes, size, self.graph.shape(tensor))

    def _sizes_of(self, lifted: Lifted) -> dict[str, Size]:
        """The sizes of the new layers' outputs, as far as they can be told."""
        new: dict[str, Size] = {}
        sizes = ChainMap(new, self.at.sizes)
        for layer in (*lifted.replaces, *lifted.layers):
            ends = [_end_of(layer, port, layer.inputs) for port in layer.inputs]
            inputs = [] if layer.IS_INPUT else [sizes.get(lifted.feeds[e].end) for e in ends]
            known = [size for size in inputs if size is not None]
            if len(known) < len(inputs) or not layer.known:
                continue
            try:
                outcome = layer.inferred(*known)
            except UnknownSizeError:
                continue
            results = outcome if isinstance(outcome, tuple) else (outcome,)
            for port, size in zip(layer.outputs, results, strict=True):
                new[_end_of(layer, port, layer.outputs)] = size
        return new

    # -- the outputs -------------------------------------------------------------------------

    def _leaving(self, tensor: str) -> str:
        """The end that gives an output: a layer that is no input and gives no other, in an order
        that labels can say."""
        value = self.at.values[tensor]
        merged = [axis for axis in value.axes if len(axis) > 1]
        if self.at.from_matlab and not set("".join(merged)) - set("TB"):
            # Steps and observations in one for the sake of an operator; MATLAB has C×T.
            merged = []
        if merged and merged != ["C" + "123"[: len(merged[0]) - 1]]:
            return self._merging(tensor, merged)
        layer = self.at.layers[self._layer_of(value.end)]
        card: type[Layer] | None = Identity if layer.IS_INPUT else None
        if merged:
            card = ONNXFlattenInto2D
        elif not self.at.classic and self._loses_spatial(value):
            # N×C of an image: only the older classes of network make it of 1×1×C by themselves.
            card = Flatten
        if card is None:
            return value.end
        added = card(name=self.at.free(tensor if layer.IS_INPUT else f"{layer.name}_flatten"))
        self._add(added, len(self.graph.nodes))
        self.feeds[added.name] = value
        if merged:
            axes = tuple("C" if axis in merged else axis for axis in value.axes)
            self.at.values[tensor] = Labelled(added.name, axes)
        return added.name

    def _merging(self, tensor: str, merged: Sequence[str]) -> str:
        """The end of an output whose dimensions merge several."""
        lifted = apart(self.at, tensor)
        if lifted is None:
            self.report.error(f"the output {tensor!r} merges the dimensions {', '.join(merged)}")
            return self.at.values[tensor].end
        node = self.graph.maker(tensor)
        assert node is not None
        self._keep(lifted, node)
        return self.at.values[tensor].end

    def _loses_spatial(self, value: Labelled) -> bool:
        """Whether the layer's output has spatial dimensions and the tensor none."""
        size = self.at.size(value)
        return size is not None and "S" in size.format and not set(value.axes) & set("123")

    def _layer_of(self, end: str) -> str:
        return end if end in self.at.layers else end.rpartition("/")[0]

    def _needed(self, ends: Sequence[str]) -> Iterator[str]:
        """The layers that the outputs depend on, in the order of the file."""
        needed, waiting = set(), [self._layer_of(end) for end in ends]
        while waiting:
            name = waiting.pop()
            if name in needed:
                continue
            needed.add(name)
            fed = (end for end in self._ports_of(name) if end in self.feeds)
            waiting += [self._layer_of(self.feeds[end].end) for end in fed]
        # Those of the same place in the order in which they were made.
        return iter(sorted((n for n in self.at.layers if n in needed), key=self.places.__getitem__))

    def _ports_of(self, name: str) -> Iterator[str]:
        layer = self.at.layers[name]
        return (_end_of(layer, port, layer.inputs) for port in layer.inputs)

    def _tell(self, layers: Mapping[str, Layer]) -> None:
        """What cannot be read, all of it, and inputs that nothing needs."""
        for layer in layers.values():
            obstacle = None if layer.known else layer.obstacle()
            if obstacle is not None:
                self.report.error(obstacle.what, obstacle.where, obstacle.mend)
        for tensor in self.graph.inputs:
            if self.at.values[tensor].end not in layers:
                self.report.warning("no output depends on this input; it is left out", tensor)


def _no_pattern(node: Node) -> MatbridgeError:
    inner = [name for name, value in node.attributes.items() if isinstance(value, onnx.GraphProto)]
    if inner:
        return UnsupportedError(f"it has graphs of its own: {', '.join(inner)}")
    return UnsupportedError("no layer of MATLAB's says it")


def _ports(word: str, count: int) -> tuple[str, ...]:
    return (word,) if count == 1 else tuple(f"{word}{i}" for i in range(1, count + 1))


def _end_of(layer: Layer, port: str, ports: Sequence[str]) -> str:
    return layer.name if len(ports) == 1 else f"{layer.name}/{port}"


def _check_axes(axes: Axes, size: Size) -> None:
    """Every label of the layer's output once, but those of size 1, and no other."""
    lengths = dict(zip(numbered(size.format), size.sizes, strict=True))
    labels = [label for axis in axes for label in axis]
    wrong = [label for label in labels if label not in lengths or labels.count(label) > 1]
    # A free time or batch may be 1 in the file.
    lost = [a for a, n in lengths.items() if a not in labels and n != 1 and a not in "BT"]
    if wrong or lost:
        raise LayerError(
            f"the layer gives {size.format}, but the tensor is {'×'.join(a or '1' for a in axes)}"
        )


def _check_lengths(axes: Axes, size: Size, shape: Shape | None) -> None:
    if shape is None:
        return
    lengths = dict(zip(numbered(size.format), size.sizes, strict=True))
    if len(shape) != len(axes):
        raise LayerError(f"the layer gives {size}, but ONNX a tensor of {len(shape)} dimensions")
    for axis, n in zip(axes, shape, strict=True):
        known = [lengths[label] for label in axis]
        product = 1
        for length in known:
            product *= length or 0
        if None not in known and n is not None and product != n:
            raise LayerError(f"the layer gives {size}, but ONNX {n} along {axis or 'one of 1'}")
