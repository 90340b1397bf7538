"""How a result was scaled back: fitted first, then said by the numbers of the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matbridge.verify.case import Transform
from matbridge.verify.expression import transform_of
from matbridge.verify.proof.constants import Constant, Constants

__all__ = ["LOOSE", "Affine", "Scaling", "fitted", "named", "range_of"]

# Of the range of what is expected: nearer it may be rounding, which the judge decides.
LOOSE = 3e-4
# Where y stands, in texts that may hold anything else.
Y = "\0"


@dataclass(frozen=True)
class Affine:
    """y*factor + offset, of all or of each row, how far that is off at most, of the range, and
    how much the two go along with each other."""

    factor: np.ndarray
    offset: np.ndarray
    difference: float
    correlation: float


@dataclass(frozen=True)
class Scaling:
    """An expression in y and constants, by a template: "{0}*{1} + {2}"."""

    template: str
    constants: tuple[Constant, ...]

    @property
    def around(self) -> tuple[str, str]:
        """What stands before and behind y as MATLAB would write it, with names of the workspace."""
        before, after = self.template.format(Y, *(c.words for c in self.constants)).split(Y)
        return before, after

    def transform(self, curve: str, columns: bool) -> Transform:
        """For results whose rows are channels, or columns are."""
        shape = (-1, 1) if columns else (1, -1)
        variables = {c.identifier: c.value.reshape(shape) for c in self.constants}
        inner = self.template.replace("*", ".*").replace("/", "./")
        inner = inner.format("y", *(c.identifier for c in self.constants))
        return transform_of(curve.format(inner), variables)


def range_of(values: np.ndarray) -> float:
    """How far finite values spread; 0 for a constant."""
    finite = values[np.isfinite(values)]
    return float(np.ptp(finite)) if finite.size else 0.0


def fitted(y: np.ndarray, expected: np.ndarray, by_row: bool) -> Affine | None:
    """The best factor and offset, of all or of each row of K×M; None for what is constant."""
    if not (np.isfinite(y).all() and np.isfinite(expected).all()) or y.shape[1] < 2:
        return None
    shape = y.shape if by_row else (1, -1)
    a, b = y.reshape(shape), expected.reshape(shape)
    da, db = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    variance, other = (da * da).sum(1, keepdims=True), (db * db).sum(1, keepdims=True)
    if (variance <= 0).any() or (other <= 0).any():
        return None
    factor = (da * db).sum(1, keepdims=True) / variance
    correlation = float(((da * db).sum(1, keepdims=True) / np.sqrt(variance * other)).min())
    offset = b.mean(1, keepdims=True) - factor * a.mean(1, keepdims=True)
    difference = np.abs(factor * a + offset - b) / np.ptp(b, axis=1, keepdims=True)
    if not (np.isfinite(factor).all() and (factor != 0).all()):
        return None
    return Affine(factor.reshape(-1), offset.reshape(-1), float(difference.max()), correlation)


def named(fit: Affine, constants: Constants, scale: float) -> Iterator[Scaling]:
    """The scalings in numbers of the workspace that a fit may stand for, the usual ones first;
    ``scale`` is the range of what is expected."""
    a, b, near = fit.factor, fit.offset, constants.near
    for s in near(a, 0):
        yield from (Scaling("{0}*{1} + {2}", (s, m)) for m in near(b, scale))
    if np.abs(b).max() <= 1e-3 * scale:
        yield from (Scaling("{0}*{1}", (s,)) for s in near(a, 0))
        yield from (Scaling("{0}/{1}", (s,)) for s in near(1 / a, 0))
    if np.abs(a - 1).max() <= 1e-3 and np.abs(b).max() <= 1e-3 * scale:
        yield Scaling("{0}", ())
    if np.abs(a - 1).max() <= 1e-3:
        yield from (Scaling("{0} + {1}", (m,)) for m in near(b, scale))
        yield from (Scaling("{0} - {1}", (m,)) for m in near(-b, scale))
    for low in near(b, scale):
        for high in near(a + b, scale):
            yield Scaling("{0}*({2} - {1}) + {1}", (low, high))
    for low in near(b - a, scale):
        for high in near(a + b, scale):
            yield Scaling("({0} + 1)/2*({2} - {1}) + {1}", (low, high))
    for s in near(1 / a, 0):
        yield from (Scaling("({0} - {2})/{1}", (s, m)) for m in near(-b / a, scale / abs(a).max()))
        yield from (Scaling("{0}/{1} + {2}", (s, m)) for m in near(b, scale))
