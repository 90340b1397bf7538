"""The backend in PyTorch."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from matbridge.ops.backend import Loop, Operation, Pairs, Recurrence
from matbridge.ops.indices import not_a_word, not_whole
from matbridge.torch import pooling, recurrence, resize, stepwise
from matbridge.torch.calls import Calls, Direct
from matbridge.torch.operators import operate

__all__ = ["ELEMENTWISE", "TorchBackend"]


def _hard_sigmoid(x: Tensor) -> Tensor:
    """MATLAB's: 0.2·x + 0.5 between 0 and 1; torch's own has another slope."""
    return (0.2 * x + 0.5).clamp(0, 1)


def _gelu(x: Tensor, approximation: str = "none") -> Tensor:
    return F.gelu(x, approximate=approximation)


def _softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)) without the threshold at which torch's own turns linear."""
    return torch.logaddexp(x, torch.zeros_like(x))


ELEMENTWISE: dict[str, Callable[..., object]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "power": torch.pow,
    "maximum": lambda x, y: torch.maximum(_like(x, y), _like(y, x)),
    "minimum": lambda x, y: torch.minimum(_like(x, y), _like(y, x)),
    "maximum-number": lambda x, y: torch.fmax(_like(x, y), _like(y, x)),
    "minimum-number": lambda x, y: torch.fmin(_like(x, y), _like(y, x)),
    "less": lambda x, y: torch.lt(_like(x, y), _like(y, x)).to(_like(x, y).dtype),
    "equal": lambda x, y: torch.eq(_like(x, y), _like(y, x)).to(_like(x, y).dtype),
    "negative": torch.neg,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "abs": torch.abs,
    "sign": torch.sign,
    "floor": torch.floor,
    "round": lambda x: torch.floor(x.abs() + 0.5) * x.sign(),
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "erf": torch.erf,
    "relu": torch.relu,
    "softplus": _softplus,
    "softsign": F.softsign,
    "hard-sigmoid": _hard_sigmoid,
    "leaky-relu": lambda x, scale: F.leaky_relu(x, scale),
    "elu": lambda x, alpha: F.elu(x, alpha),
    "gelu": _gelu,
    "clip": lambda x, low, high: x.clamp(low, high),
    "complex": torch.complex,
    # Real numbers are their own real part; torch refuses to give their imaginary one.
    "real": lambda x: x.real.clone() if x.is_complex() else x.clone(),
    "imag": lambda x: x.imag.clone() if x.is_complex() else torch.zeros_like(x),
}


def _like(y: object, x: Any) -> Tensor:
    """A number as a tensor like the other operand."""
    if isinstance(y, Tensor):
        return y
    # An operation, where a constant would be lost inside the loop of an exported program.
    return torch.full((), y, dtype=x.dtype, device=x.device)  # type: ignore[call-overload]


REDUCTIONS: dict[str, Callable[..., Tensor]] = {
    "mean": torch.mean,
    "sum": torch.sum,
    "max": torch.amax,
    "min": torch.amin,
}

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def _max_pool1d(data: Tensor, *options: Any) -> Tensor:
    # An exported program would fix the length in F.max_pool1d.
    if torch.compiler.is_exporting():
        return F.max_pool1d_with_indices(data, *options)[0]
    return F.max_pool1d(data, *options)


MAX_POOLS: dict[int, Callable[..., Tensor]] = {1: _max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE_POOLS: dict[int, Callable[..., Tensor]] = {
    1: F.avg_pool1d,
    2: F.avg_pool2d,
    3: F.avg_pool3d,
}
PAD_MODES = {"symmetric-exclude-edge": "reflect", "replicate": "replicate"}


def even(padding: Pairs) -> list[Any] | None:
    """One amount for each dimension where both ends are equal, else None."""
    return [a for a, _ in padding] if all(a == b for a, b in padding) else None


class TorchBackend:
    """Tensors of one dtype on one device; gradients flow.

    ``calls`` says how functions are called: at once, or kept and recorded for prediction.
    """

    def __init__(
        self,
        dtype: torch.dtype,
        device: torch.device,
        training: bool = False,
        calls: Calls | None = None,
    ) -> None:
        self.dtype = dtype
        self.device = device
        self.training = training
        self.calls = Direct() if calls is None else calls

    # -- layout ----------------------------------------------------------------------

    def sizes(self, data: Tensor) -> tuple[object, ...]:
        return tuple(data.shape)

    def constant(self, array: object) -> Tensor:
        return self.calls.constant(torch.as_tensor(array, dtype=self.dtype, device=self.device))

    def permute(self, data: Tensor, axes: tuple[int, ...]) -> Tensor:
        return self.calls.fold(torch.permute, data, axes)

    def reshape(self, data: Tensor, sizes: tuple[object, ...]) -> Tensor:
        return self.calls.fold(torch.reshape, data, sizes)

    def expand(self, data: Tensor, sizes: tuple[object, ...]) -> Tensor:
        return self.calls.call(Tensor.expand, data, sizes)

    def slice(self, data: Tensor, axis: int, start: object, stop: object, step: int) -> Tensor:
        return self.calls.call(_slice, data, axis, start, stop, step)

    def take(self, data: Tensor, axis: int, places: tuple[int, ...]) -> Tensor:
        return self.calls.call(_take, data, axis, places)

    def concatenate(self, data: Sequence[Tensor], axis: int) -> Tensor:
        return self.calls.call(torch.cat, list(data), axis)

    def flip(self, data: Tensor, axis: int) -> Tensor:
        return self.calls.call(torch.flip, data, [axis])

    # -- arithmetic --------------------------------------------------------------------

    def elementwise(self, name: str, *data: object, **options: float | str) -> Tensor:
        return self.calls.fold(ELEMENTWISE[name], *data, **options)

    def reduce(self, name: str, data: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:
        return self.calls.fold(REDUCTIONS[name], data, axes, keep)

    def positions(self, data: Tensor, axis: int) -> Tensor:
        return self.calls.call(_counted, data, axis, self.dtype)

    def lookup(self, table: Tensor, data: Tensor, words: int, strict: bool) -> Tensor:
        return self.calls.call(_rows_at, table, data, words, strict)

    def softmax(self, data: Tensor, axis: int) -> Tensor:
        return self.calls.call(torch.softmax, data, axis)

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        return self.calls.fold(torch.matmul, a, b)

    def linear(self, data: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
        return self.calls.call(F.linear, data, weights, bias)

    # -- windows -----------------------------------------------------------------------

    def pad(self, data: Tensor, padding: Pairs, value: float | str) -> Tensor:
        if all(a == 0 and b == 0 for a, b in padding):
            return data
        if value == "symmetric-include-edge":
            return self.calls.call(_mirror, data, padding)
        amounts = [n for pair in reversed(padding) for n in pair]
        if isinstance(value, str):
            return self.calls.call(F.pad, data, amounts, PAD_MODES[value])
        return self.calls.call(F.pad, data, amounts, "constant", value)

    def convolution(
        self,
        data: Tensor,
        kernel: Tensor,
        bias: Tensor,
        padding: Pairs,
        stride: Sequence[int],
        dilation: Sequence[int],
        groups: int,
    ) -> Tensor:
        ends = even(padding)
        if ends is None:
            data, ends = self.pad(data, padding, 0.0), [0] * len(padding)
        convolve = CONVOLUTIONS[len(stride)]
        options = (list(stride), ends, list(dilation), groups)
        return self.calls.call(convolve, data, kernel, bias, *options)

    def transposed_convolution(
        self, data: Tensor, kernel: Tensor, bias: Tensor, stride: Sequence[int]
    ) -> Tensor:
        return self.calls.call(TRANSPOSED[len(stride)], data, kernel, bias, list(stride))

    def max_pool(
        self, data: Tensor, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> Tensor:
        ends = even(padding)
        if ends is None or any(2 * p > k for p, k in zip(ends, window, strict=True)):
            data, ends = self.pad(data, padding, -math.inf), [0] * len(padding)
        return self.calls.call(MAX_POOLS[len(window)], data, list(window), list(stride), ends)

    def max_pool_places(
        self, data: Tensor, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> tuple[Tensor, Tensor]:
        return self.calls.call(
            pooling.max_pool_places, data, list(window), list(stride), list(padding)
        )

    def unpool(self, data: Tensor, places: Tensor, sizes: Sequence[object]) -> Tensor:
        return self.calls.call(pooling.unpool, data, places, tuple(sizes))

    def average_pool(
        self,
        data: Tensor,
        window: Sequence[int],
        stride: Sequence[int],
        padding: Pairs,
        count_padding: bool,
    ) -> Tensor:
        pool, sizes = AVERAGE_POOLS[len(window)], (list(window), list(stride))
        ends = even(padding)
        if ends is not None and all(2 * p <= k for p, k in zip(ends, window, strict=True)):
            # torch's 3-D pool wants the window to fit before padding.
            inside = zip(data.shape[2:], window, strict=True)
            if len(window) < 3 or all(n >= k for n, k in inside):
                return self.calls.call(pool, data, *sizes, ends, False, count_padding)
        zeros = [0] * len(window)
        mean = self.calls.call(pool, self.pad(data, padding, 0.0), *sizes, zeros)
        if count_padding:
            return mean
        ones = self.pad(self.calls.call(_ones, data), padding, 0.0)
        return self.elementwise("divide", mean, self.calls.call(pool, ones, *sizes, zeros))

    def resize(
        self, data: Tensor, sizes: Sequence[int], method: str, transform: str, rounding: str
    ) -> Tensor:
        return self.calls.call(resize.resize, data, sizes, method, transform, rounding)

    # -- sequences -----------------------------------------------------------------------

    def recur(
        self,
        how: Recurrence,
        data: Tensor,
        weights: tuple[Tensor, ...],
        states: list[Tensor],
    ) -> tuple[Tensor, list[Tensor]]:
        return recurrence.recur(self.calls, how, data, weights, states)

    def loop(
        self, body: Loop, states: list[Tensor], sequences: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        inner = functools.partial(TorchBackend, self.dtype, self.device, self.training)
        parts = self.calls.call(stepwise.run, body, inner, states, sequences)
        return list(parts[: -len(states)]), list(parts[-len(states) :])

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        scale: float,
        causal: bool,
        mask: Tensor | None,
        want_scores: bool,
    ) -> tuple[Tensor, Tensor | None]:
        result = self.calls.call(_attention, query, key, value, scale, causal, mask, want_scores)
        return result if want_scores else (result, None)

    # -- training ----------------------------------------------------------------------------

    def operate(
        self,
        operation: Operation,
        data: Sequence[Tensor | np.ndarray | None],
        shapes: Sequence[Sequence[object]],
    ) -> tuple[Tensor, ...]:
        return self.calls.call(operate, operation, self.dtype, self.device, *data)

    def plain(self, function: Callable[..., object], *data: Tensor) -> object:
        return self.calls.call(function, *data)

    def dropped(self, data: Tensor, probability: float, shared: tuple[int, ...]) -> Tensor:
        shape = [1 if axis in shared else n for axis, n in enumerate(data.shape)]
        kept = torch.rand(shape, dtype=data.dtype, device=data.device) >= probability
        return data * kept / (1 - probability)

    def noisy(self, data: Tensor, deviation: float) -> Tensor:
        return data + deviation * torch.randn_like(data)


def _counted(data: Tensor, axis: int, dtype: torch.dtype) -> Tensor:
    """1, 2, ... as many as data has along this axis."""
    return torch.arange(1, data.shape[axis] + 1, dtype=dtype, device=data.device)


def _rows_at(table: Tensor, data: Tensor, words: int, strict: bool) -> Tensor:
    """The rows of a table by numbers from 1; the last one for any other whole number."""
    known = (data >= 1) & (data <= words) & (data == data.floor())
    if not torch.compiler.is_exporting() and not bool(known.all()):
        _check_indices(data, words, strict)
    last = table.shape[0] - 1
    return F.embedding(torch.where(known, data - 1, last).long(), table)


def _check_indices(data: Tensor, words: int, strict: bool) -> None:
    """Refuse what is no whole number, and if ``strict`` all that is no word."""
    odd = data[(data != data.floor()) | data.isinf()]
    if len(odd):
        raise not_whole(odd[0].item())
    if strict:
        raise not_a_word(words)


def _ones(data: Tensor) -> Tensor:
    """Ones of the size of one channel of one observation."""
    return torch.ones_like(data[:1, :1])


def _slice(data: Tensor, axis: int, start: object, stop: object, step: int) -> Tensor:
    place: list[slice] = [slice(None)] * data.ndim
    place[axis] = slice(start, stop, step)
    return data[tuple(place)]


def _take(data: Tensor, axis: int, places: tuple[int, ...]) -> Tensor:
    return data.index_select(axis, torch.tensor(places, dtype=torch.long, device=data.device))


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: float,
    causal: bool,
    mask: Tensor | None,
    want_scores: bool,
) -> object:
    """Scaled dot-product attention, with its scores if they are wanted."""
    allowed = None if mask is None else mask > 0
    if causal and (want_scores or allowed is not None):
        lower = _lower(query, key)
        allowed = lower if allowed is None else allowed & lower
        causal = False
    if not want_scores:
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask=allowed, is_causal=causal, scale=scale
        )
    products = query @ key.transpose(-1, -2) * scale
    if allowed is None:
        scores = torch.softmax(products, -1)
    else:
        # A finite number: where no key counts, scores are 0, and so are gradients.
        products = products.masked_fill(~allowed, torch.finfo(products.dtype).min)
        scores = torch.softmax(products, -1).masked_fill(~allowed, 0.0)
    return scores @ value, scores


def _lower(query: Tensor, key: Tensor) -> Tensor:
    """Which keys each query sees: those up to its own step."""
    shape = (query.shape[-2], key.shape[-2])
    return torch.ones(shape, dtype=torch.bool, device=query.device).tril()


def _mirror(data: Tensor, padding: Pairs) -> Tensor:
    """Padding by reflection with the edge repeated, which torch does not have."""
    for axis, (before, after) in enumerate(padding, data.ndim - len(padding)):
        size = data.shape[axis]
        index = torch.arange(-before, size + after, device=data.device) % (2 * size)
        data = data.index_select(axis, torch.minimum(index, 2 * size - 1 - index))
    return data
