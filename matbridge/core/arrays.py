"""Arrays against the sizes that their layer declares, in MATLAB's symbols."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from matbridge.core.card import CHANNEL, Array, Layer
from matbridge.core.readonly import sealed
from matbridge.errors import LayerError

__all__ = ["check_arrays", "declared_size", "fit_arrays", "size_of"]

# Sizes that nothing declares: any number of observations, a statistic's own shape.
FREE = ("Observations", "Statistic")

Symbols = dict[str, Any]


def fit_arrays(layer: Layer, arrays: Mapping[str, np.ndarray]) -> Layer:
    """The layer with these arrays, brought to their declared sizes.

    Trailing dimensions of size 1, which MATLAB drops, are restored, and properties that
    are not set ('auto') follow from the arrays. Raises LayerError where they disagree.
    """
    symbols = _symbols(layer)
    fitted = {
        declared.name: sealed(_fit(declared, arrays[declared.name], symbols))
        for declared in layer.declared
        if declared.name in arrays
    }
    # _fit wrote into the symbols what the arrays tell.
    settled = {
        field: symbols[known.name]
        for field, known in layer.properties().items()
        if getattr(layer, field) is None and symbols[known.name] is not None
    }
    return layer.replace(arrays=fitted, **settled)


def check_arrays(layer: Layer) -> None:
    """Raise LayerError unless each array at hand has its declared size and real numbers.

    Readers bring arrays to their sizes with :func:`fit_arrays`; this guards networks that
    are made in any other way.
    """
    if layer.fits:
        return
    symbols = _symbols(layer)
    for declared in layer.declared:
        array = layer.arrays.get(declared.name)
        if array is not None:
            _check(layer, declared, array, symbols)
    # Past the frozen dataclass; a changed copy has no such mark and is checked again.
    layer.__dict__["fits"] = True


def _check(layer: Layer, declared: Array, array: np.ndarray, symbols: Symbols) -> None:
    kinds = "fiubc" if layer.COMPLEX else "fiub"
    if array.dtype.kind not in kinds:
        layer.refuse(f"has {declared.name} of type {array.dtype}, not of real numbers")
    try:
        fitted = _fit(declared, array, symbols)
    except LayerError as error:
        raise error.at(layer.name) from None
    missing = declared.role == "learnable" and not array.size and not declared.empty
    if missing and 0 not in (size_of(layer, declared) or ()):
        layer.refuse(f"has {declared.name} of no elements")
    if fitted.shape != array.shape:
        raise _disagree(declared, array, _wanted(declared, symbols)).at(layer.name)


def _symbols(layer: Layer) -> Symbols:
    """The properties by MATLAB's names, for the sizes that are declared in them."""
    return {known.name: getattr(layer, field) for field, known in layer.properties().items()}


def size_of(layer: Layer, declared: Array) -> tuple[int, ...] | None:
    """The size that an array of this layer must have; None where that is not known."""
    symbols = _symbols(layer)
    if declared.sizes == (CHANNEL,):
        channels = symbols.get("NumChannels")
        return None if channels is None else (channels, 1)
    sizes: list[int] = []
    for symbol in declared.sizes:
        if symbol == "Observations":
            sizes.append(1)
            continue
        factor, name = _split(symbol)
        value = symbols.get(name) if name else 1
        if value is None:
            return None
        sizes += value if isinstance(value, tuple) else (factor * value,)
    return tuple(sizes)


def declared_size(layer: Layer, name: str, labels: str) -> int | None:
    """The product of the sizes that one array of this layer declares for these labels, None
    where one is not known."""
    (declared,) = (array for array in layer.declared if array.name == name)
    symbols = _symbols(layer)
    product = 1
    for symbol, label in zip(declared.sizes, declared.dims, strict=True):
        if label in labels:
            factor, symbol_name = _split(symbol)
            value = symbols.get(symbol_name) if symbol_name else 1
            if value is None:
                return None
            product *= factor * value
    return product


def _split(symbol: str) -> tuple[int, str]:
    """ "4*NumHiddenUnits" as 4 and the name; "1" as 1 and no name."""
    factors = symbol.split("*")
    names = [part for part in factors if not part.isdigit()]
    return math.prod(int(part) for part in factors if part.isdigit()), "".join(names)


def _fit(declared: Array, array: np.ndarray, symbols: Symbols) -> np.ndarray:
    if declared.sizes == (CHANNEL,):
        return _fit_channels(declared, array, symbols)
    if "Statistic" in declared.sizes:
        return array
    wanted = _wanted(declared, symbols)
    shape = array.shape + (1,) * (len(wanted) - array.ndim)
    # Versions differ in where dimensions of size 1 stand, as in 1×1×C for C×1; the elements have
    # the same order.
    if len(shape) != len(wanted) or not _agree(shape, wanted, symbols):
        flat = tuple(n for n in array.shape if n != 1)
        fixed = [f if name == "" else None for f, name in wanted]
        if None in fixed or flat != tuple(n for n in fixed if n != 1):
            raise _disagree(declared, array, wanted)
        shape = tuple(n for n in fixed if n is not None)
    return array.reshape(shape, order="F")


def _wanted(declared: Array, symbols: Symbols) -> list[tuple[int, str]]:
    """Each size as a number and "", or as a factor and the symbol that is not known yet."""
    wanted: list[tuple[int, str]] = []
    for symbol in declared.sizes:
        factor, name = _split(symbol)
        value = symbols.get(name) if name else 1
        if isinstance(value, tuple):
            wanted += [(n, "") for n in value]
        elif value is None:
            wanted.append((factor, name))
        else:
            wanted.append((factor * int(value), ""))
    return wanted


def _agree(shape: tuple[int, ...], wanted: list[tuple[int, str]], symbols: Symbols) -> bool:
    """Whether the sizes agree; sets the symbols that were not known."""
    for n, (factor, name) in zip(shape, wanted, strict=True):
        if (name and n % factor) or (not name and n != factor):
            return False
    for n, (factor, name) in zip(shape, wanted, strict=True):
        if name and name not in FREE:
            symbols[name] = n // factor
    return True


def _fit_channels(declared: Array, array: np.ndarray, symbols: Symbols) -> np.ndarray:
    if sum(n != 1 for n in array.shape) > 1:
        raise LayerError(f"{declared.name} has size {array.shape}, not one value per channel")
    if symbols.get("NumChannels") is None:
        symbols["NumChannels"] = array.size
    elif array.size != symbols["NumChannels"]:
        raise LayerError(
            f"{declared.name} has {array.size} values for {symbols['NumChannels']} channels"
        )
    return array


def _disagree(declared: Array, array: np.ndarray, wanted: list[tuple[int, str]]) -> LayerError:
    needed = "×".join(str(factor) if not name else "?" for factor, name in wanted)
    size = "×".join(map(str, array.shape))
    return LayerError(
        f"{declared.name} has size {size}, but the layer's properties need {needed} "
        f"({declared.shown})"
    )
