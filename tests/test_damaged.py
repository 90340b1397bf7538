"""Files that are damaged in part: what can be read is read, and what is lost is told."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

import matbridge
from matbridge.cli import run
from matbridge.errors import FormatError, MatbridgeError
from matbridge.matlab.contents import read_contents
from matbridge.matlab.file import open_mat, read_mat
from matbridge.matlab.file.values import Cell, MatObject
from matbridge.matlab.file.write import write_mat

HEADER = 128


def elements(data):
    """Start and end of each element, its tag included."""
    at = HEADER
    while at < len(data):
        end = at + 8 + struct.unpack_from("<I", data, at + 4)[0]
        yield at, end
        at = end


def with_element(data, place, change):
    """The file with the contents of one element changed, and the objects found where they are."""
    spans = list(elements(data))
    offset, body = struct.unpack_from("<Q", data, 116)[0], data[:HEADER]
    for number, (start, end) in enumerate(spans):
        payload = data[start + 8 : end]
        payload = change(payload) if number == place % len(spans) else payload
        if start == offset:
            body = body[:116] + struct.pack("<Q", len(body)) + body[124:]
        body += data[start : start + 4] + struct.pack("<I", len(payload)) + payload
    return body


def without_end(payload):
    """As some writers leave it: all that the tag claims, but no last block and no checksum."""
    deflate = zlib.compressobj()
    data = deflate.compress(zlib.decompress(payload))
    return data + deflate.flush(zlib.Z_SYNC_FLUSH)


def broken(payload):
    return payload[: len(payload) // 2] + bytes(len(payload) - len(payload) // 2)


@pytest.fixture
def several(tmp_path):
    path = tmp_path / "x.mat"
    cell = Cell(["text", np.arange(600.0).reshape(20, 30)], (1, 2))
    write_mat(path, {"a": np.ones((2, 2)), "b": cell, "c": np.zeros((3, 1))})
    return path


def test_a_stream_without_its_end_is_read_and_told(several):
    several.write_bytes(with_element(several.read_bytes(), 1, without_end))
    file = open_mat(several)
    assert file.variables["b"].checked
    assert file["b"][1].shape == (20, 30)
    assert not file.variables["b"].checked
    (odd,) = file.report
    assert (odd.level, odd.where) == ("warning", "b")
    assert "without their checksum" in odd.what


@pytest.mark.parametrize("place", [0, -1])
def test_a_network_without_its_end(place, fixtures, tmp_path, capsys):
    """The network's variable, or the objects' data."""
    original = (fixtures / "cnn.mat").read_bytes()
    path = tmp_path / "net.mat"
    path.write_bytes(with_element(original, place, without_end))
    found = matbridge.load(path)
    assert [layer.name for layer in found.layers] == [
        layer.name for layer in matbridge.load(fixtures / "cnn.mat").layers
    ]
    assert run(["inspect", str(path)]) == 0
    assert "without their checksum" in capsys.readouterr().out.replace("\n", " ")
    assert any("without their checksum" in one.what for one in found.report)


def test_a_stream_that_lacks_data_is_damaged(several):
    data = several.read_bytes()
    several.write_bytes(with_element(data, 1, lambda payload: without_end(payload)[:-40]))
    file = open_mat(several)
    with pytest.raises(FormatError, match="its end is missing"):
        file["b"]
    assert file["c"].tolist() == [[0], [0], [0]]


@pytest.mark.parametrize("more", [b"garbage!", zlib.compress(b"another stream"), bytes(3)])
def test_what_follows_a_stream_is_told(more, several):
    several.write_bytes(with_element(several.read_bytes(), 1, lambda payload: payload + more))
    file = open_mat(several)
    assert file["b"][0] == "text"
    (odd,) = file.report
    assert odd.what == f"{len(more)} bytes after the compressed data are not used"


def test_what_follows_the_array_inside_is_told(several):
    def longer(payload):
        return zlib.compress(zlib.decompress(payload) + b"a second array?!")

    several.write_bytes(with_element(several.read_bytes(), 1, longer))
    file = open_mat(several)
    assert file["b"][0] == "text"
    assert [one.what for one in file.report] == ["16 bytes after the array are not used"]


@pytest.mark.parametrize("damage", [broken, lambda payload: b"?" * len(payload)])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_damaged_variable_does_not_hide_the_others(place, damage, several):
    several.write_bytes(with_element(several.read_bytes(), place, damage))
    names = ["a", "b", "c"]
    lost = names.pop(place)
    file = open_mat(several)
    for name in names:
        assert file[name] is not None
    if lost in file.variables:
        with pytest.raises(FormatError, match="damaged"):
            file[lost]
    else:
        assert any(one.level == "error" for one in file.report)
    with pytest.raises(FormatError):
        read_mat(several)


def test_a_cut_file_tells_what_is_lost(several):
    data = several.read_bytes()
    spans = list(elements(data))
    several.write_bytes(data[: spans[2][0] + 30])
    file = open_mat(several)
    assert file["a"].shape == (2, 2)
    assert any("claims" in one.what for one in file.report) or "c" in file.variables
    with pytest.raises(MatbridgeError, match="cut off|claims"):
        read_mat(several)
    several.write_bytes(data[: spans[2][0]] + b"\x05\0\0\0\x01\0\0\0" + data[spans[2][0] :])
    file = open_mat(several)
    assert list(file.variables) == ["a", "b"]
    assert "what follows is lost" in file.report.diagnostics[0].what


def test_a_lost_network_is_not_taken_for_loose_arrays(fixtures, in_folder, capsys):
    data = (fixtures / "cnn.mat").read_bytes()
    (*_, objects) = elements(data)
    Path("cut.mat").write_bytes(data[: objects[0] + 100])
    assert run(["inspect", "cut.mat"]) == 3
    assert "Loose arrays" not in capsys.readouterr().out
    write_mat("loose.mat", {"W1": np.ones((2, 3))})
    assert run(["inspect", "loose.mat"]) == 4
    assert "Loose arrays" in capsys.readouterr().out


@pytest.mark.parametrize("version", ["v7", "v7.3"])
def test_a_network_beside_a_damaged_variable(version, fixtures, tmp_path, capsys):
    net = read_mat(fixtures / "cnn.mat")["net"]
    path = tmp_path / "x.mat"
    write_mat(path, {"bad": Cell([np.arange(900.0)]), "net": net}, version)
    data = bytearray(path.read_bytes())
    if version == "v7":
        data = with_element(bytes(data), 0, broken)
    else:
        at = data.find(np.arange(900.0).tobytes()[4000:4096])
        data = bytearray(data)
        assert at > 0
        import h5py

        with h5py.File(path, "r+") as file:
            del file["bad"].attrs["MATLAB_class"]
        data = path.read_bytes()
    path.write_bytes(data)
    contents = read_contents(path)
    assert list(contents.networks) == ["net"]
    assert contents.report
    for address in (None, "net"):
        found = matbridge.load(path, address)
        assert len(found.layers) == len(contents.networks["net"].layers)
    assert any("bad" in f"{one.where}{one.what}" or "byte" in one.what
               for one in matbridge.load(path).report)  # fmt: skip
    assert run(["inspect", str(path)]) == 0
    assert "error" in capsys.readouterr().out


def test_damaged_objects_do_not_hide_what_is_none(fixtures, tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"thing": MatObject("Thing", {"a": "1"}), "plain": Cell(["x", {"y": "z"}])})
    spans = list(elements(path.read_bytes()))
    path.write_bytes(with_element(path.read_bytes(), len(spans) - 1, broken))
    file = open_mat(path)
    assert file["plain"] == ["x", {"y": "z"}]
    with pytest.raises(FormatError, match="damaged"):
        file["thing"]


def test_where_everything_is_lost_that_is_the_message(tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"a": np.ones((2, 2))})
    path.write_bytes(path.read_bytes()[: HEADER + 20])
    with pytest.raises(FormatError, match="claims"):
        open_mat(path)
    with pytest.raises(FormatError, match=r"x\.mat"):
        matbridge.load(path)
