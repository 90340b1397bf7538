"""Layers of object detectors."""

from __future__ import annotations

import numpy as np

from matbridge.core.card import EQUATION, Layer, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import count, integers, number, optional, positive, reals
from matbridge.layers.notyet import NotYet
from matbridge.layers.output import Classifying, LossLayer
from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "AnchorBox",
    "ROIAlign",
    "ROIInput",
    "ROIMaxPooling2D",
    "RPNSoftmax",
    "RegionProposal",
    "SSDMerge",
    "YOLOv2Output",
    "YOLOv2Transform",
]


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
    FORMATS = "SSCB"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2019a"
    EVIDENCE = EQUATION

    num_anchor_boxes: int = prop("NumAnchorBoxes", positive, arg=1)

    def infer(self, x: Size) -> Size:
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

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        boxes = self.num_anchor_boxes
        centres = ops.map("sigmoid", ops.slice(x, "C", 0, 3 * boxes))
        extents = ops.map("exp", ops.slice(x, "C", 3 * boxes, 5 * boxes))
        scores = ops.slice(x, "C", 5 * boxes)
        # All boxes of the first class, then of the second, as the docstring has it.
        split = ops.split(scores, "C", (self._classes(ops.size(x, "C")), boxes), "KA")
        classes = ops.merge(ops.softmax(split, "K"), "KA", "C")
        return ops.concatenate([centres, extents, classes], "C")


class YOLOv2Output(Classifying):
    """yolov2OutputLayer: the identity; AnchorBoxes are rows [height width] in pixels."""

    MATLAB = ("nnet.cnn.layer.YOLOv2OutputLayer",)
    BUILDER = "yolov2OutputLayer"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2019a"
    TRAINING = (*LossLayer.TRAINING, "LossFactors", "LossFcn")

    anchor_boxes: np.ndarray = prop("AnchorBoxes", reals, arg=1)


class Vision(NotYet):
    """Layers of the Computer Vision Toolbox whose public documentation is not enough."""

    PRODUCT = "Computer Vision Toolbox"


class ROIInput(Vision):
    """roiInputLayer: regions of interest."""

    MATLAB = ("nnet.cnn.layer.ROIInputLayer",)
    BUILDER = "roiInputLayer"
    NICKNAME = "roi-input"
    SINCE = "R2018b"
    IS_INPUT = True
    REASON = "its regions only go to layers of Fast and Faster R-CNN, none of which can be run"

    input_size: tuple[int, ...] = prop("InputSize", integers, default=(5,))


class ROIMaxPooling2D(Vision):
    """roiMaxPooling2dLayer: the largest elements of OutputSize parts of each region."""

    MATLAB = ("nnet.cnn.layer.ROIMaxPooling2DLayer",)
    BUILDER = "roiMaxPooling2dLayer"
    NICKNAME = "roi-pool"
    SINCE = "R2018b"
    INPUTS = ("in", "roi")
    REASON = "how it rounds a region to whole elements is not documented"

    output_size: tuple[int, ...] = prop("OutputSize", integers, arg=1)


class ROIAlign(Vision):
    """roiAlignLayer: interpolated samples of OutputSize parts of each region."""

    MATLAB = ("nnet.cnn.layer.ROIAlignLayer",)
    BUILDER = "roiAlignLayer"
    NICKNAME = "roi-align"
    SINCE = "R2020b"
    INPUTS = ("in", "roi")
    REASON = "where in an element it takes its samples is not documented"

    output_size: tuple[int, ...] = prop("OutputSize", integers, arg=1)
    roi_scale: float = prop("ROIScale", number, default=1.0)
    sampling_ratio: tuple[int, ...] | None = prop("SamplingRatio", optional(integers), default=None)


class RegionProposal(Vision):
    """regionProposalLayer: boxes around possible objects, from scores and box deltas."""

    MATLAB = ("nnet.cnn.layer.RegionProposalLayer",)
    BUILDER = "regionProposalLayer"
    NICKNAME = "region-proposal"
    SINCE = "R2018b"
    INPUTS = ("scores", "boxDeltas")
    REASON = "how it chooses among overlapping boxes is not documented"

    anchor_boxes: np.ndarray = prop("AnchorBoxes", reals, arg=1)


class RPNSoftmax(Vision):
    """rpnSoftmaxLayer: scores of object and background for each anchor box."""

    MATLAB = ("nnet.cnn.layer.RPNSoftmaxLayer",)
    BUILDER = "rpnSoftmaxLayer"
    NICKNAME = "rpn-softmax"
    SINCE = "R2018b"
    REASON = "which of its channels belong to one anchor box is not documented"


class AnchorBox(Vision):
    """anchorBoxLayer: the anchor boxes of a feature map."""

    MATLAB = ("nnet.cnn.layer.AnchorBoxLayer",)
    BUILDER = "anchorBoxLayer"
    NICKNAME = "anchors"
    SINCE = "R2020a"
    REASON = "what it hands on is not documented"

    anchor_boxes: np.ndarray = prop("AnchorBoxes", reals, arg=1)


class SSDMerge(Vision):
    """ssdMergeLayer: the outputs of several feature maps as one."""

    MATLAB = ("nnet.cnn.layer.SSDMergeLayer",)
    BUILDER = "ssdMergeLayer"
    NICKNAME = "ssd-merge"
    SINCE = "R2020a"
    REASON = "in which order it lists the boxes is not documented"

    num_channels: int = prop("NumChannels", positive, arg=1)
    num_feature_maps: int = prop("NumFeatureMaps", count, arg=2)

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(f"in{i}" for i in range(1, self.num_feature_maps + 1))
