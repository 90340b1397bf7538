"""Resizing as resize2dLayer and resize3dLayer do it.

Source coordinate of output i: 'half-pixel' (i + 0.5)/s - 0.5, 'asymmetric' i/s, with
s = out/in; clamped at the edges, no antialiasing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["nearest_index", "resize"]

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def resize(
    data: Tensor, sizes: Sequence[int], method: str, transform: str, rounding: str
) -> Tensor:
    """data (N, C, ...) to new sizes of its last dimensions."""
    if method != "nearest" and transform == "half-pixel":
        return F.interpolate(data, tuple(sizes), mode=LINEAR[len(sizes)], align_corners=False)
    for axis, size in enumerate(sizes, data.ndim - len(sizes)):
        if method == "nearest":
            index = nearest_index(data.shape[axis], size, transform, rounding)
            data = data.index_select(axis, index.to(data.device))
        else:
            data = _linear(data, axis, size)
    return data


def _source(inputs: int, outputs: int, transform: str) -> Tensor:
    i = torch.arange(outputs, dtype=torch.float64)
    scale = outputs / inputs
    return (i + 0.5) / scale - 0.5 if transform == "half-pixel" else i / scale


def nearest_index(inputs: int, outputs: int, transform: str, rounding: str) -> Tensor:
    """Which input each output takes, along one dimension.

    'round' is MATLAB's, half away from zero of a coordinate counted from 1; 'onnx-10' is
    the floor where the size grows and the ceiling where it shrinks.
    """
    source = _source(inputs, outputs, transform)
    if rounding == "onnx-10":
        source = source.floor() if outputs >= inputs else source.ceil()
    elif rounding == "floor":
        source = source.floor()
    else:
        source = (source + 0.5).floor()
    return source.clamp(0, inputs - 1).long()


def _linear(data: Tensor, axis: int, size: int) -> Tensor:
    """Linear interpolation at 'asymmetric' coordinates, which torch does not have."""
    inputs = data.shape[axis]
    source = _source(inputs, size, "asymmetric").clamp(0, inputs - 1)
    low = source.floor().long().clamp(max=inputs - 1)
    high = (low + 1).clamp(max=inputs - 1)
    shape = [1] * data.ndim
    shape[axis] = size
    weight = (source - low).to(data.dtype).to(data.device).reshape(shape)
    below = data.index_select(axis, low.to(data.device))
    above = data.index_select(axis, high.to(data.device))
    return below + weight * (above - below)
