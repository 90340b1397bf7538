"""Suspects: batch normalization, layer normalization and their relatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matbridge.core.card import Layer
from matbridge.layers.normalization import (
    BatchNormalization,
    CrossChannelNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    Normalization,
)
from matbridge.layers.shape import Identity
from matbridge.verify.suspects.changes import (
    Change,
    Reading,
    Site,
    read_otherwise,
    recast,
    with_array,
)
from matbridge.verify.suspects.otherwise import MiniBatchNormalization
from matbridge.verify.suspects.suspect import Suspect

__all__ = ["SUSPECTS"]

# What programs add to the variance: PyTorch and MATLAB, Keras, others.
EPSILONS = (1e-5, 1e-3, 0.0, 1e-6, 1e-4, 1e-2, 1e-12, 1e-8, 1e-7)


def _of(card: type[Layer], **properties: object) -> Change:
    """Layers of a card with these properties, where they have others."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, card):
            return None
        own = {name: getattr(layer, name) for name in properties}
        return None if own == properties else layer.replace(**properties)

    return change


def _arrays(*cards: type[Layer], **turns: Callable[[Layer], np.ndarray]) -> Change:
    """Layers of these cards with arrays that are made of what they have."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, cards) or not all(name in layer.arrays for name in turns):
            return None
        arrays = {name: turn(layer) for name, turn in turns.items()}
        if not all(np.isfinite(array).all() for array in arrays.values()):
            return None
        return with_array(layer, **arrays)

    return change


def _as(card: type[Layer], other: type[Layer], **changes: object) -> Change:
    """Layers of one card as another."""

    def change(site: Site) -> Layer | None:
        return recast(site.layer, other, **changes) if isinstance(site.layer, card) else None

    return change


def _variance(layer: Layer) -> np.ndarray:
    return np.asarray(layer.arrays["TrainedVariance"], float)


def _outside_root(epsilon: float) -> Callable[[Layer], np.ndarray]:
    """The variance with which Epsilon inside the root gives what another does outside of it."""

    def variance(layer: Layer) -> np.ndarray:
        return np.asarray(
            (np.sqrt(_variance(layer)) + epsilon) ** 2 - getattr(layer, "epsilon", 0.0)
        )

    return variance


def _epsilons(card: type[Layer]) -> list[Reading]:
    return [
        Reading(
            _of(card, epsilon=epsilon),
            f"Epsilon of {{where}} is {epsilon:g}",
            f"the expected values were made with Epsilon {epsilon:g}, as other programs add it to "
            "the variance",
        )
        for epsilon in EPSILONS
    ]


EPSILON = read_otherwise(
    "batch normalization epsilon",
    20,
    *_epsilons(BatchNormalization),
    *(
        Reading(
            _arrays(BatchNormalization, TrainedVariance=_outside_root(epsilon)),
            f"{epsilon:g} is added outside the root in {{where}}",
            "the expected values were made with Epsilon added to the standard deviation, not to "
            "the variance",
        )
        for epsilon in (1e-5, 1e-3)
    ),
)
TRAINING = read_otherwise(
    "batch normalization in training",
    21,
    Reading(
        _as(BatchNormalization, MiniBatchNormalization),
        "{where} normalizes by the mean and variance of the mini-batch",
        "the expected values were made in training mode: with forward in MATLAB, or without "
        "eval() in PyTorch",
        together=True,
    ),
)
SAVED = read_otherwise(
    "statistics of batch normalization",
    22,
    Reading(
        _arrays(BatchNormalization, TrainedVariance=lambda layer: _variance(layer) ** 2),
        "TrainedVariance of {where} is the standard deviation",
        "the file holds standard deviations where variances belong",
    ),
    Reading(
        _arrays(BatchNormalization, TrainedVariance=lambda layer: np.sqrt(_variance(layer))),
        "TrainedVariance of {where} stands for its root",
        "the expected values were made with the standard deviation read as the variance",
    ),
    Reading(
        _arrays(
            Normalization,
            Offset=lambda layer: layer.arrays["Scale"],
            Scale=lambda layer: layer.arrays["Offset"],
        ),
        "Offset and Scale of {where} are exchanged",
        "the expected values were made with Offset and Scale (beta and gamma) exchanged",
    ),
    Reading(
        _arrays(
            BatchNormalization,
            TrainedMean=lambda layer: np.zeros_like(layer.arrays["TrainedMean"]),
            TrainedVariance=lambda layer: np.ones_like(layer.arrays["TrainedVariance"]),
        ),
        "{where} has the mean 0 and the variance 1",
        "the expected values were made without the trained statistics of batch normalization",
    ),
    Reading(
        _arrays(
            Normalization,
            Offset=lambda layer: np.zeros_like(layer.arrays["Offset"]),
            Scale=lambda layer: np.ones_like(layer.arrays["Scale"]),
        ),
        "{where} has the Offset 0 and the Scale 1",
        "the expected values were made without Offset and Scale",
    ),
    Reading(
        _as(BatchNormalization, Identity),
        "{where} does nothing",
        "the expected values were made without batch normalization",
    ),
)
LAYERS = read_otherwise(
    "normalization layers",
    23,
    *_epsilons(LayerNormalization),
    *_epsilons(InstanceNormalization),
    *_epsilons(GroupNormalization),
    *(
        Reading(
            _of(LayerNormalization, operation_dimension=over),
            f"OperationDimension of {{where}} is {over!r}",
            "the expected values were made with layer normalization over other dimensions, as "
            "releases and programs differ",
        )
        for over in ("channel-only", "spatial-channel", "batch-excluded")
    ),
    Reading(
        _as(LayerNormalization, InstanceNormalization),
        "{where} normalizes each channel by itself",
        "the expected values were made with instance normalization",
    ),
    Reading(
        _as(InstanceNormalization, LayerNormalization, operation_dimension="batch-excluded"),
        "{where} normalizes all channels together",
        "the expected values were made with layer normalization",
    ),
    *(
        Reading(
            _of(GroupNormalization, num_groups=count),
            f"{{where}} has {count} groups",
            "the expected values were made with other groups of channels",
        )
        for count in ("all-channels", "channel-wise", 2, 4, 8, 16, 32)
    ),
)


def _undivided(site: Site) -> Layer | None:
    """Alpha for the sum of squares, not for their mean."""
    layer = site.layer
    if not isinstance(layer, CrossChannelNormalization):
        return None
    return layer.replace(alpha=layer.alpha * layer.window_channel_size)


ACROSS = read_otherwise(
    "cross channel normalization",
    24,
    Reading(
        _undivided,
        "Alpha of {where} is not divided by the size of its window",
        "the expected values were made with TensorFlow's local response normalization, which sums "
        "squares where MATLAB takes their mean",
    ),
    *(
        Reading(
            _of(CrossChannelNormalization, k=k),
            f"K of {{where}} is {k:g}",
            "the expected values were made with another K",
        )
        for k in (1.0, 2.0)
    ),
)

SUSPECTS: tuple[Suspect, ...] = (*EPSILON, *TRAINING, *SAVED, *LAYERS, *ACROSS)
