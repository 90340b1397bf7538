"""Network objects as MATLAB saved them since 2006, wherever they sit; what is wrong is said."""

import numpy as np
import pytest
from reference.shallow_network import simulate
from shallow_nets import as_reference, data, network, random_structure, several

import matbridge
from matbridge.cli import run
from matbridge.core.diagnostics import Report
from matbridge.core.registry import Registry
from matbridge.errors import LayerError, MatbridgeError, UnsupportedError
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file.values import Cell, MatObject
from matbridge.matlab.file.write import write_mat
from matbridge.matlab.find import find_networks
from matbridge.matlab.shallow import read_structure
from matbridge.matlab.shallow_back import to_structure
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    ShallowStructure,
    WeightPart,
)

EMPTY = np.zeros((0, 0))
VERSIONS = ["", "6", "7", "8", "9"]


def number(value):
    return np.array([[float(value)]])


def grid(parts, rows, columns):
    """A cell of rows×columns, [] where there is nothing."""
    places = ((i, j) for j in range(1, columns + 1) for i in range(1, rows + 1))
    return Cell([parts.get(at, EMPTY) for at in places], (rows, columns))


def saved(structure, version):
    """The object as this version of MATLAB saves it."""
    logical = bool if version >= "7" else float
    layers, inputs = len(structure.layers), len(structure.inputs)

    def connected(places, rows, columns):
        flags = [[(i, j) in places for j in range(1, columns + 1)] for i in range(1, rows + 1)]
        return np.array(flags, logical).reshape(rows, columns)

    def processing(part):
        if not version:
            return {}
        steps = part.steps
        settings = [dict(step.settings) for step in steps]
        for own in settings if version == "7" else ():
            del own["gain"], own["xoffset"]
        return {
            "processFcns": Cell([step.function for step in steps], (1, len(steps))),
            "processParams": Cell([{} for _ in steps], (1, len(steps))),
            "processSettings": Cell(settings, (1, len(steps))),
            "processedSize": number(getattr(part, "processed_size", part.size)),
        }

    def weights(parts):
        return {
            at: {"delays": np.array([w.delays], float), "weightFcn": w.function, "learn": number(1)}
            for at, w in parts.items()
        }

    biases = {i: part.bias for i, part in enumerate(structure.layers, 1) if part.bias is not None}
    outputs = {(1, part.layer): part for part in structure.outputs}
    fields = {
        **({"version": version} if version else {}),
        "numInputs": number(inputs),
        "numLayers": number(layers),
        "biasConnect": connected({(i, 1) for i in biases}, layers, 1),
        "inputConnect": connected(structure.input_weights, layers, inputs),
        "layerConnect": connected(structure.layer_weights, layers, layers),
        "outputConnect": connected(outputs, 1, layers),
        "inputs": Cell([{"size": number(p.size), **processing(p)} for p in structure.inputs]),
        "layers": Cell(
            [
                {"size": number(p.size), "transferFcn": p.transfer, "netInputFcn": p.net_input}
                for p in structure.layers
            ]
        ),
        "outputs": grid(
            {at: {"size": number(p.size), **processing(p)} for at, p in outputs.items()}, 1, layers
        ),
        "biases": Cell([{"learn": number(1)} for _ in structure.layers]),
        "inputWeights": grid(weights(structure.input_weights), layers, inputs),
        "layerWeights": grid(weights(structure.layer_weights), layers, layers),
        "IW": grid({at: w.array for at, w in structure.input_weights.items()}, layers, inputs),
        "LW": grid({at: w.array for at, w in structure.layer_weights.items()}, layers, layers),
        "b": Cell([biases.get(i, EMPTY) for i in range(1, layers + 1)]),
        "trainFcn": "trainlm",
        "trainParam": MatObject("nnetParam", {"fcn": "trainlm", "values": {"epochs": number(9)}}),
        "hint" if version < "8" else "efficiency": {},
    }
    if version == "9":
        return MatObject("network", {"numLayers": number(0), "numInputs": number(0), "any": fields})
    return MatObject("network", fields, old_style=True)


def without_steps(structure):
    """As the oldest version has it, which processes nothing."""
    inputs = tuple(InputPart(part.size, part.size) for part in structure.inputs)
    outputs = tuple(OutputPart(part.layer, part.size) for part in structure.outputs)
    return structure.replace(inputs=inputs, outputs=outputs)


def small(**changes):
    """Two inputs rows, a hidden layer of three neurons, one output."""
    parts = {
        "inputs": (InputPart(2, 2),),
        "layers": (
            LayerPart(3, "tansig", bias=np.ones((3, 1))),
            LayerPart(1, bias=np.ones((1, 1))),
        ),
        "outputs": (OutputPart(2, 1),),
        "input_weights": {(1, 1): WeightPart(np.ones((3, 2)))},
        "layer_weights": {(2, 1): WeightPart(np.ones((1, 3)))},
    }
    return ShallowStructure(**{**parts, **changes})


def read(value):
    report = Report()
    return read_structure(value, report, "net"), [str(line) for line in report]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_version_says_the_same(version, seed):
    draw = np.random.default_rng(seed)
    structure = random_structure(draw, feedback=True)
    structure = structure if version else without_steps(structure)
    again, report = read(saved(structure, version))
    assert (report, again.version) == ([], version)
    x = [[draw.normal(size=(part.size, 1)) for _ in range(4)] for part in structure.inputs]
    expected, *_ = simulate(as_reference(structure), x)
    net = network(again)
    for y, series in zip(several(net.predict(data(net, x))), expected, strict=True):
        np.testing.assert_allclose(y, np.concatenate(series, 1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("format", ["v6", "v7", "v7.3"])
@pytest.mark.parametrize("version", ["", "8", "9"])
def test_in_every_kind_of_file_and_wherever_they_sit(version, format, tmp_path):
    value = saved(small(), version)
    state = {"network": {"values": Cell([saved(small(), "8")])}}
    write_mat(
        tmp_path / "net.mat", {"net": value, "STATE": state, "c": Cell([{"a": value}])}, format
    )
    networks = read_contents(tmp_path / "net.mat").networks
    assert set(networks) == {"net", "STATE.network.values{1}", "c{1}.a"}
    for net in networks.values():
        assert net.predict(np.zeros((2, 1))).item() == pytest.approx(1 + 3 * np.tanh(1))


def test_handles_that_hold_each_other_hide_no_network():
    app = MatObject("app", {"net": saved(small(), "8")})
    app.properties["child"] = MatObject("panel", {"parent": app})
    (found,) = find_networks(app, "app", Registry.builtin())
    assert found.address == "app.net"


def test_no_variable_is_taken_for_another_one(tmp_path):
    """What is let go of one leaves its place in memory to the next."""
    variables = {}
    for i in range(40):
        layers = (LayerPart(1, bias=np.array([[float(i)]])),)
        own = small(
            layers=layers,
            outputs=(OutputPart(1, 1),),
            input_weights={(1, 1): WeightPart(np.ones((1, 2)))},
            layer_weights={},
        )
        variables[f"plain{i}"] = MatObject("fis", {"name": "tip"}, old_style=True)
        variables[f"net{i}"] = saved(own, "8")
    write_mat(tmp_path / "nets.mat", variables)
    networks = read_contents(tmp_path / "nets.mat").networks
    biases = {name: net.predict(np.zeros((2, 1))).item() for name, net in networks.items()}
    assert biases == {f"net{i}": i for i in range(40)}


def test_only_what_the_file_keeps_is_known_to_hold_no_network():
    barren = set()
    for old_style in (True, False):
        value = MatObject("fis", {"name": "tip"}, old_style=old_style)
        assert list(find_networks(value, "f", Registry.builtin(), barren)) == []
        assert (id(value) in barren) is not old_style


class Sparse:
    """As mat-io gives sparse matrices."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def toarray(self):
        return self.array


def test_sparse_weights_are_full_ones():
    value = saved(small(), "8")
    value.properties["LW"][1] = Sparse(np.ones((1, 3)))
    assert np.array_equal(read(value)[0].layer_weights[2, 1].array, np.ones((1, 3)))


def test_a_sparse_matrix_does_not_fill_the_memory():
    value = saved(small(), "8")
    value.properties["LW"][1] = Sparse(np.ones((1, 3)))
    value.properties["LW"][1].shape = (1 << 30, 1 << 30)
    with pytest.raises(MatbridgeError, match="holds more than"):
        read(value)


def test_a_layer_without_neurons_and_one_that_reads_nothing():
    """What constant targets leave: the reverse of the processing gives them."""
    for part in (WeightPart(np.zeros((0, 3))), None):
        weights = {} if part is None else {(2, 1): part}
        bias = None if part is None else np.zeros((0, 1))
        layers = (small().layers[0], LayerPart(0, bias=bias))
        structure = small(layers=layers, layer_weights=weights, outputs=(OutputPart(2, 0),))
        assert read(saved(structure, "8"))[1] == []
        for engine in ("numpy", "torch"):
            y = network(structure).predict(np.zeros((2, 5)), engine=engine)
            assert y.shape == (0, 5)


# -- functions of the user's ---------------------------------------------------------------


def dublim(n):
    return np.clip(n, -2, 2)


def users(tmp_path):
    layers = (LayerPart(3, "dublim", bias=np.ones((3, 1))), small().layers[1])
    path = tmp_path / "net.mat"
    write_mat(path, {"net": saved(small(layers=layers), "8")})
    return path


def test_a_users_function_is_named_not_guessed(tmp_path):
    net = matbridge.load(users(tmp_path))
    assert not net.runnable
    with pytest.raises(UnsupportedError, match="dublim") as caught:
        net.predict(np.zeros((2, 1)))
    assert "a{1}" in str(caught.value)


@pytest.mark.parametrize("engine", ["torch", "auto"])
def test_a_python_function_stands_for_a_users_one(tmp_path, engine):
    def function(ops, n):
        return ops.map("clip", n, low=-2.0, high=2.0)

    net = matbridge.load(users(tmp_path), registry={"dublim": function})
    x = np.linspace(-3, 3, 8).reshape(2, 4)
    expected = 1 + np.ones((1, 3)) @ dublim(1 + np.ones((3, 2)) @ x)
    np.testing.assert_allclose(net.predict(x, engine=engine), expected)
    assert to_structure(net).layers[0].transfer == "dublim"


def test_a_card_stands_for_a_users_function(tmp_path):
    class DubLim(matbridge.Layer):
        MATLAB = ("dublim",)

        def forward(self, ops, p, n):
            return ops.map("clip", n, low=-2.0, high=2.0)

    net = matbridge.load(users(tmp_path), registry=[DubLim])
    assert net.predict(np.full((2, 1), 9.0)).item() == 7


# -- what is wrong is said -----------------------------------------------------------------


def test_what_nobody_knows_is_reported():
    value = saved(small(), "8")
    value.properties["simFcn"] = "mysim"
    value.properties["layers"][0]["gainFcn"] = number(2)
    _, report = read(value)
    assert len(report) == 2
    assert "net: the saved property simFcn is not known" in report[0]
    assert "net.layers{1}: the saved property gainFcn is not known" in report[1]


def test_a_network_that_was_never_configured_is_told():
    layers = (LayerPart(3, "tansig", bias=np.ones((3, 1))), LayerPart(0, bias=np.zeros((0, 1))))
    structure = small(
        inputs=(InputPart(0, 0),),
        layers=layers,
        outputs=(OutputPart(2, 0),),
        input_weights={(1, 1): WeightPart(np.zeros((3, 0)))},
        layer_weights={(2, 1): WeightPart(np.zeros((0, 3)))},
    )
    net = network(read(saved(structure, "8"))[0])
    with pytest.raises(UnsupportedError, match="uninitialised|configured"):
        net.predict(np.zeros((0, 1)))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_network_without_layers_does_not_run(version, tmp_path, capsys):
    """What network() gives: neither inputs nor layers."""
    path = tmp_path / "net.mat"
    write_mat(path, {"net": saved(ShallowStructure((), (), ()), version)})
    with pytest.raises(UnsupportedError, match="never configured: no rows enter it"):
        matbridge.load(path).predict(3)
    assert run(["predict", str(path), "--input", "3"]) == 4
    run(["inspect", str(path)])
    told = capsys.readouterr().out
    assert "no layers" in told
    assert "does not run" in told


@pytest.mark.parametrize("place", ["IW", "LW", "b"])
def test_complex_weights_are_refused(place):
    value = saved(small(), "8")
    cell = value.properties[place]
    at = next(i for i, array in enumerate(cell) if array.size)
    cell[at] = cell[at] + 1j
    with pytest.raises(LayerError, match="its weights are complex"):
        read(value)


def damaged(change):
    value = saved(small(), "8")
    change(value.properties)
    return value


def set_in(name, place, **fields):
    def change(properties):
        properties[name][place] = {**properties[name][place], **fields}

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.pop("numLayers"), "numLayers is missing"),
        (lambda p: p.update(numInputs=number(1e9)), "numInputs is 1000000000"),
        (lambda p: p.update(b=Cell([EMPTY])), "b is no cell of 2×1"),
        (lambda p: p.update(layerConnect=np.ones((1, 1))), "layerConnect is not 2×2"),
        (lambda p: p.update(inputs=Cell([number(1)])), "a part is ndarray, not a struct"),
        (set_in("layers", 0, size="three"), "a number is needed"),
        (
            set_in("inputs", 0, processFcns=Cell(["mapminmax"] * 2), processSettings=Cell([{}])),
            "2 processing functions, but other settings",
        ),
    ],
)
def test_an_object_that_contradicts_itself_is_refused(change, said):
    with pytest.raises(LayerError, match="the network object is damaged: ") as caught:
        read(damaged(change))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input_weights": {(1, 1): WeightPart(np.ones((3, 3)))}}, "IW{1,1}: it is 3×3, where"),
        ({"input_weights": {(3, 1): WeightPart(np.ones((3, 2)))}}, "IW{3,1}: this weight connects"),
        (
            {"layer_weights": {(2, 1): WeightPart(np.ones((1, 3)), (-1,))}},
            "LW{2,1}: its delays are",
        ),
        ({"layer_weights": {(2, 1): WeightPart(np.ones((1, 3)), (1 << 20,))}}, "from 0 to 100000"),
        (
            {
                "layer_weights": {
                    (2, 1): WeightPart(np.ones((1, 3))),
                    (1, 2): WeightPart(np.ones((3, 1))),
                }
            },
            "the layers 1, 2 feed each other without a delay",
        ),
        ({"layers": (LayerPart(3, bias=np.ones((2, 1))), LayerPart(1))}, "b{1}: it is 2×1, where"),
        ({"outputs": (OutputPart(3, 1),)}, "an output is that of layer 3, which is not there"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, said):
    with pytest.raises(LayerError) as caught:
        small(**changes)
    assert said in str(caught.value)


def test_other_networks_have_no_structure(fixtures):
    with pytest.raises(UnsupportedError, match="is no network object"):
        to_structure(matbridge.load(fixtures / "cnn.mat"))
