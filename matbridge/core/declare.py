"""What a card declares: its arrays and properties, and how it is known what it computes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from matbridge.core.dims import Size
from matbridge.core.kinds import Kind, Ranked, kind_of
from matbridge.errors import LayerError

__all__ = [
    "CHANNEL",
    "DOCUMENTATION",
    "EQUATION",
    "EXPORTED",
    "RECORDED",
    "Array",
    "Property",
    "check_declared",
    "constant",
    "learnable",
    "prop",
    "settle_ranks",
    "state",
    "statistic",
]

# Kinds of evidence, the strongest first.
RECORDED = "MATLAB's numbers"
EXPORTED = "ONNX parity"
DOCUMENTATION = "documentation"
EQUATION = "equation only"

# The declared size of an array with one value per channel: saved as 1×1×C or C×1,
# depending on the format that the layer was trained with.
CHANNEL = "per channel"


@dataclass(frozen=True)
class Array:
    """The declaration of one array of a layer.

    ``role`` is "learnable" (trained), "state" (changes with the data), "statistic" (moves
    in training) or "constant".
    ``sizes`` are MATLAB's own symbols: ``("4*NumHiddenUnits", "InputSize")``. ``dims``
    labels the dimensions for ``forward``: O output, I input, G group, and the data
    labels; one S stands for as many as the layer has. ``empty`` arrays may have no elements:
    elsewhere these are arrays that training never made.
    """

    name: str
    sizes: tuple[str, ...]
    dims: str
    role: str
    optional: bool = False
    empty: bool = False

    @property
    def shown(self) -> str:
        return "×".join(self.sizes)

    def view(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], str]:
        """The shape and dims in which ``forward`` sees an array of this shape."""
        if len(self.dims) == 1:
            return (math.prod(shape),), self.dims
        if "S" in self.dims:
            return shape, self.dims.replace("S", "S" * (len(shape) - len(self.dims) + 1))
        extra = len(shape) - len(self.dims)
        # Leading ones (1×1×C) go; trailing ones, which MATLAB drops, come back.
        return (shape[extra:] if extra > 0 else shape + (1,) * -extra), self.dims

    def expands(self, shape: tuple[int, ...], x: Size) -> bool:
        """Whether an array of this shape over S and C expands to an input of this size."""
        sizes, dims = self.view(shape)
        spatial = [n for n, label in zip(sizes, dims, strict=True) if label == "S"]
        if len(spatial) > len(x.spatial) and set(spatial) != {1}:
            return False
        pairs = [*zip(spatial, x.spatial, strict=False)]
        if "C" in dims:
            pairs.append((sizes[dims.index("C")], x["C"] if "C" in x.format else 1))
        return all(n == 1 or m is None or n == m for n, m in pairs)


def learnable(
    name: str, *sizes: str, dims: str, optional: bool = False, empty: bool = False
) -> Array:
    """An array that training changes, such as Weights."""
    return Array(name, sizes, dims, "learnable", optional, empty)


def state(name: str, *sizes: str, dims: str) -> Array:
    """An array that the data change, such as HiddenState."""
    return Array(name, sizes, dims, "state", True)


def statistic(name: str, *sizes: str, dims: str) -> Array:
    """An array that training collects, such as TrainedMean."""
    return Array(name, sizes, dims, "statistic")


def constant(
    name: str, *sizes: str, dims: str, empty: bool = False, optional: bool = True
) -> Array:
    """An array that nothing changes, such as the Mean of an input layer."""
    return Array(name, sizes, dims, "constant", optional, empty)


@dataclass(frozen=True)
class Property:
    """The declaration of one property: its MATLAB name and where it is found.

    ``arg`` is the place among the constructor's positional arguments (from 1), or None for
    a name-value argument; ``saved`` is the name in a saved object where it differs.
    """

    name: str
    kind: Kind[Any]
    arg: int | None = None
    saved: str = ""
    required: bool = False
    ranked: Ranked | None = None
    default: object = None


def prop(
    name: str,
    kind: Kind[Any] | Ranked | Callable[[Any], object],
    *,
    arg: int | None = None,
    saved: str = "",
    **default: object,
) -> Any:
    """Declare a property of a card; give ``default=`` unless the layer needs a value.

    The default is what a constructor would take. A plain function from what MATLAB saves to
    what the card holds serves as a kind.
    """
    ranked = kind if isinstance(kind, Ranked) else None
    settled = kind.of(1) if isinstance(kind, Ranked) else kind_of(kind)
    known = Property(name, settled, arg, saved or name, not default, ranked, default.get("default"))
    return _field_of(known)


def _field_of(known: Property) -> object:
    metadata = {"matlab": known}
    if known.required:
        return field(kw_only=True, metadata=metadata)
    default = None if known.default is None else known.kind(known.default)
    if isinstance(default, np.ndarray):
        # A default without a hash, as an array is, dataclass refuses.
        return field(kw_only=True, metadata=metadata, default_factory=lambda: default)
    return field(kw_only=True, metadata=metadata, default=default)


def settle_ranks(card: type) -> None:
    """Properties that depend on the rank of a window, its own and inherited, at the card's."""
    fields: dict[str, Any] = {}
    # The nearest last, whose declaration counts.
    for base in reversed(card.__mro__[1:]):
        fields |= vars(base).get("__dataclass_fields__", {})
    fields |= vars(card)
    for name, declared in fields.items():
        known = declared.metadata.get("matlab") if isinstance(declared, dataclasses.Field) else None
        if known is not None and known.ranked is not None:
            kind = known.ranked.of(getattr(card, "RANK", 1))
            # To dataclass() a field is what the class itself annotates.
            card.__annotations__.setdefault(name, declared.type)
            setattr(card, name, _field_of(dataclasses.replace(known, kind=kind)))


KINDS = {str: "text", Array: "arrays"}
# What a card says in tuples, and of what.
TUPLES: dict[str, type] = {
    "MATLAB": str,
    "ARRAYS": Array,
    "INPUTS": str,
    "OUTPUTS": str,
    "TRAINING": str,
    "STATISTICS": str,
}


def check_declared(card: type, properties: Iterable[Property]) -> None:
    """Raise LayerError where a card declares what cannot be meant, as its class is made."""
    name = card.__name__
    for attribute, kind in TUPLES.items():
        values = getattr(card, attribute)
        if not isinstance(values, tuple | list) or not all(isinstance(v, kind) for v in values):
            raise LayerError(
                f"{attribute} of the card {name} is no tuple of {KINDS[kind]}",
                mend=f"One alone needs a comma too: {attribute} = (..., ).",
            )
    places = sorted(known.arg for known in properties if known.arg is not None)
    if places != list(range(1, len(places) + 1)):
        raise LayerError(
            f"the positional arguments of the card {name} are at {places}",
            mend="arg= counts them from 1, each once.",
        )
