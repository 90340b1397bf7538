"""Maps of neurons: where they stand (positions, dimensions×S) and how far apart (distances, S×S).

Only training reads these; a map computes with its weights alone. Source: MATLAB's documentation of
gridtop, hextop, dist, boxdist, mandist and linkdist. randtop's positions are random, and of
tritop's no equation is documented: both stand as they are saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["DISTANCES", "POSITIONS", "about_map"]

# Of one neuron to its neighbours where rounding made it a little more than 1.
ONE_LINK = 1 + 1e-8


def gridtop(dimensions: tuple[int, ...]) -> np.ndarray:
    """Whole numbers from 0, the first dimension fastest."""
    return np.indices(dimensions[::-1]).reshape(len(dimensions), -1)[::-1].astype(float)


def hextop(dimensions: tuple[int, ...]) -> np.ndarray | None:
    """As gridtop, every other row half a neuron further and all rows √(3)/2 apart; None for more
    than two dimensions."""
    if len(dimensions) > 2:
        return None
    grid = gridtop(dimensions)
    if len(grid) == 2:
        grid[0] += grid[1] % 2 / 2
        grid[1] *= math.sqrt(0.75)
    return grid


def _differences(positions: np.ndarray) -> np.ndarray:
    return np.abs(positions[:, :, None] - positions[:, None, :])


def dist(positions: np.ndarray) -> np.ndarray:
    """Euclidean distances."""
    return np.asarray(np.sqrt((_differences(positions) ** 2).sum(0)))


def boxdist(positions: np.ndarray) -> np.ndarray:
    """The largest differences."""
    return np.asarray(_differences(positions).max(0))


def mandist(positions: np.ndarray) -> np.ndarray:
    """The sums of the differences."""
    return np.asarray(_differences(positions).sum(0))


def linkdist(positions: np.ndarray) -> np.ndarray:
    """The fewest links between two neurons, which are linked where they stand at most 1 apart; S,
    the number of neurons, where there is no way."""
    near = dist(positions) <= ONE_LINK
    count = len(near)
    links = np.full((count, count), float(count))
    reached = np.eye(count, dtype=bool)
    links[reached] = 0
    for steps in range(1, count):
        further = (reached.astype(float) @ near > 0) & ~reached
        if not further.any():
            break
        links[further] = steps
        reached |= further
    return links


# By the names that topologyFcn and distanceFcn have in a network object.
POSITIONS: Mapping[str, Callable[[tuple[int, ...]], np.ndarray | None]] = {
    "gridtop": gridtop,
    "hextop": hextop,
}
DISTANCES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "dist": dist,
    "boxdist": boxdist,
    "mandist": mandist,
    "linkdist": linkdist,
}


def about_map(topology: Mapping[str, object]) -> str:
    """A map in a few words, such as "8×5 hextop, linkdist up to 9"; "" for a layer that is none."""
    dimensions = np.asarray(topology.get("dimensions", ()), float).reshape(-1)
    name = topology.get("topologyFcn")
    if not dimensions.size or not isinstance(name, str) or not name:
        return ""
    words = "×".join(f"{n:g}" for n in dimensions) + f" {name}"
    measure = topology.get("distanceFcn")
    if not isinstance(measure, str) or not measure:
        return words
    known = np.asarray(topology.get("distances", ()), float)
    furthest = f" up to {known.max():.4g}" if known.size else ""
    return f"{words}, {measure}{furthest}"
