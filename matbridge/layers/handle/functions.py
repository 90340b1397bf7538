"""Every function and operator of MATLAB's that a handle may use, by name."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from matbridge.layers.handle.arrays import Arrays
from matbridge.layers.handle.elementwise import BINARY, SINGLE
from matbridge.layers.handle.reductions import REDUCTIONS, softmax
from matbridge.layers.handle.reshape import (
    array,
    dlarray,
    flip,
    join,
    permute,
    repmat,
    reshape,
    squeeze,
    stripdims,
    transpose,
    whole,
)
from matbridge.layers.handle.values import Arguments, Operand

__all__ = ["FUNCTIONS", "OPERATORS"]


def _size(run: Arrays, arguments: Arguments) -> Operand:
    """size(x), or size(x, dim) for one dimension or several."""
    value, *rest = arguments
    x = array(value)
    places = whole(run, *rest) if rest else range(1, len(x.order) + 1)
    if min(places) < 1:
        raise ValueError("dimensions count from 1")
    sizes = [run.size(x, n - 1) for n in places]
    # As objects, since a size may be a symbol of the backend.
    return run.array(np.array([sizes], dtype=object))


def _numel(run: Arrays, arguments: Arguments) -> Operand:
    (value,) = arguments
    x = array(value)
    count = math.prod(run.size(x, place) for place in range(len(x.order)))
    return run.array(np.array([[count]], dtype=object))


def _ndims(run: Arrays, arguments: Arguments) -> Operand:
    (value,) = arguments
    return run.array(float(len(run.trimmed(array(value), 2).order)))


def _filled(number: float) -> Callable[[Arrays, Arguments], Operand]:
    """zeros(2, 3), ones([2 3]), ones(2)."""

    def apply(run: Arrays, arguments: Arguments) -> Operand:
        sizes = [n for argument in arguments for n in whole(run, argument)] or [1]
        sizes = sizes * 2 if len(sizes) == 1 else sizes
        if min(sizes) < 0:
            raise ValueError("sizes are not negative")
        run.budget.spend(math.prod(sizes))
        return run.array(np.full(sizes, number))

    return apply


def _beside(place: int) -> Callable[[Arrays, Arguments], Operand]:
    return lambda run, arguments: run.join(arguments, place)


FUNCTIONS: dict[str, Callable[[Arrays, Arguments], Operand]] = {
    **SINGLE,
    **BINARY,
    **REDUCTIONS,
    "permute": permute,
    "transpose": transpose,
    "ctranspose": transpose,
    "reshape": reshape,
    "squeeze": squeeze,
    "repmat": repmat,
    "flip": flip,
    "cat": join,
    "vertcat": _beside(0),
    "horzcat": _beside(1),
    "dlarray": dlarray,
    "stripdims": stripdims,
    "extractdata": stripdims,
    "softmax": softmax,
    "size": _size,
    "numel": _numel,
    "ndims": _ndims,
    "zeros": _filled(0.0),
    "ones": _filled(1.0),
}

OPERATORS: dict[str, Callable[[Arrays, Arguments], Operand]] = {
    "+": FUNCTIONS["plus"],
    "-": FUNCTIONS["minus"],
    ".*": FUNCTIONS["times"],
    "./": FUNCTIONS["rdivide"],
    ".^": FUNCTIONS["power"],
    "*": FUNCTIONS["mtimes"],
    "/": FUNCTIONS["mrdivide"],
    "^": FUNCTIONS["mpower"],
    "<": FUNCTIONS["lt"],
    ">": FUNCTIONS["gt"],
    "<=": FUNCTIONS["le"],
    ">=": FUNCTIONS["ge"],
    "==": FUNCTIONS["eq"],
    "~=": FUNCTIONS["ne"],
    "&": FUNCTIONS["and"],
    "|": FUNCTIONS["or"],
    "&&": FUNCTIONS["and"],
    "||": FUNCTIONS["or"],
    "unary -": FUNCTIONS["uminus"],
    "unary +": FUNCTIONS["uplus"],
    "unary ~": FUNCTIONS["not"],
}
