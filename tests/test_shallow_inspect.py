"""What inspect tells of network objects: what made them, by structure, and their parts."""

import json

import numpy as np
import pytest
from shallow_nets import network
from test_shallow_reading import saved

from matbridge.cli import run
from matbridge.inspect.fits import fitting
from matbridge.inspect.shallow import about_shallow, part_rows
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat
from matbridge.matlab.shallow_back import to_structure
from matbridge.shallow.kinds import KINDS, creating_function
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    ProcessStep,
    ShallowStructure,
    WeightPart,
)


def weight(rows, columns, delays=(0,), function="dotprod"):
    return WeightPart(np.ones((rows, columns * len(delays))), delays, function)


def layers(*transfers, bias=True, first="netsum", sizes=None):
    sizes = sizes or [2] * len(transfers)
    return tuple(
        LayerPart(
            size,
            transfer,
            first if i == 0 else "netsum",
            bias=np.ones((size, 1)) if bias else None,
        )
        for i, (transfer, size) in enumerate(zip(transfers, sizes, strict=True))
    )


def chain(*transfers, delays=(0,), later=(0,), function="dotprod", inputs=1, **more):
    """Layers one behind the other."""
    first = more.pop("first", "netsum")
    bias = more.pop("bias", True)
    count = len(transfers)
    parts = {
        "inputs": tuple(InputPart(2, 2) for _ in range(inputs)),
        "layers": layers(*transfers, bias=bias, first=first),
        "outputs": (OutputPart(count, 2),),
        "input_weights": {(1, j): weight(2, 2, delays, function) for j in range(1, inputs + 1)},
        "layer_weights": {(i, i - 1): weight(2, 2, later) for i in range(2, count + 1)},
    }
    return ShallowStructure(**{**parts, **more})


def plots(*names):
    return {"plotFcns": Cell(["plotperform", *names])}


def with_layer_weights(structure, **changes):
    return structure.replace(layer_weights={**structure.layer_weights, **changes.pop("more")})


OPEN = (OutputPart(2, 2, feedback_input=1, feedback_mode="open"),)
FED = InputPart(2, 2, feedback_output=2)
PURE = ("tansig", "purelin")
STRUCTURES = {
    "trainAutoencoder": chain("logsig", "logsig", training={"performFcn": "msesparse"}),
    "newpnn": chain("radbas", "compet", function="dist", first="netprod"),
    "newgrnn": chain("radbas", "purelin", function="dist", first="netprod").replace(
        layer_weights={(2, 1): weight(2, 2, function="normprod")}
    ),
    "newrb (newrbe)": chain("radbas", "purelin", function="dist", first="netprod"),
    "lvqnet (newlvq)": chain("compet", "purelin", function="negdist"),
    "selforgmap (newsom)": chain("compet", function="negdist", bias=False),
    "competlayer (newc)": chain("compet", function="negdist"),
    "newhop": chain("satlins", inputs=0, layer_weights={(1, 1): weight(2, 2, (1,))}),
    "narnet, closed loop": with_layer_weights(
        chain(*PURE, inputs=0), more={(1, 2): weight(2, 2, (1, 2))}
    ),
    "narxnet, closed loop": with_layer_weights(
        chain(*PURE, delays=(1,)), more={(1, 2): weight(2, 2, (1, 2))}
    ),
    "narnet": chain(*PURE, delays=(1, 2), inputs=1).replace(inputs=(FED,), outputs=OPEN),
    "narxnet": chain(*PURE, delays=(1, 2), inputs=2).replace(
        inputs=(FED, InputPart(2, 2)), outputs=OPEN
    ),
    "perceptron (newp)": chain("hardlim"),
    "linearlayer (newlin)": chain("purelin", delays=(0, 1)),
    "trainSoftmaxLayer": chain("softmax"),
    "layrecnet (newlrn), elmannet (newelm)": with_layer_weights(
        chain(*PURE), more={(1, 1): weight(2, 2, (1,))}
    ),
    "timedelaynet (newfftd)": chain(*PURE, delays=(0, 1, 2)),
    "distdelaynet (newdtdnn)": chain(*PURE, delays=(0, 1), later=(0, 1)),
    "patternnet (newpr)": chain("tansig", "softmax"),
    "stack of autoencoders": chain("logsig", "logsig", "softmax"),
    "fitnet (newfit)": chain(*PURE, training=plots("plotfit")),
    "feedforwardnet (newff)": chain(*PURE, training=plots("plotregression")),
    "cascadeforwardnet (newcf)": chain(*PURE).replace(
        input_weights={(1, 1): weight(2, 2), (2, 1): weight(2, 2)}
    ),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_what_made_a_network_is_told_by_its_structure(name):
    structure = STRUCTURES[name].replace(name="Custom Neural Network")
    assert creating_function(structure) == name
    # And still after the way through cards.
    assert creating_function(to_structure(network(structure))) == name


def test_every_kind_is_shown_here_and_any_other_is_a_network():
    assert {name for name, _ in KINDS} == set(STRUCTURES)
    crossed = chain("tansig", "tansig", "purelin")
    crossed = crossed.replace(layer_weights={**crossed.layer_weights, (3, 1): weight(2, 2)})
    assert creating_function(crossed) == "network"
    older = chain("tansig", "tansig", training=plots("plotconfusion"))
    assert creating_function(older) == "patternnet (newpr)"


def test_parts_stand_in_rows():
    steps = (ProcessStep("removeconstantrows"), ProcessStep("mapminmax"))
    structure = STRUCTURES["narxnet"].replace(
        inputs=(InputPart(3, 2, steps, feedback_output=2), InputPart(2, 2, name="x")),
        outputs=(OutputPart(2, 5, steps, feedback_input=1, feedback_mode="open"),),
    )
    assert part_rows(structure) == [
        ["inputs{1}", "3 -> 2", "removeconstantrows, mapminmax", "the series of output 2"],
        ["inputs{2}", "2", "", "x"],
        ["layers{1}", "2", "tansig", "b{1} IW{1,1} (delays 1:2) IW{1,2} (delays 1:2)"],
        ["layers{2}", "2", "purelin", "b{2} LW{2,1}"],
        [
            "outputs{2}",
            "2 -> 5",
            "mapminmax reversed, removeconstantrows reversed",
            "a{2}, open loop",
        ],
    ]
    (row,) = part_rows(STRUCTURES["competlayer (newc)"])[1:2]
    assert row[3] == "b{1} IW{1,1} (negdist)"
    assert part_rows(STRUCTURES["newrb (newrbe)"])[1][2] == "netprod, radbas"


RECORD = {
    "trainFcn": "trainlm",
    "num_epochs": np.array([[9.0]]),
    "best_epoch": np.array([[3.0]]),
    "best_perf": np.array([[0.125]]),
    "best_vperf": np.array([[np.nan]]),
    "trainInd": np.ones((1, 3)),
    "perf": np.ones((1, 10)),
}


def write(path, **more):
    structure = STRUCTURES["narxnet"].replace(training={"performFcn": "mse"})
    value = saved(structure, "8")
    value.properties["performFcn"] = "mse"
    value.properties["inputs"][0]["feedbackOutput"] = np.array([[2.0]])
    write_mat(path, {"net": value, "x": np.ones((2, 7)), "rows": np.ones((7, 2)), **more})


def test_the_command_tells_it(tmp_path, capsys):
    write(tmp_path / "net.mat", tr=RECORD)
    assert run(["inspect", str(tmp_path / "net.mat")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Made by narxnet: 2+2 rows -> 2 tansig -> 2 purelin; input delays up to 2;" in out
    assert "trained by trainlm for mse; its record tr says best_epoch 3, best_perf 0.125." in out
    assert "layers{1} 2 tansig b{1} IW{1,1} (delays 1:2) IW{1,2} (delays 1:2)" in out


def test_the_same_as_json_with_the_record_and_what_fits(tmp_path, capsys):
    write(tmp_path / "net.mat", tr=RECORD)
    assert run(["inspect", "--json", str(tmp_path / "net.mat")]) == 0
    told = json.loads(capsys.readouterr().out)
    about = told["networks"][0]["shallow"]
    assert about["created_by"] == "narxnet"
    assert about["training"] == {"trainFcn": "trainlm", "performFcn": "mse"}
    assert about["records"]["tr"]["best_epoch"] == 3
    assert "best_vperf" not in about["records"]["tr"]
    fits = {v["name"]: [(f["side"], f["format"]) for f in v["fits"]] for v in told["variables"]}
    assert ("input", "") in fits["x"]
    assert ("input", "TC") in fits["rows"]


def test_a_record_beside_the_network_in_its_struct():
    net = network(STRUCTURES["fitnet (newfit)"])
    assert about_shallow(net, {"tr": RECORD, "note": "x"})["records"].keys() == {"tr"}


def test_kinds_of_the_corpus(corpus):
    for entry in json.loads((corpus / "shallow/manifest.json").read_text()):
        networks = read_contents(corpus / entry["file"]).networks
        for address, kind in entry["networks"]:
            net = networks.get(address)
            if net is None or net.class_name != "network" or kind.startswith("Autoencoder"):
                continue
            name = kind.split("/")[0].split(" ")[0]
            assert name in creating_function(to_structure(net)), (entry["file"], address)


def test_single_numbers_and_cells_of_states_fit_nothing():
    part = InputPart(1, 1)
    layer, output = LayerPart(1), OutputPart(1, 1)
    single = network(
        ShallowStructure((part,), (layer,), (output,), {(1, 1): WeightPart(np.ones((1, 1)))}, {})
    )
    step = np.ones((1, 1))
    assert not [*fitting("double", (1, 1), None, single)]
    assert not [*fitting("cell", (2, 2), step, single)]
    assert [fit["side"] for fit in fitting("cell", (1, 9), step, single)] == ["input", "output"]
    assert [fit["side"] for fit in fitting("sparse", (1, 9), None, single)] == ["input", "output"]
