"""Parts of variables and images as data: parsed, never evaluated."""

import json

import numpy as np
import pytest

import matbridge
from matbridge import MismatchError
from matbridge.cli import run
from matbridge.errors import FormatError, MissingNameError, UnsupportedError
from matbridge.matlab.file import MatFile
from matbridge.matlab.file.values import Cell, MatObject, StructArray, Table
from matbridge.matlab.file.write import write_mat
from matbridge.predict.data import read_data
from matbridge.predict.images import imresize
from matbridge.predict.select import select

X = np.arange(1.0, 25.0).reshape((2, 3, 4), order="F")
M = X[:, :, 0]
ROW = np.array([[1.0, 2.0, 3.0, 4.0]])

# An address, and what MATLAB answers.
ARRAYS = [
    (M, "(1,:)", M[:1, :]),
    (M, "(:,2)", M[:, 1:2]),
    (M, "(1:2,2:3)", M[:, 1:]),
    (M, "(end,end)", M[1:, 2:]),
    (M, "(end-1,:)", M[:1, :]),
    (M, "(:,1:2:3)", M[:, ::2]),
    (M, "(:,[1 3])", M[:, [0, 2]]),
    (M, "(:)", M.reshape(-1, 1, order="F")),
    (M, "(5)", np.array([[5.0]])),
    (M, "(2:3)", np.array([[2.0], [3.0]])),
    (ROW, "(2:3)", np.array([[2.0, 3.0]])),
    (ROW, "(end)", np.array([[4.0]])),
    (X, "(:,:,2)", X[:, :, 1:2]),
    (X, "(:,:,end)", X[:, :, 3:]),
    (X, "(1,:)", X.reshape((2, 12), order="F")[:1]),
    (X, "(:,2:3,[1,4])", X[:, 1:, [0, 3]]),
    (M, "(2,:,1)", M[1:, :]),
    (M, "(:,1)(2)", np.array([[2.0]])),
    (M, "'", M.T),
    (M, "(1,:)'", M[:1].T),
    (M, ".'(:,1)", M[:1].T),
]


@pytest.mark.parametrize(("array", "steps", "expected"), ARRAYS)
def test_parts_of_arrays(array, steps, expected):
    part = select(array, steps, "x")
    assert part.shape[: expected.ndim] == expected.shape
    assert np.array_equal(part.reshape(expected.shape), expected)


CELL = Cell([M, ROW, "a", X], (2, 2))
STRUCT = {"a": CELL, "b": {"c": M}, "list": StructArray([{"x": M}, {"x": ROW}], (1, 2))}
TABLE = Table({"Height": M[:, :1], "Name": Cell(["p", "q"], (2, 1)), "Weight": M[:, 1:2]})
OTHERS = [
    (CELL, "{2}", ROW),
    (CELL, "(2)", ROW),
    (CELL, "{1,2}", "a"),
    (CELL, "{end}", X),
    (STRUCT, ".a{2}(1:2)", ROW[:, :2]),
    (STRUCT, ".b.c(1,:)", M[:1]),
    (STRUCT, ".list(2).x", ROW),
    (TABLE, ".Weight", M[:, 1:2]),
    (MatObject("my", {"Data": M}), ".Data(:,1)", M[:, :1]),
    (STRUCT, ".b.c'", M.T),
    (CELL, "'{2}", "a"),
    (CELL, "'{3}", ROW),
]


@pytest.mark.parametrize(("value", "steps", "expected"), OTHERS)
def test_parts_of_cells_structs_and_tables(value, steps, expected):
    part = select(value, steps, "x")
    assert np.array_equal(part, expected) if isinstance(expected, np.ndarray) else part == expected


def test_ranges_of_cells_are_cells_and_of_tables_tables():
    part = select(CELL, "(1:2)", "x")
    assert isinstance(part, Cell)
    assert len(part) == 2
    table = select(TABLE, "(1,[1 3])", "x")
    assert list(table.columns) == ["Height", "Weight"]
    assert table.columns["Weight"].tolist() == [[3.0]]


NOWHERE = [
    "(3,1)", "(0,1)", "(1,4)", "(99)", ".field", "(a)", "(1+1)", "(__import__('os'))", "(end+1)",
    "(1:0:3)", "(-1)", "()", "{1", "x", "(1)(2)(3)[0]", "(end-9)", "(:,:", "(1e3)",
    "(1:99999999999999)",
]  # fmt: skip


@pytest.mark.parametrize("steps", NOWHERE)
def test_what_leads_nowhere_is_one_message(steps):
    with pytest.raises(MismatchError):
        select(M, steps, "x")


def test_in_a_file(in_folder):
    write_mat("data.mat", {"X": X, "S": {"a": Cell([M, ROW], (1, 2))}})
    assert np.array_equal(read_data("data.mat:X(1:2,:,3)")[..., 0], X[:, :, 2])
    assert np.array_equal(read_data("data.mat:S.a{2}"), ROW)
    with pytest.raises(MissingNameError, match="Did you mean 'X'"):
        read_data("data.mat:x")


def test_what_simulink_logged_is_time_by_channels(in_folder):
    one = {"time": ROW.T, "signals": {"values": ROW.T, "label": ""}}
    several = {"time": ROW.T, "signals": StructArray([{"values": ROW.T}, {"values": 2 * ROW.T}])}
    output = MatObject("Simulink.SimulationOutput", {"Data": {"u": one, "x": several}})
    write_mat("sim.mat", {"out": output, "s": several})
    assert np.array_equal(read_data("sim.mat:out.u"), ROW.T)
    both = np.hstack([ROW.T, 2 * ROW.T])
    assert np.array_equal(read_data("sim.mat:out.x"), both)
    assert np.array_equal(read_data("sim.mat:s"), both)
    assert np.array_equal(read_data("sim.mat:out.x.signals(2).values(1:2,:)"), 2 * ROW.T[:2])
    with pytest.raises(MismatchError, match=r"Simulink.SimulationOutput.*\n.*it holds u, x"):
        read_data("sim.mat:out")
    uneven = {"time": ROW.T, "signals": StructArray([{"values": ROW.T}, {"values": ROW}])}
    write_mat("uneven.mat", {"s": uneven})
    with pytest.raises(MismatchError, match="not an array"):
        read_data("uneven.mat:s")


# -- the nearest name ---------------------------------------------------------------------------


def test_the_nearest_name_is_suggested(in_folder, fixtures, capsys):
    write_mat("data.mat", {"XTrain": M, "YTrain": M, "S": {"values": M}})
    np.savez("data.npz", XTrain=M, YTrain=M)
    for address in ("data.mat:xtrain", "data.mat:XTran", "data.npz:Xtrain"):
        with pytest.raises(KeyError, match="Did you mean 'XTrain'?"):
            read_data(address)
    with pytest.raises(MissingNameError, match="Did you mean 'values'?"):
        read_data("data.mat:S.value")
    network = matbridge.load(fixtures / "cnn_bilstm.mat")
    with pytest.raises(KeyError, match="Did you mean 'bilstm'?"):
        network["bilsm"]
    with pytest.raises(MismatchError, match="Did you mean 'seq2'?"):
        network.predict({"seq1": M, "seq_2": M})
    np.save("x.npy", M)
    arguments = ["--input", "seq1=x.npy", "--input", "sec2=x.npy"]
    assert run(["predict", str(fixtures / "cnn_bilstm.mat"), *arguments]) == 2
    assert "there is no input 'sec2'" in capsys.readouterr().err


# -- images ---------------------------------------------------------------------------------------


def test_images_are_read_as_imread_does(in_folder):
    from PIL import Image

    colour = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(colour).save("rgb.png")
    Image.fromarray(colour[..., 0]).save("grey.png")
    Image.fromarray(np.dstack([colour, colour[..., :1]])).save("alpha.png")
    Image.fromarray(colour).save("rgb.jpg")
    Image.fromarray(colour.astype(np.uint16)[..., 0] * 257).save("deep.png")
    assert np.array_equal(read_data("rgb.png"), colour)
    assert np.array_equal(read_data("grey.png"), colour[..., 0])
    assert np.array_equal(read_data("alpha.png"), colour)
    assert read_data("rgb.jpg").shape == (5, 7, 3)
    assert np.array_equal(read_data("deep.png"), colour.astype(np.uint16)[..., 0] * 257)
    Image.fromarray(colour).convert("P").save("palette.png")
    with pytest.raises(UnsupportedError, match="palettes"):
        read_data("palette.png")
    (in_folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    with pytest.raises(FormatError, match="cannot be read"):
        read_data("bad.png")
    with pytest.raises(FormatError, match="too large"):
        read_data("rgb.png", limit=100)


def test_predict_of_an_image(in_folder, fixtures, capsys):
    from PIL import Image

    network = matbridge.load(fixtures / "cnn.mat")
    size = network.infer()[network.graph.order[0].name and _out(network)]
    height, width = size.spatial
    channels = size["C"]
    shape = (2 * height, 3 * width, channels)
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(np.squeeze(image)).save("x.png")
    net = str(fixtures / "cnn.mat")
    assert run(["predict", net, "--input", "x.png"]) == 2
    assert "does not fit" in capsys.readouterr().err
    assert run(["predict", net, "--input", "x.png", "--resize", "--json"]) == 0
    (scores,) = json.loads(capsys.readouterr().out).values()
    expected = network.predict(imresize(image, (height, width)))
    assert np.abs(np.array(scores) - expected).max() < 1e-6
    images = np.stack([image, image[::-1]], -1)
    write_mat("x.mat", {"X": images})
    assert run(["predict", net, "--input", "x.mat:X", "--resize", "--json"]) == 0
    (scores,) = json.loads(capsys.readouterr().out).values()
    assert np.abs(np.array(scores[:1]) - expected).max() < 1e-6
    assert len(scores) == 2


def test_what_cannot_be_resized(in_folder, fixtures, capsys):
    nothing, words = np.zeros((0, 3, 3)), np.array(["a", "b"])
    write_mat(
        "x.mat", {"E": nothing, "C": Cell([np.ones((3, 3, 3))], (1, 1)), "Z": np.ones(3) * 1j}
    )
    np.savez("w.npz", w=words, x=np.ones((9, 9, 3)))
    net, rnn = str(fixtures / "cnn.mat"), str(fixtures / "lstm_classifier.mat")
    for data in ("x.mat:E", "x.mat:C", "x.mat:Z", "w.npz:w"):
        assert run(["predict", net, "--resize", "--input", data]) == 2, data
    two = ["--input", "w.npz:x"] * 2
    assert run(["predict", net, "--resize", *two]) == 2
    assert run(["predict", net, "--resize", "--format", "BCSS", "--input", "w.npz:x"]) == 2
    assert run(["predict", rnn, "--resize", "--input", f"{rnn}:X"]) == 0
    assert "report" not in capsys.readouterr().err


def _out(network):
    from matbridge.core.network import Port

    return Port(network.input_names[0], "out")


def test_imresize_as_matlab_recorded_it(corpus):
    """The wrong alternatives differ: rounded only at the end, not antialiased, the other order."""
    file = MatFile(corpus / "truth" / "imresize-gray" / "trainedNetwork_2.mat")
    image, expected = file["I"].astype(float), file["Ig"]
    weights = [0.298936021293775, 0.587043074451121, 0.114020904255103]
    grey = np.floor(np.tensordot(image, weights, axes=1) + 0.5)
    assert np.array_equal(imresize(grey.astype(np.uint8), expected.shape), expected)
    unrounded = np.clip(np.floor(imresize(grey, expected.shape) + 0.5), 0, 255)
    assert (unrounded == expected).mean() < 0.97


def test_imresize_of_floats():
    image = np.random.default_rng(2).random((8, 6, 2))
    assert np.allclose(imresize(image, (8, 6)), image)
    assert imresize(image, (16, 3)).shape == (16, 3, 2)
    constant = imresize(np.full((5, 5), 7, np.uint8), (13, 2))
    assert (constant == 7).all()


@pytest.mark.parametrize("value", [X, ROW, np.array(["a", "b"], dtype=object)])
def test_braces_are_for_cells(value):
    with pytest.raises(MismatchError, match="this is no cell"):
        select(value, "{1}", "x.mat:X")
