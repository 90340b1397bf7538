"""What a fixture is made of: a network, what it computes, and numbers that never change."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


class Random:
    """Weights and data, the same at every run; float32 as a trained network has them."""

    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)

    def __call__(self, *size, scale=0.5):
        drawn = self.generator.standard_normal(size) * scale
        return drawn.astype(np.float32).astype(np.float64)

    def batch_statistics(self, channels):
        """Mean, variance, offset and scale."""
        variance = np.float32(self(channels) ** 2 + 0.5).astype(np.float64)
        return self(channels), variance, self(channels), self(channels)


@dataclass
class Fixture:
    """A network as MATLAB saves it and what it computes.

    ``reference`` takes and returns labelled arrays, MATLAB's order with N: images H×W×C×N,
    sequences C×N×T. ``variables`` are what goes into the file beside net. ``built`` is the
    network made of layers in Python, where there is one.
    """

    network: object
    reference: Callable
    formats: tuple
    variables: dict
    built: object = None
