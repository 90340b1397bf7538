"""matbridge matlab-kit: what its functions record, export and import, tried in GNU Octave."""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from shallow_nets import network as shallow
from test_custom import MyScale

import matbridge
from matbridge import Network
from matbridge.core.registry import Unknown
from matbridge.matlab import (
    additionLayer,
    convolution2dLayer,
    featureInputLayer,
    fullyConnectedLayer,
    geluLayer,
    imageInputLayer,
    lstmLayer,
    regressionLayer,
    reluLayer,
    sequenceInputLayer,
)
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat
from matbridge.matlab.kit import functions
from matbridge.matlab.plain import plain_network
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    ShallowStructure,
    WeightPart,
)
from matbridge.verify.fixtures.read import read_fixture
from matbridge.verify.judge import verify_case
from matbridge.verify.layers.judging import judge_layers

PASSES = ("identical", "rounding")

draw = np.random.default_rng(4)
CODES = functions()


def random(*shape):
    return draw.standard_normal(shape)


def dense(size, inputs, name):
    arrays = {"Weights": random(size, inputs), "Bias": random(size, 1)}
    return fullyConnectedLayer(size, Name=name, **arrays)


def images():
    """Images to two numbers, as a SeriesNetwork."""
    convolution = convolution2dLayer(
        [3, 2], 4, Name="conv", Weights=random(3, 2, 2, 4), Bias=random(1, 1, 4)
    )
    layers = [
        imageInputLayer([5, 6, 2], Normalization="none", Name="in"),
        convolution,
        reluLayer(Name="relu"),
        dense(2, 60, "fc"),
        regressionLayer(Name="out"),
    ]
    return Network.of(layers, class_name="SeriesNetwork"), random(5, 6, 2, 3)


def features():
    """Two inputs of features, added: a DAGNetwork."""
    layers = [
        featureInputLayer(3, Name="a"),
        featureInputLayer(2, Name="b"),
        dense(4, 3, "fa"),
        dense(4, 2, "fb"),
        additionLayer(2, Name="add"),
        regressionLayer(Name="out"),
    ]
    pairs = [("a", "fa"), ("b", "fb"), ("fa", "add/in1"), ("fb", "add/in2"), ("add", "out")]
    return Network.of(layers, pairs, "DAGNetwork"), (random(5, 3), random(5, 2))


def recurrent(mode="sequence", ends=True, state=False):
    arrays = {
        "InputWeights": random(12, 2),
        "RecurrentWeights": random(12, 3),
        "Bias": random(12, 1),
    }
    if state:
        arrays |= {"HiddenState": random(3, 1), "CellState": random(3, 1)}
    layers = [
        sequenceInputLayer(2, Name="in"),
        lstmLayer(3, OutputMode=mode, Name="lstm", **arrays),
        dense(2, 3, "fc"),
        *([regressionLayer(Name="out")] if ends else []),
    ]
    return Network.of(layers, class_name="SeriesNetwork" if ends else "dlnetwork")


def cell(arrays):
    return Cell(arrays, (len(arrays), 1))


def recorded(octave, network, x, call=""):
    """The fixture that matbridgeRecord makes in Octave, in which the network stands as well."""
    write_mat(octave.folder / "data.mat", {"net": plain_network(network), "X": x})
    octave(f"load data.mat; matbridgeRecord(net, X, 'ref.mat'{call});")
    fixture = read_fixture(octave.folder / "ref.mat")
    case = fixture.case(matbridge.load(octave.folder / "ref.mat", "net"))
    verification = verify_case(case)
    assert verification.verdict in PASSES, verification.sentence
    for judgement in judge_layers(case):
        assert judgement.verdict in PASSES, judgement
    return fixture


@pytest.mark.parametrize("name", sorted(CODES))
def test_every_function_is_one_for_matlab(name):
    """The line that MATLAB's lookfor reads, help, a version, and nothing left to fill in."""
    code = CODES[name]
    function = name.removesuffix(".m")
    assert code.isascii()
    assert re.match(r"function [^\n]*\b" + function + r"\(", code)
    first = code.split("\n")[1]
    assert first.startswith(f"%{function.upper()} ")
    assert first.endswith(".")
    assert f"matbridge {matbridge.__version__}" in code
    assert "Example" in code
    assert "See also" in code
    assert "@" not in re.sub(r"@\(|@\w+[,;)]", "", code)


def test_images(octave):
    network, x = images()
    fixture = recorded(octave, network, x)
    assert list(fixture.activations) == ["in", "conv", "relu", "fc"]
    assert fixture.of.class_name == "SeriesNetwork"
    assert fixture.of.name == "net"
    assert fixture.options == {"mini_batch_size": 128}


def test_features_of_two_inputs(octave):
    network, inputs = features()
    fixture = recorded(octave, network, Cell(inputs, (1, 2)))
    assert fixture.input_names == ("a", "b")
    assert list(fixture.activations) == ["a", "b", "fa", "fb", "add"]
    assert fixture.activations["fa"].shape == (5, 4)


@pytest.mark.parametrize("mode", ["sequence", "last"])
@pytest.mark.parametrize("state", [False, True])
def test_sequences(octave, mode, state):
    """One by itself, several of one length, and several of unequal lengths."""
    network = recurrent(mode, state=state)
    one = recorded(octave, network, random(2, 6))
    assert one.options["sequence_length"] == "longest"
    assert ("lstm" in one.final_states) == state
    several = recorded(octave, network, cell([random(2, 6), random(2, 6)]))
    assert list(several.activations) == ["in", "lstm", "fc"]
    unequal = cell([random(2, 6), random(2, 1), random(2, 4)])
    alone = recorded(octave, network, unequal, ", 'MiniBatchSize', 1")
    assert list(alone.activations) == ["in", "lstm", "fc"]
    assert alone.options["mini_batch_size"] == 1


def test_activations_are_not_recorded_where_padding_would_spoil_them(octave):
    write_mat(
        octave.folder / "data.mat",
        {"net": plain_network(recurrent()), "X": cell([random(2, 6), random(2, 4)])},
    )
    told = octave("load data.mat; matbridgeRecord(net, X, 'ref.mat');")
    assert "Of these layers nothing is recorded: in (sequences of different lengths" in told
    assert not read_fixture(octave.folder / "ref.mat").activations


@pytest.mark.parametrize(
    ("data", "call", "format"),
    [
        ("dlarray(X, 'CBT')", "", "CBT"),
        ("dlarray(permute(X, [3 1 2]), 'TCB')", "", "CBT"),
        ("squeeze(X)'", ", 'Format', 'TC'", "CT"),
        ("squeeze(X)'", "", "CT"),
        ("squeeze(X)", "", "CT"),
        ("{squeeze(X)', 2*squeeze(X)'}", "", ""),
        ("{squeeze(X(:,:,1:3)), squeeze(X)}", ", 'Format', 'CT'", ""),
    ],
)
@pytest.mark.parametrize("mode", ["sequence", "last"])
def test_a_dlnetwork(octave, data, call, format, mode):
    """dlarrays, and plain data with time first or the channels."""
    network = recurrent(mode, ends=False)
    write_mat(octave.folder / "data.mat", {"net": plain_network(network), "X": random(2, 1, 6)})
    octave(f"load data.mat; X = {data}; matbridgeRecord(net, X, 'ref.mat'{call});")
    fixture = read_fixture(octave.folder / "ref.mat")
    assert fixture.options.get("format", "") == format
    assert list(fixture.activations) == ["in", "lstm", "fc"]
    assert fixture.of.class_name == "dlnetwork"
    case = fixture.case(matbridge.load(octave.folder / "ref.mat", "net"))
    assert verify_case(case).verdict in PASSES
    assert {judgement.verdict for judgement in judge_layers(case)} <= set(PASSES)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("data", ["dlarray(X, 'CBT')", "{squeeze(X)', 2*squeeze(X)'}"])
def test_a_dlnetwork_of_releases_that_return_no_states(octave, data, early):
    """And where it was computed is what happened, not what was asked for."""
    network = recurrent("last", ends=False)
    write_mat(octave.folder / "data.mat", {"net": plain_network(network), "X": random(2, 1, 6)})
    state = "struct('Layer', {{'lstm'}}, 'Parameter', {{'HiddenState'}}, 'Value', {{zeros(3, 1)}})"
    octave(
        f"load data.mat; X = {data}; net.State = {state}; {'net.Early = true;' * early}"
        "matbridgeRecord(net, X, 'ref.mat', 'ExecutionEnvironment', 'gpu');"
    )
    fixture = read_fixture(octave.folder / "ref.mat")
    assert list(fixture.activations) == ["in", "lstm", "fc"]
    assert bool(fixture.final_states) == (not early and "{" not in data)
    assert fixture.environment == "cpu"


def test_class_names_go_along(octave):
    network = recurrent("last", ends=False)
    fixture = recorded(octave, network, random(2, 6), ", 'Classes', {'a', 'b'}")
    assert fixture.classes == ("a", "b")


def test_what_the_dimensions_are_is_asked_for(octave):
    network = recurrent(ends=False)
    write_mat(octave.folder / "data.mat", {"net": plain_network(network), "X": random(2, 2)})
    told = octave("load data.mat; matbridgeRecord(net, X, 'ref.mat');", fails=True)
    assert "may be time by channels or channels by time: give 'Format'" in told


def test_a_shallow_network_with_delays(octave):
    weights, bias = random(3, 4), random(3, 1)
    structure = ShallowStructure(
        inputs=(InputPart(2, 2, ()),),
        layers=(LayerPart(3, transfer="tansig", bias=bias),),
        input_weights={(1, 1): WeightPart(weights, (1, 2))},
        outputs=(OutputPart(1, 3, ()),),
    )
    steps, before = [random(2, 1) for _ in range(5)], [random(2, 1) for _ in range(2)]
    net = {"Class": "network", "IW": weights, "b": bias, "numInputs": 1.0, "numOutputs": 1.0}
    variables = {"net": net, "X": Cell(steps, (1, 5)), "Xi": Cell(before, (1, 2))}
    write_mat(octave.folder / "data.mat", variables)
    octave(
        "load data.mat; matbridgeRecord(net, X, 'ref.mat', 'Xi', Xi, 'Ai', cell(1, 0), "
        "'KeepNetwork', false, 'NetworkName', 'narx', 'NetworkFile', 'narx.mat');"
    )
    fixture = read_fixture(octave.folder / "ref.mat")
    assert str(fixture.of) == "a network narx.mat:narx"
    assert verify_case(fixture.case(shallow(structure))).verdict in PASSES


# -- export ----------------------------------------------------------------------------------


def exported(octave, network):
    """What matbridgeExport makes of a network that is given as a struct."""
    write_mat(octave.folder / "data.mat", {"net": plain_network(network)})
    octave("load data.mat; matbridgeExport(net, 'weights.mat');")
    return matbridge.load(octave.folder / "weights.mat")


@pytest.mark.parametrize("make", [images, features, lambda: (recurrent("last"), random(2, 7))])
def test_what_is_exported_predicts_the_same(octave, make):
    network, x = make()
    again = exported(octave, network)
    inputs = x if isinstance(x, tuple) else (x,)
    assert again.class_name == network.class_name
    assert again.input_names == network.input_names
    assert again.output_names == network.output_names
    np.testing.assert_array_equal(
        again.predict(*inputs, dtype="float64"), network.predict(*inputs, dtype="float64")
    )


def test_layers_of_ones_own_are_exported_with_what_they_learned(octave):
    """An object: public properties, hidden ones of its class, dlarrays as numbers; what cannot
    be written is told. What the table of learnables says goes before."""
    told = octave(
        "layers = {struct('Class', 'nnet.cnn.layer.FeatureInputLayer', 'Name', 'in', "
        "'InputSize', 3), myScale};\n"
        "exported = matbridgeExport(layers);\n"
        "layer = exported.Layers{2};\n"
        "assert(isequal(layer.Alpha, [1; 2; 3]) && layer.Gain == 4 && ~isfield(layer, 'Secret'));\n"
        "net = struct('Class', 'dlnetwork', 'Layers', {layers}, "
        "'InputNames', {{'in'}}, 'OutputNames', {{'scale'}}, "
        "'Connections', struct('Source', {{'in'}}, 'Destination', {{'scale'}}), "
        "'Learnables', struct('Layer', {{'scale'}}, 'Parameter', {{'Alpha'}}, "
        "'Value', {{dlarray([5; 6; 7], 'CB')}}));\n"
        "matbridgeExport(net, 'weights.mat');"
    )
    assert 'Of the layer "scale" (myScale) is left out: Parser.' in told
    path = octave.folder / "weights.mat"
    unknown = matbridge.load(path)["scale"]
    assert isinstance(unknown, Unknown)
    assert unknown.class_name == "myScale"
    assert unknown.extra["Power"] == 2
    assert list(unknown.extra["Modes"]) == ["a", "b"]
    x = np.array([[1.0, 1, 1], [2, 0, -1]])
    found = matbridge.load(path, registry=[MyScale]).predict(x, dtype="float64")
    np.testing.assert_array_equal(found, x * [5, 6, 7])


def test_what_holds_no_layers_is_refused(octave):
    told = octave("matbridgeExport(struct('Class', 'yolov2ObjectDetector'), 'w.mat');", fails=True)
    assert "A network is needed, not a yolov2ObjectDetector" in told


def test_a_shallow_network_is_saved_as_it_is(octave):
    octave("matbridgeExport(struct('Class', 'network', 'b', 3), 'w.mat'); load w.mat; net.b")


# -- import ----------------------------------------------------------------------------------

# What MATLAB's constructors take by name, and which properties may be set.
GATES = ("StateActivationFunction", "GateActivationFunction")
CONSTRUCTORS = {
    "sequenceInputLayer": (
        "SequenceInputLayer",
        ("InputSize",),
        ("Normalization", "MinLength"),
        (),
    ),
    "featureInputLayer": ("FeatureInputLayer", ("InputSize",), ("Normalization",), ()),
    "imageInputLayer": ("ImageInputLayer", ("InputSize",), ("Normalization",), ()),
    "lstmLayer": (
        "LSTMLayer",
        ("NumHiddenUnits",),
        ("OutputMode", "InputWeights", "RecurrentWeights", "Bias", *GATES),
        ("HiddenState", "CellState"),
    ),
    "fullyConnectedLayer": ("FullyConnectedLayer", ("OutputSize",), ("Weights", "Bias"), ()),
    "convolution2dLayer": (
        "Convolution2DLayer",
        ("FilterSize", "NumFilters"),
        ("Stride", "DilationFactor", "Padding", "NumChannels", "Weights", "Bias"),
        (),
    ),
    "reluLayer": ("ReLULayer", (), (), ()),
    "additionLayer": ("AdditionLayer", ("NumInputs",), (), ()),
    "regressionLayer": ("RegressionOutputLayer", (), ("ResponseNames",), ()),
    "leakyReluLayer": ("LeakyReLULayer", ("Scale",), (), ()),
}


def write_constructors(folder):
    for name, (kind, positions, accepted, settable) in CONSTRUCTORS.items():
        texts = (positions, ("Name", *accepted), settable)
        lists = ", ".join("{" + ", ".join(f"'{t}'" for t in text) + "}" for text in texts)
        (folder / f"{name}.m").write_text(
            f"function layer = {name}(varargin)\n"
            f"layer = stubLayer('nnet.cnn.layer.{kind}', {lists}, varargin);\nend\n"
        )


def imported(octave, network, call=""):
    """What matbridgeImport makes of what Network.save wrote: the stubs' layers by name."""
    write_constructors(octave.folder)
    network.save(octave.folder / "net.mat")
    told = octave(
        f"addpath(pwd); [layers, net] = matbridgeImport('net.mat'{call});\n"
        "if isstruct(layers), pairs = [layers.Connections.Source layers.Connections.Destination]; "
        "layers = cellfun(@(l) l.values, layers.Layers, 'UniformOutput', false);\n"
        "else pairs = {}; end\n"
        "class = net.Class; save('-v7', 'made.mat', 'layers', 'pairs', 'class');"
    )
    made = read_mat(octave.folder / "made.mat")
    return {layer["Name"]: layer for layer in made["layers"]}, made, told


@pytest.mark.parametrize("make", [images, features, lambda: (recurrent(state=True), None)])
def test_imported_layers_hold_the_arrays(octave, make):
    network, _ = make()
    layers, made, told = imported(octave, network)
    assert list(layers) == [layer.name for layer in network.layers]
    assert made["class"] == "DAGNetwork"
    assert "does not take" not in told
    for layer in network.layers:
        assert layers[layer.name]["Class"] == layer.class_name or layer.MATLAB[0]
        for name, array in layer.arrays.items():
            np.testing.assert_array_equal(np.squeeze(layers[layer.name][name]), np.squeeze(array))
    pairs = [(str(c.source), str(c.destination)) for c in network.connections]
    if made["pairs"].size:
        half = len(made["pairs"]) // 2
        assert list(zip(made["pairs"][:half], made["pairs"][half:], strict=True)) == pairs
    else:
        assert pairs == [*zip(layers, list(layers)[1:], strict=False)]


def test_what_a_release_does_not_take_is_told(octave):
    """A value that says something; what is off or follows from arrays is not."""
    layers = [featureInputLayer(3, Name="in"), geluLayer(Name="gelu", Approximation="tanh")]
    (octave.folder / "geluLayer.m").write_text(
        "function layer = geluLayer(varargin)\n"
        "layer = stubLayer('nnet.cnn.layer.GELULayer', {}, {'Name'}, {}, varargin);\nend\n"
    )
    _, made, told = imported(octave, Network.of(layers))
    assert 'The layer "gelu" (nnet.cnn.layer.GELULayer) does not take these' in told
    assert "other values: Approximation." in told
    assert made["class"] == "dlnetwork"


def test_layers_of_ones_own_are_made_by_their_class_or_given(octave):
    network = Network.of(
        [featureInputLayer(3, Name="in"), MyScale(name="s", arrays={"Alpha": random(3, 1)})]
    )
    given = "stubLayer('myScale', {}, {'Name'}, {'Alpha'}, {'Name', 's'})"
    layers, _, _ = imported(octave, network, f", 's', {given}")
    np.testing.assert_array_equal(layers["s"]["Alpha"], network["s"].arrays["Alpha"])


def test_nothing_that_is_no_layer_is_called(octave):
    write_constructors(octave.folder)
    layers = Cell([{"Class": "delete", "Name": "data.mat"}], (1, 1))
    write_mat(octave.folder / "net.mat", {"exported": {"Layers": layers}})
    told = octave("matbridgeImport('net.mat');", fails=True)
    assert 'The class delete of the layer "data.mat" is no layer' in told


def test_a_file_without_a_network(octave):
    octave("x = 3; save('-v7', 'x.mat', 'x');")
    told = octave("matbridgeImport('x.mat');", fails=True)
    assert "x.mat holds no network that matbridgeExport" in told


# -- the code itself -------------------------------------------------------------------------

# Every function of MATLAB's that the kit calls, and the release that brought it. Those after
# R2019b stand beside the check without which they are not called.
KNOWN = {
    **dict.fromkeys(
        "all any arrayfun cell cellfun cellstr char class double error exist feval fieldnames find "
        "gather getfield inputname ischar isa iscell iscellstr isempty isequal isequaln isfield "
        "islogical isnumeric isobject isscalar isstruct isvarname isvector load max metaclass min "
        "ndims num2cell numel ones permute predict properties regexp regexprep repmat reshape "
        "rmfield save setdiff sim single size sprintf squeeze strcat strcmp strcmpi strjoin "
        "strncmp strrep struct superclasses table2array table2struct unique version vertcat "
        "warning whos intersect".split(),
        "before R2016a",
    ),
    "activations": "R2016a",
    "assembleNetwork": "R2018b",
    "layerGraph": "R2017b",
    "addLayers": "R2017b",
    "connectLayers": "R2017b",
    "predictAndUpdateState": "R2017b",
    "dlarray": "R2019b",
    "dlnetwork": "R2019b",
    "dims": "R2019b",
    "extractdata": "R2019b",
    "fromName": "before R2016a",
    "addParameter": "before R2016a",
    "parse": "before R2016a",
}


def plain_code(code):
    """The code without comments and texts."""
    lines = []
    for line in code.split("\n"):
        line = re.sub(r"(?<![\w)\]}'.])'(?:[^']|'')*'", "''", line)
        lines.append(line.partition("%")[0])
    return "\n".join(lines)


@pytest.mark.parametrize("name", sorted(CODES))
def test_no_function_came_after_r2019b(name):
    code = plain_code(CODES[name])
    own = set(re.findall(r"^function (?:.*= *)?(\w+)", code, re.MULTILINE))
    taken = set(re.findall(r"\b(\w+)(?:\([^=\n]*\)|\{[^=\n]*\}|\.[\w.(){} ]+)* *=(?!=)", code))
    for inside in re.findall(r"^function (?:\[?([\w, ]*)\]? *= *)?\w+\(([\w, ]*)\)", code, re.M):
        taken |= set(re.findall(r"\w+", " ".join(inside)))
    taken |= set(re.findall(r"\w+", " ".join(re.findall(r"@\(([\w, ]*)\)", code))))
    taken |= set(re.findall(r"\w+", " ".join(re.findall(r"^ *\[([^\]\n]*)\] *=", code, re.M))))
    called = set(re.findall(r"(?<![\w.])([a-zA-Z]\w*)\(", code))
    words = {"if", "for", "while", "switch", "case", "elseif", "function", "catch"}
    assert called - own - taken - words - KNOWN.keys() == set()


@pytest.mark.parametrize("name", sorted(CODES))
def test_the_syntax_is_that_of_r2019b(name):
    code = plain_code(CODES[name])
    assert not re.search(r"^ *arguments\b", code, re.M)
    assert '"' not in code
    assert not re.search(r"\((?:[^()]*, *)?\w+=[^=]", code), "name=value came with R2021a"
    lines = [line for line in CODES[name].split("\n") if not line.startswith("    'nnet.")]
    assert max(map(len, lines)) <= 100


def test_every_function_parses_in_octave(octave):
    for name in CODES:
        octave(f"__parse_file__('{octave.kit / name}');")


# -- the command -----------------------------------------------------------------------------


def test_the_command_writes_all_or_nothing(call, in_folder):
    code, out, _ = call("matlab-kit", ".")
    assert code == 0
    assert out.count("written to") == 3
    for name, text in CODES.items():
        assert (in_folder / name).read_bytes() == text.encode("ascii")
    (in_folder / "matbridgeRecord.m").unlink()
    (in_folder / "matbridgeExport.m").write_text("mine")
    code, _, err = call("matlab-kit", ".")
    assert code == 2
    assert "matbridgeExport.m: the file is already there" in err
    assert "--force" in err
    assert not (in_folder / "matbridgeRecord.m").exists()
    code, out, _ = call("matlab-kit", ".", "--force", "--json")
    assert (code, len(json.loads(out)["written"])) == (0, 3)
    assert (in_folder / "matbridgeExport.m").read_text() == CODES["matbridgeExport.m"]


def test_the_command_needs_a_folder(call):
    code, _, err = call("matlab-kit", "nowhere")
    assert code == 2
    assert "there is no such folder" in err


def test_the_code_travels_with_the_package():
    """Whatever stands in the package and is no Python is named in pyproject.toml."""
    root = Path(matbridge.__file__).parent
    told = tomllib.loads((root.parent / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = told["tool"]["setuptools"]["package-data"]["matbridge"]
    packed = {path for pattern in patterns for path in root.glob(pattern)}
    files = {p for p in root.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")}
    assert files <= packed
    assert {path.name for path in files} >= set(CODES)
