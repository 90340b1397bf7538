"""Resize, Upsample, blocks of channels and LRN as MATLAB's layers; the truth is onnxruntime."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import matbridge

X = np.random.default_rng(9).standard_normal((2, 8, 4, 6)).astype(np.float32)


def both(tmp_path, operator, opset, arrays=(), **attributes):
    """The network of one node, and what onnxruntime makes of X."""
    names = ["x", *(name for name, _ in arrays)]
    node = helper.make_node(operator, names, ["y"], "made", **attributes)
    constants = [numpy_helper.from_array(a, n) for n, a in arrays if n]
    graph = helper.make_graph(
        [node],
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 8, 4, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)],
        constants,
    )
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    path = tmp_path / "made.onnx"
    path.write_bytes(model.SerializeToString())
    (expected,) = onnxruntime.InferenceSession(str(path)).run(None, {"x": X})
    return matbridge.load(path), expected


def check(network, expected, kind):
    """The layer is of this type, or is none of MATLAB's where that is None; the numbers agree."""
    (layer,) = (layer for layer in network if not layer.IS_INPUT)
    assert (layer.type_name if layer.status == "" else None) == kind
    found = network.predict(X.transpose(2, 3, 1, 0)).transpose(3, 2, 0, 1)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 2e-6 * np.abs(expected).max()


def scales(*numbers):
    return np.array([1, 1, *numbers], np.float32)


NEAREST = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


@pytest.mark.parametrize("transform", ["half_pixel", "asymmetric", "align_corners"])
@pytest.mark.parametrize("mode", [*NEAREST, "linear", "cubic"])
@pytest.mark.parametrize("scale", [(2, 3), (0.5, 0.5), (1.5, 2)])
def test_resize(transform, mode, scale, tmp_path):
    """Halves that the two round otherwise, and ways that MATLAB lacks, stay operators."""
    way = {"mode": "nearest", "nearest_mode": mode} if mode in NEAREST else {"mode": mode}
    arrays = [("", None), ("scales", scales(*scale))]
    network, expected = both(
        tmp_path, "Resize", 13, arrays, coordinate_transformation_mode=transform, **way
    )
    lacking = transform == "align_corners" or mode in ("ceil", "cubic")
    half = 0.5 if transform == "half_pixel" else 0
    sources = [
        (np.arange(int(n * s)) + half) / s - half for n, s in zip((4, 6), scale, strict=True)
    ]
    halves = any(np.isclose(at % 1, 0.5).any() for at in sources)
    kept = lacking or (mode == "round_prefer_floor" and halves)
    check(network, expected, None if kept else "Resize2DLayer")


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_older_ways(mode, tmp_path):
    for operator, opset in (("Upsample", 9), ("Resize", 10)):
        arrays = [("scales", scales(2, 3))]
        check(*both(tmp_path, operator, opset, arrays, mode=mode), "Resize2DLayer")
    sizes = [("", None), ("", None), ("sizes", np.array([2, 8, 6, 9]))]
    check(*both(tmp_path, "Resize", 13, sizes, mode=mode, nearest_mode="floor"), "Resize2DLayer")


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(mode, tmp_path):
    check(*both(tmp_path, "DepthToSpace", 13, blocksize=2, mode=mode), "DepthToSpace2DLayer")


def test_space_to_depth(tmp_path):
    check(*both(tmp_path, "SpaceToDepth", 13, blocksize=2), "SpaceToDepthLayer")


@pytest.mark.parametrize("size", [1, 3, 5])
def test_normalization_across_channels(size, tmp_path):
    found = both(tmp_path, "LRN", 13, size=size, alpha=0.3, beta=0.6, bias=1.5)
    check(*found, "CrossChannelNormalizationLayer")
