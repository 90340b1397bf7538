"""The inputs of an ONNX graph as input layers.

Which label each dimension has is said by what first reads it: a convolution takes N×C×H×W, an
LSTM T×N×C, and its states directions×N×C. The question goes forward through nodes that only move
dimensions, or leave them. A convolution over one dimension does not say whether that is time; a
recurrent layer behind it does. Where nobody says, rank decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from onnx import TensorProto

from matbridge.core.card import InputLayer
from matbridge.core.dims import canonical
from matbridge.errors import FormatError, UnsupportedError
from matbridge.layers.input import AnyInput, FeatureInput, Image3dInput, ImageInput, SequenceInput
from matbridge.onnx.labels import Axes, axes_of
from matbridge.onnx.nodes import Node, NodeGraph, Shape
from matbridge.ops.layout import unnumbered

__all__ = ["entering"]

# Types of data that enter.
NUMBERS = frozenset(
    TensorProto.DataType.Value(name)
    for name in (
        *("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "INT8", "INT16", "INT32", "INT64"),
        *("UINT8", "UINT16", "UINT32", "UINT64", "BOOL"),
    )
)
# By rank, where nothing else tells.
BY_RANK = {0: "", 1: "C", 2: "BC", 3: "BTC", 4: "BCSS", 5: "BCSSS"}

CARDS: Mapping[str, type[InputLayer]] = {
    "CB": FeatureInput,
    "SSCB": ImageInput,
    "SSSCB": Image3dInput,
    "CBT": SequenceInput,
    "SCBT": SequenceInput,
    "SSCBT": SequenceInput,
}
# An operator that tells the labels of its first input, by their number.
Asks = Callable[[Node, int], str]


def _spatial(node: Node, rank: int) -> str:
    return "BC" + "S" * (rank - 2)


def _steps(node: Node, rank: int) -> str:
    return "BTC" if node.integer("layout", 0) else "TBC"


RECURRENT = ("LSTM", "GRU", "RNN")
ASKS: Mapping[str, Asks] = {
    **dict.fromkeys(
        ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"),
        _spatial,
    ),
    **dict.fromkeys(("BatchNormalization", "InstanceNormalization", "LRN"), _spatial),
    **dict.fromkeys(RECURRENT, _steps),
}
# Operators over windows, which leave what the dimensions are.
WINDOWS = ("Conv", "MaxPool", "AveragePool")
# Operators whose first output has the dimensions of the tensor at hand.
KEEP = frozenset(
    "Add Sub Mul Div Pow Relu LeakyRelu Tanh Sigmoid Identity Cast Dropout Clip Elu Neg Abs Pad "
    "Sqrt Exp Log Erf Softplus PRelu Max Min Sum BatchNormalization Slice Split".split()
)


def entering(graph: NodeGraph) -> dict[str, tuple[InputLayer, Axes]]:
    """The input layer of each input tensor, and the axes of the tensor."""
    return {name: _input(graph, name) for name in graph.inputs}


def _input(graph: NodeGraph, name: str) -> tuple[InputLayer, Axes]:
    shape = _checked_shape(graph, name)
    rank = len(shape)
    axes = _sequence(graph, name, rank) if graph.from_matlab else None
    axes = axes or _told(graph, name, rank) or axes_of(BY_RANK.get(rank, ""))
    return _layer(_layer_name(name), axes, shape), axes


def _sequence(graph: NodeGraph, name: str, rank: int) -> Axes | None:
    """The axes of a sequence of MATLAB's exporter: time first, which it names from R2020b on;
    three dimensions are a sequence of vectors, unless the first is named as the batch."""
    (value,) = (v for v in graph.model.graph.input if v.name == name)
    dims = value.type.tensor_type.shape.dim
    first = dims[0].dim_param if dims else ""
    if first.endswith("SequenceLength") or (rank == 3 and first != "BatchSize"):
        return axes_of("TBC" + "S" * (rank - 3))
    return None


def _checked_shape(graph: NodeGraph, name: str) -> Shape:
    (value,) = (v for v in graph.model.graph.input if v.name == name)
    kind = value.type.WhichOneof("value") or "nothing"
    shape = graph.shape(name)
    if kind != "tensor_type":
        raise UnsupportedError(f"the input is no tensor, but {kind}", where=name)
    if value.type.tensor_type.elem_type not in NUMBERS:
        raise UnsupportedError("the input is not of real numbers", where=name)
    if shape is None or not len(shape) < 6:
        rank = "any number of" if shape is None else len(shape)
        raise UnsupportedError(f"the input has {rank} dimensions, not 0 to 5", where=name)
    if any(dim.dim_value < 0 for dim in value.type.tensor_type.shape.dim):
        raise FormatError("the input has a dimension of negative length", where=name)
    return shape


def _layer_name(tensor: str) -> str:
    return tensor.strip("/").replace("/", "_") or "input"


def _layer(name: str, axes: Axes, shape: Shape) -> InputLayer:
    lengths = dict(zip(axes, shape, strict=True))
    labels = [label for label in axes if label]
    numbered_format = canonical("".join(labels) + ("" if "B" in labels else "B"))
    format = unnumbered(numbered_format)
    sizes = [lengths[label] for label in numbered_format if label not in "BT"]
    card = CARDS.get(format)
    if card is None or None in sizes:
        numbers = [np.nan if n is None else float(n) for n in sizes]
        every = iter(numbers)
        all_sizes = [np.nan if label in "BT" else next(every) for label in format]
        return AnyInput(
            name=name,
            input_size=tuple(None if np.isnan(n) else int(n) for n in all_sizes),
            input_format=format,
        )
    return card(name=name, input_size=tuple(sizes), normalization="none")  # type: ignore[call-arg]


def _told(graph: NodeGraph, tensor: str, rank: int) -> Axes | None:
    """The axes that the first operator with an opinion asks for, None if none has one; the only
    spatial one is time where a later operator says so."""
    opinions = _opinions(graph, tensor, rank)
    first = next(opinions, None)
    if first is None or "1" not in first or "2" in first:
        return first
    timed = tuple("T" if axis == "1" else axis for axis in first)
    return timed if timed in opinions else first


def _opinions(graph: NodeGraph, tensor: str, rank: int) -> Iterator[Axes]:
    """The axes of the input that each operator which reads it, near or far, asks for."""
    # Each entry: a tensor, and for its dimensions the place in the input, None for a new one.
    waiting: list[tuple[str, tuple[int | None, ...]]] = [(tensor, tuple(range(rank)))]
    shape = graph.shape(tensor) or (None,) * rank
    seen = {tensor}
    for name, places in waiting:
        for node in graph.users(name):
            axes = _placed(_asked(node, name, len(places)), places, shape)
            if axes is not None:
                yield axes
            moved = _moved(graph, node, places) if name == node.inputs[0] else None
            if moved is not None and node.output not in seen:
                seen.add(node.output)
                waiting.append((node.output, moved))


def _asked(node: Node, tensor: str, rank: int) -> Axes:
    """The axes that the node asks of the tensor as its data or as its state, () for none."""
    if tensor == node.inputs[0]:
        ask = ASKS.get(node.operator)
        return axes_of(ask(node, rank)) if ask is not None and rank < 6 else ()
    if node.operator in RECURRENT and tensor in node.inputs[5:7]:
        return ("B", "", "C") if node.integer("layout", 0) else ("", "B", "C")
    return ()


def _placed(axes: Axes, places: Sequence[int | None], shape: Shape) -> Axes | None:
    """The axes of an input of this shape whose dimensions lie at these places of a tensor; None
    unless that has as many."""
    if not axes or len(axes) != len(places):
        return None
    placed = [""] * len(shape)
    for label, place in zip(axes, places, strict=True):
        if place is not None:
            # The states of several layers or directions stand along a dimension of their own.
            placed[place] = label if label or shape[place] == 1 else "1"
    # A dimension of the input that went has size 1.
    return tuple(placed)


def _moved(
    graph: NodeGraph, node: Node, places: tuple[int | None, ...]
) -> tuple[int | None, ...] | None:
    """Where the dimensions of the node's output come from; None where it mixes them."""
    rank = len(places)
    if node.operator in KEEP or (node.operator in WINDOWS and rank == 3):
        return places
    if node.operator == "Transpose":
        order = node.integers("perm") or tuple(range(rank))[::-1]
        return tuple(places[i] for i in order) if sorted(order) == list(range(rank)) else None
    axes = graph.option(node, "axes", 1)
    if axes is None or not rank or node.operator not in ("Squeeze", "Unsqueeze"):
        return None
    chosen = [int(n) for n in axes.reshape(-1)]
    if node.operator == "Squeeze":
        gone = {n % rank for n in chosen}
        return tuple(p for i, p in enumerate(places) if i not in gone)
    new = {n % (rank + len(chosen)) for n in chosen}
    left = [*places, *(None for _ in chosen)]
    return tuple(None if i in new else left.pop(0) for i in range(rank + len(chosen)))
