"""What holds for every card: how it is written, and what follows from its declarations."""

import inspect

import pytest

from matbridge.core.card import Layer
from matbridge.layers import CARDS
from matbridge.layers.nested import NetworkLayer

RUN = [card for card in CARDS if card.runnable and not issubclass(card, NetworkLayer)]


@pytest.mark.parametrize("card", RUN, ids=lambda card: card.__name__)
@pytest.mark.parametrize("name", ["infer", "forward"])
def test_inputs_are_named(card, name):
    method = getattr(card, name)
    if method is getattr(Layer, name):
        return
    parameters = list(inspect.signature(method).parameters.values())[1:]
    if name == "forward":
        parameters = parameters[2:]
    open_number = card.inputs is not Layer.inputs
    kinds = {parameter.kind for parameter in parameters}
    assert inspect.Parameter.VAR_POSITIONAL not in kinds or open_number
    if not open_number and not (card.IS_INPUT and name == "infer"):
        assert len(parameters) == len(card.INPUTS)


def depth(card):
    """How many steps a class stands below Layer."""
    return 0 if card is Layer else 1 + max(depth(b) for b in card.__bases__ if issubclass(b, Layer))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.__name__)
def test_inheritance_is_shallow(card):
    """A family derives from Layer, a card from a family or from one group within it."""
    assert depth(card) <= 3
