"""Values that say little: saturated scores, decisions, and what is the same for every input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from matbridge.core.network import Network
from matbridge.layers.transfer import Compet, HardLim, HardLims
from matbridge.verify.measures.statistics import Parts

__all__ = ["HIGH", "all_alike", "little_said", "saturation"]

# A score above this is saturated: in float32 many different inputs of a softmax or sigmoid give 1.
HIGH = 0.9999
# The share of saturated scores from which they are worth a word.
MANY = 0.5
# Layers that give one of two numbers by nature.
STEPS = (Compet, HardLim, HardLims)


def saturation(scores: Any) -> float:
    """The share of the winning scores, those above one half, that are above HIGH.

    Arrays or lists of arrays, of any layout; 0 for labels and for what are no scores between
    0 and 1.
    """
    parts = scores if isinstance(scores, list) else [scores]
    flat = [np.ravel(part) for part in parts]
    values = np.concatenate(flat) if flat else np.zeros(0)
    if values.dtype.kind != "f" or not ((values >= 0) & (values <= 1 + 1e-6)).all():
        return 0.0
    winning = values[values > 0.5]
    return float((winning > HIGH).mean()) if winning.size else 0.0


def little_said(network: Network, values: Parts, dims: str) -> Iterator[str]:
    """Why values that agree say little, in a sentence for each reason."""
    if all_alike(values, dims):
        yield "it is the same for every observation, which says little"
    elif any(isinstance(layer, STEPS) for layer in network.layers) and _of_two(values):
        yield "decisions, of which each is one of two numbers: they do not tell how near it was"
    elif (share := saturation(list(values))) > MANY:
        yield (
            f"{share:.0%} of the winning scores are saturated, above {HIGH}: other weights could "
            "give the same; compare what comes before the last layer too"
        )


def _of_two(values: Parts) -> bool:
    return len(set().union(*(np.unique(part).tolist() for part in values))) <= 2


def all_alike(values: Parts, dims: str) -> bool:
    """Whether several observations give the same, or several values are one."""
    if len(values) > 1:
        first = values[0]
        same = (p.shape == first.shape and np.array_equal(p, first) for p in values[1:])
        return all(same)
    if "B" in dims and (count := values[0].shape[dims.index("B")]) > 1:
        others = np.take(values[0], range(1, count), dims.index("B"))
        return bool((others == np.take(values[0], [0], dims.index("B"))).all())
    return values[0].size > 1 and bool((values[0] == values[0].flat[0]).all())
