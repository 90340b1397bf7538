"""How the torch backend calls functions: at once here; kept and recorded in prepared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

__all__ = ["Calls", "Direct"]


class Calls(Protocol):
    """Every computation of the backend passes here."""

    def fold(self, function: Callable[..., object], *arguments: object, **options: object) -> Any:
        """One that may be on weights alone, so that its result can be kept."""

    def call(self, function: Callable[..., object], *arguments: object, **options: object) -> Any:
        """Any other."""

    def constant(self, tensor: Tensor) -> Tensor:
        """A tensor that does not depend on the input."""


class Direct:
    """Nothing is kept."""

    def fold(self, function: Callable[..., object], *arguments: object, **options: object) -> Any:
        return function(*arguments, **options)

    def call(self, function: Callable[..., object], *arguments: object, **options: object) -> Any:
        return function(*arguments, **options)

    def constant(self, tensor: Tensor) -> Tensor:
        return tensor
