"""Text of a file is data wherever it goes: no name, class or description of a network is ever
part of a source that runs, and no name is too odd to be run, written and read back."""

import dataclasses
import itertools
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from helpers import layer
from hypothesis import given
from hypothesis import strategies as st
from torch import fx, nn

import matbridge
from matbridge import Network
from matbridge.core.names import identifiers, plain_names
from matbridge.core.network import Connection, Port
from matbridge.core.registry import Unknown
from matbridge.onnx.write import to_onnx
from matbridge.safetensors.write import save_safetensors
from matbridge.torch.prediction import PreparedModule
from matbridge.torch.program import ABOUT, write_program
from matbridge.torch.trace import TracedModule

# What would run if it reached a source, without dots, in each kind of quotes.
SHELL = 'getattr(getattr(__import__("builtins"), "canary"), "append")(1)'
HOSTILE = [
    f'fc" if {SHELL} else "fc',
    f"fc' if {SHELL.replace(chr(34), chr(39))} else 'fc",
    f'"); {SHELL}; ("',
    f"\n{SHELL}\n#",
    f'"""\n{SHELL}\n"""',
    f"{{{SHELL}}}",
    f"\\\n{SHELL}",
    f"[[{SHELL}]]",
]
PLAIN_FAILURES = [
    "in", "lambda", "None", "class", "1", "", " ", "a b", "a.b", "a_b", "quote'", 'quote"',
    "two\nlines", "tab\t", "\0", "ｆｃ", "ﬁ", "größe", "ª", "\u202e", "x" * 500, "/", "a/b",
    "[/]", "%s", "{}", "$", "\\",
]  # fmt: skip


class Probe(nn.Module):
    def __init__(self):
        super().__init__()
        self.probe = nn.Linear(2, 2)

    def forward(self, *inputs):
        return self.probe(inputs[0])


@pytest.fixture
def attributes():
    """Every name that torch, or we, use where layers stand."""
    program = torch.export.export(Probe(), (torch.zeros(2, 2),))
    owners = [
        program.module(),
        torch.export.unflatten(program),
        fx.GraphModule(nn.Module(), fx.Graph()),
        chain(["only"]).to_torch(),
        PreparedModule(chain(["only"])),
        TracedModule(chain(["only"]), torch.float32),
    ]
    return sorted({name for owner in owners for name in dir(owner)} - {"start"})


def dense(name):
    return layer("fullyConnectedLayer", 2, Weights=np.eye(2), Bias=[0, 0], Name=name)


def chain(names):
    """Features through fully connected identities of these names."""
    layers = [layer("featureInputLayer", 2, Name="start")]
    layers += [dense("spare").replace(name=name) for name in names]
    pairs = itertools.pairwise(layers)
    ends = [(Port(a.name, "out"), Port(b.name, "in")) for a, b in pairs]
    return Network(tuple(layers), tuple(Connection(a, b) for a, b in ends), "DAGNetwork")


def run_everything(network, inputs, folder):
    """The results as the module, the program, ONNX, safetensors and predict give them."""
    tensors = [torch.from_numpy(x) for x in inputs]
    write_program(network, folder / "net.pt2")
    (folder / "net.onnx").write_bytes(to_onnx(network).SerializeToString())
    save_safetensors(network, folder / "net.safetensors")
    program = torch.export.load(folder / "net.pt2")
    session = onnxruntime.InferenceSession((folder / "net.onnx").read_bytes())
    back = matbridge.load(folder / "net.safetensors")
    assert [x.name for x in back.layers] == [x.name for x in network.layers]
    fed = dict(zip((entry.name for entry in session.get_inputs()), inputs, strict=True))
    return [
        network.to_torch()(*tensors),
        program.module()(*tensors),
        session.run(None, fed)[0],
        back.to_torch()(*tensors),
        network.predict(*inputs),
    ]


def assert_all_are(found, expected):
    for one in found:
        one = one.detach().numpy() if isinstance(one, torch.Tensor) else one
        assert np.array_equal(one, expected)


@pytest.fixture
def canary(monkeypatch):
    """A list that stays empty as long as no text was run."""
    import builtins

    monkeypatch.setattr(builtins, "canary", [], raising=False)
    yield builtins.canary
    assert builtins.canary == []


def test_the_canary_sings(canary):
    """The texts do run where source is made of them."""
    owner, graph = nn.Module(), fx.Graph()
    owner.register_buffer(HOSTILE[0], torch.zeros(1))
    graph.output(graph.create_node("get_attr", HOSTILE[0]))
    with pytest.raises(AttributeError):
        fx.GraphModule(owner, graph)()
    assert canary == [1]
    canary.clear()


@pytest.mark.parametrize("names", [HOSTILE, PLAIN_FAILURES], ids=["hostile", "odd"])
def test_layers_of_any_name_run_everywhere(names, canary, tmp_path):
    x = np.array([[1.0, -2.0], [3.0, 4.0]], np.float32)
    assert_all_are(run_everything(chain(names), [x], tmp_path), x)


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
def test_layers_may_be_named_like_attributes(attributes, canary, tmp_path):
    x = np.array([[1.0, -2.0], [3.0, 4.0]], np.float32)
    assert_all_are(run_everything(chain(attributes), [x], tmp_path), x)


@pytest.mark.parametrize("text", HOSTILE + PLAIN_FAILURES)
def test_every_string_of_a_network_is_data(text, canary, tmp_path):
    """Names of inputs and outputs, classes, descriptions, what belongs to no card."""
    inputs = [layer("featureInputLayer", 2).replace(name=text + end) for end in ("", "1")]
    more = {"description": text, "extra": {text: text}, "training": {text: text}}
    known = {field.name for field in dataclasses.fields(inputs[0])}
    inputs = [x.replace(**{k: v for k, v in more.items() if k in known}) for x in inputs]
    add = layer("additionLayer", 2).replace(name=text + "2")
    end = layer("classificationLayer").replace(name=text + "3", classes=(text, text + "b"))
    ends = [
        (Port(text, "out"), Port(add.name, "in1")),
        (Port(text + "1", "out"), Port(add.name, "in2")),
    ]
    ends.append((Port(add.name, "out"), Port(end.name, "in")))
    network = Network((*inputs, add, end), tuple(Connection(a, b) for a, b in ends), "DAGNetwork")
    x = np.array([[1.0, -2.0], [3.0, 4.0]], np.float32)
    assert_all_are(run_everything(network, [x, x], tmp_path), 2 * x)
    assert network.classify(x, x).tolist() == [text, text + "b"]
    about = {ABOUT: ""}
    torch.export.load(tmp_path / "net.pt2", extra_files=about)
    assert json.loads(about[ABOUT])["classes"] == [text, text + "b"]
    model = onnx.load(tmp_path / "net.onnx")
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert told["classes"] == [text, text + "b"]
    names = [told.get("names", {}).get(entry.name, entry.name) for entry in model.graph.input]
    assert names == [text, text + "1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_layers_that_nobody_knows_say_so(text, canary):
    """Their class and port names stay text in messages."""
    odd = Unknown(name=text, class_name=text, ports=(text,), out_ports=(text,))
    start = layer("featureInputLayer", 2, Name="start")
    ends = (Connection(Port("start", "out"), Port(text, text)),)
    network = Network((start, odd), ends)
    for run in (network.to_torch, lambda: to_onnx(network), lambda: network.predict(np.eye(2))):
        with pytest.raises(matbridge.UnsupportedError):
            run()


def test_what_is_written_holds_no_name_of_another_kind(tmp_path):
    """Symbols of sizes, names of nodes and values: nothing but plain letters."""
    text = HOSTILE[0]
    model = to_onnx(chain([text]))
    graph = model.graph
    names = [n.name for n in (*graph.node, *graph.input, *graph.output, *graph.initializer)]
    names += [name for node in graph.node for name in (*node.input, *node.output)]
    shapes = [entry.type.tensor_type.shape.dim for entry in (*graph.input, *graph.output)]
    assert all(name == "" or plain_names([name]) == {name: name} for name in names)
    assert [[d.dim_param or d.dim_value for d in dims] for dims in shapes] == [["batch", 2]] * 2


@given(st.lists(st.text(max_size=4), max_size=20), st.sets(st.text("ab_i", max_size=3)))
def test_names_of_ours_are_unique_identifiers(names, reserved):
    for found in (identifiers(names, reserved), plain_names(names)):
        assert list(found) == list(dict.fromkeys(names))
        assert len(set(found.values())) == len(found)
        assert all(name.isascii() and name.isprintable() for name in found.values())
    ours = identifiers(names, reserved)
    assert all(name.isidentifier() and name not in reserved for name in ours.values())
    kept = [
        n for n in names if n.isidentifier() and n.isascii() and n[0] != "_" and n not in reserved
    ]
    assert all(ours[name] in (name, name + "_") for name in kept)


def test_ordinary_names_stay_and_many_alike_cost_little():
    names = ["lstm", "a_b", "a.b", "conv_1", *("é" * i for i in range(1, 6001))]
    found = identifiers(names)
    assert [found[n] for n in names[:4]] == ["lstm", "a_b", "a_b_2", "conv_1"]
    assert len(set(found.values())) == len(names)
