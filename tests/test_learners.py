"""Models of fitcnet and fitrnet, full and compact, alone and exported from the apps."""

import itertools
import json

import numpy as np
import pytest
from helpers import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import learners

import matbridge
from matbridge import LayerError, MatbridgeError, MismatchError, UnsupportedError
from matbridge.core.network import Provenance
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import (
    Categorical,
    Cell,
    FunctionHandle,
    MatObject,
    StringArray,
    Table,
)
from matbridge.matlab.file.write import write_mat
from matbridge.matlab.learners import read_learner

draw = np.random.default_rng(5)
SIZES = (4, 6, 5, 3)
WEIGHTS = [draw.standard_normal((b, a)) for a, b in itertools.pairwise(SIZES)]
BIASES = [draw.standard_normal((b, 1)) for b in SIZES[1:]]
MU, SIGMA = draw.standard_normal((1, 4)) * 9, draw.random((1, 4)) + 0.5
X = MU + SIGMA * draw.standard_normal((20, 4))
COMPACT = "classreg.learning.classif.CompactClassificationNeuralNetwork"
COMPACT_REGRESSION = "classreg.learning.regr.CompactRegressionNeuralNetwork"
EMPTY = np.zeros((0, 0))


def handle(name, **captured):
    """A handle as it is saved, of a named function or an anonymous one."""
    kind = "anonymous" if name.startswith("@") else "scopedfunction"
    raw = {"function": name, "type": kind, "workspace": Cell([EMPTY, captured], (2, 1))}
    return FunctionHandle(name, captured, {"function_handle": raw})


def label(values, kind=4.0):
    properties = {"L": values, "Type": np.array([[kind]])}
    return MatObject("classreg.learning.internal.ClassLabel", properties)


def summary(names, cost=EMPTY, possible=None):
    return {
        "ClassNames": label(names),
        "NonzeroProbClasses": label(names if possible is None else possible),
        "Prior": np.full((1, 3), 1 / 3),
        "Cost": cost,
    }


def predictors(**more):
    return {
        "PredictorNames": Cell(["a", "b", "c", "d"], (1, 4)),
        "CategoricalPredictors": EMPTY,
        "ResponseName": "speed",
        **more,
    }


def implementation(activation="relu"):
    properties = {
        "LayerWeights": Cell(WEIGHTS, (1, 3)),
        "LayerBiases": Cell(BIASES, (1, 3)),
        "Activations": activation,
        "NumLayers": np.array([[3.0]]),
    }
    return MatObject("classreg.learning.impl.NeuralNetworkImpl", properties)


def classifier(class_name=COMPACT, names=np.array([[1.0], [2.0], [5.0]]), **more):  # noqa: B008
    properties = {
        "NeuralNetworkImpl": implementation(),
        "StandardizeData": np.array([[True]]),
        "Mu": MU,
        "Sigma": SIGMA,
        "NumPredictors": np.array([[4.0]]),
        "OutputLayerActivation": "softmax",
        "ClassSummary": summary(names),
        "PrivScoreTransform": handle("classreg.learning.transform.identity"),
        "DataSummary": predictors(),
        **more,
    }
    return MatObject(class_name, properties)


def regression(class_name=COMPACT_REGRESSION, **more):
    properties = {
        **classifier().properties,
        "OutputLayerActivation": "none",
        "PrivResponseTransform": handle("classreg.learning.transform.identity"),
        **more,
    }
    return MatObject(class_name, properties)


def load(folder, network=None, **variables):
    path = folder / "model.mat"
    write_mat(path, variables)
    return matbridge.load(path, network)


def outputs(activation="relu", **more):
    return learners.raw_outputs(X, WEIGHTS, BIASES, activation, MU, SIGMA, **more)


@pytest.mark.parametrize("class_name", [COMPACT, "ClassificationNeuralNetwork"])
@pytest.mark.parametrize("activation", list(learners.ACTIVATIONS))
def test_scores_of_classifiers(class_name, activation, tmp_path):
    """In double precision without a word: MATLAB computes these so."""
    training = {"PrivX": X, "PrivY": label(X[:, :1]), "W": X[:, :1]}
    model = classifier(class_name, NeuralNetworkImpl=implementation(activation), **training)
    network = load(tmp_path, model=model)
    assert network.class_name == class_name
    assert network.dtype == "float64"
    assert not network.report
    scores = network.predict(X)
    assert scores.dtype == np.float64
    expected = learners.posterior(outputs(activation))
    assert_close(scores, expected, 1e-14)
    assert network.classify(X).tolist() == learners.labels(expected, ["1", "2", "5"]).tolist()


@pytest.mark.parametrize("class_name", [COMPACT_REGRESSION, "RegressionNeuralNetwork"])
def test_responses_of_regressions(class_name, tmp_path):
    network = load(tmp_path, model=regression(class_name))
    assert_close(network.predict(X), outputs(), 1e-14)
    assert network["response"].response_name == "speed"
    with pytest.raises(MismatchError, match="does not name its classes"):
        network.classify(X)


def test_activations_of_one_s_own_for_each_layer(tmp_path):
    mixed = implementation(Cell(["tanh", "sigmoid"], (1, 2)))
    network = load(tmp_path, model=classifier(NeuralNetworkImpl=mixed))
    hidden = np.tanh((X - MU) / SIGMA @ WEIGHTS[0].T + BIASES[0].T)
    hidden = 1 / (1 + np.exp(-(hidden @ WEIGHTS[1].T + BIASES[1].T)))
    expected = learners.posterior(hidden @ WEIGHTS[2].T + BIASES[2].T)
    assert_close(network.predict(X), expected, 1e-14)


def test_predictors_as_they_are(tmp_path):
    network = load(tmp_path, model=classifier(Mu=EMPTY, Sigma=EMPTY))
    expected = learners.posterior(learners.raw_outputs(X, WEIGHTS, BIASES, "relu"))
    assert_close(network.predict(X), expected, 1e-14)


@pytest.mark.parametrize("transform", list(learners.TRANSFORMS))
def test_score_transforms(transform, tmp_path):
    model = classifier(PrivScoreTransform=handle(f"classreg.learning.transform.{transform}"))
    network = load(tmp_path, model=model)
    posterior = learners.posterior(outputs())
    assert_close(network.predict(X), learners.TRANSFORMS[transform](posterior), 1e-12)
    if transform == "sign":
        with pytest.raises(UnsupportedError, match="labels cannot be told from scores after"):
            network.classify(X)
        return
    assert network.classify(X).tolist() == learners.labels(posterior, ["1", "2", "5"]).tolist()


COST = np.array([[0.0, 1, 30], [2, 0, 1], [0.1, 5, 0]])


@pytest.mark.parametrize(
    "transform", ["identity", "logit", "doublelogit", "invlogit", "symmetric", "symmetriclogit"]
)
def test_labels_of_the_least_expected_cost(transform, tmp_path):
    model = classifier(
        ClassSummary=summary(np.array([[1.0], [2.0], [5.0]]), COST),
        PrivScoreTransform=handle(f"classreg.learning.transform.{transform}"),
    )
    network = load(tmp_path, model=model)
    posterior = learners.posterior(outputs())
    costly = learners.labels(posterior, ["1", "2", "5"], COST)
    assert network.classify(X).tolist() == costly.tolist()
    assert costly.tolist() != learners.labels(posterior, ["1", "2", "5"]).tolist()


def test_labels_of_a_cost_and_a_transform_that_hides_the_scores(tmp_path):
    model = classifier(
        ClassSummary=summary(np.array([[1.0], [2.0], [5.0]]), COST),
        PrivScoreTransform=handle("classreg.learning.transform.ismax"),
    )
    with pytest.raises(UnsupportedError, match="after 'ismax'"):
        load(tmp_path, model=model).classify(X)


def nominal(*names):
    codes = np.arange(1, len(names) + 1, dtype=np.uint8).reshape(-1, 1)
    return MatObject("nominal", {"labels": Cell(names, (1, len(names))), "codes": codes})


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (np.array([[0.5], [2], [30]]), ("0.5", "2", "30")),
        (np.array(["cat  ", "dog  ", "mouse"]).reshape(3, 1), ("cat", "dog", "mouse")),
        (Cell(["cat", "dog", "mouse"], (3, 1)), ("cat", "dog", "mouse")),
        (StringArray(["cat", "dog", "mouse"], (3, 1)), ("cat", "dog", "mouse")),
        (
            Categorical(("cat", "dog", "mouse"), np.array([[3], [1], [2]], np.uint8)),
            ("mouse", "cat", "dog"),
        ),
        (nominal("cat", "dog", "mouse"), ("cat", "dog", "mouse")),
    ],
    ids=["numbers", "characters", "cell", "strings", "categorical", "nominal"],
)
def test_class_names_of_every_type(written, names, tmp_path):
    network = load(tmp_path, model=classifier(ClassSummary=summary(written)))
    assert network.classes == names
    assert set(network.classify(X)) <= set(names)


def test_logical_class_names():
    from matbridge.matlab.learners import class_labels

    assert class_labels(label(np.array([[False], [True]]))) == ("false", "true")


CENTERS, COMPONENTS = draw.standard_normal((1, 7)), draw.standard_normal((7, 4))


def exported(model, **more):
    """What Classification Learner exports: the model, and once more what predictFcn captured."""
    inner = handle("@(x)exportableModel.predictFcn(x)", exportableModel={"m": model})
    return {"predictFcn": inner, "ClassificationNeuralNetwork": model, "About": "exported", **more}


def test_principal_components_come_first(tmp_path):
    model = exported(classifier(), PCACenters=CENTERS, PCACoefficients=COMPONENTS)
    network = load(tmp_path, trained=model)
    assert network.provenance.address == "trained.ClassificationNeuralNetwork"
    x = draw.standard_normal((9, 7)) * 3
    made = learners.raw_outputs(
        x, WEIGHTS, BIASES, "relu", MU, SIGMA, centers=CENTERS, pca=COMPONENTS
    )
    assert_close(network.predict(x), learners.posterior(made), 1e-13)


def test_a_model_that_a_handle_captured(tmp_path):
    """predictFcn alone: where the model stands beside it too, it is told once."""
    capturing = handle("@(x)m.predict(x)", m=classifier())
    network = load(tmp_path, predictFcn=capturing)
    assert network.provenance.address == "predictFcn.m"
    assert_close(network.predict(X), learners.posterior(outputs()), 1e-14)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (
            classifier(DataSummary=predictors(CategoricalPredictors=np.array([[2.0, 4.0]]))),
            r"categorical predictors \(columns 2, 4\), which MATLAB makes dummy variables of",
        ),
        (
            classifier(PrivScoreTransform=handle("@(s)s.^2")),
            "the ScoreTransform '@\\(s\\)s.\\^2' is a function of the user's",
        ),
        (
            regression(PrivResponseTransform=handle("@(y)exp(y)")),
            "the ResponseTransform '@\\(y\\)exp\\(y\\)' is a function of the user's",
        ),
    ],
)
def test_what_cannot_run_says_why(model, told, tmp_path):
    network = load(tmp_path, model=model)
    assert not network.runnable
    with pytest.raises(UnsupportedError, match=told):
        network.predict(X)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (classifier(NeuralNetworkImpl=EMPTY), "the model has no weights"),
        (
            classifier(NeuralNetworkImpl=implementation(Cell(["relu"] * 5, (1, 5)))),
            "the model has 3 layers and 5 activations",
        ),
        (
            classifier(NeuralNetworkImpl=implementation("swish")),
            "the activation 'swish' is none of relu, tanh",
        ),
        (
            classifier(
                ClassSummary=summary(
                    np.array([[1.0], [2], [5], [7]]), possible=np.array([[1.0], [2], [5]])
                )
            ),
            "the classes 7 have no probability",
        ),
    ],
)
def test_what_cannot_be_read_says_why(model, told, tmp_path):
    with pytest.raises(LayerError, match=told):
        load(tmp_path, model=model)


def test_a_cost_must_fit_the_classes(tmp_path):
    model = classifier(ClassSummary=summary(np.array([[1.0], [2], [5]]), np.ones((2, 2))))
    with pytest.raises(LayerError, match="has a Cost of size 2×2 for 3 classes"):
        load(tmp_path, model=model).predict(X)


@pytest.mark.parametrize("suffix", ["onnx", "pt2", "safetensors"])
def test_written_files_compute_the_same(suffix, tmp_path):
    if suffix == "onnx":
        pytest.importorskip("onnxruntime")
    network = load(tmp_path, model=classifier())
    check = network.save(tmp_path / f"model.{suffix}")
    assert check.max_rel < 1e-14
    if suffix == "safetensors":
        again = matbridge.load(tmp_path / "model.safetensors")
        assert np.array_equal(again.predict(X), network.predict(X))
        assert again.classify(X).tolist() == network.classify(X).tolist()


def test_tables_give_their_columns_by_name(tmp_path, call):
    """A table of other columns too, in another order, as users' tables are."""
    table = Table(
        {
            "d": X[:, 3:],
            "speed": Cell(["fast"] * 20, (20, 1)),
            "b": X[:, 1:2],
            "a": X[:, :1],
            "c": X[:, 2:3],
        }
    )
    path = tmp_path / "model.mat"
    write_mat(path, {"model": classifier(), "T": table, "lacking": Table({"a": X[:, :1]})})
    code, _, err = call("predict", path, "--input", ":T", "-o", tmp_path / "y.npy")
    assert code == 0, err
    expected = learners.posterior(outputs())
    assert_close(np.load(tmp_path / "y.npy"), expected, 1e-14)
    code, _, err = call("predict", path, "--input", ":lacking")
    assert code == 2
    assert "the table lacks the columns b, c, d" in err


def test_tables_of_text_too(tmp_path, call):
    path = tmp_path / "model.mat"
    write_mat(path, {"model": classifier()})
    rows = [f"{d!r},slow,{b!r},{c!r},{a!r}" for a, b, c, d in X.tolist()]
    (tmp_path / "x.csv").write_text("\n".join(["d,speed,b,c,a", *rows]))
    code, _, err = call("predict", path, "--input", tmp_path / "x.csv", "-o", tmp_path / "y.csv")
    assert code == 0, err
    written = np.loadtxt(tmp_path / "y.csv", delimiter=",")
    assert_close(written, learners.posterior(outputs()), 1e-14)


def test_a_predictor_of_text_is_told(tmp_path, call):
    columns = {name: X[:, i : i + 1] for i, name in enumerate("abc")}
    path = tmp_path / "model.mat"
    text = Cell(["x"] * 20, (20, 1))
    write_mat(path, {"model": classifier(), "T": Table({**columns, "d": text})})
    code, _, err = call("predict", path, "--input", ":T")
    assert code == 2
    assert "a predictor in the table is no column of numbers" in err


@pytest.mark.parametrize("expected", ["numbers", "names"])
def test_labels_that_matlab_returned_as_numbers_are_verified(expected, tmp_path, call):
    labels = learners.labels(learners.posterior(outputs()), ["1", "2", "5"])
    values = labels.astype(float).reshape(-1, 1) if expected == "numbers" else Cell(list(labels))
    path = tmp_path / "model.mat"
    write_mat(path, {"model": classifier(), "X": X, "Y": values})
    code, _, err = call("verify", path, "--input", ":X", "--expected", ":Y")
    assert code == 0, err
    wrong = np.full((20, 1), 5.0)
    write_mat(path, {"model": classifier(), "X": X, "Y": wrong})
    words = ("verify", path, "--input", ":X", "--expected", ":Y", "--no-diagnosis")
    assert call(*words)[0] == 1


def test_what_matlab_computed(corpus):
    """Scores and labels that MATLAB recorded, to the figure that is told or 1e-13 of them."""
    cases = json.loads((corpus / "shallow" / "cases.json").read_text(encoding="utf-8"))["cases"]
    ours = [case for case in cases if case["id"].startswith("fitcnet")]
    assert ours
    for case in ours:
        file, _, address = case["network"].partition(":")
        path = corpus / case["folder"] / file
        network = matbridge.load(path, address)
        names = [case["input"], *case["expected"].split(", ")]
        x, scores, labels = (read_mat(path)[name.rpartition(":")[2]] for name in names)
        found, told = network.classify(x, scores=True)
        assert abs(told - scores).max() <= max(case["found_max_abs"], 1e-13 * scores.max())
        assert [float(name) for name in found] == labels.ravel().tolist()


def test_models_of_users_are_told_once(corpus):
    """Each stands in a struct, and once more in what its predictFcn captured."""
    for path in sorted((corpus / "shallow" / "files").glob("eb_virus2025--*.mat")):
        contents = matbridge.languages.read(path)
        assert list(contents.networks) == ["trainedModel_bp.ClassificationNeuralNetwork"]
        assert not contents.failures
        assert all(network.runnable for network in contents.networks.values())


class Frame:
    """A data frame, as far as one is asked: columns by name, and an array of some."""

    def __init__(self, **columns):
        self.held = columns
        self.columns = list(columns)

    def __getitem__(self, names):
        return Frame(**{name: self.held[name] for name in names})

    def __array__(self, dtype=None, copy=None):
        return np.column_stack(list(self.held.values()))


def test_tables_and_data_frames_in_python(tmp_path):
    network = load(tmp_path, model=classifier())
    expected = network.predict(X)
    columns = {name: X[:, "abcd".index(name)] for name in "dbac"}
    assert np.array_equal(network.predict(Frame(speed=np.ones(20), **columns)), expected)
    table = Table({"speed": np.ones((20, 1)), **{n: c[:, None] for n, c in columns.items()}})
    assert np.array_equal(network.predict(table), expected)
    # Without names in common, as they stand.
    assert np.array_equal(
        network.predict(Frame(p=X[:, 0], q=X[:, 1], r=X[:, 2], s=X[:, 3])), expected
    )
    with pytest.raises(MismatchError, match="the table lacks the columns c, d"):
        network.predict(Frame(a=X[:, 0], b=X[:, 1]))


ODD = (
    *(None, "", "abc", True, {"a": 1}, [1, 2], Cell([], (0, 0)), Cell([1, "a", None], (1, 3))),
    *(np.array([[n]]) for n in (np.nan, np.inf, -1.0, 0.0, 2.5, 1 + 2j)),
    *(np.ones(n) for n in ((0, 0), (1, 7), (2, 2), (3, 1, 2))),
    *(MatObject("foo", {"L": 3}), handle("@(x)x"), label("a"), nominal("a", "b")),
    MatObject("nominal", {"labels": Cell(["a"], (1, 1)), "codes": np.array([[7]], np.uint8)}),
)


@settings(max_examples=300)
@given(st.data())
def test_damaged_models_are_refused_in_one_sentence(data):
    """Whatever stands in the place of what is read."""
    model = data.draw(st.sampled_from([classifier, regression]))()
    holders = [model.properties, model.properties["NeuralNetworkImpl"].properties]
    holders += [model.properties["ClassSummary"], model.properties["DataSummary"]]
    beside = {"PCACenters": CENTERS, "PCACoefficients": COMPONENTS}
    for _ in range(data.draw(st.integers(1, 3))):
        holder = data.draw(st.sampled_from([*holders, beside]))
        holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(st.sampled_from(ODD))
    try:
        network = read_learner(model, Provenance(), data.draw(st.sampled_from([{}, beside])))
        network.predict(np.ones((2, network["predictors"].num_predictors)))
    except MatbridgeError as error:
        assert str(error)
