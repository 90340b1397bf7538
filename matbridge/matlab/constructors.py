"""MATLAB's constructors: layers built in Python under the names that MATLAB gives them.

    from matbridge import Network
    from matbridge.matlab import fullyConnectedLayer, lstmLayer, sequenceInputLayer

    network = Network.of([
        sequenceInputLayer(3),
        lstmLayer(20, OutputMode="last", InputWeights=W, RecurrentWeights=R, Bias=b),
        fullyConnectedLayer(2, Name="out", Weights=V, Bias=c),
    ])

Positional arguments stand in MATLAB's order, the rest are name-value arguments; arrays
have MATLAB's sizes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from matbridge.core.card import Layer
from matbridge.errors import LayerError, MismatchError
from matbridge.layers import CARDS
from matbridge.matlab.layer import read_properties
from matbridge.matlab.signatures import array_names, signature

__all__ = ["construct"]

CONSTRUCTORS: dict[str, type[Layer]] = {card.BUILDER: card for card in CARDS if card.BUILDER}
__all__ += sorted(CONSTRUCTORS)


def construct(card: type[Layer], *positional: object, **named: object) -> Layer:
    """The layer that MATLAB's constructor of this card makes.

    Raises LayerError for a value that the layer refuses and MismatchError for an argument
    that it does not have.
    """
    arguments = _by_name(card, positional, named)
    for name in set(array_names(card)) & set(arguments):
        # A copy: the caller may go on writing into his own.
        array = np.array(arguments[name])
        arguments[name] = array.reshape(-1, 1) if array.ndim < 2 else array
    try:
        layer, unknown = read_properties(card, arguments)
    except LayerError as error:
        raise error.at(card.BUILDER) from None
    if unknown:
        raise MismatchError(
            f"{card.BUILDER} has no argument {', '.join(unknown)}",
            mend=f"It has {', '.join(sorted(_names(card)))}.",
        )
    return layer


def _by_name(
    card: type[Layer], positional: tuple[object, ...], named: dict[str, object]
) -> dict[str, object]:
    places = {p.arg: p.name for p in card.properties().values() if p.arg is not None}
    if card.LISTED and len(positional) > 1:
        positional = (list(positional),)
    if len(positional) > len(places):
        raise MismatchError(
            f"{card.BUILDER} takes {len(places)} positional arguments, not {len(positional)}",
            mend=f"In order: {', '.join(places[i] for i in sorted(places))}.",
        )
    return {**{places[i]: value for i, value in enumerate(positional, 1)}, **named}


def _names(card: type[Layer]) -> list[str]:
    return [*(p.name for p in card.properties().values()), *array_names(card), "Name"]


@functools.cache
def _constructor(name: str) -> Callable[..., Layer]:
    """The function that an editor and ``help`` show with the arguments that it has."""
    card = CONSTRUCTORS[name]

    def constructor(*positional: object, **named: object) -> Layer:
        return construct(card, *positional, **named)

    constructor.__name__ = constructor.__qualname__ = card.BUILDER
    constructor.__doc__ = card.__doc__
    constructor.__dict__["__signature__"] = signature(card)
    return constructor


def __getattr__(name: str) -> Callable[..., Layer]:
    """The constructor of this name."""
    if name not in CONSTRUCTORS:
        raise AttributeError(f"MATLAB has no constructor {name!r} that matbridge knows")
    return _constructor(name)


def __dir__() -> list[str]:
    return sorted(__all__)
