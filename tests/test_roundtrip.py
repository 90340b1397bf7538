"""The check after writing: every array that matters is noticed, and nothing else."""

import numpy as np
import pytest
from conftest import FIXTURES
from helpers import layer

import matbridge
from matbridge import Network, languages
from matbridge.core.writing import Writing
from matbridge.onnx.engine import run_onnx
from matbridge.onnx.save import save_onnx
from matbridge.torch.program import run_program, write_program
from matbridge.torch.trace import trace
from matbridge.verify.inputs import draw_inputs
from matbridge.verify.roundtrip import DifferenceError, check

NAMES = sorted(path.stem for path in FIXTURES.glob("*.mat"))


def corrupted(network):
    """The network with one array at a time 10 % larger, or a bias zeroed."""
    for one in network.layers:
        for name, array in one.arrays.items():
            if name not in {declared.name for declared in one.declared} or not array.any():
                continue
            wrong = array * (0 if name in ("Bias", "Offset") else array.dtype.type(1.1))
            changed = one.replace(arrays={**one.arrays, name: wrong})
            yield f"{one.name}.{name}", network.with_layers(changed)


def has_no_influence(network, wrong, inputs):
    """Whether in float64 the array changes nothing at any port but by rounding."""
    a, b = (trace(one, inputs, "float64") for one in (network, wrong))
    return all(np.abs(a[port] - b[port]).max() <= 1e-13 * np.abs(a[port]).max() for port in a)


def unnoticed(network, run):
    """The arrays whose corruption passes the check, less those that have no influence."""
    inputs, missed = draw_inputs(network), []
    for name, wrong in corrupted(network):
        try:
            check(network, None, run(wrong), None)
        except DifferenceError:
            continue
        if not has_no_influence(network, wrong, inputs):
            missed.append(name)
    return missed


@pytest.mark.parametrize("name", NAMES)
def test_every_corrupted_array_is_noticed(name):
    network = matbridge.load(FIXTURES / f"{name}.mat")
    assert not unnoticed(network, lambda wrong: lambda path, x: trace(wrong, x, "float32"))


@pytest.mark.parametrize("name", ["cnn", "dag", "gru_regressor"])
def test_every_corrupted_array_is_noticed_in_onnx(name, tmp_path):
    network = matbridge.load(FIXTURES / f"{name}.mat")

    def run(wrong):
        save_onnx(wrong, tmp_path / "net.onnx")
        return lambda path, x: run_onnx(tmp_path / "net.onnx", x)

    assert not unnoticed(network, run)


def test_every_corrupted_array_is_noticed_in_a_program(tmp_path):
    network = matbridge.load(FIXTURES / "lstm_classifier.mat")

    def run(wrong):
        write_program(wrong, tmp_path / "net.pt2")
        return lambda path, x: run_program(tmp_path / "net.pt2", x)

    assert not unnoticed(network, run)


def test_arrays_of_networks_of_the_corpus(corpus):
    paths = sorted((corpus / "files").glob("*.mat"), key=lambda path: path.stat().st_size)
    tried = 0
    for path in paths[10:70:6]:
        for network in languages.read(path).networks.values():
            if network.runnable and network.input_layers and network.parameter_count() < 300_000:
                tried += 1
                wrong = unnoticed(network, lambda w: lambda p, x: trace(w, x, "float32"))
                assert not wrong, path.name
                break
    assert tried >= 5


def saturating(scale):
    draw = np.random.default_rng(0)
    return Network.of(
        [
            layer("featureInputLayer", 5),
            layer(
                "fullyConnectedLayer",
                3,
                Weights=(scale * draw.standard_normal((3, 5))).astype(np.float32),
                Bias=np.ones((3, 1), np.float32),
            ),
            layer("softmaxLayer"),
        ]
    )


@pytest.mark.parametrize("to", ["onnx", "pt2", "safetensors"])
def test_saturated_scores_hide_nothing(to, tmp_path, monkeypatch):
    """Before the softmax the difference shows, whatever the scores."""
    network, wrong = saturating(1e4), saturating(1.1e4)
    scores = trace(network, draw_inputs(network), "float32")["softmax"][:2]
    assert set(np.unique(scores)) == {0.0, 1.0}
    language = languages.named(to)
    path = tmp_path / f"net.{to}"
    language.write(wrong, path, Writing())
    with pytest.raises(DifferenceError, match="first at fc"):
        check(network, path, language.run, language.read)
    language.write(network, path, Writing())
    assert check(network, path, language.run, language.read).ports >= 2


def test_a_difference_is_an_error_of_its_own(tmp_path, monkeypatch, capsys):
    """Nothing is kept, and the exit code says that a comparison differs."""
    from matbridge.cli import run
    from matbridge.onnx import save

    network, wrong = saturating(1.0), saturating(1.1)
    network.save(tmp_path / "net.safetensors")
    real = save.to_onnx
    monkeypatch.setattr(
        save, "to_onnx", lambda _, *given, **options: real(wrong, *given, **options)
    )
    monkeypatch.chdir(tmp_path)
    assert run(["convert", "net.safetensors", "--to", "onnx"]) == 1
    assert "first at fc" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.mark.parametrize("normalization", ["none", "zerocenter", "zscore", "rescale-zero-one"])
def test_inputs_are_as_the_data_were(normalization):
    """What comes out of the normalization is of the size that networks are trained on."""
    mean = np.array([10.0, 200.0, -3.0]).reshape(1, 1, 3)
    statistics = {
        "none": {},
        "zerocenter": {"Mean": mean},
        "zscore": {"Mean": mean, "StandardDeviation": np.abs(mean) / 5},
        "rescale-zero-one": {"Min": mean - 1, "Max": mean + 40},
    }[normalization]
    entry = layer(
        "imageInputLayer", [6, 7, 3], Name="in", Normalization=normalization, **statistics
    )
    network = Network.of([entry])
    (x,) = draw_inputs(network)
    assert x.shape == (3, 3, 6, 7)
    y = trace(network, [x], "float64")["in"][:2]
    if normalization == "none":
        assert (y[0].max() <= 1, y[1].max() > 100) == (True, True)
    elif normalization == "rescale-zero-one":
        assert (y.min() >= 0, y.max() <= 1, y.std() > 0.2) == (True, True, True)
    elif normalization == "zscore":
        assert 0.8 < y.std() < 1.2
    else:
        assert abs(y.mean()) < 15
        assert 25 < y.std() < 50


def test_words_are_whole_numbers():
    embedding = layer(
        "wordEmbeddingLayer", 4, 9, Weights=np.ones((4, 10), np.float32), Name="words"
    )
    network = Network.of([layer("sequenceInputLayer", 1), embedding])
    (x,) = draw_inputs(network)
    assert np.array_equal(x, np.round(x))
    assert (x.min() >= 1, x.max() <= 9) == (True, True)


@pytest.mark.parametrize("name", ["cnn", "gru_regressor", "resnet"])
def test_another_rounding_agrees(name, tmp_path):
    """onnxruntime rounds otherwise than PyTorch, well within what is allowed."""
    network = matbridge.load(FIXTURES / f"{name}.mat")
    found = network.save(tmp_path / "net.onnx")
    assert 0 < found.used < 0.5
    assert found.ports >= len(network.layers) - 2
    assert found.where


@pytest.mark.parametrize("to", ["pt2", "onnx", "safetensors"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_network_whose_training_diverged_is_written(wrong, to, tmp_path):
    """Padding times NaN is NaN in one program and nothing in another."""
    network = matbridge.load(FIXTURES / "cnn.mat")
    weights = network["conv_1"].arrays["Weights"].copy()
    weights[0, 0, 0, 0] = wrong
    arrays = {**network["conv_1"].arrays, "Weights": weights}
    diverged = network.with_layers(network["conv_1"].replace(arrays=arrays))
    made = diverged.save(tmp_path / f"net.{to}")
    assert made.elements > made.lost > 0
    assert made.as_dict()["not_finite"] == made.lost


@pytest.mark.parametrize("to", ["onnx", "safetensors"])
def test_a_network_that_gives_nothing_finite_is_not_said_to_agree(to, tmp_path):
    network = matbridge.load(FIXTURES / "cnn.mat")
    arrays = {**network["fc"].arrays, "Weights": network["fc"].arrays["Weights"] * np.nan}
    lost = network.with_layers(network["fc"].replace(arrays=arrays))
    made = lost.save(tmp_path / f"net.{to}")
    assert made.as_dict()["verdict"] == "not verified"
    assert "every output is NaN or Inf" in made.as_dict()["note"]


def test_what_is_finite_of_a_diverged_network_is_compared():
    network = matbridge.load(FIXTURES / "cnn.mat")
    spoilt = network["fc"].arrays["Weights"].copy()
    spoilt[0] = np.nan
    arrays = {**network["fc"].arrays, "Weights": spoilt}
    diverged = network.with_layers(network["fc"].replace(arrays=arrays))
    one = diverged["conv_2"]
    wrong = diverged.with_layers(
        one.replace(arrays={**one.arrays, "Bias": one.arrays["Bias"] + 0.1})
    )
    with pytest.raises(DifferenceError, match="conv_2"):
        check(diverged, None, lambda path, x: trace(wrong, x, "float32"), None)


@pytest.mark.parametrize(("axis", "size"), [(0, 1), (0, 3), (2, 5), (2, 9)])
def test_each_number_of_observations_and_steps_is_compared(axis, size):
    """What is right for one of them only is noticed."""
    network = matbridge.load(FIXTURES / "lstm_classifier.mat")
    ((_, wrong), *_) = corrupted(network)

    def run(path, inputs):
        bad = inputs[0].shape[axis] == size
        return trace(wrong if bad else network, inputs, "float32")

    with pytest.raises(DifferenceError):
        check(network, None, run, None)


def test_windows_that_are_longer_than_the_usual_input(tmp_path):
    """As many steps are drawn as the layers take."""
    network = Network.of(
        [layer("sequenceInputLayer", 1), layer("stftLayer", Window=np.ones((40, 1)))]
    )
    assert draw_inputs(network)[0].shape[2] == 40
    assert network.save(tmp_path / "net.onnx").used <= 1


def test_rounding_near_zero_is_that_of_one(tmp_path):
    """exp(x) - 1 in float32 is off by as much as 1 is, however small x."""
    network = Network.of([layer("featureInputLayer", 3), layer("eluLayer")])
    assert network.save(tmp_path / "net.onnx").used <= 1
