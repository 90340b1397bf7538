"""What no layer of MATLAB's says: plain operator layers, which run as the file says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import onnx
from onnx import numpy_helper

from matbridge.core.arrays import fit_arrays
from matbridge.core.dims import without
from matbridge.errors import LayerError
from matbridge.layers.operator import Data, Learned, Operand, Operator, Result
from matbridge.onnx.labels import Axes, axes_of
from matbridge.onnx.lifted import Labelled, Lifted, Lifting
from matbridge.onnx.nodes import Node
from matbridge.onnx.patterns.layout import VIEWS
from matbridge.onnx.sizes import Length, Symbol
from matbridge.ops import OPERATORS
from matbridge.ops.layout import numbered, unnumbered

__all__ = ["apart", "plain"]

# Labels for dimensions of which nothing is known, the first choice first.
SPARE = "C123UT"
# Floating point operands that are options, not weights, by their places.
OPTIONS: Mapping[str, tuple[int, ...]] = {
    "Clip": (1, 2),
    "Dropout": (1,),
    "Pad": (2,),
    "Range": (0, 1, 2),
    "Resize": (1, 2),
    "Upsample": (1,),
}
# Operators whose results keep the first dimensions of an operand; others expand from the last.
FROM_FIRST = frozenset(
    "Reshape Flatten Squeeze Unsqueeze Gather GatherElements GatherND Shape Size Split Slice "
    "Concat ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum "
    "ReduceLogSumExp ReduceSumSquare ArgMax ArgMin TopK OneHot".split()
)

# Operators whose result has each dimension of their data in its place, whatever its length.
IN_PLACE = frozenset(
    "AveragePool CenterCropPad Conv ConvTranspose CumSum DepthToSpace LpPool MaxPool MaxUnpool "
    "Pad Resize Slice SpaceToDepth Tile Upsample".split()
)

# Operators on each element, where the shape inference tells nothing.
SAME_RANK = frozenset("Abs Cast Ceil Exp Floor Log Neg Not Reciprocal Relu Round Sqrt Tanh".split())


def plain(at: Lifting, node: Node) -> Lifted | None:
    """Any operator that can be run. The inverse: onnx/operators.py."""
    if node.operator not in OPERATORS:
        return None
    group = Group(at, node)
    operands = [group.operand(place) for place in range(len(node.inputs))]
    if not any(isinstance(operand, Data) for operand in operands):
        return None
    results = [group.result(name) for name in node.outputs]
    layer = group.operator(at.name(node), operands, results)
    return group.lifted(layer)


def apart(at: Lifting, tensor: str) -> Lifted | None:
    """A Reshape for a tensor of which a dimension merges several; None if it is none such, or
    their sizes are not known."""
    node, value = at.graph.maker(tensor), at.value(tensor)
    if node is None or all(len(axis) < 2 for axis in value.axes):
        return None
    group = Group(at, node)
    try:
        alone = group.apart(value, tensor)
    except LayerError:
        return None
    return Lifted(tuple(group.before), group.feeds, {tensor: alone})


class Group:
    """The layers that one node becomes: the operator, and before it what brings its operands to
    dimensions of their own."""

    def __init__(self, at: Lifting, node: Node) -> None:
        self.at = at
        self.node = node
        self.entering: list[Labelled] = []
        self.before: list[Operator] = []
        self.feeds: dict[str, Labelled] = {}

    # -- operands --------------------------------------------------------------------------

    def operand(self, place: int) -> Operand:
        name = self.node.inputs[place]
        if not name:
            return None
        array = self.at.graph.constant(name)
        array = self._shape_told(place) if array is None else array
        if array is not None:
            return self._constant(array, place)
        value = self.apart(self._typed(self.at.value(name), name), name)
        self.entering.append(value)
        return Data(_order(value, self.at))

    def _constant(self, array: np.ndarray, place: int) -> Operand:
        if array.dtype.kind not in "biufV":
            raise LayerError(f"its operand {place + 1} holds {array.dtype}, not numbers")
        array = array if array.dtype.kind != "V" else array.astype(np.float32)
        option = place in OPTIONS.get(self.node.operator, ())
        if array.dtype.kind == "f" and array.ndim and array.size and not option:
            return Learned(array.shape)
        return array

    def _shape_told(self, place: int) -> np.ndarray | None:
        """The shape of Reshape as a constant, where the free lengths only keep their places."""
        if self.node.operator != "Reshape" or place != 1 or self.node.integer("allowzero", 0):
            return None
        told = self.at.graph.sizes.open_values.get(self.node.inputs[1])
        have = self.at.graph.sizes.shapes.get(self.node.inputs[0], ())
        if told is None:
            return None
        shape = [_kept(n, have[i] if i < len(have) else None) for i, n in enumerate(told)]
        return np.array(shape, np.int64) if shape.count(-1) < 2 else None

    def _typed(self, value: Labelled, name: str) -> Labelled:
        """Whole numbers where a layer of MATLAB's gives floating ones."""
        kind = self.at.graph.sizes.types.get(name)
        if kind is None or self.at.graph.is_floating(name):
            return value
        if not self._enters(name):
            return value
        size = self.at.size(value)
        if size is None:
            return value
        result = Result(size.format, size.sizes)
        cast = self._extra("Cast", value, numbered(size.format), result, {"to": kind})
        return replace(value, end=cast.name)

    def _enters(self, name: str) -> bool:
        """Whether the tensor is an input of the graph, only seen otherwise: an input layer gives
        floating point numbers."""
        while name not in self.at.graph.inputs:
            node = self.at.graph.maker(name)
            if node is None or node.operator not in VIEWS:
                return False
            name = node.inputs[0]
        return True

    def apart(self, value: Labelled, name: str) -> Labelled:
        """The value with a dimension of its own for each axis that merges several."""
        if all(len(axis) < 2 for axis in value.axes):
            return value
        shape = self._merged(value.axes, self.at.graph.sizes.shapes.get(name, ()))
        if shape is None:
            raise LayerError(f"{name!r} merges dimensions whose sizes are not known")
        axes = _renamed(value.axes)
        sizes = tuple(n if n > 0 else None for n in shape)
        result = Result(unnumbered("".join(axes)), sizes)
        taken = "".join(value.axes)
        joined = self._extra("Reshape", value, taken, result, constant=np.array(shape, np.int64))
        return Labelled(joined.name, axes_of(result.dims))

    def _merged(self, axes: Axes, lengths: Sequence[Length]) -> list[int] | None:
        """What Reshape says to merge: 0 for a length that stays in its place, -1 for a free one."""
        if len(lengths) != len(axes):
            return None
        shape, place = [], 0
        for number, (axis, length) in enumerate(zip(axes, lengths, strict=True)):
            stays = len(axis) == 1 and axis in "BT" and place == number
            free = "B" in axis or not isinstance(length, int)
            shape.append(0 if stays else -1 if free or not isinstance(length, int) else length)
            place += len(axis)
        return shape if shape.count(-1) < 2 else None

    def _extra(
        self,
        op_type: str,
        value: Labelled,
        dims: str,
        result: Result,
        attributes: Mapping[str, object] | None = None,
        constant: np.ndarray | None = None,
    ) -> Operator:
        """An operator in front, of operator set 13."""
        operands: list[Operand] = [Data(dims)] if constant is None else [Data(dims), constant]
        name = f"{self.at.name(self.node)}_{op_type.lower()}{len(self.before) + 1}"
        layer = Operator(
            name=self.at.free(name),
            op_type=op_type,
            version=13,
            attributes=dict(attributes or {}),
            operands=tuple(operands),
            results=(result,),
        )
        self.before.append(layer)
        self.feeds[layer.name] = value
        return layer

    # -- results ---------------------------------------------------------------------------

    def result(self, name: str) -> Result | None:
        graph = self.at.graph
        if not name or not (graph.users(name) or name in graph.outputs):
            return None
        shape: Sequence[Length] | None = graph.sizes.shapes.get(name, graph.shape(name))
        shape = self._shape_by_rank(name) if shape is None else shape
        if shape is None:
            raise LayerError("how many dimensions it gives is not known")
        labels: list[str] = [""] * len(shape)
        known = self._labels_of_lengths()
        for place, length in enumerate(shape):
            label = known.get(length, "") if isinstance(length, Symbol) else ""
            labels[place] = label if label not in labels else ""
        for place, length in enumerate(shape):
            if not labels[place]:
                label = self._in_place(place, len(shape)) or self._beside(place, length, len(shape))
                labels[place] = label if label not in labels else ""
        spare = iter(label for label in SPARE if label not in labels)
        # The last dimension is that of channels, if there are none.
        for place in reversed(range(len(shape))):
            labels[place] = labels[place] or next(spare, "")
        if "" in labels:
            raise LayerError(f"it gives {len(shape)} dimensions, more than there are labels")
        dims = unnumbered("".join(labels))
        return Result(dims, tuple(n if isinstance(n, int) else None for n in shape))

    def _shape_by_rank(self, name: str) -> Sequence[Length] | None:
        """As many free lengths as the result has dimensions: as the file declares, or as an
        operator on each element leaves them."""
        rank = self.at.graph.rank(name)
        if rank is None and self.entering and self.node.operator in SAME_RANK | IN_PLACE:
            rank = len(self.entering[0].axes)
        if rank is None and self.entering and self.node.operator.startswith("Reduce"):
            axes = self.at.graph.shape(self.node.inputs[1]) if self.node.has(1) else None
            gone = 0 if self.node.integer("keepdims", 1) else (axes or (None,))[0]
            rank = None if gone is None else len(self.entering[0].axes) - gone
        return None if rank is None else (None,) * rank

    def _labels_of_lengths(self) -> dict[Length, str]:
        """Which label each free length of the graph's inputs has."""
        labels: dict[Length, str] = {}
        for name in self.at.graph.inputs:
            lengths = self.at.graph.sizes.shapes.get(name, ())
            for label, n in zip(self.at.value(name).axes, lengths, strict=False):
                if isinstance(n, Symbol) and label:
                    labels.setdefault(n, label)
        return labels

    def _in_place(self, place: int, rank: int) -> str:
        """The label that the data have at this place, where the operator only changes lengths."""
        if self.node.operator not in IN_PLACE or not self.entering:
            return ""
        axes = self.entering[0].axes
        return axes[place] if len(axes) == rank and len(axes[place]) == 1 else ""

    def _beside(self, place: int, length: Length, rank: int) -> str:
        """The label that an operand has at this place, where it is as long."""
        for value, name in zip(self.entering, self._data(), strict=True):
            have = self.at.graph.sizes.shapes.get(name)
            if have is None or len(have) != len(value.axes):
                continue
            first = self.node.operator in FROM_FIRST or len(have) == rank
            own = place if first else place - rank + len(have)
            if 0 <= own < len(have) and have[own] == length and length is not None:
                axis = value.axes[own]
                if len(axis) == 1 and not (length == 1 and axis not in "BT"):
                    return axis
        return ""

    def _data(self) -> list[str]:
        """The operands that are data."""
        told = [self._shape_told(place) for place in range(len(self.node.inputs))]
        pairs = zip(self.node.inputs, told, strict=True)
        return [n for n, t in pairs if n and t is None and self.at.graph.constant(n) is None]

    # -- together --------------------------------------------------------------------------

    def operator(
        self, name: str, operands: Sequence[Operand], results: Sequence[Result | None]
    ) -> Operator:
        domain, _, op_type = self.node.operator.rpartition("::")
        layer = Operator(
            name=name,
            op_type=op_type,
            domain=domain,
            version=self.at.graph.opsets.get(domain, 1),
            attributes={n: _attribute(n, value) for n, value in self.node.attributes.items()},
            operands=tuple(operands),
            results=tuple(results),
        )
        arrays = {
            f"in{place + 1}": self.at.graph.constant(self.node.inputs[place])
            for place, operand in enumerate(operands)
            if isinstance(operand, Learned)
        }
        return fit_arrays(layer, {n: _numbers(a) for n, a in arrays.items() if a is not None})  # type: ignore[return-value]

    def lifted(self, layer: Operator) -> Lifted:
        wanted = [n for n, r in zip(self.node.outputs, layer.results, strict=True) if r]
        axes = [axes_of(r.dims) for r in layer.results if r is not None]
        made = Lifted.one(layer, self.entering, dict(zip(wanted, axes, strict=True)))
        return Lifted((*self.before, layer), {**self.feeds, **made.feeds}, made.gives)


def _numbers(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.kind == "V" else array


def _attribute(name: str, value: object) -> object:
    if isinstance(value, onnx.TensorProto):
        return _numbers(numpy_helper.to_array(value))
    if not isinstance(value, int | float | str | list):
        raise LayerError(
            f"its attribute {name} is a {type(value).__name__}, which is not supported"
        )
    return value


def _order(value: Labelled, at: Lifting) -> str:
    """The order in which an operator takes the value: a label of size 1 where it has none."""
    size = at.size(value)
    have = "".join(value.axes) + ("" if size is None else numbered(size.format))
    spare = iter(label for label in SPARE if label not in have)
    labels = [axis or next(spare, "") for axis in value.axes]
    if "" in labels:
        raise LayerError(f"it takes {len(labels)} dimensions, more than there are labels")
    return "".join(labels)


def _kept(length: Length, there: Length) -> int:
    """What Reshape says: a number, 0 for the length that is there, -1 for what is left."""
    if isinstance(length, int):
        return length
    return 0 if length is not None and length == there else -1


def _renamed(axes: Axes) -> Axes:
    """One label for each dimension: its own, C where it merges channels, else a spare one."""
    labels = [axis if len(axis) == 1 else "C" if "C" in axis else "" for axis in axes]
    spare = iter(without(SPARE, "".join(labels)))
    return tuple(label or next(spare) for label in labels)
