"""The losses of a network's output layers, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.core.dims import Size, batch_first
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
    found = []
    for port, layer, y, t in zip(network.outputs, layers, outputs, targets, strict=True):
        size = sizes[port]
        assert isinstance(size, Size)
        dims = batch_first(size.format)
        target = _target(y, t, dims.index("C"))
        # Scores N×K of a network that carries spatial dimensions of size 1.
        ones = (1,) * (len(dims) - y.ndim)
        values = [Value(x.reshape(*x.shape, *ones), dims) for x in (y, target)]
        found.append(layer.loss(ops, *values).data)
    return found


def _target(y: Tensor, t: Tensor, axis: int) -> Tensor:
    """A target of the output's size, from classes by number too."""
    if t.dtype == torch.long and t.ndim == y.ndim - 1:
        t = F.one_hot(t, y.shape[axis]).movedim(-1, axis)
    if t.shape != y.shape:
        raise MismatchError(
            f"a target of size {tuple(t.shape)} does not fit an output of {tuple(y.shape)}"
        )
    return t.to(y.dtype)
