"""Numbers that agree the other way round."""

import numpy as np
import pytest

from matbridge import MismatchError
from matbridge.verify.compare import EmptyComparisonError
from matbridge.verify.values import judge

draw = np.random.default_rng(0).standard_normal


def compare(computed, expected):
    return judge("y", expected, computed, [])


NOTE = "what is expected is taken transposed"


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
def test_a_transposed_array_is_told(shape):
    x = draw(shape)
    result = compare(x, x.T)
    assert (result.passes, result.note) == (True, NOTE)
    assert compare(x, x).note == ""


@pytest.mark.parametrize("shape", [(5, 4), (4, 5), (3, 3)])
def test_scores_as_activations_and_dlarrays_have_them(shape):
    """1×1×C×N; a transposed one that differs is told where the user finds it."""
    x = draw(shape)
    wanted = np.array(x.T[None, None])
    result = compare(x, wanted)
    assert (result.passes, result.note) == (True, NOTE)
    if shape == (5, 4):
        wanted[0, 0, 3, 1] += 9
        assert compare(x, wanted).statistics.worst[0].subscripts == (1, 1, 4, 2)


@pytest.mark.parametrize("lengths", [(5, 5), (5, 7, 3)])
def test_cells_of_transposed_sequences(lengths):
    xs = [draw((3, n)) for n in lengths]
    result = compare(xs, [x.T for x in xs])
    assert (result.passes, result.note) == (True, NOTE)
    # All of them or none.
    mixed = [xs[0].T, *xs[1:]]
    with pytest.raises(MismatchError, match="result 1 has size"):
        compare(xs, mixed)


def test_what_differs_differs_either_way():
    x = draw((3, 3))
    assert not compare(x, x.T + 1).passes
    assert NOTE not in compare(x, x + 1).note
    with pytest.raises(MismatchError, match=r"size \(3, 3\), but \(2, 3\)"):
        compare(x, x[:2])
    # Only one way fits: what differs there differs, and is no question of sizes.
    other = compare(draw((3, 4)), draw((4, 3)))
    assert (other.verdict, other.note) == ("different", NOTE)
    with pytest.raises(EmptyComparisonError):
        compare(x, np.zeros((0, 3)))


def test_rows_for_columns_are_still_a_matter_of_taste():
    x = draw((1, 5))
    assert compare(x, x.T).note.endswith("as vectors")
