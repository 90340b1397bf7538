"""A step of any kind run over time: the loop of networks whose layers feed each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from matbridge.ops.backend import Loop
from matbridge.torch.calls import Calls
from matbridge.torch.prepared import Tape

__all__ = ["Inner", "run"]

# The backend by which a step is run, calling functions in this way.
Inner = Callable[[Calls], object]


def run(
    body: Loop, inner: Inner, states: Sequence[Tensor], sequences: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """The results of all steps (T, ...), then the last states."""
    step = Recorded(body, inner, states, sequences)
    if torch.compiler.is_exporting():
        return _scan(step, states, sequences)
    outputs = []
    for inputs in zip(*(sequence.split(1) for sequence in sequences), strict=True):
        states, results = step(states, inputs)
        outputs.append(results)
    return *(torch.cat(parts) for parts in zip(*outputs, strict=True)), *states


class Recorded:
    """A step as the calls that it makes, recorded at the first one."""

    def __init__(
        self, body: Loop, inner: Inner, states: Sequence[Tensor], sequences: Sequence[Tensor]
    ) -> None:
        # Any but what enters and what is made of it stays as it is: the weights.
        first = [sequence[:1] for sequence in sequences]
        self.tape = Tape([*states, *first])
        after, results = body(inner(Recording(self.tape)), states, first)
        self.tape.finish({}, [*after, *results])
        self.states = len(after)

    def __call__(
        self, states: Sequence[Tensor], inputs: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        values = self.tape.replay([*states, *inputs])
        return values[: self.states], values[self.states :]


class Recording:
    """Makes each call, and writes it on a tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def call(self, function: Callable[..., object], *arguments: object, **options: object) -> Any:
        result = function(*arguments, **options)
        self.tape.record({}, function, arguments, options, result)
        return result

    fold = call

    def constant(self, tensor: Tensor) -> Tensor:
        return tensor


def _scan(
    step: Recorded, states: Sequence[Tensor], sequences: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """The loop as one operator of an exported program, for any number of steps."""
    from torch._higher_order_ops.scan import scan

    def combine(before: list[Tensor], inputs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        after, results = step(before, [x.unsqueeze(0) for x in inputs])
        return [_own(x) for x in after], [_own(x.squeeze(0)) for x in results]

    last, results = scan(combine, [_own(state) for state in states], list(sequences))
    return *results, *last


def _own(x: Tensor) -> Tensor:
    """A copy in order: what is carried on may not share memory, nor lie in another way."""
    return x.clone(memory_format=torch.contiguous_format)
