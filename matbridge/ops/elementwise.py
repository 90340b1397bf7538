"""The vocabulary of element-wise functions: every name that a backend must know."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from matbridge.errors import LayerError

__all__ = ["BINARY", "UNARY", "Elementwise", "check_binary", "check_unary"]


@dataclass(frozen=True)
class Elementwise:
    """One function: its name and the options that it needs or may have."""

    name: str
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


def _table(*functions: Elementwise) -> dict[str, Elementwise]:
    return {function.name: function for function in functions}


# Of one argument: what ``ops.map`` takes.
UNARY = _table(
    Elementwise("negative"),
    Elementwise("exp"),
    Elementwise("log"),
    Elementwise("sqrt"),
    Elementwise("abs"),
    Elementwise("sign"),
    Elementwise("floor"),
    Elementwise("round"),  # half away from zero
    Elementwise("sin"),
    Elementwise("cos"),
    Elementwise("tanh"),
    Elementwise("sigmoid"),
    Elementwise("erf"),
    Elementwise("relu"),
    Elementwise("softplus"),
    Elementwise("softsign"),
    Elementwise("hard-sigmoid"),  # 0.2·x + 0.5 between 0 and 1
    Elementwise("leaky-relu", needs=("scale",)),
    Elementwise("elu", needs=("alpha",)),
    Elementwise("gelu", may=("approximation",)),
    Elementwise("clip", needs=("low", "high")),
    Elementwise("real"),
    Elementwise("imag"),
)

# Of two arguments: what ``ops.binary`` takes; most are words of their own.
BINARY = _table(
    Elementwise("add"),
    Elementwise("subtract"),
    Elementwise("multiply"),
    Elementwise("divide"),
    Elementwise("power"),
    Elementwise("maximum"),  # NaN where either is
    Elementwise("minimum"),
    Elementwise("maximum-number"),  # NaN only where both are
    Elementwise("minimum-number"),
    Elementwise("less"),  # 1 or 0
    Elementwise("equal"),
    Elementwise("complex"),
)


def _known(table: dict[str, Elementwise], name: str) -> Elementwise:
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, 1)
    raise LayerError(
        f"there is no element-wise function {name!r}",
        mend=f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(table)}.",
    )


def check_binary(name: str) -> None:
    """LayerError for a name that is not in the vocabulary of two arguments."""
    _known(BINARY, name)


def check_unary(name: str, options: Iterable[str]) -> None:
    """LayerError for a name that is not in the vocabulary, or options that it does not take."""
    function, present = _known(UNARY, name), set(options)
    if not set(function.needs) <= present <= {*function.needs, *function.may}:
        takes = ", ".join([*function.needs, *(f"{option} (optional)" for option in function.may)])
        raise LayerError(
            f"{name!r} takes {takes or 'no options'}; given: {', '.join(sorted(present)) or 'none'}"
        )
