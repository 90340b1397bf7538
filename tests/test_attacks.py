"""No damaged or hostile file ends the interpreter, hangs, or gets past without a message."""

import gzip
import pickle
import struct
import zipfile
import zlib

import h5py
import numpy as np
import pytest

import matbridge
from matbridge.errors import FormatError, MatbridgeError, UnsupportedError
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.write import write_mat

FOREIGN = {
    "empty.mat": (b"", "the file is empty"),
    "pointer.mat": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    "page.mat": (b"<!DOCTYPE html><html>", "HTML page"),
    "text.mat": (b"layer,weights\n1,2\n", "text file"),
    "random.mat": (bytes(range(256)) * 2, "not a MAT-file"),
    "gzip.mat": (gzip.compress(b"x" * 100), "gzip"),
    "numpy.mat": (b"\x93NUMPY\x01\x00", "NumPy"),
    "pickle.mat": (pickle.dumps({"net": 1}), "not a MAT-file"),
    "head.mat": (b"MATLAB 5.0 MAT-file, Platform", "cut off or damaged"),
    "level4.mat": (struct.pack("<5i", 0, 1, 1, 0, 2) + b"a\0" + struct.pack("<d", 1), "level 4"),
}


@pytest.mark.parametrize("name", list(FOREIGN))
def test_other_kinds_of_files(name, tmp_path):
    data, said = FOREIGN[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(MatbridgeError, match=said) as caught:
        matbridge.load(path)
    assert name in str(caught.value)


def test_a_zip_and_a_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "net.mat", "w") as archive:
        archive.writestr("net.mat", "x")
    with pytest.raises(FormatError, match="ZIP archive"):
        matbridge.load(tmp_path / "net.mat")
    with pytest.raises(FormatError, match="folder"):
        matbridge.load(tmp_path)
    with pytest.raises(FormatError, match="No such file"):
        matbridge.load(tmp_path / "missing.mat")


def test_a_plain_hdf5_file_is_not_matlabs(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["x"] = [1]
    with pytest.raises(FormatError, match="not one that MATLAB saved"):
        matbridge.load(tmp_path / "a.mat")


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(array_class, dims, *parts, name=b""):
    head = element(6, struct.pack("<II", array_class, 0))
    head += element(5, struct.pack(f"<{len(dims)}i", *dims)) + element(1, name)
    return element(14, head + b"".join(parts))


def mat_file(path, *elements, subsystem=0):
    header = b"MATLAB 5.0 MAT-file".ljust(116) + struct.pack("<QH2s", subsystem, 0x0100, b"IM")
    path.write_bytes(header + b"".join(elements))
    return path


def refused(path, said):
    with pytest.raises(FormatError, match=said):
        read_mat(path)


def test_cells_nested_thousands_deep(tmp_path):
    inner = matrix(6, (1, 1), element(9, struct.pack("<d", 1.0)))
    for _ in range(5000):
        inner = matrix(1, (1, 1), inner)
    named = matrix(1, (1, 1), inner, name=b"c")
    refused(mat_file(tmp_path / "deep.mat", named), "nested more than 100 deep")


def test_a_wrong_data_type_tag(tmp_path):
    for kind in (0, 8, 10, 11, 14, 15, 200):
        broken = matrix(6, (1, 1), element(kind, struct.pack("<d", 1.0)), name=b"x")
        refused(mat_file(tmp_path / "tag.mat", broken), "stands where numbers must")


def test_dimensions_that_claim_more_than_there_is(tmp_path):
    huge = matrix(6, (2**31 - 1, 2**31 - 1), element(9, struct.pack("<d", 1.0)), name=b"x")
    refused(mat_file(tmp_path / "huge.mat", huge), "holds 8 bytes")
    cells = matrix(1, (2**30, 4), name=b"c")
    refused(mat_file(tmp_path / "cells.mat", cells), "claims")
    structs = matrix(2, (2**30, 4), element(5, struct.pack("<i", 8)), element(1, b""), name=b"s")
    refused(mat_file(tmp_path / "structs.mat", structs), "without fields")
    negative = matrix(6, (-1, 1), element(9, b""), name=b"x")
    refused(mat_file(tmp_path / "negative.mat", negative), "dimensions")


def test_sparse_indices_outside_the_matrix(tmp_path):
    def sparse(rows, columns):
        parts = (
            element(5, struct.pack(f"<{len(rows)}i", *rows)),
            element(5, struct.pack(f"<{len(columns)}i", *columns)),
            element(9, struct.pack(f"<{len(rows)}d", *map(float, rows))),
        )
        return mat_file(tmp_path / "sparse.mat", matrix(5, (3, 2), *parts, name=b"s"))

    assert read_mat(sparse([0, 2], [0, 1, 2]))["s"].shape == (3, 2)
    refused(sparse([0, 7], [0, 1, 2]), "indices of a sparse matrix")
    refused(sparse([0, 1], [0, 1, 2**30]), "indices of a sparse matrix")
    refused(sparse([0, 1], [0, 2, 1]), "indices of a sparse matrix")


def test_a_small_file_that_inflates_to_a_gigabyte(tmp_path):
    size = 1 << 30
    deflate = zlib.compressobj(9)
    head = element(6, struct.pack("<II", 9, 0)) + element(5, struct.pack("<2i", size, 1))
    head += element(1, b"x") + struct.pack("<II", 2, size)
    packed = [deflate.compress(struct.pack("<II", 14, len(head) + size) + head)]
    packed += [deflate.compress(bytes(1 << 20)) for _ in range(1024)]
    data = b"".join([*packed, deflate.flush()])
    path = mat_file(tmp_path / "bomb.mat", struct.pack("<II", 15, len(data)) + data)
    assert path.stat().st_size < 2 << 20
    with pytest.raises(FormatError, match=r"more than 64 MiB.*\n.*max_size="):
        read_mat(path, limit=64 << 20)


def test_a_flipped_bit_in_compressed_data_is_always_noticed(fixtures, tmp_path):
    data = bytearray((fixtures / "cnn.mat").read_bytes())
    for at in range(136, len(data), 97):
        changed = bytearray(data)
        changed[at] ^= 4
        path = tmp_path / "flipped.mat"
        path.write_bytes(changed)
        with pytest.raises(MatbridgeError):
            read_mat(path)


def test_every_cut_is_noticed(fixtures, tmp_path):
    for name in ("cnn", "dag"):
        data = (fixtures / f"{name}.mat").read_bytes()
        for length in range(0, len(data) - 8, max(1, len(data) // 60)):
            path = tmp_path / "cut.mat"
            path.write_bytes(data[:length])
            # A cut between two variables leaves a sound file with fewer of them.
            try:
                found = read_mat(path)
            except MatbridgeError:
                continue
            assert "net" not in found or length > 5000


def hdf5(tmp_path, name="x.mat"):
    path = tmp_path / name
    write_mat(path, {"X": np.arange(12.0).reshape(3, 4)}, "v7.3")
    return path


def test_hdf5_links_to_elsewhere(tmp_path):
    for link in (h5py.ExternalLink("/etc/passwd", "/x"), h5py.SoftLink("/X")):
        path = hdf5(tmp_path)
        with h5py.File(path, "r+") as file:
            file["away"] = link
        refused(path, "a link to elsewhere")


def test_hdf5_data_in_another_file(tmp_path):
    (tmp_path / "raw.bin").write_bytes(bytes(80))
    path = hdf5(tmp_path)
    with h5py.File(path, "r+") as file:
        file.create_dataset("e", (10,), "f8", external=[(str(tmp_path / "raw.bin"), 0, 80)])
    refused(path, "data in another file")


def test_hdf5_virtual_data(tmp_path):
    path = hdf5(tmp_path)
    layout = h5py.VirtualLayout((3, 4), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "source.h5"), "X", (3, 4))
    with h5py.File(path, "r+") as file:
        file.create_virtual_dataset("v", layout)
    refused(path, "a virtual dataset")


def test_hdf5_sizes_and_filters(tmp_path):
    path = hdf5(tmp_path)
    with h5py.File(path, "r+") as file:
        file.create_dataset("big", (1 << 40,), "f8", chunks=(1 << 16,), compression="gzip")
    refused(path, "more than 4096 MiB")
    path = hdf5(tmp_path)
    with h5py.File(path, "r+") as file:
        file.create_dataset("odd", (10,), "f8", chunks=(10,), compression="lzf")
    refused(path, "an unknown filter")


def test_hdf5_heaps_with_wrong_sizes(fixtures, tmp_path):
    """libhdf5 loops over these without end."""
    data = bytearray((fixtures / "gru_regressor.mat").read_bytes())
    at = data.find(b"GCOL")
    for place, value in ((at + 8, 2**60), (at + 24, 2**40), (at + 24, 1 << 63), (at + 8, 3)):
        changed = bytearray(data)
        struct.pack_into("<Q", changed, place, value)
        path = tmp_path / "heap.mat"
        path.write_bytes(changed)
        refused(path, "heap")


def test_max_size_bounds_hdf5_too(fixtures):
    with pytest.raises(FormatError, match="max_size="):
        read_mat(fixtures / "gru_regressor.mat", limit=1000)


def test_objects_that_contradict_themselves(fixtures, tmp_path):
    """Inside the objects' data: ids, counts and offsets that lead nowhere."""
    original = (fixtures / "dag.mat").read_bytes()
    (offset,) = struct.unpack_from("<Q", original, 116)
    inner = original.find(b"\x00\x01IM", offset)
    metadata = original.find(struct.pack("<II", 4, 0)[:4], inner + 100)
    notices = 0
    for at in range(metadata, metadata + 4000, 4):
        changed = bytearray(original)
        struct.pack_into("<I", changed, at, 0x7FFFFFF0)
        path = tmp_path / "objects.mat"
        path.write_bytes(changed)
        try:
            matbridge.load(path)
        except MatbridgeError:
            notices += 1
    assert notices > 300


def test_unsupported_is_said_with_a_way_out(tmp_path):
    path = tmp_path / "data.mat"
    write_mat(path, {"gain": np.ones((2, 3)), "shift": np.ones((2, 1))})
    with pytest.raises(UnsupportedError, match=r"holds no network[\s\S]*gain, shift"):
        matbridge.load(path)
