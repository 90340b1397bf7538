"""Data that were normalized before they were given to a network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from matbridge.verify.proof.constants import Constant, Constants
from matbridge.verify.proof.runs import Run, over_time
from matbridge.verify.proof.workspace import Value

__all__ = ["normalized"]

# Statistics of fewer observations are those of no data.
LEAST = 3

Scale = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Normalization:
    """As MATLAB would write it, "({0}-mu)./sig", with constants for all or for each channel."""

    words: str
    function: Scale
    constants: tuple[Constant, ...] = ()


def _normalizations(constants: Constants, whole: bool) -> Iterator[Normalization]:
    """The usual ones first; of whole numbers, as images have them, their share of 255."""
    for mean, deviation in constants.standardizations():
        words = f"({{0}}-{mean.words})./{deviation.words}"
        yield Normalization(words, lambda x, m, s: (x - m) / s, (mean, deviation))
    for least, largest in constants.ranges():
        words = f"({{0}}-{least.words})./({largest.words}-{least.words})"
        yield Normalization(words, lambda x, a, b: (x - a) / (b - a), (least, largest))
        symmetric = f"2*{words}-1"
        yield Normalization(symmetric, lambda x, a, b: 2 * (x - a) / (b - a) - 1, (least, largest))
    if whole:
        yield Normalization("im2single({0})", lambda x: x.astype(np.float32) / np.float32(255))


def normalized(run: Run, constants: Constants) -> Iterator[Run]:
    """The run on data normalized by the numbers of the workspace whose names say so."""
    if len(run.inputs) != 1 or isinstance(run.inputs[0], int):
        return
    value = run.inputs[0]
    whole = isinstance(value, np.ndarray) and value.dtype == np.uint8
    for normalization in _normalizations(constants, whole):
        scaled = _scaled(run, value, normalization)
        if scaled is not None:
            words = normalization.words.replace("{0}", run.words)
            yield dataclasses.replace(run, inputs=(scaled,), words=words)
    if isinstance(value, np.ndarray) and value.ndim == 2:
        for words, scaled in _by_themselves(run.words, value, _has_columns(run)):
            yield dataclasses.replace(run, inputs=(scaled,), words=words)


def _by_themselves(
    words: str, value: np.ndarray, columns: bool
) -> Iterator[tuple[str, np.ndarray]]:
    """Data by their own statistics, each channel over observations or steps, and how that is
    said; nothing where one is constant."""
    axis, along = (1, ",2") if columns else (0, "")
    x = value.astype(np.float64)
    spread = np.ptp(x, axis, keepdims=True)
    if x.shape[axis] < LEAST or not np.isfinite(x).all() or (spread == 0).any():
        return
    mean, deviation = x.mean(axis, keepdims=True), x.std(axis, ddof=1, keepdims=True)
    shares = (x - x.min(axis, keepdims=True)) / spread
    yield f"normalize({words}{along})", (x - mean) / deviation
    yield f"normalize({words}{along},'range')", shares
    turned = words[:-1] if words.endswith("'") else f"{words}'"
    yield f"mapminmax({words})" if columns else f"mapminmax({turned})'", 2 * shares - 1


def _has_columns(run: Run) -> bool:
    """Whether a column of a matrix is an observation or a step."""
    return run.network.kind.columns or over_time(run.network)


def _scaled(run: Run, value: Value, normalization: Normalization) -> Value | None:
    """The data so normalized; None where there is not a number for each channel."""
    if isinstance(value, list):
        parts = [_scaled(run, part, normalization) for part in value]
        kept = [part for part in parts if isinstance(part, np.ndarray)]
        return kept if len(kept) == len(parts) else None
    columns = _has_columns(run)
    each: list[np.ndarray] = []
    for constant in normalization.constants:
        if constant.size > 1 and (
            value.ndim != 2 or value.shape[0 if columns else 1] != constant.size
        ):
            return None
        each.append(constant.value.reshape((-1, 1) if columns else (1, -1)))
    if each and value.ndim != 2:
        each = [constant.reshape(()) for constant in each]
    return normalization.function(value.astype(np.float64) if each else value, *each)
