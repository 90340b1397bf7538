"""What Python shows of matbridge: names, tables, errors with natural bases."""

import subprocess
import sys

import numpy as np
import pytest

import matbridge
from matbridge import MatbridgeError, MismatchError, Network
from matbridge.errors import MissingFileError, MissingNameError
from matbridge.version import DOCS, HOME, ISSUES


@pytest.fixture(scope="module")
def network(fixtures):
    return matbridge.load(fixtures / "lstm_classifier.mat")


def test_tab_completion_offers_what_is_public():
    assert sorted(dir(matbridge)) == sorted(matbridge.__all__)
    code = "import matbridge; print(sorted(dir(matbridge)))"
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert fresh.stdout.strip() == str(sorted(matbridge.__all__))


def test_layers_by_name_and_by_number(network):
    assert network["lstm"] is network[1]
    assert network[-1] is network.layers[-1]
    assert [layer.name for layer in network] == list(network._ipython_key_completions_())
    assert len(network) == len(network.layers)


@pytest.mark.parametrize("name", ["lsmt", 99, -99])
def test_a_layer_that_is_not_there(network, name):
    for kind in (KeyError, IndexError, LookupError, MismatchError, MatbridgeError):
        with pytest.raises(kind, match="there is no layer"):
            network[name]


def test_repr_is_one_short_line(network):
    assert repr(network) == (
        f"<SeriesNetwork net of lstm_classifier.mat: 6 layers, {network.parameter_count():,} "
        "learnables>"
    )
    assert repr(Network.of([])) == "<dlnetwork: 0 layers, 0 learnables>"


def test_print_and_summary_show_the_table(network):
    assert str(network) == network.summary()
    assert "InputWeights 40×4" in network.summary()
    assert "HasStateInputs" not in network.summary()
    assert "HasStateInputs false" in network.summary(everything=True)
    assert network._repr_html_().startswith("<p>net SeriesNetwork")


@pytest.mark.parametrize("name", ["net.mat", "net.safetensors"])
def test_a_missing_file_is_a_file_not_found_error(in_folder, name):
    for kind in (FileNotFoundError, OSError, matbridge.FormatError):
        with pytest.raises(kind) as caught:
            matbridge.load(name)
    assert isinstance(caught.value, MissingFileError)
    assert caught.value.filename == name
    assert str(caught.value) == f"{name}: cannot be opened: No such file or directory"


def test_missing_data_are_a_file_not_found_error(in_folder):
    from matbridge.predict.data import read_data

    for name in ("x.npy", "x.npz:a", "x.csv", "x.mat:X", "x.png"):
        with pytest.raises(FileNotFoundError, match="No such file"):
            read_data(name)


def test_a_module_tells_its_sizes(network):
    shown = repr(network.to_torch())
    assert "InputWeights 40×4" in shown
    assert "HiddenState" in shown


def test_errors_are_plain_text():
    error = MissingNameError("there is no 'x'", where="a", mend="Look.")
    assert str(error) == "a: there is no 'x'\n  Look."


def test_addresses_are_those_of_the_package():
    import tomllib
    from pathlib import Path

    root = Path(matbridge.__file__).parent.parent
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    assert urls == {"Homepage": HOME, "Documentation": f"{DOCS}/guide.md", "Issues": ISSUES}


def test_messages_name_pages_that_are_there():
    """Whoever installed with pip has no docs folder: a message names the address."""
    import re
    from pathlib import Path

    package = Path(matbridge.__file__).parent
    for path in package.rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"\".*\bdocs/[\w-]+\.md", line.replace('"""', "")), line
            for page in re.findall(r"\{DOCS\}/([\w-]+\.md)", line):
                assert (package.parent / "docs" / page).is_file(), page


def test_an_empty_network_is_still_shown():
    empty = Network.of([])
    assert "0 layers" in empty.summary()
    assert "<table>" in empty._repr_html_()


def test_a_network_with_hostile_names_is_shown_as_text():
    from helpers import layer

    hostile = Network.of([layer("featureInputLayer", 3, Name="<b>\x1b[2J\u202e")])
    for shown in (repr(hostile), str(hostile), hostile._repr_html_()):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert "<b>" not in hostile._repr_html_()
    assert np.size(hostile.layers) == 1
