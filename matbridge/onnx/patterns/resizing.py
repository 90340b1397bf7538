"""Resize and Upsample, blocks of channels and of space, and normalization across channels.

The inverse of resizing: windows.resize in onnx/windows.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from matbridge.layers.normalization import CrossChannelNormalization
from matbridge.layers.resize import DepthToSpace2D, Resize2D, Resize3D, SpaceToDepth
from matbridge.onnx.lifted import Lifted, Lifting
from matbridge.onnx.nodes import Node, NodeGraph

__all__ = ["cross_channel_normalization", "depth_to_space", "resized", "space_to_depth"]

CARDS = {2: Resize2D, 3: Resize3D}
LINEAR = {2: "bilinear", 3: "trilinear"}
TRANSFORMS = {"half_pixel": "half-pixel", "asymmetric": "asymmetric"}
# Halves come to the same where there are none.
ROUNDING = {"round_prefer_ceil": "round", "round_prefer_floor": "round", "floor": "floor"}
# What MATLAB's layers lack, and what they do instead.
ONLY = {"antialias": 0, "exclude_outside": 0}


def resized(at: Lifting, node: Node) -> Lifted | None:
    """Resize or Upsample of the spatial dimensions, by scales that make whole sizes."""
    if node.operator not in ("Resize", "Upsample"):
        return None
    how = _way(at.graph, node)
    if how is None or any(node.integer(name, n) != n for name, n in ONLY.items()):
        return None
    transform, rounding = how
    x = at.value(node.inputs[0])
    spatial = [at.lengths(x).get(label) for label in "123"[: x.dims.count("S")]]
    known = [n for n in spatial if n is not None]
    card = CARDS.get(len(spatial))
    sizes = _target(at.graph, node, known)
    if card is None or sizes is None or x.dims != "BC" + "S" * len(known):
        return None
    nearest = node.text("mode", "nearest") == "nearest"
    if nearest and rounding == "round" and _halves_differ(node, transform, known, sizes):
        return None
    layer = card(
        name=at.name(node),
        output_size=tuple(map(float, sizes)),
        method="nearest" if nearest else LINEAR[len(sizes)],
        transform=transform,
        rounding=rounding,
    )
    return Lifted.one(layer, [x], {node.output: x.axes})


def _way(graph: NodeGraph, node: Node) -> tuple[str, str] | None:
    """GeometricTransformMode and NearestRoundingMode; None where MATLAB has no such way."""
    if node.text("mode", "nearest") not in ("nearest", "linear", "bilinear"):
        return None
    if node.operator == "Upsample":
        return "asymmetric", "floor"
    if graph.opset < 11:
        return "asymmetric", "onnx-10"
    transform = TRANSFORMS.get(node.text("coordinate_transformation_mode", "half_pixel"))
    rounding = ROUNDING.get(node.text("nearest_mode", "round_prefer_floor"))
    stretched = node.text("keep_aspect_ratio_policy", "stretch") == "stretch"
    if transform is None or rounding is None or not stretched or node.attributes.get("axes"):
        return None
    return transform, rounding


def _target(graph: NodeGraph, node: Node, spatial: Sequence[int]) -> list[int] | None:
    """The spatial sizes after it; None where scales do not make whole ones of these."""
    before = [1, 1, *spatial]
    sizes = graph.constant(node.inputs[3]) if node.has(3) else None
    if sizes is not None:
        return [int(n) for n in sizes[2:]] if len(sizes) == len(before) else None
    old = node.operator == "Upsample" or graph.opset < 11
    scales = graph.option(node, "scales", 1 if old else 2)
    if scales is None or len(scales) != len(before) or (scales[:2] != 1).any():
        return None
    after = np.asarray(before) * scales.astype(np.float64)
    whole = np.round(after)
    return [int(n) for n in whole[2:]] if np.allclose(after, whole, atol=1e-4) else None


def _halves_differ(node: Node, transform: str, before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether some output lies in the middle between two inputs, where ONNX rounds down and
    MATLAB up."""
    if node.text("nearest_mode", "round_prefer_floor") != "round_prefer_floor":
        return False
    # n inputs on m outputs, without what divides both: with half pixels the output i lies at
    # (2i + 1)n/2m - 1/2, a half where 2m divides (2i + 1)n; else at in/m, a half where m is even.
    shares = [Fraction(n, m) for n, m in zip(before, after, strict=True)]
    if transform == "half-pixel":
        return any(s.numerator % 2 == 0 and s.denominator % 2 for s in shares)
    return any(s.denominator % 2 == 0 for s in shares)


def depth_to_space(at: Lifting, node: Node) -> Lifted | None:
    """DepthToSpace."""
    if node.operator != "DepthToSpace":
        return None
    x = at.value(node.inputs[0])
    block, mode = node.integer("blocksize", 1), node.text("mode", "DCR").lower()
    layer = DepthToSpace2D(name=at.name(node), block_size=(block, block), mode=mode)
    return Lifted.one(layer, [x], {node.output: x.axes}) if x.dims == "BCSS" else None


def space_to_depth(at: Lifting, node: Node) -> Lifted | None:
    """SpaceToDepth, whose channels stand as spaceToDepthLayer has them: not with mode CRD."""
    if node.operator != "SpaceToDepth" or node.text("mode", "DCR") != "DCR":
        return None
    x = at.value(node.inputs[0])
    block = node.integer("blocksize", 1)
    layer = SpaceToDepth(name=at.name(node), block_size=(block, block))
    return Lifted.one(layer, [x], {node.output: x.axes}) if x.dims == "BCSS" else None


def cross_channel_normalization(at: Lifting, node: Node) -> Lifted | None:
    """LRN, which divides alpha by the size of the window as MATLAB does."""
    if node.operator != "LRN":
        return None
    x = at.value(node.inputs[0])
    layer = CrossChannelNormalization(
        name=at.name(node),
        window_channel_size=node.integer("size", 1),
        alpha=node.number("alpha", 1e-4),
        beta=node.number("beta", 0.75),
        k=node.number("bias", 1.0),
    )
    return Lifted.one(layer, [x], {node.output: x.axes}) if x.axes[1:2] == ("C",) else None
