"""First divergence: of a deep graph exactly the layer is named in which a fault was planted."""

import functools

import numpy as np
import pytest
from deep_graphs import DeepImages, DeepSequences, record_images, record_sequences
from faults import FAULTS, faults_of, plant
from hypothesis import given, settings
from hypothesis import strategies as st

from matbridge.verify.case import Case
from matbridge.verify.layers.diverge import diverge
from matbridge.verify.layers.judging import judge_layers

KINDS = {"images": (DeepImages, record_images), "sequences": (DeepSequences, record_sequences)}
SEEDS = range(4)


@functools.cache
def recorded(kind, seed):
    """A graph of more than sixty layers, and what the NumPy reference gives at each, in float32."""
    build, record = KINDS[kind]
    deep = build(seed)
    x = deep.observations()
    activations = record(deep, x)
    network = deep.network()
    assert len(network) > 60
    return Case(network, (x,), (activations[deep.last],), activations=activations)


def named(case, network=None, **changes):
    """The layers in which a network parts from what was recorded."""
    divergence = diverge(case.replace(network=network or case.network, **changes))
    return [judgement.layer for judgement in divergence.layers]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_of_a_right_network_no_layer_is_named(kind, seed):
    case = recorded(kind, seed)
    judgements = list(judge_layers(case))
    assert [one.layer for one in judgements] == [layer.name for layer in case.network.order()]
    assert {one.verdict for one in judgements} <= {"identical", "rounding"}
    assert named(case) == []
    assert diverge(case).advice == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_each_kind_in_a_layer_of_each_type_names_exactly_that_layer(kind):
    case, draw = recorded(kind, 1), np.random.default_rng(0)
    chosen = {(layer.type_name, f): layer for layer in case.network for f in faults_of(layer)}
    assert len({fault for _, fault in chosen}) >= 4
    for (_, fault), layer in chosen.items():
        assert named(case, plant(case.network, layer.name, fault, draw)) == [layer.name], fault


@settings(max_examples=25)
@given(st.sampled_from(list(KINDS)), st.sampled_from(SEEDS), st.data())
def test_a_fault_in_any_layer_names_exactly_that_layer(kind, seed, data):
    case = recorded(kind, seed)
    layer = data.draw(st.sampled_from(case.network.layers))
    fault = data.draw(st.sampled_from(faults_of(layer)))
    draw = np.random.default_rng(data.draw(st.integers(0, 99)))
    assert named(case, plant(case.network, layer.name, fault, draw)) == [layer.name]


def test_every_layer_of_the_graphs_can_have_a_fault():
    layers = [layer for kind in KINDS for seed in SEEDS for layer in recorded(kind, seed).network]
    assert all(map(faults_of, layers))
    assert {fault for layer in layers for fault in faults_of(layer)} == set(FAULTS)
