"""A layer spelled as its constructor's call: ``tanhLayer``, ``leakyReluLayer(0.2)``."""

from __future__ import annotations

import ast

from matbridge.core.card import Layer
from matbridge.core.registry import Registry
from matbridge.errors import MatbridgeError, MismatchError
from matbridge.matlab.constructors import construct
from matbridge.text import nearest

__all__ = ["layer_of"]


def layer_of(text: str, registry: Registry) -> Layer:
    """The layer of such a text, which is not run: numbers, texts and lists as arguments.

    The name is a constructor or a class, of MATLAB's or of a card of the user's. Raises
    MismatchError for any other text, and what the constructor raises.
    """
    try:
        call = ast.parse(text.strip(), mode="eval").body
        arguments, named = (call.args, call.keywords) if isinstance(call, ast.Call) else ([], [])
        name = ast.unparse(call.func if isinstance(call, ast.Call) else call)
        values = [ast.literal_eval(argument) for argument in arguments]
        by_name = {word.arg or "": ast.literal_eval(word.value) for word in named}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise MismatchError(
            f"{text!r} is no layer",
            mend="Spell it as its constructor: tanhLayer, or clippedReluLayer(10).",
        ) from None
    known = registry.nicknames
    card = known.get(name.lower())
    if card is None:
        builders = [one.BUILDER for one in known.values() if one.BUILDER]
        raise MismatchError(
            f"there is no layer {name!r}",
            mend=f"{nearest(name, builders)}'matbridge layers' lists them; give registry= for one "
            "of your own.",
        )
    try:
        return construct(card, *values, **by_name)
    except MatbridgeError as error:
        raise MismatchError(f"{text!r} is no layer: {error.what}", mend=error.mend) from None
