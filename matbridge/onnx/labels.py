"""The labels of an ONNX tensor's dimensions, and what transposing and reshaping makes of them.

*Axes* are one text for each dimension of the tensor, in its order: the label of MATLAB's dimension
that lies there, spatial ones numbered: ``("B", "C", "1", "2")`` for N×C×H×W. A dimension
that merges several has their labels, the slowest first: ``("B", "C12")`` after Flatten. One of
size 1 that is none of MATLAB's is "". A label that no axis has is a dimension of size 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from matbridge.ops.layout import numbered, unnumbered

__all__ = [
    "Axes",
    "Lengths",
    "axes_of",
    "dims_of",
    "regrouped",
    "squeezed",
    "transposed",
    "unsqueezed",
]

Axes = tuple[str, ...]
Lengths = Mapping[str, int | None]


def axes_of(dims: str) -> Axes:
    """The axes of plain labels: ``axes_of("BCSS") == ("B", "C", "1", "2")``."""
    return tuple(numbered(dims))


def dims_of(axes: Axes) -> str:
    """The inverse of :func:`axes_of`; "" for axes that merge, lack labels or swap S."""
    joined = "".join(axes)
    plain = unnumbered(joined)
    return plain if all(len(a) == 1 for a in axes) and numbered(plain) == joined else ""


def transposed(axes: Axes, order: Sequence[int] | None) -> Axes | None:
    """The axes after Transpose, whose default is to turn them round."""
    if order is None:
        return axes[::-1]
    return tuple(axes[n] for n in order) if sorted(order) == list(range(len(axes))) else None


def squeezed(axes: Axes, places: Sequence[int] | None, lengths: Lengths) -> Axes | None:
    """The axes after Squeeze of these places; of all that have size 1 without them."""
    if places is None:
        return tuple(axis for axis in axes if _length(axis, lengths) != 1)
    gone = _settled(places, len(axes))
    return None if gone is None else tuple(a for n, a in enumerate(axes) if n not in gone)


def unsqueezed(axes: Axes, places: Sequence[int]) -> Axes | None:
    """The axes after Unsqueeze: "" at these places of the result."""
    rank = len(axes) + len(places)
    new = _settled(places, rank)
    if new is None:
        return None
    left = iter(axes)
    return tuple("" if place in new else next(left) for place in range(rank))


def _settled(places: Sequence[int], rank: int) -> set[int] | None:
    """Places from 0, which may be given from the end; None where there is no such, or one twice."""
    found = {place + rank if place < 0 else place for place in places}
    whole = len(found) == len(places) and all(0 <= place < rank for place in found)
    return found if whole else None


def regrouped(
    axes: Axes, lengths: Lengths, shape: Sequence[int], fixed: Lengths = MappingProxyType({})
) -> Axes | None:
    """The axes after Reshape to ``shape``, in which 0 keeps a length and -1 is what is left.

    ``lengths`` are None for labels that are free, ``fixed`` what the file has in their place,
    such as a batch of 1. None where the result is not made of whole dimensions of MATLAB's.
    """
    labels = [label for axis in axes for label in axis if lengths.get(label) != 1]
    targets = [
        axes[place] if n == 0 and place < len(axes) else int(n) for place, n in enumerate(shape)
    ]
    stop = targets.index(-1) if -1 in targets else len(targets)
    head = _taken(targets[:stop], labels, lengths, fixed)
    if head is None:
        return None
    rest = labels[len("".join(head)) :]
    if stop == len(targets):
        return None if rest else head
    # What stands after -1 is taken from the end; what is left is its.
    turned = [t[::-1] if isinstance(t, str) else t for t in targets[:stop:-1]]
    tail = _taken(turned, rest[::-1], lengths, fixed)
    if tail is None:
        return None
    left = rest[: len(rest) - len("".join(tail))]
    return (*head, "".join(left), *(axis[::-1] for axis in tail[::-1]))


def _taken(
    targets: Sequence[int | str], labels: Sequence[str], lengths: Lengths, fixed: Lengths
) -> Axes | None:
    """For each target, a length or the axis that it keeps, the labels that make it."""
    left, taken = list(labels), []
    for target in targets:
        if isinstance(target, str):
            count: int | None = sum(lengths.get(label) != 1 for label in target)
        else:
            count = _count(target, left, lengths, fixed)
        if count is None or count > len(left):
            return None
        taken.append("".join(left[:count]))
        left = left[count:]
    return tuple(taken)


def _count(target: int, labels: Sequence[str], lengths: Lengths, fixed: Lengths) -> int | None:
    """How many of the labels make a dimension of this length."""
    if labels and lengths.get(labels[0]) is None:
        # A free label alone where the file has it fixed; else the dimension is a new one.
        return 1 if fixed.get(labels[0]) == target else 0 if target == 1 else None
    product, count = 1, 0
    while product < target and count < len(labels):
        product *= lengths.get(labels[count]) or 0
        count += 1
        if not product:
            return None
    return count if product == target else None


def _length(axis: str, lengths: Lengths) -> int | None:
    product = 1
    for label in axis:
        length = lengths.get(label, 1)
        if length is None:
            return None
        product *= length
    return product
