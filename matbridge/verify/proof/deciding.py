"""Class names and numbers against scores: what the largest score decides for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matbridge.core.dims import reorder, reordering
from matbridge.core.network import Network
from matbridge.predict.class_names import is_labels, number_labels
from matbridge.verify.labels import class_names
from matbridge.verify.proof.candidates import Shape
from matbridge.verify.proof.workspace import Leaf, Value

__all__ = ["Decided", "decided"]

TURN = reordering("CB", "BC")


@dataclass(frozen=True, eq=False)
class Decided:
    """Labels that a variable holds, and those of the largest scores, as class numbers from 0;
    ``certainty`` is the largest score where scores are probabilities, else 1."""

    expected: object
    wanted: np.ndarray
    chosen: np.ndarray
    certainty: np.ndarray
    classes: tuple[str, ...] = ()
    function: str = "classify"

    @property
    def agreeing(self) -> int:
        return int((self.wanted == self.chosen).sum())


def decided(network: Network, result: Value, leaf: Leaf, shape: Shape) -> Iterator[Decided]:
    """The ways in which a variable may hold the classes of a result."""
    scores = _scores(result, shape)
    if scores is None or len(scores) < 2:
        return
    chosen = network.choose(scores, 0).reshape(-1)
    certainty = _certainty(scores)
    for expected, names, function in _readings(network, leaf, len(scores)):
        labels = class_names(expected) if is_labels(expected) else None
        if labels is None:
            wanted = np.asarray(expected).reshape(-1).astype(int) - 1
        else:
            places = {name: place for place, name in enumerate(names)}
            wanted = np.array([places.get(label, -1) for label in labels])
        if wanted.size == chosen.size:
            yield Decided(expected, wanted, chosen, certainty, names, function)


def _scores(result: Value, shape: Shape) -> np.ndarray | None:
    """K×M, a row for each class."""
    if isinstance(result, list):
        parts = [part for part in result if part.ndim == 2]
        return np.concatenate(parts, axis=1) if parts and len(parts) == len(result) else None
    if result.ndim == 2:
        return result if shape.columns else TURN(result)
    if result.ndim == 4 and shape.spatial:
        # A label for each pixel, column by column.
        return reorder(result, "SSCB", "CSSB").reshape(result.shape[2], -1, order="F")
    return None


def _certainty(scores: np.ndarray) -> np.ndarray:
    largest = scores.max(axis=0)
    if (scores >= 0).all() and np.allclose(scores.sum(axis=0), 1, atol=1e-3):
        return largest
    return np.ones(len(largest))


def _readings(
    network: Network, leaf: Leaf, count: int
) -> Iterator[tuple[object, tuple[str, ...], str]]:
    """The labels with the classes in the order of the scores, and what would give them."""
    if leaf.kind == "labels":
        names = _order(network, leaf, count)
        if names:
            yield leaf.load(), names, "classify"
        return
    if leaf.kind != "numbers" or max(leaf.shape) != leaf.size:
        return
    values = np.asarray(leaf.load())
    named = number_labels(values, network.classes)
    if is_labels(named):
        yield named, network.classes, "classify"
        return
    whole = values.reshape(-1)
    if (whole == np.round(whole)).all() and whole.min() >= 1 and whole.max() <= count:
        yield values, (), "vec2ind"


def _order(network: Network, leaf: Leaf, count: int) -> tuple[str, ...]:
    if len(network.classes) == count:
        return network.classes
    return leaf.categories if len(leaf.categories) == count else ()
