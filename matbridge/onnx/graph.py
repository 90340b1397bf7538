"""An ONNX graph under construction: tensors whose shapes may be symbolic."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeGuard

import numpy as np
import onnx
from onnx import TensorProto, helper

from matbridge.errors import UnsupportedError
from matbridge.onnx.opsets import DEFAULT, Attribute, Call, in_opset

__all__ = ["TYPES", "Attribute", "Builder", "Data", "Dim", "Extent", "Tensor", "settled"]

TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}


@dataclass(frozen=True)
class Dim:
    """A length known only when the model runs: a factor times lengths of other tensors.

    Each part is (tensor, axis), so that it can be computed in the graph.
    """

    parts: tuple[tuple[str, int], ...]
    factor: int = 1

    def __mul__(self, other: int | Dim) -> Dim:
        if isinstance(other, Dim):
            return Dim(tuple(sorted(self.parts + other.parts)), self.factor * other.factor)
        return Dim(self.parts, self.factor * other)

    __rmul__ = __mul__

    def _refuse(self, *_: object) -> NoReturn:
        raise UnsupportedError(
            "a size that follows from an unknown length cannot be written to ONNX"
        )

    # Sums and quotients would need nodes of their own; nothing that is written asks for them.
    __neg__ = __add__ = __radd__ = __sub__ = __rsub__ = __floordiv__ = __mod__ = _refuse


# The length of one dimension.
Extent = int | Dim


@dataclass(frozen=True)
class Tensor:
    """A value of the graph. ``zero`` marks one that holds nothing but zeros."""

    name: str
    shape: tuple[Extent, ...]
    zero: bool = False


def settled(shape: Sequence[Extent]) -> TypeGuard[Sequence[int]]:
    """Whether no length in it is symbolic."""
    return all(isinstance(n, int) for n in shape)


def _result(name: str, shape: Sequence[Extent | None]) -> Tensor:
    """A result; a length that only it will tell is read off it where it is needed."""
    return Tensor(
        name, tuple(Dim(((name, axis),)) if n is None else n for axis, n in enumerate(shape))
    )


def _read_inside(node: onnx.NodeProto) -> Iterator[str]:
    """What the graphs inside a node read, names from outside among them."""
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from inner.input
            yield from _read_inside(inner)


# Constants stay NumPy arrays, and what is computed from them alone is folded.
Data = Tensor | np.ndarray


@dataclass
class Builder:
    """Nodes and initializers as they come; names carry the layer they come from."""

    dtype: np.dtype
    opset: int = DEFAULT
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: dict[str, np.ndarray] = field(default_factory=dict)
    scope: str = ""
    # Names of inputs and outputs, which nothing else may bear.
    reserved: frozenset[str] = frozenset()
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    # Whether there are plain operators, whose results may be of other types.
    foreign: bool = False
    # The versions of operator sets beside ONNX's own, by domain.
    domains: dict[str, int] = field(default_factory=dict)
    # By identity; the array is held so that its id is not given to another.
    names: dict[int, tuple[np.ndarray, str]] = field(default_factory=dict)

    def fresh(self, what: str) -> str:
        name = f"{self.scope}/{what}_{next(self.counter)}" if self.scope else what
        return self.fresh(what) if name in self.reserved else name

    def name_of(self, data: Data) -> str:
        """The name of a value; a constant becomes an initializer, once."""
        if isinstance(data, Tensor):
            return data.name
        if id(data) not in self.names:
            array = data if data.dtype.kind != "f" else data.astype(self.dtype, copy=False)
            self.names[id(data)] = (data, self.initializer(array, "constant"))
        return self.names[id(data)][1]

    def initializer(self, array: np.ndarray, what: str) -> str:
        name = self.fresh(what)
        # NumPy makes one dimension of none here.
        self.initializers[name] = np.ascontiguousarray(array).reshape(np.shape(array))
        return name

    def integers(self, values: Sequence[int], what: str = "sizes") -> str:
        return self.initializer(np.array(values, np.int64), what)

    def array(self, name: str) -> np.ndarray:
        """The constant of this name; KeyError for what only the data tell."""
        return self.initializers[name]

    def node(
        self,
        operator: str,
        inputs: Sequence[Data | str],
        shape: Sequence[Extent | None],
        **attributes: Attribute,
    ) -> Tensor:
        """One node with one result of this shape; None for a length that only it tells."""
        return self.nodes_with(operator, inputs, [shape], **attributes)[0]

    def nodes_with(
        self,
        operator: str,
        inputs: Sequence[Data | str],
        shapes: Sequence[Sequence[Extent | None]],
        **attributes: Attribute,
    ) -> list[Tensor]:
        """One node with several results."""
        results = self.results(operator, shapes)
        names = [data if isinstance(data, str) else self.name_of(data) for data in inputs]
        call = in_opset(Call(operator, tuple(names), attributes), self.opset, self.array)
        ends = [result.name for result in results]
        node = helper.make_node(call.operator, call.inputs, ends, self.fresh(operator))
        options = sorted(call.attributes.items())
        node.attribute.extend(itertools.starmap(helper.make_attribute, options))
        self.nodes.append(node)
        return results

    def results(self, operator: str, shapes: Sequence[Sequence[Extent | None]]) -> list[Tensor]:
        """What a node of this operator is to give."""
        return [_result(self.fresh(operator.lower()), shape) for shape in shapes]

    def named(self, data: Data, name: str) -> Tensor:
        """The same value under this name: it may stand under another, or be an input.

        Where plain operators may have made whole numbers of it, as numbers of the model's type.
        """
        floating = not isinstance(data, np.ndarray) or data.dtype.kind == "f"
        node = helper.make_node("Identity", [self.name_of(data)], [name], name)
        if self.foreign and floating:
            node.op_type = "Cast"
            node.attribute.append(helper.make_attribute("to", TYPES[self.dtype.name]))
        self.nodes.append(node)
        return Tensor(name, data.shape)

    def shape(self, shape: Sequence[Extent]) -> str:
        """This shape as a tensor, computed in the graph where it is symbolic."""
        if settled(shape):
            return self.integers(shape)
        parts = [self.integers([n]) if isinstance(n, int) else self.dim(n) for n in shape]
        return self.node("Concat", parts, (len(shape),), axis=0).name

    def dim(self, dim: Dim) -> str:
        """A tensor of one element: a symbolic length."""
        # Nothing to multiply with yet is the empty name.
        product = self.integers([dim.factor]) if dim.factor != 1 else ""
        for source, axis in dim.parts:
            shape = self.node("Shape", [source], (1,))
            length = self.node("Gather", [shape, self.integers([axis], "axis")], (1,), axis=0)
            product = self.node("Mul", [product, length], (1,)).name if product else length.name
        return product

    def pruned(self, wanted: Sequence[str]) -> list[onnx.NodeProto]:
        """The nodes that the wanted values depend on, in order."""
        needed, kept = set(wanted), []
        # Nodes come after what they read, so one pass from the end meets every user first.
        for node in reversed(self.nodes):
            if needed & set(node.output):
                needed.update(node.input, _read_inside(node))
                kept.append(node)
        self.initializers = {k: v for k, v in self.initializers.items() if k in needed}
        return kept[::-1]
