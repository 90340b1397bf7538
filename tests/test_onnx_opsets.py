"""Opsets: what is written in an older or newer one is the same network, or refused."""

import numpy as np
import onnx
import onnxruntime
import pytest
from examples import EXAMPLES
from helpers import SINGLE, assert_close, batch_first_array
from onnx.reference import ReferenceEvaluator
from test_examples import made, network_of

import matbridge
from matbridge.core.dims import batch_first, reorder
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.onnx.opsets import DEFAULT, NEWEST, OLDEST, Call, in_opset
from matbridge.onnx.write import to_onnx
from matbridge.torch.trace import trace
from matbridge.verify.inputs import draw_inputs

# Each opset at which the form of an operator changes, the one before it, and the newest that the
# pinned onnxruntime runs.
OPSETS = (9, 10, 11, 12, 13, 17, 20, 26)
WRITTEN = [e for e in EXAMPLES if not e.no_onnx]


def started(model):
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=providers)


def run(model, example):
    pairs = zip(model.graph.input, example.inputs, strict=True)
    return started(model).run(None, {i.name: batch_first_array(x, f) for i, (f, x) in pairs})


def differs(example, opset):
    """Whether the opset refuses the example; an assertion where it computes something else."""
    network = network_of(made(example), example.inputs)
    try:
        model = to_onnx(network, opset=opset)
    except UnsupportedError as error:
        first = int(str(error).partition("from opset ")[2].split()[0])
        assert first > opset, error
        assert error.where == "layer", error
        to_onnx(network, opset=first)
        return True
    assert [o.version for o in model.opset_import] == [opset]
    onnx.checker.check_model(model, full_check=True)
    sizes = network.infer()
    for y, port, expected in zip(
        run(model, example), network.outputs, example.outputs, strict=True
    ):
        format = sizes[port].format
        assert_close(y, reorder(expected, format, batch_first(format)), 100 * SINGLE)
    return False


# What these opsets refuse: half pixels, slices by steps.
REFUSED = {
    9: {"resize2dLayer", "resize3dLayer", "indexing1dLayer", "functionLayer"},
    10: {"resize2dLayer", "resize3dLayer"},
}


@pytest.mark.parametrize("opset", OPSETS)
def test_every_example(opset):
    refused = {example.builder for example in WRITTEN if differs(example, opset)}
    assert refused == REFUSED.get(opset, set())


@pytest.mark.parametrize("opset", [OLDEST, 13, DEFAULT, NEWEST])
def test_every_fixture(opset, fixtures):
    """By onnxruntime, or by ONNX's own reference where it is older."""
    for path in sorted(fixtures.glob("*.mat")):
        network = matbridge.load(path)
        model = to_onnx(network, opset=opset)
        onnx.checker.check_model(model, full_check=True)
        inputs = draw_inputs(network)
        feed = dict(zip([i.name for i in model.graph.input], inputs, strict=True))
        with np.errstate(over="ignore"):
            run = ReferenceEvaluator(model).run if opset > 26 else started(model).run
            found = run(None, feed)
        exact = trace(network, inputs, "float64")
        for y, name in zip(found, network.output_names, strict=True):
            assert_close(y, exact[name].reshape(y.shape), 100 * SINGLE)


@pytest.mark.parametrize("opset", [8, 0, -1, NEWEST + 1, True, "17", 17.0])
def test_opsets_that_there_are_not(opset, fixtures):
    with pytest.raises(MismatchError, match=f"not written in opset.*\n.*9 to {NEWEST}"):
        to_onnx(matbridge.load(fixtures / "cnn.mat"), opset=opset)


def test_an_operator_that_came_later_is_named_with_its_layer():
    """Whatever the card: the words of MATLAB's own layers are refused by name as well."""
    call = Call("Trilu", ("x",), {})
    with pytest.raises(UnsupportedError, match="ONNX has the operator Trilu from opset 14 on"):
        in_opset(call, 13, {}.__getitem__)
    assert in_opset(call, 14, {}.__getitem__) == call
