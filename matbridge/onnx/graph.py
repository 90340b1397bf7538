"""An ONNX graph under construction: tensors with sizes, some of them symbolic."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from matbridge.errors import UnsupportedError

__all__ = ["TYPES", "Builder", "Data", "Dim", "Tensor"]

OPSET = 17
IR_VERSION = 8
TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}


@dataclass(frozen=True)
class Dim:
    """A size known only when the model runs: a factor times sizes of graph inputs.

    Each part is (input, axis), so that it can be computed in the graph.
    """

    parts: tuple[tuple[str, int], ...]
    factor: int = 1

    def __mul__(self, other: int | Dim) -> Dim:
        if isinstance(other, Dim):
            return Dim(tuple(sorted(self.parts + other.parts)), self.factor * other.factor)
        return Dim(self.parts, self.factor * other)

    __rmul__ = __mul__

    def _refuse(self, *_: Any) -> Any:
        raise UnsupportedError(
            "a size that follows from an unknown length cannot be written to ONNX"
        )

    __neg__ = __add__ = __radd__ = __sub__ = __rsub__ = __floordiv__ = __mod__ = _refuse


Size = int | Dim


@dataclass(frozen=True)
class Tensor:
    """A value of the graph. ``zero`` marks one that holds nothing but zeros."""

    name: str
    sizes: tuple[Size, ...]
    zero: bool = False


def _result(name: str, sizes: Sequence[Size | None]) -> Tensor:
    """A result; a size that only it will tell is read off it where it is needed."""
    found = (Dim(((name, axis),)) if n is None else n for axis, n in enumerate(sizes))
    return Tensor(name, tuple(found))


# Constants stay NumPy arrays, and what is computed from them alone is folded.
Data = Tensor | np.ndarray


@dataclass
class Builder:
    """Nodes and initializers as they come; names carry the layer they come from."""

    dtype: np.dtype
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: dict[str, onnx.TensorProto] = field(default_factory=dict)
    scope: str = ""
    # Names of inputs and outputs, which nothing else may bear.
    reserved: frozenset[str] = frozenset()
    counter: Any = field(default_factory=lambda: itertools.count(1))
    names: dict[int, tuple[np.ndarray, str]] = field(default_factory=dict)

    def fresh(self, what: str) -> str:
        name = f"{self.scope}/{what}_{next(self.counter)}" if self.scope else what
        return self.fresh(what) if name in self.reserved else name

    def name_of(self, data: Data) -> str:
        """The name of a value; a constant becomes an initializer, once."""
        if isinstance(data, Tensor):
            return data.name
        if id(data) not in self.names:
            array = data if data.dtype.kind != "f" else data.astype(self.dtype)
            self.names[id(data)] = (data, self.initializer(array, "constant"))
        return self.names[id(data)][1]

    def initializer(self, array: np.ndarray, what: str) -> str:
        name = self.fresh(what)
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def integers(self, values: Sequence[int], what: str = "sizes") -> str:
        return self.initializer(np.array(values, np.int64), what)

    def scalar(self, value: int) -> str:
        """An integer without dimensions."""
        return self.initializer(np.array(value, np.int64), "axis")

    def node(
        self,
        operator: str,
        inputs: Sequence[Data | str],
        sizes: Sequence[Size | None],
        **attributes: Any,
    ) -> Tensor:
        """One node with one result of these sizes; None for one that only the result tells."""
        return self.nodes_with(operator, inputs, [sizes], **attributes)[0]

    def nodes_with(
        self,
        operator: str,
        inputs: Sequence[Data | str],
        sizes: Sequence[Sequence[Size | None]],
        **attributes: Any,
    ) -> list[Tensor]:
        """One node with several results."""
        results = [_result(self.fresh(operator.lower()), one) for one in sizes]
        names = [one if isinstance(one, str) else self.name_of(one) for one in inputs]
        self.nodes.append(
            helper.make_node(
                operator, names, [r.name for r in results], self.fresh(operator), **attributes
            )
        )
        return results

    def shape(self, sizes: Sequence[Size]) -> str:
        """A tensor of these sizes, computed in the graph where they are symbolic."""
        if all(isinstance(n, int) for n in sizes):
            return self.integers([n for n in sizes if isinstance(n, int)])
        parts = [self.integers([n]) if isinstance(n, int) else self.dim(n) for n in sizes]
        return self.node("Concat", parts, (len(sizes),), axis=0).name

    def dim(self, dim: Dim) -> str:
        """A tensor of one element: a symbolic size."""
        product = self.integers([dim.factor]) if dim.factor != 1 else ""
        for source, axis in dim.parts:
            shape = self.node("Shape", [source], (1,))
            size = self.node("Gather", [shape, self.integers([axis], "axis")], (1,), axis=0)
            product = self.node("Mul", [product, size], (1,)).name if product else size.name
        return product

    def pruned(self, wanted: Sequence[str]) -> list[onnx.NodeProto]:
        """The nodes that the wanted values depend on, in order."""
        needed, kept = set(wanted), []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                needed.update(node.input)
                kept.append(node)
        self.initializers = {k: v for k, v in self.initializers.items() if k in needed}
        return kept[::-1]
