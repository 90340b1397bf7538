"""close_loop, open_loop and remove_delay on structures, against networks run step by step."""

import numpy as np
import pytest
from reference.shallow_network import simulate
from shallow_forms import plain, structure_of

from matbridge.errors import MismatchError, UnsupportedError
from matbridge.shallow.feedback import close_loop, open_loop, remove_delay

RNG = np.random.default_rng(11)
STEPS = 7


def mapping(rows):
    return (
        "mapminmax",
        {
            "xoffset": RNG.normal(size=(rows, 1)),
            "gain": RNG.uniform(0.2, 2, (rows, 1)),
            "ymin": np.array([[-1.0]]),
        },
    )


def weight(rows, columns, delays=(0,)):
    return {"array": RNG.normal(size=(rows, columns * len(delays))) / 3, "delays": delays}


def layer(size, transfer="purelin"):
    return {"size": size, "transfer": transfer, "bias": RNG.normal(size=(size, 1))}


def open_narx(exogenous=1, size=2, at=1, delays=(1, 2)):
    """So many exogenous inputs, and the feedback at this place among all."""
    step = mapping(size)
    inputs = [{"size": 2, "steps": [mapping(2)]} for _ in range(exogenous)]
    inputs.insert(at, {"size": size, "steps": [step], "feedback_output": 2})
    return {
        "inputs": inputs,
        "layers": [layer(4, "tansig"), layer(size)],
        "input_weights": {
            (1, j): weight(4, part["size"], delays if j == at + 1 else (1, 3))
            for j, part in enumerate(inputs, 1)
        },
        "layer_weights": {(2, 1): weight(size, 4)},
        "outputs": [
            {
                "layer": 2,
                "steps": [step],
                "feedback_input": at + 1,
                "feedback_mode": "open",
            }
        ],
    }


def series(size, steps=STEPS):
    return [RNG.normal(size=(size, 3)) for _ in range(steps)]


@pytest.mark.parametrize(
    ("exogenous", "size", "at", "delays"),
    [(0, 1, 0, (1, 2)), (1, 2, 1, (1, 2)), (2, 1, 1, (2, 4)), (2, 1, 0, (3,))],
)
def test_a_closed_loop_takes_its_own_outputs(exogenous, size, at, delays):
    example = open_narx(exogenous, size, at, delays)
    closed = plain(close_loop(structure_of(example)))
    depth = max(3 if exogenous else 0, *delays)
    X = [series(part["size"]) for part in example["inputs"]]
    Xi = [series(part["size"], depth) for part in example["inputs"]]
    # Each step of the open loop with what it gave before.
    fed = list(Xi[at])
    for t in range(STEPS):
        rows = [[*before, *after][t : t + depth + 1] for before, after in zip(Xi, X, strict=True)]
        rows[at] = [*fed[t : t + depth], np.zeros((size, 3))]
        Y, *_ = simulate(example, [[r[-1]] for r in rows], [r[:-1] for r in rows])
        fed.append(Y[0][0])
    rest = [j for j in range(len(X)) if j != at]
    memory = max(delays)
    gain, offset = (example["inputs"][at]["steps"][0][1][n] for n in ("gain", "xoffset"))
    Ai = [
        [np.full((4, 3), np.nan)] * memory,
        [(x - offset) * gain - 1 for x in fed[:depth]][-memory:],
    ]
    shorter = 3 if exogenous else 0
    Y, *_ = simulate(
        closed, [X[j] for j in rest], [Xi[j][depth - shorter :] for j in rest], Ai, STEPS, 3
    )
    np.testing.assert_allclose(Y[0], fed[depth:], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("at", [0, 1])
def test_opening_is_the_inverse_of_closing(at):
    structure = structure_of(open_narx(1, 1, at))
    again = open_loop(close_loop(structure))
    assert again.inputs[-1].feedback_output == 2
    assert again.outputs[0].feedback_input == len(again.inputs)
    order = [1 - at, at]
    for j, old in enumerate(order, 1):
        part, other = again.input_weights[1, j], structure.input_weights[1, old + 1]
        assert part.delays == other.delays
        assert np.array_equal(part.array, other.array)
    assert again.layer_weights.keys() == structure.layer_weights.keys()


def test_two_loops_are_closed_one_after_the_other():
    example = open_narx(1, 1, 0)
    step = mapping(4)
    example["inputs"].append({"size": 4, "steps": [step], "feedback_output": 1})
    example["input_weights"][1, 3] = weight(4, 4, (1,))
    example["outputs"].insert(
        0, {"layer": 1, "steps": [step], "feedback_input": 3, "feedback_mode": "open"}
    )
    closed = close_loop(structure_of(example))
    assert len(closed.inputs) == 1
    assert {(1, 1), (1, 2), (2, 1)} == set(closed.layer_weights)
    assert [output.feedback_mode for output in closed.outputs] == ["closed", "closed"]


@pytest.mark.parametrize("steps", [1, 2])
def test_without_a_delay_outputs_come_earlier(steps):
    example = open_narx(1, 1, 1, (2, 4))
    example["input_weights"][1, 1]["delays"] = (2, 3)
    removed = remove_delay(structure_of(example), steps)
    assert removed.outputs[0].feedback_delay == removed.num_feedback_delays == steps
    X = [series(2), series(1)]
    Xi = [series(2, 4), series(1, 4)]
    late, *_ = simulate(example, X, Xi)
    rows = [[*before, *after] for before, after in zip(Xi, X, strict=True)]
    early, *_ = simulate(plain(removed), [r[4:] for r in rows], [r[steps:4] for r in rows])
    for t in range(STEPS - steps):
        assert np.array_equal(early[0][t], late[0][t + steps])


def test_closing_without_a_delay_counts_the_steps_ahead():
    structure = structure_of(open_narx(0, 1, 0, (1, 2)))
    closed = close_loop(remove_delay(structure))
    assert closed.layer_weights[1, 2].delays == (1, 2)
    assert open_loop(closed).input_weights[1, 1].delays == (0, 1)


def test_what_has_no_loop_is_refused():
    closed = close_loop(structure_of(open_narx(0, 1, 0)))
    with pytest.raises(MismatchError, match="no open feedback loop"):
        close_loop(closed)
    with pytest.raises(MismatchError, match="no closed feedback loop"):
        open_loop(structure_of(open_narx()))
    with pytest.raises(MismatchError, match="shortest delay of the inputs is 1, 2 cannot"):
        remove_delay(structure_of(open_narx()), 2)
    with pytest.raises(MismatchError, match="the delay to remove is 0"):
        remove_delay(structure_of(open_narx()), 0)


def test_a_loop_that_cannot_be_closed_is_refused():
    example = open_narx(0, 1, 0)
    example["outputs"][0]["steps"] = [mapping(1)]
    with pytest.raises(UnsupportedError, match="processed otherwise"):
        close_loop(structure_of(example))
    example = open_narx(0, 1, 0)
    example["layer_weights"][1, 2] = weight(4, 1, (1,))
    with pytest.raises(UnsupportedError, match="a layer reads the output already"):
        close_loop(structure_of(example))
