"""Element by element: arithmetic, comparison and logic, as MATLAB's with NaN and zero.

A logical value is 1 or 0. A comparison with NaN is false, but ~= is true.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matbridge.layers.handle.arrays import Arrays
from matbridge.layers.handle.parse import unsupported
from matbridge.layers.handle.reshape import array
from matbridge.layers.handle.values import Arguments, Labelled, Operand

__all__ = ["BINARY", "SINGLE", "truth"]

Function = Callable[[Arrays, Arguments], Operand]
# MATLAB's functions of one argument, and the words for them.
UNARY = {
    **{name: name for name in "exp log sqrt abs sign floor sin cos tanh round".split()},
    **{name: name for name in "sigmoid relu softplus gelu erf".split()},
    "uminus": "negative",
    "double": "",
    "single": "",
    "uplus": "",
    "identity": "",
}


def applied(name: str) -> Function:
    """The function of this one argument, by the word for it."""

    def apply(run: Arrays, arguments: Arguments) -> Operand:
        (value,) = arguments
        x = array(value)
        return run.unary(name, x) if name else x

    return apply


def joined_by(name: str) -> Function:
    """The function of two arguments, by the word for it."""

    def apply(run: Arrays, arguments: Arguments) -> Operand:
        left, right = arguments
        return run.binary(name, left, right)

    return apply


def opposite(run: Arrays, logical: Operand) -> Labelled:
    """1 where it is 0, else 0."""
    return run.binary("subtract", 1.0, logical)


def unequal(run: Arrays, arguments: Arguments) -> Operand:
    """1 where the arguments differ; also where one is NaN."""
    return opposite(run, joined_by("equal")(run, arguments))


def truth(run: Arrays, value: Operand) -> Labelled:
    """1 where it is not 0."""
    return opposite(run, run.binary("equal", value, 0.0))


def _greater(run: Arrays, arguments: Arguments) -> Operand:
    left, right = arguments
    return run.binary("less", right, left)


def _at_most(run: Arrays, arguments: Arguments) -> Operand:
    left, right = arguments
    less, same = run.binary("less", left, right), run.binary("equal", left, right)
    return run.binary("add", less, same)


def _at_least(run: Arrays, arguments: Arguments) -> Operand:
    return _at_most(run, arguments[::-1])


def _not(run: Arrays, arguments: Arguments) -> Operand:
    (value,) = arguments
    return run.binary("equal", value, 0.0)


def _and(run: Arrays, arguments: Arguments) -> Operand:
    left, right = (truth(run, value) for value in arguments)
    return run.binary("multiply", left, right)


def _or(run: Arrays, arguments: Arguments) -> Operand:
    left, right = (truth(run, value) for value in arguments)
    return run.binary("maximum-number", left, right)


def _xor(run: Arrays, arguments: Arguments) -> Operand:
    return unequal(run, [truth(run, value) for value in arguments])


def _is_nan(run: Arrays, arguments: Arguments) -> Operand:
    (value,) = arguments
    return unequal(run, [value, value])


def _negated(run: Arrays, arguments: Arguments) -> Operand:
    return applied("negative")(run, arguments)


def _ceil(run: Arrays, arguments: Arguments) -> Operand:
    return _negated(run, [applied("floor")(run, [_negated(run, arguments)])])


def _fix(run: Arrays, arguments: Arguments) -> Operand:
    """Rounded towards zero."""
    (value,) = arguments
    whole = run.unary("floor", run.unary("abs", value))
    return run.binary("multiply", run.unary("sign", value), whole)


def _remainder(rounded: Function, zero: float) -> Callable[..., Operand]:
    """x - y·rounded(x/y); for y = 0, x + ``zero``."""

    def apply(run: Arrays, arguments: Arguments) -> Operand:
        x, y = arguments
        none = run.binary("equal", y, 0.0)
        # Divided by 1 where y is 0: then y times the quotient is 0, and x is the rest.
        quotient = run.binary("divide", x, run.binary("add", y, none))
        rest = run.binary("subtract", x, run.binary("multiply", y, rounded(run, [quotient])))
        if not np.isnan(zero):
            return rest
        # 0/0 makes NaN of rem(x, 0).
        return run.binary("add", rest, run.binary("divide", 0.0, opposite(run, none)))

    return apply


def _leaky_relu(run: Arrays, arguments: Arguments) -> Operand:
    value, *scale = arguments
    factor = run.numbers(scale[0]) if scale else np.array(0.01)
    x = array(value)
    if factor is None or x.constant:
        raise TypeError("leakyrelu needs an input and a number")
    return run.unary("leaky-relu", x, scale=float(factor.item()))


def product(run: Arrays, arguments: Arguments) -> Operand:
    """The matrix product of a constant and a matrix, in either order; by a scalar element by
    element."""
    left, right = (array(value) for value in arguments)
    if _single(run, left) or _single(run, right):
        return run.binary("multiply", left, right)
    if left.constant:
        return _contracted(run, left, right, 0)
    if right.constant:
        # M' over the columns of x; a transpose is no more than another order of labels.
        turned = run.result(right.value, right.order[::-1], right)
        return _contracted(run, turned, left, 1)
    raise unsupported(run.text, "the product of two inputs is not supported")


def _single(run: Arrays, x: Labelled) -> bool:
    return all(n == 1 for n in run.sizes(x))


def _contracted(run: Arrays, matrix: Labelled, x: Labelled, place: int) -> Labelled:
    """matrix·x over the rows of x (place 0) or its columns (1)."""
    weights, x = run.trimmed(matrix, 2), run.trimmed(x, 2)
    if len(weights.order) != 2 or len(x.order) != 2:
        raise unsupported(run.text, "* needs matrices")
    (rows, terms), n = run.sizes(weights), run.sizes(x)[place]
    if isinstance(n, int) and n != terms:
        raise unsupported(run.text, f"a {rows}×{terms} matrix cannot multiply {n} rows")
    label, other = x.order[place], x.order[1 - place]
    if x.constant:
        run.budget.spend(rows * terms * run.sizes(x)[1 - place])
    # affine contracts the channels: the dimension to contract is called C meanwhile.
    there, back = {label: "C", other: "B"}, {"C": label, "B": other}
    words = run.words(matrix, x)
    inner = words.rename(x.value, "".join(there[d] for d in x.value.dims))
    plain = Labelled(weights.value, weights.order, constant=True)
    aligned = run.numpy.align(plain.value, plain.order).data
    y = words.affine(words.constant(np.asarray(aligned, dtype=float), "OI"), inner)
    run.budget.check(words.sizes(y))
    return run.result(words.rename(y, "".join(back[d] for d in y.dims)), x.order, x)


def _quotient(run: Arrays, arguments: Arguments) -> Operand:
    left, right = (array(value) for value in arguments)
    if not _single(run, right):
        raise unsupported(run.text, "/ needs a scalar; ./ divides element by element")
    return run.binary("divide", left, right)


def _power(run: Arrays, arguments: Arguments) -> Operand:
    left, right = (array(value) for value in arguments)
    if not (_single(run, left) and _single(run, right)):
        raise unsupported(run.text, "^ needs scalars; .^ is element by element")
    return run.binary("power", left, right)


BINARY: dict[str, Function] = {
    "plus": joined_by("add"),
    "minus": joined_by("subtract"),
    "times": joined_by("multiply"),
    "rdivide": joined_by("divide"),
    "power": joined_by("power"),
    "mtimes": product,
    "mrdivide": _quotient,
    "mpower": _power,
    "lt": joined_by("less"),
    "gt": _greater,
    "le": _at_most,
    "ge": _at_least,
    "eq": joined_by("equal"),
    "ne": unequal,
    "and": _and,
    "or": _or,
    "xor": _xor,
    "mod": _remainder(applied("floor"), 0.0),
    "rem": _remainder(_fix, np.nan),
}
SINGLE: dict[str, Function] = {
    **{name: applied(word) for name, word in UNARY.items()},
    "ceil": _ceil,
    "fix": _fix,
    "not": _not,
    "isnan": _is_nan,
    "leakyrelu": _leaky_relu,
}
