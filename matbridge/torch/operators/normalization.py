"""Operators that normalize."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table

__all__ = ["NORMALIZATIONS"]


def _channels(x: Tensor, weights: Tensor) -> Tensor:
    """One value for each channel beside data N×C×..."""
    return weights.reshape(-1, *(1,) * (x.ndim - 2))


def _standardized(x: Tensor, axes: list[int], epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    mean = x.mean(axes, keepdim=True)
    inverse = torch.rsqrt((x - mean).square().mean(axes, keepdim=True) + epsilon)
    return (x - mean) * inverse, mean, inverse


def batch_normalization(
    call: Call, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    if call.whole("training_mode"):
        raise call.refuse("in training mode depends on its mini-batch, which is not supported")
    mean, variance = _channels(x, mean), _channels(x, variance)
    y = (x - mean) / torch.sqrt(variance + call.number("epsilon", 1e-5))
    return y * _channels(x, scale) + _channels(x, bias)


def instance_normalization(call: Call, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    y, _, _ = _standardized(x, list(range(2, x.ndim)), call.number("epsilon", 1e-5))
    return y * _channels(x, scale) + _channels(x, bias)


def layer_normalization(
    call: Call, x: Tensor, scale: Tensor, bias: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    axes = list(range(call.whole("axis", -1) % x.ndim, x.ndim))
    y, mean, inverse = _standardized(x, axes, call.number("epsilon", 1e-5))
    y = y * scale
    return (y if bias is None else y + bias), mean, inverse


def rms_normalization(call: Call, x: Tensor, scale: Tensor) -> Tensor:
    axes = list(range(call.whole("axis", -1) % x.ndim, x.ndim))
    mean = x.square().mean(axes, keepdim=True)
    return x * torch.rsqrt(mean + call.number("epsilon", 1e-5)) * scale


def group_normalization(call: Call, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Before operator set 21 one scale for each group."""
    groups = call.whole("num_groups")
    parts = x.reshape(x.shape[0], groups, -1)
    y, _, _ = _standardized(parts, [2], call.number("epsilon", 1e-5))
    if call.version < 21:
        y = y * scale.reshape(-1, 1) + bias.reshape(-1, 1)
        return y.reshape(x.shape)
    return y.reshape(x.shape) * _channels(x, scale) + _channels(x, bias)


def mean_variance_normalization(call: Call, x: Tensor) -> Tensor:
    axes = call.wholes("axes", [0, 2, 3])
    centred = x - x.mean(axes, keepdim=True)
    return centred / (centred.square().mean(axes, keepdim=True).sqrt() + 1e-9)


def local_response(call: Call, x: Tensor) -> Tensor:
    """Each channel against the squares of its neighbours: half of the others before it, rounded
    down, the rest after it."""
    size = call.whole("size")
    before, after = (size - 1) // 2, math.ceil((size - 1) / 2)
    planes = x.square().reshape(x.shape[0], 1, x.shape[1], -1)
    padded = F.pad(planes, [0, 0, before, after])
    sums = F.avg_pool2d(padded, (size, 1), 1, divisor_override=1).reshape(x.shape)
    alpha, beta = call.number("alpha", 1e-4), call.number("beta", 0.75)
    return x / (call.number("bias", 1.0) + alpha / size * sums) ** beta


NORMALIZATIONS: Table = {
    "BatchNormalization": Entry(batch_normalization),
    "GroupNormalization": Entry(group_normalization),
    "InstanceNormalization": Entry(instance_normalization),
    "LRN": Entry(local_response),
    "LayerNormalization": Entry(layer_normalization),
    "MeanVarianceNormalization": Entry(mean_variance_normalization),
    "RMSNormalization": Entry(rms_normalization),
}
