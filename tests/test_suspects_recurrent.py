"""Mistakes planted in recurrent layers by a reference of their own are named, exactly."""

import numpy as np
import pytest
from planted import built, networks, planted, sequences, the_cause
from reference import mistakes

from matbridge.verify.case import Case

# Those of other frameworks, and one of none.
LSTM_ORDERS = ("iofg", "ifog", "figo", "igfo", "gifo", "ogfi")


# What is planted by name, in which networks, and what is said of it.
FAULTS = {
    **{f"lstm {o}": ("lstm", {}, {"order": o}, "LSTM gate order", ",".join(o))
       for o in LSTM_ORDERS},
    **{f"{kind} iofg": (kind, {}, {"order": "iofg"}, "LSTM gate order", "i,o,f,g")
       for kind in ("bilstm", "lstm_projected")},
    **{f"{kind} {o}": (kind, {}, {"order": o}, "GRU gate order", ",".join(o))
       for kind, o in (("gru", "zrh"), ("gru", "hrz"), ("gru_projected", "zrh"))},
    "reversed": ("gru", {}, {"reversed": True}, "GRU update reversed", "h = (1 - z)"),
    "reset before": ("gru", {}, {"reset": "before"}, "GRU reset gate mode", "before-multi"),
    "reset after": ("gru", {"reset": "before"}, {"reset": "after"}, "GRU reset gate mode",
                    "is after-multi"),
    "candidate's bias reset": ("gru", {}, {"bias": "recurrent"}, "GRU reset gate mode",
                               "recurrent-bias"),
    "two biases summed": ("gru", {"two": True, "reset": "recurrent"}, {"bias": "summed"},
                          "GRU reset gate mode", "is after-multi"),
    "first bias alone": ("gru", {"two": True, "reset": "recurrent"}, {"bias": "first"},
                         "one bias or two", "the recurrent bias"),
    "second bias alone": ("gru", {"two": True, "reset": "recurrent"}, {"bias": "second"},
                          "one bias or two", "the input bias"),
    "biases exchanged": ("gru", {"two": True, "reset": "recurrent"}, {"bias": "exchanged"},
                         "one bias or two", "exchanged"),
    "gru bias twice": ("gru", {}, {"bias": "twice"}, "one bias or two", "twice"),
    "gru no bias": ("gru", {}, {"bias": "none"}, "one bias or two", "left out"),
    "lstm bias twice": ("lstm", {}, {"bias_times": 2}, "one bias or two", "twice"),
    "lstm no bias": ("lstm", {}, {"bias_times": 0}, "one bias or two", "left out"),
    "forget bias": ("lstm", {}, {"forget": 1.0}, "LSTM forget bias", "1 is added"),
    "no forget bias": ("bilstm", {}, {"forget": -1.0}, "LSTM forget bias", "1 is taken"),
    **{f"peepholes {o}": ("peephole", {}, {"peepholes": o}, "peephole weights", ",".join(o))
       for o in ("iof",)},
    "no peepholes": ("peephole", {}, {"no_peepholes": True}, "peephole weights", "left out"),
    **{f"{kind} {name}": (kind, {}, {"state": name}, "state activation", name)
       for kind, name in (("lstm", "softsign"), ("gru", "relu"))},
    "tanh": ("lstm", {"state": "softsign"}, {"state": "tanh"}, "state activation", "tanh"),
    "hard sigmoid": ("lstm", {}, {"gate": "hard-sigmoid"}, "gate activation", "hard-sigmoid"),
    "soft sigmoid": ("lstm", {"gate": "hard-sigmoid"}, {"gate": "sigmoid"}, "gate activation",
                     "use sigmoid"),
    **{f"{kind} other hard sigmoid": (kind, {"gate": "hard-sigmoid"}, {"gate": "torch"},
                                      "gate activation", "x/6")
       for kind in ("gru", "peephole")},
    **{f"{kind} R'": (kind, {}, {"arrays": {"RecurrentWeights": mistakes.square_turned}},
                      "recurrent weights transposed", "gate by gate")
       for kind in ("lstm", "gru")},
    **{f"{kind} by rows": (kind, {}, {"arrays": {"InputWeights": mistakes.read_by_rows,
                                                 "RecurrentWeights": mistakes.read_by_rows}},
                           "recurrent weights row by row", "row by row")
       for kind in ("gru",)},
    **{f"{kind} Qo'": (kind, {}, {"arrays": {"OutputProjector": np.transpose}},
                       "projectors transposed", "OutputProjector")
       for kind in ("lstm_projected",)},
    "exchanged": ("bilstm", {}, {"exchanged": True}, "BiLSTM directions", "exchanged"),
    "swapped": ("bilstm", {}, {"swapped": True}, "BiLSTM directions", "swapped"),
    "both forward": ("bilstm", {}, {"both_forward": True}, "BiLSTM directions", "run forward"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_in_a_layer_is_named(fault):
    kind, options, mistake, suspect, words = FAULTS[fault]
    for stages in networks(kind, **options):
        cause = the_cause(planted(stages, mistake))
        assert (cause.suspect, cause.where) == (suspect, recurrent_names(stages))
        assert words in cause.words


def recurrent_names(stages):
    return tuple(one.name for one in built(stages).layers if "RecurrentWeights" in one.arrays)


# What leaves a network of its size only with other results: three networks of one kind.
RESULTS = {
    "unreversed": ("bilstm", "sequence", {"unreversed": True}, "BiLSTM directions",
                   "not reversed back"),
    "h_b(T)": ("bilstm", "last", {"last_step": True}, "BiLSTM last", "last time step of both"),
    **{f"{kind} {name}": (kind, "last", {"last": name}, "last against sequence", name)
       for kind, name in (("lstm", "mean"), ("gru", "first"), ("lstm", "max"))},
}  # fmt: skip


@pytest.mark.parametrize("fault", RESULTS)
def test_a_mistake_in_a_result_is_named(fault):
    kind, mode, mistake, suspect, words = RESULTS[fault]
    for seed in range(3):
        (stages,) = networks(kind, seed, modes=(mode,))
        cause = the_cause(planted(stages, mistake))
        assert (cause.suspect, cause.where) == (suspect, recurrent_names(stages))
        assert words in cause.words


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_input_weights_that_are_square_may_be_transposed(kind):
    turned = {"arrays": {"InputWeights": mistakes.square_turned}}
    for mode, units in (("sequence", 5), ("last", 4)):
        (stages,) = networks(kind, modes=(mode,), channels=units)
        cause = the_cause(planted(stages, turned))
        assert cause.suspect == "input weights transposed"
    (stages,) = networks(kind, modes=("deep",), channels=4)
    cause = the_cause(planted(stages, {**turned, "only": 0}))
    assert cause.suspect == "input weights transposed"


def test_a_mistake_in_one_layer_of_two_is_named_there():
    for kind, mistake in (("lstm", {"order": "iofg"}), ("gru", {"reversed": True})):
        (stages,) = networks(kind, modes=("deep",))
        names = recurrent_names(stages)
        for place in (0, 1):
            cause = the_cause(planted(stages, {**mistake, "only": place}))
            assert cause.where == (names[place],)


# -- other programs -------------------------------------------------------------------------------


def by_torch(stages, xs):
    """torch's own LSTM or GRU with the arrays as they are, and the dense layer after it."""
    import torch

    (kind, arrays, _), (_, last, _) = stages
    W, R, b = (torch.tensor(arrays[n]) for n in ("InputWeights", "RecurrentWeights", "Bias"))
    cell = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](W.shape[1], R.shape[1]).double()
    for name, value in (("weight_ih_l0", W), ("weight_hh_l0", R), ("bias_ih_l0", b.ravel()),
                        ("bias_hh_l0", b.ravel())):  # fmt: skip
        getattr(cell, name).data = value
    results = [cell(torch.tensor(x.T))[0].detach().numpy().T for x in xs]
    return [np.float32(last["Weights"] @ y + last["Bias"]) for y in results]


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_torch_with_the_bias_as_both_of_its_own(kind):
    for seed in range(3):
        (stages,) = networks(kind, seed, modes=("sequence",))
        xs = sequences()
        cause = the_cause(Case(built(stages), (xs,), (by_torch(stages, xs),)))
        assert (cause.suspect, "twice" in cause.words) == ("one bias or two", True)


def by_onnxruntime(stages, xs, operator, **attributes):
    """onnxruntime's own operator, given MATLAB's arrays as they are."""
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime import InferenceSession

    (_, arrays, _), (_, last, _) = stages
    W, R, b = (arrays[n].astype(np.float32) for n in ("InputWeights", "RecurrentWeights", "Bias"))
    biases = np.concatenate([b.ravel(), np.zeros(b.size, np.float32)])
    weights = {"W": W[None], "R": R[None], "B": biases[None]}
    nodes = [helper.make_node(operator, ["X", *weights], ["Y"], hidden_size=R.shape[1],
                              **attributes)]  # fmt: skip
    kinds = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in "XY"]
    arrays = [numpy_helper.from_array(a, n) for n, a in weights.items()]
    graph = helper.make_graph(nodes, "g", kinds[:1], kinds[1:], arrays)
    opsets = [helper.make_opsetid("", 14)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = [session.run(None, {"X": np.float32(x.T[:, None])})[0][:, 0, 0].T for x in xs]
    return [last["Weights"] @ y + last["Bias"] for y in results]


@pytest.mark.parametrize(
    ("kind", "operator", "attributes", "suspect"),
    [
        ("lstm", "LSTM", {}, "LSTM gate order"),
        ("gru", "GRU", {"linear_before_reset": 1}, "GRU gate order"),
        ("gru", "GRU", {}, "GRU gate order and GRU reset gate mode"),
    ],
)
def test_onnxruntime_with_the_rows_as_they_are(kind, operator, attributes, suspect):
    for seed in range(3):
        (stages,) = networks(kind, seed, modes=("sequence",))
        xs = sequences()
        expected = [np.float32(y) for y in by_onnxruntime(stages, xs, operator, **attributes)]
        cause = the_cause(Case(built(stages), (xs,), (expected,)))
        assert set(cause.suspect.split(" and ")) == set(suspect.split(" and "))
        assert "ONNX" in cause.meaning
