"""Hostile and odd ONNX files: each is refused with one clear message, or what is lost is told."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import model_of, saved

import matbridge
from matbridge.cli import run
from matbridge.errors import FormatError, MatbridgeError, UnsupportedError

W = np.ones((3, 2), np.float32)


def peak():
    """The most memory that this process had so far, in KiB; only POSIX tells."""
    resource = pytest.importorskip("resource")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def chain(**changes):
    """x·W, which is sound unless something is changed."""
    node = helper.make_node("MatMul", ["x", "W"], ["y"], name="product")
    parts = {"nodes": [node], "inputs": {"x": ["N", 3]}, "outputs": {"y": ["N", 2]}}
    return model_of(**{**parts, "arrays": {"W": W}, **changes})


def with_tensor(**fields):
    """The same with fields of its array changed."""
    model = chain()
    tensor = model.graph.initializer[0]
    for name, value in fields.items():
        if isinstance(value, list):
            del getattr(tensor, name)[:]
            getattr(tensor, name).extend(value)
        elif value is None:
            tensor.ClearField(name)
        else:
            setattr(tensor, name, value)
    return model


def with_graph(change):
    model = chain()
    change(model.graph)
    return model


def with_input(**changes):
    model = chain()
    change = changes.get("type")
    value = model.graph.input[0]
    if change is not None:
        value.type.CopyFrom(change)
    for name, n in changes.get("dims", {}).items():
        value.type.tensor_type.shape.dim[name].dim_value = n
    return model


def with_opset(version):
    model = chain()
    model.opset_import[0].version = version
    return model


def add_sparse(graph):
    graph.sparse_initializer.add().dims.extend([10**9, 10**9])


def calling(*functions):
    """A model with functions, each given by its name and those that it calls."""
    model = chain()
    for name, called in functions:
        nodes = [helper.make_node(n, ["a"], ["b" if i else "c"], domain="f") for i, n in
                 enumerate(called)]  # fmt: skip
        model.functions.append(helper.make_function("f", name, ["a"], ["c"], nodes, []))
    model.graph.node[0].CopyFrom(helper.make_node(functions[-1][0], ["x"], ["y"], domain="f"))
    return model


def doubling(name, called):
    return name, [called, called]


SEQUENCE = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [1]))
TEXTS = helper.make_tensor_type_proto(TensorProto.STRING, [1, 3])
NODE = helper.make_node
REFUSED = {
    "an array of other length": (with_tensor(dims=[3, 3]), "3×3, which is 36 bytes, but it has 24"),
    "a claim of terabytes": (with_tensor(dims=[10**6, 10**6]), "but it has 24"),
    "a claim beyond any number": (with_tensor(dims=[2**62, 2**62]), "but it has 24"),
    "a negative size": (with_tensor(dims=[-1, 2]), "-1×2, with a negative number"),
    "numbers that are not there": (with_tensor(raw_data=None), "6 numbers, but it has 0"),
    "a type that ONNX lacks": (with_tensor(data_type=99), "its type is 99"),
    "an array of texts": (with_tensor(data_type=TensorProto.STRING), "its type is STRING"),
    "a type of four bits": (with_tensor(data_type=TensorProto.INT4), "its type is INT4"),
    "two arrays of one name": (
        with_graph(lambda g: g.initializer.append(g.initializer[0])),
        "two initializers are named 'W'",
    ),
    "two inputs of one name": (
        with_graph(lambda g: g.input.append(g.input[0])),
        "two inputs are named 'x'",
    ),
    "two outputs of one name": (
        with_graph(lambda g: g.output.append(g.output[0])),
        "two outputs are named 'y'",
    ),
    "sparse arrays": (with_graph(add_sparse), "sparse arrays"),
    "a tensor made twice": (
        chain(nodes=[NODE("Relu", ["x"], ["y"]), NODE("Tanh", ["x"], ["y"])]),
        "the tensor 'y' is made twice",
    ),
    "a loop": (
        chain(nodes=[NODE("Add", ["x", "b"], ["a"]), NODE("Add", ["x", "a"], ["b"]),
                     NODE("Relu", ["b"], ["y"])]),
        "form a loop",
    ),
    "a node of thousands of inputs": (
        chain(nodes=[NODE("Sum", ["x"] * 3000, ["y"], name="all")]),
        "a node has 3,000 inputs",
    ),
    "a node that feeds itself": (chain(nodes=[NODE("Add", ["x", "y"], ["y"])]), "form a loop"),
    "an initializer that is missing": (chain(arrays={}), "makes 'W'"),
    "an output that nothing makes": (
        chain(nodes=[NODE("Relu", ["x"], ["z"])]),
        "no node, input or initializer makes 'y'",
    ),
    "a constant output": (
        chain(nodes=[NODE("Constant", [], ["y"], value_float=1.0)]),
        "the output 'y' is a constant",
    ),
    "an input of negative length": (with_input(dims={1: -3}), "negative length"),
    "an input that is a list": (with_input(type=SEQUENCE), "no tensor, but sequence_type"),
    "an input of texts": (with_input(type=TEXTS), "not of real numbers"),
    "an input of no type": (with_input(type=onnx.TypeProto()), "no tensor, but nothing"),
    "an opset to come": (with_opset(999), "uses opset 999"),
    "an opset of the past": (with_opset(2), "uses opset 2"),
    "a function that calls itself": (calling(("f", ["f"])), "'f' calls itself"),
    "functions in a circle": (calling(("f", ["g"]), ("g", ["f"])), "calls itself"),
    "functions that double": (
        calling(("f0", ["Relu"]), *(doubling(f"f{n}", f"f{n - 1}") for n in range(1, 60))),
        "nodes, more than",
    ),
    "no output": (with_graph(lambda g: g.ClearField("output")), "no graph with outputs"),
    "nothing at all": (onnx.ModelProto(), "no graph with outputs"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_what_and_where(name, tmp_path, capsys):
    model, part = REFUSED[name]
    path = saved(tmp_path, model)
    with pytest.raises(MatbridgeError) as caught:
        matbridge.load(path)
    assert part in str(caught.value)
    assert caught.value.where.startswith("net.onnx")
    assert run(["inspect", str(path)]) in (3, 4)
    shown = capsys.readouterr().err
    assert part in " ".join(shown.split())
    assert "Traceback" not in shown


def varint(n):
    out = []
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def deep(payload, number, times):
    for _ in range(times):
        payload = field(number, payload)
    return payload


def nested_graphs(times):
    """A node with a graph with a node with a graph ..."""
    payload = field(1, b"")
    for _ in range(times):
        payload = field(1, field(5, field(6, payload)))
    return payload


NODES = 1_500_000
BOMBS = {
    "millions of empty nodes": (field(7, field(1, b"") * NODES), "too many"),
    "millions of empty arrays": (field(7, field(5, b"") * NODES), "too many"),
    "nodes beyond any network": (field(7, field(1, b"") * 300_000), "more than 200,000"),
    "millions of small numbers": (
        field(7, field(5, field(7, b"\x01" * (20 << 20)))),
        "more than 256 MiB",
    ),
    "graphs in graphs": (field(7, nested_graphs(60)), "deep in each other"),
    "cut off": (field(7, field(1, field(4, b"Relu")))[:-2], "cut off"),
    "a number that goes on": (b"\xff" * 30, "cut off"),
    "a field of no type": (b"\x0b\x0b", "has a field of type 3"),
    "an empty file": (b"", "no graph with outputs"),
    "text": (b"hello, I am no model", "is no ONNX model"),
    "a MAT-file": (b"MATLAB 5.0 MAT-file" + b" " * 200, "is no ONNX model"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_do_not_go_off(name, tmp_path):
    data, part = BOMBS[name]
    path = tmp_path / "bomb.onnx"
    path.write_bytes(data)
    before = peak()
    with pytest.raises(FormatError) as caught:
        matbridge.load(path, max_size=256 << 20)
    assert part in str(caught.value)
    used = peak() - before
    assert used * (1 if sys.platform == "darwin" else 1024) < 512 << 20


def test_a_large_file_is_not_read(tmp_path):
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(FormatError, match="no ONNX model can have more than"):
        matbridge.load(path)
    with pytest.raises(FormatError, match="would take more than 1 MiB"):
        matbridge.load(path, max_size=1 << 20) if path.stat().st_size < 2 << 30 else matbridge.load(
            saved(tmp_path, chain(arrays={"W": np.ones((600_000, 2), np.float32)})),
            max_size=1 << 20,
        )


# -- external data -------------------------------------------------------------------------------


def external(location, offset=None, length=None):
    model = chain()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    told = {"location": location, "offset": offset, "length": length}
    for key, value in told.items():
        if value is not None:
            tensor.external_data.add(key=key, value=str(value))
    return model


@pytest.fixture
def beside(tmp_path):
    """A folder that is allowed, with a file of 8 bytes and then W, and a secret outside."""
    folder = tmp_path / "data"
    (folder / "inner").mkdir(parents=True)
    (folder / "w.bin").write_bytes(b"8 bytes." + W.tobytes())
    (folder / "inner" / "w.bin").write_bytes(W.tobytes())
    (tmp_path / "secret").write_bytes(b"s" * 100)
    return folder


def test_external_data_are_refused_without_leave(tmp_path, beside, capsys):
    path = saved(tmp_path, external("w.bin", 8, 24))
    with pytest.raises(UnsupportedError, match="stands in another file, 'w.bin'"):
        matbridge.load(path)
    assert run(["inspect", str(path)]) == 4
    assert "--allow-external-data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("location", "offset", "length"),
    [
        ("w.bin", 8, 24),
        ("w.bin", 8, None),
        ("inner/w.bin", None, None),
        ("./inner/../w.bin", 8, 24),
    ],
)
def test_external_data_inside_the_folder(location, offset, length, tmp_path, beside, capsys):
    path = saved(tmp_path, external(location, offset, length))
    network = matbridge.load(path, allow_external_data=beside)
    np.testing.assert_array_equal(network.layers[-1].arrays["Weights"], W.T)
    for command in (["inspect"], ["convert", "-o", str(tmp_path / "net.safetensors")]):
        options = ["--allow-external-data", str(beside)]
        assert run([*command, str(path), *options]) == 0, capsys.readouterr().err


OUTSIDE = "is not in the folder"


@pytest.mark.parametrize(
    ("location", "offset", "length", "part"),
    [
        ("../secret", None, None, OUTSIDE),
        ("inner/../../secret", None, None, OUTSIDE),
        ("/etc/passwd", None, None, OUTSIDE),
        ("link", None, None, OUTSIDE),
        ("linked/secret", None, None, OUTSIDE),
        ("", None, None, OUTSIDE),
        (".", None, None, OUTSIDE),
        ("w\0.bin", None, None, OUTSIDE),
        ("absent.bin", None, None, "cannot be opened"),
        ("inner", None, None, "a folder"),
        ("w.bin", 9, 24, "has 32 bytes, but the array stands at 9 to 33"),
        ("w.bin", 2**60, 24, "but the array stands at"),
        ("w.bin", -8, 24, "offset of the array in another file is '-8', no number"),
        ("w.bin", "1e3", 24, "no number"),
        ("w.bin", 0, 32, "the array has 24 bytes, but 32 in 'w.bin'"),
        ("w.bin", 0, 2**60, "the array has 24 bytes, but"),
        ("w.bin", 2**70, 24, "no number"),
    ],
)
def test_external_data_are_contained(location, offset, length, part, tmp_path, beside):
    (beside / "link").symlink_to(tmp_path / "secret")
    (beside / "linked").symlink_to(tmp_path)
    path = saved(tmp_path, external(location, offset, length))
    with pytest.raises(MatbridgeError) as caught:
        matbridge.load(path, allow_external_data=beside)
    assert part in str(caught.value)
    assert "array 'W'" in caught.value.where


def test_one_region_for_many_arrays_is_counted_each_time(tmp_path, beside):
    """A file of a gigabyte that a thousand arrays name would take a terabyte."""
    model = external("w.bin", 8, 24)
    for number in range(100):
        tensor = model.graph.initializer.add()
        tensor.CopyFrom(model.graph.initializer[0])
        tensor.name = f"more{number}"
    with pytest.raises(FormatError, match="in other files take more than 0 MiB"):
        read_within(saved(tmp_path, model), beside, 30_000)
    assert read_within(saved(tmp_path, external("w.bin", 8, 24)), beside, 30_000)


def read_within(path, folder, limit):
    from matbridge.core.contents import Reading
    from matbridge.onnx.file import read_model
    from matbridge.onnx.tensors import ExternalData, Tensors

    tensors = Tensors(ExternalData(folder, 1000))
    model = read_model(path, Reading(max_size=1 << 20).max_size)
    return [tensors.array(tensor) for tensor in model.graph.initializer]


# -- numbers in every form -----------------------------------------------------------------------

FORMS = [np.float32, np.float64, np.float16, np.int64, np.int32, np.int8, np.uint8, np.bool_]
FORMS += [np.uint64, np.uint32, np.int16, np.uint16]


@pytest.mark.parametrize("dtype", FORMS)
@pytest.mark.parametrize("raw", [True, False])
def test_arrays_of_every_type_in_both_forms(dtype, raw):
    from matbridge.onnx.tensors import ExternalData, Tensors

    array = np.array([[0, 1, 3], [5, 100, 1]]).astype(dtype)
    tensor = helper.make_tensor(
        "t",
        helper.np_dtype_to_tensor_dtype(array.dtype),
        array.shape,
        array.tobytes() if raw else array.reshape(-1),
        raw=raw,
    )
    read = Tensors(ExternalData(None, 0)).array(tensor)
    np.testing.assert_array_equal(read, numpy_helper.to_array(tensor))
    assert read.dtype == dtype
    assert not read.flags.writeable


def test_numbers_outside_their_type():
    from matbridge.onnx.tensors import ExternalData, Tensors

    tensor = TensorProto(name="t", dims=[1], data_type=TensorProto.INT8, int32_data=[300])
    with pytest.raises(FormatError, match="numbers that are no int8"):
        Tensors(ExternalData(None, 0)).array(tensor)


@pytest.mark.parametrize("version", [0, -1, 2**31, 2**62])
def test_versions_beyond_any_are_no_traceback(version, tmp_path):
    """Of the format and of the operators of others; those of ONNX's own are refused."""
    model = chain()
    model.ir_version = version
    model.opset_import.append(helper.make_opsetid("com.odd", version))
    assert matbridge.load(saved(tmp_path, model)).runnable
    model.opset_import[0].version = version
    with pytest.raises(MatbridgeError):
        matbridge.load(saved(tmp_path, model))


def test_class_names_of_what_has_no_channels(tmp_path):
    """A file that says it is ours, with names for an output without C."""
    nodes = [helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)]
    model = model_of(nodes=nodes, inputs={"x": ["N", 3]}, outputs={"y": []}, arrays={})
    model.producer_name = "matbridge"
    helper.set_model_props(model, {"classes": '["a", "b"]', "matbridge.classes": '["a", "b"]'})
    network = matbridge.load(saved(tmp_path, model))
    assert not any(layer.IS_OUTPUT for layer in network.layers)


def test_deep_graphs_are_no_recursion(tmp_path):
    """A chain longer than Python's stack."""
    nodes = [helper.make_node("Relu", [f"t{n}"], [f"t{n + 1}"]) for n in range(3000)]
    network = matbridge.load(saved(tmp_path, model_of(nodes, {"t0": [1, 3]}, {"t3000": [1, 3]})))
    assert len(network) == 3001


def test_nothing_reaches_the_terminal_unescaped(tmp_path, capsys):
    nodes = [helper.make_node("\x1b[31mOdd", ["x"], ["y"], name="\x1b]0;title\x07")]
    path = saved(tmp_path, chain(nodes=nodes))
    run(["inspect", str(path)])
    shown = capsys.readouterr()
    assert "\x1b]0" not in shown.out + shown.err
    assert "\x1b[31mO" not in shown.out + shown.err


def test_reading_starts_no_process_and_needs_no_onnxruntime(tmp_path):
    path = saved(tmp_path, chain())
    code = (
        f"import sys, matbridge; matbridge.load({str(path)!r}); print('onnxruntime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


BIG = np.array([10**5, 10**5])
ONE = np.ones((1, 1), np.float32)
# Nodes that make a large constant of a small one, by their inputs and the constants among them.
GREEDY = {
    "ConstantOfShape": (["s"], {"s": BIG}),
    "Expand": (["o", "s"], {"o": ONE, "s": BIG}),
    "Tile": (["o", "s"], {"o": ONE, "s": BIG}),
    "Range": (["a", "b", "a1"], {"a": np.int64(0), "b": np.int64(10**10), "a1": np.int64(1)}),
    "Pad": (["o", "p"], {"o": ONE, "p": np.array([10**5] * 4)}),
    "MatMul": (["c", "r"], {"c": np.ones((10**5, 1)), "r": np.ones((1, 10**5))}),
    "Mul": (["c", "r"], {"c": np.ones((10**5, 1)), "r": np.ones((1, 10**5))}),
}


@pytest.mark.parametrize("operator", GREEDY)
def test_constants_do_not_grow_without_bound(operator, tmp_path):
    inputs, arrays = GREEDY[operator]
    arrays = {n: a.astype(np.float32) if a.dtype == np.float64 else a for n, a in arrays.items()}
    nodes = [
        helper.make_node(operator, inputs, ["large"]),
        helper.make_node("ReduceSum", ["large"], ["sum"]),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    path = saved(tmp_path, model_of(nodes, {"x": ["N", 3]}, {"y": ["N", 3]}, arrays))
    before = peak()
    network = matbridge.load(path)
    assert not network.runnable
    used = peak() - before
    assert used * (1 if sys.platform == "darwin" else 1024) < 512 << 20


def test_what_cannot_be_read_is_listed_whole(tmp_path, capsys):
    """Every operator, its node and why; not the first alone."""
    inner = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["i"])],
        "inner",
        [],
        [helper.make_tensor_value_info("i", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("Novel", ["x"], ["a"], name="first", domain="com.mathworks"),
        helper.make_node("Relu", ["a"], ["b"], name="known"),
        helper.make_node(
            "If", ["flag"], ["c"], name="branch", then_branch=inner, else_branch=inner
        ),
        helper.make_node("Concat", ["b"], ["d"], name="no_axis"),
        helper.make_node("Sum", ["d", "c"], ["y"], name="last"),
    ]
    model = model_of(nodes, {"x": ["N", 3], "flag": []}, {"y": ["N", 3]})
    network = matbridge.load(saved(tmp_path, model))
    told = {problem.where: problem.what for problem in network.report if problem.level == "error"}
    assert {"first", "branch", "no_axis"} <= set(told)
    assert "Novel cannot be read" in told["first"]
    assert "graphs of its own: else_branch, then_branch" in told["branch"]
    assert "Required attribute 'axis' is missing" in told["no_axis"]
    assert run(["inspect", str(tmp_path / "net.onnx")]) == 4
    shown = capsys.readouterr().out
    assert all(name in shown for name in told)


@pytest.mark.parametrize("transform", ["half_pixel", "asymmetric"])
def test_a_resize_to_billions_takes_no_memory_to_read(transform, tmp_path):
    """Whether roundings differ is worked out, not tried at each of its places."""
    options = {"coordinate_transformation_mode": transform, "nearest_mode": "round_prefer_floor"}
    node = helper.make_node("Resize", ["x", "", "s"], ["y"], **options)
    arrays = {"s": np.array([1, 1, 1e11, 1e11], np.float32)}
    before = peak()
    path = saved(tmp_path, model_of([node], {"x": ["N", 3, 4, 4]}, {"y": None}, arrays))
    assert matbridge.load(path).layers
    used = peak() - before
    assert used * (1 if sys.platform == "darwin" else 1024) < 512 << 20
