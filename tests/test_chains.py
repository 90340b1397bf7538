"""Plain weights of fully connected layers in the forms in which people save them."""

import itertools
import json

import numpy as np
import pytest
from helpers import assert_close

import matbridge
from matbridge.cli import run
from matbridge.errors import LayerError, MismatchError
from matbridge.inspect.summary import summarize_network
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file.values import Cell, MatObject, Table
from matbridge.matlab.file.write import write_mat
from matbridge.verify.against import against

RNG = np.random.default_rng(11)
SIZES = [4, 6, 5, 3]
W = [RNG.standard_normal((n, m)) for m, n in itertools.pairwise(SIZES)]
B = [RNG.standard_normal((n, 1)) for n in SIZES[1:]]
X = RNG.standard_normal((7, 4))
SQUASH = {
    **dict.fromkeys(("relu", "poslin"), lambda n: np.maximum(n, 0)),
    **dict.fromkeys(("tanh", "tansig"), np.tanh),
    **dict.fromkeys(("sigmoid", "logsig"), lambda n: 1 / (1 + np.exp(-n))),
    **dict.fromkeys(("linear", "purelin"), lambda n: n),
    "softmax": lambda n: np.exp(n) / np.exp(n).sum(0),
    "elu": lambda n: np.where(n > 0, n, np.expm1(n)),
}


def expected(names, weights=W, biases=B):
    y = X.T
    for w, b, name in zip(weights, biases, names, strict=True):
        y = SQUASH[name](w @ y + b.reshape(-1, 1))
    return y.T


def written(tmp_path, **variables):
    path = tmp_path / "w.mat"
    write_mat(path, variables)
    return path


def predicted(path, **options):
    return matbridge.load(path, **options).predict(X, dtype="float64")


NAMES = ("relu", "tansig", "linear")
# Rows of characters, padded to one length, as MATLAB's char makes them.
ROWS = np.array([name.ljust(6) for name in NAMES])


def columns(arrays):
    return [array.reshape(1, -1) for array in arrays]


CELLS = {
    "act_fcns": {"W": Cell(W), "b": Cell(B), "act_fcns": ROWS},
    "act in a cell": {"W": Cell(W), "b": Cell(B), "act": Cell(NAMES)},
    "columns of cells, rows of biases": {
        "W": Cell(W, (3, 1)),
        "b": Cell(columns(B), (3, 1)),
        "activation_fcns": Cell(NAMES, (3, 1)),
    },
    "weights and biases": {
        "weights": Cell(W),
        "biases": Cell(B),
        "activation_functions": Cell(NAMES),
    },
    "trailing dimensions of 1": {
        "W": Cell([w[:, :, None, None] for w in W]),
        "b": Cell(B),
        "act_fcns": ROWS,
    },
    "numbered": {
        **{f"W{i}": w for i, w in enumerate(W, 1)},
        **{f"b{i}": b for i, b in enumerate(B, 1)},
        "act": Cell(NAMES),
    },
    "numbered from 0": {
        **{f"weights_{i}": w for i, w in enumerate(W)},
        **{f"bias_{i}": b for i, b in enumerate(B)},
        "activations": Cell(NAMES),
    },
}


@pytest.mark.parametrize("form", CELLS)
def test_every_form_as_variables_and_as_a_struct(form, tmp_path):
    truth = expected(NAMES)
    assert_close(predicted(written(tmp_path, **CELLS[form])), truth)
    inside = {"other": {"controller": CELLS[form]}}
    network = matbridge.load(written(tmp_path, **inside), "other.controller")
    assert_close(network.predict(X, dtype="float64"), truth)
    assert [layer.name for layer in network.layers[:3]] == ["featureinput", "fc_1", "relu"]
    assert not network.report
    # FeatureInputLayer is ours, and says nothing of who wrote the file.
    assert summarize_network(network, "w")["release"] == "unknown"


def test_all_that_such_structs_tell_is_checked(tmp_path):
    told = {
        "number_of_inputs": np.array([[4.0]]),
        "number_of_layers": np.array([[3.0]]),
        "layer_sizes": np.array([[6.0, 5.0, 3.0]]),
        "types_of_layers": np.array(["Dense"] * 3),
    }
    good = {**CELLS["act_fcns"], **told, "color": "red"}
    network = matbridge.load(written(tmp_path, net=good))
    assert [str(problem) for problem in network.report] == [
        "net: the field color is not known and not used"
    ]
    bad = {**good, "layer_sizes": np.array([[6.0, 4.0, 3.0]])}
    with pytest.raises(LayerError, match=r"layer_sizes is \[6.0, 4.0, 3.0\], but the arrays make"):
        matbridge.load(written(tmp_path, net=bad))
    other = {**good, "types_of_layers": np.array(["Dense", "Dense", "Conv "])}
    with pytest.raises(LayerError, match="types_of_layers names Conv"):
        matbridge.load(written(tmp_path, net=other))


@pytest.mark.parametrize("name", SQUASH)
def test_every_name_of_a_function(name, tmp_path):
    names = (name, name, name)
    assert_close(
        predicted(written(tmp_path, W=Cell(W), b=Cell(B), act=Cell(names))), expected(names)
    )


def test_weights_stored_transposed_are_told(tmp_path):
    turned = Cell([w.T for w in W])
    network = matbridge.load(written(tmp_path, W=turned, b=Cell(B), act=Cell(NAMES)))
    assert "taken transposed" in str(network.report[0])
    assert_close(network.predict(X, dtype="float64"), expected(NAMES))


def test_one_function_more_than_layers_is_told(tmp_path):
    names = (*NAMES, "relu")
    network = matbridge.load(written(tmp_path, W=Cell(W), b=Cell(B), act=Cell(names)))
    assert "4 functions are named for 3 layers: the last, 'relu', is not used" in str(
        network.report[0]
    )
    assert_close(network.predict(X, dtype="float64"), expected(NAMES))


def test_functions_that_do_not_fit_are_refused(tmp_path):
    for names, part in (
        (NAMES[:2], "2 functions are named for 3 layers of sizes 4 → 6 → 5 → 3"),
        ((*NAMES, "relu", "relu"), "5 functions are named for 3 layers"),
        (("relu", "magic", "relu"), "the function 'magic' is not known"),
    ):
        with pytest.raises(MismatchError, match=part):
            matbridge.load(written(tmp_path, W=Cell(W), b=Cell(B), act=Cell(names)))


SILENT = {**{f"W{i}": w for i, w in enumerate(W, 1)}, **{f"b{i}": b for i, b in enumerate(B, 1)}}


def test_what_is_not_named_is_asked_for(tmp_path, capsys):
    path = written(tmp_path, **SILENT)
    with pytest.raises(MismatchError, match="sizes 4 → 6 → 5 → 3, but nothing tells") as caught:
        matbridge.load(path)
    assert 'activations="relu,relu,linear"' in caught.value.mend
    assert run(["inspect", str(path)]) in (2, 3, 4)
    assert "--activations relu,relu,linear" in " ".join(capsys.readouterr().out.split())
    assert_close(predicted(path, activations=NAMES), expected(NAMES))
    assert_close(predicted(path, activations="relu, tansig,linear"), expected(NAMES))
    np.save(tmp_path / "x.npy", X)
    command = ["--input", str(tmp_path / "x.npy"), "--activations", "relu,tansig,linear"]
    assert run(["predict", str(path), *command, "--dtype", "float64", "--json"]) == 0
    (scores,) = json.loads(capsys.readouterr().out).values()
    assert_close(np.array(scores), expected(NAMES))


def test_the_callers_functions_come_before_the_files(tmp_path):
    path = written(tmp_path, **CELLS["act_fcns"])
    names = ("tanh", "sigmoid", "relu")
    assert_close(predicted(path, activations=names), expected(names))


def test_theta_with_the_bias_in_front(tmp_path):
    thetas = {f"Theta{i}": np.hstack([b, w]) for i, (w, b) in enumerate(zip(W, B, strict=True), 1)}
    path = written(tmp_path, **thetas)
    network = matbridge.load(path)
    assert "sigmoid is taken after each layer" in str(network.report[0])
    assert_close(network.predict(X, dtype="float64"), expected(["sigmoid"] * 3))
    given = matbridge.load(path, activations=NAMES)
    assert not given.report
    assert_close(given.predict(X, dtype="float64"), expected(NAMES))


def learnables(wrap):
    rows = [(f"fc_{i}", name, array) for i, pair in enumerate(zip(W, B, strict=True), 1)
            for name, array in zip(("Weights", "Bias"), pair, strict=True)]  # fmt: skip
    layers, names, values = zip(*rows, strict=True)
    return Table(
        {
            "Layer": Cell(layers, (6, 1)),
            "Parameter": Cell(names, (6, 1)),
            "Value": Cell([wrap(v) for v in values], (6, 1)),
        }
    )


def dlarray(array):
    return MatObject("dlarray", {"any": {"Data": array}})


@pytest.mark.parametrize("wrap", [np.asarray, dlarray], ids=["arrays", "dlarrays"])
def test_a_table_of_learnables(wrap):
    """As of net.Learnables; tables are objects, which tests do not write."""
    from matbridge.core.network import Provenance
    from matbridge.core.registry import Registry
    from matbridge.matlab.find import find_networks
    from matbridge.matlab.weights import read_weights

    registry = Registry.builtin()
    (place,) = find_networks({"L": learnables(wrap)}, "s", registry)
    assert place.address == "s.L"
    network = read_weights(place.value, registry, Provenance(), NAMES)
    assert_close(network.predict(X, dtype="float64"), expected(NAMES))


def test_a_struct_of_parameters_by_layer(tmp_path):
    parameters = {
        f"fc{i}": {"Weights": w, "Bias": b} for i, (w, b) in enumerate(zip(W, B, strict=True), 1)
    }
    path = written(tmp_path, parameters=parameters)
    with pytest.raises(MismatchError, match="nothing tells the functions"):
        matbridge.load(path)
    assert_close(predicted(path, activations=NAMES), expected(NAMES))


@pytest.mark.parametrize(
    "variables",
    [
        {"W": Cell(W), "b": Cell(B[:2])},
        {"W": Cell(W[::-1]), "b": Cell(B)},
        {"W": Cell([*W[:2], W[2].astype(complex) + 1j]), "b": Cell(B)},
        {"W": Cell([*W[:2], "text"]), "b": Cell(B)},
        {"W1": W[0], "b1": B[0], "W3": W[1], "b3": B[1]},
        {"W5": W[0], "b5": B[0]},
        {"W": Cell([]), "b": Cell([])},
        {"W": W[0], "b": B[0]},
        {"b": Cell(B), "act": Cell(NAMES)},
    ],
)
def test_arrays_that_are_no_chain_are_no_network(variables, tmp_path):
    contents = read_contents(written(tmp_path, **variables))
    assert contents.networks == {}
    assert contents.failures == {}


# In these the .mat file has layers after those that were exported.
LONGER = {
    "verivital+ARCH-2019--controller~2.mat",
    "verivital+ARCH-2019--controller~3.mat",
    "verivital+ARCH-2019--controller~4.mat",
}


def dense(network):
    return [layer for layer in network.layers if "Weights" in layer.arrays]


def test_every_pair_of_the_corpus_computes_the_same(corpus, capsys):
    """Plain weights beside the ONNX file that MATLAB exported of them."""
    manifest = corpus / "onnx" / "manifest.json"
    if not manifest.exists():
        pytest.skip("the corpus has no ONNX files")
    pairs = [(e["file"], e["pair"]["file"]) for e in json.loads(manifest.read_text()) if e["pair"]]
    assert len(pairs) > 40
    for exported, saved in pairs:
        first, other = matbridge.load(corpus / saved), matbridge.load(corpus / exported)
        if (corpus / saved).name in LONGER:
            assert len(dense(first)) > len(dense(other))
            assert against(first, other).verdict == "different"
            for ours, theirs in zip(dense(first), dense(other), strict=False):
                assert_close(ours.arrays["Weights"], theirs.arrays["Weights"], 1e-6)
        else:
            assert against(first, other).verdict in ("identical", "rounding"), saved
    saved, exported = next((s, e) for e, s in pairs if "controller_5_20" in s)
    assert run(["verify", str(corpus / saved), "--against", str(corpus / exported)]) == 0
    assert "normalization plain weights do not tell" in " ".join(capsys.readouterr().out.split())
