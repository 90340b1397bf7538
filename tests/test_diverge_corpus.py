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
MOST = 5


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
    for layer in guilty[:: max(len(guilty) // MOST, 1)]:
        bad = plant(network, layer.name, "weight", np.random.default_rng(1), 0.05)
        divergence = diverge(case.replace(network=bad))
        assert all(layer.name in group for group in divergence.groups), layer.name
        assert divergence.groups, layer.name
