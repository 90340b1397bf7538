"""Output layers: the identity at prediction; they name the classes or responses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from matbridge.card import RECORDED, Layer, numbers, optional, prop

__all__ = ["ClassificationOutput", "OutputLayer", "RegressionOutput"]


def names(value: Any) -> tuple[str, ...]:
    """A categorical, a cell of text or one text as names; () for 'auto' or []."""
    if isinstance(value, str):
        return () if value in ("", "auto") else (value,)
    if isinstance(value, np.ndarray):
        return tuple(str(v) for v in value.reshape(-1))
    return tuple(str(v) for v in value) if isinstance(value, Iterable) else ()


@dataclass(frozen=True, eq=False)
class OutputLayer(Layer):
    """What all output layers share."""

    IS_OUTPUT = True
    TRAINING: ClassVar[tuple[str, ...]] = (
        "ObservationDim",
        "NumClasses",
        "LossFunction",
        "ClassWeights",
        "OutputSize",
    )


@dataclass(frozen=True, eq=False)
class ClassificationOutput(OutputLayer):
    """classificationLayer: scores in the order of Classes, the order of the categories."""

    MATLAB = ("nnet.cnn.layer.ClassificationOutputLayer",)
    BUILDER = "classificationLayer"
    NICKNAME = "classoutput"
    SINCE = "R2016a"
    EVIDENCE = RECORDED

    classes: tuple[str, ...] = prop("Classes", names, saved="Categories", default=())
    class_weights: tuple[float, ...] | None = prop("ClassWeights", optional(numbers), default=None)


@dataclass(frozen=True, eq=False)
class RegressionOutput(OutputLayer):
    """regressionLayer."""

    MATLAB = ("nnet.cnn.layer.RegressionOutputLayer",)
    BUILDER = "regressionLayer"
    NICKNAME = "regressionoutput"
    SINCE = "R2017a"
    EVIDENCE = RECORDED

    response_names: tuple[str, ...] = prop("ResponseNames", names, default=())
