"""torch.export programs of every layer: saved, loaded without matbridge's help, any size.

What they must give is in examples.py; for other numbers of observations and time steps it is
what the module gives, which the same examples judge.
"""

import zipfile

import numpy as np
import pytest
import torch
from examples import EXAMPLES
from helpers import SINGLE, assert_close, batch_first_array, layer
from shallow_nets import network as shallow
from test_examples import made, network_of

import matbridge
from matbridge import Network
from matbridge.core.dims import batch_first, reorder
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    ProcessStep,
    ShallowStructure,
    WeightPart,
)
from matbridge.torch.program import export_program, save_program


def key(example):
    return example.builder, example.inputs[0][0], example.named.get("OutputMode")


# One example of each layer and format.
CHOSEN = [
    e
    for i, e in enumerate(EXAMPLES)
    if key(e) not in {key(b) for b in EXAMPLES[:i]}
    if not np.iscomplexobj(e.inputs[0][1])
]


def loaded(network, folder):
    path = folder / "net.pt2"
    save_program(export_program(network), path)
    return torch.export.load(path).module()


def as_tensors(inputs):
    return [torch.tensor(batch_first_array(x, format)) for format, x in inputs]


def as_tuple(found):
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("example", CHOSEN, ids=[f"{e.builder}-{i}" for i, e in enumerate(CHOSEN)])
def test_the_program_of_a_layer(example, tmp_path):
    network = network_of(made(example), example.inputs)
    program = loaded(network, tmp_path)
    sizes = network.infer()
    for y, port, expected in zip(
        as_tuple(program(*as_tensors(example.inputs))),
        network.outputs,
        example.outputs,
        strict=True,
    ):
        format = sizes[port].format
        assert_close(y.numpy(), reorder(expected, format, batch_first(format)), 100 * SINGLE)


@pytest.mark.parametrize("name", ["peephole_lstm", "cnn_bilstm"])
def test_the_archive_tells_nothing_of_this_machine(name, fixtures, tmp_path):
    """No paths, and the same bytes again, but for torch's own number of the archive."""
    contents = []
    for i in range(2):
        path = tmp_path / f"{i}.pt2"
        save_program(export_program(matbridge.load(fixtures / f"{name}.mat")), path)
        with zipfile.ZipFile(path) as archive:
            contents.append({n: archive.read(n) for n in archive.namelist()})
    assert not any(b"matbridge" in data or b".py" in data for data in contents[0].values())
    differ = {n for n, data in contents[0].items() if data != contents[1][n]}
    assert all("serialization_id" in n for n in differ)


RECURRENT = {
    "lstmLayer": {"StateActivationFunction": "softsign"},
    "bilstmLayer": {"GateActivationFunction": "hard-sigmoid"},
    "gruLayer": {"ResetGateMode": "before-multiplication"},
    "peepholeLSTMLayer": {},
}


@pytest.mark.parametrize("units", [1, 4])
@pytest.mark.parametrize("builder", RECURRENT)
def test_a_loop_takes_any_number_of_steps(builder, units, tmp_path):
    draw = np.random.default_rng(0).standard_normal
    bare = layer(builder, units, **RECURRENT[builder])
    rows = bare.DIRECTIONS * len(bare.GATES) * units
    sizes = {
        "InputWeights": (rows, 3),
        "RecurrentWeights": (rows, units),
        "Bias": (rows, 1),
        "PeepholeWeights": (3 * units, 1),
    }
    arrays = {a.name: draw(sizes[a.name]) for a in bare.declared if a.name in sizes}
    network = Network.of(
        [layer("sequenceInputLayer", 3), layer(builder, units, **RECURRENT[builder], **arrays)]
    )
    program, module = loaded(network, tmp_path), network.to_torch()
    for N, T in ((1, 1), (1, 9), (4, 2), (3, 40)):
        x = torch.tensor(draw((N, 3, T)), dtype=torch.float32)
        with torch.no_grad():
            assert_close(program(x).numpy(), module(x).numpy(), 10 * SINGLE)


@pytest.mark.parametrize("steps", [5, 9])
def test_time_is_fixed_where_weights_lie_along_it(steps, tmp_path):
    x = np.random.default_rng(0).standard_normal((3, steps))
    weights = np.random.default_rng(1).standard_normal((2, steps))
    along = layer("fullyConnectedLayer", 2, 3, Weights=weights, Bias=np.zeros((2, 1)))
    network = Network.of([layer("sequenceInputLayer", 3), along])
    y = loaded(network, tmp_path)(torch.tensor(x[None], dtype=torch.float32))
    assert_close(y.numpy()[0], x @ weights.T, 100 * SINGLE)


def test_a_window_longer_than_the_example_is_exported(tmp_path):
    weights = np.random.default_rng(1).standard_normal((9, 3, 2))
    network = Network.of(
        [
            layer("sequenceInputLayer", 3, MinLength=9),
            layer("convolution1dLayer", 9, 2, Weights=weights, Bias=np.zeros((1, 2))),
        ]
    )
    program = loaded(network, tmp_path)
    for steps in (9, 12):
        x = np.random.default_rng(steps).standard_normal((3, steps))
        y = program(torch.tensor(x[None], dtype=torch.float32))
        assert_close(y.numpy()[0], network.predict(x), 100 * SINGLE)


def test_layers_without_rows_are_written(tmp_path):
    """Targets that were constant leave a layer of no neurons, and empty views among the weights."""
    settings = {"xrows": 2.0, "remove": np.array([[1.0, 2]]), "keep": np.zeros((1, 0))}
    constants = ProcessStep("removeconstantrows", settings | {"constants": np.array([[3.0], [4]])})
    structure = ShallowStructure(
        (InputPart(2, 2),),
        (LayerPart(3, bias=np.ones((3, 1))), LayerPart(0, bias=np.zeros((0, 1)))),
        (OutputPart(2, 2, (constants,)),),
        {(1, 1): WeightPart(np.ones((3, 2)), (0,))},
        {(2, 1): WeightPart(np.zeros((0, 3)), (0,))},
    )
    y = loaded(shallow(structure), tmp_path)(torch.ones(5, 2, dtype=torch.float64))
    assert y.tolist() == [[3.0, 4.0]] * 5
