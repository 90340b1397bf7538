"""Suspects: what became of the outputs before they were kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from matbridge.core.dims import reorder
from matbridge.errors import MatbridgeError
from matbridge.text import listed
from matbridge.verify.case import AS_IT_IS, Case, Transform
from matbridge.verify.labels import class_names
from matbridge.verify.suspects.suspect import Suspect, Variant

__all__ = ["SUSPECTS"]

Function = Callable[[np.ndarray], np.ndarray]

# As a share of how far the values spread: what is nearer is worth a try.
NEAR = 1e-2
# A straight line through fewer values, or fewer different ones, says nothing.
LEAST, DIFFERENT = 10, 8


def _changed(case: Case, function: Function) -> Case:
    """The case with this done to the transformed outputs."""
    before = case.transform

    def apply(y: Any) -> Any:
        return function(np.asarray(before.apply(y)))

    return case.replace(transform=dataclasses.replace(before, apply=apply))


def _pair(case: Case) -> tuple[np.ndarray, np.ndarray] | None:
    """What the network gives and what is expected, for one array without class names."""
    if case.labels or len(case.expected) != 1:
        return None
    expected = case.expected[0]
    if isinstance(expected, list):
        return None
    try:
        computed = case.exact[0]
    except (MatbridgeError, ValueError, ArithmeticError):
        return None
    if isinstance(computed, list):
        return None
    computed, expected = np.asarray(computed, float), np.asarray(expected, float)
    if not np.isfinite(expected).all() or not np.isfinite(computed).all() or not expected.size:
        return None
    return computed, expected


def _near(values: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two arrays are of one size and close, and the expected values not all the same."""
    if values.shape != expected.shape:
        return False
    spread = float(np.ptp(expected))
    return spread > 0 and float(np.abs(values - expected).max()) <= NEAR * spread


# -- transforms --------------------------------------------------------------------------------


def _transforms(case: Case) -> Iterator[Variant]:
    """The transform of the outputs left out, or done twice."""
    if case.labels or case.transform is AS_IT_IS:
        return
    words = case.transform.words
    yield Variant(
        case.replace(transform=Transform("", AS_IT_IS.apply)),
        (),
        f"the outputs are taken as they are, without {words}",
        "the expected values are those before mean and standard deviation were put back",
    )
    yield Variant(
        _changed(case, case.transform.apply),
        (),
        f"{words} is done twice",
        "the expected values were transformed once more",
    )


# -- order -------------------------------------------------------------------------------------


def _orders(case: Case) -> Iterator[Variant]:
    """Classes, observations or places in another order, by matching their values."""
    pair = _pair(case)
    if pair is None or pair[0].shape != pair[1].shape:
        return
    computed, expected = pair
    for axis, count in enumerate(expected.shape):
        if count < 2:
            continue
        order = _matching(computed, expected, axis)
        if np.array_equal(order, np.arange(count)):
            continue
        if _near(np.take(computed, order, axis), expected):
            yield _ordered(case, axis, order, expected.ndim)


def _matching(computed: np.ndarray, expected: np.ndarray, axis: int) -> np.ndarray:
    """Which slice of what was computed stands at each place of what is expected.

    Both sorted by one random mixture of their values: equal slices meet.
    """
    count = expected.shape[axis]
    rows = [_first(y, axis).reshape(count, -1) for y in (computed, expected)]
    mixture = np.random.default_rng(0).standard_normal(rows[0].shape[1])
    ours, theirs = (np.argsort(row @ mixture, kind="stable") for row in rows)
    order = np.empty(count, int)
    order[theirs] = ours
    return order


def _first(array: np.ndarray, axis: int) -> np.ndarray:
    """The array with this axis first."""
    names = "abcdefgh"[: array.ndim]
    return reorder(array, names, names[axis] + names[:axis] + names[axis + 1 :])


def _ordered(case: Case, axis: int, order: np.ndarray, rank: int) -> Variant:
    what = _axis_words(case, axis, rank)
    places = ", ".join(str(n + 1) for n in order[:10]) + (", ..." if len(order) > 10 else "")
    reverse = np.array_equal(order, np.arange(len(order))[::-1])
    told = "in reverse order" if reverse else f"in the order {places}"
    named = case.network.classes
    if what == "classes" and len(named) == len(order):
        told += f" ({', '.join(named[n] for n in order[:10])})"
    return Variant(
        _changed(case, lambda y: np.take(y, order, axis)),
        case.network.output_names,
        f"the {what} are {told}",
        f"the expected values have their {what} in another order",
        together=True,
    )


def _axis_words(case: Case, axis: int, rank: int) -> str:
    """What runs along an axis of what predict returns."""
    if case.network.kind.columns:
        return ("outputs", "samples")[axis] if rank == 2 else "dimensions"
    size = case.network.infer().get(case.network.outputs[0])
    format = getattr(size, "format", "")
    channels = "classes" if case.network.classes else "channels"
    if rank == 2:
        return (channels, "time steps")[axis] if "T" in format else ("observations", channels)[axis]
    if rank == 4:
        return ("rows", "columns", channels, "observations")[axis]
    return f"slices along dimension {axis + 1}"


def _transposed(case: Case) -> Iterator[Variant]:
    """The first two dimensions exchanged where they are as large."""
    pair = _pair(case)
    if pair is None or pair[1].ndim < 2 or pair[1].shape[0] != pair[1].shape[1]:
        return
    names = "abcdefgh"[: pair[1].ndim]
    turned = names[1] + names[0] + names[2:]
    if _near(reorder(pair[0], names, turned), pair[1]):
        yield Variant(
            _changed(case, lambda y: reorder(y, names, turned)),
            case.network.output_names,
            "the first two dimensions of the output are exchanged",
            "the expected values were transposed",
            together=True,
        )


# -- class names -------------------------------------------------------------------------------

# So many labels for each class that is seen make another list of classes no chance.
LABELS = 4


def _renamed(case: Case) -> Iterator[Variant]:
    """Labels by another list of classes: each of ours always stands for the same of theirs."""
    if not case.labels:
        return
    theirs, ours = class_names(case.expected[0]), class_names(case.exact[0])
    if theirs is None or ours is None or len(theirs) != len(ours):
        return
    pairs = dict(zip(theirs, ours, strict=True))
    consistent = all(pairs[t] == o for t, o in zip(theirs, ours, strict=True))
    distinct = len(set(pairs.values())) == len(pairs)
    if not consistent or not distinct or not 2 <= len(pairs) <= len(theirs) // LABELS:
        return
    changed = [f"{ours} is called {theirs}" for theirs, ours in pairs.items() if ours != theirs]
    yield Variant(
        case.replace(expected=(_translated(case.expected[0], pairs),)),
        case.network.output_names,
        f"the classes have other names: {listed(changed, 10)}",
        "the expected labels are of another list of classes, or of one in another order",
        together=True,
    )


def _translated(labels: Any, names: Mapping[str, str]) -> Any:
    if isinstance(labels, list):
        return [_translated(part, names) for part in labels]
    flat = [names.get(str(name), str(name)) for name in labels.ravel()]
    return np.array(flat).reshape(labels.shape)


# -- values ------------------------------------------------------------------------------------


VALUES: tuple[tuple[Function, str, str], ...] = (
    (np.exp, "exp(y)", "the exponential of the output was kept"),
    (np.expm1, "exp(y) - 1", "the inverse of log1p was applied"),
    (lambda y: 10.0**y, "10^y", "the output is a decimal logarithm"),
    (np.log, "log(y)", "the logarithm of the output was kept"),
    (np.log1p, "log(1 + y)", "the logarithm of the output was kept"),
    (np.log10, "log10(y)", "the decimal logarithm of the output was kept"),
    (np.square, "y^2", "the square of the output was kept"),
    (np.sqrt, "sqrt(y)", "the root of the output was kept"),
    (np.abs, "abs(y)", "the magnitude of the output was kept"),
    (np.negative, "-y", "the sign was changed"),
    (lambda y: 1 - y, "1 - y", "the complement was kept"),
    (lambda y: np.maximum(y, 0), "max(y, 0)", "negative values were cut off"),
    (lambda y: np.clip(y, 0, 1), "y cut off at 0 and 1", "values were cut off as images are"),
    (lambda y: np.clip(np.round(y), 0, 255), "uint8(y)", "values were kept as whole bytes"),
    (lambda y: np.clip(np.round(255 * y), 0, 255), "uint8(255*y)", "they were kept as whole bytes"),
)


def _valued(case: Case) -> Iterator[Variant]:
    """A function of each value."""
    pair = _pair(case)
    if pair is None or pair[0].shape != pair[1].shape or _few(pair[1]):
        return
    computed, expected = pair
    for function, words, meaning in VALUES:
        with np.errstate(all="ignore"):
            values = function(computed)
        if _near(values, expected):
            yield Variant(
                _changed(case, _quiet(function)),
                case.network.output_names,
                f"the expected values are {words} of the output y",
                meaning,
            )


def _quiet(function: Function) -> Function:
    def quiet(y: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return function(y)

    return quiet


def _few(values: np.ndarray) -> bool:
    """Whether there are too few values, or too few different ones, for a fit to say anything."""
    spread = float(np.ptp(values))
    steps = np.unique(np.round((values - values.min()) / (spread or 1.0), 4))
    return values.size < LEAST or len(steps) < DIFFERENT


def _lines(case: Case) -> Iterator[Variant]:
    """a·y + b, one a and b for everything, or for each output."""
    pair = _pair(case)
    if pair is None or pair[0].shape != pair[1].shape:
        return
    computed, expected = pair
    for axis in (None, *range(expected.ndim)):
        if axis is not None and not 1 < expected.shape[axis] <= expected.size // LEAST:
            continue
        line = _line(computed, expected, axis)
        if line is not None and _near(line[0] * computed + line[1], expected):
            yield _along(case, *line)
            return


def _line(
    computed: np.ndarray, expected: np.ndarray, axis: int | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """The straight line that fits best; None where the values are too few, or where it is flat,
    falls or changes nothing."""
    over = tuple(n for n in range(expected.ndim) if n != axis)
    slices = [expected] if axis is None else list(_first(expected, axis))
    if any(_few(part) for part in slices):
        return None
    x, y = (z - z.mean(over, keepdims=True) for z in (computed, expected))
    with np.errstate(all="ignore"):
        slope = (x * y).sum(over, keepdims=True) / (x * x).sum(over, keepdims=True)
    offset = expected.mean(over, keepdims=True) - slope * computed.mean(over, keepdims=True)
    if not np.isfinite(slope).all() or (slope <= 0).any():
        return None
    return slope, offset


def _along(case: Case, slope: np.ndarray, offset: np.ndarray) -> Variant:
    if slope.size == 1:
        first = float(offset.reshape(-1)[0])
        words = f"{float(slope.reshape(-1)[0]):.6g}*y {'-' if first < 0 else '+'} {abs(first):.6g}"
        meaning = "looks like a mean and a standard deviation that were put back"
    else:
        words = f"a*y + b with an a and a b for each of {slope.size}"
        meaning = "looks like means and standard deviations that were put back"
    return Variant(
        _changed(case, lambda y: slope * y + offset),
        case.network.output_names,
        f"the expected values are {words} of the output y",
        f"that {meaning}, or an output scaled otherwise",
    )


SUSPECTS: tuple[Suspect, ...] = (
    Suspect("output transform", 6, _transforms),
    Suspect("order of outputs", 8, _orders),
    Suspect("output transposed", 9, _transposed),
    Suspect("list of classes", 9, _renamed),
    Suspect("output values", 32, _valued),
    Suspect("output scaled", 33, _lines),
)
