"""Shallow networks of any structure against the equations, in NumPy, torch, ONNX and .pt2."""

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.shallow_network import simulate
from shallow_nets import as_reference, data, network, random_structure, series, several

from matbridge.core.registry import Registry
from matbridge.matlab.shallow_back import to_structure
from matbridge.matlab.shallow_cards import to_network
from matbridge.onnx.write import to_onnx
from matbridge.torch.program import export_program

SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from([(False, False), (False, True), (True, True)])
STEPS = 6


def drawn(seed, feedback, delayed):
    """A network, its data by name and what the equations make of them: an array per output."""
    draw = np.random.default_rng(seed)
    structure = random_structure(draw, feedback, delayed)
    x = series(draw, structure, STEPS)
    y, *_ = simulate(as_reference(structure), x)
    net = network(structure)
    return structure, net, data(net, x), [np.concatenate(part, 1) for part in y]


def assert_equal(found, expected, tolerance=1e-12):
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, abs(b).max()))


@given(SEEDS, KINDS)
@settings(max_examples=400, deadline=None)
def test_any_structure_computes_what_the_equations_say(seed, kind):
    _, net, x, expected = drawn(seed, *kind)
    assert_equal(several(net.predict(x)), expected)


@given(SEEDS, KINDS)
@settings(max_examples=40, deadline=None)
def test_torch_and_onnx_agree_in_double_precision(seed, kind):
    _, net, x, expected = drawn(seed, *kind)
    assert_equal(several(net.predict(x, engine="torch")), expected)
    session = onnxruntime.InferenceSession(to_onnx(net).SerializeToString())
    names = [entry.name for entry in session.get_inputs()]
    feed = {name: batched(net, x[name]) for name in names}
    assert_equal([unbatched(net, y) for y in session.run(None, feed)], expected)


@given(SEEDS, st.booleans())
@settings(max_examples=120, deadline=None)
def test_any_structure_begins_from_its_delay_states(seed, pieces):
    """Also a layer of a loop that others read with delays, whose states stand in two places."""
    draw = np.random.default_rng(seed)
    structure = random_structure(draw, feedback=True)
    x = series(draw, structure, STEPS, samples=2)
    xi, ai = (
        [[draw.normal(size=(part.size, 2)) for _ in range(depth)] for part in parts]
        for parts, depth in (
            (structure.inputs, structure.num_input_delays),
            (structure.layers, structure.num_layer_delays),
        )
    )
    y, *final, _ = simulate(as_reference(structure), x, xi, ai)
    net = network(structure)
    states = {"initial_input_delays": xi, "initial_layer_delays": ai}
    if structure.is_static:
        return
    if pieces:
        session = net.session()
        first = session.predict_and_update_state(*[part[:2] for part in x], **states)
        rest = session.predict_and_update_state(*[part[2:] for part in x])
        outputs = [a + b for a, b in zip(parts(first), parts(rest), strict=True)]
    else:
        simulated = net.predict(*x, **states, final_states=True)
        outputs = parts(simulated.outputs)
        for found, expected in zip(simulated[1:], final, strict=True):
            for own, other in zip(found, expected, strict=True):
                assert_equal(own, other)
    for found, expected in zip(outputs, y, strict=True):
        assert_equal(found, expected)


def parts(result):
    """A list of steps for each output."""
    return list(result) if isinstance(result, tuple) else [result]


def batched(net, array):
    """R×Q as N×C, or R×T as N×C×T."""
    static = net.input_layers[net.input_names[0]].format == "CB"
    return np.ascontiguousarray(array.T if static else array[None])


def unbatched(net, array):
    static = net.input_layers[net.input_names[0]].format == "CB"
    return array.T if static else array[0]


@pytest.mark.parametrize("kind", [(False, False), (False, True), (True, True)])
def test_programs_agree_in_double_precision(kind):
    _, net, x, expected = drawn(11, *kind)
    program = export_program(net).module()
    results = program(*(torch.from_numpy(batched(net, x[name])) for name in net.input_names))
    found = results if isinstance(results, tuple) else (results,)
    assert_equal([unbatched(net, y.numpy()) for y in found], expected)


@given(SEEDS, KINDS)
@settings(max_examples=25, deadline=None)
def test_the_cards_tell_the_structure_again(seed, kind):
    structure, net, x, expected = drawn(seed, *kind)
    again = to_structure(net)
    assert again.input_weights.keys() == structure.input_weights.keys()
    assert again.layer_weights.keys() == structure.layer_weights.keys()
    for word in ("input_weights", "layer_weights"):
        for at, weight in getattr(structure, word).items():
            other = getattr(again, word)[at]
            assert (other.delays, other.function) == (weight.delays, weight.function)
            assert np.array_equal(other.array, weight.array)
    for a, b in zip(again.layers, structure.layers, strict=True):
        assert (a.size, a.transfer, a.net_input) == (b.size, b.transfer, b.net_input)
        assert (a.bias is None) == (b.bias is None)
    twice = to_network(again, Registry.builtin())
    assert [layer.name for layer in twice] == [layer.name for layer in net]
    assert_equal(several(twice.predict(x)), expected)


@given(SEEDS, KINDS)
@settings(max_examples=10, deadline=None)
def test_gradients_flow_to_every_weight_and_come_home(seed, kind):
    structure, net, x, _ = drawn(seed, *kind)
    module = net.to_torch()
    outputs = module(*(torch.from_numpy(batched(net, x[name])) for name in net.input_names))
    sum(y.sum() for y in (outputs if isinstance(outputs, tuple) else (outputs,))).backward()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(2)
    home = to_structure(net.with_weights_from(module))
    for at, weight in structure.layer_weights.items():
        assert np.array_equal(home.layer_weights[at].array, 2 * weight.array)
    for part, layer in zip(home.layers, structure.layers, strict=True):
        if layer.bias is not None:
            assert np.array_equal(part.bias, 2 * layer.bias)
