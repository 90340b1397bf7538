"""What verify says: the worst first, once, and in an order that helps."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from matbridge.cli import run
from matbridge.cli.verify import command
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.matlab import featureInputLayer, fullyConnectedLayer
from matbridge.report.entry import Entry
from matbridge.report.levels import level_of_verdict
from matbridge.verify import Case, Limits, verify_case
from matbridge.verify.proof import search

FIXTURES = Path(__file__).parents[1] / "fixtures"


def two_outputs():
    """Two fully connected layers of one input, each an output."""
    rng = np.random.default_rng(0)
    layers = [featureInputLayer(3, Name="in")]
    layers += [
        fullyConnectedLayer(4, Weights=rng.normal(size=(4, 3)), Bias=np.ones((4, 1)), Name=name)
        for name in ("first", "second")
    ]
    return Network.of(layers, [("in", "first"), ("in", "second")])


def linear(rng, name="fc"):
    weights = rng.normal(size=(4, 3)).astype(np.float32)
    return Network.of(
        [
            featureInputLayer(3, Name="in"),
            fullyConnectedLayer(4, Weights=weights, Bias=np.ones((4, 1), np.float32), Name=name),
        ]
    )


def test_the_line_tells_the_worst_output_not_the_first():
    network, x = two_outputs(), np.random.default_rng(1).normal(size=(20, 3))
    first, second = network.predict(x)
    verification = verify_case(Case(network, (x,), (first * 1.01, second * 3)), layers=False)
    assert verification.sentence.startswith("different: second: ")
    swapped = verify_case(Case(network, (x,), (first * 3, second * 1.01)), layers=False)
    assert swapped.sentence.startswith("different: first: ")


def test_a_verification_is_printed_as_its_sentence():
    network, x = two_outputs(), np.ones((5, 3))
    verification = verify_case(Case(network, (x,), tuple(network.predict(x))))
    assert str(verification) == verification.sentence


@pytest.mark.parametrize("name", ["tolerance", "atol", "rtol"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), "0.1"])
def test_limits_are_numbers_from_0_on(name, value):
    with pytest.raises(MismatchError, match=f"{name} must be a finite number from 0 on, not"):
        Limits(**{name: value})


def test_the_difference_stands_beside_what_rounding_explains():
    """Both are shares of the largest value, so that one look tells which is larger."""
    rng = np.random.default_rng(2)
    network, x = linear(rng), rng.normal(size=(50, 3)).astype(np.float32)
    y = network.predict(x)
    for expected, verdict in ((y, True), (y * 1.1, False)):
        verification = verify_case(Case(network, (x,), (expected,)))
        output = verification.outputs[0]
        if verification.verdict != "identical":
            explained = f"explains up to {8 * output.budget:.2g}"
            assert explained in verification.sentence
        assert verification.code == (0 if verdict else 1)


def saved(path, rng, **variables):
    import scipy.io

    scipy.io.savemat(path, variables)


def test_a_known_cause_is_told_before_the_figures(tmp_path, capsys):
    """And what to record for more is not: there is nothing more to know."""
    rng = np.random.default_rng(3)
    network, x = linear(rng), rng.normal(size=(200, 3)).astype(np.float32)
    network.save(tmp_path / "net.mat")
    saved(tmp_path / "data.mat", rng, X=x, Y=network.predict(x).astype(float) * 3 + 2)
    data = tmp_path / "data.mat"
    arguments = ["verify", str(tmp_path / "net.mat"), "--input", f"{data}:X"]
    assert run([*arguments, "--expected", f"{data}:Y"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    verdict, _, figures = said.partition("Output Values")
    assert "It matches to rounding when the expected values are 3*y + 2 of" in verdict
    assert figures
    assert "matbridgeRecord" not in said


def test_the_number_of_pairs_is_told_once():
    rng = np.random.default_rng(4)
    network, x, z = linear(rng), rng.normal(size=(30, 3)), rng.normal(size=(40, 3))
    found = search(
        {"X": x, "Y": network.predict(x), "Z": z, "U": network.predict(z)}, {"net": network}
    )
    from matbridge.verify.proof.sentence import as_verification

    verification = as_verification(found.networks[0])
    assert "pairs do" in verification.sentence
    assert any(note.startswith(("Y = ", "U = ")) for note in verification.notes)
    assert not any("pairs do" in note for note in verification.notes)


def test_a_search_without_time_says_so():
    rng = np.random.default_rng(5)
    network, x = linear(rng), rng.normal(size=(30, 3))
    found = search({"X": x, "Y": network.predict(x)}, {"net": network}, time_limit=0)
    from matbridge.verify.proof.sentence import as_verification

    assert not found.finished
    assert as_verification(found.networks[0]).sentence.endswith("in the time there was")


def test_sides_that_exclude_each_other_are_named(capsys):
    arguments = ["verify", str(FIXTURES / "cnn.mat"), "--input", ":X", "--expected", ":Y"]
    assert run([*arguments, "--fixture", "ref.mat"]) == 2
    assert "--expected and --fixture do not go together" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_is_told_before_anything_is_shown(tmp_path, capsys):
    for name in ("p.png", "missing/p.svg"):
        told = ["inspect", str(FIXTURES / "cnn.mat"), "--picture", str(tmp_path / name)]
        assert run(told) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "error: " in shown.err


@pytest.mark.parametrize(("code", "verdict"), [(2, "error"), (3, "error"), (4, "error")])
def test_what_cannot_be_read_is_an_error_in_reports_too(code, verdict):
    entry = Entry("a.mat", None, "cannot be opened", code)
    assert entry.verdict == verdict
    assert level_of_verdict(verdict).name == "far"
    assert dataclasses.replace(entry, code=5).verdict == "not verified"


def test_help_has_each_option_once_under_a_heading(capsys):
    for name in ("verify", "record"):
        assert run([name, "--help"]) == 0
        out = capsys.readouterr().out
        assert out.index("What is compared") < out.index("How the network runs")
        other = out.partition("\nOther:\n")[2].split()
        assert [word for word in other if word.startswith("--")] == ["--help"]
    options = {option.opts[-1] for option in command.params if option.opts[-1].startswith("--")}
    assert run(["verify", "--help"]) == 0
    shown = [line.split()[0].rstrip(",") for line in capsys.readouterr().out.splitlines() if line]
    assert {name: shown.count(name) for name in options} == dict.fromkeys(options, 1)


def test_a_name_begins_no_line_of_its_own(tmp_path, capsys):
    """A line break in a name could otherwise show a verdict that nobody found."""
    rng = np.random.default_rng(6)
    network, x = linear(rng, "fc\nidentical: equal"), rng.normal(size=(20, 3)).astype(np.float32)
    network.save(tmp_path / "net.mat")
    np.save(tmp_path / "x.npy", x)
    told = [
        "verify",
        str(tmp_path / "net.mat"),
        "--input",
        str(tmp_path / "x.npy"),
        "--no-diagnosis",
    ]
    for factor in (1, 1.1):
        np.save(tmp_path / "y.npy", network.predict(x) * factor)
        run([*told, "--expected", str(tmp_path / "y.npy")])
        run([*told, "--expected", str(tmp_path / "y.npy"), str(tmp_path / "net.mat"), "--all"])
        assert "\nidentical: equal" not in capsys.readouterr().out
    reference = str(tmp_path / "ref.mat")
    run(["record", told[1], "--input", told[3], "--layers", "all", "-o", reference])
    other = linear(np.random.default_rng(7), "fc\nidentical: equal")
    other.save(tmp_path / "other.mat")
    assert (
        run(["verify", str(tmp_path / "other.mat"), "--fixture", reference, "--no-diagnosis"]) == 1
    )
    shown = capsys.readouterr().out
    assert r"the difference begins in fc\nidentical: equal" in shown
    assert "\nidentical: equal" not in shown
