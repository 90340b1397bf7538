"""Recurrent layers against the equations."""

import numpy as np
import pytest
from helpers import EXACT, assert_close, assert_layer, layer, network_of, run
from hypothesis import given
from hypothesis import strategies as st
from reference import recurrent

SIZES = {
    "D": st.integers(1, 5),
    "H": st.integers(1, 6),
    "N": st.integers(1, 3),
    "T": st.integers(1, 7),
}
SEEDS = st.integers(0, 2**32 - 1)
OUTPUT = {"OutputMode": st.sampled_from(["sequence", "last"])}


def arrays(seed, rows, D, H, bias_rows=None):
    draw = np.random.default_rng(seed)
    bias = draw.standard_normal((bias_rows or rows, 1))
    return draw, draw.standard_normal((rows, D)), draw.standard_normal((rows, H)), bias


def options(W, R, b, **more):
    return {"InputWeights": W, "RecurrentWeights": R, "Bias": b, **more}


def chosen(y, h, mode):
    return y if mode == "sequence" else h


@given(seed=SEEDS, mode=OUTPUT["OutputMode"], **SIZES)
def test_lstm(seed, mode, D, H, N, T):
    draw, W, R, b = arrays(seed, 4 * H, D, H)
    x = draw.standard_normal((D, N, T))
    y, h, _ = recurrent.lstm(x, W, R, b)
    one = layer("lstmLayer", H, OutputMode=mode, **options(W, R, b))
    assert_layer(one, x, "CBT", chosen(y, h, mode))


@given(seed=SEEDS, mode=OUTPUT["OutputMode"], **SIZES)
def test_bilstm(seed, mode, D, H, N, T):
    draw, W, R, b = arrays(seed, 8 * H, D, H)
    x = draw.standard_normal((D, N, T))
    y, h, _ = recurrent.bilstm(x, W, R, b)
    one = layer("bilstmLayer", H, OutputMode=mode, **options(W, R, b))
    assert_layer(one, x, "CBT", chosen(y, h, mode))


MODES = ["after-multiplication", "before-multiplication", "recurrent-bias-after-multiplication"]


@pytest.mark.parametrize("reset", MODES)
@given(seed=SEEDS, mode=OUTPUT["OutputMode"], **SIZES)
def test_gru(reset, seed, mode, D, H, N, T):
    rows = 6 * H if reset.startswith("recurrent") else 3 * H
    draw, W, R, b = arrays(seed, 3 * H, D, H, rows)
    x = draw.standard_normal((D, N, T))
    y, h = recurrent.gru(x, W, R, b, mode=reset)
    one = layer("gruLayer", H, OutputMode=mode, ResetGateMode=reset, **options(W, R, b))
    assert_layer(one, x, "CBT", chosen(y, h, mode))


@pytest.mark.parametrize("state", ["tanh", "softsign", "relu"])
@pytest.mark.parametrize("gate", ["sigmoid", "hard-sigmoid"])
@pytest.mark.parametrize("kind", ["lstm", "bilstm", "gru"])
def test_activations(kind, state, gate):
    rows = {"lstm": 4, "bilstm": 8, "gru": 3}[kind]
    D, H, N, T = 3, 4, 2, 6
    draw, W, R, b = arrays(7, rows * H, D, H)
    x = draw.standard_normal((D, N, T)) * 2
    y, *_ = getattr(recurrent, kind)(x, W, R, b, state=state, gate=gate)
    functions = {"StateActivationFunction": state, "GateActivationFunction": gate}
    one = layer(f"{kind}Layer", H, **functions, **options(W, R, b))
    assert_layer(one, x, "CBT", y)


@given(seed=SEEDS, p=st.integers(1, 4), q=st.integers(1, 4), mode=OUTPUT["OutputMode"], **SIZES)
def test_projected_lstm(seed, p, q, mode, D, H, N, T):
    draw = np.random.default_rng(seed)
    W, R = draw.standard_normal((4 * H, p)), draw.standard_normal((4 * H, q))
    b, x = draw.standard_normal((4 * H, 1)), draw.standard_normal((D, N, T))
    Qi, Qo = draw.standard_normal((D, p)), draw.standard_normal((H, q))
    y, h, _ = recurrent.lstm_projected(x, W, R, b, Qi, Qo)
    projectors = {"InputProjector": Qi, "OutputProjector": Qo}
    one = layer("lstmProjectedLayer", H, q, p, OutputMode=mode, **options(W, R, b), **projectors)
    assert_layer(one, x, "CBT", chosen(y, h, mode))


@pytest.mark.parametrize(
    ("kind", "rows", "states"),
    [
        ("lstm", 4, {"HiddenState": 1, "CellState": 1}),
        ("bilstm", 8, {"HiddenState": 2, "CellState": 2}),
        ("gru", 3, {"HiddenState": 1}),
    ],
)
def test_saved_states_are_where_prediction_starts(kind, rows, states):
    D, H, N, T = 2, 3, 2, 4
    draw, W, R, b = arrays(3, rows * H, D, H)
    x = draw.standard_normal((D, N, T))
    start = {name: draw.standard_normal((n * H, 1)) for name, n in states.items()}
    short = {"HiddenState": "h", "CellState": "c"}
    y, *_ = getattr(recurrent, kind)(x, W, R, b, **{short[k]: v for k, v in start.items()})
    assert_layer(layer(f"{kind}Layer", H, **options(W, R, b), **start), x, "CBT", y)


def test_initial_states_stand_in_for_states_that_are_not_there():
    D, H, N, T = 3, 4, 2, 5
    draw, W, R, b = arrays(12, 4 * H, D, H)
    x, h, c = draw.standard_normal((D, N, T)), draw.standard_normal((H, 1)), np.ones((H, 1))
    expected, _, _ = recurrent.lstm(x, W, R, b, h, c)
    initial = {"InitialHiddenState": h, "InitialCellState": c}
    empty = np.zeros((0, 0))
    for more in (initial, {**initial, "HiddenState": empty, "CellState": empty}):
        assert_layer(layer("lstmLayer", H, **options(W, R, b), **more), x, "CBT", expected)


def test_state_inputs_and_outputs():
    D, H, N, T = 2, 3, 2, 5
    draw, W, R, b = arrays(5, 4 * H, D, H)
    from matbridge import Network

    flags = {"HasStateInputs": True, "HasStateOutputs": True, "OutputMode": "last"}
    network = Network.of(
        [
            layer("sequenceInputLayer", D, Name="x"),
            layer("featureInputLayer", H, Name="h0"),
            layer("featureInputLayer", H, Name="c0"),
            layer("lstmLayer", H, Name="lstm", **flags, **options(W, R, b)),
        ],
        [("x", "lstm/in"), ("h0", "lstm/hidden"), ("c0", "lstm/cell")],
    )
    assert network.output_names == ("lstm", "lstm/hidden", "lstm/cell")
    x = draw.standard_normal((D, N, T))
    h0, c0 = draw.standard_normal((H, N)), draw.standard_normal((H, N))
    _, h, c = recurrent.lstm(x, W, R, b, h0, c0)
    found = network.predict(x, h0, c0, format=["CBT", "CB", "CB"], dtype="float64")
    for one, expected in zip(found, (h, h, c), strict=True):
        assert_close(one, expected)


def test_a_step_at_a_time_is_the_whole_sequence():
    D, H, T = 3, 4, 6
    draw, W, R, b = arrays(11, 4 * H, D, H)
    x = draw.standard_normal((D, 1, T))
    network = network_of(layer("lstmLayer", H, **options(W, R, b)), like=x, format="CBT")
    whole = network.predict(x[:, 0], dtype="float64")
    stepped = network
    for t in range(T):
        stepped, y = stepped.predict_and_update_state(x[:, 0, t : t + 1], dtype="float64")
        assert_close(y[:, 0], whole[:, t])
    again = stepped.reset_state().predict(x[:, 0], dtype="float64")
    assert_close(again, whole, 0.0)
    assert_close(network.predict(x[:, 0], dtype="float64"), whole, 0.0)


def test_updated_states_of_several_observations_need_as_many():
    from matbridge import MismatchError

    D, H, N, T = 2, 3, 4, 5
    draw, W, R, b = arrays(13, 4 * H, D, H)
    x = draw.standard_normal((D, N, 2 * T))
    one = layer("lstmLayer", H, **options(W, R, b))
    network = network_of(one, like=x, format="CBT")
    updated, _ = network.predict_and_update_state(x[:, :, :T], format="CBT", dtype="float64")
    y, _, _ = recurrent.lstm(x, W, R, b)
    rest = updated.predict(x[:, :, T:], format="CBT", dtype="float64")
    assert_close(rest, y[:, :, T:])
    with pytest.raises(MismatchError, match="4 observations"):
        updated.predict(x[:, :2, T:], format="CBT")


def test_spatial_dimensions_count_as_channels():
    h, w, c, H, N, T = 2, 3, 2, 3, 2, 4
    draw, W, R, b = arrays(17, 4 * H, h * w * c, H)
    x = draw.standard_normal((h, w, c, N, T))
    y, _, _ = recurrent.lstm(x.reshape(-1, N, T, order="F"), W, R, b)
    assert_layer(layer("lstmLayer", H, **options(W, R, b)), x, "SSCBT", y)


def test_features_are_one_step():
    D, H, N = 3, 2, 4
    draw, W, R, b = arrays(19, 3 * H, D, H)
    x = draw.standard_normal((D, N))
    y, h = recurrent.gru(x[:, :, None], W, R, b)
    assert_close(run(layer("gruLayer", H, **options(W, R, b)), x, "CB"), h, EXACT)
