"""ONNX graphs lifted to layers: the walk, labels, and what cannot be read."""

import numpy as np
import pytest
from onnx import helper
from onnx_models import model_of, run, saved

import matbridge
from matbridge.onnx.labels import axes_of, dims_of, regrouped, squeezed, transposed, unsqueezed

RNG = np.random.default_rng(1)


def numbers(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def image_classifier():
    arrays = {
        "w": numbers(4, 3, 3, 3),
        "b": numbers(4),
        "fc": numbers(4 * 6 * 5, 2),
        "bias": numbers(2),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["conv"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("Flatten", ["relu"], ["flat"]),
        helper.make_node("MatMul", ["flat", "fc"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["y"]),
    ]
    return model_of(nodes, {"x": ["N", 3, 6, 5]}, {"y": ["N", 2]}, arrays)


def test_a_classifier_is_lifted_and_predicts_in_matlabs_layout(tmp_path):
    model = image_classifier()
    network = matbridge.load(saved(tmp_path, model))
    assert [layer.type_name for layer in network.layers] == [
        "ImageInputLayer",
        "Convolution2DLayer",
        "ReLULayer",
        "FullyConnectedLayer",
    ]
    x = numbers(6, 5, 3, 7)
    (truth,) = run(model, x.transpose(3, 2, 0, 1))
    np.testing.assert_allclose(network.predict(x), truth, rtol=1e-5, atol=1e-5)


def test_transposes_and_reshapes_dissolve(tmp_path):
    """Channels last outside, first inside, as in Keras's files."""
    arrays = {"w": numbers(4, 3, 3, 3), "shape": np.array([-1, 6 * 5 * 4]), "fc": numbers(120, 2)}
    nodes = [
        helper.make_node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w"], ["conv"], pads=[1, 1, 1, 1]),
        helper.make_node("Transpose", ["conv"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["last", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc"], ["y"], alpha=0.5),
    ]
    model = model_of(nodes, {"x": ["N", 6, 5, 3]}, {"y": ["N", 2]}, arrays)
    network = matbridge.load(saved(tmp_path, model))
    assert len(network) == 3
    x = numbers(6, 5, 3, 7)
    (truth,) = run(model, x.transpose(3, 0, 1, 2))
    np.testing.assert_allclose(network.predict(x), truth, rtol=1e-5, atol=1e-5)


def test_a_pattern_whose_lengths_are_not_onnxs_is_not_taken(tmp_path):
    """MatMul over the width is no fully connected layer."""
    model = model_of(
        [
            helper.make_node("Conv", ["x", "w"], ["conv"]),
            helper.make_node("MatMul", ["conv", "m"], ["y"]),
        ],
        {"x": ["N", 3, 6, 5]},
        {"y": ["N", 4, 6, 2]},
        {"w": numbers(4, 3, 1, 1), "m": numbers(5, 2)},
    )
    network = matbridge.load(saved(tmp_path, model))
    assert "FullyConnectedLayer" not in {layer.type_name for layer in network.layers}


@pytest.mark.parametrize("dims", ["BC", "BCSS", "TBC", "BCSSS", "CB"])
def test_axes_say_dims(dims):
    assert dims_of(axes_of(dims)) == dims


def test_labels_move_with_their_dimensions():
    axes, lengths = axes_of("BCSS"), {"B": None, "C": 3, "1": 4, "2": 5}
    assert transposed(axes, (0, 2, 3, 1)) == ("B", "1", "2", "C")
    assert dims_of(transposed(axes, (0, 1, 3, 2))) == ""
    assert regrouped(axes, lengths, (-1, 60)) == ("B", "C12")
    assert regrouped(axes, lengths, (0, 3, -1)) == ("B", "C", "12")
    assert regrouped(("B", "C12"), lengths, (0, 3, 4, 5)) == axes
    assert regrouped(axes, lengths, (-1, 15, 4)) is None
    assert regrouped(axes, lengths, (1, -1), {"B": 1}) == ("B", "C12")
    assert unsqueezed(("B", "C"), (1,)) == ("B", "", "C")
    assert squeezed(("B", "C", "1"), None, {"B": None, "C": 3, "1": 1}) == ("B", "C")
