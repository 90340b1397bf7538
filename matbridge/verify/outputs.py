"""What the dimensions of an output are, as predict returns it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from matbridge.core.dims import Size, canonical, without
from matbridge.core.network import Network

__all__ = ["dims_of", "output_dims"]


def output_dims(network: Network, results: Sequence[object], labelled: bool) -> list[str]:
    """Of each output the labels of its arrays, "" where they are not known.

    ``labelled`` says that the data came in a format of their own, as then the results do.
    """
    sizes = network.infer()
    return [
        dims_of(size, value, labelled, network.kind.columns)
        if isinstance(size := sizes.get(port), Size)
        else ""
        for port, value in zip(network.outputs, results, strict=True)
    ]


def dims_of(size: Size, value: object, labelled: bool = False, columns: bool = False) -> str:
    """The labels of a value of this size: of an array, or of those of a list."""
    parts = [np.asarray(part) for part in (value if isinstance(value, list) else [value])]
    several = isinstance(value, list) and not columns
    orders = _orders(size.format, several, labelled, columns)
    return next((dims for dims in orders if all(_fits(size, part, dims) for part in parts)), "")


def _orders(format: str, several: bool, labelled: bool, columns: bool) -> Iterator[str]:
    """The orders in which such a value may come, the likeliest first."""
    one = canonical(without(format, "B"))
    plain = canonical(format)
    if several:
        yield one
    elif labelled or columns:
        yield from (plain, one, canonical(without(format, "T")))
    elif "T" in format:
        yield from (one, plain)
    else:
        # Older classes leave spatial dimensions of size 1 away.
        vector = "BC" if set(format) <= set("SCB") else plain
        yield from (plain, vector) if "S" in format else (vector, plain)


def _fits(size: Size, part: np.ndarray, dims: str) -> bool:
    """Whether an array may have these labels."""
    if part.ndim != len(dims) or "C" not in dims:
        return False
    spatial = iter(size.spatial)
    known = [next(spatial) if label == "S" else size[label] for label in dims]
    pairs = zip(known, part.shape, dims, strict=True)
    return all(not isinstance(n, int) or label in "BT" or n == m for n, m, label in pairs)
