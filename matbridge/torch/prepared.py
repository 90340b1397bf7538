"""Operations made ready for prediction: weights laid out once, calls replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import Tensor

__all__ = ["Prepared", "Tape"]


class Prepared:
    """Computes what depends on weights alone only once, and records the rest.

    Aligned kernels, folded matrices and scales are kept; later calls find them by the
    tensors they came from. What is kept beyond the weights is bounded.
    """

    # Bytes that may be kept beside four times the weights, and what one entry costs us.
    ROOM = 64 << 20
    ENTRY = 1 << 10

    def __init__(self, weights: Iterable[Tensor] = ()) -> None:
        self.weights = {id(tensor): tensor for tensor in weights}
        self.limit = self.ROOM + 4 * sum(tensor.nbytes for tensor in self.weights.values())
        self.tape: Tape | None = None
        self.forget()

    def forget(self) -> None:
        """Keep nothing but the weights."""
        self.constants: dict[int, Tensor] = dict(self.weights)
        self.kept: dict[object, Tensor] = {}
        self.held = 0

    def begin(self) -> None:
        """A run begins: forget if too much is kept, as after inputs of very many sizes."""
        if self.held > self.limit:
            self.forget()

    def constant(self, tensor: Tensor) -> Tensor:
        self.constants[id(tensor)] = tensor
        self.held += tensor.nbytes + self.ENTRY
        return tensor

    def fold(self, function: Callable[..., Any], *arguments: object, **options: object) -> object:
        key = self._key(function, arguments, options)
        if key is None:
            return self.call(function, *arguments, **options)
        if key not in self.kept:
            self.kept[key] = self.constant(function(*arguments, **options).contiguous())
        return self.kept[key]

    def call(
        self, function: Callable[..., object], *arguments: object, **options: object
    ) -> object:
        result = function(*arguments, **options)
        if self.tape is not None:
            self.tape.record(self.constants, function, arguments, options, result)
        return result

    def _key(
        self,
        function: Callable[..., object],
        arguments: tuple[object, ...],
        options: dict[str, object],
    ) -> object:
        """What identifies a computation on constants alone, None for any other."""
        tensors = [a for a in arguments if isinstance(a, Tensor)]
        if not tensors or any(id(tensor) not in self.constants for tensor in tensors):
            return None
        parts = (id(a) if isinstance(a, Tensor) else (a,) for a in arguments)
        return (function, *parts, *options.items())


class Slot(int):
    """A place on a tape where a tensor stands while it is replayed."""


class Tape:
    """The calls of one run, to be made again on inputs of the same sizes.

    ``complete`` is False once a tensor turned up that no recorded call made: then the run
    cannot be replayed.
    """

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        self.complete = True
        self.steps: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, object], Any]] = []
        self.last: list[list[int]] = []
        self.slots: dict[int, Slot] = {}
        # While recording, tensors are held so that their identities stay theirs.
        self.alive: list[Any] = []
        for tensor in inputs:
            self._slot(tensor)
        self.inputs = len(inputs)
        self.outputs: list[object] = []

    def _slot(self, tensor: Tensor) -> Slot:
        self.alive.append(tensor)
        return self.slots.setdefault(id(tensor), Slot(len(self.slots)))

    def record(
        self,
        constants: dict[int, Tensor],
        function: Callable[..., object],
        arguments: tuple[object, ...],
        options: dict[str, object],
        result: Any,
    ) -> None:
        """Add one call."""
        template = tuple(self._template(constants, a) for a in arguments)
        several = isinstance(result, tuple | list)
        places = tuple(self._slot(t) for t in result) if several else self._slot(result)
        self.steps.append((function, template, options, places))

    def _template(self, constants: dict[int, Tensor], argument: object) -> object:
        if isinstance(argument, Tensor):
            if id(argument) in self.slots:
                return self.slots[id(argument)]
            self.complete &= id(argument) in constants
            return argument
        if isinstance(argument, list | tuple):
            return type(argument)(self._template(constants, a) for a in argument)
        return argument

    def finish(self, constants: dict[int, Tensor], outputs: Sequence[Tensor]) -> Tape:
        """Take these tensors as the results, and find where each slot is used last."""
        self.outputs = [self._template(constants, tensor) for tensor in outputs]
        kept = {o for o in self.outputs if isinstance(o, Slot)}
        seen: set[int] = set(kept)
        for _, template, _, places in reversed(self.steps):
            used = {*_slots(template), *_slots(places)} - seen
            self.last.append(sorted(used))
            seen |= used
        self.last.reverse()
        self.alive.clear()
        return self

    def replay(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The results for other inputs of the same sizes."""
        held: list[object] = [*inputs, *[None] * (len(self.slots) - self.inputs)]
        for (function, template, options, places), last in zip(self.steps, self.last, strict=True):
            result = function(*[_fill(a, held) for a in template], **options)
            if isinstance(places, Slot):
                held[places] = result
            else:
                for place, part in zip(places, result, strict=True):
                    held[place] = part
            for place in last:
                held[place] = None
        return [_fill(output, held) for output in self.outputs]


def _slots(template: object) -> Iterable[Slot]:
    if isinstance(template, Slot):
        yield template
    elif isinstance(template, list | tuple):
        for part in template:
            yield from _slots(part)


def _fill(argument: Any, held: list[object]) -> Any:
    kind = type(argument)
    if kind is Slot:
        return held[argument]
    if kind is list or kind is tuple:
        return kind(_fill(a, held) for a in argument)
    return argument
