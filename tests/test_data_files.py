"""Data files: what is read of .npy, .npz, .csv and labels, and what is refused."""

import io
import struct
import zipfile

import numpy as np
import pytest

from matbridge.errors import FormatError, MatbridgeError, MismatchError
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.values import Categorical, Cell, String, StringArray
from matbridge.matlab.file.write import write_mat
from matbridge.predict.class_names import is_labels
from matbridge.predict.data import read_data, write_data

NAMES = ["cat", 'a "big", dog', "cat", "émeu"]


def labels(names=NAMES):
    found = np.empty(len(names), dtype=object)
    found[:] = names
    return found


def npy(header, data=b"", version=1):
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(text)) + text + data


def header(descr="'<f8'", shape="(2,)", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


DAMAGED = {
    "empty": b"",
    "cut": npy(header())[:9],
    "no_data": npy(header()),
    "short": npy(header(), bytes(12)),
    "negative": npy(header(shape="(-2,)"), bytes(16)),
    "negative_twice": npy(header(shape="(-2, -1)"), bytes(16)),
    "huge": npy(header(shape="(9999999999999, 99999999999)"), bytes(16)),
    "no_shape": npy(header(shape="'x'"), bytes(16)),
    "truth": npy(header(shape="(True,)"), bytes(16)),
    "no_type": npy(header("'zz'"), bytes(16)),
    "objects": npy(header("'|O'"), bytes(16)),
    "records": npy(header("[('a', '<f8'), ('b', '<i8')]"), bytes(32)),
    "sub_array": npy(header("('<f8', (3,))"), bytes(64)),
    "nothing": npy(header("'|V0'", "(3,)"), b""),
    "dates": npy(header("'<M8[s]'"), bytes(16)),
    "half_brain": npy(header("'|V2'"), bytes(4)),
    "code": npy("__import__('os').system('true')"),
    "deep": npy("(" * 5000),
    "not_text": npy("{'descr': '<f8', \udcff".encode("utf-8", "surrogateescape").decode("latin-1")),
    "version": npy(header(), bytes(16), version=9),
    "surrogates": npy(header("'<U1'"), struct.pack("<2I", 0x110000, 0xFFFFFFFF)),
    "bytes": npy(header("'|S1'"), b"\xff\xfe"),
}


@pytest.mark.parametrize("name", list(DAMAGED))
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_numpy_files(name, packed, tmp_path):
    path = tmp_path / ("x.npz" if packed else "x.npy")
    if packed:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", DAMAGED[name])
    else:
        path.write_bytes(DAMAGED[name])
    with pytest.raises(MatbridgeError, match=path.name):
        read_data(str(path))


@pytest.mark.parametrize("cut", [0, 3, 30, 60, 100])
def test_damaged_archives(cut, tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones(3))
    path.write_bytes(path.read_bytes()[: -cut or None][cut:] if cut else b"PK")
    with pytest.raises(MatbridgeError, match=r"x\.npz"):
        read_data(str(path))


def test_no_more_is_read_than_was_agreed_to(tmp_path):
    """64 MB of zeros in an archive of 64 kB; the array beside it is not touched."""
    path = tmp_path / "x.npz"
    np.savez_compressed(path, big=np.zeros(1 << 23), small=np.ones(3))
    assert path.stat().st_size < 100_000
    with pytest.raises(FormatError, match="more than 1 MiB"):
        read_data(f"{path}:big", limit=1 << 20)
    assert read_data(f"{path}:small", limit=1 << 20).tolist() == [1, 1, 1]
    np.save(tmp_path / "x.npy", np.zeros(1 << 18))
    with pytest.raises(FormatError, match="more than 1 MiB"):
        read_data(str(tmp_path / "x.npy"), limit=1 << 20)
    (tmp_path / "x.csv").write_text("1\n" * (1 << 20))
    with pytest.raises(FormatError, match="more than 1 MiB"):
        read_data(str(tmp_path / "x.csv"), limit=1 << 20)


def test_an_archive_that_claims_less_than_it_holds(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=np.zeros(1 << 20))
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 200)
    path.write_bytes(data)
    with pytest.raises(FormatError):
        read_data(str(path))


@pytest.mark.parametrize("dtype", [">f8", ">i4", "<f2", "longdouble", "clongdouble", "?", "u1"])
def test_numbers_of_every_kind(dtype, tmp_path):
    array = np.array([[1, 0], [1, 1]], dtype)
    np.save(tmp_path / "x.npy", array)
    found = read_data(str(tmp_path / "x.npy"))
    assert found.dtype.isnative
    assert found.dtype.itemsize <= 16 if found.dtype.kind == "c" else 8
    assert (found == array).all()


# -- tables of text ---------------------------------------------------------------------------


def csv(tmp_path, text):
    (tmp_path / "x.csv").write_bytes(text.encode())
    return read_data(str(tmp_path / "x.csv"))


def test_a_row_of_names_holds_no_number(tmp_path):
    assert csv(tmp_path, "a,b\n1,2\n").tolist() == [[1, 2]]
    assert csv(tmp_path, '"a","b"\n"1",2\n').tolist() == [[1, 2]]
    assert csv(tmp_path, "1,2\n3,4\n").tolist() == [[1, 2], [3, 4]]
    assert csv(tmp_path, "\ufeffa\n1\n").tolist() == [[1]]
    for bad in ("1,oops\n3,4\n", "a,1\n2,3\n", "1,2\n3,#4\n", "1,2\n# 3\n", "1,2\n3\n", "a,b\n"):
        with pytest.raises(FormatError, match=r"x\.csv"):
            csv(tmp_path, bad)


@pytest.mark.parametrize("text", ["", "\n", '"', "a,b\nc,d\n", "\0", "1\n" + "é\n", "1," * 99])
def test_odd_tables(text, tmp_path):
    try:
        assert csv(tmp_path, text).ndim <= 2
    except MatbridgeError as error:
        assert "x.csv" in str(error)


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "x.csv").write_bytes(bytes(range(256)))
    with pytest.raises(FormatError, match=r"x\.csv"):
        read_data(str(tmp_path / "x.csv"))


# -- labels -----------------------------------------------------------------------------------

FORMS = {
    "cellstr": Cell(NAMES, (4, 1)),
    "strings": StringArray(NAMES, (4, 1)),
    "categorical": Categorical(
        ("cat", "émeu", 'a "big", dog'), np.array([[1], [3], [1], [2]], np.uint8)
    ),
}


@pytest.mark.parametrize("version", ["v7", "v7.3"])
@pytest.mark.parametrize("form", list(FORMS))
def test_labels_read_as_names_whatever_holds_them(form, version, tmp_path):
    write_mat(tmp_path / "x.mat", {"Y": FORMS[form], "one": String("cat"), "row": "cat"}, version)
    found = read_data(f"{tmp_path}/x.mat:Y")
    assert is_labels(found)
    assert found.tolist() == NAMES
    assert read_data(f"{tmp_path}/x.mat:one").tolist() == ["cat"]
    assert read_data(f"{tmp_path}/x.mat:row").tolist() == ["cat"]


def test_labels_of_sequences(tmp_path):
    value = Cell([FORMS["categorical"], FORMS["strings"], FORMS["cellstr"]], (3, 1))
    write_mat(tmp_path / "x.mat", {"Y": value})
    found = read_data(f"{tmp_path}/x.mat:Y")
    assert is_labels(found)
    assert [part.tolist() for part in found] == [NAMES] * 3


def test_what_is_missing_is_named(tmp_path):
    value = Categorical(("a",), np.array([[1], [0]], np.uint8))
    write_mat(tmp_path / "x.mat", {"Y": value, "S": StringArray(["a", None], (2, 1))})
    assert read_data(f"{tmp_path}/x.mat:Y").tolist() == ["a", "<undefined>"]
    assert read_data(f"{tmp_path}/x.mat:S").tolist() == ["a", "<missing>"]


@pytest.mark.parametrize("target", ["y.mat:Y", "y.npy", "y.npz:Y", "y.csv"])
def test_labels_are_written_and_read(target, tmp_path):
    path = tmp_path / target.partition(":")[0]
    write_data(labels(), path, "Y", ["cat", "owl"])
    assert read_data(f"{tmp_path}/{target}").tolist() == NAMES
    assert b"numpy._core" not in path.read_bytes()
    assert b"numpy.core" not in path.read_bytes()


def test_labels_become_what_classify_returns(tmp_path):
    undefined = labels([*NAMES, "<undefined>"])
    write_data(undefined, tmp_path / "y.mat", "Y", ["owl", "cat"])
    found = read_mat(tmp_path / "y.mat")["Y"]
    assert found.names == ("owl", "cat", 'a "big", dog', "émeu")
    assert found.codes.shape == (5, 1)
    assert list(found) == [*NAMES, "<undefined>"]
    write_data([labels(), labels(["owl"])], tmp_path / "z.mat", "Y")
    assert [len(part) for part in read_data(f"{tmp_path}/z.mat:Y")] == [4, 1]


@pytest.mark.parametrize("name", ["2bad", "a b", "é", "end", "x" * 64, "a.b", "_x", "a\x1b[31m"])
def test_names_that_matlab_cannot_hold(name, tmp_path):
    with pytest.raises(MismatchError, match="MATLAB cannot hold"):
        write_data(np.ones(3), tmp_path / "y.mat", name)
    # Only a field may bear a keyword's name.
    if name != "end":
        with pytest.raises(MismatchError, match="MATLAB cannot hold"):
            write_mat(tmp_path / "y.mat", {"x": {name: "1"}})
    assert not (tmp_path / "y.mat").exists()


def test_arrays_of_any_name_in_an_archive(tmp_path):
    for name in ("file", "allow_pickle", "2bad", "a b"):
        write_data(np.ones((2, 3)), tmp_path / "y.npz", name)
        assert read_data(f"{tmp_path}/y.npz:{name}").shape == (2, 3)
    with np.load(io.BytesIO((tmp_path / "y.npz").read_bytes())) as archive:
        assert list(archive) == ["a b"]
