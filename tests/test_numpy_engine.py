"""NumPy as an engine: what shallow networks are computed by unless another is asked for."""

import numpy as np
import pytest
from shallow_nets import network, random_structure

import matbridge
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.matlab import fullyConnectedLayer, sequenceInputLayer
from matbridge.predict.arrays import NumpyEngine
from matbridge.predict.engines import Asked, open_engine


@pytest.fixture(scope="module")
def feedback():
    return network(random_structure(np.random.default_rng(3), feedback=True))


def test_it_is_taken_for_what_matlab_computes_in_double(feedback):
    assert open_engine(feedback, Asked("auto", "cpu", "float64"))[0].name == "numpy"
    plain = matbridge.Network.of([sequenceInputLayer(2), fullyConnectedLayer(2)])
    with pytest.raises(UnsupportedError, match="networks of arithmetic alone"):
        NumpyEngine(plain)


def test_it_agrees_with_torch_in_both_types(feedback):
    x = {
        name: np.random.default_rng(0).normal(size=(layer.size, 9))
        for name, layer in feedback.input_layers.items()
    }
    exact = feedback.predict(x, engine="torch", dtype="float64")
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-4)):
        y = feedback.predict(x, engine="numpy", dtype=dtype)
        for a, b in zip(_several(y), _several(exact), strict=True):
            assert a.dtype == dtype
            assert np.abs(a - b).max() <= tolerance * max(1, np.abs(b).max())


def _several(result):
    return result if isinstance(result, tuple) else (result,)


def test_a_state_goes_on_as_in_one_run(feedback):
    x = {
        name: np.random.default_rng(1).normal(size=(layer.size, 8))
        for name, layer in feedback.input_layers.items()
    }
    whole = _several(feedback.predict(x))
    first = {name: array[:, :3] for name, array in x.items()}
    rest = {name: array[:, 3:] for name, array in x.items()}
    later, begun = feedback.predict_and_update_state(first)
    ends = _several(later.predict(rest))
    for a, b, c in zip(_several(begun), ends, whole, strict=True):
        np.testing.assert_allclose(np.concatenate([a, b], 1), c, rtol=1e-12, atol=1e-12)


def test_what_it_cannot_do_is_said(feedback):
    with pytest.raises(MismatchError, match="NumPy computes on the CPU, not on cuda"):
        feedback.session(engine="numpy", device="cuda")
    with pytest.raises(MismatchError, match="NumPy does not compute in float16"):
        feedback.session(engine="numpy", dtype="float16")
