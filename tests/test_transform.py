"""What was done to an output before it was kept: parsed as MATLAB reads it, never executed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matbridge import MatbridgeError, MismatchError
from matbridge.verify.expression import transform_of, variables_in

RNG = np.random.default_rng(0)
Y = RNG.standard_normal((3, 4))
POSITIVE = np.abs(Y) + 0.1
ROW, COLUMN = RNG.standard_normal((1, 4)), RNG.standard_normal((3, 1))
M = RNG.standard_normal((4, 2))
VARIABLES = {"r": ROW, "c": COLUMN, "m": M, "s": 2.0, "ps": {"gain": ROW, "low": {"end": 1.0}}}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("y", Y),
        ("y*s + pi", Y * 2 + np.pi),
        ("y.*r + c", Y * ROW + COLUMN),
        ("(y - c)./r", (Y - COLUMN) / ROW),
        ("-y.^2", -(Y**2)),
        ("2^-1*y", Y / 2),
        ("y'", Y.T),
        ("c'*y", COLUMN.T @ Y),
        ("y*m", Y @ M),
        ("(y'.^2)'", Y**2),
        ("y.*ps.gain - ps.low.end", Y * ROW - 1),
        ("1 - 2 - y", -1 - Y),
        ("2^3^2 + 0*y", np.full(Y.shape, 64.0)),
        ("y/s*s", Y),
        ("exp(y) + log1p(abs(y))", np.exp(Y) + np.log1p(abs(Y))),
        ("round(2.5 + 0*y) + round(-2.5 + 0*y)", 0 * Y),
        ("max(y, 0) + min(y, 0)", Y),
        ("max(y)", Y.max(0, keepdims=True)),
        ("max(y, [], 2)", Y.max(1, keepdims=True)),
        ("max(y, [], 'all')", Y.max().reshape(1, 1)),
        ("argmax(y, 2)", Y.argmax(1).reshape(-1, 1) + 1.0),
        ("sum(y .* (y > 0), 2)", (Y * (Y > 0)).sum(1, keepdims=True)),
        ("(y - mean(y))./std(y)", (Y - Y.mean(0)) / Y.std(0, ddof=1)),
        ("softmax(y, 2)", np.exp(Y) / np.exp(Y).sum(1, keepdims=True)),
        ("sqrt(y.^2)", abs(Y)),
        ("y(:, 2:end)", Y[:, 1:]),
        ("y(end, :) + r(1)", Y[-1:] + ROW[0, 0]),
        ("y(end:-1:1, 1:2:end)", Y[::-1, ::2]),
        ("y(:)", Y.reshape(-1, 1, order="F")),
        ("y(end-1)", Y[1:2, -1:]),
        ("y(2, :, 1)", Y[1:2, :, None]),
        ("r(2:3).*y(:, 1)", ROW[:, 1:3] * Y[:, :1]),
    ],
)
def test_as_matlab_computes(words, expected):
    result = transform_of(words, VARIABLES).apply(Y)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-14, atol=1e-14)


def test_an_image_meets_others_by_its_first_dimensions():
    """MATLAB's sizes expand from the first dimension on, NumPy's from the last."""
    y = RNG.standard_normal((3, 4, 2, 5))
    c = RNG.standard_normal((3, 4))
    result = transform_of("y - c", {"c": c}).apply(y)
    assert np.array_equal(result, y - c[:, :, None, None])


def test_single_stays_single():
    """So that rounding is what MATLAB's is, and the budget is that of what was kept."""
    y, big = np.float32([[1.1]]), 1e4
    result = transform_of("y*s + big", {"s": 3.0, "big": big}).apply(y)
    assert result.dtype == np.float32
    assert result.item() == np.float32(np.float32(1.1) * np.float32(3)) + np.float32(big)
    assert transform_of("y*s + big", {"s": 3.0, "big": big}).apply(y.astype(float)).dtype == float


def test_the_variables_that_it_needs_are_told():
    assert variables_in("(y*sig + mu(1))./ps.gain - pi") == ("sig", "mu", "ps.gain")
    transform = transform_of("y.*ps.gain", {"ps.gain": ROW, "other": 1})
    assert transform.words == "y.*ps.gain"
    assert list(transform.variables) == ["ps"]
    again = transform_of(transform.words, transform.variables)
    assert np.array_equal(again.apply(Y), transform.apply(Y))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "not expected there"),
        ("y*", "y*>>>: the transform is not understood: 'its end' is not expected there"),
        ("y*$a", "y*>>>$a: the transform is not understood: '$' is not expected there"),
        ("y)", "y>>>): the transform is not understood: ')' is not expected there"),
        ("exp(y", "',' is missing"),
        ("sum(max(y, [], 2)(1))", "',' is missing before '('"),
        ("y s", "'s' is not expected there"),
        ("s*2", "the output y has no part in it"),
        ("y; delete('x')", "';' is not expected there"),
        ("y = 1", "'=' is not expected there"),
        ("y*sgi", "nothing is known by the name 'sgi'"),
        ("y + ps.gian", "Did you mean 'gain'? "),
        ("y + text", "text: it is not of numbers"),
        ("system('ls') + y", "nothing is known by the name 'system'"),
        ("__import__('os') + y", "'_' is not expected there"),
        ("y.real", "the output y has no part in it"),
        ("y" + "+y" * 600, "it is too long"),
        ("(" * 60 + "y" + ")" * 60, "it is nested too deep"),
        ("-" * 300 + "y", "it is nested too deep"),
    ],
)
def test_what_is_not_understood_is_told_with_its_place(words, said):
    with pytest.raises(MismatchError) as caught:
        transform_of(words, {**VARIABLES, "text": "abc"})
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("y*m'", "matrices of sizes 3×4 and 2×4 cannot be multiplied"),
        ("y + m", "arrays of sizes 3×4 and 4×2 cannot be combined"),
        ("y/r", "/ needs a scalar"),
        ("y^2", "^ needs scalars"),
        ("log(y)", "log: of negative numbers it is complex"),
        ("y.^0.5", "a negative number has no real root"),
        ("y + 'a'", "text cannot be computed with"),
        ("max(y, y, 2)", "of two arrays it takes no dimension"),
        ("max(y, [], 0)", "a dimension is a number from 1"),
        ("sum(y, 'some')", "'some' names no dimension"),
        ("exp(y, y)", "it takes 1 argument"),
        ("y:3", "this is not arithmetic"),
        ("[y; y]", "arrays are not written out here"),
        ("y && 1", "&& is not known"),
        ("'a' .* y", "text cannot be computed with"),
        ("y(7, :)", "there is no 7 among 3"),
        ("y(0, :)", "there is no 0 among 3"),
        ("y(1, 2, 3, 4, 5)", "there is no 3 among 1"),
        ("end*y", "end stands within an index"),
        ("y(1.5)", "an index is a whole number"),
        ("y(y)", "an index is a whole number"),
    ],
)
def test_what_cannot_be_computed_is_told(words, said):
    with pytest.raises(MismatchError, match="transform") as caught:
        transform_of(words, VARIABLES).apply(Y)
    assert said in str(caught.value)


def test_values_do_not_grow_beyond_an_output():
    long = np.ones((1, 4000))
    with pytest.raises(MismatchError, match="grow beyond what an output needs"):
        transform_of("(a' + a) .* y", {"a": long}).apply(Y)
    wide = transform_of("a'*a + y(1)", {"a": long})
    with pytest.raises(MismatchError, match="grow beyond what an output needs"):
        wide.apply(Y)


@settings(max_examples=300)
@given(st.text("ysc12.*+-/^'()[],:;=<>~&|@ \"ex", max_size=14))
def test_any_text_is_computed_or_refused(words):
    try:
        assert transform_of(words, VARIABLES).apply(Y) is not None
    except MatbridgeError as error:
        assert str(error)
