"""Autoencoders: encode, decode and predict, as MATLAB's objects have them."""

import numpy as np
import pytest
from helpers import assert_close
from reference import shallow, shallow_network
from shallow_forms import structure_of

import matbridge
from matbridge import MismatchError, UnsupportedError, cli
from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.matlab import featureInputLayer
from matbridge.matlab.shallow_cards import to_network

draw = np.random.default_rng(11)
ROWS, CODE = 6, 3
LOW, HIGH = draw.standard_normal((ROWS, 1)), draw.standard_normal((ROWS, 1)) + 5
X = LOW + (HIGH - LOW) * draw.random((ROWS, 9))


def scaled(low):
    """ScaleData: to 0 .. 1 for a logsig decoder, to -1 .. 1 for a purelin one."""
    limits = {"xmin": LOW, "xmax": HIGH, "ymin": np.array([[low]]), "ymax": np.array([[1.0]])}
    counts = {"xrows": np.array([[6.0]]), "yrows": np.array([[6.0]])}
    return [("mapminmax", {**limits, **counts})]


def autoencoder(coder="logsig", decoder="logsig", steps=()):
    return {
        "inputs": [{"size": ROWS, "steps": steps}],
        "layers": [
            {"size": CODE, "transfer": coder, "bias": draw.standard_normal((CODE, 1))},
            {"size": ROWS, "transfer": decoder, "bias": draw.standard_normal((ROWS, 1))},
        ],
        "input_weights": {(1, 1): {"array": draw.standard_normal((CODE, ROWS))}},
        "layer_weights": {(2, 1): {"array": draw.standard_normal((ROWS, CODE))}},
        "outputs": [{"layer": 2, "steps": steps}],
    }


def network_of(example):
    return to_network(structure_of(example, name="Autoencoder"), Registry.builtin())


def code_of(example, x):
    """The first layer of the reference's own walk."""
    *_, outputs = shallow_network.simulate(example, [[x]])
    return outputs[0][0]


@pytest.mark.parametrize(
    ("coder", "decoder", "steps"),
    [
        ("logsig", "logsig", scaled(0.0)),
        ("satlin", "purelin", scaled(-1.0)),
        ("logsig", "logsig", ()),
    ],
)
def test_encode_and_decode(coder, decoder, steps):
    example = autoencoder(coder, decoder, steps)
    network = network_of(example)
    encoder, decoding = network.part("encode"), network.part("decode")
    code = encoder.predict(X)
    assert_close(code, code_of(example, X), 1e-15)
    whole = shallow_network.static(example, X)
    assert_close(decoding.predict(code), whole, 1e-14)
    assert_close(network.predict(X), whole, 1e-14)
    assert np.array_equal(decoding.predict(code), network.predict(X))
    # Codes of the user's own, too.
    codes = draw.random((CODE, 4))
    second = example["layers"][1]
    n = second["bias"] + example["layer_weights"][2, 1]["array"] @ codes
    expected = shallow.reverse(shallow.TRANSFER[decoder](n), steps)
    assert_close(decoding.predict(codes), expected, 1e-14)


@pytest.mark.parametrize("part", ["encode", "decode"])
@pytest.mark.parametrize("suffix", ["onnx", "pt2", "safetensors"])
def test_parts_are_written(part, suffix, tmp_path):
    if suffix == "onnx":
        pytest.importorskip("onnxruntime")
    network = network_of(autoencoder(steps=scaled(0.0))).part(part)
    assert network.save(tmp_path / f"part.{suffix}").max_rel < 1e-13


def test_a_part_of_another_name_is_refused():
    network = network_of(autoencoder())
    with pytest.raises(MismatchError, match="an autoencoder has no part 'code'"):
        network.part("code")


def deeper():
    example = autoencoder()
    example["layers"].append({"size": ROWS, "transfer": "purelin"})
    example["layer_weights"][3, 2] = {"array": np.eye(ROWS)}
    example["outputs"] = [{"layer": 3}]
    return example


def delayed():
    example = autoencoder()
    example["input_weights"][1, 1]["delays"] = (1,)
    return example


@pytest.mark.parametrize("example", [deeper(), delayed()], ids=["three layers", "a delay"])
def test_what_is_no_autoencoder_has_no_parts(example):
    with pytest.raises(MismatchError, match="this network is no autoencoder"):
        network_of(example).part("encode")


def test_networks_of_another_kind_have_no_parts():
    with pytest.raises(UnsupportedError, match="is no network object"):
        Network.of([featureInputLayer(3)]).part("encode")


CORPUS = ("ac--autoencoder", "projeto_ac_epilepsy--autoenc", "projeto_ac_epilepsy--enc_5_112502")


@pytest.mark.parametrize("name", CORPUS)
def test_objects_of_users(name, corpus, tmp_path, capsys):
    """By address, by option and in Python; the parts together are the whole."""
    path = corpus / "shallow" / "files" / f"{name}.mat"
    if not path.is_file():
        pytest.skip("this file is not here")
    network = matbridge.load(path)
    address = network.provenance.address.removesuffix(".Network")
    x = draw.random((network["x1"].size, 5))
    code = network.part("encode").predict(x)
    assert np.array_equal(matbridge.load(path, f"{address}.encode").predict(x), code)
    assert np.array_equal(network.part("decode").predict(code), network.predict(x))
    np.save(tmp_path / "x.npy", x)
    named = ["--input", str(tmp_path / "x.npy"), "-o", str(tmp_path / "y.npy")]
    assert cli.run(["predict", str(path), "--part", "encode", *named]) == 0, capsys.readouterr()
    assert np.array_equal(np.load(tmp_path / "y.npy"), code)
