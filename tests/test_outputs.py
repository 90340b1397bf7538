"""What modules, programs and ONNX models return and how their dimensions are called."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from helpers import SINGLE, assert_close, layer

from matbridge import Network
from matbridge.core.dims import axis_names
from matbridge.onnx.write import to_onnx
from matbridge.torch.program import ABOUT, write_program

draw = np.random.default_rng(0).standard_normal


def network(class_name, *ends):
    """Images to one value per class that keeps its spatial dimensions."""
    start = layer("imageInputLayer", [6, 5, 3], Normalization="none", Name="x")
    return Network.of([start, layer("globalAveragePooling2dLayer"), *ends], class_name=class_name)


def found(network, x, folder):
    """The results as the module, the program and ONNX give them."""
    write_program(network, folder / "net.pt2")
    program = torch.export.load(folder / "net.pt2").module()
    session = onnxruntime.InferenceSession(to_onnx(network).SerializeToString())
    tensor = torch.from_numpy(x)
    fed = {session.get_inputs()[0].name: x}
    return [network.to_torch()(tensor).numpy(), program(tensor).numpy(), session.run(None, fed)[0]]


SHAPES = {
    "SeriesNetwork": (4, 3),
    "DAGNetwork": (4, 3),
    "nnet.cnn.LayerGraph": (4, 3),
    "dlnetwork": (4, 3, 1, 1),
}


@pytest.mark.parametrize("class_name", SHAPES)
def test_one_value_per_class(class_name, tmp_path):
    x = draw((4, 3, 6, 5)).astype(np.float32)
    for y in found(network(class_name, layer("softmaxLayer")), x, tmp_path):
        assert_close(
            y.reshape(4, 3), np.exp(m := x.mean((2, 3))) / np.exp(m).sum(1)[:, None], 9 * SINGLE
        )
        assert y.shape == SHAPES[class_name]


def test_images_and_maps_stay_images(tmp_path):
    x = draw((4, 3, 6, 5)).astype(np.float32)
    start = layer("imageInputLayer", [6, 5, 3], Normalization="none", Name="x")
    pool = layer("averagePooling2dLayer", (6, 1))
    for y in found(Network.of([start, pool], class_name="DAGNetwork"), x, tmp_path):
        assert_close(y, x.mean(2, keepdims=True), 9 * SINGLE)


def test_losses_take_scores_of_either_shape():
    x = torch.from_numpy(draw((4, 3, 6, 5)).astype(np.float32))
    ends = [layer("softmaxLayer"), layer("classificationLayer", Classes=["a", "b", "c"])]
    classic = network("DAGNetwork", *ends).to_torch()
    newer = network("dlnetwork", *ends).to_torch()
    target = torch.tensor([0, 2, 1, 1])
    spread = torch.nn.functional.one_hot(target, 3).float()
    expected = newer.loss(newer(x), target[:, None, None])
    assert torch.allclose(classic.loss(classic(x), target), expected)
    assert torch.allclose(classic.loss(classic(x), spread), expected)


def test_axes_are_named(tmp_path):
    starts = [layer("sequenceInputLayer", 2, Name=name) for name in ("a", "b")]
    last = layer("globalAveragePooling1dLayer", Name="last")
    other = layer("reluLayer", Name="other")
    net = Network.of([*starts, last, other], [("a", "last"), ("b", "other")])
    shapes = [
        [d.dim_param or d.dim_value for d in entry.type.tensor_type.shape.dim]
        for graph in [to_onnx(net).graph]
        for entry in (*graph.input, *graph.output)
    ]
    assert shapes == [
        ["batch", 2, "time"],
        ["batch", 2, "time_2"],
        ["batch", 2],
        ["batch", 2, "time_2"],
    ]
    write_program(net, tmp_path / "net.pt2")
    told = {ABOUT: ""}
    torch.export.load(tmp_path / "net.pt2", extra_files=told)
    assert json.loads(told[ABOUT])["axes"] == {n: ["batch", "channels", "time"] for n in "ab"}
    assert axis_names("BCTSSS")[2:] == ("time", "height", "width", "depth")


def test_class_names_travel(tmp_path):
    names = ("b", "a", "ß")
    net = network("DAGNetwork", layer("classificationLayer", Classes=list(names)))
    write_program(net, tmp_path / "net.pt2")
    told = {ABOUT: ""}
    torch.export.load(tmp_path / "net.pt2", extra_files=told)
    model = to_onnx(net)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert tuple(json.loads(told[ABOUT])["classes"]) == names
    assert tuple(json.loads(metadata["classes"])) == names
    onnx.checker.check_model(model)
