"""Networks made of a part of a shallow network."""

from __future__ import annotations

import dataclasses

from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.matlab.shallow_back import to_structure
from matbridge.matlab.shallow_cards import to_network
from matbridge.shallow.autoencoder import part_of

__all__ = ["part"]


def part(network: Network, name: str) -> Network:
    """The encoder or decoder of an autoencoder's network: "encode" or "decode".

    Raises MismatchError for another name or another network, UnsupportedError for one that is
    no network object.
    """
    structure = part_of(to_structure(network), name)
    whole = network.provenance
    provenance = dataclasses.replace(whole, address=f"{whole.address}.{name}")
    functions = {layer.class_name: layer.foreign for layer in network.layers if layer.foreign}
    return to_network(structure, Registry.builtin().with_(functions), provenance, network.report)
