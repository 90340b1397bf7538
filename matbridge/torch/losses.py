"""The losses of a network's output layers, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.core.dims import Size, batch_first, without
from matbridge.core.network import Network
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.ops import Ops, Value

__all__ = ["losses"]


def losses(
    network: Network, ops: Ops, outputs: Sequence[Tensor], targets: Sequence[Tensor]
) -> list[Tensor]:
    """The loss at each output; outputs and targets batch first."""
    layers = [network[port.layer] for port in network.outputs]
    if not all(layer.IS_OUTPUT for layer in layers):
        raise UnsupportedError(
            "the network has no output layer that says what its loss is",
            mend="Use a loss of your own, such as torch.nn.functional.mse_loss.",
        )
    if not len(layers) == len(outputs) == len(targets):
        raise MismatchError(f"{len(layers)} outputs and as many targets are needed")
    sizes = network.infer()
    terms = []
    for port, layer, y, t in zip(network.outputs, layers, outputs, targets, strict=True):
        size = sizes[port]
        assert isinstance(size, Size)
        dims = batch_first(size.format)
        # Scores N×K of a network that carries spatial dimensions of size 1.
        ones = (1,) * (len(dims) - y.ndim)
        y, t = (x.reshape(*x.shape, *ones) for x in (y, t))
        terms.append(layer.loss(ops, Value(y, dims), _target(ops, Value(y, dims), t)).data)
    return terms


def _target(ops: Ops, y: Value, t: Tensor) -> Value:
    """A target of the output's size, from classes by number too."""
    target = Value(t, y.dims)
    if t.dtype == torch.long and t.ndim == len(y.dims) - 1:
        hot = Value(F.one_hot(t, ops.size(y, "C")), without(y.dims, "C") + "C")
        target = ops.align(hot, y.dims)
    if target.data.shape != y.data.shape:
        raise MismatchError(
            f"a target of size {tuple(t.shape)} does not fit an output of {tuple(y.data.shape)}"
        )
    return Value(target.data.to(y.data.dtype), y.dims)
