"""Maps of neurons against the documentation's definitions, written out; and what inspect tells."""

import itertools
import math

import numpy as np
import pytest
from shallow_forms import structure_of

from matbridge.core.registry import Registry
from matbridge.matlab.shallow_cards import to_network
from matbridge.shallow.structure import LayerPart
from matbridge.shallow.topology import DISTANCES, POSITIONS, about_map

GRIDS = [(5,), (3, 4), (4, 3), (2, 3, 2)]


@pytest.mark.parametrize("dimensions", GRIDS)
def test_grids(dimensions):
    """Neuron after neuron, the first dimension fastest."""
    found = POSITIONS["gridtop"](dimensions)
    neurons = itertools.product(*(range(n) for n in reversed(dimensions)))
    assert found.T.tolist() == [list(reversed(neuron)) for neuron in neurons]


def test_hexagons():
    found = POSITIONS["hextop"]((3, 3))
    rise = math.sqrt(3) / 2
    rows = [[[x + (y % 2) / 2, y * rise] for x in range(3)] for y in range(3)]
    assert np.allclose(found.T, np.array(rows).reshape(-1, 2), atol=1e-15)
    assert POSITIONS["hextop"]((2, 2, 2)) is None


def links(positions):
    """The documentation's definition: 1 for neighbours, one more for their neighbours, ..."""
    count = positions.shape[1]
    near = [
        {
            j
            for j in range(count)
            if j != i and math.dist(positions[:, i], positions[:, j]) <= 1 + 1e-8
        }
        for i in range(count)
    ]
    found = np.full((count, count), float(count))
    for i in range(count):
        ring, steps, seen = {i}, 0, set()
        while ring:
            for j in ring:
                found[i, j] = steps
            seen |= ring
            ring = set().union(*(near[j] for j in ring)) - seen
            steps += 1
    return found


@pytest.mark.parametrize("dimensions", GRIDS)
@pytest.mark.parametrize("topology", ["gridtop", "hextop"])
def test_distances(dimensions, topology):
    positions = POSITIONS[topology](dimensions)
    if positions is None:
        return
    pairs = list(itertools.product(positions.T, repeat=2))
    count = positions.shape[1]

    def table(function):
        return np.array([function(a, b) for a, b in pairs]).reshape(count, count)

    assert np.allclose(DISTANCES["dist"](positions), table(math.dist), atol=1e-14)
    assert np.allclose(DISTANCES["boxdist"](positions), table(lambda a, b: max(abs(a - b))))
    assert np.allclose(DISTANCES["mandist"](positions), table(lambda a, b: sum(abs(a - b))))
    assert np.array_equal(DISTANCES["linkdist"](positions), links(positions))


def test_neurons_without_a_way_are_as_far_as_there_are_neurons():
    positions = np.array([[0.0, 1.0, 5.0]])
    assert DISTANCES["linkdist"](positions).tolist() == [[0, 1, 3], [1, 0, 3], [3, 3, 0]]


def test_inspect_tells_the_map():
    positions = POSITIONS["hextop"]((3, 2))
    topology = {
        "dimensions": np.array([[3.0, 2.0]]),
        "topologyFcn": "hextop",
        "distanceFcn": "linkdist",
        "positions": positions,
        "distances": DISTANCES["linkdist"](positions),
    }
    example = {
        "inputs": [{"size": 4}],
        "layers": [{"size": 6, "transfer": "compet"}],
        "input_weights": {(1, 1): {"array": np.ones((6, 4)), "function": "negdist"}},
        "layer_weights": {},
        "outputs": [{"layer": 1}],
    }
    structure = structure_of(example)
    structure = structure.replace(layers=(LayerPart(6, "compet", topology=topology),))
    text = to_network(structure, Registry.builtin()).summary()
    assert "Map 3×2 hextop, linkdist up to 3" in text


@pytest.mark.parametrize(
    ("topology", "words"),
    [
        ({}, ""),
        ({"dimensions": np.array([[8.0]]), "topologyFcn": "", "distanceFcn": ""}, ""),
        ({"dimensions": np.array([[8.0]]), "topologyFcn": "randtop"}, "8 randtop"),
        ({"dimensions": np.zeros((0, 0)), "topologyFcn": "hextop"}, ""),
        ({"dimensions": np.array([[8.0]]), "topologyFcn": np.ones(3)}, ""),
    ],
)
def test_a_map_in_few_words(topology, words):
    assert about_map(topology) == words
