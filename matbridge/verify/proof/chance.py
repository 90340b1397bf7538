"""How much values say: what would agree by chance is no proof."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["ENOUGH", "bits_of_labels", "bits_of_numbers", "surprise"]

# The bits that an agreement must say beyond the choice among all that was tried.
ENOUGH = 48.0
# What one number may say: single precision keeps no more.
MOST = 24.0


def bits_of_numbers(values: np.ndarray, difference: float) -> float:
    """What values say that agree within ``difference`` of their range.

    A number between the others says how finely it was met; of numbers that come again, as zeros,
    ones and whole numbers do, how seldom they are.
    """
    finite = values[np.isfinite(values)].reshape(-1)
    if finite.size < 2 or not np.ptp(finite):
        return 0.0
    spread = float(np.ptp(finite))
    step = max(difference, 2.0**-MOST)
    places = np.round((finite - finite.min()) / spread / step)
    _, back, counts = np.unique(places, return_inverse=True, return_counts=True)
    share = counts[back.reshape(-1)] / finite.size
    again = -np.log2(share)
    # Whole numbers, zeros and ones among them, are what many things are.
    plain = (finite == np.round(finite)) | _saturated(finite)
    fine = np.minimum(-math.log2(step), MOST)
    return float(np.where(plain | (counts[back.reshape(-1)] > 1), again, fine).sum())


def _saturated(values: np.ndarray) -> np.ndarray:
    """Scores that are 0 or 1 but for so little that any network would give them."""
    near_ends = (np.abs(values) < 1e-4) | (np.abs(np.abs(values) - 1) < 1e-4)
    return near_ends & (np.abs(values).max() <= 1 + 1e-4)


def bits_of_labels(labels: np.ndarray) -> float:
    """What labels say, by how often each class comes."""
    _, counts = np.unique(labels, return_counts=True)
    return float(-(counts * np.log2(counts / labels.size)).sum())


def surprise(certainty: np.ndarray) -> float:
    """How unlikely it is, in bits, that labels other than the network's own are all those of its
    largest scores: where scores are probabilities, they say how often it errs."""
    return float(-np.log2(np.clip(certainty, 1e-12, 1.0)).sum())
