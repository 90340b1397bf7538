"""The way out of the words: a function of the user's on bare tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matbridge.core.dims import batch_first
from matbridge.ops.backend import Backend, Data
from matbridge.ops.layout import Value, align

__all__ = ["plain"]


def plain(
    backend: Backend,
    function: Callable[..., Data],
    values: Sequence[Value],
    weights: Sequence[Value],
) -> tuple[Data, ...]:
    """What the function makes of tensors: data batch first, then weights as they are declared.

    Only torch can: an UnsupportedError elsewhere.
    """
    data = [align(backend, x, batch_first(x.dims)).data for x in values]
    result = backend.plain(function, *data, *(w.data for w in weights))
    return result if isinstance(result, tuple) else (result,)
