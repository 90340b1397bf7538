"""A network run a layer at a time: the arrays of a layer are there only while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from matbridge.core.card import Layer
from matbridge.core.dims import canonical, reorder, steps_first
from matbridge.core.engine import Labelled
from matbridge.core.mistakes import run_layer
from matbridge.errors import MismatchError
from matbridge.ops import Ops, Value
from matbridge.torch.backend import TorchBackend
from matbridge.torch.module import Bound, arrays_of, as_dtype

__all__ = ["run_pieces"]


def run_pieces(
    layer: Layer,
    entering: Sequence[Sequence[Labelled]],
    begins: Sequence[bool],
    states: Mapping[str, np.ndarray],
    dtype: str,
) -> Iterator[tuple[Labelled, ...]]:
    """What a layer gives for each piece: a value for each of its outputs.

    ``entering`` has for each piece a value for each input port, of floating point but for those
    that count. A piece that does not begin goes
    on from the states after the one before; ``states`` stand in for those of the layer. Raises
    MismatchError for what the layer does not take.
    """
    kind = as_dtype(dtype)
    ops = Ops(TorchBackend(kind, torch.device("cpu")))
    arrays = {**arrays_of(layer), **states}
    own = {name: torch.tensor(array, dtype=kind) for name, array in arrays.items()}
    bound = Bound(layer, ops, own)
    for values, first in zip(entering, begins, strict=True):
        bound = Bound(layer, ops, own if first else {**own, **_left(ops, bound)})
        with torch.inference_mode():
            arguments = [_value(labelled, kind) for labelled in values]
            yield tuple(_labelled(ops, y) for y in _run(layer, ops, bound, arguments))


def _run(layer: Layer, ops: Ops, bound: Bound, arguments: list[Value]) -> tuple[Value, ...]:
    try:
        return run_layer(layer, ops, bound, arguments)
    except NotImplementedError:
        raise
    except (RuntimeError, IndexError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise MismatchError(f"it does not take what comes in: {said}", where=layer.name) from error


def _left(ops: Ops, bound: Bound) -> dict[str, torch.Tensor]:
    """The states that a run set, in MATLAB's layout."""
    return {
        name: ops.align(value, bound.declared[name].dims).data
        for name, value in bound.updates.items()
    }


def _value(labelled: Labelled, kind: torch.dtype) -> Value:
    array, have = labelled
    dims = steps_first(have)
    tensor = torch.as_tensor(np.require(reorder(array, have, dims), requirements=("C", "W")))
    if tensor.is_complex():
        return Value(tensor.to(kind.to_complex()), dims)
    # Places of elements stay whole numbers.
    return Value(tensor.to(kind) if tensor.is_floating_point() else tensor, dims)


def _labelled(ops: Ops, value: Value) -> Labelled:
    """The value in MATLAB's order, with B."""
    value = value if "B" in value.dims else ops.align(value, value.dims + "B")
    dims = canonical(value.dims)
    return Labelled(ops.align(value, dims).data.numpy(), dims)
