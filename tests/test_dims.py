"""Labels, sizes and column-major order."""

import numpy as np
import pytest

from matbridge.core.dims import (
    Size,
    batch_first,
    canonical,
    check_labels,
    gate_blocks,
    permutation,
    reorder,
    same_padding,
    union,
    without,
)
from matbridge.errors import MismatchError


def test_labels_have_one_order():
    assert canonical("BCSS") == "SSCB"
    assert canonical("TBC") == "CBT"
    assert batch_first("SSCBT") == "BCTSS"


@pytest.mark.parametrize("bad", ["", "CC", "XB", "BB", "CBTT"])
def test_a_format_that_matlab_refuses(bad):
    with pytest.raises(MismatchError, match="not a dlarray format"):
        check_labels(bad)


def test_repeated_labels_keep_their_order():
    assert permutation("BCSS", "SSCB") == (2, 3, 1, 0)
    x = np.arange(24).reshape(2, 3, 4)
    assert reorder(x, "SSC", "CSS").tolist() == x.transpose(2, 0, 1).tolist()


def test_reorder_adds_and_drops_dimensions_of_size_one():
    x = np.arange(6.0).reshape(2, 3)
    assert reorder(x, "CT", "CBT").shape == (2, 1, 3)
    assert reorder(x.reshape(2, 1, 3), "CBT", "TC").shape == (3, 2)
    with pytest.raises(MismatchError, match="cannot lose"):
        reorder(x, "CT", "C")


def test_union_and_without_count_repetitions():
    assert union("SCB", "SSCT") == "SCBST"
    assert without("SSCB", "S") == "SCB"


def test_gates_of_matlab_and_onnx():
    assert gate_blocks("ifgo", "iofg") == [0, 3, 1, 2]
    assert gate_blocks("rzh", "zrh") == [1, 0, 2]


@pytest.mark.parametrize(
    ("size", "window", "stride", "expected"),
    # The PaddingSize that MATLAB saved in real files: [before, after].
    [
        (40, 3, 2, (0, 1)),
        (41, 3, 2, (1, 1)),
        (5, 2, 2, (0, 1)),
        (7, 1, 2, (0, 0)),
        (9, 7, 1, (3, 3)),
    ],
)
def test_same_padding_as_saved(size, window, stride, expected):
    assert same_padding(size, window, stride) == expected


def test_sizes_are_shown_as_analyze_network_shows_them():
    assert str(Size("CBT", (100, None, None))) == "100(C) × 1(B) × 1(T)"
    assert str(Size.of("SSCB", 28, None, 3)) == "28(S) × ?(S) × 3(C) × 1(B)"


def test_size_algebra():
    x = Size.of("SSCBT", 5, 4, 3)
    assert x.drop("S") == Size("CBT", (3, None, None))
    assert x.put(C=7)["C"] == 7
    assert x.drop("T").put(T=None) == x
    assert x.with_spatial(2).format == "SCBT"
    assert x.elements("SC") == 60
    assert Size.of("SSCB", None, 4, 3).elements("SC") is None
