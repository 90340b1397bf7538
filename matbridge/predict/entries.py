"""How an array enters a network, worked out from its shape alone, and checked by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matbridge.core.card import InputLayer
from matbridge.core.dims import canonical, fitted, permutation, reordering
from matbridge.errors import MismatchError

__all__ = ["Entry", "Shape", "labelled_entry", "natural_entry"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Entry:
    """What makes a value of an array of one shape: the ``shape`` with every dimension that is
    wanted, ``have`` for their labels, and ``dims``, MATLAB's order with B.

    With ``splits`` complex numbers become channels.
    """

    shape: Shape
    have: str
    dims: str
    splits: bool = False

    @cached_property
    def _turn(self) -> Callable[[np.ndarray], np.ndarray]:
        return reordering(self.have, self.dims)

    def value(self, array: np.ndarray) -> np.ndarray:
        """The array in MATLAB's order."""
        turned = self._turn(array.reshape(self.shape))
        if self.splits:
            return np.concatenate([turned.real, turned.imag], self.dims.index("C"))
        return turned

    @property
    def sizes(self) -> Shape:
        """The shape of the value."""
        return tuple(
            self.shape[axis] * (1 + (self.splits and label == "C"))
            for axis, label in zip(permutation(self.have, self.dims), self.dims, strict=True)
        )

    @property
    def count(self) -> int:
        """The number of observations."""
        return self.shape[self.have.index("B")]


def natural_entry(layer: InputLayer, shape: Shape) -> Entry:
    """The layout that MATLAB's predict takes for this kind of input layer.

    Raises MismatchError for a shape that the layer does not take.
    """
    dims = layer.format
    if dims == "CB" and layer.columns:
        entry = Entry(_samples(layer, shape), dims, dims)
    elif dims == "CB":
        entry = Entry(_features(shape), "BC", dims, layer.splits_complex)
    else:
        full = _sequence(layer, shape, dims) if "T" in dims else _image(layer, shape, dims)
        entry = Entry(full, dims, dims, layer.splits_complex)
    return _checked(layer, entry)


def labelled_entry(layer: InputLayer | None, shape: Shape, format: str) -> Entry:
    """An array in this format; MismatchError for a shape that the layer does not take."""
    extra = len(format) - len(shape)
    if extra < 0 and any(n != 1 for n in shape[len(format) :]):
        raise MismatchError(f"an array of size {_shown(shape)} does not have the format {format}")
    full = shape[: len(format)] + (1,) * max(extra, 0)
    dims = layer.format if layer else canonical(format if "B" in format else format + "B")
    entry = Entry(*fitted(full, format, dims), dims, layer is not None and layer.splits_complex)
    return entry if layer is None else _checked(layer, entry)


def _features(shape: Shape) -> Shape:
    """N×C rows, or one row."""
    if len(shape) > 2:
        raise MismatchError(f"features are N×C, not {_shown(shape)}")
    return (1,) * (2 - len(shape)) + shape


def _samples(layer: InputLayer, shape: Shape) -> Shape:
    """R×Q, a column for each sample; of a vector one sample, or samples of one row."""
    if len(shape) > 2:
        raise MismatchError(f"samples are R×Q, not {_shown(shape)}")
    if len(shape) < 2:
        return (1, *shape, 1)[-2:] if layer.entering["C"] != 1 else (1, *shape, 1)[:2]
    return shape


def _image(layer: InputLayer, shape: Shape, dims: str) -> Shape:
    """H×W×C×N, H×W×C or, for one channel, H×W."""
    if len(shape) > len(dims):
        raise MismatchError(
            f"an input of size {_shown(shape)} has too many dimensions",
            mend=_expected(layer, dims),
        )
    return shape + (1,) * (len(dims) - len(shape))


def _sequence(layer: InputLayer, shape: Shape, dims: str) -> Shape:
    """One sequence, C×T or H×W×C×T, with a batch dimension of 1."""
    wanted = len(dims) - 1
    if len(shape) == 1:
        shape = (1, *shape) if layer.entering["C"] == 1 else (*shape, 1)
    if len(shape) > wanted:
        raise MismatchError(
            f"a sequence of size {_shown(shape)} has too many dimensions",
            mend=_expected(layer, dims),
        )
    full, place = shape + (1,) * (wanted - len(shape)), dims.index("B")
    return (*full[:place], 1, *full[place:])


def _checked(layer: InputLayer, entry: Entry) -> Entry:
    """The entry, if the layer takes values of its sizes."""
    dims, sizes, size = entry.dims, entry.sizes, layer.entering
    if any(n not in (None, m) for n, m in zip(size.sizes, sizes, strict=True)):
        mend = _expected(layer, dims)
        if dims == "CBT" and sizes[2] == size["C"]:
            mend = 'It looks like time × channels: give its transpose, or format="TC".'
        elif dims == "CB" and sizes[1] == size["C"]:
            order = "observations × rows" if layer.columns else "channels × observations"
            mend = f"It looks like {order}: give its transpose."
        shown = " × ".join(f"{n}({label})" for n, label in zip(sizes, dims, strict=True))
        raise MismatchError(f"an input of size {shown} does not fit {size}", mend=mend)
    if "T" in dims and sizes[dims.index("T")] < layer.shortest:
        raise MismatchError(
            f"a sequence of {sizes[dims.index('T')]} steps is shorter than MinLength "
            f"{layer.shortest}"
        )
    return entry


def _expected(layer: InputLayer, dims: str) -> str:
    names = dict(zip("SCBT", ("", "C", "N", "T"), strict=True))
    spatial = iter("HWD")
    order = [next(spatial) if label == "S" else names[label] for label in dims]
    if dims == "CB" and not layer.columns:
        order = ["N", "C"]
    if "T" in dims:
        order.remove("N")
    return f"Give {'×'.join(order)}; the input layer takes {layer.entering}."


def _shown(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "1"
