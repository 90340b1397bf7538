"""What fitcnet and fitrnet put around the layers of a neural network: predictors in, and class
scores or a response out.

Names and fields are those of MATLAB's ClassificationNeuralNetwork and RegressionNeuralNetwork.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from matbridge.core.card import (
    DOCUMENTATION,
    RECORDED,
    InputLayer,
    Layer,
    OutputLayer,
    constant,
    learnable,
    prop,
)
from matbridge.core.classes import STATISTICS
from matbridge.core.dims import Size
from matbridge.core.kinds import integers, optional, positive, reals, text
from matbridge.errors import UnsupportedError
from matbridge.layers.output import names
from matbridge.layers.transfer import first_maximum
from matbridge.layers.weighting import multiplied
from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "ClassScores",
    "LearnerLayer",
    "Predictors",
    "PrincipalComponents",
    "Response",
    "Standardization",
]


class Predictors(InputLayer):
    """N×P predictors, as they are.

    Categorical predictors are refused: the model multiplies dummy variables, which it makes of
    them by rules that are not known.
    """

    MATLAB = ("predictors",)
    NICKNAME = "predictors"
    PRODUCT = STATISTICS
    SINCE = "R2021a"
    EVIDENCE = RECORDED
    FORMATS = "CB"

    num_predictors: int = prop("NumPredictors", positive)
    predictor_names: tuple[str, ...] = prop("PredictorNames", names, default=())
    categorical: tuple[int, ...] = prop("CategoricalPredictors", integers, default=())

    @property
    def format(self) -> str:
        return "CB"

    @property
    def column_names(self) -> tuple[str, ...]:
        return self.predictor_names

    def obstacle(self) -> UnsupportedError | None:
        if not self.categorical:
            return None
        listed = ", ".join(map(str, self.categorical))
        return UnsupportedError(
            f"the model takes categorical predictors (columns {listed}), which MATLAB makes dummy "
            "variables of by rules that are not known",
            where=self.name,
            mend="Train it on dummy variables, made with dummyvar, in place of them.",
        )

    def infer(self) -> Size:
        return Size.of("CB", self.num_predictors)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return x


class PrincipalComponents(Layer):
    """(x - PCACenters)·PCACoefficients, as a model has it that was exported with PCA."""

    MATLAB = ("pca",)
    NICKNAME = "pca"
    PRODUCT = STATISTICS
    SINCE = "R2021a"
    ARRAYS = (
        constant("PCACenters", "NumPredictors", "1", dims="C", optional=False),
        constant("PCACoefficients", "NumPredictors", "NumComponents", dims="IO", optional=False),
    )

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        inputs, outputs = self.arrays["PCACoefficients"].shape
        self.expect(x["C"], inputs, "predictors", x)
        return x.put(C=outputs)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return multiplied(ops, p["PCACoefficients"], ops.subtract(x, p["PCACenters"]))


class Standardization(Layer):
    """(x - Mu)/Sigma: the mean and standard deviation of each predictor."""

    MATLAB = ("standardize",)
    NICKNAME = "standardize"
    PRODUCT = STATISTICS
    SINCE = "R2021a"
    EVIDENCE = RECORDED
    ARRAYS = (
        constant("Mu", "NumPredictors", "1", dims="C", optional=False),
        constant("Sigma", "NumPredictors", "1", dims="C", optional=False),
    )

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.divide(ops.subtract(x, p["Mu"]), p["Sigma"])


class LearnerLayer(Layer):
    """LayerWeights{i}·x + LayerBiases{i}: a fully connected layer, the product rounded before the
    bias comes to it, as MATLAB computes these."""

    MATLAB = ("fullyconnected",)
    NICKNAME = "fc"
    PRODUCT = STATISTICS
    SINCE = "R2021a"
    EVIDENCE = RECORDED
    ARRAYS = (
        learnable("LayerWeights", "Outputs", "Inputs", dims="OI"),
        learnable("LayerBiases", "Outputs", "1", dims="O"),
    )

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        outputs, inputs = self.arrays["LayerWeights"].shape
        self.expect(x["C"], inputs, "inputs", x)
        self.expect(len(self.arrays["LayerBiases"]), outputs, "biases", x)
        return x.put(C=outputs)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.add(multiplied(ops, p["LayerWeights"], x), ops.rename(p["LayerBiases"], "C"))


# -- score transforms -----------------------------------------------------------------------


def _logit(ops: Ops, x: Value) -> Value:
    return ops.divide(1.0, ops.add(1.0, ops.map("exp", ops.map("negative", x))))


def _symmetric(ops: Ops, x: Value) -> Value:
    return ops.subtract(ops.multiply(2.0, x), 1.0)


def _odds(y: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(y / (1 - y)))


class Transform(NamedTuple):
    """A ScoreTransform, and its inverse where it has one."""

    apply: Callable[[Ops, Value], Value]
    undo: Callable[[np.ndarray], np.ndarray] | None = None


# By MATLAB's names; see the documentation of ScoreTransform.
TRANSFORMS: Mapping[str, Transform] = {
    "none": Transform(lambda ops, x: x, lambda y: y),
    "identity": Transform(lambda ops, x: x, lambda y: y),
    "logit": Transform(_logit, _odds),
    "doublelogit": Transform(
        lambda ops, x: _logit(ops, ops.multiply(2.0, x)), lambda y: _odds(y) / 2
    ),
    "invlogit": Transform(
        lambda ops, x: ops.map("log", ops.divide(x, ops.subtract(1.0, x))),
        lambda y: 1 / (1 + np.exp(-y)),
    ),
    "ismax": Transform(first_maximum),
    "sign": Transform(lambda ops, x: ops.map("sign", x)),
    "symmetric": Transform(_symmetric, lambda y: (y + 1) / 2),
    "symmetricismax": Transform(lambda ops, x: _symmetric(ops, first_maximum(ops, x))),
    "symmetriclogit": Transform(
        lambda ops, x: _symmetric(ops, _logit(ops, x)), lambda y: _odds((y + 1) / 2)
    ),
}
# Those of which the largest is that of the largest score.
RANKED = ("ismax", "symmetricismax")


def transform_name(value: object) -> str:
    """The name of a ScoreTransform or ResponseTransform, of a function handle its text."""
    written = text(getattr(value, "text", value))
    return written if "(" in written else written.removeprefix("@").rpartition(".")[2]


class ClassScores(OutputLayer):
    """The scores of the classes, by ScoreTransform as predict returns them. The label is the class
    of the least expected Cost; with the default cost, of the highest score, the first on a tie.
    Prior is what training assumed, and changes no score."""

    MATLAB = ("scores",)
    NICKNAME = "scores"
    PRODUCT = STATISTICS
    SINCE = "R2021a"
    EVIDENCE = RECORDED

    classes: tuple[str, ...] = prop("ClassNames", names, default=())
    prior: np.ndarray | None = prop("Prior", optional(reals), default=None)
    cost: np.ndarray | None = prop("Cost", optional(reals), default=None)
    score_transform: str = prop("ScoreTransform", transform_name, default="none")

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.classes

    def obstacle(self) -> UnsupportedError | None:
        if self.score_transform in TRANSFORMS:
            return None
        return UnsupportedError(
            f"the ScoreTransform {self.score_transform!r} is a function of the user's",
            where=self.name,
            mend=f"Save the model with one of {', '.join(TRANSFORMS)}.",
        )

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        self.expect(x["C"], len(self.classes) or None, "scores", x)
        if self.cost is not None and self.cost.shape != (len(self.classes),) * 2:
            sizes = "×".join(map(str, self.cost.shape))
            self.refuse(f"has a Cost of size {sizes} for {len(self.classes)} classes")
        return x

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return TRANSFORMS[self.score_transform].apply(ops, x)

    @property
    def default_cost(self) -> bool:
        """Whether each error costs 1."""
        return self.cost is None or np.array_equal(self.cost, 1 - np.eye(len(self.cost)))

    def choose(self, scores: np.ndarray, axis: int) -> np.ndarray:
        transform = TRANSFORMS[self.score_transform]
        if transform.undo is None and not (self.default_cost and self.score_transform in RANKED):
            raise UnsupportedError(
                f"labels cannot be told from scores after {self.score_transform!r}",
                where=self.name,
                mend="Save the model with ScoreTransform = 'none'.",
            )
        if self.default_cost or transform.undo is None:
            return super().choose(scores, axis)
        assert self.cost is not None
        with np.errstate(all="ignore"):
            posterior = transform.undo(scores.astype(float))
        expected = np.tensordot(np.nan_to_num(posterior, nan=np.inf), self.cost, ([axis], [0]))
        return np.expand_dims(expected.argmin(-1), axis)


class Response(OutputLayer):
    """The response of a regression, as predict returns it."""

    MATLAB = ("response",)
    NICKNAME = "response"
    PRODUCT = STATISTICS
    SINCE = "R2021a"
    EVIDENCE = DOCUMENTATION

    response_name: str = prop("ResponseName", text, default="Y")
    response_transform: str = prop("ResponseTransform", transform_name, default="none")

    def obstacle(self) -> UnsupportedError | None:
        if self.response_transform in ("none", "identity", ""):
            return None
        return UnsupportedError(
            f"the ResponseTransform {self.response_transform!r} is a function of the user's",
            where=self.name,
            mend="Save the model with ResponseTransform = 'none'.",
        )

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return x
