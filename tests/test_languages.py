"""Languages: a row of the table, and what follows from it."""

import json
from pathlib import Path

import numpy as np
import pytest

import matbridge
from matbridge import languages
from matbridge.cli import run
from matbridge.core.contents import Contents
from matbridge.errors import FormatError, MismatchError, MissingNameError, UnsupportedError
from matbridge.languages import LANGUAGES, Language
from matbridge.matlab.file import read_mat
from matbridge.safetensors.codec import network_from_json, network_to_json


def write_toy(network, path, how):
    """A text: the graph, then a line of numbers for each array."""
    graph, arrays = network_to_json(network)
    lines = [json.dumps(graph)]
    for name, array in arrays.items():
        numbers = " ".join(map(float.hex, array.reshape(-1).astype(float).tolist()))
        lines.append(json.dumps([name, str(array.dtype), array.shape, numbers]))
    path.write_text("\n".join(lines), encoding="utf-8")


def read_toy(path, how):
    graph, *lines = path.read_text(encoding="utf-8").splitlines()
    arrays = {}
    for name, dtype, shape, numbers in map(json.loads, lines):
        row = [float.fromhex(number) for number in numbers.split()]
        arrays[name] = np.array(row, dtype).reshape(shape)
    return Contents(path, {"net": network_from_json(json.loads(graph), arrays, how.registry)})


TOY = Language("toy", (".toy",), "a text", read=read_toy, write=write_toy)


@pytest.fixture
def toy(monkeypatch, in_folder):
    monkeypatch.setattr(languages, "LANGUAGES", (*LANGUAGES, TOY))


@pytest.fixture
def net(fixtures):
    return fixtures / "lstm_classifier.mat"


def test_a_new_language_is_a_file_and_a_row(toy, net, capsys):
    expected = read_mat(net, ["Y"])["Y"]
    done = matbridge.convert(net, "net.toy")
    assert (done.language, str(done.path)) == ("toy", "net.toy")
    assert done.check.ports == 6
    network = matbridge.load("net.toy")
    assert np.abs(network.predict(read_mat(net, ["X"])["X"]) - expected).max() < 1e-6
    network.save("again.toy")
    network.save("net.onnx")
    for command in (
        ["inspect", "net.toy"],
        ["convert", str(net), "--to", "toy"],
        ["convert", "net.toy", "--to", "safetensors"],
        ["predict", "net.toy", "--input", f"{net}:X"],
        ["verify", "net.toy", "--input", f"{net}:X", "--expected", f"{net}:Y"],
    ):
        assert run(command) == 0, capsys.readouterr().err
    assert "rounding: " in capsys.readouterr().out


def test_every_language_is_complete():
    suffixes = [suffix for language in LANGUAGES for suffix in language.suffixes]
    assert len(suffixes) == len(set(suffixes))
    for language in LANGUAGES:
        assert language.read or language.write
        assert language.about
        assert all(suffix.startswith(".") for suffix in language.suffixes)
        # What is written can be read or run again, so that it is compared.
        assert language.write is None or language.run or language.read


@pytest.mark.parametrize("to", [x.name for x in LANGUAGES if x.write])
def test_save_and_convert_as_functions(to, net, in_folder):
    network = matbridge.load(net)
    check = network.save(f"a.{to}")
    assert check.ports >= 4
    assert check.max_rel < 1e-5
    assert check.used <= 1
    # Any name, where the language is said.
    network.save("plain", to=to)
    with pytest.raises(MismatchError, match="already there"):
        network.save(f"a.{to}")
    assert network.save(f"a.{to}", force=True) == check
    done = matbridge.convert(net, "b", to=to)
    assert done.network.input_names == network.input_names
    assert sorted(p.name for p in in_folder.iterdir()) == sorted(["a." + to, "plain", "b"])


def test_names_and_languages(net, in_folder):
    network = matbridge.load(net)
    with pytest.raises(MismatchError, match="does not tell what to write"):
        network.save("net.txt")
    with pytest.raises(MismatchError, match="says pt2, not onnx"):
        network.save("net.pt2", to="onnx")
    with pytest.raises(MismatchError, match="no language 'keras'"):
        network.save("net", to="keras")
    with pytest.raises(UnsupportedError, match="does not write one"):
        network.save("net.m")
    (in_folder / "net.pt2").write_bytes(b"")
    with pytest.raises(UnsupportedError, match="does not read one"):
        matbridge.load("net.pt2")
    with pytest.raises(FormatError, match="text file"):
        (in_folder / "net.txt").write_text("hello")
        matbridge.load("net.txt")


def test_a_failure_leaves_nothing(net, in_folder, monkeypatch):
    def half(network, path, how):
        path.write_text("half")
        raise UnsupportedError("no")

    broken = Language("toy", (".toy",), "", write=half)
    monkeypatch.setattr(languages, "LANGUAGES", (*LANGUAGES, broken))
    with pytest.raises(UnsupportedError):
        matbridge.load(net).save("net.toy")
    assert list(in_folder.iterdir()) == []


def test_evidence_is_of_the_card_that_runs():
    """A card of the user's own is one, whatever its name and whatever it is derived from."""
    from matbridge.core.registry import CustomOutput, Unknown
    from matbridge.layers.activation import ReLU
    from matbridge.layers.catalogue import evidence_of

    class Mine(ReLU):
        """A layer of the user's own, of a name that is taken."""

        MATLAB = ("my.ReLULayer",)

    assert evidence_of(ReLU(name="a")) == ReLU.EVIDENCE
    assert evidence_of(Mine(name="a")) == "your own card"
    assert evidence_of(Unknown(name="a", class_name="x.ReLULayer")) == "no card: cannot be run"
    assert evidence_of(CustomOutput(name="a", class_name="x.Out")) == "no card: taken as it is"


def test_an_address_that_stops_short_and_is_misspelt_is_suggested(fixtures):
    network = matbridge.load(fixtures / "cnn.mat")
    contents = Contents(Path("agent.mat"), {"agent.Actor.Model": network, "agent.Critic": network})
    with pytest.raises(MissingNameError, match="Did you mean 'agent.Actor'?"):
        contents.choose("agent.Acter")
