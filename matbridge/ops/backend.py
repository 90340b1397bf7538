"""What a backend can do with bare data: all that a new one has to say.

The words of :mod:`matbridge.ops` bring data to the order that each of these names, and keep
the labels; a backend knows none. ``Data`` is whatever it computes with: tensors, nodes of a
graph and arrays, or only sizes. Sizes may be symbolic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

from numpy.typing import ArrayLike

from matbridge.core.dims import Extent

__all__ = ["ArrayBackend", "Backend", "Data", "Loop", "Operation", "Pairs", "Recurrence"]

# Tensors, nodes and sizes have no type in common.
Data: TypeAlias = Any
# Amounts before and after, for each dimension.
Pairs = Sequence[tuple[Extent, Extent]]


# A step of a loop: the backend by which it is run, states and inputs to states and results.
Loop = Callable[[Any, Sequence[Data], Sequence[Data]], tuple[list[Data], list[Data]]]


@dataclass(frozen=True)
class Recurrence:
    """How a recurrent layer computes, in MATLAB's words.

    ``gates`` is "ifgo" (LSTM) or "rzh" (GRU), ``directions`` 1 or 2, ``reset_gate_mode``
    as gruLayer names it.
    """

    gates: str
    state_activation: str = "tanh"
    gate_activation: str = "sigmoid"
    directions: int = 1
    reset_gate_mode: str = "after-multiplication"

    @property
    def plain(self) -> bool:
        """Whether the activations are those that every fused kernel has."""
        return self.state_activation == "tanh" and self.gate_activation == "sigmoid"

    def one_way(self) -> Recurrence:
        """The same for one direction alone."""
        return replace(self, directions=1)


@dataclass(frozen=True)
class Operation:
    """An operator of ONNX: its type, its domain ("" is ONNX's own), the version of the operator
    set that it was read from, its attributes, and which of its results are wanted."""

    op_type: str
    domain: str = ""
    version: int = 1
    attributes: Mapping[str, object] = field(default_factory=dict)
    wanted: tuple[bool, ...] = (True,)

    @property
    def full_name(self) -> str:
        """With the domain in front: "Relu", "ai.onnx.ml::Scaler"."""
        return f"{self.domain}::{self.op_type}" if self.domain else self.op_type


class ArrayBackend(Protocol):
    """Layout and arithmetic: what functions of handles need."""

    # True while training: dropout drops, batch normalization uses the mini-batch.
    training: bool

    # -- layout ------------------------------------------------------------------------

    def sizes(self, data: Data) -> tuple[Extent, ...]:
        """Whole numbers where they are known."""

    def constant(self, array: ArrayLike) -> Data:
        """Data that do not depend on the input."""

    def permute(self, data: Data, axes: tuple[int, ...]) -> Data: ...

    def reshape(self, data: Data, sizes: tuple[Extent, ...]) -> Data:
        """The last dimension runs fastest."""

    def expand(self, data: Data, sizes: tuple[Extent, ...]) -> Data:
        """Dimensions of size 1 repeated."""

    def slice(self, data: Data, axis: int, start: Extent, stop: Extent, step: int) -> Data: ...

    def take(self, data: Data, axis: int, places: tuple[int, ...]) -> Data:
        """The elements at these places, from 0, in this order."""

    def concatenate(self, data: Sequence[Data], axis: int) -> Data: ...

    def flip(self, data: Data, axis: int) -> Data: ...

    # -- arithmetic ----------------------------------------------------------------------

    def elementwise(self, name: str, *data: Data, **options: float | str) -> Data:
        """The function of this name (see ops.elementwise) of data of compatible sizes, or
        numbers."""

    def reduce(self, name: str, data: Data, axes: tuple[int, ...], keep: bool) -> Data:
        """The mean, sum, max or min over these axes, of which there is at least one."""

    def softmax(self, data: Data, axis: int) -> Data: ...

    def matmul(self, a: Data, b: Data) -> Data:
        """Over the last two dimensions; leading ones are equal or broadcast."""

    def linear(self, data: Data, weights: Data, bias: Data | None) -> Data:
        """data (..., I), weights (O, I), bias (O) to (..., O)."""

    def positions(self, data: Data, axis: int) -> Data:
        """1, 2, ... along this axis of data, as a vector."""

    def lookup(self, table: Data, data: Data, words: int, strict: bool) -> Data:
        """Rows of ``table`` (V, D) at data - 1, as (..., D); the last row for all that is
        not one of 1 to ``words``, or MismatchError if ``strict``."""


class Backend(ArrayBackend, Protocol):
    """And what layers need beyond."""

    # -- windows over the last dimensions ----------------------------------------------------

    def pad(self, data: Data, padding: Pairs, value: float | str) -> Data:
        """Pad the last dimensions, as many as there are pairs."""

    def convolution(
        self,
        data: Data,
        kernel: Data,
        bias: Data,
        padding: Pairs,
        stride: Sequence[int],
        dilation: Sequence[int],
        groups: int,
    ) -> Data:
        """data (N, I, ...), kernel (O, I/groups, ...), bias (O), zeros as padding."""

    def transposed_convolution(
        self, data: Data, kernel: Data, bias: Data, stride: Sequence[int]
    ) -> Data:
        """data (N, I, ...), kernel (I, O, ...), bias (O); nothing is cropped."""

    def max_pool(
        self, data: Data, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> Data: ...

    def average_pool(
        self,
        data: Data,
        window: Sequence[int],
        stride: Sequence[int],
        padding: Pairs,
        count_padding: bool,
    ) -> Data: ...

    def max_pool_places(
        self, data: Data, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> tuple[Data, Data]:
        """As :meth:`max_pool`, and where each maximum stood, for :meth:`unpool`."""

    def unpool(self, data: Data, places: Data, sizes: Sequence[Extent]) -> Data:
        """data at ``places`` among zeros, the last dimensions of these sizes."""

    def resize(
        self, data: Data, sizes: Sequence[int], method: str, transform: str, rounding: str
    ) -> Data:
        """Resize the last dimensions of data (N, C, ...)."""

    # -- sequences -------------------------------------------------------------------------

    def recur(
        self, how: Recurrence, data: Data, weights: tuple[Data, ...], states: list[Data]
    ) -> tuple[Data, list[Data]]:
        """data (T, B, C); input weights, recurrent weights, bias and, if there are any,
        peephole weights as MATLAB stacks them, first the forward direction's rows; states
        (directions, B, H). Returns (T, B, directions*H) and the last states.
        """

    def loop(
        self, body: Loop, states: list[Data], sequences: list[Data]
    ) -> tuple[list[Data], list[Data]]:
        """``body`` for each step along the first axis of the sequences, the states after one
        step those before the next.

        It is given a backend, the states and the inputs of one step, whose first axis keeps
        the size 1, and returns the states after it and its results, alike. Returns the
        results along the first axis, and the last states.
        """

    def attend(
        self,
        query: Data,
        key: Data,
        value: Data,
        scale: float,
        causal: bool,
        mask: Data | None,
        want_scores: bool,
    ) -> tuple[Data, Data | None]:
        """query (..., heads, T, d), key and value alike; mask (..., 1, 1, T) is 1 or 0.

        Returns the result (..., heads, T, d) and, if wanted, the scores (..., heads, T, T).
        """

    # -- operators that no word says ----------------------------------------------------------

    def operate(
        self,
        operation: Operation,
        data: Sequence[Data | None],
        shapes: Sequence[Sequence[Extent | None]],
    ) -> tuple[Data, ...]:
        """The wanted results of an operator of ONNX of data and NumPy constants, None for an
        operand that is left out; ``shapes`` tell the results' sizes where they are known."""

    # -- the way out ------------------------------------------------------------------------

    def plain(self, function: Callable[..., Data], *data: Data) -> Data:
        """The function on data as they are, or UnsupportedError where they are no tensors."""

    # -- training --------------------------------------------------------------------------

    def dropped(self, data: Data, probability: float, shared: tuple[int, ...]) -> Data:
        """Elements dropped at random, whole along the axes ``shared``; only for training."""

    def noisy(self, data: Data, deviation: float) -> Data:
        """With normal noise of this standard deviation; only for training."""
