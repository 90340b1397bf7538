"""Inputs on which a difference shows: as the data were that a network was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import batch_first, reorder
from matbridge.core.network import Network
from matbridge.errors import UnsupportedError

__all__ = ["OBSERVATIONS", "draw_inputs"]

OBSERVATIONS, STEPS = 3, 5
# Windows over the time are no longer.
MOST_STEPS = 2000
# How far the observations spread. The last lies near the centre, where small biases show.
SPREADS = (1.0, 1.0, 1e-3)
# The largest value of an image whose range nothing tells: one observation of each kind.
IMAGE_RANGES = (1.0, 255.0, 1e-3)


def draw_inputs(
    network: Network, seed: int = 0, observations: int = OBSERVATIONS, steps: int = STEPS
) -> list[np.ndarray]:
    """Random inputs of the right sizes, of the network's type, batch first.

    At most three ``observations``, the third almost without deviation: normally distributed with
    the Mean and StandardDeviation that an input layer keeps, evenly between its Min and Max, or
    where it keeps nothing of the usual size; whole numbers where words are looked up. Of so many
    ``steps`` or, where the layers do not take these, of the fewest that they take. Raises
    UnsupportedError for an input without an input layer.
    """
    draw = np.random.default_rng(seed)
    for name in network.input_names:
        if name not in network.input_layers:
            raise UnsupportedError("this input has no input layer", where=name)
    free = {"B": observations, "T": _steps(network, steps)}
    return [_drawn(network, name, draw, free) for name in network.input_names]


def _steps(network: Network, wanted: int) -> int:
    """A number of time steps that the layers take: this one, or the fewest."""
    entries = network.input_layers.values()
    sizes = {layer.name: layer.entering for layer in entries if "T" in layer.entering}
    shortest = max((layer.shortest for layer in entries), default=1)

    def takes(steps: int) -> bool:
        return not network.obstacles(**{name: size.put(T=steps) for name, size in sizes.items()})

    wanted = max(wanted, shortest)
    if not sizes:
        return wanted
    return next((n for n in (wanted, *range(shortest, MOST_STEPS)) if takes(n)), wanted)


def _drawn(
    network: Network, name: str, draw: np.random.Generator, free: Mapping[str, int]
) -> np.ndarray:
    layer = network.input_layers[name]
    size = layer.entering
    spatial = list(size.spatial)
    dims = batch_first(size.format)
    sizes = [spatial.pop(0) if label == "S" else free.get(label, size[label]) for label in dims]
    shape = [1 if n is None else n for n in sizes]
    words = _words(network, name)
    if words is not None:
        return draw.integers(1, words, shape, endpoint=True).astype(network.dtype)
    return _scaled(layer, draw, dims, shape).astype(network.dtype)


def _words(network: Network, name: str) -> int | None:
    """How many words there are, if the input is looked up."""
    users = [c.destination.layer for c in network.connections if c.source.layer == name]
    counts = [network[user].largest_index() for user in users]
    return min((count for count in counts if count is not None), default=None)


class Spread(NamedTuple):
    """Where values lie: about a centre with a deviation, or evenly between two ends."""

    low: np.ndarray | float
    width: np.ndarray | float
    even: bool


def _scaled(layer: Layer, draw: np.random.Generator, dims: str, shape: list[int]) -> np.ndarray:
    kept = {name: _laid_out(array, dims) for name, array in layer.arrays.items()}
    each = (-1,) + (1,) * (len(shape) - 1)
    if "S" in dims and not kept:
        return draw.random(shape) * np.reshape(IMAGE_RANGES[: shape[0]], each)
    spread = _spread(kept)
    unit = draw.random(shape) if spread.even else draw.standard_normal(shape)
    return spread.low + spread.width * unit * np.reshape(SPREADS[: shape[0]], each)


def _spread(kept: Mapping[str, np.ndarray]) -> Spread:
    if "Min" in kept and "Max" in kept:
        return Spread(kept["Min"], kept["Max"] - kept["Min"], even=True)
    mean = kept.get("Mean", np.zeros(1))
    # Images about a mean of 120 spread by some 60.
    usual = float(np.abs(mean).mean()) / 2 or 1.0
    return Spread(mean, kept.get("StandardDeviation", usual), even=False)


def _laid_out(array: np.ndarray, dims: str) -> np.ndarray:
    """A statistic (one number, or over S and C as MATLAB keeps it) beside values of ``dims``."""
    array = np.nan_to_num(np.asarray(array, np.float64))
    if array.size == 1:
        return array.reshape(())
    spatial = "S" * dims.count("S")
    return reorder(array if spatial else array.reshape(-1), spatial + "C", dims)
