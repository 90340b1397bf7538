"""Plain values out of MAT-files and back."""

import numpy as np
import pytest
import scipy.sparse
from same import assert_same

from matbridge.errors import MismatchError, UnsupportedError
from matbridge.matlab.file import open_mat, read_mat
from matbridge.matlab.file.values import (
    Categorical,
    Cell,
    Enumeration,
    Immediate,
    Map,
    MatObject,
    ObjectArray,
    String,
    StringArray,
    StructArray,
    Symbol,
    Table,
)
from matbridge.matlab.file.write import write_mat

VERSIONS = pytest.mark.parametrize("version", ["v6", "v7", "v7.3"])

shared = MatObject("myHandle", {"Value": np.array([[1.0]])})

VALUES = {
    "double": np.arange(6.0).reshape(2, 3),
    "single": np.float32([[1.5, -2]]),
    "integers": np.array([[1, 2]], np.int16),
    "logical": np.array([[True, False]]),
    "complex": np.array([[1 + 2j]]),
    "empty": np.zeros((0, 3)),
    "volume": np.arange(24.0).reshape(2, 3, 4),
    "char": "text with ü",
    "nothing": "",
    "struct": {"a": np.array([[1.0]]), "b": {"c": "deep"}},
    "structs": StructArray([{"x": "1"}, {"x": "2"}], (1, 2)),
    "no_fields": {},
    "empty_structs": StructArray([], (0, 1), ("p", "q")),
    "cell": Cell(["a", np.array([[2.0]]), Cell([], (0, 0)), {"k": "v"}], (2, 2)),
    "string": String("a string"),
    "strings": StringArray(["a", None, "bc"], (3, 1)),
    "no_strings": StringArray([], (0, 0)),
    "classes": Categorical(("cat", "dog"), np.array([[1], [2], [0]], np.uint8), ordinal=True),
    "table": Table({"Source": Cell(["a", "b"]), "N": np.array([[1.0], [2.0]])}, ("r1", "r2")),
    "map": Map({"one": np.array([[1.0]]), "two": "2"}),
    "enumeration": Enumeration("my.Color", ("red", "blue", "red"), (3, 1)),
    "objects": ObjectArray(
        [MatObject("A", {"any": {"x": "1"}}, saveobj=True), MatObject("B", {"y": "2"})],
        (2, 1),
        "Base",
    ),
    "object": MatObject("my.pkg.Thing", {"flag": Immediate(1), "kind": Symbol("on")}),
    "twice": Cell([shared, shared], (1, 2)),
    "old": MatObject("network", {"version": "8"}, old_style=True),
}  # fmt: skip


@VERSIONS
@pytest.mark.parametrize("name", list(VALUES))
def test_written_and_read(name, version, tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"x": VALUES[name]}, version)
    assert_same(read_mat(path)["x"], VALUES[name], name)


@VERSIONS
def test_an_object_met_twice_is_one(version, tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"x": VALUES["twice"]}, version)
    first, second = read_mat(path)["x"]
    assert first is second


@VERSIONS
def test_an_object_that_holds_itself(version, tmp_path):
    loop = MatObject("node", {"Name": "n"})
    loop.properties["Next"] = loop
    path = tmp_path / "x.mat"
    write_mat(path, {"x": loop}, version)
    found = read_mat(path)["x"]
    assert found.properties["Next"] is found


@VERSIONS
def test_sparse(version, tmp_path):
    path = tmp_path / "x.mat"
    matrix = scipy.sparse.csc_array(np.array([[0, 1.5], [0, 0], [2, 0]]))
    write_mat(path, {"x": matrix}, version)
    assert (read_mat(path)["x"].toarray() == matrix.toarray()).all()


def test_only_what_is_asked_for_is_decoded(tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"good": np.ones((2, 2)), "bad": np.zeros((300, 300))}, "v6")
    data = bytearray(path.read_bytes())
    # Damage in the second variable does not keep the first from being read.
    data[-300 * 300 * 8 - 8] = 99
    path.write_bytes(data)
    assert read_mat(path, ["good"])["good"].tolist() == [[1, 1], [1, 1]]


def test_variables_are_listed_without_decoding(tmp_path):
    path = tmp_path / "x.mat"
    for version in ("v6", "v7", "v7.3"):
        write_mat(path, {"net": VALUES["object"], "X": VALUES["volume"]}, version)
        found = open_mat(path)
        assert {v.name: v.class_name for v in found.variables.values()} == {
            "net": "my.pkg.Thing",
            "X": "double",
        }
        assert found.variables["X"].shape == (2, 3, 4)
        assert found.variables["X"].checked is (version == "v7")


def test_the_header_keeps_its_provenance(tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"x": "1"}, "v7", "Sat Nov 21 10:00:00 2026")
    header = open_mat(path).header
    assert (header.version, header.created) == ("v5", "Sat Nov 21 10:00:00 2026")
    assert header.platform.startswith("matbridge")
    assert len(open_mat(path).sha256()) == 64


def test_a_variable_that_is_not_there(tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"x": "1", "y": "2"})
    with pytest.raises(MismatchError, match=r"there is no variable 'z'[\s\S]*x, y"):
        read_mat(path, ["z"])


def test_what_has_no_matlab_form(tmp_path):
    with pytest.raises(UnsupportedError, match="cannot be written"):
        write_mat(tmp_path / "x.mat", {"x": object()})
    with pytest.raises(UnsupportedError, match="version 'v9'"):
        write_mat(tmp_path / "x.mat", {"x": "1"}, "v9")
    with pytest.raises(UnsupportedError, match="values of the enumeration"):
        write_mat(tmp_path / "x.mat", {"x": Enumeration("E", ("a",), valued=True)})


def test_a_categorical_is_its_names():
    assert list(VALUES["classes"]) == ["cat", "dog", "<undefined>"]


def test_sizes_of_lists_must_fit():
    with pytest.raises(ValueError, match="do not make"):
        Cell([1, 2, 3], (2, 2))


def test_what_saveobj_wrote_stands_alone():
    assert VALUES["objects"][0].saved == {"x": "1"}
    assert VALUES["objects"][1].saved == {"y": "2"}
