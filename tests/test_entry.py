"""What does not fit never reaches a kernel: the module, predict and the words of ops say so."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers import layer

from matbridge import LayerError, MatbridgeError, MismatchError, Network
from matbridge.core.dims import Size
from matbridge.core.entry import SizeCheck
from matbridge.onnx.write import to_onnx
from matbridge.ops import Recurrence
from matbridge.torch.program import write_program
from matbridge.torch.recurrence import recur

RECURRENT = ["lstmLayer", "bilstmLayer", "gruLayer", "peepholeLSTMLayer"]
draw = np.random.default_rng(0).standard_normal


def recurrent(builder, channels=3, units=4, **options):
    bare = layer(builder, units, **options)
    rows = bare.DIRECTIONS * len(bare.GATES) * units
    sizes = {
        "InputWeights": (rows, channels),
        "RecurrentWeights": (rows, units),
        "Bias": (rows, 1),
        "PeepholeWeights": (3 * units, 1),
    }
    arrays = {a.name: draw(sizes[a.name]) for a in bare.declared if a.name in sizes}
    return layer(builder, units, **options, **arrays)


def sequences(builder="lstmLayer"):
    return Network.of([layer("sequenceInputLayer", 3, Name="x"), recurrent(builder)])


def images():
    weights = {"Weights": draw((3, 3, 2, 4)), "Bias": draw((1, 1, 4))}
    conv = layer("convolution2dLayer", 3, 4, **weights)
    return Network.of([layer("imageInputLayer", [8, 6, 2], Normalization="none", Name="x"), conv])


def zeros(*shape, **options):
    return torch.zeros(shape, **options)


WRONG = {
    "N×T×C": (sequences, zeros(5, 7, 3), r"It looks like N×T×C: give N×C×T, x.permute\(0, 2, 1\)"),
    "T×N×C": (sequences, zeros(7, 5, 3), r"It looks like N×T×C"),
    "C×N×T": (sequences, zeros(3, 5, 7), r"It looks like C×N×T: give N×C×T"),
    "channels": (sequences, zeros(5, 4, 7), r"5×4×7 does not fit 3\(C\) × 1\(B\) × 1\(T\)"),
    "no batch": (sequences, zeros(3, 7), r"2 dimensions[\s\S]*N×C×T[\s\S]*x\[None\]"),
    "too many": (sequences, zeros(1, 5, 3, 7), "has 4 dimensions"),
    "a number": (sequences, torch.tensor(1.0), "a single number"),
    "double": (sequences, zeros(5, 3, 7, dtype=torch.float64), r"x.to\(torch.float32\)"),
    "half": (sequences, zeros(5, 3, 7, dtype=torch.float16), "is torch.float16"),
    "no tensor": (sequences, np.zeros((5, 3, 7)), "torch.from_numpy"),
    "elsewhere": (sequences, zeros(5, 3, 7, device="meta"), "on meta, the module on cpu"),
    "no steps": (sequences, zeros(5, 3, 0), "is empty: 5×3×0"),
    "no channels": (sequences, zeros(5, 0, 7), "is empty"),
    "channels last": (images, zeros(5, 8, 6, 2), r"N×H×W×C: give N×C×H×W, x.permute\(0, 3, 1, 2\)"),
    "MATLAB's": (images, zeros(8, 6, 2, 5), r"H×W×C×N: give N×C×H×W, x.permute\(3, 2, 0, 1\)"),
    "one image": (images, zeros(2, 8, 6), r"x\[None\]"),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_module_says_what_does_not_fit(case):
    network, x, said = WRONG[case]
    module = network().to_torch()
    for _ in range(2):
        with pytest.raises(MismatchError, match=said) as caught:
            module(x)
        assert caught.value.where == "x"


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("builder", RECURRENT)
def test_no_size_reaches_a_kernel_unchecked(builder, training):
    """All small shapes: the result is of the size it must have, or a message."""
    module = sequences(builder).to_torch().train(training)
    for shape in np.ndindex(4, 6, 3):
        try:
            y = module(torch.zeros(shape))
        except MatbridgeError:
            assert shape[1] != 3 or shape[2] == 0
        else:
            assert shape[1] == 3
            assert (y.shape[0], y.shape[2]) == (shape[0], shape[2])
            assert bool(torch.isfinite(y).all())


def test_shapes_are_checked_once(monkeypatch):
    module = sequences().to_torch()
    module(zeros(2, 3, 5))
    monkeypatch.setattr(Network, "infer", lambda *_, **__: pytest.fail("checked again"))
    module(zeros(2, 3, 5))


def test_the_shapes_that_are_remembered_are_bounded(monkeypatch):
    module = sequences().to_torch()
    monkeypatch.setattr(SizeCheck, "SHAPES", 3)
    for n in range(1, 9):
        module(zeros(n, 3, 2))
    assert len(module._size_check._checked) <= 3


def test_integers_are_numbers_and_autocast_is_left_alone():
    words = layer("wordEmbeddingLayer", 2, 3, Weights=draw((2, 4)))
    module = Network.of([layer("sequenceInputLayer", 1), words]).to_torch()
    index = torch.tensor([[[1, 2, 3]]])
    assert torch.equal(module(index), module(index.float()))
    with torch.autocast("cpu", torch.bfloat16):
        sequences().to_torch()(zeros(1, 3, 2, dtype=torch.bfloat16))


@pytest.mark.parametrize("builder", RECURRENT)
def test_networks_without_an_input_layer(builder):
    network = Network.of([recurrent(builder)])
    right = draw((5, 3, 7)).astype(np.float32)
    module = network.to_torch(format="CBT")
    assert module(torch.from_numpy(right)).shape[::2] == (5, 7)
    network.predict(right, format="BCT")
    for wrong in (right.swapaxes(1, 2), right[:, :2], right[:, :0], right[..., :0]):
        with pytest.raises(MatbridgeError):
            module(torch.from_numpy(wrong.copy()))
        with pytest.raises(MatbridgeError):
            network.predict(wrong, format="BCT")
    with pytest.raises(MismatchError, match="has 3 dimensions"):
        network.to_torch()(torch.from_numpy(right))
    with pytest.raises(MismatchError, match="2 formats were given for 1 inputs"):
        network.to_torch(format=["CB", "CB"])


def test_inputs_of_open_size():
    start = layer("inputLayer", [np.nan, np.nan, np.nan], "CBT", Name="x")
    network = Network.of([start, recurrent("lstmLayer")])
    module = network.to_torch()
    assert module(zeros(2, 3, 5)).shape == (2, 4, 5)
    with pytest.raises(LayerError, match="needs 3 channels"):
        module(zeros(2, 5, 3))
    with pytest.raises(LayerError, match="needs 3 channels"):
        network.predict(np.zeros((2, 5, 3)), format="BCT")


HOW = {"ifgo": Recurrence("ifgo"), "rzh": Recurrence("rzh")}


@pytest.mark.parametrize("gates", HOW)
def test_kernels_refuse_arrays_of_other_sizes(gates):
    """Arrays that nobody checked, such as those of a layer made by hand."""
    from matbridge.torch.calls import Direct

    G, H, C = len(gates), 4, 3
    right = [(5, 2, C), (G * H, C), (G * H, H), (G * H,), *[(1, 2, H)] * (2 if G == 4 else 1)]

    def call(sizes):
        data, *arrays = (torch.zeros(size) for size in sizes)
        return recur(Direct(), HOW[gates], data, tuple(arrays[:3]), arrays[3:])

    assert call(right)[0].shape == (5, 2, H)
    for place in range(1, len(right)):
        for axis in range(len(right[place])):
            for n in (0, 1, right[place][axis] + 1):
                if (place, axis) in ((4, 1), (5, 1)) or n == right[place][axis]:
                    continue
                wrong = [list(size) for size in right]
                wrong[place][axis] = n
                if wrong != [list(size) for size in right]:
                    with pytest.raises(LayerError, match="weights of sizes"):
                        call(wrong)
    nothing = [(5, 2, C), (0, C), (0, 0), (0,), *[(1, 2, 0)] * (len(right) - 4)]
    with pytest.raises(LayerError, match="0 hidden units"):
        call(nothing)


def test_the_usual_slip_ends_no_process():
    """What was a crash at times: many calls with time and channels exchanged."""
    code = """
import sys; sys.path.insert(0, "tests")
import torch
from test_entry import sequences
from matbridge import MatbridgeError
refused = 0
for builder in ("lstmLayer", "bilstmLayer"):
    module = sequences(builder).to_torch()
    for shape in ((64, 100, 3), (64, 1, 100), (1, 1000, 3)):
        try:
            module(torch.randn(shape))
        except MatbridgeError:
            refused += 1
print(refused)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["6"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_arrays_that_are_not_finite_are_named(value):
    network = sequences()
    assert network.nonfinite_arrays() == ()
    arrays = dict(network["lstm"].arrays)
    arrays["Bias"] = np.array(arrays["Bias"])
    arrays["Bias"][3] = value
    broken = network.with_layers(network["lstm"].replace(arrays=arrays))
    assert broken.nonfinite_arrays() == ("lstm.Bias",)


@pytest.mark.parametrize("builder", ["lstmLayer", "bilstmLayer", "gruLayer"])
def test_a_program_refuses_other_sizes(builder, tmp_path):
    write_program(sequences(builder), tmp_path / "net.pt2")
    program = torch.export.load(tmp_path / "net.pt2").module()
    assert program(zeros(5, 3, 7)).shape[::2] == (5, 7)
    for shape in ((5, 7, 3), (5, 4, 7), (3, 7), (5, 3, 0), (5, 0, 7)):
        with pytest.raises((RuntimeError, AssertionError)):
            program(zeros(*shape))


# -- memory --------------------------------------------------------------------------------

GREEDY = {
    "positions": lambda: [layer("sinusoidalPositionEncodingLayer", 10**13, Name="greedy")],
    "resize": lambda: [layer("resize2dLayer", OutputSize=[10**7, 10**7], Name="greedy")],
    "padding": lambda: [layer("averagePooling2dLayer", 1, Padding=10**7, Name="greedy")],
}


@pytest.mark.parametrize("case", GREEDY)
def test_what_no_memory_holds_is_told_before_it_runs(case):
    start = layer("imageInputLayer", [4, 4, 1], Normalization="none")
    if case == "positions":
        start = layer("sequenceInputLayer", 1)
    network = Network.of([start, *GREEDY[case]()])
    x = np.zeros((1, 7) if case == "positions" else (4, 4, 1), np.float32)
    shape = (1, 1, 7) if case == "positions" else (1, 1, 4, 4)
    runs = (
        lambda: network.predict(x),
        lambda: network.to_torch()(zeros(*shape)),
        lambda: to_onnx(network),
    )
    for run in runs:
        with pytest.raises(MismatchError, match=r"would need [\d,.]+ GB, [\d,.]+ GB are") as caught:
            run()
        assert caught.value.where == "greedy"


def test_memory_is_known_or_not_asked_for(monkeypatch):
    from matbridge.core import memory

    network = Network.of([layer("sequenceInputLayer", 3, Name="x"), layer("reluLayer")])
    sizes = network.infer(x=Size.measured("CBT", (3, 10**6, 1000)))
    with pytest.raises(MismatchError, match=r"relu: this layer alone would need 24.0 GB, 1.0 GB"):
        memory.check_memory(network, sizes, 4, 10**9)
    memory.check_memory(network, sizes, 4, 25 * 10**9)
    found = memory.available_memory()
    assert found is None or found > 0
    for name in ("_free_on_linux", "_limit_of_group", "_installed"):
        monkeypatch.setattr(memory, name, lambda: None)
    assert memory.available_memory() is None
    memory.check_memory(network, sizes, 4)
