"""A result held against a variable, in every way in which the one may be the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.network import Network
from matbridge.verify.case import AS_IT_IS, Transform
from matbridge.verify.expression import transform_of
from matbridge.verify.proof.affine import LOOSE, range_of
from matbridge.verify.proof.candidates import Shape
from matbridge.verify.proof.constants import Constants
from matbridge.verify.proof.deciding import Decided, decided
from matbridge.verify.proof.matching import (
    Aligned,
    Match,
    aligned,
    difference_of,
    matches,
)
from matbridge.verify.proof.workspace import Leaf, Value

__all__ = ["TARGETS", "Hit", "Near", "differences", "held_against"]

# What targets are called.
TARGETS = re.compile(r"^t$|^t[A-Z]|target|true|actual", re.IGNORECASE)
# What a difference of targets and outputs is called; the most that are tried.
ERRORS = re.compile(r"^e$|err|resid|diff|delta", re.IGNORECASE)
MOST_TARGETS = 24


@dataclass(frozen=True, eq=False)
class Hit:
    """A variable that agrees so far as can be seen.

    ``around`` is what stands around the call of the network ("", "*sig + mu"); ``numbers`` what
    was compared, class numbers where names were, with the ``certainty`` of the scores.
    """

    variable: str
    around: tuple[str, str]
    expected: object
    numbers: np.ndarray
    transform: Transform = AS_IT_IS
    classes: tuple[str, ...] = ()
    certainty: np.ndarray | None = None
    function: str = "predict"


@dataclass(frozen=True)
class Near:
    """What does not agree, and how much it goes along with the result; of labels the share that
    is equal. ``values`` is how many there are."""

    correlation: float
    values: int


def held_against(
    network: Network,
    result: Value,
    leaf: Leaf,
    shape: Shape,
    constants: Callable[[int], Constants],
) -> Iterator[Hit | Near]:
    """The ways in which a variable agrees with a result, or how near it is."""
    for pair in aligned(result, leaf, shape):
        for match in matches(pair, constants(len(pair.result))):
            if isinstance(match, Match):
                yield Hit(match.words, match.around, match.expected, pair.numbers, match.transform)
                return
            yield Near(match.correlation, pair.numbers.size)
    for labels in decided(network, result, leaf, shape):
        if labels.agreeing == labels.wanted.size:
            yield _labelled(leaf, labels, shape)
            return
        yield Near(labels.agreeing / labels.wanted.size, labels.wanted.size)


def _labelled(leaf: Leaf, labels: Decided, shape: Shape) -> Hit:
    """Names are what classify gives; class numbers what vec2ind makes of scores."""
    if labels.classes:
        return Hit(
            leaf.address,
            ("", ""),
            labels.expected,
            labels.wanted,
            classes=labels.classes,
            certainty=labels.certainty,
            function="classify",
        )
    numbers = (labels.wanted + 1.0).reshape((1, -1) if shape.columns else (-1, 1))
    transform = transform_of(f"argmax(y,{1 if shape.columns else 2})")
    around = ("vec2ind(", ")")
    return Hit(leaf.address, around, numbers, labels.wanted, transform, certainty=labels.certainty)


# A difference of targets t and a result y, and how that is said.
DIFFERENCES: tuple[tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], str, str, str], ...] = (
    (lambda t, y: t - y, "t-y", "{} - ", ""),
    (lambda t, y: y - t, "y-t", "", " - {}"),
)


def differences(
    result: Value, leaves: Sequence[Leaf], targets: Sequence[Leaf], shape: Shape
) -> Iterator[tuple[Leaf, Hit]]:
    """Variables that are targets less the result, or the other way round: e = gsubtract(t, y)."""
    errors = [leaf for leaf in leaves if ERRORS.search(leaf.name)]
    if isinstance(result, list) or not errors:
        return
    given = [leaf for leaf in targets if not ERRORS.search(leaf.name)]
    given.sort(key=lambda leaf: not TARGETS.search(leaf.name))
    pairs = [pair for leaf in given for pair in aligned(result, leaf, shape)][:MOST_TARGETS]
    for leaf in errors:
        for pair in aligned(result, leaf, shape):
            hits = (_difference(pair, target) for target in pairs)
            yield from ((leaf, hit) for hit in hits if hit is not None)


def _difference(error: Aligned, target: Aligned) -> Hit | None:
    spread = range_of(error.numbers)
    for function, expression, before, after in DIFFERENCES:
        difference = function(target.numbers, error.result)
        if spread and difference_of(difference, error.numbers, spread) <= LOOSE:
            around = (before.replace("{}", target.words), after.replace("{}", target.words))
            transform = transform_of(expression, {"t": target.expected})
            return Hit(error.words, around, error.expected, error.numbers, transform)
    return None
