"""Small files that ask for much: refused within seconds, or read in linear time."""

import struct
import time
import zlib

import numpy as np
import pytest

import matbridge
from matbridge.errors import FormatError, MatbridgeError, UnsupportedError
from matbridge.inspect.summary import summarize
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file import open_mat, read_mat
from matbridge.matlab.file.values import Cell, MatObject, ObjectArray
from matbridge.matlab.file.write import write_mat
from matbridge.matlab.find import find_networks

SECONDS = 30


@pytest.fixture(autouse=True)
def in_time():
    started = time.process_time()
    yield
    assert time.process_time() - started < SECONDS


def number(value):
    return np.array([[float(value)]])


def layer(kind, name="", **properties):
    return MatObject(
        f"nnet.cnn.layer.{kind}Layer", {"any": {"Name": name, **properties}}, saveobj=True
    )


def network(*layers):
    array = ObjectArray(list(layers), (len(layers), 1), "nnet.cnn.layer.Layer")
    return MatObject("SeriesNetwork", {"any": {"Layers": array}}, saveobj=True)


def test_networks_inside_networks_that_double(tmp_path):
    inner = network(layer("ReLU", "a"), layer("ReLU", "b"))
    for _ in range(40):
        inner = network(layer("Network", "a", Network=inner), layer("Network", "b", Network=inner))
    write_mat(tmp_path / "x.mat", {"net": inner})
    assert (tmp_path / "x.mat").stat().st_size < 40_000
    with pytest.raises(MatbridgeError, match="layers, more than|values"):
        matbridge.load(tmp_path / "x.mat")


def test_a_network_that_holds_itself(tmp_path):
    loop = network(layer("ReLU", "a"))
    loop.properties["any"]["Layers"].append(layer("Network", "b", Network=loop))
    loop.properties["any"]["Layers"].shape = (2, 1)
    write_mat(tmp_path / "x.mat", {"net": loop})
    with pytest.raises(MatbridgeError, match="holds itself"):
        matbridge.load(tmp_path / "x.mat")


COUNTS = {
    "NumInputs": ["Addition", "Concatenation", "DepthConcatenation", "Multiplication"],
    "NumOutputs": ["MaxPooling2D", "Split"],
    "NumHiddenUnits": ["LSTM", "GRU", "BiLSTM"],
    "NumFilters": ["Convolution2D"],
    "NumHeads": ["SelfAttention"],
    "NumFeatureMaps": ["SSDMerge"],
}


@pytest.mark.parametrize("count", [2e9, 1e15, 1e300, -1.0, float("nan")])
@pytest.mark.parametrize("name", list(COUNTS))
def test_a_layer_that_claims_very_many(name, count, tmp_path):
    layers = [layer(kind, kind, **{name: number(count)}) for kind in COUNTS[name]]
    write_mat(tmp_path / "x.mat", {"net": network(layer("ReLU", "first"), *layers)})
    found = summarize(read_contents(tmp_path / "x.mat"))
    assert found["networks"]


def test_very_many_layers_without_a_name(tmp_path):
    one = {"Class": "nnet.cnn.layer.ReLULayer"}
    write_mat(tmp_path / "w.mat", {"net": Cell([dict(one) for _ in range(6000)], (6000, 1))})
    write_mat(tmp_path / "x.mat", {"net": network(*(layer("Odd") for _ in range(3000)))})
    assert len(matbridge.load(tmp_path / "w.mat").layers) == 6000
    assert len(matbridge.load(tmp_path / "x.mat").layers) == 3000


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(array_class, dims, *parts, name=b""):
    head = element(6, struct.pack("<II", array_class, 0))
    head += element(5, struct.pack(f"<{len(dims)}i", *dims)) + element(1, name)
    return element(14, head + b"".join(parts))


def mat_file(path, *elements):
    header = b"MATLAB 5.0 MAT-file".ljust(116) + struct.pack("<QH2s", 0, 0x0100, b"IM")
    path.write_bytes(header + b"".join(elements))
    return path


def deflated(data):
    packed = zlib.compress(data, 9)
    return struct.pack("<II", 15, len(packed)) + packed


def test_very_many_variables(tmp_path):
    variables = (
        matrix(1, (1, 1), matrix(6, (0, 0), element(9, b"")), name=b"v%d" % i)
        for i in range(20_000)
    )
    path = mat_file(tmp_path / "x.mat", *variables)
    file = open_mat(path)
    assert len(file.variables) == 20_000
    assert file["v19999"][0].shape == (0, 0)
    with pytest.raises(MatbridgeError, match="and 19980 more") as caught:
        matbridge.load(path)
    assert len(str(caught.value)) < 2000
    assert read_contents(path).networks == {}


def empties(count, piece):
    head = element(6, struct.pack("<II", 1, 0)) + element(5, struct.pack("<2i", count, 1))
    body = head + element(1, b"x") + piece * count
    return deflated(struct.pack("<II", 14, len(body)) + body)


@pytest.mark.parametrize(
    "piece",
    [struct.pack("<II", 14, 0), matrix(6, (0, 0), element(9, b""))],
    ids=["nothing", "empty"],
)
def test_a_cell_of_very_many_empty_arrays(piece, tmp_path):
    path = mat_file(tmp_path / "x.mat", empties(300_000, piece))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(FormatError, match="values"):
        read_mat(path)


def test_variables_that_share_one_graph_of_objects(tmp_path):
    """Each names another object of one ring: a thousand times sixty, made once."""
    ring = [MatObject("node", {"Number": number(i)}) for i in range(60)]
    for i, node in enumerate(ring):
        node.properties["Next"] = ring[i - 1]
    write_mat(tmp_path / "x.mat", {f"v{i}": Cell([ring[i % 60]] * 3, (3, 1)) for i in range(1000)})
    file = open_mat(tmp_path / "x.mat")
    assert file["v0"][0] is file["v60"][2]
    started = time.process_time()
    assert read_contents(tmp_path / "x.mat").networks == {}
    assert time.process_time() - started < 5


def diamond(depth, leaf):
    found = leaf
    for level in range(depth):
        found = MatObject(f"class{level % 3}", {"a": found, "b": Cell([found, {"c": found}])})
    return found


@pytest.mark.parametrize("version", ["v7", "v7.3"])
def test_objects_that_meet_again(version, tmp_path):
    leaf = network(layer("ImageInput", "in", InputSize=np.array([[4.0, 4.0, 1.0]])), layer("ReLU"))
    write_mat(tmp_path / "x.mat", {"x": diamond(25, leaf)}, version)
    value = read_mat(tmp_path / "x.mat")["x"]
    assert len(repr(value)) < 1000
    contents = read_contents(tmp_path / "x.mat")
    assert len(contents.networks) == 1
    write_mat(tmp_path / "y.mat", {"x": value}, version)


def test_a_layer_whose_properties_meet_again(tmp_path):
    """In a layer that nobody knows everything is kept; nothing may go through it twice."""
    odd = layer("Odd", "odd", Thing=diamond(40, "text"), Weights=diamond(40, number(1)))
    dense = layer(
        "FullyConnected", "fc", OutputSize=number(1), Weights=number(1), Bias=diamond(40, number(1))
    )
    write_mat(tmp_path / "x.mat", {"net": network(layer("ReLU", "a"), odd, dense)})
    found = summarize(read_contents(tmp_path / "x.mat"))
    assert [one["name"] for one in found["networks"][0]["layers"]] == ["a", "odd", "fc"]
    with pytest.raises(UnsupportedError, match="values of one layer"):
        matbridge.load(tmp_path / "x.mat").save(tmp_path / "x.safetensors")


def test_a_chain_of_very_many_objects(tmp_path):
    found = MatObject("node", {})
    for _ in range(200):
        found = MatObject("node", {"Next": found})
    with pytest.raises(UnsupportedError, match="nested too deep"):
        write_mat(tmp_path / "x.mat", {"x": found})


def test_networks_are_searched_once():
    shared = Cell([diamond(30, "x")], (1, 1))
    assert list(find_networks(Cell([shared] * 1000, (1000, 1)), "x", registry())) == []


def registry():
    from matbridge.core.registry import Registry

    return Registry.builtin()


def store_of(path):
    """The object store of a file, and what its metadata of properties are in bytes."""
    file = open_mat(path)
    file.budget.begin("store")
    store = file._store._subsystem()
    return store, np.asarray(store.nobj_metadata, "<i4")


def test_a_value_that_very_many_objects_share(tmp_path):
    """Each of them mentions the same cell of thousands."""
    path, count = tmp_path / "x.mat", 1000
    things = [MatObject("thing", {"p": Cell([number(0)])}) for _ in range(count)]
    things.append(MatObject("thing", {"p": Cell([number(i) for i in range(2000)])}))
    write_mat(path, {"x": ObjectArray(things, (count + 1, 1), "thing")}, "v6")
    _, records = store_of(path)
    data = path.read_bytes()
    at = data.find(records.tobytes())
    assert at > 0
    # A record is a count, name, type and place of the value; all take the last one's.
    shared = records.copy()
    shared[5::4] = records[-1]
    path.write_bytes(data[:at] + shared.tobytes() + data[at + len(shared.tobytes()) :])
    found = read_mat(path)["x"]
    assert len(found) == count + 1
    assert len(found[0].properties["p"]) == 2000
    assert found[0].properties["p"] is found[count - 1].properties["p"]


def test_dynamic_properties_that_describe_each_other(tmp_path):
    """An object's dynamic properties are objects, which may name each other as theirs."""
    path = tmp_path / "x.mat"
    things = [MatObject("thing", {"p": number(i)}) for i in range(40)]
    write_mat(path, {"x": ObjectArray(things, (40, 1), "thing")}, "v6")
    store, _ = store_of(path)
    ids = list(range(1, 41))
    # Each object's record names all forty: a walk without memory would not end.
    records = [[0, 0]] + [[40, *ids, 0] for _ in ids]
    store.dynprop_metadata = np.array([n for record in records for n in record], "<i4")
    dependent = np.asarray(store.object_id_metadata).reshape(-1, 6).copy()
    dependent[1:, 5] = ids
    store.object_id_metadata = dependent.reshape(-1)
    first = store._object(1, 1)
    assert sum(name.startswith("__dynamic") for name in first.properties) == 40


def test_very_many_empty_records(tmp_path):
    """Three million records of no properties deflate to some kilobytes."""
    write_mat(tmp_path / "x.mat", {"x": MatObject("thing", {"p": number(1)})})
    store, _ = store_of(tmp_path / "x.mat")
    store.object_id_metadata = np.zeros((3_000_000, 6), "<i4").reshape(-1)
    with pytest.raises(FormatError, match="values"):
        store._check()
