"""What differs between training and prediction, on labelled values."""

from __future__ import annotations

from matbridge.ops.backend import Backend
from matbridge.ops.layout import Value

__all__ = ["dropout", "noise"]


def dropout(backend: Backend, x: Value, probability: float, over: str = "") -> Value:
    """The identity, unless training; with ``over``, whole maps along these go."""
    if not backend.training or probability == 0:
        return x
    shared = tuple(axis for axis, label in enumerate(x.dims) if label in over)
    return Value(backend.dropped(x.data, probability, shared), x.dims)


def noise(backend: Backend, x: Value, deviation: float) -> Value:
    """The identity, unless training."""
    return Value(backend.noisy(x.data, deviation), x.dims) if backend.training else x
