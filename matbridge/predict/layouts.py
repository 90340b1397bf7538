"""What the user gives to values, and values to what MATLAB's predict returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np

from matbridge.core.card import InputLayer
from matbridge.core.dims import check_labels, column_major, reorder
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.predict.entries import Entry, Shape, labelled_entry, natural_entry
from matbridge.predict.numbers import numeric
from matbridge.predict.tables import columns_of
from matbridge.text import nearest

__all__ = ["Batch", "Predicted", "Result", "read_inputs", "shape_output"]

# What one output is to the user: an array, or one for each observation.
Predicted: TypeAlias = np.ndarray | list[np.ndarray]

Read = TypeVar("Read")


@dataclass(frozen=True)
class Batch:
    """One input: arrays in ``dims`` (MATLAB's order, with B), one for each group of
    observations that can run together, and which observations these are.

    ``kind`` tells how the user gave them: "array", "sequence" (one numeric sequence),
    "list" (a cell) or "format" (a labelled array).
    """

    arrays: tuple[np.ndarray, ...]
    members: tuple[tuple[int, ...], ...]
    dims: str
    kind: str

    @property
    def count(self) -> int:
        return sum(map(len, self.members))


def read_inputs(
    network: Network, data: Sequence[object], format: str | Sequence[str] | None
) -> dict[str, Batch]:
    """Each input of the network by name; MismatchError where one does not fit."""
    names = network.input_names
    if len(data) == 1 and isinstance(data[0], Mapping):
        data = _by_name(names, data[0])
    if len(data) != len(names):
        raise MismatchError(
            f"the network has {len(names)} inputs, {len(data)} were given",
            mend=f"Inputs, in order: {', '.join(names)}.",
        )
    formats = [format] * len(names) if format is None or isinstance(format, str) else list(format)
    if len(formats) != len(names):
        raise MismatchError(f"{len(formats)} formats were given for {len(names)} inputs")
    batches = {
        name: _read(network, name, value, labels)
        for name, value, labels in zip(names, data, formats, strict=True)
    }
    if len({batch.count for batch in batches.values()}) > 1:
        counts = ", ".join(f"{name} {batch.count}" for name, batch in batches.items())
        raise MismatchError(f"the inputs have different numbers of observations: {counts}")
    _check_complex(network, batches)
    return _regrouped(batches)


def _check_complex(network: Network, batches: dict[str, Batch]) -> None:
    if any(layer.COMPLEX for layer in network.layers):
        return
    for name, batch in batches.items():
        if any(array.dtype.kind == "c" for array in batch.arrays):
            raise MismatchError(
                "the input is complex",
                where=name,
                mend="The input layer has SplitComplexInputs = false.",
            )


def _by_name(names: Sequence[str], data: Mapping[str, object]) -> list[object]:
    wrong = [name for name in data if name not in names]
    lacking = [name for name in names if name not in data]
    if wrong or lacking:
        raise MismatchError(
            f"inputs missing: {', '.join(lacking) or 'none'}; "
            f"unknown: {', '.join(wrong) or 'none'}",
            mend=f"{nearest(next(iter(wrong), ''), lacking)}Inputs: {', '.join(names)}.",
        )
    return [data[name] for name in names]


def _read(network: Network, name: str, value: object, format: str | None) -> Batch:
    layer = network.input_layers.get(name)
    value = columns_of(value, layer.column_names if layer else ())
    if isinstance(value, np.ndarray) and value.dtype.hasobject and value.ndim:
        # As cells often come: an array of arrays.
        value = list(value.ravel(order="F"))
    try:
        if format is not None:
            batch = _labelled(value, check_labels(format.upper()), layer)
        elif layer is not None:
            batch = _natural(layer, value)
        else:
            raise MismatchError(
                "this input has no input layer, so its format is not known",
                mend='Give it, such as format="CB".',
            )
        if not batch.count:
            raise MismatchError("there are no observations in it")
        return batch
    except MismatchError as error:
        raise error.at(name) from None


def _labelled(value: Any, format: str, layer: InputLayer | None) -> Batch:
    """An array in this format, or a list of them, one for each observation."""

    def entry(shape: Shape) -> Entry:
        return labelled_entry(layer, shape, format)

    if "B" not in format and _holds_arrays(value, len(format)):
        return _grouped(*_entered(value, entry))
    return _whole(numeric(value), entry, "format")


def _holds_arrays(value: object, dimensions: int) -> bool:
    """Whether this is a list of arrays of at least so many dimensions, not one nested list."""
    try:
        return isinstance(value, list | tuple) and all(np.ndim(v) >= dimensions for v in value)
    except (ValueError, TypeError, RuntimeError):
        return False


def _natural(layer: InputLayer, value: Any) -> Batch:
    """The layout that MATLAB's predict takes for this kind of input layer."""

    def entry(shape: Shape) -> Entry:
        return natural_entry(layer, shape)

    several = isinstance(value, list | tuple)
    if "T" in layer.format:
        if several:
            return _grouped(*_entered(value, entry))
        return _whole(numeric(value), entry, "sequence")
    if several and "S" in layer.format:
        images = _each(value, numeric)
        _check_alike([image.shape for image in images])
        value = np.stack(images, axis=-1)
    return _whole(numeric(value), entry, "array")


def _whole(array: np.ndarray, entry: Callable[[Shape], Entry], kind: str) -> Batch:
    """All observations in one array."""
    enters = entry(array.shape)
    members = tuple(range(enters.count))
    return Batch((enters.value(array),), (members,), enters.dims, kind)


def _entered(
    items: Sequence[object], entry: Callable[[Shape], Entry]
) -> tuple[list[np.ndarray], str]:
    """The value of each observation, and their order; each shape is looked at once."""
    entries: dict[Shape, Entry] = {}

    def read(item: object) -> np.ndarray:
        array = numeric(item)
        if array.shape not in entries:
            entries[array.shape] = entry(array.shape)
        return entries[array.shape].value(array)

    values = _each(items, read)
    return values, next(iter(entries.values())).dims if entries else ""


def _each(items: Sequence[object], read: Callable[[object], Read]) -> list[Read]:
    """What ``read`` makes of each observation; an error says of which."""
    found = []
    for place, item in enumerate(items, 1):
        try:
            found.append(read(item))
        except MismatchError as error:
            raise error.at(f"observation {place}") from None
    return found


def _grouped(items: Sequence[np.ndarray], dims: str) -> Batch:
    """Observations of equal length run together."""
    along = dims.index("T") if "T" in dims else len(dims)
    _check_alike([(*x.shape[:along], *x.shape[along + 1 :]) for x in items])
    lengths: dict[tuple[int, ...], list[int]] = {}
    for i, item in enumerate(items):
        lengths.setdefault(item.shape[along : along + 1], []).append(i)
    axis = dims.index("B")
    arrays = tuple(np.concatenate([items[i] for i in m], axis) for m in lengths.values())
    kind = "list" if "T" in dims else "array"
    return Batch(arrays, tuple(map(tuple, lengths.values())), dims, kind)


def _check_alike(shapes: Sequence[tuple[int, ...]]) -> None:
    """Refuse a list of nothing, and observations of unequal sizes but for their lengths."""
    if not shapes:
        raise MismatchError("no sequences were given")
    for place, shape in enumerate(shapes, 1):
        if shape != shapes[0]:
            raise MismatchError(
                f"observation {place} has other sizes than the first: "
                f"{'×'.join(map(str, shape))} and {'×'.join(map(str, shapes[0]))}",
                mend="Only the numbers of time steps may differ.",
            )


def _regrouped(batches: dict[str, Batch]) -> dict[str, Batch]:
    """The same groups of observations for every input."""
    groups = {batch.members for batch in batches.values()}
    if len(groups) == 1:
        return batches
    # Observations that every input keeps together.
    places = {
        name: {m: g for g, members in enumerate(batch.members) for m in members}
        for name, batch in batches.items()
    }
    count = next(iter(batches.values())).count
    together: dict[tuple[int, ...], list[int]] = {}
    for i in range(count):
        together.setdefault(tuple(place[i] for place in places.values()), []).append(i)
    members = tuple(map(tuple, together.values()))
    return {name: _split(batch, members) for name, batch in batches.items()}


def _split(batch: Batch, members: tuple[tuple[int, ...], ...]) -> Batch:
    axis = batch.dims.index("B")
    where = {m: (g, k) for g, old in enumerate(batch.members) for k, m in enumerate(old)}
    arrays = []
    for group in members:
        source = batch.arrays[where[group[0]][0]]
        arrays.append(np.take(source, [where[m][1] for m in group], axis))
    return Batch(tuple(arrays), members, batch.dims, batch.kind)


@dataclass(frozen=True)
class Result:
    """What came out at one output: observations and their arrays in ``dims``, MATLAB's
    order with B. ``kind`` is that of the inputs."""

    kind: str
    groups: tuple[tuple[tuple[int, ...], np.ndarray], ...]
    dims: str

    def channel_axis(self, ndim: int) -> int:
        """Where the channels are in the shaped result."""
        if self.kind != "format" and "T" in self.dims:
            return self.dims.replace("B", "").index("C")
        return self.dims.index("C") if ndim == len(self.dims) and "S" in self.dims else ndim - 1


def shape_output(network: Network, result: Result) -> Predicted:
    """The result in the layout that MATLAB's predict returns: a list of observations where
    they have a time, or sizes of their own, as scores of attention over a time."""
    axis = result.dims.index("B")
    sizes = {(*a.shape[:axis], *a.shape[axis + 1 :]) for _, a in result.groups}
    if result.kind != "format" and ("T" in result.dims or len(sizes) > 1):
        single = {m: a for ms, whole in result.groups for m, a in _apart(ms, whole, axis)}
        ordered = [single[m] for m in sorted(single)]
        return ordered if result.kind == "list" else ordered[0] if len(ordered) == 1 else ordered
    joined = _joined(result.groups, axis)
    if result.kind != "format" and is_vector(network, joined.shape, result.dims):
        return reorder(column_major(joined, (-1, joined.shape[axis])), "CB", "BC")
    return joined


def _apart(
    members: tuple[int, ...], whole: np.ndarray, axis: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Each observation and its part of the whole."""
    before: tuple[slice | int, ...] = (slice(None),) * axis
    for place, member in enumerate(members):
        yield member, whole[(*before, place)]


def _joined(groups: tuple[tuple[tuple[int, ...], np.ndarray], ...], axis: int) -> np.ndarray:
    """All observations in their order."""
    listed = [m for members, _ in groups for m in members]
    if len(groups) == 1 and listed == sorted(listed):
        return groups[0][1]
    order = np.argsort(listed)
    return np.take(np.concatenate([a for _, a in groups], axis), order, axis)


def is_vector(network: Network, shape: tuple[int, ...], dims: str) -> bool:
    """Whether MATLAB returns N×K: no spatial dimensions, or in the older classes of size 1."""
    sizes = [n for label, n in zip(dims, shape, strict=True) if label == "S"]
    if dims.replace("S", "") != "CB" or network.kind.columns:
        return False
    return not sizes or (not network.kind.formatted and all(n == 1 for n in sizes))
