"""onnxruntime in a session: as torch computes, everywhere; the choice between them."""

import itertools
import sys

import numpy as np
import onnxruntime
import pytest
from examples import EXAMPLES
from helpers import SINGLE, assert_close, behind_inputs, layer

import matbridge
from matbridge import LayerError, MatbridgeError, MismatchError, Network, UnsupportedError
from matbridge.cli import run
from matbridge.core.dims import reorder
from matbridge.matlab.contents import read_contents
from matbridge.onnx import runtime
from matbridge.onnx.model import LARGE, EngineModel
from matbridge.predict.plan import Plans
from matbridge.safetensors.write import save_safetensors
from matbridge.verify.inputs import draw_inputs

draw = np.random.default_rng(0).standard_normal
D, H, N, T = 3, 4, 2, 6
ids = [f"{e.builder}-{e.inputs[0][0]}-{i}" for i, e in enumerate(EXAMPLES)]


def network_of(example):
    one = layer(example.builder, *example.positional, **example.named).replace(name="layer")
    return Network.of([one]) if one.IS_INPUT else behind_inputs(one, example.inputs)


def parts(result):
    return result if isinstance(result, tuple) else (result,)


def assert_same(found, expected, tolerance=50 * SINGLE):
    """The same sizes, types and NaN, and no more than rounding between them."""
    for y, z in itertools.zip_longest(parts(found), parts(expected)):
        for a, b in zip(y, z, strict=True) if isinstance(z, list) else ((y, z),):
            assert a.dtype == b.dtype
            assert np.array_equal(np.isfinite(a), np.isfinite(b))
            assert_close(np.nan_to_num(a), np.nan_to_num(b), tolerance)


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_every_example_as_numpy_and_as_torch(example):
    """Twice: the long way, and the short one that is worked out then; and with NaN."""
    network = network_of(example)
    formats = [format for format, _ in example.inputs]
    format = formats[0] if len(set(formats)) == 1 else formats
    data = [x for _, x in example.inputs]
    if example.no_onnx:
        with pytest.raises(UnsupportedError, match=example.no_onnx):
            network.session(engine="onnxruntime")
        assert network.session().choice.name == "torch"
        return
    session = network.session()
    assert session.choice.name == "onnxruntime"
    first, second = (session.predict(*data, format=format) for _ in range(2))
    for a, b, expected in zip(parts(first), parts(second), example.outputs, strict=True):
        assert np.array_equal(a, b)
        assert_close(a, expected, 100 * SINGLE)
    data = [np.array(x) for x in data]
    data[0].reshape(-1)[0] = np.nan
    try:
        expected = network.predict(*data, format=format, engine="torch")
    except MatbridgeError as error:
        with pytest.raises(type(error)) as caught:
            session.predict(*data, format=format)
        assert str(caught.value) == str(error)
    else:
        assert_same(session.predict(*data, format=format), expected)


def data_for(network, observations=3, steps=7):
    """Labelled data of several observations, and their formats."""
    for name, x in zip(network.input_names, draw_inputs(network), strict=True):
        format = network[name].format
        yield reorder(x, "".join(sorted(format, key="BCTSU".index)), format), format


def networks_in(paths):
    for path in paths:
        for network in read_contents(path).networks.values():
            if network.runnable:
                yield path.name, network


def assert_engines_agree(network):
    """What is chosen for the network, beside PyTorch."""
    pairs = list(data_for(network))
    data, formats = [x for x, _ in pairs], [format for _, format in pairs]
    session = network.session()
    expected = network.predict(*data, format=formats, engine="torch")
    tolerance = 1e-4 if network.dtype == "float32" else 1e-11
    assert_same(session.predict(*data, format=formats), expected, tolerance)
    return session.choice


def test_every_fixture(fixtures):
    for name, network in networks_in(sorted(fixtures.glob("*.mat"))):
        assert assert_engines_agree(network).name == "onnxruntime", name


@pytest.mark.filterwarnings("ignore:the network's arrays hold NaN")
def test_every_network_of_the_corpus(corpus):
    taken = []
    for _, network in networks_in(sorted((corpus / "files").glob("*.mat"))):
        taken.append(assert_engines_agree(network).name)
    assert taken.count("onnxruntime") >= 60


# -- states, lengths, mini-batches -------------------------------------------------------------

GATES = {"lstmLayer": 4, "gruLayer": 3, "bilstmLayer": 8}


def recurrent(builder="lstmLayer", **options):
    rows = GATES[builder] * H
    arrays = {"InputWeights": draw((rows, D)), "RecurrentWeights": draw((rows, H))}
    one = layer(builder, H, **arrays, Bias=draw((rows, 1)), **options)
    return Network.of([layer("sequenceInputLayer", D), one])


@pytest.mark.parametrize("builder", GATES)
@pytest.mark.parametrize("mode", ["sequence", "last"])
def test_lengths_and_mini_batches(builder, mode):
    network = recurrent(builder, OutputMode=mode)
    xs = [draw((D, n)) for n in (4, 7, 4, 1, 9)]
    for options in (
        {},
        {"mini_batch_size": 2},
        {"sequence_length": "longest"},
        {"sequence_length": "longest", "padding_direction": "left", "padding_value": 0.5},
        {"sequence_length": "shortest", "sort_by_length": True},
        {"sequence_length": 3, "mini_batch_size": 2},
    ):
        found, expected = (
            network.predict(xs, engine=engine, **options) for engine in ("onnxruntime", "torch")
        )
        assert_same(found, expected)


def test_states_go_from_one_engine_to_the_other():
    network = recurrent()
    x = [draw((D, T)) for _ in range(N)]
    states = {}
    for engine in ("onnxruntime", "torch"):
        current = network
        for piece in (slice(0, 1), slice(1, 4), slice(4, 6)):
            data = [one[:, piece] for one in x]
            current, y = current.predict_and_update_state(data, engine=engine)
        states[engine] = current["lstm"].arrays
        both = (current.predict(x, engine=e) for e in ("onnxruntime", "torch"))
        assert_same(*both)
        assert_same(current.reset_state().predict(x, engine=engine), network.predict(x))
    for name, array in states["torch"].items():
        assert_close(states["onnxruntime"][name], array, 50 * SINGLE)


def test_a_saved_state_is_where_runs_begin():
    state = {"HiddenState": draw((H, 1)), "CellState": draw((H, 1))}
    network = recurrent(**state)
    x = [draw((D, T)) for _ in range(N)]
    assert_same(*(network.predict(x, engine=engine) for engine in ("onnxruntime", "torch")))
    with network.session(engine="onnxruntime") as session:
        one = session.predict(x[0])
        session.predict_and_update_state(x)
        with pytest.raises(MismatchError, match="that of 2 observations, the input has 1"):
            session.predict(x[0])
        session.reset_state()
        assert np.abs(session.predict(x[0]) - one).max() > 1e-3


# -- what is checked, on the short way as well --------------------------------------------------


def test_every_check_is_made_again():
    network = recurrent()
    session = network.session()
    good = draw((D, T))
    for _ in range(2):
        session.predict(good)
        for data, message in (
            (draw((D + 1, T)), "does not fit"),
            (draw((T, D)), "time × channels"),
            (draw((D, 0)), "shorter than MinLength"),
            (good * 1j, "the input is complex"),
            (np.array(["a"] * D), "not numbers"),
        ):
            with pytest.raises(MismatchError, match=message):
                session.predict(data)
        for size in (0, True, 2.5):
            with pytest.raises(MismatchError, match="mini-batch size"):
                session.predict(good, mini_batch_size=size)
        with pytest.raises(MismatchError, match="1 inputs, 2 were given"):
            session.predict(good, good)
    session.close()
    with pytest.raises(MismatchError, match="session is closed"):
        session.predict(good)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int16", ">f4", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_whatever_holds_the_numbers(dtype, order):
    network = Network.of(
        [layer("imageInputLayer", [5, 4, 3], Normalization="none"), layer("maxPooling2dLayer", 2)]
    )
    x = np.asarray(np.random.default_rng(1).integers(0, 2, (5, 4, 3, 2)), dtype, order=order)
    session = network.session()
    for _ in range(2):
        assert_same(session.predict(x), network.predict(x, engine="torch"))
        assert_same(session.predict(x[::1, ::1, :, :1]), network.predict(x[..., :1]))


def test_results_belong_to_the_caller():
    """No result changes when another is computed, nor the data when a result is changed."""
    network = Network.of([layer("featureInputLayer", 2)])
    for engine in ("onnxruntime", "torch"):
        x = np.ones((3, 2), np.float32)
        first = network.predict(x, engine=engine)
        second = network.predict(x * 2, engine=engine)
        second[:] = 7
        assert (first == 1).all()
        assert (x == 1).all()


def test_plans_are_bounded(monkeypatch):
    monkeypatch.setattr(Plans, "MOST", 3)
    session = recurrent().session()
    for n in range(1, 9):
        session.predict(draw((D, n)))
    assert 1 <= len(session._plans) <= 3


@pytest.mark.parametrize("strict", [True, False])
def test_indices_are_checked(strict):
    weights = draw((H, 5 if strict else 6))
    one = layer("wordEmbeddingLayer", H, 5, Weights=weights)
    network = Network.of([layer("sequenceInputLayer", 1), one])
    session = network.session()
    assert session.choice.name == "onnxruntime"
    for words in ([[1.0, 5.0]], [[1.0, 9.0]], [[1.5, 2.0]], [[np.inf, 2.0]], [[0.0, 1.0]]):
        results = []
        for which in (session, network.session(engine="torch")):
            try:
                results.append(which.predict(np.array(words)))
            except MismatchError as error:
                results.append(str(error))
        found, expected = results
        if isinstance(expected, str):
            assert found == expected
        else:
            assert_same(found, expected)


# -- NaN -----------------------------------------------------------------------------------------


def test_nan_inside_the_network_is_not_lost():
    """onnxruntime's LSTM makes numbers of NaN: such data torch computes."""
    arrays = recurrent()["lstm"].arrays
    log = layer("functionLayer", "@(x) log(x)", Formattable=True)
    network = Network.of([layer("sequenceInputLayer", D), log, layer("lstmLayer", H, **arrays)])
    session = network.session()
    x = np.abs(draw((D, T))) + 0.1
    session.predict(x)
    assert session.choice.name == "onnxruntime"
    x[1, 2] = -1
    y = session.predict(x)
    assert np.isfinite(y[:, :2]).all()
    assert np.isnan(y[:, 2:]).all()
    assert str(session.choice).startswith(
        "torch (the data hold NaN, Inf or numbers near it, or become so"
    )
    with pytest.raises(
        MismatchError, match="the data hold NaN, Inf or numbers near it, or become so"
    ):
        network.predict(x, engine="onnxruntime")


def test_a_state_goes_on_when_the_engine_changes():
    network = recurrent()
    x = draw((D, T))
    with network.session() as session:
        session.predict_and_update_state(x)
        broken = x.copy()
        broken[0, -1] = np.inf
        session.predict_and_update_state(broken)
        assert session.choice.name == "torch"
        found = session.network["lstm"].arrays
    expected = network
    for data in (x, broken):
        expected, _ = expected.predict_and_update_state(data, engine="torch")
    for name, array in expected["lstm"].arrays.items():
        assert_same(found[name], array)


@pytest.mark.parametrize("size", [1e20, 3e38])
def test_numbers_so_large_that_layers_make_nan_of_them_are_not_lost(size):
    network = recurrent()
    x = size * draw((D, T)).clip(-1, 1)
    session = network.session()
    assert_same(session.predict(x), network.predict(x, engine="torch"))
    assert "numbers near it" in str(session.choice)


# -- the choice ----------------------------------------------------------------------------------


def test_the_choice_is_told():
    network = recurrent()
    assert repr(network.session()) == "<Session of a dlnetwork: 2 layers, onnxruntime>"
    told = str(network.session(dtype="float64").choice)
    assert told == "torch (onnxruntime is taken for float32, not float64)"
    assert str(network.session(engine="torch").choice) == "torch"
    with pytest.raises(MismatchError, match="does not compute in float16"):
        network.session(engine="onnxruntime", dtype="float16")
    with pytest.raises(MismatchError, match="computes on the CPU, not on cuda"):
        network.session(engine="onnxruntime", device="cuda")


ABSENT = "onnxruntime is not installed"
BROKEN = "onnxruntime is installed but does not load: DLL load failed"


class Absent:
    """Says of onnxruntime what Python says where it is not installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "onnxruntime":
            raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")


@pytest.fixture(params=[ABSENT, BROKEN])
def no_onnxruntime(request, monkeypatch, tmp_path):
    """Why it cannot be loaded: it is not there, or is and misses a library of the system."""
    for name in [n for n in sys.modules if n.partition(".")[0] == "onnxruntime"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, runtime.__name__)
    if request.param == ABSENT:
        monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    else:
        (tmp_path / "onnxruntime").mkdir()
        package = tmp_path / "onnxruntime/__init__.py"
        package.write_text("raise ImportError('DLL load failed')")
        monkeypatch.syspath_prepend(tmp_path)
    return request.param


def test_without_onnxruntime_torch_computes(no_onnxruntime):
    network = recurrent()
    assert str(network.session().choice).endswith(f"{no_onnxruntime})")
    with pytest.raises(MismatchError, match=rf"{no_onnxruntime}[\s\S]*pip install onnxruntime"):
        network.session(engine="onnxruntime")


def test_without_onnxruntime_onnx_is_written(no_onnxruntime, tmp_path):
    network = recurrent()
    assert no_onnxruntime in network.save(tmp_path / "net.onnx").note
    for how in ({"half": True}, {"quantize": "int8"}):
        with pytest.raises(UnsupportedError, match=f"onnxruntime's tools: {no_onnxruntime}"):
            network.save(tmp_path / "small.onnx", **how)


def test_what_onnxruntime_refuses_torch_computes(monkeypatch):
    def refuse(*_, **__):
        raise onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented("no kernel\nfor this")

    network = recurrent()
    x = draw((D, T))
    session = network.session()
    monkeypatch.setattr(session.engine, "session", type("Broken", (), {"run": refuse}))
    assert_same(session.predict(x), network.predict(x, engine="torch"))
    assert "onnxruntime cannot compute this input: no kernel" in str(session.choice)
    monkeypatch.setattr(runtime.onnxruntime, "InferenceSession", refuse)
    told = str(recurrent().session().choice)
    assert told == "torch (onnxruntime was not taken: onnxruntime does not take it: no kernel)"


def test_a_run_that_a_layer_refuses_says_so_in_its_words(monkeypatch):
    network = recurrent()
    session = network.session(engine="onnxruntime")
    obstacle = LayerError("too small", where="lstm")
    monkeypatch.setattr(session.engine, "size_check", lambda sizes: None)
    monkeypatch.setattr(Network, "obstacles", lambda *_, **__: [obstacle])
    monkeypatch.setattr(session.engine, "session", None)
    with pytest.raises(LayerError, match="too small"):
        session.predict(draw((D, T)))


def test_functions_of_ones_own_are_left_to_torch():
    def broken(ops, x):
        raise RuntimeError("tensors only\nand more")

    one = layer("functionLayer", "@(x) x").replace(function=broken)
    network = Network.of([layer("featureInputLayer", 2), one])
    with pytest.raises(UnsupportedError, match="cannot be said in ONNX: tensors only$"):
        network.session(engine="onnxruntime")


def test_networks_whose_training_diverged_are_left_to_torch():
    arrays = {**recurrent()["lstm"].arrays, "Bias": np.full((4 * H, 1), np.nan)}
    network = Network.of([layer("sequenceInputLayer", D), layer("lstmLayer", H, **arrays)])
    with pytest.warns(UserWarning, match="NaN or Inf"):
        session = network.session()
    assert str(session.choice).endswith("lstm.Bias holds NaN or Inf, which onnxruntime may lose)")


def test_outputs_must_depend_on_the_input():
    one = layer("functionLayer", "@(x) 1").replace(function=lambda ops, x: ops.constant(2.0, ""))
    network = Network.of([layer("featureInputLayer", 2), one])
    with pytest.raises(UnsupportedError, match="does not depend on the input"):
        network.session(engine="onnxruntime")


def test_large_arrays_stay_outside_the_model():
    """A model of more than 2 GB could not be handed over, and a copy would cost as much."""
    weights = draw((300, 200)).astype(np.float32)
    one = layer("fullyConnectedLayer", 300, Weights=weights, Bias=draw((300, 1)))
    network = Network.of([layer("featureInputLayer", 200), one])
    model = EngineModel(network, np.dtype(np.float32))
    assert len(model.proto.SerializeToString()) < 4 * LARGE
    assert sum(array.nbytes for array in model.arrays.values()) > weights.nbytes
    x = draw((5, 200))
    assert_same(network.predict(x), network.predict(x, engine="torch"))


@pytest.mark.parametrize("engine", ["auto", "torch", "onnxruntime"])
def test_the_command_line_takes_and_tells_it(engine, in_folder, capsys):
    save_safetensors(recurrent(), in_folder / "net.safetensors")
    np.save("x.npy", draw((D, T)))
    command = ["predict", "net.safetensors", "--input", "x.npy", "--engine", engine, "--verbose"]
    assert run([*command, "-o", "y.npy"]) == 0
    name = "torch" if engine == "torch" else "onnxruntime"
    assert f"engine: {name}\n" in capsys.readouterr().err
    command = ["verify", *command[1:], "--expected", "y.npy"]
    assert run([*command]) == 0
    assert f"engine: {name}\n" in capsys.readouterr().err
    assert run([*command, "--device", "cuda"]) == 2
    assert_same(np.load("y.npy"), matbridge.load("net.safetensors").predict(np.load("x.npy")))
