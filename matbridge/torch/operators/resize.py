"""Resize and Upsample: along each dimension a matrix of weights, as ONNX defines them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table

__all__ = ["RESIZE"]

ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


@dataclass(frozen=True)
class Axis:
    """One dimension: its length before and after, the scale, and where the region lies."""

    before: int
    after: int
    scale: float
    start: float = 0.0
    end: float = 1.0


def _half_pixel(at: np.ndarray, axis: Axis) -> np.ndarray:
    return (at + 0.5) / axis.scale - 0.5


def _half_pixel_symmetric(at: np.ndarray, axis: Axis) -> np.ndarray:
    adjustment = axis.after / (axis.scale * axis.before)
    centre = axis.before / 2
    return centre * (1 - adjustment) + (at + 0.5) / axis.scale - 0.5


def _pytorch_half_pixel(at: np.ndarray, axis: Axis) -> np.ndarray:
    return _half_pixel(at, axis) if axis.after > 1 else np.zeros_like(at)


def _align_corners(at: np.ndarray, axis: Axis) -> np.ndarray:
    # From the scale, which may be no quotient of whole numbers.
    width = axis.scale * axis.before
    return np.zeros_like(at) if width == 1 else at * (axis.before - 1) / (width - 1)


def _crop(at: np.ndarray, axis: Axis) -> np.ndarray:
    last, span = axis.before - 1, axis.end - axis.start
    if axis.after == 1:
        return np.full_like(at, 0.5 * (axis.start + axis.end) * last)
    return axis.start * last + at * span * last / (axis.after - 1)


TRANSFORMS: dict[str, Callable[[np.ndarray, Axis], np.ndarray]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": _pytorch_half_pixel,
    "align_corners": _align_corners,
    "asymmetric": lambda at, axis: at / axis.scale,
    "tf_half_pixel_for_nn": lambda at, axis: (at + 0.5) / axis.scale,
    "tf_crop_and_resize": _crop,
}


def _linear(distance: np.ndarray, _: float) -> np.ndarray:
    return np.maximum(1 - np.abs(distance), 0)


def _cubic(distance: np.ndarray, a: float) -> np.ndarray:
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d**2 + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


# The curve by which a neighbour counts, and how far it reaches.
CURVES = {"linear": (_linear, 1), "cubic": (_cubic, 2)}


def _places(call: Call, axis: Axis) -> np.ndarray:
    transform = call.text("coordinate_transformation_mode", "half_pixel")
    # Before operator set 11 there was but one.
    transform = transform if call.version >= 11 else "asymmetric"
    return TRANSFORMS[transform](np.arange(axis.after, dtype=float), axis)


def _nearest(call: Call, axis: Axis) -> np.ndarray:
    default = "round_prefer_floor" if call.version >= 11 else "floor"
    places = ROUNDINGS[call.text("nearest_mode", default)](_places(call, axis))
    matrix = np.zeros((axis.after, axis.before))
    rows = np.arange(axis.after)
    matrix[rows, np.clip(places, 0, axis.before - 1).astype(int)] = 1
    return matrix


def _interpolated(call: Call, axis: Axis, mode: str) -> np.ndarray:
    curve, reach = CURVES[mode]
    places = _places(call, axis)
    # Antialiasing widens the curve where the result is smaller.
    scale = min(axis.scale, 1.0) if call.whole("antialias") else 1.0
    span = math.ceil(reach / scale)
    first = np.floor(places).astype(int)
    offsets = np.arange(-span, span + 2)
    neighbours = first[:, None] + offsets
    weights = curve((neighbours - places[:, None]) * scale, call.number("cubic_coeff_a", -0.75))
    inside = (neighbours >= 0) & (neighbours < axis.before)
    weights = np.where(inside, weights, 0) if call.whole("exclude_outside") else weights
    weights = weights / weights.sum(1, keepdims=True)
    matrix = np.zeros((axis.after, axis.before))
    rows = np.broadcast_to(np.arange(axis.after)[:, None], neighbours.shape)
    np.add.at(matrix, (rows, np.clip(neighbours, 0, axis.before - 1)), weights)
    return matrix


def _outside(call: Call, axis: Axis) -> np.ndarray:
    places = _places(call, axis)
    return np.asarray((places < 0) | (places > axis.before - 1))


def _along(x: Tensor, number: int, matrix: np.ndarray) -> Tensor:
    weights = torch.as_tensor(matrix, dtype=x.dtype, device=x.device)
    return (x.movedim(number, -1) @ weights.mT).movedim(-1, number)


def resize(
    call: Call,
    x: Tensor,
    roi: Sequence[float] | None = None,
    scales: Sequence[float] | None = None,
    sizes: Sequence[int] | None = None,
) -> Tensor:
    if call.version < 11:
        roi, scales = None, roi
    numbers = [axis % x.ndim for axis in call.wholes("axes", range(x.ndim))]
    axes = _axes(call, [x.shape[n] for n in numbers], scales or (), sizes or ())
    cropped = call.text("coordinate_transformation_mode") == "tf_crop_and_resize"
    if cropped and roi:
        half = len(axes)
        axes = [replace(a, start=roi[i], end=roi[i + half]) for i, a in enumerate(axes)]
    y, outside = x.to(call.dtype), torch.zeros((1,) * x.ndim, dtype=torch.bool, device=x.device)
    for number, axis in zip(numbers, axes, strict=True):
        if axis.before == axis.after and axis.scale == 1 and not cropped:
            continue
        y = _along(y, number, _weights(call, axis))
        shape = [axis.after if place == number else 1 for place in range(x.ndim)]
        outside = outside | torch.as_tensor(_outside(call, axis), device=x.device).reshape(shape)
    if cropped:
        y = torch.where(outside, call.number("extrapolation_value", 0.0), y)
    return y.to(x.dtype)


def _axes(
    call: Call, before: list[int], scales: Sequence[float], sizes: Sequence[int]
) -> list[Axis]:
    """Each axis to be resized, from its scale or its size; where the aspect is kept, all sizes
    follow from the one scale that fits."""
    if scales:
        pairs = zip(before, scales, strict=True)
        return [Axis(n, int(n * scale + 1e-9), scale) for n, scale in pairs]
    factors = [n / m for n, m in zip(sizes, before, strict=True)]
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return [Axis(n, m, s) for n, m, s in zip(before, sizes, factors, strict=True)]
    scale = (min if policy == "not_larger" else max)(factors)
    return [Axis(n, int(n * scale + 0.5), scale) for n in before]


def _weights(call: Call, axis: Axis) -> np.ndarray:
    mode = call.text("mode", "nearest").replace("bilinear", "linear")
    return _nearest(call, axis) if mode == "nearest" else _interpolated(call, axis, mode)


def upsample(call: Call, x: Tensor, scales: Sequence[float] | None = None) -> Tensor:
    factors = call.numbers("scales") if scales is None else scales
    for number, axis in enumerate(_axes(call, list(x.shape), factors, ())):
        x = x if axis.scale == 1 else _along(x, number, _weights(call, axis))
    return x


RESIZE: Table = {
    "Resize": Entry(resize, lists=(1, 2, 3)),
    "Upsample": Entry(upsample, lists=(1,)),
}
