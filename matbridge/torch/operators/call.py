"""One call of an operator: its attributes by type, and how its operands come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from matbridge.errors import UnsupportedError
from matbridge.ops import Operation

__all__ = ["FLOATS", "Call", "Entry", "Results", "Table", "as_type"]

# ONNX's numbers of the types that tensors hold; a floating one is that of the module.
WHOLE_TYPES = {
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
}
FLOATS = (1, 10, 11, 16)

Results = Tensor | tuple[Tensor | None, ...]


@dataclass(frozen=True)
class Call:
    """The operation, and the type of floating point numbers in this run."""

    operation: Operation
    dtype: torch.dtype

    @property
    def version(self) -> int:
        return self.operation.version

    def has(self, name: str) -> bool:
        """Whether the file says this attribute."""
        return name in self.operation.attributes

    def number(self, name: str, default: float) -> float:
        value = self.operation.attributes.get(name, default)
        return float(value) if isinstance(value, int | float) else default

    def whole(self, name: str, default: int = 0) -> int:
        return int(self.number(name, default))

    def text(self, name: str, default: str = "") -> str:
        return str(self.operation.attributes.get(name, default))

    def wholes(self, name: str, default: Sequence[int] = ()) -> list[int]:
        return [int(n) for n in self._several(name, default)]

    def numbers(self, name: str, default: Sequence[float] = ()) -> list[float]:
        return [float(n) for n in self._several(name, default)]

    def texts(self, name: str) -> list[str]:
        return [str(n) for n in self._several(name, ())]

    def _several(self, name: str, default: Sequence[float]) -> Sequence[float]:
        value = self.operation.attributes.get(name, default)
        return value if isinstance(value, list | tuple) else default

    def refuse(self, what: str) -> UnsupportedError:
        """The error that this operator with these attributes is not supported."""
        return UnsupportedError(f"the operator {self.operation.full_name} {what}")


def as_type(call: Call, number: int) -> torch.dtype:
    """The type of ONNX's number for it; floating point is that of the module."""
    if number in FLOATS:
        return call.dtype
    if number not in WHOLE_TYPES:
        raise call.refuse(f"makes a type of number {number}, which is not supported")
    return WHOLE_TYPES[number]


@dataclass(frozen=True)
class Entry:
    """What computes an operator, and which of its operands come as lists of numbers."""

    function: Callable[..., Results]
    lists: tuple[int, ...] = ()


Table = dict[str, Entry]
