"""Attention and the rotation of positions, as ONNX defines them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table

__all__ = ["ATTENTION"]


def _heads(x: Tensor, count: int) -> Tensor:
    """N×T×(heads·d) to N×heads×T×d; data of four dimensions have them already."""
    if x.ndim == 4:
        return x
    return x.reshape(*x.shape[:2], count, -1).transpose(1, 2)


def _mask(
    call: Call, q: Tensor, k: Tensor, mask: Tensor | None, past: int, lengths: Tensor | None
) -> Tensor:
    """What is added to the products: 0, or -Inf where a key does not count."""
    steps, keys = q.shape[-2], k.shape[-2]
    bias = q.new_zeros(steps, keys)
    nothing = torch.tensor(-torch.inf, dtype=q.dtype, device=q.device)
    if mask is not None:
        own = torch.where(mask, 0.0, nothing) if mask.dtype == torch.bool else mask
        short = keys - own.shape[-1]
        own = torch.nn.functional.pad(own, [0, short], value=-torch.inf) if short > 0 else own
        bias = bias + own
    places = torch.arange(keys, device=q.device)
    begin = past if lengths is None else lengths.reshape(-1, 1, 1, 1) - steps
    rows = torch.arange(steps, device=q.device).unsqueeze(-1) + begin
    if call.whole("is_causal"):
        bias = torch.where(places <= rows, bias, nothing)
    # A window of so many keys before and behind each query; -1 is without end.
    left, right = call.whole("left_window_size", -1), call.whole("right_window_size", -1)
    if left >= 0:
        bias = torch.where(places >= rows - left, bias, nothing)
    if right >= 0:
        bias = torch.where(places <= rows + right, bias, nothing)
    if lengths is not None:
        bias = torch.where(places < lengths.reshape(-1, 1, 1, 1), bias, nothing)
    return bias


def _capped(call: Call, x: Tensor) -> Tensor:
    cap = call.number("softcap", 0.0)
    return cap * torch.tanh(x / cap) if cap else x


def attention(
    call: Call,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    past_k: Tensor | None = None,
    past_v: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor | None, ...]:
    flat = q.ndim == 3
    q = _heads(q, call.whole("q_num_heads"))
    k, v = (_heads(x, call.whole("kv_num_heads")) for x in (k, v))
    k = k if past_k is None else torch.cat([past_k, k], 2)
    v = v if past_v is None else torch.cat([past_v, v], 2)
    past = 0 if past_k is None else past_k.shape[2]
    groups = q.shape[1] // k.shape[1]
    keys, values = (x.repeat_interleave(groups, 1) for x in (k, v))
    scale = call.number("scale", q.shape[-1] ** -0.5)
    products = q @ keys.mT * scale
    biased = _capped(call, products) + _mask(call, q, keys, mask, past, lengths)
    # Where no key counts at all, there is nothing to give.
    weights = torch.nan_to_num(torch.softmax(biased, -1), nan=0.0)
    y = weights @ values
    y = y.transpose(1, 2).flatten(2) if flat else y
    shown: dict[int, Callable[[], Tensor]] = {
        0: lambda: products,
        1: lambda: _capped(call, products),
        2: lambda: biased,
        3: lambda: weights,
    }
    return y, k, v, shown[call.whole("qk_matmul_output_mode")]()


def rotary_embedding(
    call: Call, x: Tensor, cosines: Tensor, sines: Tensor, places: Tensor | None = None
) -> Tensor:
    """Pairs of elements turned by angles that depend on the position."""
    flat = x.ndim == 3
    x = x if not flat else _heads(x, call.whole("num_heads"))
    turned_size = call.whole("rotary_embedding_dim") or x.shape[-1]
    turned, kept = x[..., :turned_size], x[..., turned_size:]
    cos, sin = (t if places is None else t[places.long()] for t in (cosines, sines))
    cos, sin = (t[..., : turned_size // 2].unsqueeze(1) for t in (cos, sin))
    if call.whole("interleaved"):
        a, b = turned[..., 0::2], turned[..., 1::2]
        y = torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)
    else:
        a, b = turned.chunk(2, -1)
        y = torch.cat([a * cos - b * sin, a * sin + b * cos], -1)
    y = torch.cat([y, kept], -1)
    return y.transpose(1, 2).flatten(2) if flat else y


ATTENTION: Table = {
    "Attention": Entry(attention),
    "RotaryEmbedding": Entry(rotary_embedding),
}
