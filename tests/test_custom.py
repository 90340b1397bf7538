"""Layers of the user's own: kept, named, scaffolded, and run by a card."""

import numpy as np
import pytest
import saved
from helpers import assert_close
from hypothesis import given
from hypothesis import strategies as st

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

    def forward(self, ops, p, x):
        return ops.multiply(x, p["Alpha"])


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
    (told,) = network.report
    assert told.what.startswith("the saved property Power is not known and not used")
    assert told.level == "warning"


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
    source = scaffold("myScale", [network["scale"]])
    scope = {}
    exec(compile(source, "cards.py", "exec"), scope)
    card = scope["MyScale"]
    assert [a.name for a in card.ARRAYS] == ["Alpha"]
    assert card.MATLAB == ("myScale",)
    loaded = matbridge.load(path, registry=[card])
    assert loaded["scale"].power == 2.0
    with pytest.raises(NotImplementedError, match="what myScale computes"):
        loaded.predict(X)


# Text that would run, or end the source, if it stood in it unescaped.
BOMB = """print(globals().setdefault('hit', []).append(1))"""
HOSTILE = (
    f'"); {BOMB}; ("',
    f"'); {BOMB}; ('",
    f'"""\n{BOMB}\n"""',
    f"\n{BOMB}\n",
    f"\r{BOMB}",
    f"\f{BOMB}",
    f"\u2028{BOMB}",
    "\\",
    f"{{{BOMB}}}",
    "{name}{class_name}{0}%s",
    "-*- coding: utf-7 -*-",
    "coding: rot13",
    "class",
    "import",
    "Layer",
    "forward",
    "arrays",
    "number",
    "str",
    "__class__",
    "\uff41rrays",
    "\u202egnp.exe",
    "\ud800",
    "\0",
    "1",
    "",
)


def hostile_layer(text, other="b"):
    """A layer of an unknown class with this text in every string that a file can hold."""
    values = [text, np.float32([[1], [2]]), np.array([[2.0]]), np.zeros((1, 3)), np.zeros(0), None]
    values += [np.array([[np.nan]]), np.array([[True]]), np.array([[text]]), {text: text}]
    extra = {f"{text}{place or ''}": value for place, value in enumerate(values)}
    ports = (text, other)
    return Unknown(name=text, class_name=text, extra=extra, ports=ports, out_ports=ports)


def run_scaffold(text, other="b"):
    """The card of a scaffold over hostile text, loaded from a file as --cards does."""
    layers = [hostile_layer(text, other), hostile_layer(other, text)]
    source = scaffold(text, layers)
    assert source.isascii()
    scope = {"__name__": "cards"}
    # From bytes, as from a file: a comment could change the encoding.
    exec(compile(source.encode(), "cards.py", "exec"), scope)
    assert "hit" not in scope
    (card,) = (c for c in scope.values() if isinstance(c, type) and c.__module__ == "cards")
    return card, layers[0]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_file_becomes_source(text):
    card, layer = run_scaffold(text)
    assert (text,) == card.MATLAB
    assert card.INPUTS == card.OUTPUTS == (text, "b")
    assert [a.name for a in card.ARRAYS] == [f"{text}1"]
    names = {p.name for p in card.properties().values()}
    assert names == {f"{text}{place}" for place in ("", 2, 3, 6, 7)}
    assert next(iter(card.properties())) not in ("arrays", "extra", "training", "number")
    assert card.forward is not Layer.forward


@given(text=st.text(), other=st.text())
def test_any_text_is_data_in_a_scaffold(text, other):
    assert (text,) == run_scaffold(text, other)[0].MATLAB


def test_a_card_with_options_and_onnx(path):

    import onnxruntime

    from matbridge.onnx.write import to_onnx

    class Powered(MyScale):
        power: float = prop("Power", number, default=1.0)

        def forward(self, ops, p, x):
            return ops.power(ops.multiply(x, p["Alpha"]), self.power)

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
