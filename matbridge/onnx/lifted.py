"""What a pattern is given and what it answers.

**How to write a pattern.** A pattern is one small function that is asked at one node, the *last*
of its group, and looks back from there: ``at.graph.maker(node.inputs[0])`` is the node before.
It answers None unless everything fits; the next one in the table is asked then::

    def fully_connected(at: Lifting, node: Node) -> Lifted | None:
        '''MatMul with a constant, then Add of a constant.'''
        product = at.graph.maker(node.inputs[0])
        if node.operator != "Add" or product is None or product.operator != "MatMul":
            return None
        weights, bias = at.graph.constant(product.inputs[1]), at.graph.constant(node.inputs[1])
        if weights is None or bias is None:
            return None
        x = at.value(product.inputs[0])          # only once the structure fits
        if x.dims != "BC":
            return None
        layer = FullyConnected(name=at.name(node, "_Add"), output_size=weights.shape[1])
        layer = with_arrays(layer, Weights=reorder(weights, "IO", "OI"), Bias=bias.reshape(-1, 1))
        return Lifted.one(layer, [x], {node.output: x.axes})

- ``at.value(name)`` is the layer's output that an ONNX tensor is, and the labels of the tensor's
  dimensions (``.dims``, "" where they are merged or swapped; ``.axes``, see labels.py). What was
  not lifted yet is lifted first, and the pattern asked again: patterns have no memory, and ask
  for values after they have looked at the structure.
- A node that only moves, merges, drops or adds labels makes no layer:
  ``Lifted.relabelled({node.output: Labelled(x.end, axes)})``.
- Inner tensors that others read as well do no harm: they are lifted once more for those.
  Nodes that nothing asks for are not lifted.
- A layer is a card in MATLAB's layout, to which ``core.dims.reorder(w, "OISS", "SSIO")`` brings
  weights.
- The walk then checks: the layer takes its inputs (``infer``), the labels are those of what it
  gives, and the lengths are those of ONNX's shape inference. A pattern whose answer fails is as
  if it had answered None, and the reason is told where no other fits. So is a MatbridgeError that
  it raises.
- Names: ``at.name(node, "_Add", "_MatMul")`` is a free name; MATLAB's helper suffixes go where
  MATLAB wrote the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from matbridge.core.arrays import fit_arrays
from matbridge.core.card import Layer
from matbridge.core.dims import Size
from matbridge.core.readonly import Arrays
from matbridge.core.registry import Registry
from matbridge.errors import UnsupportedError
from matbridge.onnx.labels import Axes, dims_of
from matbridge.onnx.nodes import Node, NodeGraph
from matbridge.ops.layout import numbered

__all__ = ["Labelled", "Lifted", "Lifting", "NotYetError", "Pattern", "with_arrays"]


@dataclass(frozen=True)
class Labelled:
    """What an ONNX tensor is: the output of a layer, "conv" or "pool/indices", seen with its
    dimensions in the order of ``axes``."""

    end: str
    axes: Axes

    @property
    def dims(self) -> str:
        """The labels, "BCSS"; "" where a dimension merges several, has none, or S are swapped."""
        return dims_of(self.axes)


@dataclass(frozen=True)
class Lifted:
    """What a pattern makes of a group of nodes.

    ``feeds`` gives for each input port of the new layers, "conv" or "add/in2", the value that
    enters; one new layer may feed another. ``gives`` says what ONNX tensors are now.
    ``replaces`` are input layers, by their name, that this makes anew, such as one with its mean.
    """

    layers: tuple[Layer, ...] = ()
    feeds: Mapping[str, Labelled] = field(default_factory=dict)
    gives: Mapping[str, Labelled] = field(default_factory=dict)
    replaces: tuple[Layer, ...] = ()

    @classmethod
    def one(cls, layer: Layer, inputs: Sequence[Labelled], gives: Mapping[str, Axes]) -> Lifted:
        """One layer, its inputs in order of its ports; its outputs likewise as tensors."""
        ends = [_end(layer, name, layer.inputs) for name in layer.inputs]
        outputs = [_end(layer, name, layer.outputs) for name in layer.outputs]
        tensors = zip(outputs, gives.items(), strict=False)
        values = {name: Labelled(end, axes) for end, (name, axes) in tensors}
        return cls((layer,), dict(zip(ends, inputs, strict=True)), values)

    @classmethod
    def relabelled(cls, gives: Mapping[str, Labelled]) -> Lifted:
        """No layer: only other labels for what is there."""
        return cls(gives=gives)


def _end(layer: Layer, port: str, ports: Sequence[str]) -> str:
    return layer.name if len(ports) == 1 else f"{layer.name}/{port}"


class NotYetError(Exception):
    """A tensor that is asked for was not lifted yet; the walk lifts it and asks again."""

    def __init__(self, tensor: str) -> None:
        super().__init__(tensor)
        self.tensor = tensor


class Lifting:
    """The state of the walk as patterns see it: the graph, and what was lifted so far."""

    def __init__(
        self, graph: NodeGraph, registry: Registry, replacements: Mapping[str, Layer]
    ) -> None:
        self.graph = graph
        # Cards, and layers by name, that the caller gives for what the file does not say.
        self.registry = registry
        self.replacements = replacements
        self.values: dict[str, Labelled] = {}
        self.sizes: dict[str, Size] = {}
        # The lengths that the file has where MATLAB's are free: a batch of 1.
        self.fixed: dict[str, int | None] = {}
        self.layers: dict[str, Layer] = {}

    @property
    def from_matlab(self) -> bool:
        return self.graph.from_matlab

    @property
    def classic(self) -> bool:
        """Whether the network was a SeriesNetwork or DAGNetwork, as trainNetwork made them
        until trainnet came, in R2023b: fully connected layers keep spatial dimensions of 1."""
        return () < self.graph.matlab_release < (23, 2)

    def value(self, tensor: str) -> Labelled:
        """What this tensor is. Raises NotYetError, which a pattern lets pass, and
        UnsupportedError for a constant, which no layer gives."""
        if self.graph.constant(tensor) is not None:
            raise UnsupportedError(f"it takes the constant {tensor!r} as data")
        if tensor not in self.values:
            raise NotYetError(tensor)
        return self.values[tensor]

    def size(self, value: Labelled) -> Size | None:
        """The size of the layer's output, in MATLAB's order; None where it is not known."""
        return self.sizes.get(value.end)

    def lengths(self, value: Labelled) -> dict[str, int | None]:
        """The length of each label of the layer's output, spatial ones numbered: None for
        B and T, empty where the size is not known."""
        size = self.size(value)
        return {} if size is None else dict(zip(numbered(size.format), size.sizes, strict=True))

    def name(self, node: Node, *suffixes: str) -> str:
        """A free name for a layer: the node's; in MATLAB's files that of its output, less the
        first of ``suffixes`` that it ends with."""
        if not self.from_matlab:
            return self.free(node.name or node.output)
        suffix = next((s for s in suffixes if node.output.endswith(s)), "")
        return self.free(node.output.removesuffix(suffix))

    def free(self, name: str) -> str:
        """The name, or with a number where a layer has it already."""
        # What follows "/" is a port.
        name = name.strip("/").replace("/", "_") or "layer"
        number, unique = 1, name
        while unique in self.layers:
            number += 1
            unique = f"{name}_{number}"
        return unique


Pattern = Callable[[Lifting, Node], Lifted | None]


def with_arrays(layer: Layer, **arrays: np.ndarray | None) -> Layer:
    """The layer with these arrays in MATLAB's layout, None left out; sizes that the layer was
    not given follow from them. Raises LayerError where they disagree."""
    return fit_arrays(layer, Arrays({n: a for n, a in arrays.items() if a is not None}))
