"""Scores that say little: those that are saturated agree whatever comes before them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["HIGH", "saturated_note", "saturation"]

# A score above this is saturated: in float32 many different inputs of a softmax or sigmoid give 1.
HIGH = 0.9999
# The share of saturated scores from which they are worth a word.
MANY = 0.5


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


def saturated_note(scores: Any) -> str:
    """That many winning scores are saturated, and what to do; "" where they are not."""
    share = saturation(scores)
    if share <= MANY:
        return ""
    return (
        f"{share:.0%} of the winning scores are saturated, above {HIGH}: other weights could give "
        "the same; compare what comes before the last layer too"
    )
