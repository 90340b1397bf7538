"""What fuzz.py attacks: each target makes a mutant by a random.Random and reads it."""

from __future__ import annotations

import functools
import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mutators
import numpy as np

import matbridge
from matbridge.core.network import Provenance
from matbridge.core.registry import Registry
from matbridge.inspect.summary import summarize, summarize_network
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import Cell, MatObject, ObjectArray, StructArray
from matbridge.matlab.find import find_networks, is_object
from matbridge.matlab.objects import read_network
from matbridge.matlab.weights import is_weights, read_weights

__all__ = ["TARGETS"]

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
LIMIT = 64 << 20
# Larger fixtures would take the time of ten smaller ones.
SMALL = 30_000

Target = Callable[[random.Random, Path], None]


@functools.cache
def seeds(version: bytes) -> tuple[bytes, ...]:
    """The fixtures of a version, in order of their names."""
    files = (path.read_bytes() for path in sorted(FIXTURES.glob("*.mat")))
    found = [data for data in files if data.startswith(b"MATLAB " + version)]
    return tuple(data for data in found if len(data) < SMALL) or tuple(found)


@functools.cache
def small_hdf5() -> tuple[bytes, ...]:
    """v7.3 files of few objects, which are read in a tenth of the time."""
    import tempfile

    from matbridge.matlab.file.write import write_mat

    def layer(kind: str, **saved: Any) -> MatObject:
        return MatObject(f"nnet.cnn.layer.{kind}Layer", {"any": saved}, saveobj=True)

    layers = [layer("ReLU", Name="a"), layer("Scaling", Name="b", Scale=np.ones((1, 1)))]
    array = ObjectArray(layers, (2, 1), "nnet.cnn.layer.Layer")
    values: list[Any] = [
        {"net": MatObject("SeriesNetwork", {"any": {"Layers": array}}, saveobj=True)},
        {"x": Cell(["text", {"a": np.ones((2, 2)), "b": Cell([1.0, "c"])}], (1, 2))},
        {"s": StructArray([{"a": "1"}, {"a": "2"}], (1, 2)), "e": np.zeros((0, 3)), "t": {}},
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.mat"
        found = []
        for value in values:
            write_mat(path, value, "v7.3", "now")
            found.append(path.read_bytes())
    return tuple(found)


@functools.cache
def networks() -> tuple[Any, ...]:
    """The network objects of the small fixtures, as plain values."""
    paths = [path for path in sorted(FIXTURES.glob("*.mat")) if path.stat().st_size < SMALL]
    return tuple(next(iter(read_mat(path, ["net"]).values())) for path in paths)


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def mat_file(version: bytes, mutate: Callable[[bytes, random.Random], bytes]) -> Target:
    """A MAT-file, its networks and all that inspect tells of them."""

    def run(draw: random.Random, folder: Path) -> None:
        chosen = seeds(version)
        if version == b"7.3" and draw.random() < 0.9:
            chosen = small_hdf5()
        path = written(folder, "mutant.mat", mutate(draw.choice(chosen), draw))
        contents = read_contents(path, max_size=LIMIT)
        json.dumps(summarize(contents))
        for error in (*contents.failures.values(), *contents.lost.values()):
            raise error

    return run


@contextmanager
def damaged(value: Any, draw: random.Random) -> Iterator[None]:
    """One or more places inside hold odd values; afterwards what they held before."""
    found = list(mutators.places(value))
    chosen = [draw.choice(found) for _ in range(draw.choice([1, 1, 1, 2, 3]))]
    before = [(inside, key, inside[key]) for inside, key in chosen]
    try:
        for inside, key in chosen:
            inside[key] = mutators.odd_value(draw)
        yield
    finally:
        for inside, key, old in reversed(before):
            inside[key] = old


def properties(draw: random.Random, folder: Path) -> None:
    """Saved objects whose properties are of another kind."""
    value, registry = draw.choice(networks()), Registry.builtin()
    with damaged(value, draw):
        for found in find_networks(Cell([value]), "net", registry):
            if is_object(found.value):
                network = read_network(found.value, registry, Provenance("f", found.address))
                json.dumps(summarize_network(network, found.address))


def exported(network: Any) -> Any:
    """A plain export of a network: a cell of structs."""
    saved = network.saved
    graph = saved.get("LayerGraph")
    inner = graph.saved if isinstance(graph, MatObject) else saved
    layers = inner["Layers"]
    items = layers if isinstance(layers, ObjectArray) else [layers]
    cell = Cell([{"Class": one.class_name, **one.saved} for one in items])
    return {"Layers": cell, "Connections": inner["Connections"]} if "Connections" in inner else cell


@functools.cache
def exports() -> tuple[Any, ...]:
    return tuple(exported(network) for network in networks())


def weights(draw: random.Random, folder: Path) -> None:
    """Plain exports whose fields are of another kind."""
    value, registry = draw.choice(exports()), Registry.builtin()
    with damaged(value, draw):
        shown = value
        if isinstance(value, Cell) and all(isinstance(one, dict) for one in value):
            shown = StructArray(value, value.shape)
        for one in (value, shown):
            if is_weights(one, registry):
                network = read_weights(one, registry, Provenance("f", "net"))
                json.dumps(summarize_network(network, "net"))


@functools.cache
def data_seeds() -> dict[str, bytes]:
    import io

    files = {"csv": b"a,b,c\n1,2,3\n4,5.5,-6e7\n", "labels.csv": b"cat\ndog\ncat\n"}
    for name, array in {"npy": np.ones((2, 3)), "labels.npy": np.array(["a", "b"])}.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        files[name] = buffer.getvalue()
    for name, save in {"npz": np.savez, "small.npz": np.savez_compressed}.items():
        buffer = io.BytesIO()
        save(buffer, x=np.ones((2, 3)), y=np.arange(3))
        files[name] = buffer.getvalue()
    return files


def data_files(draw: random.Random, folder: Path) -> None:
    """.npy, .npz and .csv."""
    from matbridge.predict.data import read_data, write_data

    name = draw.choice(list(data_seeds()))
    kind = name.rpartition(".")[2]
    mutate = {"csv": mutators.table, "npy": mutators.numpy_file, "npz": mutators.any_bytes}[kind]
    path = written(folder, f"mutant.{kind}", mutate(data_seeds()[name], draw))
    found = read_data(f"{path}{':x' if kind == 'npz' else ''}", LIMIT)
    write_data(found, folder / f"out.{draw.choice(['mat', 'npy', 'npz', 'csv'])}", "Y")


FUNCTIONS = (
    "sum max min size zeros ones reshape permute cat repmat mean dlarray std var mod fix abs exp "
    "sqrt tanh squeeze numel isnan any all sort linspace"
).split()
OPERATORS = "+ - * .* / ./ ^ .^ == ~= < >= & | && || : '".split()
ATOMS = "x x x y 1 2.5 -1 0 1e9 inf end : [] 'a' pi true".split()


def expression(draw: random.Random, depth: int) -> str:
    """A text that is mostly well formed."""
    if depth == 0:
        return draw.choice(ATOMS)

    def inner() -> str:
        return expression(draw, draw.randrange(depth))

    def several() -> str:
        return ", ".join(inner() for _ in range(draw.choice([1, 1, 2, 3])))

    return draw.choice(
        [
            lambda: f"({inner()}{draw.choice(OPERATORS)}{inner()})",
            lambda: f"{draw.choice(FUNCTIONS)}({several()})",
            lambda: f"x({several()})",
            lambda: f"[{draw.choice([',', ';', ' ']).join(inner() for _ in range(3))}]",
            lambda: f"{inner()}.{chr(39)}",
            lambda: draw.choice("-~+") * draw.choice([1, 2, 3000]) + inner(),
        ]
    )()


def handles(draw: random.Random, folder: Path) -> None:
    """The text of function handles, run on a small array."""
    from matbridge.matlab import featureInputLayer, functionLayer

    text = draw.choice(["@(x)", "@(x)", "@(x)", "@(varargin)", "@(x,y)"])
    text += expression(draw, draw.choice([1, 2, 3, 4]))
    if draw.random() < 0.2:
        at = draw.randrange(len(text))
        text = text[:at] + draw.choice(["", "(", "{", "%", "é", "\0", "@", "..."]) + text[at + 1 :]
    network = matbridge.Network.of([featureInputLayer(3), functionLayer(text)])
    network.predict(np.ones((2, 3)))


ODD_ARRAYS: tuple[Callable[[], Any], ...] = (
    lambda: np.ones((2, 2), ">f8"),
    lambda: np.ones((2, 2), "longdouble"),
    lambda: np.ones((2, 2), "f2"),
    lambda: np.ones((2, 2), "c16"),
    lambda: np.ones((2, 2), "?"),
    lambda: np.array(["a", "b"]),
    lambda: np.array([None, {}], object),
    lambda: np.zeros((0, 3)),
    lambda: np.float64(3),
    lambda: np.ones((1,) * 9),
    lambda: np.full((3, 4), np.nan),
    lambda: np.array(["2020-01-01"], "M8[s]"),
    lambda: np.ones(3, [("a", "f8")]),
    lambda: np.broadcast_to(np.ones(1), (3, 4, 2)),
    lambda: None,
    lambda: "text",
    list,
    lambda: [[1, 2], [3]],
    lambda: [np.ones((3, 2)), np.ones((3, 5))],
    lambda: [np.ones((3, 2)), np.ones((4, 5))],
    lambda: [np.ones((3, 0))],
    lambda: {"in": 1},
    lambda: Cell([np.ones((3, 2)), "x"]),
    lambda: (i for i in range(3)),
    lambda: 3,
)


@functools.cache
def small_networks() -> tuple[Any, ...]:
    names = ("cnn", "lstm_classifier", "dag", "sequence_to_sequence")
    return tuple(matbridge.load(FIXTURES / f"{name}.mat") for name in names)


SHAPES = {"S": 8, "C": 3, "B": 2, "T": 5, "U": 2}


def natural(network: Any) -> Any:
    """Arrays that the network takes, one for each of its input layers."""
    arrays = []
    for layer in network.input_layers.values():
        size = layer.infer()
        pairs = zip(size.format, size.sizes, strict=True)
        arrays.append(np.ones([SHAPES[label] if n is None else n for label, n in pairs]))
    return arrays


KINDS = [">f8", "f2", "f4", "longdouble", "c16", "?", "i1", "U", "O", "S"]


def bent(array: np.ndarray, draw: random.Random) -> Any:
    """What the network takes, of another kind, size or order."""
    kinds: list[Callable[[], Any]] = [
        lambda: array,
        lambda: array.astype(draw.choice(KINDS)),
        lambda: array[..., : draw.randrange(array.shape[-1] + 1)],
        lambda: array[draw.randrange(array.shape[0]) :],
        lambda: array.T,
        lambda: array * np.nan,
        lambda: [array[:, 0, :], array[:, 0, : draw.randrange(4)]] if array.ndim == 3 else [array],
        lambda: array[None],
        lambda: array.tolist(),
    ]
    return draw.choice(kinds)()


def inputs(draw: random.Random, folder: Path) -> None:
    """What predict is given."""
    network = draw.choice(small_networks())
    given = natural(network)
    if draw.random() < 0.3:
        given[draw.randrange(len(given))] = draw.choice(ODD_ARRAYS)()
    else:
        given = [bent(array, draw) for array in given]
    format = draw.choice([None, None, None, "CBT", "TCB", "SSCB", "BC", "??", "", "CC"])
    network.predict(*given, format=format)


def safetensors(draw: random.Random, folder: Path) -> None:
    """The graph and the tensors of a safetensors file of ours."""
    sys.path.append(str(ROOT / "tests"))
    import mutants

    data = safetensors_seed(draw.choice(["cnn", "lstm_classifier", "dag"]), folder)
    path = written(folder, "mutant.safetensors", mutants.mutant(data, draw.randrange(2**32)))
    json.dumps(summarize_network(matbridge.load(path), "net"))


@functools.cache
def safetensors_seed(name: str, folder: Path) -> bytes:
    from matbridge.safetensors.write import save_safetensors

    path = folder / "sound.safetensors"
    save_safetensors(matbridge.load(FIXTURES / f"{name}.mat"), path)
    return path.read_bytes()


def onnx(draw: random.Random, folder: Path) -> None:
    """ONNX files: read, shown, and run where they are small."""
    import messages

    path = written(folder, "mutant.onnx", messages.onnx_model(draw.choice(onnx_seeds()), draw))
    network = matbridge.load(path, max_size=LIMIT)
    json.dumps(summarize_network(network, "net"))
    entering = [layer.infer() for layer in network.input_layers.values()]
    if network.runnable and all(small(size) for size in entering):
        network.predict(*natural(network), format=[size.format for size in entering])


def small(size: Any) -> bool:
    known = [float(n) for n in size.sizes if n is not None]
    return bool(np.prod(known) < 10_000)


@functools.cache
def onnx_seeds() -> tuple[bytes, ...]:
    import messages

    return messages.seeds(FIXTURES)


def fixtures(draw: random.Random, folder: Path) -> None:
    """Fixtures with damaged bytes, or whose variables and fields hold odd values."""
    from matbridge.matlab.file.write import write_mat
    from matbridge.verify.fixtures.read import read_fixture

    network, variables, data = draw.choice(fixture_seeds())
    path = folder / "mutant.mat"
    if draw.random() < 0.5:
        path.write_bytes(mutators.level5(data, draw))
    else:
        try:
            with damaged(variables, draw):
                write_mat(path, variables)
        except (AttributeError, TypeError, ValueError):
            return  # not every odd value can stand in a file
    fixture = read_fixture(path, LIMIT)
    dict(fixture.activations)
    case = fixture.case(network)
    if all(small_value(value) for value in case.inputs):
        case.run()


def small_value(value: Any) -> bool:
    arrays = value if isinstance(value, list) else [value]
    return all(np.size(array) < 10_000 for array in arrays) and not isinstance(value, int)


@functools.cache
def fixture_seeds() -> tuple[Any, ...]:
    """Networks, with the variables and the bytes of a fixture of each."""
    import tempfile

    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cnn", "lstm_classifier", "sequence_to_sequence"):
            network, path = matbridge.load(FIXTURES / f"{name}.mat"), Path(folder) / f"{name}.mat"
            matbridge.record(network, to=path, layers="all")
            found.append((network, read_mat(path), path.read_bytes()))
    return tuple(found)


TARGETS: dict[str, Target] = {
    "level5": mat_file(b"5.0", mutators.level5),
    "objects": mat_file(b"5.0", mutators.objects),
    "hdf5": mat_file(b"7.3", mutators.hdf5),
    "properties": properties,
    "weights": weights,
    "data_files": data_files,
    "handles": handles,
    "inputs": inputs,
    "fixtures": fixtures,
    "safetensors": safetensors,
    "onnx": onnx,
}
