"""The signatures of MATLAB's constructors, from the declarations of the cards."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.declare import Property

__all__ = ["array_names", "signature", "stub"]

STUB = '''"""MATLAB's constructors, for editors. Written by ``python scripts/make_docs.py``."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from matbridge.core.card import Layer

CONSTRUCTORS: dict[str, type[Layer]]

def construct(card: type[Layer], *positional: Any, **named: Any) -> Layer: ...
'''


class Elsewhere:
    """A default that is too long for a signature: the layer's page tells it."""

    def __repr__(self) -> str:
        return "..."


ELSEWHERE = Elsewhere()


class Hint(str):
    """The text of an annotation, shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def array_names(card: type[Layer]) -> tuple[str, ...]:
    """The arrays that a constructor takes by name."""
    declared = (array.name for array in card.ARRAYS)
    return tuple(dict.fromkeys((*declared, *card.STATISTICS)))


def signature(card: type[Layer]) -> Signature:
    """MATLAB's positional arguments in order, then name-value arguments with their defaults."""
    properties = sorted(card.properties().values(), key=lambda known: known.arg or 0)
    positional = [known for known in properties if known.arg is not None]
    named = [known for known in properties if known.arg is None]
    place = Parameter.VAR_POSITIONAL if card.LISTED else Parameter.POSITIONAL_ONLY
    parameters = [_parameter(known, place) for known in positional]
    parameters += [_parameter(known, Parameter.KEYWORD_ONLY) for known in named]
    parameters += [_optional(name, "ArrayLike | None", None) for name in array_names(card)]
    return Signature([*parameters, _optional("Name", "str", "")], return_annotation=Layer)


def _parameter(known: Property, kind: Any) -> Parameter:
    name = known.name
    if kind is not Parameter.KEYWORD_ONLY:
        # As MATLAB's pages write them: numHiddenUnits.
        name = name[:1].lower() + name[1:]
    default = known.default
    if known.required or kind is Parameter.VAR_POSITIONAL:
        default = Parameter.empty
    elif isinstance(default, np.ndarray):
        default = ELSEWHERE
    return Parameter(name, kind, default=default, annotation=Hint(known.kind.hint))


def _optional(name: str, hint: str, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Hint(hint))


def stub(constructors: Iterable[tuple[str, type[Layer]]]) -> str:
    """The stub of ``matbridge.matlab``; layers of importers, which have no name in it, are out."""
    plain = sorted((name, card) for name, card in constructors if name.isidentifier())
    return STUB + "".join(_stub_of(name, card) for name, card in plain)


def _stub_of(name: str, card: type[Layer]) -> str:
    lines = [f"def {name}("]
    kinds = signature(card).parameters.values()
    positional = [p for p in kinds if p.kind is Parameter.POSITIONAL_ONLY]
    listed = any(p.kind is Parameter.VAR_POSITIONAL for p in kinds)
    lines += [f"    {p}," for p in positional]
    lines += ["    /,"] if positional else []
    lines += [] if listed else ["    *,"]
    lines += [f"    {p}," for p in kinds if p not in positional]
    first = (inspect.getdoc(card) or "").splitlines()[0]
    return "\n".join(["", *lines, ") -> Layer:", f"    {first!r}", ""])
