"""Operators of an ONNX file that no layer of MATLAB's says: kept and run as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from matbridge.core.card import EQUATION, NO_PRODUCT, Array, Layer, learnable, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import Kind, positive, text
from matbridge.errors import UnsupportedError
from matbridge.ops import OPERATORS, Operation, Ops, Parameters, Value
from matbridge.ops.layout import numbered
from matbridge.version import DOCS

__all__ = ["Data", "Learned", "Operator", "Result"]


@dataclass(frozen=True)
class Data:
    """An operand that another layer gives, and the order in which the operator takes it: the
    spatial labels told apart as 1, 2, 3."""

    dims: str


@dataclass(frozen=True)
class Learned:
    """An operand that is an array of the layer, of this size."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """The order in which a result comes, and its sizes, None where only data tell."""

    dims: str
    sizes: tuple[int | None, ...]


# An operand is left out where it is None.
Operand = Data | Learned | np.ndarray | None


def _array_to_json(array: object) -> object:
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{type(array).__name__} has no JSON")
    return {"type": array.dtype.name, "shape": array.shape, "values": array.ravel().tolist()}


def _array_from_json(written: dict[str, object]) -> object:
    if set(written) != {"type", "shape", "values"}:
        return written
    kind = np.dtype(str(written["type"]))
    if kind.kind not in "biufU":
        raise ValueError(f"an array of {kind} is no constant")
    return np.array(written["values"], kind).reshape(written["shape"])  # type: ignore[call-overload]


def _write(value: object) -> str:
    return json.dumps(value, default=_array_to_json)


def _read(value: object) -> object:
    return json.loads(value, object_hook=_array_from_json) if isinstance(value, str) else value


def _attributes(value: object) -> dict[str, object]:
    attributes = _read(value)
    if not isinstance(attributes, Mapping):
        raise ValueError("a mapping of attributes is needed")
    return dict(attributes)


def _operand(written: object) -> Operand:
    if written is None or isinstance(written, Data | Learned | np.ndarray):
        return written
    if isinstance(written, str):
        return Data(written)
    if not isinstance(written, list):
        raise ValueError("an operand is an order of labels, a size, a constant or nothing")
    return Learned(tuple(int(n) for n in written))


def _operands(value: object) -> tuple[Operand, ...]:
    return tuple(_operand(x) for x in _listed(_read(value)))


def _listed(value: object) -> Iterable[object]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"a list is needed, not {type(value).__name__}")
    return value


def _operand_to_json(operand: Operand) -> object:
    if isinstance(operand, Data):
        return operand.dims
    return list(operand.shape) if isinstance(operand, Learned) else operand


def _result(written: object) -> Result | None:
    if written is None or isinstance(written, Result):
        return written
    dims, sizes = _listed(written)
    if not isinstance(dims, str):
        raise ValueError("a result is an order of labels and sizes")
    return Result(dims, tuple(n if n is None else int(str(n)) for n in _listed(sizes)))


def _results(value: object) -> tuple[Result | None, ...]:
    return tuple(_result(x) for x in _listed(_read(value)))


ATTRIBUTES = Kind(_attributes, _write, "Mapping[str, object]")
OPERANDS = Kind(_operands, lambda value: _write([_operand_to_json(x) for x in value]), "Sequence")
RESULTS = Kind(_results, lambda value: _write([x and [x.dims, x.sizes] for x in value]), "Sequence")


class Operator(Layer):
    """An operator of ONNX, OpType of Domain as its OpsetVersion defines it.

    Operands tells for each whether it is data, and in which order of labels, an array of the
    layer (in1, in2, ... by its place) or a constant. Results tells in which order each comes,
    and of what size, as far as the file told. Written to ONNX it is that operator again.
    """

    MATLAB = ("onnx.OperatorLayer",)
    PRODUCT = NO_PRODUCT
    SINCE = "none"
    EVIDENCE = EQUATION

    op_type: str = prop("OpType", text)
    domain: str = prop("Domain", text, default="")
    version: int = prop("OpsetVersion", positive)
    attributes: Mapping[str, object] = prop("Attributes", ATTRIBUTES)
    operands: tuple[Operand, ...] = prop("Operands", OPERANDS)
    results: tuple[Result | None, ...] = prop("Results", RESULTS)

    @property
    def type_name(self) -> str:
        """The operator's own name, under which its users know it."""
        return self.operation.full_name

    @property
    def status(self) -> str:
        return "ONNX operator"

    @property
    def operation(self) -> Operation:
        wanted = tuple(result is not None for result in self.results)
        return Operation(self.op_type, self.domain, self.version, self.attributes, wanted)

    @property
    def inputs(self) -> tuple[str, ...]:
        return _ports("in", sum(isinstance(x, Data) for x in self.operands))

    @property
    def outputs(self) -> tuple[str, ...]:
        return _ports("out", sum(result is not None for result in self.results))

    @property
    def declared(self) -> tuple[Array, ...]:
        return tuple(
            learnable(f"in{place}", *map(str, x.shape), dims="U" * len(x.shape))
            for place, x in enumerate(self.operands, 1)
            if isinstance(x, Learned)
        )

    def obstacle(self) -> UnsupportedError | None:
        if self.type_name in OPERATORS:
            return super().obstacle()
        return UnsupportedError(
            f"the operator {self.type_name} cannot be run",
            where=self.name,
            mend=f"{DOCS}/onnx.md lists the operators that can.",
        )

    def infer(self, *inputs: Size) -> tuple[Size, ...]:
        orders = (x.dims for x in self.operands if isinstance(x, Data))
        for x, dims in zip(inputs, orders, strict=True):
            lengths = dict(zip(numbered(x.format), x.sizes, strict=True))
            if any(n not in (None, 1) for label, n in lengths.items() if label not in dims):
                self.refuse(f"takes {dims or 'one number'}, but its input is {x}")
        return tuple(Size.measured(r.dims, _open(r)) for r in self.results if r is not None)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> tuple[Value, ...]:
        left = list(inputs)
        operands = [self._entering(place, p, left) for place in range(len(self.operands))]
        given = [(r.dims, r.sizes) for r in self.results if r is not None]
        return ops.operate(self.operation, operands, given)

    def _entering(
        self, place: int, p: Parameters, left: list[Value]
    ) -> tuple[Value, str] | np.ndarray | None:
        operand = self.operands[place]
        if isinstance(operand, Data):
            return left.pop(0), operand.dims
        if isinstance(operand, Learned):
            array = p[f"in{place + 1}"]
            return array, array.dims
        return operand


def _ports(word: str, count: int) -> tuple[str, ...]:
    return (word,) if count == 1 else tuple(f"{word}{n}" for n in range(1, count + 1))


def _open(result: Result) -> tuple[int | None, ...]:
    """The sizes, those of the batch and of time open."""
    pairs = zip(result.dims, result.sizes, strict=True)
    return tuple(None if label in "BT" else n for label, n in pairs)
