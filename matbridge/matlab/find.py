"""Where the networks of a file are: variables, fields, cells, inside objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from matbridge.core.classes import CLASSES
from matbridge.core.registry import Registry
from matbridge.matlab.file.values import (
    Cell,
    FunctionHandle,
    MatObject,
    ObjectArray,
    StructArray,
    Table,
)
from matbridge.matlab.shallow import is_shallow
from matbridge.matlab.weights import is_weights

__all__ = ["Found", "find_networks", "is_layer", "is_object"]

LAYER_PACKAGES = ("nnet.cnn.layer.", "nnet.onnx.layer.", "nnet.keras.layer.", "rl.layer.")


# What networks stand in.
SEARCHED = (MatObject, dict, list, FunctionHandle, Table)


@dataclass(frozen=True)
class Found:
    """A network as the file holds it, and its address, such as ``agent.Actor.Model``."""

    address: str
    value: object
    # The other properties of the object or fields of the struct that holds it.
    beside: Mapping[str, object] = field(default_factory=dict)


def is_layer(value: object, registry: Registry) -> bool:
    """Whether this is a layer object, as far as its class tells."""
    if not isinstance(value, MatObject):
        return False
    name = value.class_name
    return name.startswith(LAYER_PACKAGES) or registry.find(name) is not None


def find_networks(
    value: object, address: str, registry: Registry, barren: set[int] | None = None
) -> Iterator[Found]:
    """Every network in a plain value, depth first; nothing inside a network is searched.

    ``barren`` gathers the objects, by identity, in which there are none, and which need not
    be searched again.
    """
    place = Found(address, value)
    yield from _search(place, registry, set(), set() if barren is None else barren)


def _search(place: Found, registry: Registry, seen: set[int], barren: set[int]) -> Iterator[Found]:
    value = place.value
    if not isinstance(value, SEARCHED) or id(value) in seen or id(value) in barren:
        return
    seen.add(id(value))
    if _is_network(value, registry):
        yield place
        return
    empty = True
    beside = value.saved if isinstance(value, MatObject) else value
    for step, inner in _steps(value):
        # What a model's predictFcn captured is the model once more.
        if isinstance(inner, FunctionHandle) and not empty:
            continue
        inside = Found(place.address + step, inner, beside if isinstance(beside, dict) else {})
        for network in _search(inside, registry, seen, barren):
            empty = False
            yield network
    # Structs, cells and old-style objects are read anew for each variable, and let go; an
    # object that the file keeps may stand in many.
    if empty and isinstance(value, MatObject) and not value.old_style:
        barren.add(id(value))


def _is_network(value: object, registry: Registry) -> bool:
    if isinstance(value, ObjectArray):
        layers = [v for v in value if isinstance(v, MatObject)]
        return bool(layers) and any(is_layer(v, registry) for v in layers)
    if is_weights(value, registry):
        return True
    return is_shallow(value) or (isinstance(value, MatObject) and value.class_name in CLASSES)


def is_object(value: object) -> bool:
    """Whether a network found is an object of MATLAB's, not a plain export."""
    return isinstance(value, MatObject | ObjectArray)


def _steps(value: object) -> Iterator[tuple[str, object]]:
    """What stands in a value, function handles last."""
    steps = list(_all_steps(value))
    yield from (pair for pair in steps if not isinstance(pair[1], FunctionHandle))
    yield from (pair for pair in steps if isinstance(pair[1], FunctionHandle))


def _all_steps(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, MatObject):
        # What saveobj wrote is no step of its own: agent.Actor.Model, not agent.any.Actor.
        for name, inner in value.properties.items():
            if name == "any" and isinstance(inner, dict):
                yield from ((f".{n}", v) for n, v in inner.items())
            else:
                yield f".{name}", inner
    elif isinstance(value, dict | FunctionHandle):
        fields = value.workspace if isinstance(value, FunctionHandle) else value
        yield from ((f".{name}", inner) for name, inner in fields.items())
    elif isinstance(value, Cell):
        yield from ((f"{{{i}}}", inner) for i, inner in enumerate(value, 1))
    elif isinstance(value, StructArray | ObjectArray):
        yield from ((f"({i})", inner) for i, inner in enumerate(value, 1))
