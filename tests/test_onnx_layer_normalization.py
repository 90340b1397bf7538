"""Layer normalization in single nodes, as files before opset 17 have it.

The truth is onnx's reference: onnxruntime fuses these nodes whatever the power is, and takes
another ε where it stands first.
"""

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx_models import model_of, saved

import matbridge

CHANNELS = 5
SCALE = np.linspace(0.5, 2, CHANNELS).astype(np.float32)
OFFSET = np.linspace(-1, 1, CHANNELS).astype(np.float32)


def steps(square=("Pow", ["c", "two"]), power=2.0, epsilon=1e-3, swapped=False, scaled=True, **how):
    """(x - μ)/√(σ² + ε)·scale + offset; ``how`` are the attributes of the mean of squares."""
    mean = {"axes": [-1], "keepdims": 1}
    turn = (lambda names: names[::-1]) if swapped else list
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mu"], **mean),
        helper.make_node("Sub", ["x", "mu"], ["c"]),
        helper.make_node(square[0], square[1], ["s"]),
        helper.make_node("ReduceMean", ["s"], ["v"], **{**mean, **how}),
        helper.make_node("Add", turn(["v", "eps"]), ["t"]),
        helper.make_node("Sqrt", ["t"], ["r"]),
        helper.make_node("Div", ["c", "r"], ["q" if scaled else "y"]),
    ]
    arrays = {"two": np.float32(power), "eps": np.float32(epsilon)}
    if scaled:
        arrays |= {"scale": SCALE, "offset": OFFSET}
        nodes += [
            helper.make_node("Mul", turn(["q", "scale"]), ["m"]),
            helper.make_node("Add", turn(["m", "offset"]), ["y"]),
        ]
    return nodes, arrays


def read(nodes, arrays, tmp_path, shape=("n", "t", CHANNELS)):
    model = model_of(nodes, {"x": list(shape)}, {"y": None}, arrays, opset=13)
    return model, matbridge.load(saved(tmp_path, model))


LIFTED = {
    "as PyTorch": {},
    "product": {"square": ("Mul", ["c", "c"])},
    "other way round": {"swapped": True},
    "no scale": {"scaled": False},
    "axis from the front": {"axes": [2]},
}
# Nearly the same, but not the same.
OTHERS = {
    "power of 4": {"power": 4.0},
    "over time": {"axes": [1]},
    "square of something else": {"square": ("Mul", ["c", "x"])},
}


@pytest.mark.parametrize("how", LIFTED.values(), ids=LIFTED)
def test_single_nodes_are_one_layer(how, tmp_path):
    model, network = read(*steps(**how), tmp_path)
    types = [layer.type_name for layer in network.layers]
    assert types == ["SequenceInputLayer", "LayerNormalizationLayer"]
    assert network.layers[1].epsilon == 1e-3
    agree(model, network)


@pytest.mark.parametrize("how", OTHERS.values(), ids=OTHERS)
def test_what_is_not_quite_that_stays_operators(how, tmp_path):
    model, network = read(*steps(**how), tmp_path)
    assert "LayerNormalizationLayer" not in [layer.type_name for layer in network.layers]
    agree(model, network)


def test_a_scale_that_is_not_one_for_each_channel_stays_beside_it(tmp_path):
    nodes, arrays = steps()
    model, network = read(nodes, {**arrays, "scale": np.float32(3)}, tmp_path)
    types = [layer.type_name for layer in network.layers]
    assert types[1] == "LayerNormalizationLayer"
    assert set(types[2:]) == {"ElementwiseAffineLayer"}
    agree(model, network)


def agree(model, network):
    for batch, length in ((2, 3), (4, 6)):
        x = np.random.default_rng(batch).standard_normal((batch, length, CHANNELS), np.float32)
        (truth,) = ReferenceEvaluator(model).run(None, {"x": x})
        found = network.predict(x, format="BTC")
        np.testing.assert_allclose(found, truth.transpose(2, 0, 1), rtol=1e-4, atol=1e-5)
