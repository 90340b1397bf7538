"""Folding time into the batch, so that image layers run on each frame."""

from __future__ import annotations

from matbridge.core.card import Layer
from matbridge.core.dims import Size
from matbridge.ops import Ops, Parameters, Value

__all__ = ["SequenceFolding", "SequenceUnfolding"]


def _with_batch(ops: Ops, x: Value) -> Value:
    """One observation may come without B."""
    return x if "B" in x.dims else ops.align(x, x.dims + "B")


class SequenceFolding(Layer):
    """sequenceFoldingLayer: frames as observations, those of one time step together.

    Output miniBatchSize, for sequenceUnfoldingLayer alone, is the number of observations.
    """

    MATLAB = ("nnet.cnn.layer.SequenceFoldingLayer",)
    BUILDER = "sequenceFoldingLayer"
    FORMATS = "CBT SCBT SSCBT SSSCBT"
    NICKNAME = "seqfold"
    SINCE = "R2019a"
    OUTPUTS = ("out", "miniBatchSize")

    def infer(self, x: Size) -> tuple[Size, ...]:
        self.need(x, "CT")
        return x.drop("T"), x

    def forward(self, ops: Ops, p: Parameters, x: Value) -> tuple[Value, ...]:
        # The input itself stands for its mini-batch size.
        return ops.merge(_with_batch(ops, x), "TB", "B"), x


class SequenceUnfolding(Layer):
    """sequenceUnfoldingLayer: the time steps back again."""

    MATLAB = ("nnet.cnn.layer.SequenceUnfoldingLayer",)
    BUILDER = "sequenceUnfoldingLayer"
    FORMATS = "CB SCB SSCB SSSCB"
    NICKNAME = "sequnfold"
    SINCE = "R2019a"
    INPUTS = ("in", "miniBatchSize")

    def infer(self, x: Size, folded: Size) -> Size:
        if "T" not in folded:
            self.refuse("needs the output miniBatchSize of a sequenceFoldingLayer")
        return x.put(T=folded["T"])

    def forward(self, ops: Ops, p: Parameters, x: Value, folded: Value) -> Value:
        folded = _with_batch(ops, folded)
        return ops.split(x, "B", (ops.size(folded, "T"), ops.size(folded, "B")), "TB")
