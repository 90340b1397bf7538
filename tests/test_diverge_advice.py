"""What to record to know more."""

from matbridge import load
from matbridge.verify.case import Case
from matbridge.verify.fixtures.record import drawn, recorded
from matbridge.verify.layers.diverge import diverge


def test_layers_behind_two_that_fail_are_advised_once(fixtures):
    network = load(fixtures / "unet.mat")
    wrong = network["encoder-2-conv-2"]
    arrays = {**wrong.arrays, "Weights": wrong.arrays["Weights"] * 1.01}
    layers = ("encoder-1-pool", "bridge-relu-2", "decoder-1-relu-2")
    inputs = drawn(network)
    made = recorded(network.with_layers(wrong.replace(arrays=arrays)), inputs, layers=layers)
    case = Case(network, inputs, made.expected, activations=made.activations)
    divergence = diverge(case)
    assert len(divergence.layers) == 2
    assert divergence.advice.count("'encoder-2-conv-2'") == 1
