"""Processing functions of shallow networks: what is done to inputs, and undone at outputs.

A card holds the settings of one step, by MATLAB's names in every version; with Reverse it is
the inverse, as outputs have it. Where no_change is true, the data pass both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from matbridge.core.card import DOCUMENTATION, EQUATION, RECORDED, Layer, constant, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import integer, integers, logical, number, optional
from matbridge.errors import UnsupportedError
from matbridge.layers.weighting import multiplied
from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "PROCESSING",
    "FixUnknowns",
    "LVQOutputs",
    "MapMinMax",
    "MapStd",
    "ProcessPCA",
    "ProcessingFunction",
    "RemoveConstantRows",
    "RemoveRows",
]


class ProcessingFunction(Layer):
    """xrows rows become yrows rows; with Reverse yrows become xrows."""

    SINCE = "R2006a"
    EVIDENCE = DOCUMENTATION
    # The settings without which the function cannot be computed.
    NEEDED: ClassVar[tuple[str, ...]] = ()

    xrows: int | None = prop("xrows", optional(integer), default=None)
    yrows: int | None = prop("yrows", optional(integer), default=None)
    reverse: bool = prop("Reverse", logical, default=False)
    no_change: bool = prop("no_change", logical, default=False)

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """Settings tell the name of their function."""
        return {name: value for name, value in saved.items() if name != "name"}

    def uninitialised(self) -> tuple[str, ...]:
        if self.no_change:
            return ()
        return tuple(name for name in self.NEEDED if name not in self.arrays)

    def obstacle(self) -> UnsupportedError | None:
        absent = ", ".join(self.uninitialised())
        if not absent:
            return None
        return UnsupportedError(
            f"the settings of {self.type_name} lack {absent}",
            where=self.name,
            mend="Configure the network, or give these settings.",
        )

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        if self.no_change:
            return x
        taken, given = (self.yrows, self.xrows) if self.reverse else (self.xrows, self.yrows)
        self.expect(x["C"], taken, "rows", x)
        return x.put(C=x["C"] if given is None else given)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        if self.no_change:
            return x
        return self.undo(ops, p, x) if self.reverse else self.apply(ops, p, x)

    def apply(self, ops: Ops, p: Parameters, x: Value) -> Value:
        """y of x."""
        return x

    def undo(self, ops: Ops, p: Parameters, y: Value) -> Value:
        """x of y."""
        return y


class RowMapping(ProcessingFunction):
    """Each row of its own: y = (x - xoffset)·gain + yoffset. Rows that have no gain pass as they
    are, with xoffset 0, gain 1 and yoffset 0."""

    NEEDED = ("xoffset", "gain", "yoffset")
    ARRAYS = (
        constant("xoffset", "xrows", "1", dims="C", empty=True),
        constant("gain", "xrows", "1", dims="C", empty=True),
        constant("yoffset", "xrows", "1", dims="C", empty=True),
    )

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        saved = super().upgrade(saved)
        if optional(integer)(saved.get("xrows")) == 0:
            # Of a target that never changes no row is left.
            return saved | dict.fromkeys(cls.NEEDED, np.zeros((0, 1)))
        return saved if "yoffset" in saved else cls.mapped(saved)

    @classmethod
    def mapped(cls, saved: dict[str, object]) -> dict[str, object]:
        """With xoffset, gain and yoffset, as far as the settings tell them."""
        return saved

    def apply(self, ops: Ops, p: Parameters, x: Value) -> Value:
        scaled = ops.multiply(ops.subtract(x, p["xoffset"]), p["gain"])
        return ops.add(scaled, p["yoffset"])

    def undo(self, ops: Ops, p: Parameters, y: Value) -> Value:
        scaled = ops.divide(ops.subtract(y, p["yoffset"]), p["gain"])
        return ops.add(scaled, p["xoffset"])


def _given(saved: dict[str, object], name: str) -> bool:
    """Whether a setting is there and not []."""
    return np.asarray(saved.get(name, ())).size > 0


def _column(value: object) -> np.ndarray:
    return np.asarray(value, float).reshape(-1, 1)


def _mapped(
    saved: dict[str, object], low: np.ndarray, gain: np.ndarray, offset: float, flat: np.ndarray
) -> dict[str, object]:
    """With xoffset, gain and yoffset, those that are saved before those that follow from the
    others; rows that are ``flat`` pass, unless MATLAB saved how they do."""
    xoffset, gain = (
        _column(saved[name]) if _given(saved, name) else computed
        for name, computed in (("xoffset", low), ("gain", gain))
    )
    # With these newer versions let a row pass: x - ymin + ymin, which may round.
    passing = (gain == 1) & (xoffset == offset)
    passes = ~np.isfinite(gain) | ~np.isfinite(xoffset) | (flat & ~passing)
    return saved | {
        "xoffset": np.where(passes, 0.0, xoffset),
        "gain": np.where(passes, 1.0, gain),
        "yoffset": np.where(passes, 0.0, np.full(xoffset.shape, offset)),
    }


class MapMinMax(RowMapping, function="mapminmax"):
    """mapminmax: y = (x - xoffset)·gain + ymin with gain = (ymax - ymin)/(xmax - xmin) and
    xoffset = xmin, which version 7 does not save; reverse x = (y - ymin)/gain + xoffset. A row
    whose xmax is xmin, or not finite, passes (documentation)."""

    EVIDENCE = RECORDED
    TRAINING = ("xmax", "xmin", "xrange", "yrange")
    STATISTICS = ("xmin", "xmax")

    ymin: float = prop("ymin", number, default=-1.0)
    ymax: float = prop("ymax", number, default=1.0)

    @classmethod
    def mapped(cls, saved: dict[str, object]) -> dict[str, object]:
        if not (_given(saved, "xmin") or _given(saved, "xoffset")):
            return saved
        ymin, ymax = number(saved.get("ymin", -1.0)), number(saved.get("ymax", 1.0))
        low = _column(saved.get("xmin", saved.get("xoffset")))
        high = _column(saved.get("xmax", np.full(low.shape, np.nan)))
        flat = (high == low) | np.isinf(high) | np.isinf(low)
        with np.errstate(all="ignore"):
            gain = (ymax - ymin) / (high - low)
        return _mapped(saved, low, gain, ymin, flat)


class MapStd(RowMapping, function="mapstd"):
    """mapstd: y = (x - xmean)·(ystd/xstd) + ymean; reverse its inverse. A row whose xstd is 0, or
    not finite, passes."""

    TRAINING = ("xmean", "xstd")
    STATISTICS = ("xmean", "xstd")

    ymean: float = prop("ymean", number, default=0.0)
    ystd: float = prop("ystd", number, default=1.0)

    @classmethod
    def mapped(cls, saved: dict[str, object]) -> dict[str, object]:
        if not (_given(saved, "xmean") or _given(saved, "xoffset")):
            return saved
        mean = _column(saved.get("xmean", saved.get("xoffset")))
        # Generated code tells gain and xoffset alone.
        deviation = _column(saved.get("xstd", np.ones(mean.shape)))
        spread = np.isfinite(deviation) & (deviation != 0)
        with np.errstate(all="ignore"):
            gain = number(saved.get("ystd", 1.0)) / deviation
        return _mapped(saved, mean, gain, number(saved.get("ymean", 0.0)), ~spread)


class RowSelection(ProcessingFunction):
    """Some rows are kept, numbers from 1; reverse puts the others back."""

    keep: tuple[int, ...] = prop("keep", integers, default=())
    remove: tuple[int, ...] = prop("remove", integers, default=())

    def apply(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return ops.take(x, "C", [row - 1 for row in self.keep])

    def undo(self, ops: Ops, p: Parameters, y: Value) -> Value:
        if not self.remove:
            return y
        # The rows that are kept, then those put back, in the order in which they come out.
        behind = ops.concatenate([y, _beside(ops, self.put_back(ops, p), y)], "C")
        order = np.argsort([*self.keep, *self.remove], kind="stable")
        return ops.take(behind, "C", order.tolist())

    def put_back(self, ops: Ops, p: Parameters) -> Value:
        """The values of the rows that were removed."""
        raise NotImplementedError


def _beside(ops: Ops, rows: Value, y: Value) -> Value:
    """Constant rows, the same for all samples of y."""
    return ops.expand(rows, y.dims, ops.rename(y, y.dims.replace("C", "-")))


class RemoveConstantRows(RowSelection, function="removeconstantrows"):
    """removeconstantrows: y = x(keep,:); reverse x(keep,:) = y, x(remove,:) = constants. A target
    that never changes leaves no row: the reverse gives the constant."""

    EVIDENCE = RECORDED
    TRAINING = ("max_range", "value")
    ARRAYS = (constant("constants", "Removed", "1", dims="O", empty=True),)

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        saved = super().upgrade(saved)
        # Older settings call them value.
        if not _given(saved, "constants") and _given(saved, "value"):
            saved["constants"] = saved["value"]
        if _given(saved, "constants"):
            saved["constants"] = _column(saved["constants"])
        return saved

    def uninitialised(self) -> tuple[str, ...]:
        absent = self.reverse and self.remove and not self.no_change
        return ("constants",) if absent and "constants" not in self.arrays else ()

    def put_back(self, ops: Ops, p: Parameters) -> Value:
        return ops.rename(p["constants"], "C")


class RemoveRows(RowSelection, function="removerows"):
    """removerows: the rows of given numbers are left out; reverse gives NaN for them."""

    ind: tuple[int, ...] = prop("ind", integers, default=())

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        saved = super().upgrade(saved)
        if "remove" not in saved and "ind" in saved:
            saved["remove"] = saved["ind"]
        if "keep" not in saved and _given(saved, "xrows"):
            rows = range(1, integer(saved["xrows"]) + 1)
            removed = set(integers(saved.get("remove", ())))
            saved["keep"] = np.array([[row for row in rows if row not in removed]], float)
        return saved

    def put_back(self, ops: Ops, p: Parameters) -> Value:
        return ops.constant(np.full(len(self.remove), np.nan), "C")


class ProcessPCA(ProcessingFunction, function="processpca"):
    """processpca: y = transform·x, the principal components that count; reverse by the inverse
    that is saved, else by the pseudoinverse."""

    NEEDED = ("transform",)
    TRAINING = ("maxfrac",)
    ARRAYS = (
        constant("transform", "yrows", "xrows", dims="OI"),
        constant("inverseTransform", "xrows", "yrows", dims="OI"),
    )

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        saved = super().upgrade(saved)
        if "inverseTransform" not in saved and _given(saved, "transform"):
            saved["inverseTransform"] = np.linalg.pinv(np.asarray(saved["transform"], float))
        return saved

    def apply(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return multiplied(ops, p["transform"], x)

    def undo(self, ops: Ops, p: Parameters, y: Value) -> Value:
        return multiplied(ops, p["inverseTransform"], y)


class FixUnknowns(ProcessingFunction, function="fixunknowns"):
    """fixunknowns: after each row that held NaN when the network was configured (unknown, numbers
    from 1) comes one that is 1 where the row is known and 0 where it is NaN, and its NaN become
    the row's mean; reverse leaves these rows out. That the reverse keeps the means, which it
    could tell by the second rows, is assumed."""

    EVIDENCE = EQUATION
    TRAINING = ("known", "shift", "xknown", "xunknown", "yknown", "yunknown", "yflags")
    ARRAYS = (constant("xmeans", "xrows", "1", dims="O"),)

    unknown: tuple[int, ...] = prop("unknown", integers, default=())

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        saved = super().upgrade(saved)
        if _given(saved, "xmeans"):
            saved["xmeans"] = _column(saved["xmeans"])
        return saved

    def uninitialised(self) -> tuple[str, ...]:
        absent = self.unknown and not self.no_change and "xmeans" not in self.arrays
        return ("xmeans",) if absent else ()

    def apply(self, ops: Ops, p: Parameters, x: Value) -> Value:
        if not self.unknown:
            return x
        places = [row - 1 for row in self.unknown]
        rows = ops.take(x, "C", places)
        means = ops.take(ops.rename(p["xmeans"], "C"), "C", places)
        flags = ops.binary("equal", rows, rows)
        # NaN gives way to 0 in both halves.
        above = ops.binary("maximum-number", rows, 0.0)
        numbers = ops.add(above, ops.binary("minimum-number", rows, 0.0))
        filled = ops.add(numbers, ops.multiply(ops.subtract(1.0, flags), means))
        return ops.take(ops.concatenate([x, filled, flags], "C"), "C", self._places())

    def _places(self) -> list[int]:
        """Where the rows of y stand among those of x, those filled and their flags."""
        rows, count = self.xrows or 0, len(self.unknown)
        places: list[int] = []
        for row in range(rows):
            if row + 1 in self.unknown:
                at = self.unknown.index(row + 1)
                places += [rows + at, rows + count + at]
            else:
                places.append(row)
        return places

    def undo(self, ops: Ops, p: Parameters, y: Value) -> Value:
        flags = {rows + count for rows, count in self._counted()}
        kept = [i for i in range((self.xrows or 0) + len(self.unknown)) if i not in flags]
        return ops.take(y, "C", kept)

    def _counted(self) -> list[tuple[int, int]]:
        return [(row, before) for before, row in enumerate(sorted(self.unknown))]


class LVQOutputs(ProcessingFunction, function="lvqoutputs"):
    """lvqoutputs: the identity both ways; it only tells training how often each class occurs."""

    SINCE = "R2010b"
    TRAINING = ("classRatios",)


# By the names that processFcns has in a network object.
PROCESSING: Mapping[str, type[ProcessingFunction]] = {
    card.MATLAB[0]: card
    for card in (
        MapMinMax,
        MapStd,
        RemoveConstantRows,
        RemoveRows,
        ProcessPCA,
        FixUnknowns,
        LVQOutputs,
    )
}
