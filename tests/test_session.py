"""A session: a network made ready once, with a state of its own, on any engine."""

import copy
import pickle
import threading
import time
import warnings

import numpy as np
import pytest
from helpers import assert_close, layer

import matbridge
from matbridge import MismatchError, Network, Session
from matbridge.core.engine import Labelled
from matbridge.predict import engines
from matbridge.safetensors.write import save_safetensors

draw = np.random.default_rng(0).standard_normal
D, H = 2, 3


def lstm(**options):
    weights = {"InputWeights": draw((4 * H, D)), "RecurrentWeights": draw((4 * H, H))}
    return layer("lstmLayer", H, **weights, Bias=draw((4 * H, 1)), **options)


@pytest.fixture
def network():
    return Network.of([layer("sequenceInputLayer", D), lstm()])


def test_a_session_predicts_as_its_network_does(network):
    x = draw((D, 7))
    with network.session(dtype="float64") as session:
        assert isinstance(session, Session)
        for data in (x, [x, x[:, :3], x]):
            for a, b in zip(
                session.predict(data), network.predict(data, dtype="float64"), strict=True
            ):
                assert_close(a, b, 0.0)
        assert "2 layers" in repr(session)
    with pytest.raises(MismatchError, match="session is closed"):
        session.predict(x)
    assert "closed" in repr(session)
    assert session.network is network


def test_a_stream_in_pieces_is_the_whole(network):
    x = draw((D, 20))
    whole = network.predict(x, dtype="float64")
    with matbridge.Session(network, dtype="float64") as session:
        for _ in range(2):
            parts = [session.predict_and_update_state(x[:, i : i + 4]) for i in range(0, 20, 4)]
            assert_close(np.concatenate(parts, 1), whole, 1e-13)
            # The state is there until it is set back, and predict leaves it alone.
            again = session.predict(x[:, :4])
            assert np.abs(again - parts[0]).max() > 1e-3
            assert_close(session.predict(x[:, :4]), again, 0.0)
            assert_close(session.network.predict(x[:, :4], dtype="float64"), again, 1e-13)
            session.reset_state()
    assert_close(network.predict(x, dtype="float64"), whole, 0.0)


def test_a_saved_state_is_where_a_session_begins_and_reset_forgets_it(network):
    x = draw((D, 5))
    saved, _ = network.predict_and_update_state(x, dtype="float64")
    session = saved.session(dtype="float64")
    assert_close(session.predict(x), saved.predict(x, dtype="float64"), 0.0)
    session.reset_state()
    assert_close(session.predict(x), network.predict(x, dtype="float64"), 1e-13)
    assert not session.network["lstm"].arrays["HiddenState"].any()


@pytest.mark.parametrize("name", ["torch", "onnxruntime"])
def test_networks_of_one_chain_of_states_share_what_was_prepared(network, name):
    x = draw((D, 5))
    engine = None
    current = network
    for _ in range(3):
        current, _ = current.predict_and_update_state(x, engine=name)
        (session,) = current._sessions.values()
        assert engine in (None, session.engine)
        engine = session.engine
    assert name != "torch" or len(engine.module.tapes) <= 2
    # Each network keeps the state that it has.
    again, _ = network.predict_and_update_state(x)
    first = network.predict(x)
    assert_close(network.predict(x), first, 0.0)
    assert np.abs(again.predict(x) - first).max() > 1e-3


def test_states_of_several_observations(network):
    xs = [draw((D, 4)) for _ in range(3)]
    with network.session(dtype="float64") as session:
        session.predict_and_update_state(xs)
        found = session.predict(xs)
        with pytest.raises(MismatchError, match="that of 3 observations, the input has 2"):
            session.predict(xs[:2])
        with pytest.raises(MismatchError, match="of one length"):
            session.predict_and_update_state([xs[0], xs[1][:, :2], xs[2]])
    for y, x in zip(found, xs, strict=True):
        both = network.predict(np.concatenate([x, x], 1), dtype="float64")
        assert_close(y, both[:, 4:], 1e-13)


def test_what_is_kept_lives_with_its_network(network):
    x = draw((D, 5))
    network.predict(x)
    network.predict(x)
    network.predict(x, dtype="float64")
    assert len(network._sessions) == 2
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), copy.copy(network)):
        assert_close(other.predict(x), network.predict(x), 0.0)


def test_threads_take_turns(network):
    xs = [draw((D, n)) for n in range(1, 9)]
    expected = [network.predict(x) for x in xs]
    session = network.session()
    wrong = []

    def serve():
        for x, y in zip(xs, expected, strict=True):
            for _ in range(20):
                if not np.array_equal(session.predict(x), y):
                    wrong.append(x)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


class Counting:
    """An engine that counts its runs in a state."""

    def __init__(self, network, asked):
        pass

    def run(self, inputs, states, lengths=None):
        count = states.get("lstm", {"Count": np.zeros((1, 1))})["Count"] + 1
        return [Labelled(x.array, x.dims) for x in inputs.values()], {"lstm": {"Count": count}}

    def states(self, arrays):
        return {}

    def arrays(self, states):
        return states


def test_no_thread_loses_the_state_of_another(network, monkeypatch):
    def go_on(*arguments, go_on=Session._go_on):
        time.sleep(0.005)  # lets the others in
        go_on(*arguments)

    monkeypatch.setitem(engines.ENGINES, "counting", Counting)
    monkeypatch.setattr(Session, "_go_on", go_on)
    session = network.session(engine="counting")

    def serve():
        for _ in range(5):
            session.predict_and_update_state(draw((D, 2)))

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session._states["lstm"]["Count"] == 20


class Doubling:
    """An engine that knows no layers."""

    def __init__(self, network, asked):
        self.network = network

    def run(self, inputs, states, lengths=None):
        if lengths is not None:
            return None
        return [Labelled(2 * x.array, x.dims) for x in inputs.values()], {}

    def states(self, arrays):
        return arrays

    def arrays(self, states):
        return states


def test_the_engine_may_be_another(network, monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "doubling", Doubling)
    xs = [draw((D, n)) for n in (3, 4, 3)]
    for y, x in zip(network.predict(xs, engine="doubling"), xs, strict=True):
        assert_close(y, 2 * x)
    with pytest.raises(MismatchError, match=r"no engine 'abacus'[\s\S]*torch"):
        network.session(engine="abacus")


@pytest.mark.parametrize("device", ["meta", "nowhere", "cuda:99"])
def test_devices_that_hold_no_numbers(network, device):
    with pytest.raises(MismatchError, match="cannot be used"):
        network.predict(draw((D, 3)), device=device)


@pytest.mark.parametrize("size", [0, -1, 2.5, True])
def test_the_size_of_mini_batches_is_checked(network, size):
    with pytest.raises(MismatchError, match="mini-batch size"):
        network.predict(draw((D, 3)), mini_batch_size=size)


def test_networks_whose_training_diverged_warn_once(network):
    arrays = dict(network["lstm"].arrays)
    arrays["Bias"] = np.full_like(arrays["Bias"], np.nan)
    broken = network.with_layers(network["lstm"].replace(arrays=arrays))
    with pytest.warns(UserWarning, match=r"NaN or Inf \(lstm.Bias\)") as caught:
        broken.predict(draw((D, 3)))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        broken.predict(draw((D, 3)))
        network.predict(draw((D, 3)))


def test_labels_and_scores_together():
    names = ("b", "a", "c")
    network = Network.of([layer("featureInputLayer", 3), layer("softmaxLayer")])
    x = draw((5, 3))
    labels, scores = network.classify(x, classes=names, scores=True, dtype="float64")
    assert_close(scores, network.predict(x, dtype="float64"))
    assert labels.tolist() == [names[i] for i in x.argmax(1)]
    assert network.classify(x, classes=names).tolist() == labels.tolist()
    with pytest.raises(MismatchError, match="3 scores do not fit 2 classes"):
        network.classify(x, classes=names[:2])
    with pytest.raises(MismatchError, match="does not name its classes"):
        network.classify(x)


def test_the_command_line_says_so_in_its_own_words(network, tmp_path, capsys, recwarn):
    from matbridge.cli import run

    arrays = dict(network["lstm"].arrays)
    arrays["Bias"] = np.full_like(arrays["Bias"], np.inf)
    broken = network.with_layers(network["lstm"].replace(arrays=arrays))
    save_safetensors(broken, tmp_path / "net.safetensors")
    np.save(tmp_path / "x.npy", draw((D, 3)))
    warnings.simplefilter("default")
    given = ["predict", str(tmp_path / "net.safetensors"), "--input", str(tmp_path / "x.npy")]
    assert run(given) == 0
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "NaN or Inf" in x]
    assert line.startswith("warning: the network's arrays hold NaN or Inf (lstm.Bias)")
    assert not recwarn.list
