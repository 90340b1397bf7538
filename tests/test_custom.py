"""Layers of the user's own: kept, named, scaffolded, and run by a card."""

import subprocess
import sys

import numpy as np
import pytest
import saved
import torch
from helpers import assert_close
from hypothesis import given
from hypothesis import strategies as st

import matbridge
from matbridge import Layer, TorchLayer, UnsupportedError
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
    with pytest.raises(UnsupportedError, match="not written: write what myScale computes"):
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


# -- mistakes in a card: one message, wherever they turn up ----------


def undefined(self, ops, p, x):
    return nowhere  # noqa: F821


def wrong_word(self, ops, p, x):
    return ops.sqaure(x)


def nothing(self, ops, p, x):
    ops.multiply(x, p["Alpha"])


def bare(self, ops, p, x):
    return x.data


def two(self, ops, p, x):
    return x, x


def too_many(self, ops, p, x, y):
    return x


def no_array(self, ops, p, x):
    return ops.multiply(x, p["Beta"])


def unknown_function(self, ops, p, x):
    return ops.map("swish", x)


def branch(self, ops, p, x):
    return x if x.data.sum() > 0 else ops.add(x, 1.0)


MISTAKES = [undefined, wrong_word, nothing, bare, two, too_many, no_array, unknown_function]


def one_message(error):
    assert isinstance(error, matbridge.MatbridgeError), repr(error)
    assert len(str(error).splitlines()) <= 3, str(error)
    assert len(str(error)) < 500, str(error)


@pytest.mark.parametrize("forward", MISTAKES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("target", ["predict", "onnx", "pt2"])
def test_a_mistake_in_forward_is_one_message(forward, target, path):
    """Also where torch.export would tell it in 160 lines."""
    from matbridge.onnx.write import to_onnx
    from matbridge.torch.program import export_program

    card = type("Mine", (MyScale,), {"forward": forward, "__module__": "mine"})
    network = matbridge.load(path, registry={"myScale": card})
    steps = {"predict": lambda n: n.predict(X), "onnx": to_onnx, "pt2": export_program}
    with pytest.raises(matbridge.MatbridgeError) as caught:
        steps[target](network)
    one_message(caught.value)
    assert "scale" in str(caught.value)


def test_what_only_tracing_refuses_is_one_message(path):
    from matbridge.torch.program import export_program

    card = type("Mine", (MyScale,), {"forward": branch, "__module__": "mine"})
    network = matbridge.load(path, registry={"myScale": card})
    network.predict(X)
    with pytest.raises(matbridge.MatbridgeError) as caught:
        export_program(network)
    one_message(caught.value)


@pytest.mark.parametrize(
    "infer",
    [lambda self, x: 3, lambda self, x: None, lambda self, x: x["Q"], lambda self: 1],
    ids=["number", "none", "label", "arguments"],
)
def test_a_mistake_in_infer_is_one_message(infer, path):
    card = type("Mine", (MyScale,), {"infer": infer, "__module__": "mine"})
    network = matbridge.load(path, registry={"myScale": card})
    errors = [e for e in network.infer().values() if isinstance(e, matbridge.LayerError)]
    assert "infer of the card Mine" in errors[0].what
    one_message(errors[0])


def test_the_line_of_a_mistake_is_told(path, tmp_path):
    source = (
        "import matbridge\n\n\nclass Mine(matbridge.Layer):\n    MATLAB = ('myScale',)\n\n"
        "    def forward(self, ops, p, x):\n        return 1 / 0\n"
    )
    (tmp_path / "cards.py").write_text(source)
    code, err = command("predict", path, "--cards", tmp_path / "cards.py", tmp_path=tmp_path)
    assert code == 3
    assert "scale: forward of the card Mine failed in line 8: ZeroDivisionError" in err


def command(*arguments, tmp_path):
    """Exit code and stderr of a command in a process of its own."""
    np.save(tmp_path / "x.npy", X)
    words = [sys.executable, "-m", "matbridge", *map(str, arguments)]
    words += ["--input", str(tmp_path / "x.npy")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


# -- plain torch ----------


class Swish(TorchLayer):
    MATLAB = ("myScale",)
    ARRAYS = (learnable("Alpha", "per channel", dims="C"),)
    TRAINING = ("Power",)

    def forward(self, p, x):
        return x * torch.sigmoid(p["Alpha"] * x)


def test_forward_may_be_plain_torch(path):
    from matbridge.onnx.write import to_onnx
    from matbridge.torch.program import export_program

    network = matbridge.load(path, registry=[Swish])
    expected = X / (1 + np.exp(-X * [1, 2, 3]))
    for _ in range(3):
        # Prediction replays what it recorded.
        assert_close(network.predict(X, dtype="float64"), expected)
    module = network.to_torch(dtype="float64")
    module(torch.tensor(X)).sum().backward()
    assert module.get_parameter("scale.Alpha").grad is not None
    program = export_program(network).module()
    assert_close(program(torch.tensor(X, dtype=torch.float32)).numpy(), expected, 1e-6)
    with pytest.raises(UnsupportedError, match="plain torch, which cannot be written to ONNX"):
        to_onnx(network)


def test_plain_torch_of_another_shape_is_refused(path):
    card = type("Mine", (Swish,), {"forward": lambda self, p, x: x.sum(), "__module__": "mine"})
    network = matbridge.load(path, registry={"myScale": card})
    with pytest.raises(matbridge.LayerError, match="returned 0 dimensions for the format CB"):
        network.predict(X)
