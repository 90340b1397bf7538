"""v7.3 files: whatever is reached, by name or by reference, is checked where it is reached."""

import struct
import subprocess
import sys

import h5py
import numpy as np
import pytest

from matbridge.errors import FormatError
from matbridge.matlab.file import MatFile, open_mat, read_mat
from matbridge.matlab.file.heaps import read_heaps
from matbridge.matlab.file.values import Cell, MatObject, StructArray
from matbridge.matlab.file.write import write_mat

SMALL = 64 << 20


def external(file, name, folder):
    (folder / "secret.bin").write_bytes(bytes(80))
    return file.create_dataset(name, (10, 1), "f8", external=[(str(folder / "secret.bin"), 0, 80)])


def virtual(file, name, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["x"] = np.ones((10, 1))
    layout = h5py.VirtualLayout((10, 1), "f8")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (10, 1))
    return file.create_virtual_dataset(name, layout)


def other_filter(file, name, folder):
    return file.create_dataset(name, (10, 1), "f8", chunks=(10, 1), compression="lzf")


def deflated_twice(file, name, folder):
    """deflate over deflate: a million bytes of one."""
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((10, 1))
    made.set_deflate(9)
    made.set_deflate(9)
    space = h5py.h5s.create_simple((10, 1))
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, space, made)
    return file[name]


def large(file, name, folder):
    return file.create_dataset(name, (1 << 23, 10), "f8", chunks=(1 << 16, 1), compression="gzip")


def large_chunk(file, name, folder):
    """One element in a chunk of 640 MB, which libhdf5 makes whole."""
    return file.create_dataset(
        name, (1, 1), "f8", chunks=(1 << 23, 10), maxshape=(None, None), compression="gzip"
    )


def text_of_any_length(file, name, folder):
    return file.create_dataset(name, (1, 1), h5py.string_dtype())


HOSTILE = {
    external: "data in another file",
    virtual: "a virtual dataset",
    other_filter: "an unknown filter",
    deflated_twice: "an unknown filter",
    large: "more than 64 MiB",
    large_chunk: "more than 64 MiB",
    text_of_any_length: "of a type",
}


def in_a_cell(file, hostile):
    cell = file.create_dataset("x", (1, 1), h5py.ref_dtype)
    cell[0, 0] = hostile.ref
    cell.attrs["MATLAB_class"] = np.bytes_("cell")


def in_a_struct(file, hostile):
    file.create_group("x").attrs["MATLAB_class"] = np.bytes_("struct")
    file["x"]["field"] = hostile


def in_a_struct_array(file, hostile):
    group = file.create_group("x")
    group.attrs["MATLAB_class"] = np.bytes_("struct")
    field = group.create_dataset("field", (2, 1), h5py.ref_dtype)
    field[0, 0] = field[1, 0] = hostile.ref


def as_references(file, hostile):
    """The data stand where the references of a struct array must."""
    group = file.create_group("x")
    group.attrs["MATLAB_class"] = np.bytes_("struct")
    if "MATLAB_class" in hostile.attrs:
        del hostile.attrs["MATLAB_class"]
    group["field"] = hostile


def in_a_sparse_matrix(file, hostile):
    group = file.create_group("x")
    group.attrs["MATLAB_class"] = np.bytes_("double")
    group.attrs["MATLAB_sparse"] = np.uint64(10)
    group["data"] = hostile
    group["ir"], group["jc"] = np.arange(10), np.array([0, 10])


def as_names(file, hostile):
    """The names of the fields stand in a dataset that an attribute refers to."""
    group = file.create_group("x")
    group.attrs["MATLAB_class"] = np.bytes_("struct")
    group["field"] = np.ones((1, 1))
    group["field"].attrs["MATLAB_class"] = np.bytes_("double")
    group.attrs.create("MATLAB_fields", hostile.ref, dtype=h5py.ref_dtype)


def as_the_objects(file, hostile):
    """Inside the objects' data, which are read when an object is met."""
    file["x"] = np.array([[0xDD000000, 2, 1, 1, 1, 1]], np.uint32)
    file["x"].attrs["MATLAB_class"] = np.bytes_("thing")
    file["x"].attrs["MATLAB_object_decode"] = np.int32(3)
    group = file.create_group("#subsystem#")
    group["MCOS"] = hostile


PLACES = [
    in_a_cell,
    in_a_struct,
    in_a_struct_array,
    as_references,
    in_a_sparse_matrix,
    as_names,
    as_the_objects,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", HOSTILE, ids=lambda f: f.__name__)
def test_what_a_reference_leads_to_is_checked(kind, place, tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"good": np.ones((2, 2))}, "v7.3")
    with h5py.File(path, "r+") as file:
        hostile = kind(file.create_group("#refs#"), "a", tmp_path)
        hostile.attrs["MATLAB_class"] = np.bytes_("double")
        place(file, hostile)
    file = MatFile(path, SMALL)
    said = HOSTILE[kind] if place is not as_names else "which MATLAB|damaged|cannot be decoded|more"
    with pytest.raises(FormatError, match=said) as caught:
        file["x"]
    assert "x.mat:x" in str(caught.value)
    assert file["good"].tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("link", [h5py.ExternalLink("other.h5", "/x"), h5py.SoftLink("/good")])
def test_links_below_the_root(link, tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"good": np.ones((2, 2)), "x": {"a": "1"}}, "v7.3")
    with h5py.File(path, "r+") as file:
        file["x"]["b"] = link
    with pytest.raises(FormatError, match="a link to elsewhere"):
        read_mat(path)
    assert MatFile(path)["good"].shape == (2, 2)


def test_one_variable_of_another_kind_does_not_hide_the_others(tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"good": np.ones((2, 2))}, "v7.3")
    with h5py.File(path, "r+") as file:
        external(file, "bad", tmp_path).attrs["MATLAB_class"] = np.bytes_("double")
    file = open_mat(path)
    assert list(file.variables) == ["good"]
    assert [(one.level, one.where) for one in file.report] == [("error", "bad")]
    with pytest.raises(FormatError, match="data in another file"):
        read_mat(path)


def test_a_chunk_that_inflates_beyond_its_size(tmp_path):
    import zlib

    path = tmp_path / "x.mat"
    write_mat(path, {"good": np.ones((2, 2))}, "v7.3")
    with h5py.File(path, "r+") as file:
        data = file.create_dataset("x", (10, 1), "f8", chunks=(10, 1), compression="gzip")
        data.attrs["MATLAB_class"] = np.bytes_("double")
        data.id.write_direct_chunk((0, 0), zlib.compress(bytes(200 << 20), 9))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(FormatError, match="more than 64 MiB"):
        read_mat(path, limit=SMALL)


def sparse(path, ir, jc, rows=3):
    write_mat(path, {"good": np.ones((2, 2))}, "v7.3")
    with h5py.File(path, "r+") as file:
        group = file.create_group("x")
        group.attrs["MATLAB_class"] = np.bytes_("double")
        group.attrs["MATLAB_sparse"] = np.uint64(rows)
        group["data"] = np.ones(len(ir))
        group["ir"], group["jc"] = np.array(ir, np.uint64), np.array(jc, np.uint64)
    return MatFile(path)


def test_sparse_indices_outside_the_matrix(tmp_path):
    path = tmp_path / "x.mat"
    assert sparse(path, [0, 2], [0, 1, 2])["x"].shape == (3, 2)
    for ir, jc in (([0, 7], [0, 1, 2]), ([0, 1], [0, 2, 1]), ([0, 1], [0, 1, 2**40])):
        with pytest.raises(FormatError):
            sparse(path, ir, jc)["x"]


def names_at(path):
    """Where the attribute's references to the names of the fields stand."""
    data = path.read_bytes()
    heap = min(read_heaps(path).lengths)
    return data.find(struct.pack("<IQI", 5, heap - 512, 1))


@pytest.mark.parametrize("claim", [4, 6, 1 << 20, (1 << 32) - 1])
def test_names_that_claim_another_length(claim, tmp_path):
    """libhdf5 would take that much memory before it looks."""
    path = tmp_path / "x.mat"
    write_mat(path, {"x": {"field": "1", "other": "2"}}, "v7.3")
    at, data = names_at(path), bytearray(path.read_bytes())
    assert at > 0
    struct.pack_into("<I", data, at, claim)
    path.write_bytes(data)
    with pytest.raises(FormatError, match=f"a name claims {claim} characters"):
        read_mat(path)


def test_a_long_list_of_names_is_read(tmp_path):
    """MATLAB puts it in a dataset of its own."""
    path = tmp_path / "x.mat"
    write_mat(path, {"x": {"b": "1", "a": "2"}}, "v7.3")
    with h5py.File(path, "r+") as file:
        kind = h5py.vlen_dtype(np.dtype("S1"))
        names = [*file["x"].attrs["MATLAB_fields"]]
        listed = file.require_group("#refs#").create_dataset("names", (2,), kind)
        listed[0], listed[1] = names
        del file["x"].attrs["MATLAB_fields"]
        file["x"].attrs.create("MATLAB_fields", file["#refs#/names"].ref, dtype=h5py.ref_dtype)
    assert read_mat(path)["x"] == {"b": "1", "a": "2"}


def diamond(path, depth):
    """Each cell refers to the next one twice: 2**depth mentions of one number."""
    write_mat(path, {"good": np.ones((2, 2))}, "v7.3")
    with h5py.File(path, "r+") as file:
        refs = file.create_group("#refs#")
        inner = refs.create_dataset("0", data=np.ones((1, 1)))
        inner.attrs["MATLAB_class"] = np.bytes_("double")
        for level in range(1, depth + 1):
            cell = refs.create_dataset(str(level), (2, 1), h5py.ref_dtype)
            cell[0, 0] = cell[1, 0] = inner.ref
            cell.attrs["MATLAB_class"] = np.bytes_("cell")
            inner = cell
        file["x"] = inner


def test_what_references_share_is_made_once(tmp_path):
    path = tmp_path / "x.mat"
    diamond(path, 60)
    found = read_mat(path)["x"]
    assert found[0] is found[1]
    assert len(repr(found)) < 1000


def test_links_that_meet_again(tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"good": np.ones((2, 2))}, "v7.3")
    with h5py.File(path, "r+") as file:
        inner = file.create_group("#refs#")
        for level in range(60):
            inner.attrs["MATLAB_class"] = np.bytes_("struct")
            outer = file["#refs#"].create_group(str(level))
            outer["a"] = outer["b"] = inner
            inner = outer
        inner.attrs["MATLAB_class"] = np.bytes_("struct")
        file["x"] = inner
        # The innermost holds all the others: a circle.
    with pytest.raises(FormatError, match="an array holds itself"):
        read_mat(path)


def test_a_cell_of_very_many_references(tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"good": np.ones((2, 2))}, "v7.3")
    with h5py.File(path, "r+") as file:
        cell = file.create_dataset(
            "x", (1 << 22, 1), h5py.ref_dtype, chunks=(1 << 16, 1), compression="gzip"
        )
        cell.attrs["MATLAB_class"] = np.bytes_("cell")
    with pytest.raises(FormatError, match="values"):
        read_mat(path)


@pytest.mark.parametrize("version", ["v6", "v7", "v7.3"])
def test_what_is_told_of_a_value_is_short(version, tmp_path):
    path = tmp_path / "x.mat"
    thing = MatObject("Thing", {f"p{i}": "x" * 1000 for i in range(50)})
    value = Cell([thing, StructArray([{"a": "1"}] * 300, (1, 300)), "y" * 9999], (1, 3))
    write_mat(path, {"x": value}, version)
    assert len(repr(read_mat(path)["x"])) < 300


def test_a_name_of_any_bytes_hides_nothing(tmp_path):
    path = tmp_path / "x.mat"
    write_mat(path, {"first": np.ones((1, 2)), "n3t": np.zeros((2, 2))}, "v7.3")
    data = path.read_bytes()
    assert data.count(b"n3t") == 1
    path.write_bytes(data.replace(b"n3t", b"n\x98t"))
    done = run_inspect(path)
    assert "first" in done
    assert "\\udc98" in done or "\\x98" in done


@pytest.mark.parametrize("flags", [0x02, 0x0A, 0x5A, 0xFF])
def test_a_list_of_names_of_no_known_kind_is_damaged(tmp_path, flags):
    """libhdf5 crashes over a variable-length type that is neither a sequence nor text."""
    path = tmp_path / "x.mat"
    fields = StructArray([{"a": "1"}, {"a": "2"}], (1, 2))
    write_mat(path, {"s": fields, "t": np.ones((1, 2))}, "v7.3")
    data = bytearray(path.read_bytes())
    at = data.index(b"MATLAB_fields\0")
    kind = data.index(b"\x19\0\0\0\x10", at)
    data[kind + 1] = flags
    path.write_bytes(data)
    assert "a list of names is no list of text" in run_inspect(path)


def run_inspect(path):
    """In a process of its own, which a crash of libhdf5 would end."""
    done = subprocess.run(
        [sys.executable, "-m", "matbridge", "inspect", str(path)], capture_output=True, text=True
    )
    assert done.returncode >= 0, "a crash"
    assert "Traceback" not in done.stderr
    return " ".join((done.stdout + done.stderr).split())
