"""Functions of MATLAB's that a handle may call, beside the elementwise ones, and comparisons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from matbridge.core.dims import check_labels
from matbridge.layers.handle.parse import unsupported
from matbridge.layers.handle.values import Arguments, Labelled, Operand
from matbridge.ops.layout import numbered

if TYPE_CHECKING:
    from matbridge.layers.handle.evaluate import Evaluation

__all__ = ["COMPARISONS", "FUNCTIONS"]


def _permute(run: Evaluation, arguments: Arguments) -> Operand:
    value, places = arguments
    if not isinstance(value, Labelled) or not isinstance(places, np.ndarray):
        raise unsupported(run.text, "permute is not supported there")
    wanted = [int(n) - 1 for n in places.reshape(-1)]
    if sorted(wanted) != list(range(len(value.order))):
        raise unsupported(run.text, "permute changes the number of dimensions")
    return Labelled(value.value, "".join(value.order[n] for n in wanted))


def _softmax(run: Evaluation, arguments: Arguments) -> Operand:
    """softmax(x), or softmax(x, 'DataFormat', format): over the channels."""
    value, *rest = arguments
    if not isinstance(value, Labelled) or len(rest) not in (0, 2):
        raise unsupported(run.text, "softmax is not supported there")
    format = str(rest[1]) if rest else value.order
    if "C" not in format[: len(value.order)]:
        raise unsupported(run.text, "softmax needs a channel dimension")
    over = value.order[format.index("C")]
    return Labelled(run.ops.softmax(value.value, over), value.order)


def _flip(run: Evaluation, arguments: Arguments) -> Operand:
    value, place = arguments
    if not isinstance(value, Labelled):
        raise unsupported(run.text, "flip is not supported there")
    label = value.order[int(np.asarray(place).item()) - 1]
    return Labelled(run.ops.flip(value.value, label), value.order)


def _vecnorm(run: Evaluation, arguments: Arguments) -> Operand:
    """vecnorm(x, 2, dim)."""
    value, *rest = arguments
    if not isinstance(value, Labelled) or (rest and np.asarray(rest[0]).item() != 2):
        raise unsupported(run.text, "vecnorm is not supported there")
    squares = run.binary("multiply", value, value)
    return run.unary("sqrt", run.reduction("sum", [squares, *rest[1:]]))


def _leakyrelu(run: Evaluation, arguments: Arguments) -> Operand:
    value = arguments[0]
    scale = float(np.asarray(arguments[1]).item()) if len(arguments) > 1 else 0.01
    if not isinstance(value, Labelled):
        raise unsupported(run.text, "leakyrelu is not supported there")
    return Labelled(run.ops.map("leaky-relu", value.value, scale=scale), value.order)


def _dlarray(run: Evaluation, arguments: Arguments) -> Operand:
    """dlarray(x, format): other labels for the same dimensions, and new ones of size 1.

    MATLAB then brings them to its order, S, C, B, T, U.
    """
    value, format = arguments
    if not isinstance(value, Labelled) or not isinstance(format, str):
        raise unsupported(run.text, "dlarray is not supported there")
    labels = numbered(check_labels(format.upper()))
    if len(labels) < len(value.order):
        raise unsupported(run.text, "dlarray needs a label for each dimension")
    names = dict(zip(value.order, labels, strict=False))
    dims = "".join(names[d] for d in value.value.dims)
    x = run.ops.align(run.ops.rename(value.value, dims), dims + labels[len(dims) :])
    return Labelled(x, "".join(sorted(labels, key="123CBTU".index)))


def _cat(run: Evaluation, arguments: Arguments) -> Operand:
    place, *values = arguments
    return run.join(values, int(np.asarray(place).item()) - 1)


def _vertcat(run: Evaluation, arguments: Arguments) -> Operand:
    return run.join(list(arguments), 0)


def _horzcat(run: Evaluation, arguments: Arguments) -> Operand:
    return run.join(list(arguments), 1)


FUNCTIONS: dict[str, Callable[[Evaluation, Arguments], Operand]] = {
    "permute": _permute,
    "softmax": _softmax,
    "flip": _flip,
    "vecnorm": _vecnorm,
    "leakyrelu": _leakyrelu,
    "dlarray": _dlarray,
    "cat": _cat,
    "vertcat": _vertcat,
    "horzcat": _horzcat,
}


def _greater(run: Evaluation, left: Operand, right: Operand) -> Operand:
    """1 where left > right, else 0."""
    return run.unary("relu", run.unary("sign", run.binary("subtract", left, right)))


def _unequal(run: Evaluation, left: Operand, right: Operand) -> Operand:
    return run.unary("abs", run.unary("sign", run.binary("subtract", left, right)))


def _not(run: Evaluation, value: Operand) -> Operand:
    return run.binary("subtract", np.array([[1.0]]), value)


COMPARISONS: dict[str, Callable[[Evaluation, Operand, Operand], Operand]] = {
    ">": _greater,
    "<": lambda run, left, right: _greater(run, right, left),
    "<=": lambda run, left, right: _not(run, _greater(run, left, right)),
    ">=": lambda run, left, right: _not(run, _greater(run, right, left)),
    "~=": _unequal,
    "==": lambda run, left, right: _not(run, _unequal(run, left, right)),
}
