"""Functions of shallow networks where it is easy to be wrong: NaN, ties, settings of old versions.

That each computes what its equation says, at usual numbers, is shown by examples.py.
"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import shallow

from matbridge import LayerError, Network, UnsupportedError
from matbridge.layers import weighting
from matbridge.layers.processing import PROCESSING
from matbridge.layers.transfer import TRANSFER
from matbridge.layers.weighting import NET_INPUT, WEIGHTING
from matbridge.matlab import CONSTRUCTORS, featureInputLayer
from matbridge.matlab.layer import read_properties
from matbridge.matlab.saving import save_layer

inf, nan = np.inf, np.nan
ODD = np.array(
    [
        [1.0, nan, -inf, 0.0, -0.0, 3.0, 1e300, 5e-324, -800.0, 1.0],
        [3.0, 1.0, 2.0, 0.0, 0.0, inf, -1e300, 1.0, 800.0, 1 + 2**-52],
        [3.0, 2.0, -1.0, 0.0, 0.0, -inf, 1.0, 1.0, 0.5, 1 - 2**-53],
        [0.0, 0.5, 2.0, 0.0, -0.0, 2.0, 0.0, 0.25, -0.5, -1.0],
    ]
)


def alone(card):
    """The card behind an input layer of its own size."""

    def behind(rows):
        return Network.of([featureInputLayer(rows, Name="in"), card.replace(name="f")])

    return behind


def by_torch(network, x):
    return network.predict(x.T, dtype="float64").T


def by_onnx(network, x):
    runtime = pytest.importorskip("onnxruntime")
    from matbridge.onnx.write import to_onnx

    model = to_onnx(network, "float64").SerializeToString()
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"in": np.ascontiguousarray(x.T)})[0].T


def by_program(network, x):
    from matbridge.torch.program import export_program

    module = export_program(network, torch.float64).module()
    return module(torch.tensor(np.ascontiguousarray(x.T))).detach().numpy().T


WAYS = pytest.mark.parametrize("way", [by_torch, by_onnx, by_program])


def close(found, expected):
    with np.errstate(invalid="ignore"):
        same = (found == expected) | (abs(found - expected) <= 1e-14 * np.maximum(1, abs(expected)))
    return np.where(np.isnan(expected), np.isnan(found), same).all()


@WAYS
@pytest.mark.parametrize("name", list(TRANSFER))
def test_odd_net_inputs(name, way):
    """NaN, infinities, ties, zeros of either sign, the largest and the smallest numbers."""
    with np.errstate(all="ignore"):
        expected = shallow.TRANSFER[name](ODD)
    found = way(alone(TRANSFER[name]())(4), ODD)
    assert close(found, expected), f"{found}\n{expected}"


@pytest.mark.parametrize("name", list(TRANSFER))
def test_nan_stays_nan(name):
    """In its column, whose other elements compet, softmax and radbasn mix with it."""
    found = by_torch(alone(TRANSFER[name]())(4), ODD)
    mixing = ("compet", "softmax", "radbasn")
    assert np.isnan(found[0, 1])
    assert np.isnan(found[1:, 1]).all() == (name in mixing)


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, -1.0, inf, -inf]), min_size=1, max_size=6))
def test_compet_takes_the_first_of_the_largest(column):
    n = np.array(column).reshape(-1, 1)
    a = by_torch(alone(TRANSFER["compet"]())(len(column)), n)
    assert a.sum() == 1
    assert a[column.index(max(column)), 0] == 1


def test_tansig_is_written_as_matlab_writes_it():
    """tanh differs from it in the last bits."""
    n = np.linspace(-3, 3, 501).reshape(1, -1)
    found = by_torch(alone(TRANSFER["tansig"]())(1), n)
    assert abs(found - shallow.tansig(n)).max() <= 2**-53
    assert abs(found - np.tanh(n)).max() > 2**-53


# -- weights and net inputs -----------------------------------------------------------------

draw = np.random.default_rng(3)


@WAYS
@pytest.mark.parametrize("name", list(WEIGHTING))
def test_weights_in_double_precision(name, way):
    sizes = {"scalprod": (1, 1), "convwf": (3, 1)}
    w, p = draw.standard_normal(sizes.get(name, (4, 7))), draw.standard_normal((7, 5))
    card = WEIGHTING[name](arrays={"W": w})
    assert close(way(alone(card)(7), p), shallow.WEIGHTING[name](w, p))


@WAYS
@pytest.mark.parametrize("name", ["dotprod", "dist"])
def test_layers_of_no_neurons(name, way):
    """As a target leaves that never changes."""
    card = WEIGHTING[name](arrays={"W": np.zeros((0, 7))})
    assert way(alone(card)(7), draw.standard_normal((7, 5))).shape == (0, 5)


@pytest.mark.parametrize(
    ("name", "weights", "rows", "told"),
    [
        ("dotprod", (4, 7), 6, "needs 7 rows"),
        ("dist", (4, 7), 8, "needs 7 rows"),
        ("convwf", (5, 1), 4, "has 5 weights, more than the rows"),
    ],
)
def test_weights_must_fit(name, weights, rows, told):
    network = alone(WEIGHTING[name](arrays={"W": np.ones(weights)}))(rows)
    with pytest.raises(LayerError, match=told):
        network.predict(np.ones((2, rows)))


@pytest.mark.parametrize("name", list(NET_INPUT))
def test_net_inputs_must_fit(name):
    bias = {"b": np.ones((3, 1))}
    with pytest.raises(LayerError, match="needs 3 rows"):
        alone(NET_INPUT[name](arrays=bias))(4).predict(np.ones((2, 4)))
    with pytest.raises(LayerError, match="has nothing to put together"):
        nothing = NET_INPUT[name](name="n", num_inputs=0, arrays=bias)
        Network.of([featureInputLayer(3, Name="in"), nothing], []).predict(np.ones((2, 3)))


def test_net_input_is_added_in_matlab_s_order():
    """b + z1 + z2: another order rounds otherwise."""
    b, z1, z2 = np.array([[1e16]]), np.array([[1.0]]), np.array([[-1e16]])
    entries = [featureInputLayer(1, Name=name) for name in ("z1", "z2")]
    card = NET_INPUT["netsum"](name="n", num_inputs=2, arrays={"b": b})
    network = Network.of([*entries, card], [("z1", "n/in1"), ("z2", "n/in2")])
    assert network.predict(z1, z2, dtype="float64").item() == (1e16 + 1.0) - 1e16 == 0.0


# -- processing --------------------------------------------------------------------------------

COUNTS = {"xrows": np.array([[4.0]]), "yrows": np.array([[4.0]])}
LOW = np.array([[-2.0], [1.0], [0.0], [3.0]])
HIGH = np.array([[5.0], [4.0], [10.0], [3.5]])
YMIN, YMAX = np.array([[-1.0]]), np.array([[1.0]])
V7 = {
    "name": "mapminmax",
    "xmax": HIGH,
    "xmin": LOW,
    "xrange": HIGH - LOW,
    "ymax": YMAX,
    "ymin": YMIN,
    "yrange": YMAX - YMIN,
    "no_change": np.array([[False]]),
    **COUNTS,
}
V8 = {**V7, "gain": 2 / (HIGH - LOW), "xoffset": LOW}
# As genFunction writes its constants.
GENERATED = {"xoffset": LOW, "gain": 2 / (HIGH - LOW), "ymin": YMIN}


def step(name, settings, reverse=False):
    card, left = read_properties(PROCESSING[name], {**settings, "Reverse": np.array([[reverse]])})
    assert not left
    return card


@WAYS
@pytest.mark.parametrize("settings", [V7, V8, GENERATED], ids=["7", "8", "code"])
def test_settings_of_every_version(settings, way):
    x = draw.standard_normal((4, 6)) * 5
    y = way(alone(step("mapminmax", settings))(4), x)
    assert close(y, (x - LOW) * (2 / (HIGH - LOW)) - 1)
    assert close(way(alone(step("mapminmax", settings, reverse=True))(4), y), x)


@pytest.mark.parametrize("version", [V7, V8], ids=["7", "8"])
@pytest.mark.parametrize(
    ("low", "high"), [(3.0, 3.0), (-inf, 3.0), (3.0, inf), (nan, 3.0), (3.0, nan), (inf, -inf)]
)
def test_rows_that_cannot_be_mapped_pass(version, low, high):
    """Exactly, whatever gain was saved for them."""
    lows, highs = LOW.copy(), HIGH.copy()
    lows[2], highs[2] = low, high
    with np.errstate(all="ignore"):
        more = {"gain": 2 / (highs - lows), "xoffset": lows} if "gain" in version else {}
    settings = {**version, "xmin": lows, "xmax": highs, **more}
    x = draw.standard_normal((4, 6)) * 1e-9
    for reverse in (False, True):
        y = by_torch(alone(step("mapminmax", settings, reverse))(4), x)
        assert np.array_equal(y[2], x[2])
        assert not np.array_equal(y[1], x[1])


def test_rows_that_matlab_lets_pass_by_gain_and_offset():
    """gain 1 and xoffset ymin, as newer versions save them: computed as they stand."""
    settings = {**V8, "xmin": LOW.copy(), "xmax": HIGH.copy()}
    settings["xmin"][2] = settings["xmax"][2] = 7
    settings["gain"], settings["xoffset"] = V8["gain"].copy(), LOW.copy()
    settings["gain"][2], settings["xoffset"][2] = 1, -1
    x = draw.standard_normal((4, 6))
    y = by_torch(alone(step("mapminmax", settings))(4), x)
    assert np.array_equal(y[2], (x[2] - -1) * 1 + -1)


@pytest.mark.parametrize("deviation", [0.0, inf, nan])
def test_mapstd_lets_rows_pass(deviation):
    spread = np.array([[1.0], [deviation], [2.0], [0.5]])
    settings = {"xmean": LOW, "xstd": spread, "ymean": 0.0, "ystd": 1.0, **COUNTS}
    x = draw.standard_normal((4, 6))
    y = by_torch(alone(step("mapstd", settings))(4), x)
    assert np.array_equal(y[1], x[1])
    kept = [0, 2, 3]
    assert close(y[kept], (x[kept] - LOW[kept]) / spread[kept])


def test_mapstd_of_generated_code():
    settings = {"xoffset": LOW, "gain": 1 / HIGH, "ymean": np.array([[0.5]])}
    x = draw.standard_normal((4, 6))
    y = by_torch(alone(step("mapstd", settings))(4), x)
    assert close(y, (x - LOW) * (1 / HIGH) + 0.5)
    assert close(by_torch(alone(step("mapstd", settings, reverse=True))(4), y), x)


@WAYS
def test_rows_removed_come_back_as_nan(way):
    settings = {"ind": np.array([[2.0, 4.0]]), "xrows": 5.0, "yrows": 3.0}
    y = draw.standard_normal((3, 4))
    assert close(
        way(alone(step("removerows", settings, reverse=True))(3), y),
        shallow.removerows_reverse(y, settings),
    )


@WAYS
def test_a_target_that_never_changed_comes_back(way):
    """Its only row was removed: the network has an output layer of no neurons."""
    settings = {
        "max_range": 0.0,
        "keep": np.zeros((1, 0)),
        "remove": np.array([[1.0]]),
        "value": np.array([[3.0]]),
        "constants": np.array([[3.0]]),
        "xrows": 1.0,
        "yrows": 0.0,
    }
    weights = WEIGHTING["dotprod"](name="LW{2,1}", arrays={"W": np.zeros((0, 2))})
    nothing = step("mapminmax", {"xrows": 0.0, "yrows": 0.0, "ymin": -1.0}, reverse=True)
    back = step("removeconstantrows", settings, reverse=True)
    network = Network.of(
        [
            featureInputLayer(2, Name="in"),
            weights,
            nothing.replace(name="mapped"),
            back.replace(name="back"),
        ]
    )
    assert np.array_equal(way(network, np.ones((2, 3))), np.full((1, 3), 3.0))


@given(st.sets(st.integers(1, 6), max_size=5), st.booleans())
def test_rows_removed_and_put_back(removed, constant):
    """Whichever they are."""
    remove = sorted(removed)
    keep = [row for row in range(1, 7) if row not in removed]
    values = draw.standard_normal((len(remove), 1))
    settings = {"xrows": 6.0, "yrows": float(len(keep)), "keep": np.array([keep], float)}
    settings["remove"] = np.array([remove], float)
    if constant:
        settings["constants"] = values
    name = "removeconstantrows" if constant else "removerows"
    x = draw.standard_normal((6, 3))
    y = by_torch(alone(step(name, settings))(6), x)
    assert np.array_equal(y, x[[row - 1 for row in keep]])
    again = by_torch(alone(step(name, settings, reverse=True))(len(keep)), y)
    expected = x.copy()
    expected[[row - 1 for row in remove]] = values if constant else nan
    assert np.array_equal(again, expected, equal_nan=True)


@WAYS
def test_unknowns_are_marked_and_filled(way):
    settings = {"unknown": np.array([[2.0, 3.0]]), "xmeans": np.array([[1.0], [5.0], [7.0]])}
    settings |= {"xrows": 3.0, "yrows": 5.0}
    x = np.array([[4.0, 5, 3, 2], [nan, 9, nan, 2], [4, inf, -inf, nan]])
    y = way(alone(step("fixunknowns", settings))(3), x)
    expected = np.array(
        [[4, 5, 3, 2], [5, 9, 5, 2], [0, 1, 0, 1], [4, inf, -inf, 7], [1, 1, 1, 0]], float
    )
    assert np.array_equal(y, expected)
    back = way(alone(step("fixunknowns", settings, reverse=True))(5), expected)
    assert np.array_equal(back, expected[[0, 1, 3]])


@pytest.mark.parametrize("name", list(PROCESSING))
def test_no_change_passes_both_ways(name):
    settings = {"no_change": np.array([[1.0]]), **COUNTS}
    x = np.array([[nan], [1.0], [-inf], [0.5]])
    for reverse in (False, True):
        y = by_torch(alone(step(name, settings, reverse))(4), x)
        assert np.array_equal(y, x, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("mapminmax", COUNTS, "the settings of mapminmax lack xoffset, gain, yoffset"),
        ("mapstd", COUNTS, "the settings of mapstd lack xoffset, gain, yoffset"),
        ("processpca", COUNTS, "the settings of processpca lack transform"),
        ("fixunknowns", {**COUNTS, "unknown": 2.0}, "the settings of fixunknowns lack xmeans"),
        (
            "removeconstantrows",
            {**COUNTS, "keep": np.ones((1, 1)), "remove": np.ones((1, 1)) * 2, "Reverse": True},
            "the settings of removeconstantrows lack constants",
        ),
    ],
)
def test_settings_that_are_lacking_are_named(name, settings, told):
    card, _ = read_properties(PROCESSING[name], dict(settings))
    with pytest.raises(UnsupportedError, match=told):
        alone(card)(4).predict(np.ones((2, 4)))


@pytest.mark.parametrize("settings", [V7, V8], ids=["7", "8"])
def test_settings_go_back_as_they_came(settings):
    """What is computed from them is found again from what is saved of the card."""
    card = step("mapminmax", settings)
    again, _ = read_properties(PROCESSING["mapminmax"], dict(save_layer(card).saved))
    for name, array in card.arrays.items():
        assert np.array_equal(again.arrays[name], array)
    for name in ("xmin", "xmax"):
        assert np.array_equal(card.training[name], settings[name])


def test_every_function_has_a_constructor():
    for table in (TRANSFER, WEIGHTING, NET_INPUT, PROCESSING):
        assert set(table) <= set(CONSTRUCTORS)
    references = (shallow.TRANSFER, shallow.WEIGHTING, shallow.NET_INPUT, shallow.APPLY)
    for table, reference in zip((TRANSFER, WEIGHTING, NET_INPUT, PROCESSING), references,
                                strict=True):  # fmt: skip
        assert set(table) == set(reference)


@WAYS
@pytest.mark.parametrize("name", ["dist", "negdist", "mandist", "boxdist"])
@pytest.mark.parametrize("rows", [1, 4, 5, 10])
def test_distances_over_many_rows(name, rows, way, monkeypatch):
    """Gone through in blocks, so that they fill no memory; here in few, which are soon traced."""
    monkeypatch.setattr(weighting, "BLOCKS", 4)
    w, p = draw.standard_normal((3, rows)), draw.standard_normal((rows, 4))
    found = way(alone(WEIGHTING[name](arrays={"W": w}))(rows), p)
    assert abs(found - shallow.WEIGHTING[name](w, p)).max() < 1e-12
