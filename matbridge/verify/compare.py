"""What belongs together: what is expected, brought to the form of what was computed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from matbridge.core.dims import column_major, reorder
from matbridge.errors import MismatchError
from matbridge.verify.measures.statistics import Element, Parts, element

__all__ = ["EmptyComparisonError", "Form", "forms", "located", "parts_of"]

Shapes = Sequence[tuple[int, ...]]

TRANSPOSED = "what is expected is taken transposed"


class EmptyComparisonError(MismatchError):
    """There was nothing to compare; comparing nothing never passes."""

    exit_code = 5


@dataclass(frozen=True)
class Form:
    """A way in which two values belong together: ``brought`` makes of what is expected arrays of
    the sizes that were computed, those of a cell one by one. ``note`` tells of it."""

    brought: Callable[[Parts], Parts]
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
    possible = list(_possible(ours, theirs))
    if not possible:
        raise _mismatch(ours, theirs)
    return possible


def _possible(ours: Parts, theirs: Parts) -> Iterator[Form]:
    shapes = [part.shape for part in ours]
    if len(ours) == len(theirs):
        pairs = [(a, b.shape) for a, b in zip(shapes, theirs, strict=True)]
        if all(a == b for a, b in pairs):
            yield Form(lambda expected: expected)
        elif all(_alike(a, b) for a, b in pairs):
            a, b = next((a, b) for a, b in pairs if a != b)
            yield Form(partial(_reshaped, shapes=shapes), f"sizes {a} and {b} as vectors")
        turned = [(a, _matrix(b)) for a, b in pairs]
        if all(len(b) == 2 and 1 not in b and a == b[::-1] for a, b in turned):
            yield Form(_turned, TRANSPOSED)
    for axis in (1, 0):
        if len(ours) != len(theirs) and _joined_shape(ours, axis) == _joined_shape(theirs, axis):
            said = "side by side" if axis else "one below another"
            yield Form(partial(_parted, axis=axis, shapes=shapes), f"cells joined {said}")


def _alike(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """A row for a column is a matter of taste; any other difference in size is not."""
    one, other = ([n for n in shape if n != 1] for shape in (a, b))
    return one == other


def _reshaped(parts: Parts, shapes: Shapes) -> Parts:
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _matrix(shape: tuple[int, ...]) -> tuple[int, ...]:
    """1×1×C×N, as activations and dlarrays have scores, is C×N."""
    return shape if len(shape) < 3 else tuple(n for n in shape if n != 1)


def _turned(parts: Parts) -> Parts:
    return [reorder(part.reshape(_matrix(part.shape)), "CB", "BC") for part in parts]


def _joined_shape(parts: Parts, axis: int) -> tuple[int, ...] | None:
    """The size of the matrix that the parts of a cell make side by side, or one below another."""
    if any(part.ndim > 2 for part in parts) or not parts:
        return None
    sizes = [np.atleast_2d(part).shape for part in parts]
    if len({size[1 - axis] for size in sizes}) > 1:
        return None
    total, other = sum(size[axis] for size in sizes), sizes[0][1 - axis]
    return (total, other) if axis == 0 else (other, total)


def _parted(parts: Parts, axis: int, shapes: Shapes) -> Parts:
    """The parts of a cell joined, and parted in other sizes."""
    whole = np.concatenate([np.atleast_2d(part) for part in parts], axis=axis)
    lengths = [(1, 1, *shape)[-2:][axis] for shape in shapes]
    return _reshaped(np.split(whole, np.cumsum(lengths)[:-1], axis=axis), shapes)


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


def located(worst: Sequence[Element], form: Form, expected: Parts) -> tuple[Element, ...]:
    """The same elements where the user finds them: in what is expected as it was given."""
    if not worst or not form.note:
        return tuple(worst)
    starts = np.cumsum([0, *(part.size for part in expected)])
    numbers = [
        column_major(np.arange(start, start + part.size), part.shape)
        for start, part in zip(starts[:-1], expected, strict=True)
    ]
    brought = form.brought(numbers)
    places = [int(brought[max(one.cell - 1, 0)][_at(one)]) for one in worst]
    found = [element(place, expected) for place in places]
    return tuple(
        dataclasses.replace(new, expected=old.expected, computed=old.computed)
        for new, old in zip(found, worst, strict=True)
    )


def _at(element: Element) -> tuple[int, ...]:
    return tuple(n - 1 for n in element.subscripts)
