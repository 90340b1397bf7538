"""Options of a command that writes a network."""

from __future__ import annotations

import functools
from collections.abc import Callable

import click

from matbridge.core.writing import Writing

__all__ = ["writing_options"]

OPTIONS = (
    click.option("--opset", type=int, metavar="N",
                 help="The opset of an ONNX model, 9 or newer. [default: a recent one]"),
    click.option("--stateful", is_flag=True,
                 help="Give an ONNX model the states of its layers as inputs and outputs, so that "
                      "a sequence can be fed step by step."),
    click.option("--half", is_flag=True,
                 help="Write an ONNX model in half precision, and measure what that loses."),
    click.option("--quantize", type=click.Choice(["int8"]),
                 help="Write the weights of an ONNX model in 8 bits, and measure what that loses."),
    click.option("--input", "inputs", multiple=True, metavar="DATA",
                 help="Data to measure that on, as predict takes them. [default: random ones]"),
)  # fmt: skip


def writing_options(function: Callable[..., object]) -> Callable[..., object]:
    """What they say is one ``writing``, and ``inputs``."""

    @functools.wraps(function)
    def wrapped(
        *args: object,
        opset: int | None,
        stateful: bool,
        half: bool,
        quantize: str | None,
        **given: object,
    ) -> object:
        return function(*args, writing=Writing(opset, stateful, half, quantize or ""), **given)

    for option in reversed(OPTIONS):
        option(wrapped)
    return wrapped
