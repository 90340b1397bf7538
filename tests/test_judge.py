"""The verdict on a value, and what it rests on."""

import json
import math

import numpy as np
import pytest

import matbridge
from matbridge import Network
from matbridge.cli import run
from matbridge.errors import MismatchError
from matbridge.matlab import (
    classificationLayer,
    featureInputLayer,
    fullyConnectedLayer,
    sequenceInputLayer,
    softmaxLayer,
)
from matbridge.matlab.file import read_mat
from matbridge.verify.case import Case, Transform
from matbridge.verify.compare import EmptyComparisonError
from matbridge.verify.expression import transform_of
from matbridge.verify.judge import verify_case
from matbridge.verify.measures.budget import BUDGETS, RMS_BUDGETS, Budget
from matbridge.verify.measures.statistics import Statistics
from matbridge.verify.measures.storage import storage_of
from matbridge.verify.measures.ulps import EDGES
from matbridge.verify.training import verify_performances
from matbridge.verify.values import Limits, judge

RNG = np.random.default_rng(3)
EPS = float(np.finfo(np.float32).eps)
EXACT = RNG.standard_normal((5, 40))
# float32 in two orders, as far from float64 as rounding moves it.
SINGLES = [np.float32(EXACT * (1 + EPS * RNG.standard_normal(EXACT.shape))) for _ in range(2)]


def verdict(expected, **options):
    return judge("y", expected, EXACT, SINGLES, **options)


# -- classes ---------------------------------------------------------------------------------


def test_equal_values_are_identical_in_either_type():
    assert verdict(EXACT).verdict == "identical"
    assert verdict(np.float32(EXACT)).verdict == "identical"
    assert verdict(SINGLES[1]).verdict == "identical"
    assert verdict(SINGLES[1].astype(float)).verdict == "identical"


@pytest.mark.parametrize(("times", "expected"), [(0.5, "rounding"), (20, "different")])
def test_the_budget_decides(times, expected):
    one = verdict(EXACT + times * EPS * RNG.standard_normal(EXACT.shape))
    assert one.verdict == expected
    assert (one.used <= BUDGETS) == one.passes
    assert one.budget == pytest.approx(
        max(np.abs(s - EXACT).max() for s in SINGLES) / np.abs(EXACT).max()
    )


def test_an_error_of_one_channel_shows_in_its_rmse():
    """Each element is within the budget, but a whole row is moved one way."""
    wrong = EXACT.copy()
    wrong[2] += 0.9 * BUDGETS * np.abs(SINGLES[0] - EXACT).max()
    assert verdict(wrong).spent.largest < BUDGETS
    one = verdict(wrong, dims="CT")
    assert one.verdict == "different"
    assert one.spent.channel == 3
    assert one.spent.rmse > RMS_BUDGETS
    assert one.why.startswith("the RMSE of channel 3 is")


def test_channels_have_units_of_their_own():
    """A channel a million times smaller is wrong, though by less than the others round."""
    units = np.array([[1.0], [1e-9], [1e6], [1.0], [1.0]])
    exact, singles = EXACT * units, [np.float32(s * units) for s in SINGLES]
    wrong = exact.copy()
    wrong[1] *= 1.001
    assert judge("y", exact + 0.0, exact, singles, dims="CT").passes
    one = judge("y", wrong, exact, singles, dims="CT")
    assert (one.verdict, one.spent.channel) == ("different", 2)
    assert one.spent.largest < 1
    # Of one observation that cannot be told, which is said.
    one = judge("y", wrong[:, :1], exact[:, :1], [s[:, :1] for s in singles], dims="CB")
    assert one.verdict == "rounding"
    assert "below what rounding moves the others" in one.note


def test_double_precision_is_judged_by_its_own():
    near = EXACT * (1 + 1e-11)
    assert verdict(near).verdict == "rounding"
    assert verdict(near, double=True).verdict == "different"
    assert verdict(EXACT * (1 + 1e-16), double=True).passes
    # What was stored in single precision tells no more.
    assert verdict(np.float32(near), double=True).passes


def test_a_tolerance_makes_close():
    wrong = EXACT + 1e-3
    share = 1e-3 / np.abs(wrong).max()
    assert verdict(wrong).verdict == "different"
    assert verdict(wrong).tolerance_needed == pytest.approx(share)
    assert verdict(wrong, limits=Limits(tolerance=1.01 * share)).verdict == "close"
    assert verdict(wrong, limits=Limits(tolerance=0.99 * share)).verdict == "different"
    assert verdict(wrong, limits=Limits(atol=1.01e-3)).verdict == "close"
    assert verdict(wrong, limits=Limits(atol=0.99e-3)).verdict == "different"
    assert verdict(EXACT * 1.01, limits=Limits(rtol=0.011)).verdict == "close"
    assert verdict(EXACT * 1.01, limits=Limits(rtol=0.009, atol=1e-9)).verdict == "different"


def test_nan_agrees_with_nan_alone():
    exact = EXACT.copy()
    exact[0, 0], exact[0, 1], exact[0, 2] = math.nan, math.inf, -math.inf
    assert judge("y", exact, exact, [np.float32(exact)]).verdict == "identical"
    near = exact * (1 + 1e-9)
    assert judge("y", near, exact, [np.float32(exact)]).verdict == "rounding"
    for place, value in ((0, 1.0), (1, math.nan), (1, -math.inf), (2, 0.0), (3, math.nan)):
        other = near.copy()
        other[0, place] = value
        one = judge("y", other, exact, [np.float32(exact)], limits=Limits(tolerance=1e9))
        assert one.verdict == "different"
        assert one.statistics.nonfinite_unequal == 1


def test_what_single_precision_makes_infinite():
    exact = np.array([1.0, 1e39, -1e39])
    with np.errstate(over="ignore"):
        single = np.float32(exact)
    assert judge("y", single.astype(float), exact, [single]).passes
    assert judge("y", exact, exact, [single]).passes
    assert not judge("y", np.array([1.0, math.inf, math.inf]), exact, [single]).passes


def test_cosine_and_equal_classes_make_no_pass():
    scores = RNG.random((50, 4))
    other = scores * 1.001
    one = judge("y", other, scores, [np.float32(scores)], dims="BC", classes=4)
    assert (one.verdict, one.statistics.argmax) == ("different", 1.0)
    assert one.statistics.cosine > 0.999999


# -- how values were kept ----------------------------------------------------------------------


@pytest.mark.parametrize("decimals", [4, 6])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_values_kept_to_some_decimals(decimals, kind):
    one = verdict(np.round(EXACT, decimals).astype(kind))
    assert one.verdict == "rounding"
    assert f"rounded to {decimals} decimals" in one.note
    wrong = np.round(EXACT + 3 * 10.0**-decimals, decimals)
    assert verdict(wrong.astype(kind)).verdict == "different"


def test_coarse_digits_are_close_at_best():
    one = verdict(np.round(EXACT, 1))
    assert one.verdict == "close"
    assert "which says little" in one.why
    one = as_image(EXACT[:1, :20] * 50 + 128)
    assert (one.verdict, one.note) == (
        "close",
        "the expected values are rounded to whole numbers",
    )


@pytest.mark.parametrize("kind", [np.uint8, np.int16, bool])
def test_numbers_are_not_cut_off_before_they_are_compared(kind):
    exact = np.array([[0.3, 1.9, 1.2], [0.8, 1.6, 0.1]])
    cut = exact.astype(kind)
    assert judge("y", cut, exact, []).verdict == "different"
    assert judge("y", cut, cut.astype(float), []).verdict == "identical"


def as_image(values, error=0.0):
    """Kept as an image is, of values with this error."""
    exact = np.clip(values, 0, 255)
    image = np.round(np.clip(values * (1 + error), 0, 255)).astype(np.uint8)
    return judge("y", image, exact, [np.float32(exact)])


@pytest.mark.parametrize("error", [1e-3, -1e-3, 1e-4, -1e-4])
def test_many_coarse_values_tell_as_much_as_few_fine_ones(error):
    """Where enough of them lie near the next step, a small shift takes some of them over it."""
    many = RNG.uniform(0, 255, (60, 50, 3))
    assert as_image(many).verdict == "rounding"
    assert as_image(many, error).verdict == "different"
    # In the middle of their steps, black and white they tell nothing.
    dull = np.round(many)
    assert as_image(dull).verdict == "identical"
    assert as_image(dull + 0.1).verdict == "close"
    assert as_image(np.where(many < 128, -5.0, 300.0)).verdict == "identical"


def test_a_tie_that_is_rounded_may_go_either_way():
    """With a transform that ends in rounding, as pictures are kept."""
    network, x = classifier(), RNG.standard_normal((400, 4))
    y = 255 * network.predict(x, dtype="float64")
    factor = 255 * (np.floor(y[0, 0]) + 0.5 + 1e-4) / y[0, 0]
    words = transform_of(f"round(y*{float(factor)!r})")
    right = words.apply(network.predict(x, dtype="float64"))
    other = right.copy()
    other[0, 0] = 2 * np.floor(y[0, 0]) + 1 - right[0, 0]
    assert verify_case(Case(network, (x,), (right,), transform=words)).verdict == "identical"
    one = verify_case(Case(network, (x,), (other,), transform=words))
    assert one.verdict == "rounding"
    assert "equal once rounded to whole numbers" in one.sentence
    other[1, 0] += 1
    assert verify_case(Case(network, (x,), (other,), transform=words)).code == 1


def test_what_is_not_finite_and_what_is_nothing_are_said_in_words():
    for value in (np.nan, np.inf):
        wrong = EXACT.copy()
        wrong[0, 0] = value
        assert verdict(wrong).why.startswith("1 value is NaN or infinite on one side")
        assert not verdict(wrong, limits=Limits(1e300)).passes
    assert verdict(EXACT * 0).why.startswith("all that is expected is zero, and the largest")


@pytest.mark.parametrize("name", ["tolerance", "atol", "rtol"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_what_is_no_tolerance(name, value):
    """An infinite one would pass NaN for a number."""
    with pytest.raises(MismatchError, match=f"{name} must be a finite number from 0 on"):
        Limits(**{name: value})


def test_digits_by_chance_are_no_rounding():
    assert storage_of([np.float32([0.5])]).step == 0
    assert storage_of([np.array([0.5])]).words == "1 decimal"
    assert storage_of([np.float32(RNG.standard_normal(100))]).step == 0
    assert storage_of([np.float32(RNG.standard_normal(100) * 1e5)]).step == 0
    assert storage_of([np.zeros(4)]).step == 0


# -- figures -----------------------------------------------------------------------------------


def test_every_figure():
    expected = np.array([[1.0, 2.0, math.nan], [4.0, -8.0, 3.0]])
    computed = np.array([[1.0, 2.5, math.nan], [4.0, -8.0, math.inf]])
    one = Statistics.of(computed, expected)
    assert (one.elements, one.scale, one.max_abs) == (6, 8.0, math.inf)
    counts = (one.nonfinite_expected, one.nonfinite_computed, one.nonfinite_unequal)
    assert counts == (1, 2, 1)
    finite = np.array([1, 2, 4, -8.0]), np.array([1, 2.5, 4, -8.0])
    cosine = finite[0] @ finite[1] / np.prod([np.linalg.norm(v) for v in finite])
    assert one.cosine == pytest.approx(cosine)
    assert one.snr == pytest.approx(10 * math.log10((finite[0] ** 2).sum() / 0.25))
    assert Statistics.of(expected, expected).snr == math.inf


def test_figures_of_large_and_small_numbers():
    for size in (1e200, 1e-200):
        one = Statistics.of(EXACT * size * 1.5, EXACT * size)
        assert one.max_rel == pytest.approx(0.5)
        assert one.cosine == pytest.approx(1)
        assert one.snr == pytest.approx(20 * math.log10(2))
    assert Statistics.of(np.ones(3), np.zeros(3)).max_rel == math.inf


def test_worst_elements_stand_where_matlab_finds_them():
    expected = RNG.standard_normal((4, 3, 2))
    computed = expected.copy()
    computed[1, 2, 1] += 5
    computed[3, 0, 0] -= 2
    worst = Statistics.of(computed, expected).worst
    assert [one.subscripts for one in worst] == [(2, 3, 2), (4, 1, 1)]
    for one in worst:
        assert expected.reshape(-1, order="F")[one.index - 1] == one.expected
        assert one.cell == 0
    cells = Statistics.of([expected[0], computed[1]], [expected[0], expected[1]])
    (one,) = cells.worst
    assert (one.cell, one.subscripts, one.index) == (2, (3, 2), 6)


@pytest.mark.parametrize("how", ["transposed", "joined"])
def test_worst_elements_stand_as_the_user_gave_them(how):
    wrong = EXACT.copy()
    wrong[1, 30] += 1
    if how == "transposed":
        one = judge("y", wrong.T, EXACT, SINGLES)
        where = ((31, 2), 5 * 0 + 31 + 40 * 1)
    else:
        parts = [EXACT[:, :25], EXACT[:, 25:]]
        singles = [[s[:, :25], s[:, 25:]] for s in SINGLES]
        one = judge("y", wrong, parts, singles)
        where = ((2, 31), 2 + 5 * 30)
        assert one.note == "cells joined side by side"
    (worst,) = one.statistics.worst[:1]
    assert (worst.subscripts, worst.index) == where
    assert worst.expected == pytest.approx(wrong[1, 30])


def test_ulps():
    expected = np.float32([1.0, 1.0, -1.0, 0.0, 1.0, math.nan])
    computed = np.float32([1.0, 1 + EPS, -1 - 2 * EPS, -0.0, 2.0, 1.0])
    counts = dict(zip((*EDGES, "more"), Statistics.of(computed, expected).ulps, strict=True))
    assert {name: n for name, n in counts.items() if n} == {0: 2, 1: 1, 2: 1, "more": 1}
    assert Statistics.of(computed, expected, single=False).ulps == ()


def test_time_steps_of_sequences_of_any_lengths():
    expected = [np.ones((2, 3)), np.ones((2, 5))]
    computed = [one.copy() for one in expected]
    computed[0][0, 1], computed[1][1, 4] = 3, 0
    one = Statistics.of(computed, expected, "CT")
    assert one.steps == (0, 2, 0, 0, 1)
    assert Statistics.of(computed, expected).steps == ()


def test_the_share_of_equal_decisions():
    expected = np.eye(4)
    computed = np.eye(4)[[0, 1, 2, 2]]
    assert Statistics.of(computed, expected, "BC", scores=True).argmax == 0.75
    assert Statistics.of(computed, expected, "CB", scores=True).argmax == 0.75
    assert math.isnan(Statistics.of(computed, expected, "BC").argmax)


def test_a_budget_without_any_distance_has_a_floor():
    budget = Budget.of([EXACT], [[EXACT]], double=False)
    assert budget.relative == pytest.approx(EPS)
    assert Budget.of([np.zeros(3)], [[np.zeros(3)]], double=False).used([np.zeros(3)]).all == 0


# -- cases -------------------------------------------------------------------------------------


def classifier(scale=1.0):
    weights = scale * RNG.standard_normal((3, 4))
    return Network.of(
        [
            featureInputLayer(4, Name="x"),
            fullyConnectedLayer(3, Name="fc", Weights=weights, Bias=np.zeros((3, 1))),
            softmaxLayer(Name="s"),
            classificationLayer(Name="y", Classes=["a", "b", "c"]),
        ]
    )


def names(*texts):
    return np.array(texts, dtype=object)


def test_a_case_of_class_names_tells_on_how_little_it_rests():
    network, x = classifier(), RNG.standard_normal((6, 4))
    labels = network.classify(x)
    one = verify_case(Case(network, (x,), (labels,)))
    assert one.verdict == "identical"
    assert "class names alone say little" in one.outputs[0].note
    scores = np.sort(network.predict(x, dtype="float64"), axis=1)
    closest = (scores[:, -1] - scores[:, -2]).min()
    budget = one.outputs[0].margins.closest
    assert budget > 1000
    assert closest / budget < 1e-5
    other = names(*labels)
    other[2] = next(c for c in "abc" if c != labels[2])
    one = verify_case(Case(network, (x,), (other,)))
    assert (one.verdict, one.code) == ("different", 1)
    assert "1 were decided by up to" in one.outputs[0].note


def test_a_tie_by_rounding_is_named():
    network = classifier()
    weights = np.array(network["fc"].arrays["Weights"])
    weights[1] = weights[0] * (1 + 1e-8)
    tied = network.with_layers(
        network["fc"].replace(arrays={**network["fc"].arrays, "Weights": weights})
    )
    x = RNG.standard_normal((40, 4))
    labels = tied.classify(x, dtype="float64")
    assert {"a", "b"} & set(labels)
    swapped = names(*({"a": "b", "b": "a"}.get(label, label) for label in labels))
    one = verify_case(Case(tied, (x,), (swapped,)))
    assert one.verdict == "rounding"
    assert "a tie by rounding" in one.outputs[0].note


def test_a_transform_is_judged_where_it_was_kept():
    """What rounding moves of y*sig+mu is that of mu, where mu is large."""
    network, x = classifier(), RNG.standard_normal((6, 4))
    moved = Transform("y*2+1000", lambda y: y * 2 + 1000)
    expected = np.float32(network.predict(x) * np.float32(2) + np.float32(1000))
    one = verify_case(Case(network, (x,), (expected,), transform=moved))
    assert one.verdict in ("identical", "rounding")
    assert verify_case(Case(network, (x,), (expected + 0.01,), transform=moved)).code == 1


def test_nothing_expected_is_no_verdict():
    network, x = classifier(), RNG.standard_normal((6, 4))
    for nothing in (np.zeros((0, 3)), []):
        with pytest.raises(EmptyComparisonError):
            verify_case(Case(network, (x,), (nothing,)))
    with pytest.raises(MismatchError, match="1 outputs, 2 are expected"):
        verify_case(Case(network, (x,), (x, x)))


def test_sequences_are_judged_by_step():
    weights = RNG.standard_normal((2, 3))
    fc = fullyConnectedLayer(2, Name="fc", Weights=weights, Bias=np.zeros((2, 1)))
    network = Network.of([sequenceInputLayer(3, Name="x"), fc])
    x = [RNG.standard_normal((3, n)) for n in (4, 9)]
    y = [np.array(one) for one in network.predict(x)]
    y[1][:, 6] += 0.5
    one = verify_case(Case(network, (x,), (y,)))
    assert one.verdict == "different"
    far = [n for n, step in enumerate(one.outputs[0].statistics.steps, 1) if step > 1e-3]
    assert far == [7]
    assert one.outputs[0].statistics.worst[0].cell == 2


def test_values_that_say_little_are_told():
    network, x = classifier(1e3), RNG.standard_normal((6, 4))
    one = verify_case(Case(network, (x,), (network.predict(x),)))
    assert "saturated" in one.outputs[0].note
    same = np.repeat(x[:1], 5, axis=0)
    one = verify_case(Case(network, (same,), (network.predict(same),)))
    assert "the same for every observation" in one.outputs[0].note


def test_the_environment_is_told():
    network, x = classifier(), RNG.standard_normal((6, 4))
    told = verify_case(Case(network, (x,), (network.predict(x),))).environment
    assert told["matbridge"] == matbridge.__version__
    assert told["dtype"] == "float32"
    assert told["engine"].split()[0] in ("torch", "onnxruntime")


# -- what MATLAB recorded ----------------------------------------------------------------------

LSTM = "files/fenn--lstm.mat"
OPENKIN = "truth/openkintest-rescale"


def variables(path, *wanted):
    values = read_mat(path, list(wanted))
    return [values[name] for name in wanted]


@pytest.mark.parametrize(("x", "y"), [("XTrain", "Ytrain"), ("inputdataStandardized", "YPred")])
def test_matlabs_own_after_a_transform(x, y, corpus):
    path = corpus / LSTM
    data, expected, sig, mu = variables(path, x, y, "sig", "mu")
    network = matbridge.load(path, "net").reset_state()
    transform = Transform("y*sig+mu", lambda v: v * sig + mu)
    one = verify_case(Case(network, (data,), (expected,), transform=transform))
    assert one.verdict in ("identical", "rounding"), one.sentence
    # The last state that was saved is another one.
    plain = verify_case(Case(network, (data,), (expected,)))
    assert plain.verdict == "different"


@pytest.mark.parametrize("file", ["hepatitisb-region", "hepatitis-b"])
def test_matlabs_own_column(file, corpus):
    path = corpus / f"files/fenn--{file}.mat"
    data, expected = variables(path, "dataTrainStandardized", "Ytrainres")
    one = verify_case(Case(matbridge.load(path, "net"), (data,), (expected,)))
    assert one.verdict in ("identical", "rounding"), one.sentence
    assert one.outputs[0].note.endswith("as vectors")


@pytest.mark.parametrize(
    ("file", "features", "rows"),
    [
        ("10_HR_only", 10, slice(4, 5)),
        ("10_wHR", 10, slice(0, 5)),
        ("14_4_motions", 14, slice(0, 4)),
        ("14_speed_only", 14, slice(0, 1)),
        ("14_wHR", 14, slice(0, 5)),
    ],
)
def test_matlabs_own_from_the_sequences_last_step(file, features, rows, corpus):
    path = corpus / OPENKIN / f"LSTM_results_{file}.mat"
    (data,) = variables(corpus / OPENKIN / f"inputFeatures{features}_sorted.mat", "XTest")
    (expected,) = variables(path, "Ypred")
    x = [np.asarray(one)[rows] for one in data]
    one = verify_case(Case(matbridge.load(path, "net"), (x,), (expected,)))
    assert one.verdict in ("identical", "rounding"), one.sentence
    assert one.outputs[0].used < BUDGETS / 2


def test_matlabs_own_from_another_state(corpus):
    path = corpus / "truth/lstm-saved-state/net_story.mat"
    data, expected = variables(path, "X", "YPred")
    case = Case(matbridge.load(path, "net"), (data,), (expected,), start="zero")
    assert verify_case(case).verdict in ("identical", "rounding")
    assert verify_case(case.replace(start="saved")).verdict == "different"


def test_matlabs_own_in_double_precision(corpus):
    path = corpus / "files/vattuezhuthu-character-r--targetdata1.mat"
    data, expected = variables(path, "inputs", "outputs")
    case = Case(matbridge.load(path, "net"), (data,), (expected,))
    assert case.double
    one = verify_case(case)
    assert one.verdict in ("identical", "rounding"), one.sentence
    assert one.outputs[0].budget < 1e-12
    assert verify_case(case.replace(expected=(expected * (1 + 1e-10),))).verdict == "different"


@pytest.mark.parametrize("file", ["lm", "br"])
def test_matlabs_own_steps_in_double_precision(file, corpus):
    path = corpus / f"files/fenn--{file}.mat"
    data, states, expected = variables(path, "x", "xi", "y")
    options = {"initial_input_delays": states}
    one = verify_case(Case(matbridge.load(path, "net"), (data,), (expected,), options))
    assert one.verdict in ("identical", "rounding"), one.sentence


def test_matlabs_own_labels(corpus):
    path = corpus / "files/fault-detection-using-de--trainedmodel.mat"
    (data,) = variables(
        corpus / "data/fault-detection--validation-features.mat", "validationFeatures"
    )
    (expected,) = variables(
        corpus / "data/fault-detection--validation-results.mat", "validationResults"
    )
    labels = np.array(list(expected), dtype=object)
    one = verify_case(Case(matbridge.load(path, "airCompNet"), (list(data),), (labels,)))
    assert (one.verdict, one.outputs[0].statistics.elements) == ("identical", 176)
    assert one.outputs[0].margins.closest > 0


def test_matlabs_own_saturated_scores(corpus):
    path = corpus / "files/matlab-to-python-classif--net.mat"
    image, expected = variables(path, "I", "test_probs")
    one = verify_case(Case(matbridge.load(path, "net"), (image,), (expected,)))
    assert one.verdict == "identical"
    assert "saturated" in one.outputs[0].note


def test_what_was_recorded_in_double_precision_is_never_different(corpus, capsys):
    """By MATLAB, or by the code that its genFunction wrote; all but series with initial states."""
    folder = corpus / "shallow"
    verified = 0
    for one in json.loads((folder / "cases.json").read_text(encoding="utf-8"))["cases"]:
        file, _, address = one["network"].partition(":")
        path = folder / one["id"] / file
        if not path.exists() or not one.get("input") or one["id"].startswith(("perf", "fenn")):
            continue
        data = [f"{path.parent}/{one[side].partition(',')[0]}" for side in ("input", "expected")]
        arguments = [str(path), "--network", address, "--input", data[0], "--expected", data[1]]
        assert run(["verify", *arguments, "--no-diagnosis"]) == 0, capsys.readouterr().out
        assert capsys.readouterr().out.startswith(("identical", "rounding"))
        verified += 1
    assert verified > 5


def test_a_record_without_performances_is_no_verdict():
    with pytest.raises(EmptyComparisonError, match="the record holds no performance of these data"):
        verify_performances([], [], Limits())


def test_class_names_that_are_missing_are_told():
    network, x = classifier(), RNG.standard_normal((6, 4))
    labels = network.classify(x)
    labels[0] = "<undefined>"
    one = verify_case(Case(network, (x,), (labels,)))
    assert one.verdict == "different"
    assert "of those expected 1 are missing, or no class of the network" in one.outputs[0].note
