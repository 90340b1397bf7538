"""The torch module: trainable, in MATLAB's layout, and the way home."""

import numpy as np
import pytest
import torch
from helpers import assert_close, layer

import matbridge
from matbridge import MismatchError, Network


@pytest.fixture
def network(fixtures):
    return matbridge.load(fixtures / "lstm_classifier.mat")


def test_parameters_have_matlabs_names_and_layout(network):
    module = network.to_torch()
    parameters = dict(module.named_parameters())
    assert list(parameters) == [
        "lstm.InputWeights",
        "lstm.RecurrentWeights",
        "lstm.Bias",
        "fc.Weights",
        "fc.Bias",
    ]
    found = parameters["lstm.InputWeights"].detach().numpy()
    assert np.array_equal(found, network["lstm"].arrays["InputWeights"])
    assert "sequenceinput.Mean" in dict(module.named_buffers())


def test_it_trains_and_the_weights_go_home(network):
    module = network.to_torch()
    module.train()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    torch.manual_seed(0)
    x, target = torch.randn(8, 4, 6), torch.randint(0, 3, (8,))
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.nll_loss(module(x).log(), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    trained = network.with_weights_from(module)
    assert not np.array_equal(trained["fc"].arrays["Weights"], network["fc"].arrays["Weights"])
    module.eval()
    expected = module(x).detach().numpy()
    assert_close(trained.predict(list(x.numpy())), expected, 1e-6)


def test_nothing_trained_is_bit_for_bit(network):
    back = network.with_weights_from(network.to_torch())
    for old, new in zip(network.layers, back.layers, strict=True):
        for name, array in old.arrays.items():
            assert new.arrays[name] is array


def test_float64_arrays_survive_a_float32_module():
    mean = np.array([[1 / 3], [2 / 3]])
    network = Network.of([layer("sequenceInputLayer", 2, Normalization="zerocenter", Mean=mean)])
    back = network.with_weights_from(network.to_torch())
    assert np.array_equal(back["sequenceinput"].arrays["Mean"], mean)


def test_batch_normalization_learns_its_statistics():
    arrays = {"Offset": np.zeros((2, 1)), "Scale": np.ones((2, 1))}
    arrays |= {"TrainedMean": np.zeros((2, 1)), "TrainedVariance": np.ones((2, 1))}
    network = Network.of(
        [layer("featureInputLayer", 2), layer("batchNormalizationLayer", **arrays, Name="bn")]
    )
    module = network.to_torch()
    x = torch.randn(64, 2) * 3 + 5
    before = module(x)
    assert torch.allclose(before, x / np.sqrt(1 + 1e-5))
    module.train()
    y = module(x)
    assert torch.allclose(y.mean(0), torch.zeros(2), atol=1e-5)
    home = network.with_weights_from(module)["bn"].arrays
    # MeanDecay and VarianceDecay are 0.1.
    expected = 0.1 * x.mean(0).numpy()
    assert_close(home["TrainedMean"].reshape(-1), expected, 1e-5)
    expected = 0.9 + 0.1 * x.var(0, unbiased=False).numpy()
    assert_close(home["TrainedVariance"].reshape(-1), expected, 1e-5)


def test_dropout_only_in_training():
    network = Network.of([layer("featureInputLayer", 1000), layer("dropoutLayer", 0.25)])
    module = network.to_torch()
    x = torch.ones(4, 1000)
    assert torch.equal(module(x), x)
    module.train()
    y = module(x)
    assert y.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert abs((y == 0).float().mean().item() - 0.25) < 0.05


def test_names_that_torch_would_refuse():
    layers = [
        layer("featureInputLayer", 2, Name="in.put"),
        layer("fullyConnectedLayer", 2, Weights=np.eye(2), Bias=[0, 0], Name="forward"),
        layer("fullyConnectedLayer", 2, Weights=np.eye(2), Bias=[0, 0], Name="a.b"),
        layer("fullyConnectedLayer", 2, Weights=np.eye(2), Bias=[0, 0], Name="a_b"),
    ]
    network = Network.of(layers)
    module = network.to_torch()
    names = {name.rpartition(".")[0] for name, _ in module.named_parameters()}
    assert names == {"forward_", "a_b_2", "a_b"}
    assert torch.equal(module(torch.ones(1, 2)), torch.ones(1, 2))
    network.with_weights_from(module)


def test_only_a_module_of_ours_has_weights_to_give(network):
    with pytest.raises(MismatchError, match="to_torch"):
        network.with_weights_from(torch.nn.Linear(2, 2))


def test_the_number_of_inputs_is_checked(network):
    with pytest.raises(MismatchError, match="1 inputs, 2 were given"):
        network.to_torch()(torch.zeros(1, 4, 3), torch.zeros(1))


def test_state_dicts_travel(network):
    module, other = network.to_torch(), network.to_torch()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(0.5)
    other.load_state_dict(module.state_dict())
    x = torch.randn(2, 4, 5)
    assert torch.equal(module(x), other(x))


def test_float32_is_exact_again_after_a_prediction(network):
    before = torch.backends.cudnn.allow_tf32
    network.predict(np.zeros((4, 3)))
    assert torch.backends.cudnn.allow_tf32 is before


def test_a_module_shows_its_layers_and_sizes(network):
    shown = str(network.to_torch())
    assert "batch×channels×time; torch.float32 on cpu" in shown
    for layer_, (name, array) in (
        (one, pair) for one in network.layers for pair in one.learnables().items()
    ):
        size = "×".join(map(str, array.shape))
        assert f"({layer_.name}): {layer_.type_name}(" in shown
        assert f"{name} {size}" in shown
