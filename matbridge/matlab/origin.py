"""What a layer's object was in its file, kept so that the same object can be written again.

The numbers of learnables and states are the layer's own: in the kept tree a placeholder of the
same size and type, which takes no memory, stands where each was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeGuard

import numpy as np

from matbridge.matlab.file.values import MatObject

__all__ = ["filled", "is_placeholder", "is_whole", "kept", "placeholder", "wrapped"]


Shaped = Callable[[np.ndarray, tuple[int, ...]], np.ndarray]


def placeholder(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of this size and type whose elements are all the same one."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def is_placeholder(value: object) -> TypeGuard[np.ndarray]:
    """Whether this stands for an array that the layer itself keeps."""
    return (
        isinstance(value, np.ndarray)
        and value.ndim > 0
        and value.size > 0
        and not any(value.strides)
    )


def is_whole(tree: object) -> bool:
    """Whether no placeholder stands in this tree."""
    if isinstance(tree, dict):
        return all(map(is_whole, tree.values()))
    return not is_placeholder(tree)


def kept(origin: MatObject, arrays: Iterable[np.ndarray]) -> MatObject:
    """The object with placeholders for these arrays, which its layer keeps."""
    held, known = tuple(arrays), dict[int, object]()
    return wrapped(
        origin, {name: _without(value, held, known) for name, value in origin.saved.items()}
    )


def _without(value: object, held: tuple[np.ndarray, ...], known: dict[int, object]) -> object:
    """The tree with placeholders; ``known`` are the structs that stand in it more than once."""
    if isinstance(value, dict):
        if id(value) not in known:
            known[id(value)] = {k: _without(inner, held, known) for k, inner in value.items()}
        return known[id(value)]
    # By memory: the layer keeps views of what was read.
    if isinstance(value, np.ndarray) and any(np.may_share_memory(value, a) for a in held):
        return placeholder(value.shape, value.dtype)
    return value


def filled(origin: object, now: object, shaped: Shaped) -> object:
    """The kept tree, the numbers of its arrays as they are in the tree ``now``.

    ``shaped`` brings an array to the size that it had in the file.
    """
    if is_placeholder(origin):
        array = now.get("Value") if isinstance(now, dict) else now
        if isinstance(array, np.ndarray) and array.size == origin.size:
            return shaped(array, origin.shape)
        return origin
    if isinstance(origin, dict):
        inner = now if isinstance(now, dict) else {"Value": now}
        return {name: filled(value, inner.get(name), shaped) for name, value in origin.items()}
    return origin


def wrapped(origin: MatObject, saved: dict[str, object]) -> MatObject:
    """An object of the same class that keeps ``saved`` in the same way."""
    inside = origin.saved is origin.properties.get("any")
    properties = {**origin.properties, "any": saved} if inside else saved
    return MatObject(origin.class_name, properties, origin.saveobj, origin.old_style)
