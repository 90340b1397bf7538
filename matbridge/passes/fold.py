"""Batch normalization taken into the layer before it, for prediction."""

from __future__ import annotations

from collections import Counter

from matbridge.core.card import Layer
from matbridge.core.network import Network, Port

__all__ = ["fold_batch_normalization"]


def fold_batch_normalization(network: Network) -> Network:
    """The same network with each per-channel scale and shift absorbed where it can be.

    A layer can absorb what follows it if nothing else sees its output. Computed in float64,
    so that float32 only rounds once.
    """
    uses = Counter(connection.source for connection in network.connections)
    uses.update(network.outputs)
    sources = network.sources()
    changed: dict[str, Layer] = {}
    for layer in network.order():
        found = layer.scale_and_shift()
        source = sources.get(Port(layer.name, "in"))
        if found is None or source is None or uses[source] != 1:
            continue
        before = changed.get(source.layer, network[source.layer])
        absorbed = before.absorb(*found)
        if absorbed is not None:
            changed[source.layer] = absorbed
            changed[layer.name] = layer.passed()
    return network.with_layers(*changed.values())
