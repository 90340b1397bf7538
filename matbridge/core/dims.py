"""All that is known about order: dimension labels, sizes, column-major, gates, padding.

MATLAB labels the dimensions of an array S (spatial), C (channel), B (batch), T (time)
and U (unspecified), always stored in that order; S and U may repeat. A *dims* string
such as ``"BCSS"`` names the dimensions of an array in the order in which they lie in
memory; a *format* is a dims string in MATLAB's order (``"SSCB"``). Repeated labels keep
their own order: the first S is always the height, the second the width, the third the
depth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, TypeAlias

import numpy as np

from matbridge.errors import MismatchError

__all__ = [
    "LABELS",
    "Extent",
    "Size",
    "axis_names",
    "canonical",
    "check_labels",
    "column_major",
    "fitted",
    "gate_blocks",
    "missing",
    "permutation",
    "pool_output",
    "reorder",
    "reordering",
    "same_padding",
    "union",
    "window_span",
    "without",
]

# A whole number, or what stands for one that only data will tell: a symbol of torch, a node.
Extent: TypeAlias = Any

LABELS = "SCBTU"
# The same with the spatial labels told apart, as matbridge.ops.layout.numbered does.
NUMBERED = "S123CBTU"

# The batch-first order in which the torch module takes and returns values.
TORCH_ORDER = "BCTSU"

# The order that most layers ask for first.
STEPS_FIRST = "TBCSU"


def check_labels(dims: str) -> str:
    """``dims`` itself, if MATLAB would accept it as a format; MismatchError otherwise."""
    unknown = sorted(set(dims) - set(LABELS))
    repeated = [label for label in "CBT" if dims.count(label) > 1]
    if unknown or repeated or not dims:
        raise MismatchError(
            f"{dims!r} is not a dlarray format",
            mend="Use S, C, B, T, U, with C, B and T at most once each, such as SSCB or CBT.",
        )
    return dims


def canonical(dims: str) -> str:
    """The labels in MATLAB's order: ``canonical("BCSS") == "SSCB"``; S may be 1, 2, 3."""
    return "".join(sorted(dims, key=NUMBERED.index))


def batch_first(dims: str) -> str:
    """The labels in PyTorch's order: ``batch_first("SSCBT") == "BCTSS"``."""
    return "".join(sorted(dims, key=TORCH_ORDER.index))


def axis_names(dims: str) -> tuple[str, ...]:
    """A word for each dimension: ``axis_names("BCSS")`` is batch, channels, height, width."""
    words = {"B": "batch", "C": "channels", "T": "time", "U": "unspecified"}
    spatial = iter(("height", "width", "depth"))
    return tuple(next(spatial) if label == "S" else words[label] for label in dims)


def steps_first(dims: str) -> str:
    """The labels in the order of sequence layers: ``steps_first("CBT") == "TBC"``."""
    return "".join(sorted(dims, key=STEPS_FIRST.index))


def without(dims: str, labels: str) -> str:
    """``dims`` less one occurrence for each of ``labels``, the last ones first."""
    kept = dims
    for label in labels:
        at = kept.rfind(label)
        if at >= 0:
            kept = kept[:at] + kept[at + 1 :]
    return kept


def missing(dims: str, wanted: str) -> str:
    """The labels of ``wanted`` that ``dims`` lacks, counting repetitions."""
    return without(wanted, dims)


def union(a: str, b: str) -> str:
    """The labels of ``a`` in their order, then those of ``b`` that ``a`` lacks."""
    return a + missing(a, b)


def permutation(have: str, want: str) -> tuple[int, ...]:
    """Axes that bring dims ``have`` to ``want``; repeated labels keep their order."""
    places: dict[str, list[int]] = {}
    for axis, label in enumerate(have):
        places.setdefault(label, []).append(axis)
    return tuple(places[label].pop(0) for label in want)


def reorder(array: np.ndarray, have: str, want: str) -> np.ndarray:
    """A NumPy array brought from dims ``have`` to ``want``.

    Labels that are only in ``want`` become dimensions of size 1; labels that are only in
    ``have`` must have size 1 and go.
    """
    shape, have = fitted(array.shape, have, want)
    return array.reshape(shape).transpose(permutation(have, want))


def fitted(shape: tuple[int, ...], have: str, want: str) -> tuple[tuple[int, ...], str]:
    """A shape of dims ``have`` and its labels, less those of size 1 that are not wanted, and
    with ones for those that are. Raises MismatchError where others are not wanted."""
    left = list(missing(want, have))
    kept = []
    for label, n in zip(have, shape, strict=False):
        if n == 1 and label in left:
            left.remove(label)
        else:
            kept.append((label, n))
    if left:
        gone = missing(want, have)
        raise MismatchError(f"an array {shape} of format {have} cannot lose {gone}")
    at_hand = "".join(label for label, _ in kept)
    new = missing(at_hand, want)
    return (*(n for _, n in kept), *(1 for _ in new)), at_hand + new


def reordering(have: str, want: str) -> Callable[[np.ndarray], np.ndarray]:
    """:func:`reorder` between orders of the same labels, worked out once."""
    if have == want:
        return lambda array: array
    return methodcaller("transpose", permutation(have, want))


def column_major(array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """MATLAB's ``reshape``: the first dimension runs fastest."""
    return array.reshape(tuple(shape), order="F")


def gate_blocks(have: str, want: str) -> list[int]:
    """Which block of rows of ``have`` stands where in ``want``: ``("ifgo", "iofg")``."""
    return [have.index(gate) for gate in want]


def window_span(size: int, dilation: int) -> int:
    """How many elements a dilated window covers from its first to its last."""
    return (size - 1) * dilation + 1


def same_padding(
    size: Extent, window: int, stride: int, dilation: int = 1
) -> tuple[Extent, Extent]:
    """Padding before and after for PaddingMode 'same'.

    The output has ceil(size/stride) elements; the odd one of the padding goes to the end
    (bottom, right). Source: averagePooling2dLayer's documentation; the PaddingSize that
    MATLAB saved in real files agrees. ``size`` may be symbolic; with stride 1 the answer
    does not depend on it.
    """
    span = window_span(window, dilation)
    if stride == 1:
        total = span - 1
    else:
        # -(-a // b) is the ceiling of a/b, for symbols too.
        total = (-(-size // stride) - 1) * stride + span - size
        total = max(total, 0)
    return total // 2, total - total // 2


def pool_output(size: int | None, span: int, stride: int, padding: int) -> int | None:
    """Windows that fit: floor((size + padding - span) / stride) + 1, never the ceiling."""
    return None if size is None else (size + padding - span) // stride + 1


@dataclass(frozen=True)
class Size:
    """A format and the sizes of its dimensions, in MATLAB's order; None is unknown.

    B and T are None until data come. Shown as analyzeNetwork shows it:
    ``str(Size("CBT", (100, None, None))) == "100(C) × 1(B) × 1(T)"``.
    """

    format: str
    sizes: tuple[int | None, ...]

    @classmethod
    def of(cls, format: str, *sizes: int | None) -> Size:
        """Sizes for the labels other than B and T, in MATLAB's order."""
        left = list(sizes)
        return cls(format, tuple(None if label in "BT" else left.pop(0) for label in format))

    @classmethod
    def measured(cls, dims: str, shape: Sequence[int | None]) -> Size:
        """That of an array whose dimensions are in this order."""
        pairs = sorted(zip(dims, shape, strict=True), key=lambda pair: LABELS.index(pair[0]))
        return cls("".join(a for a, _ in pairs), tuple(n for _, n in pairs))

    def __getitem__(self, label: str) -> int | None:
        return self.sizes[self.format.index(label)]

    def __contains__(self, label: str) -> bool:
        return label in self.format

    @property
    def spatial(self) -> tuple[int | None, ...]:
        return self.all("S")

    def all(self, labels: str) -> tuple[int | None, ...]:
        """The sizes of every dimension whose label is among ``labels``."""
        return tuple(n for label, n in zip(self.format, self.sizes, strict=True) if label in labels)

    def elements(self, labels: str = LABELS) -> int | None:
        """The product of the sizes of these dimensions, None if one is unknown."""
        sizes = self.all(labels)
        known = [n for n in sizes if n is not None]
        return math.prod(known) if len(known) == len(sizes) else None

    def put(self, **sizes: int | None) -> Size:
        """The same with C, B, T or U replaced; a label that is not there is added."""
        pairs = [(a, sizes.pop(a, n)) for a, n in zip(self.format, self.sizes, strict=True)]
        pairs += sizes.items()
        pairs.sort(key=lambda pair: LABELS.index(pair[0]))
        return Size("".join(a for a, _ in pairs), tuple(n for _, n in pairs))

    def filled(self, known: Size) -> Size:
        """The same with what is unknown taken from another size of this format."""
        if known.format != self.format:
            return self
        pairs = zip(self.sizes, known.sizes, strict=True)
        return Size(self.format, tuple(m if n is None else n for n, m in pairs))

    def with_spatial(self, *sizes: int | None) -> Size:
        """The same with these spatial sizes, as many as given."""
        rest = self.drop("S" * self.format.count("S"))
        return Size("S" * len(sizes) + rest.format, sizes + rest.sizes)

    def with_extent(self, place: int, n: int | None) -> Size:
        """This size with another number at one place, from 0."""
        return Size(self.format, (*self.sizes[:place], n, *self.sizes[place + 1 :]))

    def drop(self, labels: str) -> Size:
        """Without these dimensions (every S for one "S")."""
        kept = [(a, n) for a, n in zip(self.format, self.sizes, strict=True) if a not in labels]
        return Size("".join(a for a, _ in kept), tuple(n for _, n in kept))

    def shown(self) -> tuple[int | None, ...]:
        """Sizes as MATLAB shows them: one observation, one time step."""
        return tuple(
            1 if n is None and label in "BT" else n
            for label, n in zip(self.format, self.sizes, strict=True)
        )

    def __str__(self) -> str:
        sizes = ("?" if n is None else str(n) for n in self.shown())
        return " × ".join(f"{n}({label})" for n, label in zip(sizes, self.format, strict=True))
