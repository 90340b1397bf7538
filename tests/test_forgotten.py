"""A card that forgets something is told so by name."""

import importlib
import inspect
import pkgutil

import pytest
from examples import EXAMPLES

import matbridge.layers
from matbridge import Layer
from matbridge.core.card import learnable
from matbridge.layers import CARDS

SHOWN = {example.builder for example in EXAMPLES}
# Not run alone: by other tests.
ELSEWHERE = {
    *("sequenceFoldingLayer", "sequenceUnfoldingLayer", "maxUnpooling2dLayer"),
    *("yolov2TransformLayer", "networkLayer", "ProjectedLayer", "inputLayer"),
}
# What MATLAB calls "layer" where it has no name.
NAMELESS = {
    *("functionLayer", "indexing1dLayer", "positionEmbeddingLayer", "sigmoidLayer"),
    *("scalingLayer", "complexReluLayer", "complexToRealLayer", "realToComplexLayer"),
    *("yolov2TransformLayer", "yolov2OutputLayer", "modwtLayer"),
}


def forgotten(card, exported, cards=CARDS, shown=SHOWN):
    """What a concrete card lacks, each in one sentence that says where it is to be put."""
    name = card.__name__
    if card not in cards:
        yield f"{name} is not in CARDS: name it in matbridge/layers/__init__.py"
    if name not in exported:
        yield f"{name} is not in __all__ of {card.__module__}"
    # Without one, a dataclass writes its signature there.
    if (card.__doc__ or "").startswith(f"{name}("):
        yield f"{name} has no docstring: say what it computes and the source"
    # Some classes have no constructor of that name.
    plain = card.BUILDER.isidentifier() and card.BUILDER not in NAMELESS
    if plain and card.NICKNAME == Layer.NICKNAME:
        yield f"{name} has no NICKNAME: say what MATLAB calls such a layer without a name"
    alone = card.BUILDER and card.runnable and not card.IS_OUTPUT
    if alone and card.BUILDER not in ELSEWHERE and card.BUILDER not in shown:
        yield f"{name} has no example: add one for each mode to tests/examples.py"


def concrete():
    """Every card in matbridge/layers that has a class of MATLAB's, and its file's __all__."""
    for module in pkgutil.walk_packages(matbridge.layers.__path__, "matbridge.layers."):
        found = importlib.import_module(module.name)
        for card in vars(found).values():
            if not inspect.isclass(card) or not issubclass(card, Layer):
                continue
            if "MATLAB" in vars(card) and card.__module__ == module.name:
                yield card, found.__all__


@pytest.mark.parametrize(("card", "exported"), concrete(), ids=lambda v: getattr(v, "__name__", ""))
def test_nothing_is_forgotten(card, exported):
    assert not list(forgotten(card, exported))


class Forgetful(Layer):
    MATLAB = ("forgetfulLayer",)
    BUILDER = "forgetfulLayer"
    ARRAYS = (learnable("Alpha", "per channel", dims="C"),)


@pytest.mark.parametrize(
    ("told", "mended"),
    [
        ("is not in CARDS", {"cards": (Forgetful,)}),
        ("is not in __all__", {"exported": ["Forgetful"]}),
        ("has no example", {"shown": {"forgetfulLayer"}}),
    ],
)
def test_what_is_forgotten_is_told_by_name(told, mended):
    without = list(forgotten(Forgetful, []))
    assert any(line.startswith(f"Forgetful {told}") for line in without)
    assert not any(told in line for line in forgotten(Forgetful, **{"exported": [], **mended}))


def test_a_nickname_and_a_docstring_are_told_by_name():
    told = list(forgotten(Forgetful, []))
    assert any(line.startswith("Forgetful has no NICKNAME") for line in told)
    assert any(line.startswith("Forgetful has no docstring") for line in told)
