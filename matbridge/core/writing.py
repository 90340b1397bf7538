"""How a network is to be written, where its language leaves a choice."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

__all__ = ["Writing"]


@dataclass(frozen=True)
class Writing:
    """What the caller wishes beside the path; each language says what it leaves open.

    ``opset`` is ONNX's, None for a recent one. With ``stateful`` the states of layers are inputs
    and outputs. ``half`` is 16 bits for each number, ``quantize`` "int8" 8 for each weight; what
    that loses is measured on ``data``, which are as predict takes them, else on random ones.
    """

    opset: int | None = None
    stateful: bool = False
    half: bool = False
    quantize: str = ""
    data: tuple[object, ...] = ()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of what is not left as it is."""
        fields = dataclasses.fields(self)
        return tuple(f.name for f in fields if getattr(self, f.name) != f.default)

    @property
    def exact(self) -> bool:
        """Whether what is written may differ by rounding alone."""
        return not (self.half or self.quantize)
