"""Suspects: activations with other constants, and softmax."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matbridge.core.card import Layer
from matbridge.layers.activation import (
    ELU,
    GELU,
    ClippedReLU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Swish,
    Tanh,
)
from matbridge.layers.shape import Identity
from matbridge.ops.layout import numbered
from matbridge.verify.case import Case
from matbridge.verify.suspects.changes import (
    Change,
    Reading,
    Site,
    appended,
    read_otherwise,
    recast,
)
from matbridge.verify.suspects.insertion import Function
from matbridge.verify.suspects.otherwise import LogSoftmax, SoftmaxOver
from matbridge.verify.suspects.suspect import Suspect, Variant

__all__ = ["SUSPECTS"]


def _as(card: type[Layer], other: type[Layer], **changes: object) -> Change:
    """Layers of one card as another, or the same with other properties."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, card):
            return None
        if type(layer) is other and all(getattr(layer, k) == v for k, v in changes.items()):
            return None
        return recast(layer, other, **changes)

    return change


# A layer, what it is read as, and with which property.
CONSTANTS: tuple[tuple[type[Layer], type[Layer], Mapping[str, float | str], str], ...] = (
    *((LeakyReLU, LeakyReLU, {"scale": n}, f"Scale {n:g}") for n in (0.01, 0.1, 0.2, 0.3, 0.0)),
    *((ReLU, LeakyReLU, {"scale": n}, f"a leaky ReLU of Scale {n:g}") for n in (0.01, 0.2, 0.3)),
    *((ELU, ELU, {"alpha": n}, f"Alpha {n:g}") for n in (1.0, 0.1, 0.3)),
    *((ClippedReLU, ClippedReLU, {"ceiling": n}, f"the ceiling {n:g}") for n in (6.0, 1.0, 20.0)),
    (ClippedReLU, ReLU, {}, "no ceiling"),
    (ReLU, ClippedReLU, {"ceiling": 6.0}, "the ceiling 6"),
    (GELU, GELU, {"approximation": "tanh"}, "Approximation 'tanh'"),
    (GELU, GELU, {"approximation": "none"}, "Approximation 'none'"),
    (GELU, ReLU, {}, "a ReLU"),
    (Swish, ReLU, {}, "a ReLU"),
    (ReLU, Swish, {}, "a swish (SiLU)"),
    (ReLU, Identity, {}, "nothing"),
    (ReLU, GELU, {}, "a GELU"),
    (Swish, GELU, {}, "a GELU"),
    (GELU, Swish, {}, "a swish (SiLU)"),
    (ReLU, ELU, {"alpha": 1.0}, "an ELU"),
    (Tanh, Sigmoid, {}, "a sigmoid"),
    (Sigmoid, Tanh, {}, "a tanh"),
    (LeakyReLU, ReLU, {}, "a ReLU"),
)
CONSTANT = read_otherwise(
    "activation function",
    28,
    *(
        Reading(
            _as(card, other, **changes),
            f"{{where}} has {words}" if card is other else f"{{where}} is {words}",
            "the expected values were made with another activation function, or another constant "
            "of it",
        )
        for card, other, changes, words in CONSTANTS
    ),
)


# -- softmax -----------------------------------------------------------------------------------


def _over(label: str) -> Change:
    def change(site: Site) -> Layer | None:
        x = site.entering
        if not isinstance(site.layer, Softmax) or x is None or label not in numbered(x.format):
            return None
        if x.sizes[numbered(x.format).index(label)] == 1:
            return None
        return recast(site.layer, SoftmaxOver, over=label)

    return change


DIMENSIONS = {
    "B": "the observations of the mini-batch",
    "T": "time",
    "1": "the height",
    "2": "the width",
    "3": "the depth",
}
DIMENSION = read_otherwise(
    "softmax dimension",
    10,
    *(
        Reading(
            _over(label),
            f"{{where}} runs over {words}",
            "the expected values were made with softmax over another dimension than the channels",
            together=label == "B",
        )
        for label, words in DIMENSIONS.items()
    ),
)
INSTEAD = read_otherwise(
    "softmax",
    7,
    Reading(
        _as(Softmax, Identity),
        "{where} is left out",
        "the expected values are the scores before softmax (logits)",
    ),
    Reading(
        _as(Softmax, LogSoftmax),
        "{where} is a log-softmax",
        "the expected values are logarithms of the scores, as PyTorch's log_softmax gives them",
    ),
    Reading(
        _as(Softmax, Sigmoid),
        "{where} is a sigmoid",
        "the expected values were made with a sigmoid for each class in place of softmax",
    ),
    Reading(
        _as(Sigmoid, Identity),
        "{where} is left out",
        "the expected values are those before the sigmoid (logits)",
    ),
    Reading(
        _as(Tanh, Identity),
        "{where} is left out",
        "the expected values are those before the tanh",
    ),
)

AT_THE_END: tuple[tuple[Function, str, str], ...] = (
    (
        lambda ops, x: ops.softmax(x, "C"),
        "a softmax follows",
        "the expected values went through softmax once more, or the network lacks its softmax",
    ),
    (
        lambda ops, x: ops.map("log", ops.softmax(x, "C")),
        "a log-softmax follows",
        "the expected values are log-softmax of what the network gives",
    ),
    (
        lambda ops, x: ops.map("sigmoid", x),
        "a sigmoid follows",
        "the expected values went through a sigmoid as well",
    ),
    (
        lambda ops, x: ops.map("tanh", x),
        "a tanh follows",
        "the expected values went through a tanh as well",
    ),
)


def _followed(case: Case) -> Iterator[Variant]:
    """One more activation at the end."""
    if len(case.network.outputs) != 1 or case.network.kind.columns:
        return
    end = case.network.outputs[0].layer
    for function, words, meaning in AT_THE_END:
        network = appended(case.network, function)
        yield Variant(case.replace(network=network), (end,), words, meaning)


FOLLOWED = Suspect("activation at the end", 8, _followed)

SUSPECTS: tuple[Suspect, ...] = (*DIMENSION, *INSTEAD, FOLLOWED, *CONSTANT)
