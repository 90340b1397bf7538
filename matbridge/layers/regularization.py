"""Layers that only act in training."""

from __future__ import annotations

from matbridge.core.card import RECORDED, Layer, prop
from matbridge.core.kinds import number, probability
from matbridge.ops import Ops, Parameters, Value

__all__ = ["Dropout", "GaussianNoise", "SpatialDropout"]


class Dropout(Layer):
    """dropoutLayer: the identity at prediction; in training elements go with Probability
    and the rest are divided by 1 - Probability."""

    MATLAB = ("nnet.cnn.layer.DropoutLayer",)
    BUILDER = "dropoutLayer"
    NICKNAME = "dropout"
    SINCE = "R2016a"
    EVIDENCE = RECORDED

    probability: float = prop("Probability", probability, arg=1, default=0.5)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.dropout(x, self.probability)


class SpatialDropout(Layer):
    """spatialDropoutLayer: the identity at prediction; in training whole channels of an
    observation go with Probability and the rest are divided by 1 - Probability."""

    MATLAB = ("nnet.cnn.layer.SpatialDropoutLayer",)
    BUILDER = "spatialDropoutLayer"
    NICKNAME = "spatialdropout"
    SINCE = "R2024a"

    probability: float = prop("Probability", probability, arg=1, default=0.5)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.dropout(x, self.probability, over="STU")


class GaussianNoise(Layer):
    """gaussianNoiseLayer, a custom layer of MATLAB's documentation: the identity at
    prediction; in training normal noise with the standard deviation Sigma is added."""

    MATLAB = ("gaussianNoiseLayer",)
    BUILDER = "gaussianNoiseLayer"
    NICKNAME = "noise"
    SINCE = "R2019b"

    sigma: float = prop("Sigma", number, arg=1)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.noise(x, self.sigma)
