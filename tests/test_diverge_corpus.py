"""First divergence in real networks: exactly the layer with a planted fault is named."""

import numpy as np
import pytest
from faults import plant

import matbridge
from matbridge.verify.fixtures.record import laid_out, recorded
from matbridge.verify.inputs import draw_inputs
from matbridge.verify.layers.diverge import diverge

# Networks of different families, and where they stand.
FILES = (
    "tfmiot--trainednet.mat:trainedNet",
    "speech-commands--trainednet.mat:trainedNet",
    "latent-control-idea--dlnet.mat:dlnet",
    "transformer-networks-for--transformer-demo.mat:net",
    "lstm--gru-ph-model.mat:GRUPHNet",
    "industrial-machinery-ano--trainednetwork.mat:net",
    "matlab-traffic-data-anal--trainednetwork.mat:trainedNetwork",
    "workshop-embeddedai-with--dlmodel-ref-stackedlstm-projected.mat:recurrentNetProjected",
    "vattuezhuthu-character-r--deepnet.mat:deepnet",
    "fenn--br.mat:net",
)
MOST = 3


@pytest.mark.parametrize("file", FILES)
def test_the_planted_layer_is_named(file, corpus):
    name, _, address = file.partition(":")
    path = corpus / "files" / name
    if not path.exists():
        pytest.skip("the corpus has no such file")
    network = matbridge.load(path, address)
    inputs = [
        laid_out(array, network.input_layers[one].entering.format, network.kind.columns)
        for one, array in zip(network.input_names, draw_inputs(network, 3, steps=20), strict=True)
    ]
    # Another mini-batch size rounds otherwise.
    size = {} if network.kind.columns else {"mini_batch_size": 2}
    case = recorded(network, inputs, "all", **size)
    case = case.replace(options={})
    assert diverge(case).layers == ()
    guilty = [layer for layer in network.order() if layer.learnables()]
    for layer in guilty[:: -(-len(guilty) // MOST)]:
        # Some weights hardly count: near 0, or of units that are saturated.
        assert any(is_named(case, layer.name, seed) for seed in range(1, 9)), layer.name


def is_named(case, name, seed):
    """Whether the fault is seen; where it is, this layer is named."""
    bad = plant(case.network, name, "weight", np.random.default_rng(seed), 0.05)
    groups = diverge(case.replace(network=bad)).groups
    assert all(name in group for group in groups), name
    return bool(groups)
