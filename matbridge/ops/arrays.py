"""The backend in NumPy: arrays of one type, for networks that are nothing but arithmetic.

What it computes is what MATLAB's users would write themselves, in the same order, so that the
last bits agree with MATLAB's where its library of matrices does. A step of a loop is recorded
once, and its calls are made again for each time step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from matbridge.ops.backend import Loop
from matbridge.ops.constants import ELEMENTWISE, REDUCTIONS, Constants

__all__ = ["Arrays"]

Function = Callable[..., Any]


class Arrays(Constants):
    """Data are arrays of ``dtype``; each call goes to the ``tape`` if there is one."""

    def __init__(self, dtype: np.dtype, tape: Tape | None = None) -> None:
        self.dtype = dtype
        self.tape = tape

    def _call(self, function: Function, *arguments: object) -> Any:
        result = function(*arguments)
        if self.tape is not None:
            self.tape.record(function, arguments, result)
        return result

    def constant(self, array: ArrayLike) -> np.ndarray:
        return np.asarray(array, self.dtype)

    def permute(self, data: np.ndarray, axes: tuple[int, ...]) -> Any:
        return self._call(np.transpose, data, axes)

    def reshape(self, data: np.ndarray, sizes: tuple[int, ...]) -> Any:
        return self._call(np.reshape, data, sizes)

    def expand(self, data: np.ndarray, sizes: tuple[int, ...]) -> Any:
        return self._call(np.broadcast_to, data, sizes)

    def slice(
        self, data: np.ndarray, axis: int, start: int | None, stop: int | None, step: int
    ) -> Any:
        index = (slice(None),) * axis + (slice(start, stop, step),)
        return self._call(np.ndarray.__getitem__, data, index)

    def take(self, data: np.ndarray, axis: int, places: tuple[int, ...]) -> Any:
        return self._call(np.take, data, np.array(places, int), axis)

    def concatenate(self, data: Sequence[np.ndarray], axis: int) -> Any:
        return self._call(np.concatenate, tuple(data), axis)

    def flip(self, data: np.ndarray, axis: int) -> Any:
        return self._call(np.flip, data, axis)

    def elementwise(self, name: str, *data: np.ndarray | float, **options: float | str) -> Any:
        function = ELEMENTWISE[name]
        if options:
            return self._call(lambda *arrays: function(*arrays, **options), *data)
        return self._call(function, *data)

    def reduce(self, name: str, data: np.ndarray, axes: tuple[int, ...], keep: bool) -> Any:
        reduction: Function = REDUCTIONS[name]
        return self._call(lambda x: reduction(x, axis=axes, keepdims=keep), data)

    def softmax(self, data: np.ndarray, axis: int) -> Any:
        return self._call(super().softmax, data, axis)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> Any:
        return self._call(_samples_by if a.ndim == 2 else np.matmul, a, b)

    def linear(self, data: np.ndarray, weights: np.ndarray, bias: np.ndarray | None) -> Any:
        y = self.matmul(data, self.permute(weights, (1, 0)))
        return y if bias is None else self._call(np.add, y, bias)

    def positions(self, data: np.ndarray, axis: int) -> np.ndarray:
        return np.arange(1, data.shape[axis] + 1, dtype=self.dtype)

    def loop(
        self, body: Loop, states: list[np.ndarray], sequences: list[np.ndarray]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        first = [sequence[:1] for sequence in sequences]
        tape = Tape([*states, *first])
        after, results = body(Arrays(self.dtype, tape), states, first)
        step = tape.finished([*after, *results])
        collected: list[tuple[np.ndarray, ...]] = []
        current: tuple[np.ndarray, ...] = tuple(states)
        for inputs in zip(*(sequence[:, None] for sequence in sequences), strict=True):
            values = step((*current, *inputs))
            current = values[: len(states)]
            collected.append(values[len(states) :])
        columns = zip(*collected, strict=True)
        return [np.concatenate(column) for column in columns], list(current)


def _samples_by(samples: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The product as MATLAB writes it, W*p: turned round, the last bits may differ."""
    weighted: np.ndarray = np.matmul(matrix.T, np.ascontiguousarray(samples.T))
    return weighted.T


class Tape:
    """The calls of one step, by the places at which their arguments and results are held.

    Whatever no call made, and is not one of the ``inputs``, stays as it is: weights, numbers.
    """

    def __init__(self, inputs: Sequence[np.ndarray]) -> None:
        self.held: list[object] = []
        self.places: dict[int, int] = {}
        self.steps: list[tuple[Function, Function, int]] = []
        self.inputs = len(inputs)
        # The places of what is another at each step.
        self.moving = {self._place(array) for array in inputs}

    def _place(self, value: object) -> int:
        """Where a value is held; it lives as long as the tape, so that its id stays its own."""
        if id(value) not in self.places:
            self.places[id(value)] = len(self.held)
            self.held.append(value)
        return self.places[id(value)]

    def record(self, function: Function, arguments: Sequence[object], result: object) -> None:
        """Add one call, unless its result is the same at each step."""
        several = arguments[0] if isinstance(arguments[0], tuple) else arguments
        moves = any(self.places.get(id(value)) in self.moving for value in several)
        place = self._place(result)
        if moves:
            self.moving.add(place)
            self.steps.append((function, self._getter(arguments), place))

    def _getter(self, arguments: Sequence[object]) -> Function:
        """From what is held to the arguments of a call."""
        first, *rest = arguments
        if isinstance(first, tuple):
            # The arrays that are concatenated.
            arrays = self._getter(first)
            return lambda held: (arrays(held), *rest)
        places = [self._place(argument) for argument in arguments]
        if len(places) == 1:
            return lambda held, place=places[0]: (held[place],)
        return itemgetter(*places)

    def finished(
        self, outputs: Sequence[np.ndarray]
    ) -> Callable[[tuple[np.ndarray, ...]], tuple[np.ndarray, ...]]:
        """The step as a function of its inputs, that computes no more than these outputs."""
        wanted = self._getter(outputs)
        steps, constants, inputs = self.steps, self.held, self.inputs

        def step(values: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
            held = constants.copy()
            held[:inputs] = values
            for function, arguments, place in steps:
                held[place] = function(*arguments(held))
            result: tuple[np.ndarray, ...] = wanted(held)
            return result

        return step
