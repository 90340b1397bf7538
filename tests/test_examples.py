"""Every layer against NumPy, ONNX Runtime and its saved object; see examples.py."""

import contextlib

import numpy as np
import pytest
from examples import EXAMPLES
from helpers import EXACT, SINGLE, assert_close, batch_first_array, behind_inputs, layer
from hypothesis import given, settings
from hypothesis import strategies as st

from matbridge import MatbridgeError, Network
from matbridge.core.diagnostics import Report
from matbridge.core.dims import batch_first, canonical, reorder
from matbridge.core.registry import Registry
from matbridge.matlab.file.values import Cell, Map, MatObject
from matbridge.matlab.layer import read_layer

ids = [f"{e.builder}-{e.inputs[0][0]}-{i}" for i, e in enumerate(EXAMPLES)]
each = pytest.mark.parametrize("example", EXAMPLES, ids=ids)


def network_of(one, inputs):
    """The layer alone, with an input layer for each of its inputs."""
    one = one.replace(name="layer")
    if one.IS_INPUT:
        return Network.of([one])
    return behind_inputs(one, inputs)


def made(example):
    return layer(example.builder, *example.positional, **example.named)


def predict(network, example, dtype):
    formats = [format for format, _ in example.inputs]
    found = network.predict(*(x for _, x in example.inputs), format=formats, dtype=dtype)
    return found if isinstance(found, tuple) else (found,)


@each
def test_numpy_parity(example):
    network = network_of(made(example), example.inputs)
    for dtype, tolerance in (("float64", EXACT), ("float32", 50 * SINGLE)):
        found = predict(network, example, dtype)
        for y, expected in zip(found, example.outputs, strict=True):
            assert_close(y, expected, tolerance)


@each
def test_sizes_are_those_that_come_out(example):
    network = network_of(made(example), example.inputs)
    sizes = network.infer()
    for port, expected in zip(network.outputs, example.outputs, strict=True):
        size = sizes[port]
        known = [n for n, label in zip(size.sizes, size.format, strict=True) if label not in "BT"]
        shape = dict(zip(range(expected.ndim), expected.shape, strict=True))
        there = [shape[i] for i, label in enumerate(size.format) if label not in "BT"]
        assert len(size.format) == expected.ndim
        assert all(n in (None, m) for n, m in zip(known, there, strict=True)), str(size)


@each
def test_onnx_parity(example):
    runtime = pytest.importorskip("onnxruntime")
    from matbridge import UnsupportedError
    from matbridge.onnx.write import to_onnx

    network = network_of(made(example), example.inputs)
    if example.no_onnx:
        with pytest.raises(UnsupportedError, match=example.no_onnx):
            to_onnx(network)
        return
    model = to_onnx(network).SerializeToString()
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    named = {
        entry.name: batch_first_array(x, format)
        for entry, (format, x) in zip(session.get_inputs(), example.inputs, strict=True)
    }
    found = session.run(None, named)
    sizes = network.infer()
    for y, port, expected in zip(found, network.outputs, example.outputs, strict=True):
        format = sizes[port].format
        assert format == canonical(format)
        assert_close(y, reorder(expected, format, batch_first(format)), 100 * SINGLE)


def as_saved(example):
    """The layer as MATLAB's object by its public names, learnables as {Value, ...}."""
    from saved import learnable

    one = made(example)
    arrays = {
        name: learnable(array) if role == "learnable" else array
        for name, array in one.arrays.items()
        for role in [next(a.role for a in one.declared if a.name == name)]
    }
    given = dict(example.named)
    places = {p.arg: p.name for p in one.properties().values() if p.arg}
    positional = example.positional
    if one.LISTED and len(positional) > 1:
        positional = ([np.nan if np.size(n) == 0 else n for n in positional],)
    given |= {places[i]: v for i, v in enumerate(positional, 1)}
    plain = {k: (v if isinstance(v, str) else np.asarray(v)) for k, v in given.items()}
    plain = {k: v for k, v in plain.items() if k not in arrays}
    if one.IS_INPUT:
        plain.setdefault("Normalization", one.normalization)
    if one.BUILDER == "layerNormalizationLayer":
        plain.setdefault("OperationDimension", "auto")
    return one, {"Name": "layer", **plain, **arrays}


def read(one, saved, report):
    from saved import custom
    from saved import layer as saved_layer

    kind = one.MATLAB[0]
    found = saved_layer(kind, 1, **saved) if "." in kind else custom(kind, **saved)
    return read_layer(found, Registry.builtin(), report, "net")


@each
def test_a_saved_object_is_read(example):
    """By MATLAB's public names, learnables as plain arrays and as {Value, LearnRateFactor}."""
    one, saved = as_saved(example)
    report = Report()
    again = read(one, {**saved, "Brand": "new"}, report)
    assert again.known, report
    (told,) = report
    assert told.what.startswith(
        "the saved property Brand is not known and not used: what matbridge"
    )
    assert told.level == "warning"
    for name, array in one.arrays.items():
        assert_close(again.arrays[name], array, SINGLE)
    changed = again.replace(arrays=one.arrays)
    y = predict(network_of(changed, example.inputs), example, "float64")
    for a, b in zip(y, predict(network_of(one, example.inputs), example, "float64"), strict=True):
        assert np.array_equal(a, b)


ODD = (
    *(None, "", "abc", True, {"a": 1}, {"Value": "x"}, [1, 2]),
    *(np.array([[n]]) for n in (np.nan, np.inf, -1.0, 0.0, 2.5, 1 + 2j)),
    *(np.ones(n) for n in ((0, 0), (1, 7), (2, 2), (3, 1, 2), (2, 3, 4, 5, 6))),
    *(Cell([1, "a"], (1, 2)), Map(), MatObject("foo", {"a": 1})),
)


@settings(max_examples=1000)
@given(st.sampled_from(EXAMPLES), st.data())
def test_odd_properties_are_reported_or_refused(example, data):
    """Files hold whatever they like: no value of a property ends in a traceback."""
    one, saved = as_saved(example)
    names = [*saved, *(p.saved for p in one.properties().values()), "Bias", "HiddenState"]
    for _ in range(data.draw(st.integers(1, 2))):
        saved[data.draw(st.sampled_from(names))] = data.draw(st.sampled_from(ODD))
    report = Report()
    again = read(one, saved, report)
    if len(again.inputs) != len(example.inputs):
        return
    with contextlib.suppress(MatbridgeError, UserWarning):
        predict(network_of(again, example.inputs), example, "float32")


@each
def test_gradients_flow(example):
    """The derivative along a random direction, against a difference quotient."""
    import torch

    if not example.gradient:
        pytest.skip("the layer has no gradient with respect to its input")
    network = network_of(made(example), example.inputs)
    module = network.to_torch(dtype="float64")
    inputs = [
        torch.tensor(np.ascontiguousarray(reorder(x, f, batch_first(f)))) for f, x in example.inputs
    ]
    first = inputs[0].requires_grad_()
    draw = torch.Generator().manual_seed(1)

    def value(x):
        y = module(x, *inputs[1:])
        parts = y if isinstance(y, tuple) else (y,)
        weights = torch.Generator().manual_seed(2)
        return sum(
            (p * torch.randn(p.shape, generator=weights, dtype=p.dtype)).sum() for p in parts
        )

    (gradient,) = torch.autograd.grad(value(first), first)
    direction = torch.randn(first.shape, generator=draw, dtype=first.dtype)
    step = 1e-6
    with torch.no_grad():
        quotient = (value(first + step * direction) - value(first - step * direction)) / (2 * step)
    found = (gradient * direction).sum()
    assert abs(found - quotient) <= 1e-5 * max(1, abs(quotient))


def test_formats_are_those_that_the_table_of_layers_tells():
    for example in EXAMPLES:
        told = made(example).formats().split()
        assert told == ["any"] or example.inputs[0][0] in told, example.builder


def test_the_page_of_layers_is_the_cards():
    """python scripts/make_docs.py writes it."""
    import make_docs

    assert make_docs.PAGE.read_text(encoding="utf-8") == make_docs.page()
