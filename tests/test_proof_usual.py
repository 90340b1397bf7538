"""What users' workspaces hold that MathWorks' examples do not: other names, shapes and states."""

import dataclasses

import numpy as np
import pytest
import test_learners
import workspaces
from reference import learners, shallow_network
from shallow_forms import plain
from workspaces import cell, shallow, single

from matbridge.matlab.file.write import write_mat
from matbridge.matlab.saving import save_network
from matbridge.verify.proof import judging, search
from matbridge.verify.proof.comparing import Hit
from matbridge.verify.proof.judging import agreement, is_result
from matbridge.verify.proof.parts import after
from matbridge.verify.proof.runs import Run
from matbridge.verify.proof.sentence import alike
from matbridge.verify.ways import at_once


def found(variables, network):
    return search(variables, {"net": network})


def equations(result):
    return [proof.equation for proof in result.proofs]


# -- states that are known to rounding alone -----------------------------------------------------


def warmed(factor=1.0):
    """A run after another, in a state that is further off than what rounding moves in the second
    run alone, and what came out of both in double precision."""
    net, variables = workspaces.forecasting()
    series = (variables["XTrain"], variables["XTest"])
    net.alone(series[0])
    expected = single(net.steps(series[1])) * factor
    network = net.network().reset_state()
    before, run = (Run(network, "net", "X", (x,), x.shape[1], start="zero") for x in series)
    (ready,) = after(run, before)
    states = ready.network["lstm"].arrays
    moved = {name: states[name] * (1 + 1e-4) for name in ("HiddenState", "CellState")}
    ready = dataclasses.replace(ready, network=ready.network.with_states({"lstm": moved}))
    return ready, Hit("YPred", ("", ""), expected, expected)


def test_the_state_that_data_leave_is_known_to_rounding_alone():
    agreed = agreement(*arguments(warmed()))
    assert agreed is not None
    assert not agreed.reason
    assert agreed.case.way is not at_once


def arguments(case):
    run, hit = case
    return run, 0, hit, 1


def test_other_results_are_no_rounding_of_the_state():
    assert agreement(*arguments(warmed(1.00002))) is None


def test_what_hangs_on_such_a_state_is_not_kept(tmp_path, call, monkeypatch):
    net, variables = workspaces.forecasting()
    kept = {name: variables[name] for name in ("XTrain", "XTest")}
    net.alone(kept["XTrain"])
    path = tmp_path / "work.mat"
    saved = save_network(workspaces.Recurrent(1, 1).network())
    write_mat(path, {**kept, "YPred": single(net.steps(kept["XTest"])), "net": saved})
    cases = judging._cases
    monkeypatch.setattr(judging, "_cases", lambda *one: list(cases(*one))[1:])
    code, _, err = call("verify", path, "--save-fixture", tmp_path / "ref.mat")
    assert code == 0
    assert "YPred = predict(net, XTest) is not kept: a fixture holds the states" in " ".join(
        err.split()
    )
    assert not (tmp_path / "ref.mat").exists()


# -- closed loops --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [("mittel", "streuung"), ("media", "desv"), ("Mittelwert", "Standardabweichung"),
     ("moyenne", "ecartType"), ("promedio", "desviacion")],
)  # fmt: skip
def test_closed_loops_in_other_languages(mean, deviation):
    net, variables = workspaces.forecasting()
    kept = {name: variables[name] for name in ("XTrain", "YTrain")}
    kept |= {mean: variables["mu"], deviation: variables["sig"], "salida": variables["closed"]}
    (equation,) = equations(found(kept, net.network()))
    assert equation.endswith(f"*{deviation} + {mean}")


def test_a_closed_loop_after_the_first_steps():
    net, variables = workspaces.forecasting()
    x = variables["XTrain"]
    steps = [net.alone(x[:, :30])[:, -1:]]
    for _ in range(25):
        steps.append(net.steps(steps[-1]))
    kept = {"X": x, "offset": np.array([[30.0]]), "Y": single(np.concatenate(steps, 1))}
    (proof,) = found(kept, net.network()).proofs
    assert (proof.variable, proof.remark) == ("Y", "in closed loop after X(:,1:offset)")


# -- shapes --------------------------------------------------------------------------------------


def test_a_series_in_a_column_is_made_ready():
    structure, variables = workspaces.autoregression()
    column, y = (np.array([[float(v[0, 0])] for v in variables[name]]) for name in ("T", "y"))
    (proof,) = found({"serie": column, "yp": y.T}, shallow(structure)).proofs
    assert proof.remark == "[xs, xi, ai] = preparets(net, {}, {}, serie')"


def test_a_part_of_a_transpose_is_said_as_matlab_takes_it():
    structure, variables = workspaces.fitting()
    kept = {"x": variables["x"].T, "y": variables["y"][:, -20:]}
    assert equations(found(kept, shallow(structure))) == ["y = net(x(41:60,:)')"]


# Of channels × observations.
SCALINGS = {
    "normalize": lambda x: (x - x.mean(1, keepdims=True)) / x.std(1, ddof=1, keepdims=True),
    "range": lambda x: (x - x.min(1, keepdims=True)) / np.ptp(x, axis=1, keepdims=True),
    "mapminmax": lambda x: 2 * SCALINGS["range"](x) - 1,
}
RAW = np.random.default_rng(3).normal(size=(3, 60)) * [[2.0], [30.0], [0.1]] + 5


@pytest.mark.parametrize(
    ("scaling", "told"),
    [("normalize", "normalize(X,2)"), ("range", "normalize(X,2,'range')"),
     ("mapminmax", "mapminmax(X)")],
)  # fmt: skip
def test_columns_that_are_normalized_by_themselves(scaling, told):
    structure, _ = workspaces.fitting()
    y = shallow_network.static(plain(structure), SCALINGS[scaling](RAW))
    assert equations(found({"X": RAW, "Y": y}, shallow(structure))) == [f"Y = net({told})"]


@pytest.mark.parametrize(
    ("scaling", "told"),
    [("normalize", "normalize(X)"), ("range", "normalize(X,'range')"),
     ("mapminmax", "mapminmax(X')'")],
)  # fmt: skip
def test_rows_that_are_normalized_by_themselves(scaling, told):
    net = workspaces.Dense(3, 2)
    kept = {"X": RAW.T, "Y": single(net.alone(SCALINGS[scaling](RAW).T))}
    assert equations(found(kept, net.network())) == [f"Y = predict(net, {told})"]


# -- words ---------------------------------------------------------------------------------------


def test_scores_of_a_model_are_its_second_output(tmp_path):
    model, x = test_learners.classifier(), test_learners.X
    network = test_learners.load(tmp_path, Mdl=model)
    scores = learners.posterior(test_learners.outputs())
    assert equations(found({"X": x, "scores": scores}, network)) == [
        "[~, scores] = predict(net, X)"
    ]


def test_an_autoencoder_is_called_by_its_own_predict():
    structure, variables = workspaces.fitting()
    network = shallow(structure)
    details = {**network.provenance.details, "name": "Autoencoder"}
    coder = dataclasses.replace(
        network, provenance=dataclasses.replace(network.provenance, details=details)
    )
    kept = {"x": variables["x"], "y": variables["y"]}
    result = search(kept, {"autoenc.Network": coder})
    assert equations(result) == ["y = predict(autoenc, x)"]


def test_a_result_of_other_weights_is_not_called_targets():
    structure, variables = workspaces.fitting()
    y = variables["y"] * (1 + 1e-2 * np.random.default_rng(1).normal(size=(1, 60)))
    result = found({"x": variables["x"], "YPred": y}, shallow(structure))
    (told,) = alike(result.networks[0])
    assert told.startswith("YPred is not what the network gives as it is now, perhaps a result of")


# -- what a network was trained to give ----------------------------------------------------------


def perfect(name):
    """A network that errs in nothing, and one-hot what it gives."""
    structure, variables = workspaces.recognition()
    y = np.asarray(variables["y"])
    sure = y.max(0) > 0.8
    return structure, {"x": variables["x"][:, sure], name: (y[:, sure] > 0.5) * 1.0}


@pytest.mark.parametrize("name", ["Y", "y", "Ytest", "output", "results"])
def test_targets_by_the_names_of_results_are_no_proof(name):
    structure, variables = perfect(name)
    result = found(variables, shallow(structure))
    assert not list(result.proofs)
    (agreement,) = result.networks[0].no_proofs
    assert "what it was trained to give" in agreement.reason


def test_beside_targets_such_a_name_is_that_of_a_result():
    structure, variables = perfect("y")
    targets = np.roll(variables["y"], 1, axis=1)
    result = found({**variables, "t": targets}, shallow(structure))
    assert equations(result) == ["y = round(net(x))"]


def test_cells_of_columns_are_none_of_these():
    structure, variables = workspaces.fitting()
    columns = [variables["y"][:, i : i + 1] for i in range(60)]
    kept = {"x": variables["x"], "salida": cell(columns, row=True)}
    assert equations(found(kept, shallow(structure))) == ["salida = net(x)"]


@pytest.mark.parametrize("name", ["YPred", "yfit", "y_hat", "y_sim", "simout", "fitted", "SimOut1"])
def test_names_of_results(name):
    assert is_result(name)


@pytest.mark.parametrize("name", ["simClass", "benefit", "similarity", "labels", "targets", "y"])
def test_names_that_may_be_targets(name):
    assert not is_result(name)
