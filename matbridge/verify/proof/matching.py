"""Whether a variable is what came out: as it is, scaled back, or rounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.dims import reordering
from matbridge.verify.case import AS_IT_IS, Transform
from matbridge.verify.expression import transform_of
from matbridge.verify.proof.affine import LOOSE, Affine, fitted, named, range_of
from matbridge.verify.proof.candidates import Shape
from matbridge.verify.proof.constants import Constants
from matbridge.verify.proof.workspace import Leaf, Value

__all__ = ["Aligned", "Match", "Near", "aligned", "matches"]

TURN = reordering("CB", "BC")
# So many values of large data are looked at first.
PROBED = 20_000
# How often a scaling may be further off than the fit that it stands for, and at most, of the range.
WORSE, EXACT = 20.0, 2e-6


@dataclass(frozen=True, eq=False)
class Aligned:
    """What may be expected in the form of the result, and both as numbers K×M, a row for each
    channel. ``words`` tell the transpose of the variable, if it was one; ``columns`` that the
    result has a row for each channel as well."""

    words: str
    expected: Value
    result: np.ndarray
    numbers: np.ndarray
    columns: bool = True


@dataclass(frozen=True, eq=False)
class Match:
    """What agrees so far as can be seen: ``words`` of the variable, what stands ``around`` the
    result ("", "*sig + mu"), and the difference, of the range."""

    words: str
    around: tuple[str, str]
    transform: Transform
    expected: Value
    difference: float


@dataclass(frozen=True)
class Near:
    """What does not agree, and how much it goes along with the result."""

    correlation: float


def aligned(result: Value, leaf: Leaf, shape: Shape) -> Iterator[Aligned]:
    """The ways in which a variable has the size of a result."""
    if leaf.kind == "labels":
        return
    if isinstance(result, list):
        yield from _aligned_cells(result, leaf)
    elif leaf.kind == "cell":
        yield from _aligned_steps(result, leaf, shape)
    else:
        yield from _aligned_array(result, leaf, shape)


def _aligned_array(result: np.ndarray, leaf: Leaf, shape: Shape) -> Iterator[Aligned]:
    own, other = _squeezed(result.shape), _squeezed(leaf.shape)
    if own == other:
        values = np.asarray(leaf.load()).reshape(result.shape)
        yield _pair(leaf.address, result, values, shape)
    if len(own) == 2 and own == other[::-1]:
        values = TURN(np.asarray(leaf.load()).reshape(other)).reshape(result.shape)
        yield _pair(f"{leaf.address}'", result, values, shape)


def _aligned_steps(result: np.ndarray, leaf: Leaf, shape: Shape) -> Iterator[Aligned]:
    """A cell with a vector for each observation or step."""
    items = leaf.load()
    if result.ndim > 3 or len({np.shape(item) for item in items}) != 1:
        return
    parts = [_flat(item) if result.ndim < 3 else np.asarray(item) for item in items]
    beside = np.stack(parts, axis=-1)
    values = beside if shape.columns or beside.ndim != 2 else TURN(beside)
    if values.shape == result.shape:
        yield _pair(leaf.address, result, values, shape)


def _flat(array: object) -> np.ndarray:
    return np.asarray(array).reshape(-1, order="F")


def _aligned_cells(result: list[np.ndarray], leaf: Leaf) -> Iterator[Aligned]:
    if leaf.kind == "numbers" and (len(leaf.shape) != 3 or leaf.shape[2] != len(result)):
        return
    items = leaf.load()
    if isinstance(items, np.ndarray):
        items = [items[:, :, place] for place in range(len(result))]
    if len(items) != len(result):
        return
    pairs = list(zip(items, result, strict=True))
    if all(_squeezed(np.shape(item)) == _squeezed(part.shape) for item, part in pairs):
        parts = [np.reshape(item, part.shape) for item, part in pairs]
        yield _beside(leaf.address, result, parts)
    elif all(np.shape(item) == part.shape[::-1] for item, part in pairs):
        turned = [TURN(np.asarray(item)) for item in items]
        yield _beside(f"cellfun(@transpose, {leaf.address})", result, turned)


def _beside(words: str, result: list[np.ndarray], parts: list[np.ndarray]) -> Aligned:
    y, e = (np.concatenate([np.atleast_2d(p) for p in side], axis=1) for side in (result, parts))
    return Aligned(words, parts, y.astype(np.float64), e.astype(np.float64))


def _pair(words: str, result: np.ndarray, expected: np.ndarray, shape: Shape) -> Aligned:
    turn = result.ndim == 2 and not shape.columns
    y, e = (np.asarray(side, np.float64) for side in (result, expected))
    if turn:
        y, e = TURN(y), TURN(e)
    elif y.ndim != 2:
        y, e = y.reshape(1, -1), e.reshape(1, -1)
    return Aligned(words, expected, y, e, not turn)


def _squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def matches(pair: Aligned, constants: Constants) -> Iterator[Match | Near]:
    """How a variable may have come about from a result, the plainest first; how near it is where
    it did not."""
    y, e = _probed(pair.result, pair.numbers)
    spread = range_of(e)
    difference = difference_of(y, e, spread)
    if difference <= LOOSE:
        yield Match(pair.words, ("", ""), AS_IT_IS, pair.expected, difference)
        return
    rounded = _rounded(pair, y, e) if spread else None
    if rounded is not None:
        yield rounded
        return
    yield from _curved(pair, y, e, constants)


# What may stand around a scaled result, and what leads back.
CURVES: dict[str, tuple[Callable[[np.ndarray], bool], Callable[[np.ndarray], np.ndarray]]] = {
    "{}": (lambda e: True, lambda e: e),
    "exp({})": (lambda e: bool((e > 0).all()), np.log),
    "10.^({})": (lambda e: bool((e > 0).all()), np.log10),
    "log({})": (lambda e: bool((e < 50).all()), np.exp),
}


def _curved(
    pair: Aligned, y: np.ndarray, e: np.ndarray, constants: Constants
) -> Iterator[Match | Near]:
    correlation = 0.0
    for curve, (possible, inverse) in CURVES.items():
        if not possible(e):
            continue
        wanted = inverse(e)
        for fit in _fits(y, wanted):
            if curve == "{}":
                correlation = max(correlation, fit.correlation)
            match = _by_name(pair, fit, curve, y, wanted, constants)
            if match is not None:
                yield match
                return
    yield Near(correlation)


def _fits(y: np.ndarray, wanted: np.ndarray) -> Iterator[Affine]:
    """Of all rows together, then of each."""
    for by_row in (False, True) if len(y) > 1 else (False,):
        fit = fitted(y, wanted, by_row)
        if fit is not None:
            yield fit


def _by_name(
    pair: Aligned,
    fit: Affine,
    curve: str,
    y: np.ndarray,
    wanted: np.ndarray,
    constants: Constants,
) -> Match | None:
    """The fit said in numbers of the workspace, where that is as good."""
    if fit.difference > LOOSE:
        return None
    spread = range_of(wanted)
    for scaling in named(fit, constants, spread):
        scaled = scaling.transform("{}", columns=True).apply(y)
        difference = difference_of(scaled, wanted, spread)
        if difference <= max(WORSE * fit.difference, EXACT):
            transform = scaling.transform(curve, pair.columns)
            opening, closing = curve.split("{}")
            before, after = scaling.around
            around = (opening + before, after + closing)
            return Match(pair.words, around, transform, pair.expected, difference)
    return None


# Whole numbers that are a result rounded, as pictures and class numbers are kept.
ROUNDINGS: dict[tuple[str, str], str] = {
    ("round(", ")"): "round(y)",
    ("uint8(", ")"): "min(max(round(y),0),255)",
    ("uint8(255*", ")"): "min(max(round(255.*y),0),255)",
    ("", " > 0.5"): "double(y>0.5)",
}


def _rounded(pair: Aligned, y: np.ndarray, e: np.ndarray) -> Match | None:
    if not (np.isfinite(e).all() and (e == np.round(e)).all()):
        return None
    for around, expression in ROUNDINGS.items():
        transform: Transform = transform_of(expression)
        if np.array_equal(transform.apply(y), e):
            return Match(pair.words, around, transform, pair.expected, 0.0)
    return None


def difference_of(y: np.ndarray, e: np.ndarray, spread: float) -> float:
    """The largest difference, of the range or the largest value; what is not finite must be so
    in both."""
    both = np.isfinite(y) & np.isfinite(e)
    same = both | (y == e) | (np.isnan(y) & np.isnan(e))
    if not same.all() or not both.any():
        return float("inf")
    scale = spread or float(np.abs(e[both]).max())
    worst = float(np.abs(y[both] - e[both]).max())
    return worst / scale if scale else (0.0 if worst == 0 else float("inf"))


def _probed(y: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Some columns of large data."""
    stride = max(y.size // PROBED, 1)
    return (y[:, ::stride], e[:, ::stride]) if y.shape[1] > 2 * stride else (y, e)
