"""Mistakes planted in how sequences are run are named: padding, states, time."""

import numpy as np
import pytest
from planted import (
    as_predicted,
    built,
    channels_of,
    networks,
    sequences,
    the_cause,
)
from reference import mistakes

from matbridge.verify.case import Case

# Lengths of which each mini-batch of 8, 10 or 16 has another longest.
UNEQUAL = (4, 5, 3, 6, 4, 5, 6, 2, 7, 8, 3, 9, 5, 4, 6, 7, 5, 4, 3, 7)


def outputs(stages, xs, **options):
    return [mistakes.run(stages, x, **options)[0] for x in xs]


def padded(x, steps, side, value):
    pad = np.full((len(x), steps - x.shape[1]), value)
    return np.concatenate([x, pad] if side == "right" else [pad, x], axis=1)


def in_batches(stages, xs, size, side="right", value=0.0, order=None):
    """Each mini-batch padded to its longest sequence; padding leaves the results again."""
    results = {}
    order = range(len(xs)) if order is None else order
    for start in range(0, len(xs), size):
        batch = list(order)[start : start + size]
        steps = max(xs[k].shape[1] for k in batch)
        for k in batch:
            y = outputs(stages, [padded(xs[k], steps, side, value)])[0]
            n = xs[k].shape[1]
            results[k] = y if y.shape[1] == 1 else (y[:, :n] if side == "right" else y[:, -n:])
    return [results[k] for k in range(len(xs))]


def case_of(stages, xs, results, **more):
    xs = xs[0] if more.pop("alone", False) else xs
    return Case(built(stages), (xs,), (as_predicted(results, stages),), **more)


PADDED = {
    "right": ({"size": 20}, "with 0 on the right to the longest of all"),
    "left": ({"size": 20, "side": "left"}, "with 0 on the left to the longest of all"),
    "a value": ({"size": 20, "side": "left", "value": -1.0}, "with -1 on the left"),
    "mini-batches": ({"size": 8}, "of each mini-batch of 8"),
    "sorted": ({"size": 8, "order": "sorted"}, "sorted by length, are padded on the right"),
}


@pytest.mark.parametrize("name", PADDED)
def test_padding_is_named(name):
    options, words = PADDED[name]
    # Padding at the right changes no earlier step: only what is last, or looks back, tells.
    for kind, mode in (("lstm", "last"), ("gru", "deep"), ("bilstm", "sequence")):
        (stages,) = networks(kind, modes=(mode,))
        xs = sequences(count=20, lengths=UNEQUAL)
        options = dict(options)
        if "order" in options:
            options["order"] = np.argsort([x.shape[1] for x in xs], kind="stable")
        cause = the_cause(case_of(stages, xs, in_batches(stages, xs, **options)))
        assert cause.suspect == "sequence padding"
        assert words in cause.words


def test_padding_that_was_not_there_is_named():
    for kind, mode in (("lstm", "last"), ("gru", "deep"), ("bilstm", "sequence")):
        (stages,) = networks(kind, modes=(mode,))
        xs = sequences(count=9, lengths=UNEQUAL)
        asked = {"sequence_length": "longest"}
        cause = the_cause(case_of(stages, xs, outputs(stages, xs), options=asked))
        assert (cause.suspect, "own length" in cause.words) == ("sequence padding", True)


def test_another_mini_batch_size_is_named():
    for kind, mode in (("lstm", "last"), ("gru", "deep"), ("bilstm", "sequence")):
        (stages,) = networks(kind, modes=(mode,))
        xs = sequences(count=20, lengths=UNEQUAL)
        asked = {"sequence_length": "longest", "mini_batch_size": 8}
        results = in_batches(stages, xs, 16)
        cause = the_cause(case_of(stages, xs, results, options=asked))
        assert "of each mini-batch of 16" in cause.words


@pytest.mark.parametrize(("size", "side"), [(2, "right"), (3, "left")])
def test_a_mini_batch_of_any_size_is_named(size, side):
    for kind, mode in (("lstm", "last"), ("gru", "deep"), ("bilstm", "sequence")):
        (stages,) = networks(kind, modes=(mode,))
        xs = sequences(count=7, lengths=UNEQUAL)
        cause = the_cause(case_of(stages, xs, in_batches(stages, xs, size, side)))
        assert f"on the {side} to the longest of each mini-batch of {size}" in cause.words


def test_sequences_cut_to_the_shortest_are_named():
    for kind in ("lstm", "gru", "bilstm"):
        (stages,) = networks(kind, modes=("last",))
        xs = sequences(count=12, lengths=UNEQUAL)
        cause = the_cause(case_of(stages, xs, outputs(stages, [x[:, :2] for x in xs])))
        assert "cut on the right to the shortest" in cause.words


# -- time -----------------------------------------------------------------------------------------

TIMES = {
    "input reversed": ("the sequences are reversed", lambda f, x: f(x[:, ::-1])),
    "result reversed": ("the results are reversed", lambda f, x: f(x)[:, ::-1]),
    "both": ("the sequences and their results", lambda f, x: f(x[:, ::-1])[:, ::-1]),
    "late": ("comes one step late",
             lambda f, x: np.concatenate([np.full((2, 1), 9.0), f(x)[:, :-1]], 1)),
    "early": ("comes 2 steps early", lambda f, x: np.concatenate([f(x)[:, 2:], f(x)[:, :2]], 1)),
    "late input": ("input comes one step late, zeros",
                   lambda f, x: f(np.concatenate([0 * x[:, :1], x[:, :-1]], 1))),
    "steps alone": ("each time step is computed alone",
                    lambda f, x: np.concatenate([f(u[:, None]) for u in x.T], 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", TIMES)
def test_time_taken_otherwise_is_named(name):
    words, mistake = TIMES[name]
    for kind in ("lstm", "gru", "peephole"):
        (stages,) = networks(kind, modes=("sequence",))
        xs = sequences(count=3, lengths=(9, 7))
        results = [mistake(lambda x, s=stages: mistakes.run(s, x)[0], x) for x in xs]
        cause = the_cause(case_of(stages, xs, results))
        assert words in cause.words


def closed(stages, x, steps):
    """From this step on the results are the inputs."""
    fed, rows, states = x[:, :1], [], {}
    for t in range(x.shape[1]):
        y, states = mistakes.run(stages, fed, states=states)
        rows.append(y)
        fed = x[:, t + 1 : t + 2] if t + 1 < steps else y
    return np.concatenate(rows, axis=1)


def test_a_closed_loop_is_named():
    for kind, steps in (("lstm", 1), ("gru", 4), ("lstm", 6)):
        (stages,) = networks(kind, modes=("sequence",), channels=2)
        (x,) = sequences(channels_of(stages), count=1, lengths=(12,))
        expected = (np.float32(closed(stages, x, steps)),)
        cause = the_cause(Case(built(stages), (x,), expected))
        assert cause.words == f"after step {steps} the network's own results are its inputs"


# -- states ---------------------------------------------------------------------------------------


def states_of(stages, seed=5):
    """A state of each recurrent stage."""
    rng = np.random.default_rng(seed)
    sizes = {k: a["RecurrentWeights"].shape[1] for k, (_, a, _) in enumerate(stages)
             if "RecurrentWeights" in a}  # fmt: skip
    return {k: (rng.normal(size=n), rng.normal(size=n)) for k, n in sizes.items()}


def with_states(network, states):
    """The network with these as saved states."""
    names = [one.name for one in network.layers if "RecurrentWeights" in one.arrays]
    return network.with_states(
        {
            name: {
                array: value[:, None]
                for array, value in zip(network[name].STATES, values, strict=False)
            }
            for name, values in zip(names, states.values(), strict=True)
        }
    )


# The states with which a program begins in place of those that are saved.
BEGUN = {
    "zero": ("starts from the initial state", lambda h, c: (0 * h, 0 * c)),
    "swapped": ("the hidden and the cell state", lambda h, c: (c, h)),
    "cell alone": ("the hidden state of", lambda h, c: (0 * h, c)),
    "hidden alone": ("the cell state of", lambda h, c: (h, 0 * c)),
}


@pytest.mark.parametrize("name", BEGUN)
def test_another_initial_state_is_named(name):
    words, change = BEGUN[name]
    for stages in networks("lstm"):
        states = states_of(stages)
        begun = {k: change(*value) for k, value in states.items()}
        xs = sequences()
        case = case_of(stages, xs, outputs(stages, xs, states=begun))
        cause = the_cause(case.replace(network=with_states(case.network, states)))
        assert cause.suspect == "initial state"
        assert words in cause.words


def test_a_saved_state_that_was_used_is_named():
    for stages in networks("gru"):
        states = states_of(stages)
        xs = sequences()
        case = case_of(stages, xs, outputs(stages, xs, states=states), start="zero")
        cause = the_cause(case.replace(network=with_states(case.network, states)))
        assert cause.words == "it starts from the saved state"


def one_after_another(stages, xs, size=1):
    """Each mini-batch of sequences begins where that before it ended."""
    results, before = [], [{}] * size
    for start in range(0, len(xs), size):
        runs = [mistakes.run(stages, x, states=s)
                for x, s in zip(xs[start : start + size], before, strict=True)]  # fmt: skip
        results += [y for y, _ in runs]
        before = [after for _, after in runs]
    return results


def test_a_state_carried_from_sequence_to_sequence_is_named():
    for kind in ("lstm", "gru"):
        for stages in networks(kind)[: 3 if kind == "lstm" else 1]:
            xs = sequences(lengths=(5, 7))
            cause = the_cause(case_of(stages, xs, one_after_another(stages, xs)))
            assert "begins in the state that the one before it left" in cause.words
            assert cause.words.startswith("each sequence")


def test_a_state_carried_from_mini_batch_to_mini_batch_is_named():
    for stages in networks("lstm"):
        xs = sequences(count=20, lengths=(5,))
        cause = the_cause(case_of(stages, xs, one_after_another(stages, xs, 10)))
        assert cause.words.startswith("each mini-batch of 10")


def test_a_stale_state_is_named():
    for kind in ("lstm", "gru", "peephole"):
        (stages,) = networks(kind, modes=("sequence",))
        (x,) = sequences(count=1, lengths=(8,))
        after = mistakes.run(stages, x)[1]
        results = outputs(stages, [x], states=after)
        case = Case(built(stages), (x,), (np.float32(results[0]),))
        assert "a first run over the same data" in the_cause(case).words


def test_pieces_of_long_sequences_are_named():
    """Backwards each piece is by itself, forwards the state is carried on."""
    for seed in range(3):
        (stages,) = networks("bilstm", seed, modes=("sequence",))
        xs = sequences(count=2, lengths=(23,))
        network = built(stages)
        expected = network.predict(xs, dtype="float64", sequence_length=10)
        case = Case(network, (xs,), ([np.float32(y) for y in expected],))
        cause = the_cause(case)
        assert (cause.suspect, "pieces of 10 steps" in cause.words) == ("sequence length", True)
