"""The networks in fixtures/, end to end: read, run, written in every language.

What they must give comes from the NumPy reference, also for other batches and lengths than
those in the files.
"""

import dataclasses

import literature
import make_fixtures
import numpy as np
import onnxruntime
import pytest
import torch
from helpers import EXACT, SINGLE, assert_close, batch_first_array

import matbridge
from matbridge.core.dims import batch_first, canonical, reorder
from matbridge.matlab.file import open_mat, read_mat
from matbridge.matlab.file.values import Cell
from matbridge.matlab.file.write import write_mat
from matbridge.onnx.write import to_onnx
from matbridge.safetensors.write import save_safetensors
from matbridge.torch.program import export_program, save_program

NAMES = list(make_fixtures.FIXTURES)
ALL = pytest.mark.parametrize("name", NAMES)
SIZES = [(1, 4), (3, 4), (1, 9), (3, 9)]


@pytest.fixture(scope="module")
def made():
    return {name: make_fixtures.make(name) for name in NAMES}


@pytest.fixture(scope="module")
def networks(fixtures):
    return {name: matbridge.load(fixtures / f"{name}.mat") for name in NAMES}


def inputs_of(network, formats, N, T, seed=0):
    """Labelled inputs of N observations and T steps."""
    draw = np.random.default_rng(seed)
    found = []
    for name, format in zip(network.input_names, formats, strict=True):
        free = {"B": N, "T": T}
        sizes = network[name].infer().sizes
        shape = [free.get(a, n) for a, n in zip(format, sizes, strict=True)]
        found.append(draw.standard_normal(shape))
    return found


def batch_first_inputs(inputs, formats):
    return [batch_first_array(x, f) for x, f in zip(inputs, formats, strict=True)]


def in_batch_order(y):
    """A labelled result of the reference, CB, CBT or SSCB, batch first."""
    format = {2: "CB", 3: "CBT", 4: "SSCB"}[y.ndim]
    return reorder(y, format, batch_first(format))


def parts(value):
    """The arrays of a cell or a list, or the one array."""
    return list(value) if isinstance(value, Cell | list) else [value]


@ALL
def test_the_file_is_what_the_script_makes(name, made, fixtures, tmp_path):
    path = tmp_path / "again.mat"
    version = make_fixtures.FIXTURES[name][1]
    variables = {"net": made[name].network, **made[name].variables}
    write_mat(path, variables, version, make_fixtures.CREATED)
    assert open_mat(path).header == dataclasses.replace(
        open_mat(fixtures / f"{name}.mat").header, subsystem=open_mat(path).header.subsystem
    )
    found, kept = read_mat(path, ["Y"]), read_mat(fixtures / f"{name}.mat", ["Y"])
    for one, other in zip(parts(found["Y"]), parts(kept["Y"]), strict=True):
        assert np.array_equal(one, other)


@ALL
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", EXACT), ("float32", SINGLE)])
def test_predict_as_matlab_gives_it(name, networks, fixtures, dtype, tolerance):
    data = read_mat(fixtures / f"{name}.mat")
    inputs = [data[key] for key in sorted(data) if key.startswith("X")]
    found = networks[name].predict(*inputs, dtype=dtype)
    for y, expected in zip(parts(found), parts(data["Y"]), strict=True):
        assert_close(y, expected, tolerance)


@pytest.mark.parametrize("name", [network.__name__ for network in literature.NETWORKS])
def test_built_from_layers(name, made, networks):
    """What the file gives back is what the layers in Python are."""
    built, read = made[name].built, networks[name]
    assert [type(one) for one in built.layers] == [type(one) for one in read.layers]
    assert {(c.source, c.destination) for c in built.connections} == {
        (c.source, c.destination) for c in read.connections
    }
    inputs = inputs_of(built, made[name].formats, 2, 11, seed=7)
    expected = made[name].reference(*inputs)
    found = built.predict(*inputs, format=made[name].formats, dtype="float64")
    assert_close(found.reshape(expected.shape), expected)


@ALL
@pytest.mark.parametrize(("N", "T"), SIZES)
def test_predict_other_sizes(name, N, T, networks, made):
    inputs = inputs_of(networks[name], made[name].formats, N, T)
    expected = made[name].reference(*inputs)
    found = networks[name].predict(*inputs, format=made[name].formats, dtype="float64")
    assert_close(found.reshape(expected.shape), expected)


@ALL
@pytest.mark.parametrize(("N", "T"), SIZES)
def test_the_torch_module_is_batch_first(name, N, T, networks, made):
    inputs = inputs_of(networks[name], made[name].formats, N, T)
    module = networks[name].to_torch()
    tensors = map(torch.from_numpy, batch_first_inputs(inputs, made[name].formats))
    expected = in_batch_order(made[name].reference(*inputs))
    found = module(*tensors).detach().numpy().reshape(expected.shape)
    assert_close(found, expected, 20 * SINGLE)


@pytest.fixture(scope="module")
def sessions(networks):
    return {
        name: onnxruntime.InferenceSession(to_onnx(network).SerializeToString())
        for name, network in networks.items()
    }


@ALL
@pytest.mark.parametrize(("N", "T"), SIZES)
def test_onnx_in_onnxruntime(name, N, T, networks, made, sessions):
    inputs = inputs_of(networks[name], made[name].formats, N, T)
    fed = batch_first_inputs(inputs, made[name].formats)
    (found,) = sessions[name].run(None, dict(zip(networks[name].input_names, fed, strict=True)))
    expected = in_batch_order(made[name].reference(*inputs))
    assert_close(found.reshape(expected.shape), expected, 20 * SINGLE)


@pytest.fixture(scope="module")
def programs(networks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    loaded = {}
    for name, network in networks.items():
        save_program(export_program(network), folder / f"{name}.pt2")
        loaded[name] = torch.export.load(folder / f"{name}.pt2").module()
    return loaded


@ALL
@pytest.mark.parametrize(("N", "T"), SIZES)
def test_the_program(name, N, T, networks, made, programs):
    inputs = inputs_of(networks[name], made[name].formats, N, T)
    tensors = map(torch.from_numpy, batch_first_inputs(inputs, made[name].formats))
    expected = in_batch_order(made[name].reference(*inputs))
    found = programs[name](*tensors).detach().numpy().reshape(expected.shape)
    assert_close(found, expected, 20 * SINGLE)


@ALL
def test_safetensors_come_back_identical(name, networks, tmp_path):
    path = tmp_path / "net.safetensors"
    save_safetensors(networks[name], path)
    back = matbridge.load(path)
    assert back.connections == networks[name].connections
    for before, after in zip(networks[name].layers, back.layers, strict=True):
        assert type(before) is type(after)
        assert list(before.arrays) == list(after.arrays)
        for key, array in before.arrays.items():
            assert array.dtype == after.arrays[key].dtype
            assert np.array_equal(array, after.arrays[key])
        for field in before.properties():
            assert getattr(before, field) == getattr(after, field)


def test_canonical_order_of_reference_formats(made):
    assert all(canonical(f) == f for fixture in made.values() for f in fixture.formats)
