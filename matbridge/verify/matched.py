"""Inputs and outputs of two networks that belong together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matbridge.core.dims import Size, batch_first
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.text import listed

__all__ = ["adapted", "paired"]


def paired(first: Sequence[str], other: Sequence[str], what: str) -> list[tuple[str, str]]:
    """By name where all have one, else by their order; MismatchError where they are not as many."""
    if set(first) == set(other):
        return [(name, name) for name in first]
    if len(first) != len(other):
        raise MismatchError(
            f"the networks have {len(first)} and {len(other)} {what}: {listed(first)}; "
            f"{listed(other)}"
        )
    return list(zip(first, other, strict=True))


def adapted(first: Network, other: Network, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The inputs of the first as those of the other, in the order of its inputs."""
    pairs = paired(first.input_names, other.input_names, "inputs")
    by_name = dict(zip(first.input_names, arrays, strict=True))
    sources = {b: a for a, b in pairs}
    return [
        _as_input(
            by_name[sources[name]], _entering(first, sources[name]), _entering(other, name), name
        )
        for name in other.input_names
    ]


def _entering(network: Network, name: str) -> Size:
    layer = network.input_layers.get(name)
    if layer is None:
        raise MismatchError("this input has no input layer, so its format is not known", where=name)
    return layer.entering


def _as_input(array: np.ndarray, have: Size, want: Size, name: str) -> np.ndarray:
    """An array of one format as another: a vector is a vector, wherever its dimension stands."""
    if have.format == want.format and array.shape[1:] == _shape(want, array)[1:]:
        return array
    shape = _shape(want, array)
    single = "T" not in have.format and "T" not in want.format
    lengths = [n for n in have.all("SC") if n != 1], [n for n in want.all("SC") if n != 1]
    if single and lengths[0] == lengths[1] and len(lengths[0]) <= 1:
        return array.reshape(shape)
    if "T" in want.format and "T" not in have.format and lengths[0] == lengths[1]:
        return array.reshape(shape)
    raise MismatchError(
        f"the networks take inputs of different sizes: {have} and {want}",
        where=name,
        mend="They are compared on the same inputs, which one of them does not take.",
    )


def _shape(size: Size, array: np.ndarray) -> tuple[int, ...]:
    """The batch-first shape of a value of this size, with as many observations."""
    spatial = list(size.spatial)
    free = {"B": array.shape[0], "T": 1}
    dims = batch_first(size.format)
    lengths = [spatial.pop(0) if a == "S" else free.get(a, size[a]) for a in dims]
    if "T" in dims and array.ndim == len(dims):
        lengths[dims.index("T")] = array.shape[dims.index("T")]
    return tuple(
        array.shape[place] if n is None and place < array.ndim else n or 1
        for place, n in enumerate(lengths)
    )
