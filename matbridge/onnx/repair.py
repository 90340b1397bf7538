"""Placeholders of an ONNX file, filled from the network that it was exported from."""

from __future__ import annotations

import re

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.text import listed

__all__ = ["differing", "fillings", "unread"]


def unread(network: Network) -> tuple[str, ...]:
    """The names of the layers of which the file does not say what they compute."""
    return tuple(layer.name for layer in network.layers if not layer.known)


def fillings(network: Network, original: Network) -> dict[str, Layer]:
    """For each such layer the original one of its name. Raises MismatchError where there is none,
    or none that is known."""
    named = {_exported(layer.name): layer for layer in original.layers}
    absent = [name for name in unread(network) if name not in named]
    if absent:
        raise MismatchError(
            f"the original network has no layer {listed(absent)}",
            mend=f"Its layers are {listed(named)}. Say what they were by replace=.",
        )
    found = {name: named[name] for name in unread(network)}
    for name, layer in found.items():
        if not layer.known:
            raise MismatchError(
                f"{name} is {layer.type_name} in the original network, for which there is no card",
                mend="Give one with registry=[Card].",
            )
    return found


def differing(network: Network, original: Network) -> list[str]:
    """The learnables, as "fc_1.Weights", that both have by name and that are not the same: then it
    is hardly the network that was exported."""
    named = {_exported(layer.name): layer.learnables() for layer in original.layers}
    return [
        f"{layer.name}.{array}"
        for layer in network.layers
        for array, ours in layer.learnables().items()
        if not _same(ours, named.get(layer.name, {}).get(array))
    ]


def _same(ours: np.ndarray, theirs: np.ndarray | None) -> bool:
    if theirs is None:
        return True
    return ours.size == theirs.size and np.array_equal(
        np.sort(ours, axis=None).astype(np.float32), np.sort(theirs, axis=None).astype(np.float32)
    )


def _exported(name: str) -> str:
    """The name as MATLAB's exporter writes it: letters, digits and "_"."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)
