"""Shallow networks over time against MATLAB's recorded runs, and step by step."""

import json

import numpy as np
import pytest
from conftest import CORPUS
from reference.shallow_network import simulate
from shallow_forms import plain, structure_of
from test_shallow_feedback import layer, mapping, open_narx, series, weight

import matbridge
from matbridge.core.registry import Registry
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.matlab.file import MatFile
from matbridge.matlab.file.values import Cell
from matbridge.matlab.shallow_back import to_structure
from matbridge.matlab.shallow_cards import to_network
from matbridge.predict.data import read_data
from matbridge.predict.series import vec2ind
from matbridge.verify.training import performances

RNG = np.random.default_rng(13)
SHALLOW = CORPUS / "shallow"


def cases(*names):
    """The recorded cases whose id begins so."""
    if not (SHALLOW / "cases.json").exists():
        return []
    recorded = json.loads((SHALLOW / "cases.json").read_text(encoding="utf-8"))["cases"]
    return [case for case in recorded if case["id"].startswith(names)]


def each(*names):
    found = cases(*names)
    return pytest.mark.parametrize("case", found, ids=[case["id"] for case in found])


class Workspace:
    """The variables of a case's file, by name."""

    def __init__(self, case):
        self.file = CORPUS / case["folder"] / case["network"].partition(":")[0]
        self.case = case

    def __getitem__(self, name):
        return read_data(f"{self.file}:{name}")

    def network(self, name=None):
        return matbridge.load(self.file, name or self.case["network"].partition(":")[2])


def columns(value):
    return np.concatenate(value, axis=1) if isinstance(value, list) else np.atleast_2d(value)


def check(case, value, expected):
    """At the figure that an independent evaluator reached, or 1e-13 of the largest value."""
    value, expected = columns(value), columns(expected)
    assert value.shape == expected.shape
    allowed = max(case["found_max_abs"], 1e-13 * np.abs(expected).max())
    assert np.abs(value - expected).max() <= allowed


def same(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True)
    )


# -- recorded ----------------------------------------------------------------------------------


@each("fenn-lm-open", "fenn-br-open")
def test_an_open_loop_from_a_whole_series(case):
    recorded = Workspace(case)
    network = recorded.network()
    prepared = network.prepare(recorded["T"])
    assert same(prepared.inputs[0], recorded["x"])
    assert same(prepared.initial_input_delays[0], recorded["xi"])
    assert same(prepared.targets[0], recorded["t"])
    run = network.predict(
        *prepared.inputs, initial_input_delays=prepared.initial_input_delays, final_states=True
    )
    check(case, run.outputs, recorded["y"])
    assert same(run.final_input_delays[0], recorded["xfo"])
    assert run.final_layer_delays == [[], []]
    performance = network.performance(prepared.targets[0], run.outputs)
    assert performance == pytest.approx(recorded["performance"].item(), rel=1e-13)


@each("fenn-lm-closed", "fenn-br-closed")
def test_a_closed_loop_from_the_open_one(case):
    recorded = Workspace(case)
    network = recorded.network("net").close_loop()
    saved = to_structure(recorded.network("netc"))
    closed = to_structure(network)
    assert closed.layer_weights.keys() == saved.layer_weights.keys()
    for place, part in saved.layer_weights.items():
        assert np.array_equal(closed.layer_weights[place].array, part.array)
        assert closed.layer_weights[place].delays == part.delays
    assert closed.outputs[0].feedback_mode == saved.outputs[0].feedback_mode
    prepared = network.prepare(recorded["T"])
    assert prepared.inputs == (142,)
    assert same(prepared.targets[0], recorded["tc"])
    outputs = network.predict(*prepared.inputs, initial_layer_delays=prepared.initial_layer_delays)
    check(case, outputs, recorded["yc"])
    performance = network.performance(prepared.targets[0], list(outputs.T.reshape(-1, 1, 1)))
    assert performance == pytest.approx(recorded["closedLoopPerformance"].item(), rel=1e-12)


def test_closing_gives_the_closed_network_that_was_saved():
    files = SHALLOW / "files"
    if not files.exists():
        pytest.skip("the corpus is not here")
    network = matbridge.load(files / "time-series-prediction-narx--netbest.mat").close_loop()
    saved = matbridge.load(files / "time-series-prediction-narx--netcbest.mat")
    first, second = to_structure(network), to_structure(saved)
    for name in ("input_weights", "layer_weights"):
        weights, expected = getattr(first, name), getattr(second, name)
        assert weights.keys() == expected.keys()
        for place, part in expected.items():
            assert weights[place].delays == part.delays
            assert np.array_equal(weights[place].array, part.array)
    x = RNG.normal(size=(3, 20))
    assert np.array_equal(network.predict(x), saved.predict(x))


@each("fenn-lm-multistep", "fenn-br-multistep")
def test_several_steps_beyond_the_end(case):
    recorded = Workspace(case)
    network = recorded.network("net")
    run = network.predict(recorded["x"], initial_input_delays=recorded["xi"], final_states=True)
    xi, ai = network.closed_states(run.final_input_delays, run.final_layer_delays)
    assert xi == []
    assert np.array_equal(ai[1][0], recorded["aic"][1])
    assert np.array_equal(ai[1][1], recorded["aic"][3])
    closed = recorded.network("netc")
    goes_on = closed.predict(Cell([], (0, 5)), initial_layer_delays=ai, final_states=True)
    check(case, goes_on.outputs, recorded["y2"])
    for number, states in enumerate(goes_on.final_layer_delays):
        for step, state in enumerate(states):
            wanted = recorded["afc"][number + 2 * step]
            np.testing.assert_allclose(state, wanted, rtol=1e-13, atol=1e-14)
    check(case, network.forecast(recorded["T"], steps=5), recorded["y2"])
    # The states that MATLAB saved, whose unused rows are NaN.
    check(case, closed.predict(5, initial_layer_delays=recorded["aic"]), recorded["y2"])


@each("fenn-lm-removedelay", "fenn-br-removedelay")
def test_one_step_ahead(case):
    recorded = Workspace(case)
    network = recorded.network("net").remove_delay()
    saved = to_structure(recorded.network("nets"))
    assert {p: w.delays for p, w in to_structure(network).input_weights.items()} == {
        p: w.delays for p, w in saved.input_weights.items()
    }
    prepared = network.prepare(recorded["T"])
    assert same(prepared.inputs[0], recorded["xs"])
    assert same(prepared.initial_input_delays[0], recorded["xis"])
    assert same(prepared.targets[0], recorded["ts"])
    outputs = network.predict(*prepared.inputs, initial_input_delays=prepared.initial_input_delays)
    check(case, outputs, recorded["ys"])
    performance = network.performance(prepared.targets[0], outputs)
    assert performance == pytest.approx(recorded["stepAheadPerformance"].item(), rel=1e-13)


@each("layrecnet-alina")
def test_a_layer_that_feeds_itself(case):
    recorded = Workspace(case)
    network = recorded.network()
    prepared = network.prepare(recorded["X"], recorded["T"])
    assert same(prepared.inputs[0], recorded["Xs"])
    assert same(prepared.targets[0], recorded["Ts"])
    assert same(prepared.initial_layer_delays[0], recorded["Ai"][::2])
    outputs = network.predict(recorded["Xs"], initial_layer_delays=recorded["Ai"])
    check(case, outputs, recorded["Y"])
    performance = network.performance(recorded["Ts"], outputs)
    assert performance == pytest.approx(recorded["perf"].item(), rel=1e-4)


@each("arx-closed")
def test_recorded_arx(case):
    recorded = Workspace(case)
    name = case["input"].partition(":")[2]
    outputs = recorded.network().predict(
        recorded[name], initial_layer_delays=recorded[case["initial_delays"]["Ai"]]
    )
    check(case, outputs, recorded[case["expected"].partition(":")[2]])


@each("perf-")
def test_a_training_record(case):
    recorded = Workspace(case)
    network = recorded.network()
    record = MatFile(recorded.file)["tr"]
    outputs = network.predict(recorded["inputs"])
    measured = performances(to_structure(network), record, [recorded["targets"]], [outputs])
    assert [part.part for part in measured] == ["training", "validation", "test"]
    assert max(part.difference for part in measured) <= 1e-13


@each("gen-")
def test_generated_code_computes_what_the_network_does(case):
    """The .mat of the same network gives what its generated code gave."""
    recorded = Workspace(case)
    arrays = np.load(recorded.file.parent / "io.npz")
    check(case, recorded.network().predict(arrays["X"]), arrays["Y"])


# -- every form of data --------------------------------------------------------------------------


def built(example):
    return to_network(structure_of(example), Registry.builtin())


def narx():
    example = open_narx(1, 1)
    return example, built(example)


def test_forms_of_series_and_states():
    """Cells, matrices, R×Q×T, several series; states as cells, lists or matrices."""
    example, network = narx()
    X, Xi = ([series(part["size"], n) for part in example["inputs"]] for n in (7, 3))
    expected = simulate(example, X, Xi)[0][0]
    y = network.predict(*X, initial_input_delays=Xi)
    assert isinstance(y, list)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    cube = [np.stack(steps, axis=-1) for steps in X]
    states = [np.stack(steps, axis=-1) for steps in Xi]
    np.testing.assert_allclose(
        network.predict(*cube, initial_input_delays=states), np.stack(expected, -1), rtol=1e-12
    )
    by_name = dict(zip(network.input_names, X, strict=True))
    np.testing.assert_allclose(network.predict(by_name, initial_input_delays=Xi), y)
    cell = Cell([x for pair in zip(*X, strict=True) for x in pair], (2, 7))
    before = Cell([x for pair in zip(*Xi, strict=True) for x in pair], (2, 3))
    np.testing.assert_allclose(network.predict(cell, initial_input_delays=before), y)
    np.testing.assert_allclose(network.predict(X, initial_input_delays=Xi), y)
    single = [np.concatenate([x[:, :1] for x in steps], axis=1) for steps in X]
    first = [np.concatenate([x[:, :1] for x in steps], axis=1) for steps in Xi]
    np.testing.assert_allclose(
        network.predict(*single, initial_input_delays=first),
        np.concatenate([step[:, :1] for step in expected], axis=1),
        rtol=1e-12,
    )


def test_states_that_are_left_out_are_zero():
    example, network = narx()
    X = [series(part["size"]) for part in example["inputs"]]
    np.testing.assert_allclose(network.predict(*X), simulate(example, X)[0][0], rtol=1e-12)
    some = [series(example["inputs"][0]["size"], 3), None]
    zeros = [some[0], [np.zeros((1, 3))] * 3]
    np.testing.assert_allclose(
        network.predict(*X, initial_input_delays=some), simulate(example, X, zeros)[0][0]
    )


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 6])
def test_final_states_go_on(closed, steps):
    """Also of runs shorter than the delays; the whole is its parts."""
    example, network = narx()
    network = network.close_loop() if closed else network
    example = plain(to_structure(network))
    X = [series(part["size"], 9) for part in example["inputs"]]
    depth, memory = 3, 2 if closed else 0
    Xi = [series(part["size"], depth) for part in example["inputs"]]
    Ai = [series(part["size"], memory) for part in example["layers"]]
    states = {"initial_input_delays": Xi, "initial_layer_delays": Ai if memory else None}
    Y, Xf, Af, _ = simulate(example, [x[:steps] for x in X], Xi, Ai)
    run = network.predict(*[x[:steps] for x in X], **states, final_states=True)
    for got, wanted in ((run.final_input_delays, Xf), (run.final_layer_delays, Af)):
        for row, expected in zip(got, wanted, strict=True):
            np.testing.assert_allclose(row, expected, rtol=1e-11)
    whole = network.predict(*X, **states)
    rest = network.predict(
        *[x[steps:] for x in X],
        initial_input_delays=run.final_input_delays,
        initial_layer_delays=run.final_layer_delays if memory else None,
    )
    np.testing.assert_allclose([*run.outputs, *rest], whole, rtol=1e-10)
    updated, first = network.predict_and_update_state(*[x[:steps] for x in X], **states)
    np.testing.assert_allclose(first, Y[0], rtol=1e-11)
    np.testing.assert_allclose(updated.predict(*[x[steps:] for x in X]), rest, rtol=1e-10)


def test_a_session_carries_states_on():
    example, network = narx()
    X = [series(part["size"], 8) for part in example["inputs"]]
    whole = network.predict(*X)
    with network.session() as session:
        parts = [session.predict_and_update_state(*[x[k : k + 2] for x in X]) for k in (0, 2, 4)]
        after = session.predict(*[x[6:] for x in X], final_states=True)
        session.reset_state()
        again = session.predict(*[x[:2] for x in X])
    np.testing.assert_allclose([y for part in parts for y in part], whole[:6], rtol=1e-12)
    np.testing.assert_allclose(after.outputs, whole[6:], rtol=1e-12)
    assert np.array_equal(after.final_input_delays[0][-1], X[0][-1])
    np.testing.assert_allclose(again, whole[:2], rtol=1e-12)


def static():
    return {
        "inputs": [{"size": 3, "steps": [mapping(3)]}, {"size": 1}],
        "layers": [layer(4, "tansig"), layer(3, "compet")],
        "input_weights": {(1, 1): weight(4, 3), (1, 2): weight(4, 1)},
        "layer_weights": {(2, 1): weight(3, 4)},
        "outputs": [{"layer": 1}, {"layer": 2}],
    }


def test_samples_are_columns():
    example = static()
    network = built(example)
    x, z = RNG.normal(size=(3, 6)), RNG.normal(size=(1, 6))
    expected = [y[0] for y in simulate(example, [[x], [z]])[0]]
    for outputs in (network.predict(x, z), network.predict({"x2": z, "x1": x})):
        for y, wanted in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(y, wanted, rtol=1e-12)
    cells = network.predict([x[:, :2], x[:, 2:]], [z[:, :2], z[:, 2:]])
    assert [part.shape for part in cells[0]] == [(4, 2), (4, 4)]
    np.testing.assert_allclose(np.concatenate(cells[1], axis=1), expected[1])
    one = network.predict(x[:, 0], z[0, 0])
    np.testing.assert_allclose(one[0], expected[0][:, :1], rtol=1e-12)


def test_classes_are_the_largest_rows():
    example = static() | {"outputs": [{"layer": 2}]}
    network = built(example)
    x, z = RNG.normal(size=(3, 6)), RNG.normal(size=(1, 6))
    y = network.predict(x, z)
    numbers = network.classify(x, z)
    assert np.array_equal(numbers, y.argmax(axis=0) + 1)
    names, scores = network.classify(x, z, classes=["a", "b", "c"], scores=True)
    assert names.tolist() == ["abc"[n - 1] for n in numbers]
    assert np.array_equal(scores, y)
    cells = network.classify([x[:, :2], x[:, 2:]], [z[:, :2], z[:, 2:]])
    assert np.array_equal(np.concatenate(cells), numbers)
    with pytest.raises(MismatchError, match="2 classes are named, the output has 3 rows"):
        network.classify(x, z, classes=["a", "b"])


def test_vec2ind():
    columns = np.array([[0, 0.5, 1, np.nan], [1, 0.5, 0, 0]])
    assert vec2ind(columns).tolist() == [2, 1, 1, 0]


# -- forecasts -------------------------------------------------------------------------------------


def test_a_forecast_with_inputs_to_come():
    example, network = narx()
    X, T = series(2, 10), series(1, 10)
    to_come = series(2, 4)
    y = network.forecast(X, T, steps=4, inputs=[to_come])
    fed = [x[:, :3] for x in T]
    rows = [*X, *to_come]
    for t in range(10, 14):
        Y, *_ = simulate(
            example, [[rows[t]], [np.zeros((1, 3))]], [rows[t - 3 : t], fed[t - 3 : t]]
        )
        fed.append(Y[0][0])
    np.testing.assert_allclose(y, fed[10:], rtol=1e-10)
    with pytest.raises(MismatchError, match="steps is 0"):
        network.forecast(X, T, steps=0)


def test_series_of_a_time_delay_network_may_do_without_targets():
    example = open_narx(1, 1)
    del example["inputs"][1]["feedback_output"]
    example["outputs"][0].pop("feedback_input")
    example["outputs"][0]["feedback_mode"] = "none"
    network = built(example)
    X = [series(2, 8), series(1, 8)]
    prepared = network.prepare(*X)
    assert prepared.targets == ()
    assert prepared.shift == 3
    target = [np.concatenate(s, axis=1)[:, :8] for s in (X[0], X[1])]
    told = network.prepare(*target, np.arange(8.0))
    assert np.array_equal(told.targets[0], [[3, 4, 5, 6, 7]])
    assert told.inputs[0].shape == (2, 5)


# -- what does not fit ----------------------------------------------------------------------


def test_what_does_not_fit_is_told():
    example, network = narx()
    X = [series(part["size"]) for part in example["inputs"]]
    with pytest.raises(MismatchError, match="the network has 2 inputs, 1 are given"):
        network.predict(X[0])
    with pytest.raises(MismatchError, match="no data for the input 'x2'"):
        network.predict({"x1": X[0]})
    with pytest.raises(MismatchError, match="x1: data of size 3×3 do not fit an input of 2 rows"):
        network.predict([np.zeros((3, 3))], X[1])
    with pytest.raises(MismatchError, match="give the transpose"):
        network.predict([np.zeros((3, 2))], X[1])
    with pytest.raises(MismatchError, match="x1: the cell is empty"):
        network.predict([], X[1])
    with pytest.raises(MismatchError, match="different numbers of series"):
        network.predict([X[0][0], X[0][1][:, :1]], X[1])
    with pytest.raises(MismatchError, match="different numbers of samples or steps"):
        network.predict(X[0][:3], X[1])
    with pytest.raises(MismatchError, match="Several series of one length are R×Q×T"):
        network.predict(np.zeros((3, 2, 2)), X[1])
    with pytest.raises(MismatchError, match="Xi has 1 rows, the network needs 2"):
        network.predict(*X, initial_input_delays=np.zeros((2, 3)))
    with pytest.raises(MismatchError, match=r"Xi\{1\}: it has 2 steps, the delays need 3"):
        network.predict(*X, initial_input_delays=[series(2, 2), series(1, 3)])
    with pytest.raises(MismatchError, match="pads no sequences"):
        network.predict(*X, sequence_length="longest")
    with pytest.raises(MismatchError, match="there are no samples or steps"):
        network.predict(np.zeros((2, 0)), np.zeros((1, 0)))
    with pytest.raises(MismatchError, match="3 series are given, the network needs 2"):
        network.prepare(*X, X[1])
    with pytest.raises(MismatchError, match="too short: the delays take 3"):
        network.prepare(X[0][:3], X[1][:3])
    with pytest.raises(MismatchError, match="the series have different numbers of steps"):
        network.prepare(X[0], X[1][:5])
    with pytest.raises(MismatchError, match="2 are given, the network has 1 outputs"):
        network.performance((X[1], X[1]), X[1])


def single(size, steps=9):
    """One series, R×T."""
    return np.stack(series(size, steps), axis=2)[:, 0]


def test_data_in_another_order_of_dimensions():
    """Arrays of a format are turned, and go with states and classes as others do."""
    example, network = narx()
    X = [single(part["size"]) for part in example["inputs"]]
    rows = [x.T for x in X]
    xi = [single(part["size"], 3) for part in example["inputs"]]
    for states in ({}, {"initial_input_delays": xi}):
        y = network.predict(*X, **states)
        assert np.array_equal(network.predict(*rows, format="TC", **states), y)
        given = network.predict(*rows, format=["TC", "tc"], final_states=True, **states)
        assert np.array_equal(given.outputs, y)
        moved, first = network.predict_and_update_state(*rows, format="TC", **states)
        assert np.array_equal(first, y)
        assert np.array_equal(moved.predict(*rows, format="TC"), moved.predict(*X))
    assert np.array_equal(network.classify(*rows, format="TC"), network.classify(*X))
    with pytest.raises(MismatchError, match="1 formats were given for 2 inputs"):
        network.predict(*rows, format=["TC"])
    with pytest.raises(MismatchError, match="not with cells of a format"):
        network.predict([rows[0]], [rows[1]], format="TC", initial_input_delays=xi)
    with pytest.raises(MismatchError, match="x1: "):
        network.predict(*X, format="TC")


def test_complex_data_are_refused():
    example, network = narx()
    X = [single(part["size"]) for part in example["inputs"]]
    assert np.array_equal(network.predict(*(x.astype(complex) for x in X)), network.predict(*X))
    for format in (None, "CT"):
        with pytest.raises(MismatchError, match="the data are complex"):
            network.predict(X[0] + 1j, X[1], format=format)


def test_a_network_without_inputs_is_told_its_steps():
    network = built(open_narx(0, 1, 0)).close_loop()
    y = network.predict(4)
    assert np.array_equal(network.predict(np.zeros((0, 4))), y)
    assert np.array_equal(columns(network.predict(Cell([], (0, 4)))), y)
    assert np.array_equal(network.predict(np.int64(4)), y)
    for none in (0, -1):
        with pytest.raises(MismatchError, match="there are no samples or steps"):
            network.predict(none)
    for wrong in (np.zeros((1, 4)), [1.0, 2.0], True):
        with pytest.raises(MismatchError, match="its data only say how many steps"):
            network.predict(wrong)


def test_series_of_a_network_without_inputs():
    """Q at once, as labelled data: each runs as it would alone."""
    network = built(open_narx(0, 1, 0)).close_loop()
    alone = network.predict(np.zeros((0, 4)))
    assert alone.shape[-1] == 4
    together = network.predict(np.zeros((0, 3, 4)), format="CBT")
    assert together.shape == (alone.shape[0], 3, 4)
    assert np.allclose(together, np.repeat(alone[:, None], 3, axis=1), rtol=1e-14, atol=0)


def test_other_networks_have_no_delay_states(fixtures):
    network = matbridge.load(fixtures / "lstm_classifier.mat")
    x = np.zeros((12, 4))
    with pytest.raises(MismatchError, match="has no initial_input_delays"):
        network.predict(x, initial_input_delays=x)
    with pytest.raises(MismatchError, match="has no final_states"):
        network.predict(x, final_states=True)
    for change in (network.close_loop, network.open_loop, network.remove_delay):
        with pytest.raises(UnsupportedError, match="is no network object"):
            change()
