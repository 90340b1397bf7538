"""Layers of the user's own: kept, named, scaffolded, and run by a card."""

import numpy as np
import pytest
import saved
from helpers import assert_close

import matbridge
from matbridge import Layer, UnsupportedError
from matbridge.cli.scaffold import scaffold
from matbridge.core.card import learnable, prop
from matbridge.core.kinds import number
from matbridge.core.registry import Registry, Unknown
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat


@pytest.fixture
def path(tmp_path):
    """input, myScale (a learnable Alpha, an option Power), a custom output layer."""
    alpha = np.float32([[1], [2], [3]])
    custom = saved.custom(
        "myScale", Name="scale", Alpha=alpha, Power=saved.number(2), Description="mine"
    )
    loss = saved.custom(
        "myLoss", Name="loss", Classes=saved.categories("a", "b", "c"), NumClasses=saved.number(3)
    )
    network = saved.series_network(saved.feature_input("in", 3), custom, loss)
    write_mat(tmp_path / "net.mat", {"net": network})
    return tmp_path / "net.mat"


class MyScale(Layer):
    MATLAB = ("myScale",)
    ARRAYS = (learnable("Alpha", "per channel", dims="C"),)

    def forward(self, ops, p, *inputs):
        return ops.multiply(inputs[0], p["Alpha"])


X = np.array([[1.0, 1, 1], [2, 0, -1]])


def test_without_a_card_it_is_kept_and_named(path):
    network = matbridge.load(path)
    layer = network["scale"]
    assert isinstance(layer, Unknown)
    assert not layer.known
    assert layer.extra["Alpha"].tolist() == [[1], [2], [3]]
    with pytest.raises(UnsupportedError, match="scale: .*class myScale") as caught:
        network.predict(X)
    assert "def forward(self, ops, p, x)" in str(caught.value)


def test_a_card_runs_it(path):
    network = matbridge.load(path, registry=[MyScale])
    assert_close(network.predict(X, dtype="float64"), X * [1, 2, 3])
    assert dict(network.to_torch().named_parameters()).keys() == {"scale.Alpha"}
    assert (
        network.report.diagnostics[0].what == "the saved property Power is not known and not used"
    )


def test_a_custom_output_layer_is_the_identity(path):
    network = matbridge.load(path, registry=[MyScale])
    assert network.classes == ("a", "b", "c")
    assert not network["loss"].known
    assert network.classify(X).tolist() == ["c", "a"]


def test_a_registry_by_class_name(path):
    registry = Registry.builtin().with_({"myScale": MyScale})
    assert matbridge.load(path, registry=registry).runnable


def test_entry_points_offer_cards(path, monkeypatch):
    class Entry:
        def load(self):
            return MyScale

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry()])
    assert matbridge.load(path).runnable


def test_the_scaffold_is_a_card(path, tmp_path):
    network = matbridge.load(path)
    source = scaffold("myScale", [network["scale"]], "cards.py")
    scope = {}
    exec(compile(source, "cards.py", "exec"), scope)
    card = scope["MyScale"]
    assert [a.name for a in card.ARRAYS] == ["Alpha"]
    assert card.MATLAB == ("myScale",)
    loaded = matbridge.load(path, registry=[card])
    assert loaded["scale"].power == 2.0
    with pytest.raises(NotImplementedError, match="what myScale computes"):
        loaded.predict(X)


def test_a_card_with_options_and_onnx(path):

    import onnxruntime

    from matbridge.onnx.write import to_onnx

    class Powered(MyScale):
        power: float = prop("Power", number, default=1.0)

        def forward(self, ops, p, *inputs):
            return ops.power(ops.multiply(inputs[0], p["Alpha"]), self.power)

    network = matbridge.load(path, registry={"myScale": Powered})
    expected = (X * [1, 2, 3]) ** 2
    assert_close(network.predict(X, dtype="float64"), expected)
    session = onnxruntime.InferenceSession(to_onnx(network).SerializeToString())
    assert_close(session.run(None, {"in": np.float32(X)})[0], expected, 1e-6)


def test_a_layer_with_ports_of_its_own(tmp_path):
    custom = saved.custom(
        "twoIn",
        **{"Name": "two", "nnet.layer.Layer.PrivateInputs": Cell(["a", "b"], (1, 2))},
    )
    network = saved.dlnetwork(
        [("x", "two/a"), ("y", "two/b"), ("two", "out")],
        ["out"],
        saved.feature_input("x", 2),
        saved.feature_input("y", 2),
        custom,
        saved.relu("out"),
    )
    write_mat(tmp_path / "net.mat", {"net": network})
    assert matbridge.load(tmp_path / "net.mat")["two"].inputs == ("a", "b")
