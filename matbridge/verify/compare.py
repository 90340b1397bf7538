"""What belongs together: what was computed, brought to the form of what is expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matbridge.core.dims import reorder
from matbridge.errors import MismatchError

__all__ = ["EmptyComparisonError", "Form", "forms", "parts_of"]

Parts = list[np.ndarray]

TRANSPOSED = "what is expected is taken transposed"


class EmptyComparisonError(MismatchError):
    """There was nothing to compare; comparing nothing never passes."""

    exit_code = 5


@dataclass(frozen=True)
class Form:
    """A way in which two values belong together: ``parts`` makes of a value as it was computed
    arrays of the sizes that are expected, those of a cell one by one. ``note`` tells of it."""

    parts: Callable[[Any], Parts]
    note: str = ""


def parts_of(value: Any) -> Parts:
    """The arrays of a cell, or the only one."""
    return [np.asarray(part) for part in (value if isinstance(value, list) else [value])]


def forms(computed: Any, expected: Any) -> list[Form]:
    """The ways in which these belong together, the plainest first; one at least.

    Raises EmptyComparisonError if nothing is expected and MismatchError where the sizes cannot
    belong together.
    """
    ours, theirs = parts_of(computed), parts_of(expected)
    if not sum(part.size for part in theirs):
        raise EmptyComparisonError("there is nothing to compare: what is expected is empty")
    shapes = [part.shape for part in theirs]
    possible = list(_possible(ours, theirs, shapes))
    if not possible:
        raise _mismatch(ours, theirs)
    return possible


def _possible(ours: Parts, theirs: Parts, shapes: list[tuple[int, ...]]) -> Iterator[Form]:
    if len(ours) == len(theirs):
        pairs = [(a.shape, b.shape) for a, b in zip(ours, theirs, strict=True)]
        if all(a == b for a, b in pairs):
            yield Form(parts_of)
        elif all(_alike(a, b) for a, b in pairs):
            a, b = next((a, b) for a, b in pairs if a != b)
            yield Form(lambda value: _reshaped(value, shapes), f"sizes {a} and {b} as vectors")
        if all(len(b) == 2 and 1 not in b and a == b[::-1] for a, b in pairs):
            yield Form(lambda value: [_turned(part) for part in parts_of(value)], TRANSPOSED)
    for axis in (1, 0):
        if len(ours) != len(theirs) and _joined_shape(ours, axis) == _joined_shape(theirs, axis):
            yield _joined(axis, shapes)


def _alike(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """A row for a column is a matter of taste; any other difference in size is not."""
    one, other = ([n for n in shape if n != 1] for shape in (a, b))
    return one == other


def _reshaped(value: Any, shapes: Sequence[tuple[int, ...]]) -> Parts:
    return [part.reshape(shape) for part, shape in zip(parts_of(value), shapes, strict=True)]


def _turned(part: np.ndarray) -> np.ndarray:
    return reorder(part, "CB", "BC")


def _joined_shape(parts: Parts, axis: int) -> tuple[int, ...] | None:
    """The size of the matrix that the parts of a cell make side by side, or one below another."""
    if any(part.ndim > 2 for part in parts) or not parts:
        return None
    sizes = [np.atleast_2d(part).shape for part in parts]
    if len({size[1 - axis] for size in sizes}) > 1:
        return None
    total, other = sum(size[axis] for size in sizes), sizes[0][1 - axis]
    return (total, other) if axis == 0 else (other, total)


def _joined(axis: int, shapes: Sequence[tuple[int, ...]]) -> Form:
    """The parts of a cell joined, and parted as is expected."""
    lengths = [(1, *shape)[-2:][axis] for shape in shapes]

    def parts(value: Any) -> Parts:
        whole = np.concatenate([np.atleast_2d(part) for part in parts_of(value)], axis=axis)
        pieces = np.split(whole, np.cumsum(lengths)[:-1], axis=axis)
        return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]

    return Form(parts, f"cells joined {'side by side' if axis else 'one below another'}")


def _mismatch(ours: Parts, theirs: Parts) -> MismatchError:
    if len(ours) != len(theirs):
        return MismatchError(f"{len(ours)} results were found, {len(theirs)} expected")
    place, a, b = next(
        (place, a.shape, b.shape)
        for place, (a, b) in enumerate(zip(ours, theirs, strict=True), 1)
        if not _alike(a.shape, b.shape)
    )
    which = f"result {place}" if len(ours) > 1 else "the result"
    return MismatchError(
        f"{which} has size {a}, but {b} is expected",
        mend="Check which variable holds what is expected, and its orientation.",
    )
