"""The inverse of normalization, in which networks end that were trained with NormalizeTargets."""

from __future__ import annotations

from matbridge.core.card import Array, Layer, constant, prop
from matbridge.core.dims import Size, canonical
from matbridge.core.kinds import Kind, one_of, positive, saved_value
from matbridge.layers.input import NORMALIZATIONS, with_statistics
from matbridge.ops import Ops, Parameters, Value

__all__ = ["InverseNormalization"]


def _dimension(value: object) -> str | int:
    """'channel' or the number of a dimension, from 1."""
    return one_of("channel")(value) if isinstance(value, str) else positive(value)


DIMENSION: Kind[str | int] = Kind(_dimension, saved_value, "Literal['channel'] | int")


class InverseNormalization(Layer):
    """inverseNormalizationLayer: what Normalization did to the targets undone, per channel
    (or with one number): x + Mean (zerocenter), x·StandardDeviation + Mean (zscore),
    x·(Max - Min) + Min (rescale-zero-one), (x + 1)/2·(Max - Min) + Min
    (rescale-symmetric). A numeric OperationDimension must be that of the channels."""

    MATLAB = ("nnet.cnn.layer.InverseNormalizationLayer",)
    BUILDER = "inverseNormalizationLayer"
    NICKNAME = "invnorm"
    SINCE = "R2026a"
    STATISTICS = ("Mean", "StandardDeviation", "Min", "Max")

    operation_dimension: str | int = prop("OperationDimension", DIMENSION, arg=1, default="channel")
    normalization: str = prop("Normalization", one_of(*NORMALIZATIONS))

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        return with_statistics(saved) if "Normalization" in saved else saved

    @property
    def declared(self) -> tuple[Array, ...]:
        names = NORMALIZATIONS[self.normalization]
        return tuple(constant(name, "Statistic", dims="C", optional=False) for name in names)

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        place = canonical(x.format).index("C") + 1
        if self.operation_dimension not in ("channel", place):
            self.refuse(
                f"works along dimension {self.operation_dimension}, but the channels of its "
                f"input {x} are dimension {place}"
            )
        return x

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        if self.normalization == "none":
            return x
        if self.normalization == "zerocenter":
            return ops.add(x, p["Mean"])
        if self.normalization == "zscore":
            return ops.add(ops.multiply(x, p["StandardDeviation"]), p["Mean"])
        if self.normalization == "rescale-symmetric":
            x = ops.multiply(ops.add(x, 1.0), 0.5)
        return ops.add(ops.multiply(x, ops.subtract(p["Max"], p["Min"])), p["Min"])
