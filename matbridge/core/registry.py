"""Class names to cards: a value that is passed, not a global."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from matbridge.core.card import Layer
from matbridge.core.dims import Size
from matbridge.errors import UnsupportedError

if TYPE_CHECKING:
    from matbridge.ops import Ops, Parameters, Value

__all__ = ["ENTRY_POINT", "CustomOutput", "Registry", "Unknown"]

# The group of entry points under which a package offers cards of its own.
ENTRY_POINT = "matbridge.layers"

# What stands behind a function layer or a handle, in torch.
Function = Callable[..., object]


class Unknown(Layer):
    """A layer without a card, kept with all its properties in ``extra``.

    ``builtin`` tells that the class is one of MATLAB's own. ``reason`` tells why an object
    for whose class there is a card could not be read by it, and ``mend`` what can be done.
    """

    known = False
    runnable = False
    ports: tuple[str, ...] = field(default=("in",), kw_only=True)
    out_ports: tuple[str, ...] = field(default=("out",), kw_only=True)
    builtin: bool = field(default=False, kw_only=True)
    reason: str = field(default="", kw_only=True)
    mend: str = field(default="", kw_only=True)

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.ports

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.out_ports

    @property
    def status(self) -> str:
        if self.reason:
            return "cannot be read"
        return "not supported" if self.builtin else "custom"

    def obstacle(self) -> UnsupportedError | None:
        if self.reason:
            return UnsupportedError(
                f"{self.type_name} cannot be read: {self.reason}",
                where=self.name,
                mend=self.mend or ("Please report the file." if self.builtin else "Mend its card."),
            )
        if self.builtin:
            return UnsupportedError(
                f"matbridge does not know MATLAB's {self.class_name} yet",
                where=self.name,
                mend=f"Please report it, or run it by a card of yours: {self._advice()}",
            )
        return UnsupportedError(
            f"matbridge does not know the layer class {self.class_name}",
            where=self.name,
            mend=self._advice(),
        )

    def _advice(self) -> str:
        return (
            f"matbridge scaffold FILE {shlex.quote(self.class_name)}\n"
            f"  writes a card for it to fill in; its heart is\n"
            f"    class Card(matbridge.Layer):\n"
            f"        MATLAB = ({self.class_name!a},)\n"
            f"        def forward(self, ops, p, x): return ...\n"
            f"  Pass it with registry=[Card]."
        )

    def infer(self, *inputs: Size) -> Size:
        self.refuse("is not known to matbridge, so its output size is not either")

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        self.refuse("is not known to matbridge and cannot be run")


class CustomOutput(Unknown):
    """An output layer of the user's own: the identity at prediction, whatever its loss."""

    IS_OUTPUT = True
    runnable = True
    classes: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def status(self) -> str:
        return "loss not known" if self.builtin else "custom"

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.classes

    def obstacle(self) -> UnsupportedError | None:
        return None

    def infer(self, *inputs: Size) -> Size:
        return inputs[0]

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        return inputs[0]


@dataclass(frozen=True)
class Registry:
    """The cards at hand by saved class name, and functions for function layers.

    ``functions`` are keyed by the text of the handle or the name of the layer.
    """

    cards: Mapping[str, type[Layer]]
    functions: Mapping[str, Function] = field(default_factory=dict)

    @classmethod
    def builtin(cls) -> Registry:
        """Every card of matbridge."""
        from matbridge.layers import CARDS

        return cls({name: card for card in CARDS for name in card.MATLAB})

    def with_(self, more: Mapping[str, type[Layer] | Function] | Iterable[type[Layer]]) -> Registry:
        """These cards and functions as well, before those at hand.

        A mapping gives class names (or the texts of function handles); an iterable of
        cards counts by their own MATLAB names.
        """
        if not isinstance(more, Mapping):
            more = {name: card for card in more for name in card.MATLAB}
        cards = {name: card for name, card in more.items() if isinstance(card, type)}
        functions = {name: f for name, f in more.items() if name not in cards}
        return Registry({**self.cards, **cards}, {**self.functions, **functions})

    def with_plugins(self) -> Registry:
        """The cards that installed packages offer as entry points, after those at hand."""
        import importlib.metadata

        cards: dict[str, type[Layer]] = {}
        for entry in importlib.metadata.entry_points(group=ENTRY_POINT):
            card = entry.load()
            cards.update(dict.fromkeys(card.MATLAB, card))
        return Registry({**cards, **self.cards}, self.functions)

    @cached_property
    def nicknames(self) -> Mapping[str, type[Layer]]:
        """Cards by full class name, its last part and the constructor, each in lower case."""
        cards: dict[str, type[Layer]] = {}
        for name, card in self.cards.items():
            short = name.rpartition(".")[2]
            for alias in (name, short, short.removesuffix("Layer"), card.BUILDER):
                if alias:
                    # Of two cards with one short name the first keeps it.
                    cards.setdefault(alias.lower(), card)
        return cards

    def find(self, class_name: str) -> type[Layer] | None:
        return self.cards.get(class_name)
