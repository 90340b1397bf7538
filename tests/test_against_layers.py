"""Two networks layer by layer: what belongs together, and where they part."""

import dataclasses
import gc
import weakref

import numpy as np
import pytest
from deep_graphs import DeepImages, DeepSequences
from faults import plant
from helpers import layer

import matbridge
from matbridge import Network
from matbridge.core.graph import Connection, Port
from matbridge.verify.against import against
from matbridge.verify.rival import Alongside, matched_ports

DEEP = {"images": DeepImages, "sequences": DeepSequences}


def renamed(network, name_of):
    """The same network with other names."""
    names = {one.name: name_of(n, one) for n, one in enumerate(network.layers)}

    def port(end):
        return Port(names[end.layer], end.name)

    return dataclasses.replace(
        network,
        layers=tuple(one.replace(name=names[one.name]) for one in network.layers),
        connections=tuple(
            Connection(port(c.source), port(c.destination)) for c in network.connections
        ),
    )


NAMES = {
    "as they are": lambda n, one: one.name,
    "punctuation": lambda n, one: one.name.replace("_", "-").upper(),
    "numbers": lambda n, one: f"node {n * 7 % 101}",
    "some": lambda n, one: one.name if n % 3 else f"other {n}",
}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("kind", DEEP)
def test_layers_are_matched_and_the_fault_is_named_whatever_they_are_called(kind, names):
    network = DEEP[kind](3, layers=20).network()
    other = renamed(network, NAMES[names])
    matched = matched_ports(network, other)
    assert list(matched) == [one.name for one in network.order()]
    place = {one.name: n for n, one in enumerate(other.layers)}
    assert all(place[port.layer] == network.layers.index(network[name])
               for name, port in matched.items())  # fmt: skip
    assert against(network, other).divergence is None
    draw = np.random.default_rng(0)
    for guilty in [one for one in network.order() if one.learnables()][1:12:6]:
        bad = plant(other, other.layers[network.layers.index(guilty)].name, "weight", draw, 0.5)
        divergence = against(network, bad).divergence
        assert [one.layer for one in divergence.layers] == [guilty.name]


def test_the_name_in_the_other_network_is_told():
    network = DeepImages(3, layers=12).network()
    verification = against(network, renamed(network, NAMES["numbers"]))
    first = verification.layers[1]
    assert first.note == f"node {7} in the other network"


def test_layers_of_other_kinds_or_sizes_do_not_belong_together():
    entry = layer("featureInputLayer", 3, Name="x")
    one = Network.of([entry, dense(4, 3, "a"), layer("tanhLayer", Name="t"), dense(2, 4, "b")])
    other = Network.of([entry, dense(5, 3, "p"), layer("reluLayer", Name="q"), dense(2, 5, "r")])
    assert {name: str(port) for name, port in matched_ports(one, other).items()} == {
        "x": "x",
        "b": "r",
    }
    verification = against(one, other)
    assert verification.verdict == "different"
    assert verification.divergence.groups == (("a", "t", "b"),)


def dense(outputs, inputs, name):
    W = np.random.default_rng(outputs).standard_normal((outputs, inputs))
    return layer("fullyConnectedLayer", outputs, Weights=W, Bias=W[:, :1], Name=name)


def test_onnx_files_are_compared_layer_by_layer(tmp_path):
    network = DeepImages(3, layers=30).network()
    bad = plant(network, "convolution_1", "weight", np.random.default_rng(0), 0.01)
    bad.save(tmp_path / "bad.onnx")
    network.save(tmp_path / "good.onnx")
    good = against(network, matbridge.load(tmp_path / "good.onnx"))
    assert good.verdict in ("identical", "rounding")
    assert len(good.layers) > 20
    divergence = against(network, matbridge.load(tmp_path / "bad.onnx")).divergence
    assert [one.layer for one in divergence.layers] == ["convolution_1"]


@pytest.mark.parametrize("kind", DEEP)
def test_one_value_of_the_other_network_is_held_at_a_time(kind):
    deep = DEEP[kind](1, layers=30)
    network, x = deep.network(), deep.observations()
    ports = matched_ports(network, network)
    theirs = Alongside(network, (x,), ports)
    held = []
    for name in ports:
        value = theirs[name]
        parts = value if isinstance(value, list) else [value]
        held += [weakref.ref(part) for part in parts]
        del value, parts
        if any(ref() is not None for ref in held):
            gc.collect()
        # Those of branches wait until they are asked for.
        assert sum(ref() is not None for ref in held) == 0
        assert len(theirs._waiting) <= 4
    # Asked for once more they are computed once more.
    again = theirs[next(iter(ports))]
    assert len(again)
    assert len(theirs) == len(list(theirs)) == len(ports)
