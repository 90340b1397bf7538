"""Network objects of real users against what MATLAB computed with them, where they are at hand."""

import json
import re

import numpy as np
import pytest

import matbridge
from matbridge.core.registry import Registry
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file import MatFile
from matbridge.matlab.shallow_back import to_structure
from matbridge.matlab.shallow_cards import to_network

# The figures are given with all their digits; what a machine adds in another order may differ
# by the last bit.
BIT = 2**-52


@pytest.fixture(scope="module")
def cases(corpus):
    return json.loads((corpus / "shallow/cases.json").read_text())["cases"]


def value(folder, place):
    """The value at "file.mat:STATE.input.values{1}{1}", transposed where it ends in '."""
    file, _, address = place.partition(":")
    name = re.split(r"[.{']", address)[0]
    found = MatFile(folder / file)[name]
    for field, number in re.findall(r"\.(\w+)|\{(\d+)\}", address[len(name) :]):
        found = found[field] if field else found[int(number) - 1]
    found = found.toarray() if hasattr(found, "toarray") else found
    return found.T if address.endswith("'") else found


def static(case):
    delays = case.get("initial_delays") or {}
    recorded = all(".mat:" in str(case.get(key)) for key in ("network", "input", "expected"))
    return recorded and not any(delays.values()) and "fitcnet" not in case["id"]


def allowed(case, expected):
    return max(case["found_max_abs"], 0.0) + BIT * np.abs(expected).max()


def test_static_networks_reach_the_figure(cases, corpus):
    checked = [case for case in cases if static(case)]
    assert len(checked) >= 14
    for case in checked:
        folder = corpus / case["folder"]
        file, _, address = case["network"].partition(":")
        found = matbridge.load(folder / file, address).predict(value(folder, case["input"]))
        expected = value(folder, case["expected"])
        worst = np.abs(found - expected).max()
        assert worst <= allowed(case, expected), case["id"]


def of_generated_code(case):
    return "io.npz" in str(case.get("input")) and case.get("network")


def test_networks_agree_with_generated_code(cases, corpus):
    checked = [case for case in cases if of_generated_code(case)]
    assert len(checked) >= 5
    for case in checked:
        folder = corpus / case["folder"]
        file, _, address = case["network"].partition(":")
        io = np.load(folder / "io.npz")
        found = matbridge.load(folder / file, address).predict(io["X"])
        # The code has the settings of the processing with 15 digits only.
        np.testing.assert_allclose(found, io["Y"], rtol=1e-12, atol=1e-12 * abs(io["Y"]).max())


def states(network, given):
    """The states of a network, by the number of the input or layer the steps before the first."""
    arrays = {}
    for layer in network.layers:
        for declared in layer.declared:
            if declared.role == "state":
                named = declared.name if declared.name.startswith("Ai") else layer.name
                word, number = re.match(r"(Xi|Ai)\D+(\d+)", named).groups()
                steps = given[word].get(int(number))
                if steps is not None:
                    own = arrays.setdefault(layer.name, {})
                    own[declared.name] = np.stack(steps, axis=-1)
    return arrays


def cells(cell, rows):
    """The steps of each row of a cell, by its number."""
    return {i: [np.asarray(x, float) for x in cell[i - 1 :: rows]] for i in range(1, rows + 1)}


def test_networks_with_delays_reach_the_figure(cases, corpus):
    checked = 0
    for case in cases:
        delays = case.get("initial_delays") or {}
        names = {word: delays.get(word) for word in ("Xi", "Ai")}
        if not any(names.values()) or any(" " in str(name) for name in names.values()):
            continue
        folder = corpus / case["folder"]
        file, _, address = case["network"].partition(":")
        network, saved = matbridge.load(folder / file, address), MatFile(folder / file)
        structure = to_structure(network)
        rows = {"Xi": len(structure.inputs), "Ai": len(structure.layers)}
        given = {w: cells(saved[n], rows[w]) if n else {} for w, n in names.items()}
        expected = np.concatenate(list(value(folder, case["expected"])), axis=1)
        x = np.zeros((0, expected.shape[1]))
        if case["input"]:
            x = np.concatenate([np.asarray(v) for v in value(folder, case["input"])], axis=1)
        found = network.with_states(states(network, given)).predict(x)
        assert np.abs(found - expected).max() <= allowed(case, expected), case["id"]
        checked += 1
    assert checked >= 7


def networks(corpus):
    """Every network object in the corpus, and where it is."""
    folders = [corpus / "files", *sorted((corpus / "shallow").iterdir())]
    for folder in folders:
        for path in sorted(folder.glob("*.mat")):
            for address, network in read_contents(path).networks.items():
                if network.class_name == "network":
                    yield f"{path.name}:{address}", network


def some_data(network, steps=5):
    draw = np.random.default_rng(0)
    return {
        name: draw.normal(size=(layer.size, steps)) for name, layer in network.input_layers.items()
    }


def test_every_network_is_read_and_runs(corpus):
    count = 0
    for place, network in networks(corpus):
        assert not network.report, (place, network.report)
        assert network.runnable, place
        results = network.predict(some_data(network))
        for y in results if isinstance(results, tuple) else (results,):
            assert y.shape[1] == 5
            assert np.isfinite(y).all(), place
        count += 1
    assert count >= 165


def test_every_network_is_told_again_from_its_cards(corpus):
    for place, network in networks(corpus):
        again = to_network(to_structure(network), Registry.builtin())
        x = some_data(network)
        assert np.array_equal(again.predict(x), network.predict(x)), place


def test_every_network_the_manifest_names_is_there(corpus):
    for entry in json.loads((corpus / "shallow/manifest.json").read_text()):
        contents = read_contents(corpus / entry["file"])
        assert not contents.failures
        for address, _ in entry["networks"]:
            assert (
                address in contents.networks
                or ".workspace." in address
                or any(other.startswith(address) for other in contents.networks)
            ), (entry["file"], address)
