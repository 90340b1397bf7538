"""Placeholders of MATLAB's exporter: told, and filled from the original, by name or by a card."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx_models import MATLAB, model_of, saved

import matbridge
from matbridge import Network
from matbridge.cli import run
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.matlab import (
    featureInputLayer,
    fullyConnectedLayer,
    leakyReluLayer,
    lstmLayer,
    sequenceInputLayer,
    tanhLayer,
)

RNG = np.random.default_rng(3)
W, B, V = (RNG.standard_normal(shape).astype(np.float32) for shape in ((4, 3), (4, 1), (2, 4)))


def placeholder(data, name):
    return helper.make_node(
        "Placeholder",
        [data],
        [name],
        name,
        domain="com.mathworks",
        doc_string="Placeholder operator",
    )


def exported(*names):
    """fc_1, placeholders of these names, fc_2, as MATLAB writes them."""
    nodes = [
        helper.make_node("MatMul", ["input", "fc_1_MatMul_W"], ["fc_1_MatMul"]),
        helper.make_node("Add", ["fc_1_MatMul", "fc_1_Add_B"], ["fc_1_Add"]),
    ]
    last = "fc_1_Add"
    for name in names:
        nodes.append(placeholder(last, name))
        last = name
    nodes.append(helper.make_node("MatMul", [last, "fc_2_MatMul_W"], ["fc_2_MatMul"]))
    arrays = {"fc_1_MatMul_W": W.T, "fc_1_Add_B": B[:, 0], "fc_2_MatMul_W": V.T}
    return model_of(
        nodes, {"input": ["N", 3]}, {"fc_2_MatMul": ["N", 2]}, arrays, opset=8, producer=MATLAB
    )


def original(*between, weights=W):
    return Network.of(
        [
            featureInputLayer(3, Name="input"),
            fullyConnectedLayer(4, Name="fc_1", Weights=weights, Bias=B),
            *between,
            fullyConnectedLayer(2, Name="fc_2", Weights=V, Bias=np.zeros((2, 1))),
        ]
    )


@pytest.fixture
def file(tmp_path):
    return saved(tmp_path, exported("act_1", "act_2"))


LEAKY = leakyReluLayer(0.3, Name="act-1")
TANH = tanhLayer(Name="act_2")
X = RNG.standard_normal((5, 3)).astype(np.float32)


def test_every_placeholder_is_named_with_the_way_out(file, capsys):
    network = matbridge.load(file)
    assert [problem.where for problem in network.report] == ["act_1", "act_2"]
    assert all("matbridge repair" in problem.mend for problem in network.report)
    assert 'replace={"act_2": tanhLayer()}' in network.report[1].mend
    with pytest.raises(UnsupportedError, match="wrote a placeholder"):
        network.predict(X)
    assert run(["inspect", str(file)]) == 4
    shown = capsys.readouterr().out
    assert "act_1" in shown
    assert "--replace NAME=LAYER" in " ".join(shown.split())


def test_filled_from_the_original(file, tmp_path, capsys):
    truth = original(LEAKY, TANH)
    truth.save(tmp_path / "net.safetensors")
    fixed = tmp_path / "fixed.onnx"
    command = ["repair", str(file), "--with", str(tmp_path / "net.safetensors"), "-o", str(fixed)]
    assert run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["filled"] == {"act_1": "LeakyReLULayer", "act_2": "TanhLayer"}
    model = onnx.load(fixed)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (y,) = session.run(None, {"input": X})
    np.testing.assert_allclose(y, truth.predict(X), rtol=1e-5, atol=1e-6)


def test_filled_by_name(file, tmp_path):
    replace = {"act_1": leakyReluLayer(0.3), "act_2": tanhLayer()}
    network = matbridge.load(file, replace=replace)
    np.testing.assert_array_equal(network.predict(X), original(LEAKY, TANH).predict(X))
    options = ["--replace", "act_1=leakyReluLayer(0.3)", "--replace", "act_2=tanhLayer"]
    assert run(["repair", str(file), *options, "-o", str(tmp_path / "fixed.pt2")]) == 0


CARD = """
import matbridge

class Doubled(matbridge.Layer):
    MATLAB = ("com.mathworks::Placeholder",)

    def forward(self, ops, p, x):
        return ops.multiply(x, 2.0)
"""


def test_filled_by_a_card(tmp_path):
    (tmp_path / "cards.py").write_text(CARD)
    file = saved(tmp_path, exported("custom"))
    fixed = tmp_path / "fixed.onnx"
    options = ["--cards", str(tmp_path / "cards.py"), "-o", str(fixed)]
    assert run(["repair", str(file), *options]) == 0
    session = onnxruntime.InferenceSession(fixed.read_bytes())
    (y,) = session.run(None, {"input": X})
    np.testing.assert_allclose(y, 2 * (X @ W.T + B[:, 0]) @ V.T, rtol=1e-4, atol=1e-5)


def test_a_card_stands_for_any_operator_with_its_attributes(tmp_path):
    class Scaled(matbridge.Layer):
        MATLAB = ("my.tools::Scaled",)
        factor: float = matbridge.core.card.prop("factor", float)

        def forward(self, ops, p, x):
            return ops.multiply(x, self.factor)

    node = helper.make_node("Scaled", ["x"], ["y"], domain="my.tools", factor=2.5)
    model = model_of([node], {"x": ["N", 3]}, {"y": ["N", 3]})
    network = matbridge.load(saved(tmp_path, model), registry=[Scaled])
    np.testing.assert_allclose(network.predict(X), 2.5 * X, rtol=1e-6)


def test_another_format_than_before_is_carried_on(tmp_path):
    """An LSTM in a sequence, which says nothing of its labels."""
    input_weights, recurrent = RNG.standard_normal((2, 16, 4))
    arrays = {"InputWeights": input_weights, "RecurrentWeights": recurrent}
    units = lstmLayer(4, Name="act", Bias=np.zeros((16, 1)), **arrays)
    model = exported("act")
    value = model.graph.input[0].type.tensor_type.shape
    for n in (5, 1, 3):
        value.dim.add().dim_value = n
    del value.dim[:2]
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    network = matbridge.load(saved(tmp_path, model), replace={"act": units})
    inner = original(units)
    truth = Network.of([sequenceInputLayer(3, Name="input"), *inner.layers[1:]])
    x = RNG.standard_normal((3, 5))
    np.testing.assert_allclose(network.predict(x), truth.predict(x), rtol=1e-5, atol=1e-6)


def test_what_cannot_be_filled_is_refused(file, tmp_path, capsys):
    out = ["-o", str(tmp_path / "fixed.onnx")]

    def refused(*options):
        code = run(["repair", str(file), *options, *out])
        return code, capsys.readouterr().err

    original(LEAKY).save(tmp_path / "other.safetensors")
    code, told = refused("--with", str(tmp_path / "other.safetensors"))
    assert code == 2
    assert "the original network has no layer act_2" in told
    code, told = refused("--replace", "act_1=tanhLayer")
    assert code == 4
    assert "act_2: Placeholder cannot be read" in told
    assert refused("--replace", "act_3=tanhLayer")[1].startswith(
        "error: net.onnx: the file has no layer act_3"
    )
    assert "Write NAME=LAYER" in refused("--replace", "tanhLayer")[1]
    assert "Did you mean 'tanhLayer'" in refused("--replace", "act_1=tanLayer")[1]
    assert "is no layer" in refused("--replace", "act_1=open('x')")[1]
    assert "is no layer" in refused("--replace", "act_1=tanhLayer(")[1]
    assert "is no layer" in refused("--replace", "act_1=leakyReluLayer(1, 2)")[1]
    assert "has 2 inputs, but the node has 1" in refused("--replace", "act_1=additionLayer(2)")[1]
    assert not (tmp_path / "fixed.onnx").exists()
    assert refused()[0] == 4
    model = exported("act_1", "act_2").SerializeToString()
    assert file.read_bytes() == model


def test_an_original_with_other_weights_is_told(file, tmp_path, capsys):
    original(LEAKY, TANH, weights=W + 1).save(tmp_path / "other.safetensors")
    options = ["--with", str(tmp_path / "other.safetensors"), "-o", str(tmp_path / "fixed.onnx")]
    assert run(["repair", str(file), *options]) == 0
    assert "fc_1.Weights are not those in other.safetensors" in capsys.readouterr().err


def test_an_original_that_nobody_knows_is_refused(file):
    from matbridge.core.registry import Unknown
    from matbridge.onnx.repair import fillings

    strange = Unknown(name="act_1", class_name="myLayer")
    with pytest.raises(MismatchError, match="act_1 is myLayer in the original"):
        fillings(matbridge.load(file), original(strange, TANH))


ACTORS = ["domi-devel+learning-robot-matlab--actor", "domi-devel+learning-robot-matlab--actor~2"]


@pytest.mark.parametrize("name", ACTORS)
def test_the_actors_of_the_corpus_are_told_and_repaired(name, corpus, tmp_path, capsys):
    source, fixed = corpus / "onnx" / f"{name}.onnx", tmp_path / "fixed.onnx"
    if not source.exists():
        pytest.skip("the corpus has no such file")
    height, _ = matbridge.load(source).layers[0].input_size[:2]
    np.save(tmp_path / "x.npy", np.ones((height, 1)))
    assert run(["predict", str(source), "--input", str(tmp_path / "x.npy")]) == 4
    assert "ActorTanh1: Placeholder cannot be read" in capsys.readouterr().err
    assert run(["repair", str(source), "--replace", "ActorTanh1=tanhLayer", "-o", str(fixed)]) == 0
    # The truth: the file itself with ONNX's Tanh in its place.
    model = onnx.load(source)
    (node,) = (n for n in model.graph.node if n.op_type == "Placeholder")
    node.op_type, node.domain = "Tanh", ""
    x = RNG.standard_normal((1, 1, height, 1)).astype(np.float32)
    (truth,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"observation": x})
    session = onnxruntime.InferenceSession(fixed.read_bytes())
    (y,) = session.run(None, {"observation": x})
    np.testing.assert_allclose(y.reshape(truth.shape), truth, rtol=1e-5, atol=1e-6)
    replace = {"ActorTanh1": tanhLayer()}
    scores = matbridge.load(source, replace=replace).predict(x[0, 0][..., None])
    np.testing.assert_allclose(scores.reshape(truth.shape), truth, rtol=1e-5, atol=1e-6)
