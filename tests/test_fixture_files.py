"""Fixtures as files: their form, what is read of them, and every way in which one may be wrong."""

import numpy as np
import pytest
import scipy.io
from helpers import layer

import matbridge
from matbridge import FormatError, MismatchError, Network
from matbridge.core.network import Provenance
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat
from matbridge.verify.case import Case
from matbridge.verify.expression import transform_of
from matbridge.verify.fixtures.read import identity_of, is_fixture, read_fixture
from matbridge.verify.fixtures.record import drawn, recorded
from matbridge.verify.fixtures.write import write_fixture
from matbridge.verify.judge import verify_case

RNG = np.random.default_rng(0)
FORM = "matbridge fixture"


@pytest.fixture
def network(fixtures):
    return matbridge.load(fixtures / "lstm_classifier.mat")


def cell(*items):
    return Cell(items, (1, len(items)))


def minimal(**fields):
    """The struct with all that must be there."""
    names = {"inputNames": cell("in"), "outputNames": cell("out")}
    return {"form": FORM, "version": 1.0, **names, **fields}


def written(path, *, without=(), **variables):
    """A fixture by hand, of one 2×3 input and output unless others are given."""
    whole = {"fixture": minimal(), "input1": np.ones((2, 3)), "output1": np.ones((2, 3))}
    whole = {name: value for name, value in {**whole, **variables}.items() if name not in without}
    write_mat(path, whole)
    return path


# -- there and back --------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v7", "v7.3"])
@pytest.mark.parametrize("name", ["cnn", "cnn_bilstm", "dag", "sequence_to_sequence", "resnet"])
def test_a_case_is_the_same_after_it_was_written(name, version, fixtures, tmp_path):
    network = matbridge.load(fixtures / f"{name}.mat")
    case = recorded(network, drawn(network, 3), "all")
    case = case.replace(transform=transform_of("y*s + m(2)", {"s": 2.0, "m": [1.0, 3.0]}))
    case = case.replace(expected=case.run(), options={"mini_batch_size": 2})
    path = tmp_path / "ref.mat"
    write_fixture(path, case)
    if version == "v7.3":
        write_mat(path, read_mat(path), version)
    fixture = read_fixture(path)
    assert fixture.of.class_name == network.class_name
    assert fixture.of.file == f"{name}.mat"
    assert fixture.of.layers == tuple(one.name for one in network.layers)
    again = fixture.case(network)
    assert again.options == case.options
    assert set(again.activations) == set(case.activations)
    for first, second in zip(again.inputs, case.inputs, strict=True):
        assert_equal(first, second)
    for layer_name, value in case.activations.items():
        assert_equal(again.activations[layer_name], value)
    for layer_name, states in case.final_states.items():
        for state, value in states.items():
            assert_equal(again.final_states[layer_name][state], value)
    assert verify_case(again).verdict in ("identical", "rounding")


def assert_equal(first, second):
    if isinstance(second, list):
        assert len(first) == len(second)
        for a, b in zip(first, second, strict=True):
            assert_equal(a, b)
    else:
        assert np.asarray(first).dtype == np.asarray(second).dtype
        assert np.array_equal(first, second)


def test_another_program_reads_and_writes_it(network, tmp_path):
    """SciPy, as docs/fixtures.md shows; names of one are a text there."""
    x = RNG.standard_normal((4, 7)).astype(np.float32)
    names = np.array([["sequenceinput"]], dtype=object), np.array([["classoutput"]], dtype=object)
    fixture = {"form": FORM, "version": 1.0, "inputNames": names[0], "outputNames": names[1]}
    path = tmp_path / "ref.mat"
    scores = network.predict(x)
    variables = {"fixture": fixture, "input1": x, "output1": scores}
    scipy.io.savemat(path, variables, do_compression=True)
    assert verify_case(read_fixture(path).case(network)).verdict == "identical"
    write_fixture(path, read_fixture(path).case(network), force=True)
    held = scipy.io.loadmat(path, simplify_cells=True)
    assert held["fixture"]["form"] == FORM
    assert held["fixture"]["networkFile"] == "lstm_classifier.mat"
    assert np.array_equal(held["input1"], x)


def test_activations_are_read_one_at_a_time(fixtures, tmp_path):
    """Each when it is asked for, and none of them counts for the bound on what is held."""
    network = matbridge.load(fixtures / "resnet.mat")
    path = tmp_path / "ref.mat"
    fixture = matbridge.record(network, to=path, layers="all")
    sizes = [value.nbytes for value in fixture.activations.values()]
    limit = sum(sizes) // 2
    assert limit > 2 * max(sizes)
    bounded = read_fixture(path, limit)
    assert sum(value.nbytes for value in bounded.activations.values()) == sum(sizes)
    first = next(iter(bounded.activations))
    assert bounded.activations[first] is not bounded.activations[first]


def test_dimensions_of_size_one_come_back(tmp_path):
    """MATLAB drops the last ones; formats tell how many there were."""
    formats = {"inputFormats": cell("CBT"), "outputFormats": cell("CBT")}
    activations = {"activationNames": cell("a"), "activationFormats": cell("TCB")}
    fixture = read_fixture(
        written(tmp_path / "ref.mat", fixture=minimal(**formats, **activations),
                input1=np.ones((2, 3)), output1=np.ones((4, 1)), activation1=np.ones((7, 2)))
    )  # fmt: skip
    assert fixture.inputs[0].shape == (2, 3, 1)
    assert fixture.outputs[0].shape == (4, 1, 1)
    assert fixture.activations["a"].shape == (2, 1, 7)  # in MATLAB's order
    assert fixture.options["format"] == "CBT"


def test_a_network_by_names_or_by_order(tmp_path):
    entries = [layer("featureInputLayer", n, Name=f"in{n}") for n in (2, 3)]
    join = layer("concatenationLayer", 1, 2, Name="join")
    pairs = [("in2", "join/in1"), ("in3", "join/in2")]
    network = Network.of([*entries, join], pairs)
    two, three = np.ones((5, 2)), np.ones((5, 3))
    swapped = minimal(inputNames=cell("in3", "in2"), outputNames=cell("join"))
    variables = {"input1": three, "input2": two, "output1": np.ones((5, 5))}
    fixture = read_fixture(written(tmp_path / "a.mat", fixture=swapped, **variables))
    assert [x.shape for x in fixture.case(network).inputs] == [(5, 2), (5, 3)]
    others = minimal(inputNames=cell("a", "b"), outputNames=cell("y"))
    variables = {"input1": two, "input2": three, "output1": np.ones((5, 5))}
    fixture = read_fixture(written(tmp_path / "b.mat", fixture=others, **variables))
    assert verify_case(fixture.case(network)).verdict == "identical"


def test_labels_are_text(network, tmp_path):
    x = [RNG.standard_normal((4, n)).astype(np.float32) for n in (3, 5)]
    labels = network.classify(x)
    path = tmp_path / "ref.mat"
    write_fixture(path, Case(network, (x,), (labels,), classes=network.classes))
    assert read_mat(path, ["output1"])["output1"] == Cell(labels, (2, 1))
    case = read_fixture(path).case(network)
    assert case.labels
    assert verify_case(case).verdict == "identical"


def test_what_is_larger_than_version_7_holds(network, tmp_path, monkeypatch):
    from matbridge.matlab.file.header import read_file_header

    case = recorded(network, drawn(network))
    write_fixture(tmp_path / "small.mat", case)
    assert read_file_header(tmp_path / "small.mat").version != "v7.3"
    monkeypatch.setattr("matbridge.verify.fixtures.write.MOST_BYTES", 100)
    write_fixture(tmp_path / "large.mat", case)
    assert read_file_header(tmp_path / "large.mat").version == "v7.3"
    assert verify_case(read_fixture(tmp_path / "large.mat").case(network)).verdict == "identical"


def test_states_before_and_after(network, tmp_path):
    """A run that began otherwise is seen in its states, where its last step has forgotten it."""
    # A forget gate that lets go: the output hardly depends on the beginning.
    forgetful = network["lstm"]
    bias = forgetful.arrays["Bias"].copy()
    bias[10:20] = -4
    forgetful = forgetful.replace(arrays={**forgetful.arrays, "Bias": bias})
    start = {"lstm": {"HiddenState": np.full((10, 1), 0.3, np.float32)}}
    network = network.with_layers(forgetful)
    begun = network.with_states(start)
    x = RNG.standard_normal((4, 3)).astype(np.float32)
    path = tmp_path / "ref.mat"
    fixture = matbridge.record(begun, x, to=path)
    assert np.array_equal(
        fixture.initial_states["lstm"]["HiddenState"], start["lstm"]["HiddenState"]
    )
    whole = verify_case(fixture.case(network))
    assert {one.name for one in whole.layers} == {"lstm/HiddenState", "lstm/CellState"}
    assert whole.verdict in ("identical", "rounding")
    stale = verify_case(fixture.case(network).replace(network=network))
    assert {one.verdict for one in stale.layers} == {"different"}


# -- what is wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fixture": {"form": "other"}}, "this is no fixture"),
        ({"fixture": np.ones((1, 1))}, "this is no fixture"),
        ({"without": ["fixture"]}, "this is no fixture"),
        ({"fixture": minimal(version=2.0)}, "has version 2 of the form, known is 1"),
        ({"fixture": minimal(version=0.5)}, "does not tell its version"),
        ({"fixture": minimal(version="one")}, "does not tell its version"),
        ({"fixture": minimal(version=np.nan)}, "does not tell its version"),
        ({"fixture": {"form": FORM, "version": 1.0}}, "fixture.inputNames: the fixture is not"),
        ({"fixture": minimal(inputNames=np.ones((2, 2)))}, "inputNames: this is not a cell of"),
        ({"fixture": minimal(inputFormats=cell("SSCB", "CB"))}, "1 names and 2 formats"),
        ({"fixture": minimal(inputFormats=cell("QX"))}, "'QX' is not a dlarray format"),
        ({"fixture": minimal(inputFormats=cell("C"))}, "2 dimensions do not fit the format C"),
        ({"fixture": minimal(options=1.0)}, "fixture.options: this is not a struct"),
        ({"fixture": minimal(options={"MiniBatchSize": np.ones(3)})}, "not a number or a text"),
        ({"fixture": minimal(start="later")}, "start is 'later'\n  It is saved, zero."),
        ({"fixture": minimal(forecast=-1.0)}, "fixture.forecast: this is not a number"),
        ({"fixture": minimal(networkName=cell("a"))}, "networkName: this is not a text"),
        ({"fixture": minimal(transform="y*sig")}, "nothing is known by the name 'sig'"),
        ({"fixture": minimal(transform="system('x')+y")}, "by the name 'system'"),
        ({"without": ["input1"]}, "input1: the fixture is not complete"),
        ({"without": ["output1"]}, "output1: the fixture is not complete"),
        ({"input1": "text"}, "input1: this is no array of numbers"),
        ({"output1": {"a": 1.0}}, "output1: this is no array of numbers"),
        ({"initialStates": np.ones((2, 2))}, "initialStates: this is no cell of layers"),
        ({"finalStates": cell(1.0, "HiddenState", np.ones((2, 1)))}, "is no text"),
        ({"finalStates": cell("a", "HiddenState", "b")}, "the state of a is not of numbers"),
        ({"inputDelays": np.ones((2, 2))}, "inputDelays: this is no cell of arrays"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(change, said, tmp_path):
    path = written(tmp_path / "ref.mat", **change)
    with pytest.raises((FormatError, MismatchError)) as caught:
        read_fixture(path)
    assert said in str(caught.value)
    assert "ref.mat" in str(caught.value)


def test_only_some_inputs_have_a_format(tmp_path):
    names = {"inputNames": cell("a", "b"), "inputFormats": cell("CB", "")}
    path = written(tmp_path / "ref.mat", fixture=minimal(**names), input2=np.ones((2, 3)))
    with pytest.raises(FormatError, match="only some inputs have a format"):
        read_fixture(path)


def test_a_layer_that_is_not_there_when_it_is_asked_for(tmp_path):
    names = {"activationNames": cell("a", "b"), "activationFormats": cell("", "")}
    path = written(tmp_path / "ref.mat", fixture=minimal(**names), activation1=np.ones((2, 3)))
    fixture = read_fixture(path)
    assert fixture.activations["a"].shape == (2, 3)
    with pytest.raises(FormatError, match="activation2: the fixture is not complete"):
        fixture.activations["b"]


@pytest.mark.parametrize("version", ["v7", "v7.3"])
def test_a_truncated_file(version, network, tmp_path):
    path = tmp_path / "ref.mat"
    matbridge.record(network, to=path, layers="all")
    write_mat(path, read_mat(path), version)
    whole = path.read_bytes()
    for share in (0.02, 0.3, 0.6, 0.9, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(FormatError, match="ref.mat"):
            dict(read_fixture(path).activations)


def test_what_is_no_fixture_is_none(fixtures, tmp_path):
    (tmp_path / "x.mat").write_bytes(b"nothing")
    assert not is_fixture(tmp_path / "x.mat")
    assert not is_fixture(tmp_path / "missing.mat")
    assert not is_fixture(tmp_path)
    assert not is_fixture(fixtures / "cnn.mat")
    named = minimal(networkFile="net.mat", networkName="agent.Actor", networkClass="dlnetwork")
    path = written(tmp_path / "ref.mat", fixture=named)
    assert str(identity_of(path)) == "a dlnetwork net.mat:agent.Actor"


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("cnn", "the network does not fit: imageinput: "),
        ("cnn_bilstm", "the fixture has 1 inputs, the network 2"),
        ("gru_regressor", "the network does not fit: "),
    ],
)
def test_another_network(of, said, network, fixtures, tmp_path):
    fixture = matbridge.record(network, to=tmp_path / "ref.mat")
    with pytest.raises(MismatchError) as caught:
        fixture.case(matbridge.load(fixtures / f"{of}.mat"))
    assert said in str(caught.value)
    assert "recorded of a SeriesNetwork lstm_classifier.mat:net" in str(caught.value)


def test_states_of_another_network(network, tmp_path):
    started = network.with_states({"lstm": {"HiddenState": np.ones((10, 1), np.float32)}})
    fixture = matbridge.record(started, to=tmp_path / "ref.mat")
    other = Network.of([one.replace(name=f"my_{one.name}") for one in network.layers])
    with pytest.raises(MismatchError, match="the network has no layer 'lstm'"):
        fixture.case(other)
    small = [layer("sequenceInputLayer", 4), layer("lstmLayer", 3, Name="lstm")]
    with pytest.raises(MismatchError, match="HiddenState"):
        fixture.case(Network.of(small))


def test_nan_is_what_it_is(network, tmp_path):
    """NaN that is expected is met by NaN alone."""
    x = RNG.standard_normal((4, 3)).astype(np.float32)
    fixture = matbridge.record(network, x, to=tmp_path / "ref.mat")
    case = fixture.case(network)
    expected = case.expected[0].copy()
    expected[0, 0] = np.nan
    assert verify_case(case.replace(expected=(expected,))).verdict == "different"


def test_text_of_a_file_is_shown_as_text(network, tmp_path, call):
    """Escapes that would steer a terminal, and names that lead elsewhere."""
    hostile = "\x1b[2Jnet\u202e.mat"
    fields = minimal(networkFile=f"../../{hostile}", networkName=hostile, transform="y")
    path = written(tmp_path / "ref.mat", fixture=fields)
    code, out, err = call("verify", path)
    assert code == 2
    assert "\x1b" not in out + err
    assert r"\x1b[2Jnet\u202e.mat, which is not beside it" in err
    assert ".." not in err
    of = Network.of([layer("featureInputLayer", 9)], provenance=Provenance("x.mat", hostile))
    with pytest.raises(MismatchError) as caught:
        read_fixture(path).case(of)
    assert "\x1b" not in str(caught.value)


def test_what_no_fixture_holds(network, tmp_path):
    case = recorded(network, drawn(network))
    with pytest.raises(MismatchError, match="a fixture holds numbers and class names"):
        write_fixture(
            tmp_path / "ref.mat", case.replace(activations={"a": np.array([1], "datetime64[s]")})
        )
    assert not (tmp_path / "ref.mat").exists()
