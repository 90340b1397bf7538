"""The cards of a ``network`` object back to what it says: the inverse of shallow_cards.

The names tell which card is which; numbers are those that the cards hold now, so that weights
trained since come along.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.classes import SHALLOW
from matbridge.core.kinds import integer
from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.errors import UnsupportedError
from matbridge.layers.delays import ShallowInput, ShallowOutput, TappedDelay
from matbridge.layers.feedback import FeedbackLoop
from matbridge.matlab.shallow_cards import to_network
from matbridge.shallow import names
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    Place,
    ProcessStep,
    ShallowStructure,
    WeightPart,
)

__all__ = ["rebuilt", "to_structure"]

# What the cards add to the settings of a function.
OURS = ("Reverse", "NumInputs", "HasBias")


def to_structure(network: Network) -> ShallowStructure:
    """What a network of these cards says.

    Raises UnsupportedError for a network of other layers.
    """
    cards = _cards(network)
    if network.class_name != SHALLOW:
        raise UnsupportedError(
            f"a {network.kind.words} is no network object, which has inputs, layers and delays",
            mend="feedforwardnet, narxnet and their like make such objects in MATLAB.",
        )
    layers = [_layer(cards, i) for i in names.numbered(cards, names.a)]
    inputs = [_input(cards, j) for j in names.numbered(cards, names.x)]
    outputs = [_output(cards, k) for k in names.numbered(cards, names.y)]
    details = network.provenance.details
    training = details.get("training")
    return ShallowStructure(
        tuple(inputs),
        tuple(layers),
        tuple(outputs),
        input_weights=dict(_weights(cards, "IW", len(layers), len(inputs))),
        layer_weights=dict(_weights(cards, "LW", len(layers), len(layers))),
        name=str(details.get("name", "")),
        version=str(network.provenance.versions.get("network", "")),
        training=training if isinstance(training, dict) else {},
    )


def rebuilt(network: Network, structure: ShallowStructure) -> Network:
    """The network of a changed structure, with the user's cards and functions as at hand."""
    cards = {c.type_name: c.foreign or type(c) for c in _cards(network).values() if c.known}
    registry = Registry.builtin().with_(cards)
    return to_network(structure, registry, network.provenance, network.report)


def _cards(network: Network) -> dict[str, Layer]:
    """The cards by name, those inside loops among them, which come before inputs of a loop."""
    inner = [
        card
        for layer in network.layers
        if isinstance(layer, FeedbackLoop)
        for card in layer.inner.layers
        if not card.IS_INPUT
    ]
    return {layer.name: layer for layer in (*inner, *network.layers)}


def _input(cards: Mapping[str, Layer], number: int) -> InputPart:
    card = cards[end := names.x(number)]
    assert isinstance(card, ShallowInput)
    ends = [card.arrays[name] for name in ("Min", "Max") if name in card.arrays]
    return InputPart(
        size=card.size,
        processed_size=card.processed_size,
        steps=_steps(cards, end),
        name=card.description,
        feedback_output=card.feedback_output,
        range=np.concatenate(ends, axis=1) if len(ends) == 2 else None,
    )


def _output(cards: Mapping[str, Layer], number: int) -> OutputPart:
    card = cards[end := names.y(number)]
    assert isinstance(card, ShallowOutput)
    return OutputPart(
        layer=card.layer,
        size=card.size,
        steps=_steps(cards, end),
        name=card.description,
        feedback_input=card.feedback_input,
        feedback_delay=card.feedback_delay,
        feedback_mode=card.feedback_mode,
    )


def _steps(cards: Mapping[str, Layer], end: str) -> tuple[ProcessStep, ...]:
    name_of = functools.partial(names.step, end)
    steps = (cards[name_of(place)] for place in names.numbered(cards, name_of))
    return tuple(ProcessStep(card.type_name, _settings(card)) for card in steps)


def _layer(cards: Mapping[str, Layer], number: int) -> LayerPart:
    net_input, transfer = cards[names.n(number)], cards[names.a(number)]
    settings = dict(_settings(net_input))
    bias = settings.pop("b", None)
    topology = net_input.training.get("topology")
    return LayerPart(
        size=integer(net_input.training["size"]),
        transfer=transfer.type_name,
        net_input=net_input.type_name,
        bias=bias if isinstance(bias, np.ndarray) else None,
        name=net_input.description,
        transfer_parameters=_settings(transfer),
        net_input_parameters=settings,
        topology=topology if isinstance(topology, dict) else {},
    )


def _weights(
    cards: Mapping[str, Layer], word: str, rows: int, columns: int
) -> Iterator[tuple[Place, WeightPart]]:
    for at in itertools.product(range(1, rows + 1), range(1, columns + 1)):
        card = cards.get(names.weight(word, at))
        if card is None:
            continue
        line = cards.get(names.delays(word, at))
        settings = dict(_settings(card))
        array = settings.pop("W", np.zeros((0, 0)))
        yield (
            at,
            WeightPart(
                array=np.asarray(array),
                delays=line.delays if isinstance(line, TappedDelay) else (0,),
                function=card.type_name,
                parameters=settings,
            ),
        )


def _settings(card: Layer) -> dict[str, object]:
    """What the structure says of a function, by MATLAB's names."""
    properties = {
        known.name: known.kind.to_saved(getattr(card, field))
        for field, known in card.properties().items()
        if known.name not in OURS and getattr(card, field) is not None
    }
    training = {name: value for name, value in card.training.items() if name in card.TRAINING}
    return {**training, **properties, **card.arrays, **card.extra}
