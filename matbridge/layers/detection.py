"""Layers of object detectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.card import EQUATION, Layer, integer, prop
from matbridge.dims import Size
from matbridge.layers.output import OutputLayer, names
from matbridge.ops import Ops, Parameters, Value

__all__ = ["YOLOv2Output", "YOLOv2Transform"]


@dataclass(frozen=True, eq=False)
class YOLOv2Transform(Layer):
    """yolov2TransformLayer: sigmoid of confidence, x and y, exp of width and height,
    softmax over the classes of each anchor box.

    With A anchor boxes the channels are A confidences, A x, A y, A widths, A heights, then
    A of each class. That order follows from trained detectors: the classes' biases sum to
    zero over the classes of an anchor box, as the gradient of a softmax does, in this
    order and in no other. The functions are the documentation's description.
    """

    MATLAB = ("nnet.cnn.layer.YOLOv2TransformLayer",)
    BUILDER = "yolov2TransformLayer"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2019a"
    EVIDENCE = EQUATION

    num_anchor_boxes: int = prop("NumAnchorBoxes", integer, arg=1)

    def infer(self, *inputs: Size) -> Size:
        x = inputs[0]
        self.need(x, "SC")
        channels = x["C"]
        if channels is not None and (
            channels % self.num_anchor_boxes or self._classes(channels) < 1
        ):
            self.refuse(
                f"needs {self.num_anchor_boxes}·(5 + classes) channels, but its input is {x}"
            )
        return x

    def _classes(self, channels: int) -> int:
        return channels // self.num_anchor_boxes - 5

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        x, boxes = inputs[0], self.num_anchor_boxes
        centres = ops.map("sigmoid", ops.slice(x, "C", 0, 3 * boxes))
        extents = ops.map("exp", ops.slice(x, "C", 3 * boxes, 5 * boxes))
        scores = ops.slice(x, "C", 5 * boxes)
        split = ops.split(scores, "C", (self._classes(ops.size(x, "C")), boxes), "KA")
        classes = ops.merge(ops.softmax(split, "K"), "KA", "C")
        return ops.concatenate([centres, extents, classes], "C")


def anchor_boxes(value: Any) -> np.ndarray:
    """M×2 heights and widths."""
    return np.asarray(value, dtype=float)


@dataclass(frozen=True, eq=False)
class YOLOv2Output(OutputLayer):
    """yolov2OutputLayer: the identity; AnchorBoxes are rows [height width] in pixels."""

    MATLAB = ("nnet.cnn.layer.YOLOv2OutputLayer",)
    BUILDER = "yolov2OutputLayer"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2019a"
    TRAINING = (*OutputLayer.TRAINING, "LossFactors", "LossFcn")

    anchor_boxes: np.ndarray = prop("AnchorBoxes", anchor_boxes, arg=1)
    classes: tuple[str, ...] = prop("Classes", names, saved="Categories", default=())
