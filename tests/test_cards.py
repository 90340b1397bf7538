"""What holds for every card: how it is written, and what follows from its declarations."""

import inspect
import sys

import numpy as np
import pytest
from helpers import layer, network_of

from matbridge.core.card import CHANNEL, InputLayer, Layer, OutputLayer, learnable, prop
from matbridge.core.kinds import number
from matbridge.errors import LayerError
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


BASES = {Layer, InputLayer, OutputLayer}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.__name__)
def test_a_card_is_named_by_its_module(card):
    assert card.__name__ in sys.modules[card.__module__].__all__
    assert card.BUILDER or card.MATLAB, "neither a constructor nor a class name"
    assert card.NICKNAME, "what MATLAB calls it where it has no name"


def test_no_card_is_forgotten():
    """What stands in a file of layers and has a class name stands in the table CARDS."""
    families = {card.__module__ for card in CARDS}
    defined = {
        member
        for module in families
        for member in vars(sys.modules[module]).values()
        if isinstance(member, type) and issubclass(member, Layer) and "MATLAB" in vars(member)
    }
    assert {card.__name__ for card in defined - set(CARDS) - BASES} == set()


def depth(card):
    """How many steps a class stands below the bases: Layer, InputLayer, OutputLayer."""
    if card in BASES:
        return 0
    return 1 + max(depth(base) for base in card.__bases__ if issubclass(base, Layer))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.__name__)
def test_inheritance_is_shallow(card):
    """A family derives from a base, a card from a family or from one group within it."""
    assert depth(card) <= 3


class Gain(Layer):
    """A user's own card that says nothing of sizes beyond its arrays."""

    MATLAB = ("gainLayer",)
    ARRAYS = (learnable("Gain", CHANNEL, dims="C"), learnable("Map", "h", "w", "c", dims="SC"))

    power: float = prop("Power", number, default=1.0)

    def uninitialised(self):
        return ()

    def forward(self, ops, p, x):
        return ops.multiply(ops.multiply(x, p["Gain"]), p["Map"])


@pytest.mark.parametrize(
    ("gain", "plane", "fits"),
    [
        ((1, 1, 3), (4, 5, 3), True),
        ((1, 1, 1), (1, 5, 1), True),
        ((1, 1, 3), (4, 5, 1), True),
        ((1, 1, 2), (4, 5, 3), False),
        ((1, 1, 3), (4, 4, 3), False),
        ((1, 1, 3), (5, 4, 3), False),
    ],
)
def test_arrays_must_fit_the_input(gain, plane, fits):
    own = Gain(name="own", arrays={"Gain": np.ones(gain), "Map": np.ones(plane)})
    network = network_of(own, like=np.zeros((4, 5, 3, 2)), format="SSCB")
    refused = [size for size in network.infer().values() if isinstance(size, LayerError)]
    assert not refused if fits else "does not fit its input 4(S) × 5(S) × 3(C)" in str(refused[0])


@pytest.mark.parametrize("format", ["SSCB", "CB", "CBT"])
def test_three_values_do_not_fit_one_channel(format):
    """Where arrays only expand, the data would grow to three channels."""
    own = Gain(name="own", arrays={"Gain": np.ones((1, 1, 3)), "Map": np.ones((1, 1, 1))})
    x = np.zeros({"SSCB": (4, 5, 1, 2), "CB": (1, 2), "CBT": (1, 2, 5)}[format])
    with pytest.raises(LayerError, match="Gain of size 1×1×3, which does not fit its input"):
        network_of(own, like=x, format=format).predict(x, format=format)
    arrays = {n: np.ones((3, 1)) for n in ("Scale", "Offset", "TrainedMean", "TrainedVariance")}
    batch = layer("batchNormalizationLayer", **arrays)
    with pytest.raises(LayerError, match="needs 3 channels"):
        network_of(batch, like=x, format=format).predict(x, format=format)
