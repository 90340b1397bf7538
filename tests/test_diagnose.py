"""The search for causes: what it names, what it does not, and what it says of both."""

import json
import sys

import numpy as np
import pytest
from helpers import layer
from planted import built, dense, networks, planted, sequences, the_cause
from reference import mistakes

from matbridge import Network, load
from matbridge.predict.data import read_data
from matbridge.verify.case import Case
from matbridge.verify.diagnose import diagnose
from matbridge.verify.few import few
from matbridge.verify.judge import verify_case
from matbridge.verify.suspects import SUSPECTS, Suspect
from matbridge.verify.suspects.suspect import Change, changed
from matbridge.verify.verification import Cause, Diagnosis

RECURRENT = ("gru_regressor", "lstm_classifier", "deep_lstm", "peephole_lstm", "gru_projected")


@pytest.mark.parametrize("kind", ["lstm", "gru", "bilstm"])
def test_without_a_mistake_none_is_named(kind):
    for stages in networks(kind):
        diagnosis = diagnose(planted(stages, {}))
        assert (diagnosis.causes, diagnosis.tried, diagnosis.nearest) == ((), 0, None)


# Of no known kind.
UNKNOWN = {
    "a weight": {"arrays": {"InputWeights": lambda a: a * np.where(a == a.max(), 1.3, 1)}},
    "a bias negated": {"arrays": {"Bias": np.negative}},
    "a scale": {"arrays": {"RecurrentWeights": lambda a: a * 1.07}},
}


def test_an_unknown_mistake_is_called_unknown():
    known = len({suspect.name for suspect in SUSPECTS})
    for stages, fault in zip(networks("lstm"), UNKNOWN.values(), strict=True):
        diagnosis = diagnose(planted(stages, fault))
        assert diagnosis.causes == ()
        assert diagnosis.enough
        assert diagnosis.sentences[0].startswith(f"None of {known} known causes")


def test_two_mistakes_are_found_together():
    for kind, fault, names in (
        ("lstm", {"order": "iofg", "gate": "hard-sigmoid"}, {"LSTM gate order", "gate activation"}),
        ("gru", {"order": "zrh", "reset": "before"}, {"GRU gate order", "GRU reset gate mode"}),
    ):
        for stages in networks(kind):
            cause = the_cause(planted(stages, fault))
            assert set(cause.suspect.split(" and ")) == names
            assert " and " in cause.words


def test_the_same_mistake_in_two_layers_of_three():
    (deep,) = networks("lstm", modes=("deep",))
    stages = [deep[0], *networks("lstm", 3, modes=("deep",), channels=4)[0]]
    xs = sequences()
    order = {"order": "iofg"}
    results = []
    for x in xs:
        y = mistakes.lstm(x, stages[0][1], {}, order)[0]
        y = mistakes.lstm(y, stages[1][1], {}, {})[0]
        results.append(mistakes.run(stages[2:], y, order)[0])
    case = Case(built(stages), (xs,), (np.float32(np.concatenate(results, 1).T),))
    cause = the_cause(case)
    assert cause.where == ("lstm_1", "lstm_3")
    assert cause.suspect == "LSTM gate order"


def test_what_cannot_be_told_apart_is_listed():
    """With equal weights for two gates their exchange is nothing: two orders are one."""
    (kind, arrays, options), last = networks("lstm", modes=("sequence",))[0]
    alike = {n: blocks_alike(a, 0, 3) for n, a in arrays.items()}
    diagnosis = diagnose(planted([(kind, alike, options), last], {"order": "ifog"}))
    assert len(diagnosis.causes) > 1
    assert "i,f,o,g" in diagnosis.causes[0].words
    assert "cannot tell" in diagnosis.sentences[1]


def blocks_alike(array, first, other):
    blocks = np.split(array, 4)
    blocks[other] = blocks[first]
    return np.concatenate(blocks)


def test_values_that_say_little_name_no_cause():
    """Saturated scores, or one value, agree with much."""
    kind, arrays, options = networks("lstm", modes=("last",))[0][0]
    saturated = dense(np.random.default_rng(2), 4, 3)
    saturated[1]["Weights"] *= 1e5
    stages = [(kind, arrays, {"mode": "last"}), saturated, ("softmax", {}, {})]
    for order in ("iofg", "ifog", "figo"):
        case = planted(stages, {"order": order}, sequences(count=12))
        if np.array_equal(np.round(case.run()[0]), np.round(case.expected[0])):
            continue
        diagnosis = diagnose(case)
        assert diagnosis.causes == ()
        assert not diagnosis.enough
        assert "too little" in diagnosis.sentences[0]


def labelled(stages, xs, fault):
    """Class names of what a mistaken program gives."""
    scores = np.concatenate([mistakes.run(stages, x, fault)[0] for x in xs], axis=1)
    names = np.array(["a", "b", "c"], dtype=object)[scores.argmax(axis=0)]
    return Case(built(stages), (xs,), (names,), classes=("a", "b", "c"))


def test_class_names_tell_a_cause_where_many_were_wrong():
    for seed in range(3):
        (stages,) = networks("lstm", seed, modes=("last",))
        # Classes of about the same share.
        stages[1][1]["Bias"] *= 0
        stages[1][1]["Weights"] *= 4
        case = labelled(stages, sequences(count=150, lengths=(12,)), {"order": "iofg"})
        diagnosis = diagnose(case)
        assert "LSTM gate order" in diagnosis.causes[0].suspect
        assert "i,o,f,g" in diagnosis.causes[0].words


def test_few_class_names_tell_none():
    (stages,) = networks("lstm", modes=("last",))
    case = labelled(stages, sequences(count=6), {"order": "iofg"})
    diagnosis = diagnose(case)
    assert diagnosis.causes == ()


def test_the_time_limit_ends_the_search():
    (stages,) = networks("lstm", modes=("sequence",))
    told = []
    diagnosis = diagnose(planted(stages, UNKNOWN["a weight"]), 0.0, lambda *n: told.append(n))
    assert not diagnosis.finished
    assert diagnosis.tried == 0
    assert "time limit" in diagnosis.sentences[0]
    assert told


def test_most_of_a_difference_is_told():
    """Another order of the gates, and noise that nothing explains."""
    for stages in networks("lstm"):
        case = planted(stages, {"order": "iofg"})
        noise = np.random.default_rng(0)
        (expected,) = case.expected
        several = expected if isinstance(expected, list) else [expected]
        noisy = [y + np.float32(noise.normal(0, 1e-4, y.shape)) for y in several]
        case = case.replace(expected=(noisy if isinstance(expected, list) else noisy[0],))
        diagnosis = diagnose(case)
        assert diagnosis.causes == ()
        assert "i,o,f,g" in diagnosis.nearest.words
        assert diagnosis.sentences[1].startswith("Most of it goes, all but")


def test_a_network_that_cannot_be_run_so_is_passed_over():
    """A variant that is refused is no cause, and no end of the search."""
    network = Network.of(
        [layer("sequenceInputLayer", 2), layer("bilstmLayer", 2, InputWeights=np.ones((16, 2)),
         RecurrentWeights=np.ones((16, 2)), Bias=np.ones((16, 1)))]
    )  # fmt: skip
    case = Case(network, (np.ones((2, 3)),), (np.full((4, 3), 7.0),))
    assert diagnose(case, 2.0).causes == ()


@pytest.mark.parametrize("name", RECURRENT)
def test_no_mistake_is_named_in_fixtures(name, fixtures):
    network = load(fixtures / f"{name}.mat")
    channels = next(iter(network.input_layers.values())).entering.elements("SC")
    xs = sequences(channels, count=3, lengths=(6, 9))
    result = network.predict(xs, dtype="float32")
    case = Case(network, (xs,), (result,))
    assert diagnose(case).tried == 0


def test_where_the_two_part_is_tried_first():
    """With activations the layer is known: a cause is found in fewer trials, and only there."""
    for kind, fault in (("lstm", {"order": "gifo"}), ("gru", {"order": "hzr"})):
        (stages,) = networks(kind, modes=("deep",))
        xs = sequences()
        for place in (0, 1):
            only = {**fault, "only": place}
            case = planted(stages, only, xs)
            inner = [np.float32(mistakes.run(stages[:1], x, only)[0]) for x in xs]
            names = [one.name for one in case.network.layers]
            last = np.concatenate([mistakes.run(stages[:2], x, only)[0] for x in xs], 1)
            case = case.replace(activations={names[1]: inner, names[2]: np.float32(last.T)})
            verification = verify_case(case)
            restricted = diagnose(case, divergence=verification.divergence)
            assert restricted.causes[0].where == (names[place + 1],)
            assert len(restricted.causes) == 1
            assert restricted.tried < 0.7 * diagnose(case).tried


@pytest.mark.parametrize(("noise", "words"), [(3e-6, "near to rounding"), (1e-3, "precision")])
def test_how_large_a_difference_is_says_what_it_may_be(noise, words):
    (stages,) = networks("gru", modes=("last",))
    case = planted(stages, {})
    expected = case.expected[0] * np.random.default_rng(0).normal(1, noise, case.expected[0].shape)
    assert words in diagnose(case.replace(expected=(expected,))).sentences[-1]


def test_sentences():
    cause = Cause("gate order", ("lstm",), "the gates are read as i", "made so", "rounding", 1e-7)
    other = Cause("bias", ("lstm",), "the bias is left out", "made thus", "rounding", 1e-7)
    first, second = Diagnosis((cause, other), 3, 1.0).sentences
    assert first == "It matches to rounding when the gates are read as i: made so."
    assert second.endswith("it also does when the bias is left out.")
    many = Diagnosis((cause, *[other] * 5), 3, 1.0).sentences[1]
    assert many.endswith("and 2 other changes.")
    assert "time limit" in Diagnosis((cause,), 3, 1.0, finished=False).sentences[1]


def test_where_a_few_take_long_one_is_tried(monkeypatch):
    """The cause is found on one observation, and judged on all."""
    module = sys.modules["matbridge.verify.diagnose"]
    monkeypatch.setattr(module, "SLOW", 0.0)
    tried = []

    def counted(case, most):
        tried.append(most)
        return few(case, most)

    monkeypatch.setattr(module, "few", counted)
    (stages,) = networks("lstm", modes=("last",))
    assert the_cause(planted(stages, {"order": "iofg"})).suspect == "LSTM gate order"
    assert tried[-1] == 1


# -- networks of files ---------------------------------------------------------------------------


def misread(network, order, gates, names=("InputWeights", "RecurrentWeights", "Bias")):
    """The network whose rows were stacked for a program that has its gates in this order."""

    def restacked(array):
        blocks = dict(zip(gates, np.split(array, len(gates)), strict=True))
        return np.concatenate([blocks[gate] for gate in order])

    layers = [one for one in network.layers if "RecurrentWeights" in one.arrays]
    return network.with_layers(
        *(
            one.replace(arrays={**one.arrays, **{n: restacked(one.arrays[n]) for n in names}})
            for one in layers
        )
    )


@pytest.mark.parametrize(
    ("name", "gates", "order"),
    [
        ("deep_lstm", "ifgo", "iofg"),
        ("gru_regressor", "rzh", "zrh"),
        ("lstm_projected", "ifgo", "ifog"),
        ("peephole_lstm", "ifgo", "figo"),
    ],
)
def test_rows_stacked_for_another_program_in_fixtures(name, gates, order, fixtures):
    network = load(fixtures / f"{name}.mat")
    channels = next(iter(network.input_layers.values())).entering.elements("SC")
    xs = sequences(channels, count=3, lengths=(6, 9))
    expected = network.predict(xs, dtype="float32")
    cause = the_cause(Case(misread(network, order, gates), (xs,), (expected,)))
    assert ",".join(order) in cause.words


@pytest.mark.parametrize(
    ("file", "inputs", "expected"),
    [
        ("fenn--hepatitisb-region", "dataTrainStandardized", "Ytrainres"),
        ("fenn--hepatitis-b", "dataTrainStandardized", "Ytrainres"),
    ],
)
def test_what_matlab_computed_tells_rows_stacked_for_onnx(file, inputs, expected, corpus):
    path = corpus / "files" / f"{file}.mat"
    network = load(path, network="net")
    x, y = (read_data(f"{path}:{name}") for name in (inputs, expected))
    case = Case(misread(network, "iofg", "ifgo"), (x,), (y,))
    cause = the_cause(case)
    assert cause.suspect == "LSTM gate order"
    assert "i,o,f,g" in cause.words
    assert "ONNX" in cause.meaning


# -- the command ---------------------------------------------------------------------------------


@pytest.fixture
def files(in_folder):
    """A network, its sequences, and what a program with ONNX's order of gates made of them."""
    (stages,) = networks("lstm", modes=("last",))
    case = planted(stages, {"order": "iofg"}, sequences(count=3))
    case.network.save("net.onnx")
    np.save("x.npy", np.stack(case.inputs[0]))
    np.save("y.npy", case.expected[0])
    np.savez("data.npz", x=np.stack(case.inputs[0]))
    return case


def test_the_command_tells_the_cause(call, files):
    asked = ("verify", "net.onnx", "--input", "x.npy", "--format", "BCT", "--expected", "y.npy")
    code, out, _ = call(*asked)
    assert code == 1
    assert "when the gates of lstm are read as i,o,f,g" in out
    code, out, _ = call(*asked, "--no-diagnosis")
    assert code == 1
    assert "i,o,f,g" not in out
    code, out, _ = call(*asked, "--json")
    diagnosis = json.loads(out)["diagnosis"]
    assert diagnosis["causes"][0]["suspect"] == "LSTM gate order"
    assert diagnosis["sentences"]
    code, out, _ = call(*asked, "--time-limit", "0")
    assert "the time limit ended the search" in " ".join(out.split())


def test_the_example_of_the_docs():
    """A suspect of one's own, as docs/diagnosis.md says it."""
    doubled = Change(
        "the bias of {where} is doubled",
        "the bias was added twice",
        lambda one: (
            one.replace(arrays={**one.arrays, "Bias": 2 * one.arrays["Bias"]})
            if "Bias" in one.arrays
            else None
        ),
    )
    (stages,) = networks("lstm", modes=("sequence",))
    case = planted(stages, {"bias_times": 2})
    own = Suspect("bias doubled", 2, changed(doubled))
    assert the_cause(case, suspects=(own,)).words == "the bias of lstm is doubled"
