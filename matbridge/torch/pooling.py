"""Maxima with their places, and back to those places."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from matbridge.ops.backend import Pairs

__all__ = ["max_pool_places", "unpool"]


def max_pool_places(
    data: Tensor, window: list[int], stride: list[int], padding: Pairs
) -> tuple[Tensor, Tensor]:
    """Maxima of the windows over the last two dimensions, and their places in data."""
    (top, bottom), (left, right) = padding
    padded = F.pad(data, [left, right, top, bottom], value=-math.inf)
    values, places = F.max_pool2d(padded, window, stride, return_indices=True)
    row, column = places // padded.shape[-1] - top, places % padded.shape[-1] - left
    return values, row * data.shape[-1] + column


def unpool(data: Tensor, places: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """The values at these places among zeros."""
    zeros = data.new_zeros((*data.shape[:2], math.prod(sizes)))
    filled = zeros.scatter(2, places.flatten(2), data.flatten(2))
    return filled.reshape(*data.shape[:2], *sizes)
