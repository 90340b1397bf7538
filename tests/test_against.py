"""verify --against: the same inputs through two networks, and a verdict that follows from them."""

import json

import numpy as np
import pytest

import matbridge
from matbridge import Network
from matbridge.cli import run
from matbridge.errors import MismatchError
from matbridge.matlab import (
    additionLayer,
    featureInputLayer,
    fullyConnectedLayer,
    imageInputLayer,
    lstmLayer,
    sequenceInputLayer,
    tanhLayer,
)
from matbridge.verify.against import against
from matbridge.verify.compare import EmptyComparisonError

RNG = np.random.default_rng(5)


def dense(outputs, inputs, name, **changes):
    arrays = {
        "Weights": RNG.standard_normal((outputs, inputs)) / np.sqrt(inputs),
        "Bias": RNG.standard_normal((outputs, 1)),
    }
    return fullyConnectedLayer(outputs, Name=name, **{**arrays, **changes})


LAYERS = [
    dense(20, 5, "a"),
    tanhLayer(Name="t"),
    dense(20, 20, "b"),
    tanhLayer(Name="r"),
    dense(3, 20, "c"),
]
MLP = Network.of([featureInputLayer(5, Name="x"), *LAYERS])


def changed(network, name, array, change):
    layer = network[name]
    values = np.array(layer.arrays[array])
    change(values)
    return network.with_layers(layer.replace(arrays={**layer.arrays, array: values}))


def verdict(first, other, inputs=None):
    return against(first, other, inputs).verdict


def test_a_network_is_identical_with_itself():
    (match,) = against(MLP, MLP).outputs
    assert (match.verdict, match.statistics.max_abs) == ("identical", 0)
    assert match.statistics.elements == 3 * 3 * 5
    assert 0 < match.budget < 1e-5


def test_arrays_stored_as_float32_are_rounding():
    def single(values):
        values[:] = values.astype(np.float32)

    (match,) = against(MLP, changed(MLP, "b", "Weights", single)).outputs
    assert match.verdict == "rounding"
    assert match.statistics.max_rel > 1e-12
    assert "once the arrays are rounded" in match.why


def test_another_order_of_sums_is_rounding():
    """Units in another order give the same numbers, summed up otherwise."""
    order = RNG.permutation(20)
    first, second = MLP["a"], MLP["b"]
    turned = MLP.with_layers(
        first.replace(arrays={n: a[order] for n, a in first.arrays.items()}),
        second.replace(
            arrays={"Weights": second.arrays["Weights"][:, order], "Bias": second.arrays["Bias"]}
        ),
    )
    (match,) = against(MLP, turned).outputs
    assert match.verdict == "rounding"
    assert 0 < match.statistics.max_rel < 1e-12


@pytest.mark.parametrize("layer", ["a", "b", "c"])
@pytest.mark.parametrize("array", ["Weights", "Bias"])
@pytest.mark.parametrize("share", [1e-4, 1e-2, -2.0])
def test_a_planted_error_is_no_rounding(layer, array, share):
    def plant(values):
        place = np.unravel_index(np.abs(values).argmax(), values.shape)
        values[place] *= 1 + share

    (match,) = against(MLP, changed(MLP, layer, array, plant)).outputs
    assert match.verdict == "different"
    assert match.why.startswith("off by")


def test_a_vector_is_a_vector_in_any_format():
    image = Network.of(
        [imageInputLayer([1, 5, 1], Name="y", Normalization="none"), *LAYERS],
        class_name="DAGNetwork",
    )
    assert verdict(MLP, image) == verdict(image, MLP) == "identical"
    steps = Network.of([sequenceInputLayer(5, Name="x"), *LAYERS])
    assert verdict(MLP, steps) == "identical"


def test_a_vector_of_several_dimensions_is_ambiguous():
    flat = Network.of([featureInputLayer(6, Name="x"), dense(2, 6, "a")])
    image = Network.of([imageInputLayer([2, 3, 1], Name="x", Normalization="none"), flat["a"]])
    with pytest.raises(MismatchError, match="inputs of different sizes"):
        against(flat, image)
    with pytest.raises(MismatchError, match="inputs of different sizes"):
        against(MLP, flat)


def two_inputs(first, second):
    return Network.of(
        [featureInputLayer(3, Name=first), featureInputLayer(3, Name=second), dense(3, 3, "fc"),
         additionLayer(2, Name="add")],
        [(first, "fc"), ("fc", "add/in1"), (second, "add/in2")],
    )  # fmt: skip


def test_inputs_are_matched_by_name_then_by_order():
    ours = two_inputs("a", "b")
    other = two_inputs("b", "a")
    same = other.with_layers(ours["fc"])
    assert verdict(ours, same) == "different"
    renamed = two_inputs("p", "q").with_layers(ours["fc"])
    assert verdict(ours, renamed) == "identical"


def test_sequences_and_their_lengths():
    input_weights, recurrent = RNG.standard_normal((16, 2)), RNG.standard_normal((16, 4))
    arrays = {"InputWeights": input_weights, "RecurrentWeights": recurrent}
    lstm = lstmLayer(4, Name="lstm", Bias=np.zeros((16, 1)), **arrays)
    network = Network.of([sequenceInputLayer(2, Name="x"), lstm])
    assert verdict(network, network) == "identical"
    lengths = [[RNG.standard_normal((1, 2, n))] for n in (3, 7)]
    (match,) = against(network, network, lengths).outputs
    assert match.statistics.elements == 4 * (3 + 7)


def test_nothing_finite_is_no_verdict():
    broken = changed(MLP, "c", "Bias", lambda values: values.fill(np.nan))
    with pytest.raises(EmptyComparisonError, match="NaN or Inf"):
        against(broken, broken)


def test_an_output_that_never_changes_says_little():
    constant = changed(MLP, "c", "Weights", lambda values: values.fill(0))
    (match,) = against(constant, constant).outputs
    assert "the same for every input" in match.note


def test_outputs_that_do_not_match():
    wide = Network.of([featureInputLayer(5, Name="x"), dense(4, 5, "c")])
    with pytest.raises(MismatchError, match="outputs have sizes"):
        against(MLP, wide)
    branched = [("x", "a"), ("a", "t"), ("t", "b"), ("b", "r"), ("r", "c"), ("a", "more")]
    with pytest.raises(MismatchError, match="1 and 2 outputs"):
        against(MLP, Network.of([*MLP.layers, tanhLayer(Name="more")], branched))


@pytest.fixture
def files(tmp_path):
    single = {"Weights", "Bias"}
    stored = MLP.with_layers(
        *(layer.replace(arrays={n: a.astype(np.float32) for n, a in layer.arrays.items()})
          for layer in MLP.layers if single <= set(layer.arrays))
    )  # fmt: skip
    stored.save(tmp_path / "net.onnx")
    MLP.save(tmp_path / "net.safetensors")
    changed(MLP, "b", "Bias", lambda values: values.__iadd__(0.01)).save(
        tmp_path / "bad.safetensors"
    )
    return tmp_path


def test_on_the_command_line(files, capsys):
    def call(*arguments):
        code = run(["verify", *map(str, arguments)])
        return code, capsys.readouterr()

    code, shown = call(files / "net.safetensors", "--against", files / "net.onnx")
    assert code == 0
    assert "rounding" in shown.out
    code, shown = call(files / "bad.safetensors", "--against", files / "net.onnx", "--json")
    assert code == 1
    told = json.loads(shown.out)
    assert told["verdict"] == "different"
    assert told["outputs"]["c"]["max_rel"] > 1e-4
    np.save(files / "x.npy", RNG.standard_normal((7, 5)))
    data = ("--input", files / "x.npy")
    code, shown = call(files / "net.safetensors", "--against", files / "net.onnx", *data, "--json")
    assert (code, json.loads(shown.out)["outputs"]["c"]["elements"]) == (0, 21)
    both = [files / "net.safetensors", files / "bad.safetensors"]
    code, shown = call(*both, "--against", files / "net.onnx")
    assert code == 1
    assert "1 good, 1 not" in shown.out
    expected = ("--against", files / "net.onnx", "--expected", "y.npy")
    assert "--expected and --against" in call(files / "net.safetensors", *expected)[1].err
    code, shown = call(files / "net.safetensors", "--expected", "y.npy")
    assert code == 2
    assert "--input" in shown.err


def test_object_recognition_of_the_corpus(corpus):
    """MATLAB's own pair of a .mat file and what it exported."""
    saved = corpus / "files" / "object-recognition--net.mat"
    exported = corpus / "onnx" / "ccnmaastricht+Object_recognition--net.onnx"
    if not saved.exists() or not exported.exists():
        pytest.skip("the corpus has no such pair")
    assert verdict(matbridge.load(saved), matbridge.load(exported)) in ("identical", "rounding")


def test_layers_of_one_name_are_judged():
    """The first that parts is named; those behind it differ too, but by what entered them."""
    bad = changed(MLP, "b", "Weights", lambda values: values.__imul__(1.01))
    verification = against(MLP, bad)
    verdicts = {one.name: one.verdict for one in verification.layers}
    assert verdicts.pop("x") == "identical"
    assert verdicts == {"a": "identical", "t": "identical", "b": "different", "r": "different"}
    assert [one.name for one in verification.divergence.layers] == ["b"]
    assert against(MLP, MLP).divergence is None
    assert against(MLP, bad, layers=False).layers == ()


@pytest.mark.parametrize("builder", ["image", "sequence"])
def test_layers_of_one_name_in_other_formats(builder):
    """The outputs decide; what lies otherwise between is brought to one order, or told."""
    layers = {
        "image": imageInputLayer([1, 5, 1], Name="x", Normalization="none"),
        "sequence": sequenceInputLayer(5, Name="x"),
    }
    kind = {"image": {"class_name": "DAGNetwork"}, "sequence": {}}[builder]
    other = Network.of([layers[builder], *LAYERS], **kind)
    verification = against(MLP, other)
    assert verification.verdict == "identical"
