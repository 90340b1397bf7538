"""Output layers: the identity at prediction, a loss in training; they name the classes or
responses.

A loss takes the output y and the target t, of one size (one-hot for classes), and gives one
number: the mean over the N observations of what each docstring says. Source: the
documentation of each layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from matbridge.core.card import EQUATION, RECORDED, OutputLayer, prop
from matbridge.core.kinds import number, numbers, optional
from matbridge.ops import Ops, Value

__all__ = [
    "ClassificationOutput",
    "Classifying",
    "DicePixelClassification",
    "FocalLoss",
    "LossLayer",
    "MAERegression",
    "PixelClassification",
    "RCNNBoxRegression",
    "RPNClassification",
    "RegressionOutput",
    "SSEClassification",
    "TverskyPixelClassification",
    "WeightedClassification",
]


def names(value: object) -> tuple[str, ...]:
    """A categorical, a cell of text or one text as names; () for 'auto' or []."""
    if isinstance(value, str):
        return () if value in ("", "auto") else (value,)
    if isinstance(value, np.ndarray):
        return tuple(str(v) for v in value.reshape(-1))
    parts = tuple(value) if isinstance(value, Iterable) else ()
    if not all(isinstance(v, str | int | float | np.generic) for v in parts):
        raise ValueError("names are needed")
    return tuple(map(str, parts))


def weights(value: object) -> tuple[float, ...] | None:
    """One weight per class, None for 'none' or []."""
    return None if isinstance(value, str) else optional(numbers)(value)


class LossLayer(OutputLayer):
    """What all output layers share."""

    TRAINING: ClassVar[tuple[str, ...]] = (
        "ObservationDim",
        "NumClasses",
        "LossFunction",
        "OutputSize",
    )


class Classifying(LossLayer):
    """Classes in the order of the scores."""

    classes: tuple[str, ...] = prop("Classes", names, saved="Categories", default=())

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.classes


class Regressing(LossLayer):
    """ResponseNames are those of the responses."""

    response_names: tuple[str, ...] = prop("ResponseNames", names, default=())


def total(ops: Ops, x: Value, over: str = "SCBTU") -> Value:
    """The sum over these dimensions."""
    return ops.reduce("sum", x, over)


def mean_of(ops: Ops, x: Value, per: str) -> Value:
    """The sum over everything, divided by the size of the dimensions ``per``."""
    return ops.divide(total(ops, x), float(math.prod(ops.spatial(x, per))))


def squares(ops: Ops, y: Value, t: Value) -> Value:
    """(y - t)²."""
    difference = ops.subtract(y, t)
    return ops.multiply(difference, difference)


class CrossEntropy(LossLayer):
    """-Σ w·t·ln(y), the mean over the steps of a sequence and over the pixels. Classes in the
    order of the scores."""

    PER: ClassVar[str] = "BST"

    classes: tuple[str, ...] = prop("Classes", names, saved="Categories", default=())
    class_weights: tuple[float, ...] | None = prop("ClassWeights", weights, default=None)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.classes

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        terms = ops.multiply(t, ops.map("log", y))
        if self.class_weights is not None:
            terms = ops.multiply(terms, ops.constant(self.class_weights, "C"))
        return ops.map("negative", mean_of(ops, terms, self.PER))


class ClassificationOutput(CrossEntropy):
    """classificationLayer: scores in the order of Classes, the order of the categories.
    Loss -Σ w·t·ln(y), w the ClassWeights, the mean over the steps of a sequence."""

    MATLAB = ("nnet.cnn.layer.ClassificationOutputLayer",)
    BUILDER = "classificationLayer"
    NICKNAME = "classoutput"
    SINCE = "R2016a"
    EVIDENCE = RECORDED
    PER = "BT"


class PixelClassification(CrossEntropy):
    """pixelClassificationLayer: the loss of classificationLayer, the mean over all pixels."""

    MATLAB = ("nnet.cnn.layer.PixelClassificationLayer",)
    BUILDER = "pixelClassificationLayer"
    FORMATS = "any"
    NICKNAME = "pixel-class"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2017b"
    EVIDENCE = RECORDED


class RPNClassification(CrossEntropy):
    """rpnClassificationLayer: object or background; cross-entropy over the positions that
    have a target (t is zero for the others)."""

    MATLAB = ("nnet.cnn.layer.RPNClassificationLayer",)
    BUILDER = "rpnClassificationLayer"
    NICKNAME = "rpn-class"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2018b"
    EVIDENCE = EQUATION

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        likelihood = total(ops, ops.multiply(t, ops.map("log", y)))
        # Without any target the loss is 0, not 0/0.
        return ops.map("negative", ops.divide(likelihood, ops.maximum(total(ops, t), 1.0)))


class WeightedClassification(CrossEntropy):
    """weightedClassificationLayer, a custom layer of MATLAB's documentation:
    -Σ ClassWeights·t·ln(y)."""

    MATLAB = ("weightedClassificationLayer",)
    BUILDER = "weightedClassificationLayer"
    NICKNAME = "weighted-class"
    SINCE = "R2018b"
    PER = "B"

    class_weights: tuple[float, ...] | None = prop("ClassWeights", weights, arg=1)


class SSEClassification(Classifying):
    """sseClassificationLayer, a custom layer of MATLAB's documentation: Σ (y - t)²."""

    MATLAB = ("sseClassificationLayer",)
    BUILDER = "sseClassificationLayer"
    NICKNAME = "sse"
    SINCE = "R2018b"

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        return mean_of(ops, squares(ops, y, t), "B")


class FocalLoss(Classifying):
    """focalLossLayer: -Alpha·(1 - p)^Gamma·ln(p), p the score of the true class; the mean over
    positions is assumed."""

    MATLAB = ("nnet.cnn.layer.FocalLossLayer",)
    BUILDER = "focalLossLayer"
    NICKNAME = "focal-loss"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2020a"
    EVIDENCE = EQUATION

    alpha: float = prop("Alpha", number, arg=1, default=0.25)
    gamma: float = prop("Gamma", number, arg=2, default=2.0)

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        ease = ops.power(ops.subtract(1.0, y), self.gamma)
        terms = ops.multiply(ops.multiply(ease, t), ops.map("log", y))
        return ops.multiply(mean_of(ops, terms, "BST"), -self.alpha)


class DicePixelClassification(Classifying):
    """dicePixelClassificationLayer: generalized Dice,
    1 - Σ_k w·2·Σ y·t / Σ_k w·Σ (y² + t²), w = 1/(Σ t)² for each class of each image. For a
    class that an image does not have, w is 1."""

    MATLAB = ("nnet.cnn.layer.DicePixelClassificationLayer",)
    BUILDER = "dicePixelClassificationLayer"
    FORMATS = "SSCB SSSCB"
    NICKNAME = "dice-loss"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2019b"

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        area = ops.maximum(total(ops, t, "ST"), 1.0)
        weight = ops.divide(1.0, ops.multiply(area, area))
        both = total(ops, ops.multiply(y, t), "ST")
        squares = total(ops, ops.add(ops.multiply(y, y), ops.multiply(t, t)), "ST")
        overlap = ops.multiply(total(ops, ops.multiply(weight, both), "C"), 2.0)
        union = total(ops, ops.multiply(weight, squares), "C")
        return mean_of(ops, ops.subtract(1.0, ops.divide(overlap, union)), "B")


class TverskyPixelClassification(Classifying):
    """tverskyPixelClassificationLayer, a custom layer of MATLAB's documentation:
    Σ_k 1 - (TP + ε)/(TP + Alpha·FP + Beta·FN + ε) of each image."""

    MATLAB = ("tverskyPixelClassificationLayer",)
    BUILDER = "tverskyPixelClassificationLayer"
    FORMATS = "SSCB SSSCB"
    NICKNAME = "tversky"
    SINCE = "R2019b"

    epsilon: float = prop("Epsilon", number, default=1e-8)
    alpha: float = prop("Alpha", number, arg=1)
    beta: float = prop("Beta", number, arg=2)

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        hit, false, lost = (
            total(ops, ops.multiply(a, b), "ST")
            for a, b in ((y, t), (y, ops.subtract(1.0, t)), (ops.subtract(1.0, y), t))
        )
        errors = ops.add(ops.multiply(false, self.alpha), ops.multiply(lost, self.beta))
        base = ops.add(hit, self.epsilon)
        return mean_of(ops, ops.subtract(1.0, ops.divide(base, ops.add(base, errors))), "B")


class RegressionOutput(Regressing):
    """regressionLayer: Σ (y - t)²/2, the sum over responses and pixels, the mean over the
    steps of a sequence."""

    MATLAB = ("nnet.cnn.layer.RegressionOutputLayer",)
    BUILDER = "regressionLayer"
    NICKNAME = "regressionoutput"
    SINCE = "R2017a"
    EVIDENCE = RECORDED

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        return ops.multiply(mean_of(ops, squares(ops, y, t), "BT"), 0.5)


class MAERegression(Regressing):
    """maeRegressionLayer, a custom layer of MATLAB's documentation: the mean over the
    responses of |y - t|."""

    MATLAB = ("maeRegressionLayer",)
    BUILDER = "maeRegressionLayer"
    NICKNAME = "mae"
    SINCE = "R2018b"

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        return mean_of(ops, ops.map("abs", ops.subtract(y, t)), "BTC")


class RCNNBoxRegression(Regressing):
    """rcnnBoxRegressionLayer: smooth L1 of d = y - t, summed: d²/2 where |d| < 1, else
    |d| - 1/2."""

    MATLAB = ("nnet.cnn.layer.RCNNBoxRegressionLayer",)
    BUILDER = "rcnnBoxRegressionLayer"
    NICKNAME = "rcnn-box"
    PRODUCT = "Computer Vision Toolbox"
    SINCE = "R2018b"
    EVIDENCE = EQUATION

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        distance = ops.map("abs", ops.subtract(y, t))
        near = ops.minimum(distance, 1.0)
        # d²/2 up to 1, then the line |d| - 1/2, in one expression.
        smooth = ops.multiply(near, ops.subtract(distance, ops.multiply(near, 0.5)))
        return mean_of(ops, smooth, "B")
