"""Convolution, pooling, padding and resizing, over the dimensions named."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from matbridge.core.dims import same_padding, without
from matbridge.ops.arithmetic import Arithmetic
from matbridge.ops.layout import Value, numbered, unnumbered

__all__ = ["Padding", "Windows"]

Pairs = Sequence[tuple[Any, Any]]
# ((top, bottom), (left, right), ...), or a word: 'same', 'causal'.
Padding = Pairs | str


class Windows(Arithmetic):
    """``over`` names the dimensions that the window moves over: "S", "SS", "T", "ST"."""

    @abstractmethod
    def _pad(self, data: Any, padding: Pairs, value: float | str) -> Any:
        """Pad the last dimensions, as many as there are pairs."""

    @abstractmethod
    def _convolution(
        self,
        data: Any,
        kernel: Any,
        bias: Any,
        padding: Pairs,
        stride: Sequence[int],
        dilation: Sequence[int],
        groups: int,
    ) -> Any:
        """data (N, I, ...), kernel (O, I/groups, ...), bias (O), zeros as padding."""

    @abstractmethod
    def _transposed_convolution(
        self, data: Any, kernel: Any, bias: Any, stride: Sequence[int]
    ) -> Any:
        """data (N, I, ...), kernel (I, O, ...), bias (O); nothing is cropped."""

    @abstractmethod
    def _max_pool(
        self, data: Any, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> Any: ...

    @abstractmethod
    def _average_pool(
        self,
        data: Any,
        window: Sequence[int],
        stride: Sequence[int],
        padding: Pairs,
        count_padding: bool,
    ) -> Any: ...

    @abstractmethod
    def _max_pool_places(
        self, data: Any, window: Sequence[int], stride: Sequence[int], padding: Pairs
    ) -> tuple[Any, Any]:
        """As :meth:`_max_pool`, and where each maximum stood, for :meth:`_unpool`."""

    @abstractmethod
    def _unpool(self, data: Any, places: Any, sizes: Sequence[Any]) -> Any:
        """data at ``places`` among zeros, the last dimensions of these sizes."""

    @abstractmethod
    def _resize(
        self, data: Any, sizes: Sequence[int], method: str, transform: str, rounding: str
    ) -> Any:
        """Resize the last dimensions of data (N, C, ...)."""

    def padding_for(
        self,
        x: Value,
        over: str,
        padding: Padding,
        window: Sequence[int],
        stride: Sequence[int],
        dilation: Sequence[int],
    ) -> Pairs:
        """The amounts that 'same' and 'causal' stand for with an input of this size."""
        if not isinstance(padding, str):
            return padding
        if padding == "causal":
            return [((k - 1) * d, 0) for k, d in zip(window, dilation, strict=True)]
        sizes = self.sizes(self.align(x, without(x.dims, over) + over))[-len(over) :]
        quads = zip(sizes, window, stride, dilation, strict=True)
        return [same_padding(n, k, s, d) for n, k, s, d in quads]

    def pad(self, x: Value, over: str, padding: Pairs, value: float | str = 0.0) -> Value:
        """Padded with a number, or by 'symmetric-include-edge', 'symmetric-exclude-edge'
        or 'replicate'."""
        data, restore = self.batched(x, "C" + over)
        return restore(self._pad(data, padding, value), "C" + over)

    def convolve(
        self,
        x: Value,
        weights: Value,
        bias: Value,
        *,
        over: str,
        stride: Sequence[int],
        dilation: Sequence[int],
        padding: Padding,
        padding_value: float | str = 0.0,
    ) -> Value:
        """Correlation, without a flip; by groups where ``weights`` has a G.

        ``weights`` are S…×I×O or S…×I×O×G and ``bias`` O or O×G, in MATLAB's layout.
        """
        window = self.spatial(weights)
        kernel, offsets, groups = self._kernel(weights, bias)
        amounts = self.padding_for(x, over, padding, window, stride, dilation)
        data, restore = self.batched(x, "C" + over)
        if padding_value != 0.0:
            data, amounts = self._pad(data, amounts, padding_value), [(0, 0)] * len(window)
        y = self._convolution(data, kernel, offsets, amounts, stride, dilation, groups)
        return restore(y, "C" + over)

    def _kernel(self, weights: Value, bias: Value) -> tuple[Any, Any, int]:
        """Weights as (O, I, ...), bias as (O), and the number of groups."""
        places = "OI" + "S" * weights.dims.count("S")
        if "G" not in weights.dims:
            return self.align(weights, places).data, bias.data, 1
        kernel = self.align(weights, "G" + places)
        groups, outputs, *rest = self.sizes(kernel)
        merged = self._reshape(kernel.data, (groups * outputs, *rest))
        offsets = self._reshape(self.align(bias, "GO").data, (groups * outputs,))
        return merged, offsets, groups

    def transposed_convolve(
        self,
        x: Value,
        weights: Value,
        bias: Value,
        *,
        over: str,
        stride: Sequence[int],
        cropping: Pairs,
    ) -> Value:
        """The adjoint of a strided correlation, then ``cropping`` cut off each end.

        ``weights`` are S…×O×I, in MATLAB's layout. Negative cropping pads with zeros.
        """
        kernel = self.align(weights, "IO" + "S" * weights.dims.count("S"))
        data, restore = self.batched(x, "C" + over)
        y = self._transposed_convolution(data, kernel.data, bias.data, stride)
        return restore(self._pad(y, [(-a, -b) for a, b in cropping], 0.0), "C" + over)

    def max_pool(
        self,
        x: Value,
        *,
        over: str,
        window: Sequence[int],
        stride: Sequence[int],
        padding: Padding,
    ) -> Value:
        """The largest element of each window; padding never wins."""
        amounts = self.padding_for(x, over, padding, window, stride, [1] * len(window))
        data, restore = self.batched(x, "C" + over)
        return restore(self._max_pool(data, window, stride, amounts), "C" + over)

    def max_pool_places(
        self, x: Value, *, window: Sequence[int], stride: Sequence[int], padding: Padding
    ) -> tuple[Value, Value]:
        """As :meth:`max_pool` over the spatial dimensions, and where each maximum stood:
        the first one in MATLAB's order on a tie."""
        over = "S" * x.dims.count("S")
        amounts = self.padding_for(x, over, padding, window, stride, [1] * len(window))
        numbers = numbered(over)[::-1]
        data, restore = self.batched(self.rename(x, numbered(x.dims)), "C" + numbers)
        found = self._max_pool_places(data, window[::-1], stride[::-1], amounts[::-1])
        values, places = (restore(one, "C" + numbers) for one in found)
        return self._in_order(values), self._in_order(places)

    def _in_order(self, x: Value) -> Value:
        """Numbered spatial dimensions in their order, named S again."""
        ordered = "".join(sorted(x.dims))
        return self.rename(self.align(x, ordered), unnumbered(ordered))

    def unpool(self, x: Value, places: Value, like: Value) -> Value:
        """The inverse of :meth:`max_pool_places`: zeros but for x, of the size of ``like``."""
        numbers = numbered("S" * x.dims.count("S"))[::-1]
        data, restore = self.batched(self.rename(x, numbered(x.dims)), "C" + numbers)
        places = self.align(places, x.dims)
        at, _ = self.batched(self.rename(places, numbered(x.dims)), "C" + numbers)
        return self._in_order(
            restore(self._unpool(data, at, self.spatial(like)[::-1]), "C" + numbers)
        )

    def average_pool(
        self,
        x: Value,
        *,
        over: str,
        window: Sequence[int],
        stride: Sequence[int],
        padding: Padding,
        count_padding: bool,
    ) -> Value:
        """The mean of each window, with or without the padding counted in it."""
        amounts = self.padding_for(x, over, padding, window, stride, [1] * len(window))
        data, restore = self.batched(x, "C" + over)
        y = self._average_pool(data, window, stride, amounts, count_padding)
        return restore(y, "C" + over)

    def region_means(self, x: Value, label: str, outputs: int) -> Value:
        """The means of ``outputs`` regions along the spatial dimension "1", "2" or "3".

        Region i of n elements goes from floor(i·n/outputs) up to ceil((i + 1)·n/outputs).
        """
        x = self.rename(x, numbered(x.dims))
        x = self.align(x, without(x.dims, label) + label)
        n = self.sizes(x)[-1]
        matrix = np.zeros((outputs, n))
        for i in range(outputs):
            region = slice(i * n // outputs, -(-(i + 1) * n // outputs))
            matrix[i, region] = 1 / (region.stop - region.start)
        means = self._linear(x.data, self.constant(matrix, "OI").data, None)
        return self._in_order(Value(means, x.dims))

    def resize(
        self,
        x: Value,
        *,
        over: str,
        sizes: Sequence[int],
        method: str,
        transform: str,
        rounding: str,
    ) -> Value:
        """Interpolated to new sizes; the words are resize2dLayer's."""
        data, restore = self.batched(x, "C" + over)
        return restore(self._resize(data, sizes, method, transform, rounding), "C" + over)
