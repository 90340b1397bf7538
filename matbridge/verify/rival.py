"""The layers of two networks side by side: which belong together, and what the other gives there.

Exports change names (MATLAB's exporter to ONNX makes conv_1 of conv-1) and tools renumber them, so
layers go together by name, by names that differ in punctuation alone, and then by what they are and
the order in which they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import Size, canonical
from matbridge.core.graph import Port
from matbridge.core.network import Network
from matbridge.core.running import Data
from matbridge.predict.mini_batches import MiniBatches
from matbridge.verify.layers.layouts import Layout, Recorded
from matbridge.verify.layers.walk import Walk

__all__ = ["Alongside", "matched_ports"]


def matched_ports(first: Network, other: Network) -> dict[str, Port]:
    """For ports of the first network, by name and in the order in which data flow, those of the
    other that belong to them."""
    named = _by_name(first, other)
    taken = set(named.values())
    ours = [layer for layer in first.order() if layer.name not in named]
    theirs = [layer for layer in other.order() if layer.name not in taken]
    pairs = {**named, **_by_kind(first, ours, other, theirs)}
    return {
        str(Port(layer.name, port)): Port(pairs[layer.name], match)
        for layer in first.order()
        if layer.name in pairs
        for port, match in zip(layer.outputs, other[pairs[layer.name]].outputs, strict=False)
    }


def _by_name(first: Network, other: Network) -> dict[str, str]:
    """Layers of one name, or of names that are one but for punctuation and case."""
    plain: dict[str, list[str]] = {}
    for layer in other.layers:
        plain.setdefault(_plain(layer.name), []).append(layer.name)
    pairs = {layer.name: layer.name for layer in first.layers if layer.name in other}
    taken = set(pairs.values())
    for layer in first.layers:
        alike = plain.get(_plain(layer.name), [])
        if layer.name not in pairs and len(alike) == 1 and alike[0] not in taken:
            pairs[layer.name] = alike[0]
            taken.add(alike[0])
    return pairs


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


def _by_kind(
    first: Network, ours: Sequence[Layer], other: Network, theirs: Sequence[Layer]
) -> dict[str, str]:
    """Layers of one class that give values of one size, in the order in which they stand."""
    kinds = _kinds(first, ours), _kinds(other, theirs)
    blocks = SequenceMatcher(None, kinds[0], kinds[1], autojunk=False).get_matching_blocks()
    return {ours[a + n].name: theirs[b + n].name for a, b, count in blocks for n in range(count)}


def _kinds(network: Network, layers: Sequence[Layer]) -> list[str]:
    sizes = network.infer()
    ports = [Port(layer.name, layer.outputs[0]) if layer.outputs else None for layer in layers]
    return [
        f"{layer.type_name} {sizes[port] if port and isinstance(sizes[port], Size) else ''}"
        for layer, port in zip(layers, ports, strict=True)
    ]


class Alongside(Mapping[str, Recorded]):
    """What another network gives at its ports, by the names of those that they are matched with.

    It is computed in float64 when it is asked for, and kept no longer than until then: whoever asks
    in the order in which data flow has one value at a time. Raises what Network.predict raises.
    """

    def __init__(self, other: Network, inputs: Sequence[Data], ports: Mapping[str, Port]) -> None:
        self._network, self._ports = other, ports
        self._batches = MiniBatches.of(other, inputs, {})
        self._begin()

    def _begin(self) -> None:
        """From the inputs, as if nothing had been asked for yet."""
        wanted = set(self._ports.values())
        self._walk = Walk(self._network, self._batches, "float64", wanted)
        self._left = iter(self._walk.layers)
        self._waiting: dict[Port, Recorded] = {}

    def __getitem__(self, name: str) -> Recorded:
        port = self._ports[name]
        if port not in self._waiting and not self._reach(port):
            self._begin()
            self._reach(port)
        return self._waiting.pop(port)

    def _reach(self, port: Port) -> bool:
        """Go on to the layer of this port; whether it is still ahead."""
        wanted = set(self._ports.values())
        for layer in self._left:
            self._walk.run(layer)
            for own in (Port(layer.name, name) for name in layer.outputs):
                if own in wanted:
                    self._waiting[own] = self._value(own)
            self._walk.drop(layer)
            if layer.name == port.layer:
                return True
        return False

    def _value(self, port: Port) -> Recorded:
        """As Network.predict would return it of labelled data; no number where observations cannot
        be told apart."""
        own = self._walk.observations(port)
        if own is None:
            return np.empty(0, dtype=str)
        if "T" in own.dims:
            return Layout(own.dims, cells=True).lay(own)
        value = Layout(canonical(own.dims + "B")).lay(own)
        assert isinstance(value, np.ndarray)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._ports)

    def __len__(self) -> int:
        return len(self._ports)
