"""Proof found in workspaces: what MathWorks' examples leave is found, what looks like it is not."""

import json
import time

import numpy as np
import pytest
import workspaces
from workspaces import Dense, Recurrent, cell, shallow, single

import matbridge
from matbridge.matlab.file.write import write_mat
from matbridge.matlab.saving import save_network
from matbridge.verify.proof import search

# What came out was computed in float64 and rounded once, as matbridge may well do too.
PASSED = "identical"


def found(variables, network, **options):
    """The search in plain values."""
    return search(variables, {"net": network}, **options)


def equations(result):
    return {proof.variable: proof.equation for proof in result.proofs}


def without(variables, *names):
    return {name: value for name, value in variables.items() if name not in names}


# -- what is found -------------------------------------------------------------------------------


def test_a_forecast_in_closed_loop():
    net, variables = workspaces.forecasting()
    variables = {**without(variables, "closed", "updated"), "YPred": variables["closed"]}
    result = found(variables, net.network())
    assert result.code == 0
    (proof,) = result.proofs
    assert "predictAndUpdateState" in proof.equation
    assert proof.equation.endswith("*sig + mu")
    assert proof.remark == "in closed loop after [XTrain YTrain(:,end)]"


def test_a_forecast_that_follows_the_data():
    net, variables = workspaces.forecasting()
    variables = {**without(variables, "closed", "updated"), "YPred": variables["updated"]}
    result = found(variables, net.network(saved=True))
    assert equations(result)["YPred"] == "YPred = predict(net, XTest)*sig + mu"
    (proof,) = result.proofs
    assert "XTrain" in proof.remark


def test_a_network_saved_after_its_prediction_is_reset():
    net, variables = workspaces.forecasting()
    y = net.alone(variables["XTest"])
    kept = {"XTest": variables["XTest"], "Y": single(y)}
    result = found(kept, net.network(saved=True))
    assert equations(result) == {"Y": "Y = predict(resetState(net), XTest)"}
    assert result.networks[0].proofs[0].case.start == "zero"


def test_labels_in_mini_batches():
    net, variables = workspaces.classification()
    result = found(without(variables, "scores"), net.network())
    told = "YPred = classify(net, XTest, 'MiniBatchSize', 27, 'SequenceLength', 'longest')"
    assert equations(result) == {"YPred": told}


def test_scores_in_mini_batches():
    net, variables = workspaces.classification()
    result = found(without(variables, "YPred"), net.network())
    assert equations(result)["scores"].startswith(
        "scores = predict(net, XTest, 'MiniBatchSize', 27"
    )


def test_cells_of_sequences():
    net, variables = workspaces.remaining_life()
    result = found(variables, net.network())
    assert equations(result) == {"YPred": "YPred = predict(net, XTest)"}
    assert result.networks[0].likenesses["YTest"].correlation > 0.9


def test_responses_of_sequences():
    net, variables = workspaces.waveforms()
    assert list(equations(found(variables, net.network()))) == ["YTest"]


def test_inputs_standardized_and_outputs_scaled_back():
    net, variables = workspaces.features()
    result = found(variables, net.network())
    (proof,) = result.proofs
    assert proof.variable == "YPred"
    assert "(X-muX)./sigX" in proof.equation
    assert "(ps_output.xmax - ps_output.xmin) + ps_output.xmin" in proof.equation


@pytest.mark.parametrize("turned", ["X", "YPred", "both"])
def test_transposes_are_told(turned):
    net = Dense(3, 2)
    x = np.random.default_rng(3).normal(size=(50, 3))
    y = single(net.alone(x))
    variables = {"X": x.T if turned != "YPred" else x, "YPred": y.T if turned != "X" else y}
    (equation,) = equations(found(variables, net.network())).values()
    assert ("X'" in equation, equation.startswith("YPred'")) == (turned != "YPred", turned != "X")


@pytest.mark.parametrize(
    ("words", "function", "constants"),
    [
        ("*s + m", lambda y: y * 3.5 + 20, {"s": 3.5, "m": 20.0}),
        ("*s", lambda y: y * 3.5, {"s": 3.5}),
        ("*(high - low) + low", lambda y: y * 9 - 4, {"low": -4.0, "high": 5.0}),
        ("(", lambda y: (y + 1) / 2 * 9 - 4, {"low": -4.0, "high": 5.0}),
        ("exp(", np.exp, {}),
        ("exp(", lambda y: np.exp(y * 0.3 + 1), {"s": 0.3, "m": 1.0}),
        ("uint8(255*", lambda y: np.clip(np.round(255 * y), 0, 255).astype(np.uint8), {}),
        ("round(", np.round, {}),
    ],
)
def test_what_was_done_to_outputs(words, function, constants):
    net = Dense(3, 1)
    x = np.random.default_rng(4).normal(size=(60, 3))
    if words == "uint8(255*":
        net.F, net.g = net.F * 0.08, net.g * 0 + 0.5
    if words == "round(":
        net.F, net.g = single(net.F * 40), net.g * 40
    expected = function(single(net.alone(x)))
    variables = {"X": x, "YPred": expected if expected.dtype == np.uint8 else single(expected)}
    variables |= {name: np.array([[value]]) for name, value in constants.items()}
    (equation,) = equations(found(variables, net.network())).values()
    assert words in equation


def test_means_of_the_data_count_as_numbers_of_the_workspace():
    net = Dense(3, 1)
    draw = np.random.default_rng(5)
    x, t = draw.normal(size=(60, 3)), draw.normal(size=(60, 1)) * 30 + 400
    y = net.alone(x) * t.std(ddof=1) + t.mean()
    (equation,) = equations(found({"X": x, "T": t, "Y": single(y)}, net.network())).values()
    assert equation == "Y = predict(net, X)*std(T) + mean(T)"


def test_parts_of_the_data():
    net = Dense(3, 2)
    x = np.random.default_rng(6).normal(size=(80, 3))
    idx = np.random.default_rng(6).permutation(80)[:30]
    y = single(net.alone(x))
    last = equations(found({"X": x, "Y": y[60:]}, net.network()))
    assert last == {"Y": "Y = predict(net, X(61:80,:))"}
    picked = equations(found({"X": x, "idxTest": idx[None] + 1.0, "Y": y[idx]}, net.network()))
    assert picked == {"Y": "Y = predict(net, X(idxTest,:))"}


def test_data_in_structs_and_tables():
    from matbridge.matlab.file.values import Table

    net = Dense(3, 1)
    x = np.random.default_rng(8).normal(size=(50, 3))
    y = single(net.alone(x))
    table = Table({name: x[:, [i]] for i, name in enumerate("abc")})
    inside = {"results": {"test": {"X": x, "Y": y}}}
    assert list(equations(found(inside, net.network()))) == ["results.test.Y"]
    assert equations(found({"tbl": table, "Y": y}, net.network())) == {"Y": "Y = predict(net, tbl)"}


@pytest.mark.parametrize(
    ("written", "function", "constants"),
    [
        ("(X-mu)./sigma", lambda x, a, b: (x - a) / b, ("mu", "sigma")),
        ("(X-minX)./(maxX-minX)", lambda x, a, b: (x - a) / (b - a), ("minX", "maxX")),
        ("2*(X-ps.xmin)./(ps.xmax-ps.xmin)-1", lambda x, a, b: 2 * (x - a) / (b - a) - 1, "ps"),
    ],
)
def test_how_inputs_were_normalized(written, function, constants):
    net = Dense(3, 1)
    x = np.random.default_rng(14).normal(size=(60, 3)) * 5 + 2
    a, b = np.array([[-1.0, -2.0, -3.0]]), np.array([[7.0, 9.0, 11.0]])
    kept = {"ps": {"xmin": a.T, "xmax": b.T}}
    if constants != "ps":
        kept = dict(zip(constants, (a, b), strict=True))
    y = single(net.alone(function(x, a, b)))
    told = equations(found({"X": x, "YPred": y, **kept}, net.network()))
    assert told == {"YPred": f"YPred = predict(net, {written})"}


@pytest.mark.parametrize("turned", [False, True])
def test_sequences_in_one_array(turned):
    """Channels × time × observations, and as the newer functions take them time first."""
    net = Recurrent(3, 2)
    x = np.random.default_rng(15).normal(size=(3, 9, 6))
    y = np.stack([net.alone(x[:, :, n]) for n in range(6)], -1)
    if turned:
        x, y = x.transpose(1, 0, 2), y.transpose(1, 0, 2)
    expected = cell(single(y[:, :, n]) for n in range(6)) if turned else single(y)
    variables = {"X": x, "Y": expected}
    assert list(equations(found(variables, net.network()))) in (["Y"], ["cellfun(@transpose, Y)"])


def test_arrays_with_labels_are_arrays(tmp_path):
    from matbridge.matlab.file.values import MatObject

    net = Dense(3, 1)
    x = np.random.default_rng(16).normal(size=(50, 3))
    x, y = (MatObject("dlarray", {"Data": array}) for array in (x, single(net.alone(x))))
    assert equations(found({"X": x, "Y": y}, net.network())) == {"Y": "Y = predict(net, X)"}


@pytest.mark.parametrize("names", [("y",), ("e", "t"), ("y", "e", "t")])
def test_scripts_of_fitting(names):
    structure, variables = workspaces.fitting()
    kept = {name: variables[name] for name in ("x", "performance", *names)}
    told = equations(found(kept, shallow(structure)))
    assert told == {
        name: {"y": "y = net(x)", "e": "e = t - net(x)"}[name] for name in names if name != "t"
    }


def test_scripts_of_pattern_recognition():
    structure, variables = workspaces.recognition()
    told = equations(found(variables, shallow(structure)))
    assert told == {"y": "y = net(x)", "yind": "yind = vec2ind(net(x))", "e": "e = t - net(x)"}


@pytest.mark.parametrize("states", [True, False])
def test_scripts_of_series(states):
    structure, variables = workspaces.autoregression()
    kept = variables if states else without(variables, "x", "xi", "ai", "t", "e")
    result = found(kept, shallow(structure))
    assert "y" in equations(result)
    if states:
        assert equations(result)["y"] == "y = net(x, xi)"
        assert equations(result)["e"] == "e = t - net(x, xi)"
    else:
        assert "preparets(net, {}, {}, T)" in result.networks[0].proofs[0].remark


def test_scripts_of_series_with_inputs():
    structure, variables = workspaces.exogenous()
    told = equations(found(variables, shallow(structure)))
    assert told == {"y": "y = net(x, xi)"}
    whole = found(without(variables, "x", "xi", "ai", "t"), shallow(structure))
    assert "preparets(net, X, {}, T)" in whole.networks[0].proofs[0].remark


def test_labels_of_each_step():
    net = Recurrent(3, 5, classes="abcde")
    draw = np.random.default_rng(3)
    x = [draw.normal(size=(3, n)) for n in (12, 30, 25)]
    labels = [workspaces.categorical(net.alone(item).argmax(0), "abcde") for item in x]
    told = equations(found({"X": cell(x), "YPred": cell(labels)}, net.network()))
    assert told == {"YPred": "YPred = classify(net, X)"}
    one = equations(found({"X": cell(x), "YPred": labels[1]}, net.network()))
    assert one == {"YPred": "YPred = classify(net, X{2})"}


def test_many_observations_are_run_as_far_as_time_allows():
    net = Dense(3, 1)
    x = np.random.default_rng(3).normal(size=(20_000, 3))
    result = found({"X": x, "YPred": single(net.alone(x))}, net.network())
    (proof,) = result.proofs
    assert (proof.values, proof.remark) == (20_000, "")


def test_closed_loops_of_series():
    structure, variables = workspaces.autoregression()
    closed = shallow(structure).close_loop()
    p = shallow(structure).close_loop().prepare(variables["T"])
    yc = closed.predict(*p.inputs, initial_layer_delays=p.initial_layer_delays)
    result = search({"T": variables["T"], "yc": np.asarray(yc)}, {"netc": closed})
    assert list(equations(result)) == ["yc"]


# -- what is no proof ----------------------------------------------------------------------------


def other(build):
    """The network of another training."""
    return build(seed=2)[0]


DEEP = {
    "forecasting": (workspaces.forecasting, ("YPred",)),
    "classification": (workspaces.classification, ("YPred",)),
    "remaining life": (workspaces.remaining_life, ("YPred",)),
    "waveforms": (workspaces.waveforms, ("YTest",)),
    "features": (workspaces.features, ("YPred",)),
}


@pytest.mark.parametrize("name", DEEP)
def test_outputs_of_another_network_prove_nothing(name):
    build, _ = DEEP[name]
    net, variables = build()
    result = found(variables, other(build).network())
    assert (result.code, result.verdict) == (5, "not verified")


@pytest.mark.parametrize("name", DEEP)
def test_targets_prove_nothing(name):
    build, outputs = DEEP[name]
    net, variables = build()
    kept = without(variables, *outputs, "closed", "updated", "scores")
    assert found(kept, net.network()).code == 5


@pytest.mark.parametrize("share", [1e-2, 1e-3, 1e-4])
def test_a_network_trained_further_proves_nothing(share):
    net, variables = workspaces.remaining_life()
    net.F = single(net.F * (1 + share)).astype(float)
    result = found(variables, net.network())
    assert result.code == 5


def test_outputs_of_another_object_prove_nothing():
    for build in (workspaces.fitting, workspaces.recognition, workspaces.autoregression):
        _, variables = build()
        assert found(variables, shallow(other(build))).code == 5


@pytest.mark.parametrize(
    ("expected", "why"),
    [
        (np.full((40, 1), 0.25), "all values are the same"),
        (np.tile([[0.0], [1.0]], (20, 1)), ""),
    ],
)
def test_what_says_too_little_is_no_proof(expected, why):
    """Constant and saturated outputs: a network that gives them agrees, and proves nothing."""
    net = Dense(3, 1)
    net.F, net.g = net.F * 0, net.g * 0 + 0.25
    x = np.random.default_rng(9).normal(size=(40, 3))
    result = found({"X": x, "Y": single(expected)}, net.network())
    assert result.code == 5
    assert [one.reason for one in result.networks[0].no_proofs] == ([why] if why else [])


def test_too_few_values_are_no_proof():
    net = Dense(3, 1)
    x = np.random.default_rng(9).normal(size=(2, 3))
    y = single(net.alone(x))
    assert found({"X": np.vstack([x, x[:1]]), "Y": np.vstack([y, y[:1]])}, net.network()).code == 5


def test_labels_that_the_network_was_trained_to_give_are_no_proof():
    """A network that never errs, whose scores are 0 and 1: its labels may be the targets."""
    net, variables = workspaces.classification(lengths=[9] * 81)
    net.F, net.g = net.F * 400, net.g * 400
    chosen = np.array([net.alone(x)[:, 0].argmax() for x in variables["XTest"]])
    labels = workspaces.categorical(chosen, "abcde")
    trained = found({"X": variables["XTest"], "YTrain": labels}, net.network())
    assert trained.code == 5
    assert "trained to give" in trained.networks[0].no_proofs[0].reason
    assert found({"X": variables["XTest"], "YPred": labels}, net.network()).code == 0


def test_an_identity_proves_nothing():
    net = Dense(3, 3)
    network = matbridge.Network.of(
        [
            matbridge.matlab.featureInputLayer(3, Name="in"),
            matbridge.matlab.fullyConnectedLayer(
                3, Name="fc", Weights=np.eye(3), Bias=np.zeros((3, 1))
            ),
        ]
    )
    x = np.random.default_rng(9).normal(size=(40, 3))
    result = found({"X": x, "Y": single(x)}, network)
    assert result.code == 5
    assert "went in" in result.networks[0].no_proofs[0].reason
    assert found({"X": x, "Y": single(net.alone(x))}, network).code == 5


def test_many_unrelated_variables_prove_nothing():
    draw = np.random.default_rng(10)
    net = Recurrent(1, 1)
    variables = {f"v{i}": draw.normal(size=(1, 40)) for i in range(30)}
    variables |= {f"c{i}": draw.normal(size=(1, 1)) for i in range(30)}
    assert found(variables, net.network(), time_limit=20).code == 5


# -- time, interrupts, and several networks ------------------------------------------------------


def test_the_time_limit_holds():
    draw = np.random.default_rng(10)
    variables = {f"v{i}": draw.normal(size=(1, 3000)) for i in range(60)}
    started = time.monotonic()
    result = found(variables, Recurrent(1, 1).network(), time_limit=1.0)
    assert not result.finished
    assert time.monotonic() - started < 5


def test_an_interrupt_gives_what_was_found():
    net, variables = workspaces.remaining_life()

    def told(message):
        if "later" in message:
            raise KeyboardInterrupt

    networks = {"net": net.network(), "later": net.network()}
    result = search(variables, networks, told=told)
    assert not result.finished
    assert [one.verdict for one in result.networks] == [PASSED, "not verified"]


def test_each_network_has_its_verdict():
    net, variables = workspaces.features()
    networks = {"good": net.network(), "bad": other(workspaces.features).network()}
    result = search(variables, networks)
    assert [one.verdict for one in result.networks] == [PASSED, "not verified"]
    assert (result.verdict, result.code) == (PASSED, 0)


# -- the command ---------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    """A workspace with its network in a MAT-file."""
    net, variables = workspaces.remaining_life()
    path = tmp_path / "work.mat"
    write_mat(path, {**variables, "net": save_network(net.network())})
    return path


def test_the_command_tells_the_proof(saved, call):
    code, out, _ = call("verify", saved)
    assert code == 0
    first = out.splitlines()[0]
    assert first.startswith(f"{PASSED}: YPred = predict(net, XTest) agrees to ")
    assert ", 67 values; no other of " in first
    assert "probably targets, which go along with the output and are not it: YTest (0.9" in out


def test_the_command_prints_json(saved, call):
    code, out, _ = call("verify", saved, "--json")
    document = json.loads(out)
    (proof,) = document["networks"]["net"]["proofs"]
    assert (code, document["verdict"], proof["variable"]) == (0, PASSED, "YPred")
    assert proof["bits"] > 1000
    assert document["networks"]["net"]["tried"]


def test_what_was_tried_is_told_on_demand(saved, call):
    assert "Outcome" not in call("verify", saved)[1]
    assert "Outcome" in call("verify", saved, "--verbose")[1]


def test_what_was_found_is_kept(saved, call):
    code, _, err = call("verify", saved, "--save-fixture", "ref.mat")
    assert code == 0
    assert "kept in ref.mat" in err
    assert call("verify", saved, "--fixture", "ref.mat")[0] == 0
    code, out, err = call("verify", saved, "--save-fixture", "ref.mat")
    assert (code, out) == (2, "")
    assert "ref.mat" in err
    code, _, err = call("verify", saved, saved, "--save-fixture", "other.mat")
    assert code == 2
    assert "keeps what is found in one file" in err


def test_a_network_that_cannot_run_is_told(tmp_path, call):
    untrained = matbridge.Network.of(
        [
            matbridge.matlab.featureInputLayer(3, Name="in"),
            matbridge.matlab.fullyConnectedLayer(2, Name="fc"),
        ]
    )
    result = found({"X": np.zeros((9, 3)), "Y": np.zeros((9, 2))}, untrained)
    assert result.code == 5
    assert "fc" in str(result.networks[0].obstacle)


@pytest.mark.parametrize("build", [workspaces.features, workspaces.forecasting])
def test_fixtures_keep_transforms_and_states(build, tmp_path, call):
    net, variables = build()
    if build is workspaces.forecasting:
        variables = {**without(variables, "closed", "updated"), "YPred": variables["updated"]}
    write_mat("work.mat", {**variables, "net": save_network(net.network())})
    assert call("verify", "work.mat", "--save-fixture", "ref.mat")[0] == 0
    code, out, _ = call("verify", "work.mat", "--fixture", "ref.mat")
    assert code == 0, out


def test_without_proof_the_code_is_5(tmp_path, call):
    net, variables = workspaces.remaining_life()
    write_mat("work.mat", {**without(variables, "YPred"), "net": save_network(net.network())})
    code, out, _ = call("verify", "work.mat")
    assert code == 5
    assert out.startswith("not verified: no variable is what net computes")
    assert "--input" in out
    assert "matbridgeRecord" in out


def test_other_files_are_opened_when_they_are_named(tmp_path, call):
    net, variables = workspaces.remaining_life()
    write_mat("net.mat", {"net": save_network(net.network())})
    (tmp_path / "data").mkdir()
    write_mat("data.mat", variables)
    assert call("verify", "net.mat")[0] == 5
    code, out, _ = call("verify", "net.mat", "--data", "data.mat")
    assert code == 0
    assert "data.mat:YPred = predict(net, data.mat:XTest)" in out
    write_mat("data/more.mat", variables)
    assert call("verify", "net.mat", "--data", "data")[0] == 0
    np.save("data/x.npy", np.zeros(3))
    assert call("verify", "net.mat", "--data", "data")[0] == 0
    assert call("verify", "net.mat", "--data", "data.txt")[0] == 2


def test_folders_have_a_row_for_each_network(tmp_path, call):
    net, variables = workspaces.remaining_life()
    write_mat("a.mat", {**variables, "net": save_network(net.network())})
    write_mat("b.mat", {"net": save_network(net.network())})
    code, out, _ = call("verify", "a.mat", "b.mat")
    assert code == 5
    assert PASSED in out
    assert "b.mat: not verified: no variable is what net computes" in out


def test_a_short_time_limit_is_told(tmp_path, call):
    draw = np.random.default_rng(10)
    data = {f"v{i}": draw.normal(size=(1, 3000)) for i in range(60)}
    write_mat("work.mat", {**data, "net": save_network(Recurrent(1, 1).network())})
    code, _, err = call("verify", "work.mat", "--time-limit", "0.5")
    assert code == 5
    assert "--time-limit gives more" in err


def test_cells_that_fit_nothing_are_no_error():
    net = Recurrent(2, 1)
    variables = {"c": cell([np.zeros((2, 3)), np.zeros((5, 5))]), "d": cell([np.zeros((0, 0))])}
    assert found(variables, net.network()).code == 5
