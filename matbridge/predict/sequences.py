"""Which observations run together: exactly, or in the mini-batches that MATLAB makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.errors import MismatchError
from matbridge.predict.layouts import Batch

__all__ = ["Collected", "Padding", "Piece", "exact_pieces", "matlab_pieces", "of_one_length"]

# Longer sequences join shorter ones in a padded batch up to this ratio of lengths.
SPREAD = 1.5
# In place of a length: the inputs of an observation have different ones.
SEVERAL = -1


@dataclass(frozen=True)
class Padding:
    """How MATLAB brings the sequences of a mini-batch to one length.

    ``length`` is SequenceLength: "longest" pads, "shortest" cuts, a number pads to the
    longest and splits that into pieces of so many steps, which are run one after the other
    with the state carried over. ``direction`` is SequencePaddingDirection, ``value``
    SequencePaddingValue.
    """

    length: str | int = "longest"
    direction: str = "right"
    value: float = 0.0

    def __post_init__(self) -> None:
        number = isinstance(self.length, int) and self.length > 0
        if not number and self.length not in ("longest", "shortest"):
            raise MismatchError(
                f"SequenceLength is {self.length!r}",
                mend='Use "longest", "shortest" or a positive whole number.',
            )
        if self.direction not in ("left", "right"):
            raise MismatchError(
                f"SequencePaddingDirection is {self.direction!r}", mend='Use "left" or "right".'
            )


@dataclass(frozen=True)
class Piece:
    """What is run at once: arrays by input, and which part of the result is whose.

    ``kept`` are, for each member, the steps of a result along time that belong to it, None
    for all of them. ``lengths`` are those of sequences that padding must not touch.
    ``first`` and ``last`` tell where a piece of a longer sequence begins and ends.
    """

    members: tuple[int, ...]
    arrays: Mapping[str, np.ndarray]
    kept: tuple[slice, ...] | None = None
    lengths: tuple[int, ...] | None = None
    first: bool = True
    last: bool = True
    # The number of time steps that go in.
    steps: int = 0


class Collected:
    """What came out at one output, piece by piece."""

    def __init__(self) -> None:
        self.dims = ""
        self.whole: list[tuple[tuple[int, ...], np.ndarray]] = []
        self.parts: dict[int, list[np.ndarray]] = {}

    def add(self, piece: Piece, array: np.ndarray, dims: str) -> None:
        """The result of a piece; of pieces of one sequence, what has no time is the last's."""
        self.dims = dims
        count = array.shape[dims.index("B")]
        if count != len(piece.members):
            raise MismatchError(
                f"the network gives {count} results for {len(piece.members)} observations",
                mend="A function layer may mix observations: then give them one by one.",
            )
        steps = array.shape[dims.index("T")] if "T" in dims else 0
        if piece.kept is None or "T" not in dims:
            if piece.last:
                self.whole.append((piece.members, array))
            return
        # A layer that changes the number of steps leaves nothing to tell padding from data.
        whole = steps != piece.steps
        for k, (member, kept) in enumerate(zip(piece.members, piece.kept, strict=True)):
            part = _part(array, dims, "B", slice(k, k + 1))
            found = part if whole else _part(part, dims, "T", kept)
            self.parts.setdefault(member, []).append(found)

    def groups(self) -> tuple[tuple[tuple[int, ...], np.ndarray], ...]:
        """Observations and their arrays."""
        axis = self.dims.index("T") if "T" in self.dims else 0
        joined = [((m,), np.concatenate(parts, axis)) for m, parts in self.parts.items()]
        return (*self.whole, *joined)


def exact_pieces(batches: dict[str, Batch], size: int, ragged: bool) -> Iterator[Piece]:
    """Mini-batches in which every sequence has its own length.

    With ``ragged`` sequences of similar lengths share one, padded at the end; otherwise
    only those of equal length do.
    """
    lengths = [_length(batches, group) for group in range(_groups(batches))]
    order = sorted(range(len(lengths)), key=lambda group: lengths[group])
    waiting: list[int] = []
    for group in order:
        fits = waiting and lengths[group] <= SPREAD * lengths[waiting[0]]
        count = sum(len(_members(batches, g)) for g in (*waiting, group))
        if not (ragged and fits and count <= size):
            yield from _together(batches, waiting, lengths, size)
            waiting = []
        waiting.append(group)
    yield from _together(batches, waiting, lengths, size)


def _together(
    batches: dict[str, Batch], groups: Sequence[int], lengths: Sequence[int], size: int
) -> Iterator[Piece]:
    """These groups of equal length as one padded mini-batch, or one group in several."""
    if len(groups) > 1:
        steps = max(lengths[group] for group in groups)
        arrays = _stacked(batches, [(g, slice(None)) for g in groups], steps, Padding())
        members = tuple(m for g in groups for m in _members(batches, g))
        each = tuple(lengths[g] for g in groups for _ in _members(batches, g))
        yield Piece(members, arrays, tuple(slice(0, n) for n in each), each, steps=steps)
    for group in groups if len(groups) == 1 else ():
        members = _members(batches, group)
        for start in range(0, len(members), size):
            chosen = slice(start, start + size)
            arrays = {n: _part(b.arrays[group], b.dims, "B", chosen) for n, b in batches.items()}
            yield Piece(members[chosen], arrays)


def matlab_pieces(
    batches: dict[str, Batch], size: int, padding: Padding, sort: bool
) -> Iterator[Piece]:
    """The mini-batches that MATLAB makes, in the order of the data, or by length if ``sort``."""
    single = {
        m: (group, k)
        for group in range(_groups(batches))
        for k, m in enumerate(_members(batches, group))
    }
    lengths = {m: _length(batches, group) for m, (group, _) in single.items()}
    if SEVERAL in lengths.values():
        raise MismatchError(
            "the inputs of an observation have different numbers of time steps",
            mend="Leave out sequence_length: then each sequence is computed as it is.",
        )
    order = sorted(single, key=lambda m: (lengths[m] if sort else 0, m))
    for start in range(0, len(order), size):
        members = tuple(order[start : start + size])
        own = [lengths[m] for m in members]
        steps = min(own) if padding.length == "shortest" else max(own)
        places = [(g, slice(k, k + 1)) for g, k in (single[m] for m in members)]
        arrays = _stacked(batches, places, steps, padding)
        left = padding.direction == "left"
        kept = tuple(
            slice(max(steps - n, 0), steps) if left else slice(0, min(n, steps)) for n in own
        )
        yield from _split(batches, Piece(members, arrays, kept), steps, padding.length)


def _split(
    batches: dict[str, Batch], whole: Piece, steps: int, length: str | int
) -> Iterator[Piece]:
    """A mini-batch in pieces of ``length`` steps, the last one shorter."""
    size = length if isinstance(length, int) else max(steps, 1)
    assert whole.kept is not None
    for start in range(0, max(steps, 1), size):
        stop = min(start + size, steps)
        arrays = {
            name: _part(array, batches[name].dims, "T", slice(start, stop))
            if "T" in batches[name].dims
            else array
            for name, array in whole.arrays.items()
        }
        kept = tuple(
            slice(max(k.start - start, 0), max(min(k.stop, stop) - start, 0)) for k in whole.kept
        )
        begins, ends = start == 0, stop >= steps
        yield Piece(whole.members, arrays, kept, None, begins, ends, stop - start)


def _groups(batches: dict[str, Batch]) -> int:
    return len(next(iter(batches.values())).members)


def _members(batches: dict[str, Batch], group: int) -> tuple[int, ...]:
    return next(iter(batches.values())).members[group]


def of_one_length(batches: dict[str, Batch]) -> bool:
    """Whether the inputs of each observation have as many time steps."""
    return all(_length(batches, group) != SEVERAL for group in range(_groups(batches)))


def _length(batches: dict[str, Batch], group: int) -> int:
    """The number of time steps of a group, 0 without time, or SEVERAL."""
    found = {
        batch.arrays[group].shape[batch.dims.index("T")]
        for batch in batches.values()
        if "T" in batch.dims
    }
    return SEVERAL if len(found) > 1 else found.pop() if found else 0


def _part(array: np.ndarray, dims: str, label: str, chosen: slice) -> np.ndarray:
    place = [slice(None)] * array.ndim
    place[dims.index(label)] = chosen
    return array[tuple(place)]


def _stacked(
    batches: dict[str, Batch], places: Sequence[tuple[int, slice]], steps: int, padding: Padding
) -> dict[str, np.ndarray]:
    """The observations at these places, a group and which of it, brought to one length."""
    return {
        name: np.concatenate(
            [
                _padded(_part(b.arrays[g], b.dims, "B", chosen), b.dims, steps, padding)
                for g, chosen in places
            ],
            b.dims.index("B"),
        )
        for name, b in batches.items()
    }


def _padded(array: np.ndarray, dims: str, steps: int, padding: Padding) -> np.ndarray:
    """``steps`` time steps of a sequence: padded or cut at the end, or at the beginning."""
    if "T" not in dims:
        return array
    axis, left = dims.index("T"), padding.direction == "left"
    lacking = steps - array.shape[axis]
    if lacking < 0:
        return _part(array, dims, "T", slice(-steps, None) if left else slice(steps))
    amounts = [(0, 0)] * array.ndim
    amounts[axis] = (lacking, 0) if left else (0, lacking)
    return np.pad(array, amounts, constant_values=padding.value)
