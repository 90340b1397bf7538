"""Operators of ai.onnx.ml that steps before and after a network need."""

from __future__ import annotations

import torch
from torch import Tensor

from matbridge.torch.operators.call import Call, Entry, Table

__all__ = ["CLASSICAL"]


def array_feature_extractor(call: Call, x: Tensor, places: Tensor) -> Tensor:
    rows = x.reshape(1, -1) if x.ndim == 1 else x
    return rows[..., places.flatten().long()]


def binarizer(call: Call, x: Tensor) -> Tensor:
    return (x > call.number("threshold", 0.0)).to(x.dtype)


def scaler(call: Call, x: Tensor) -> Tensor:
    offset, scale = (
        torch.tensor(call.numbers(name, [default]), dtype=call.dtype, device=x.device)
        for name, default in (("offset", 0.0), ("scale", 1.0))
    )
    return (x.to(call.dtype) - offset) * scale


def normalizer(call: Call, x: Tensor) -> Tensor:
    kinds = {"MAX": torch.inf, "L1": 1.0, "L2": 2.0}
    norm = torch.linalg.vector_norm(
        x.to(call.dtype), kinds[call.text("norm", "MAX")], -1, keepdim=True
    )
    return torch.where(norm == 0, x.to(call.dtype), x / norm)


CLASSICAL: Table = {
    "ai.onnx.ml::ArrayFeatureExtractor": Entry(array_feature_extractor),
    "ai.onnx.ml::Binarizer": Entry(binarizer),
    "ai.onnx.ml::Normalizer": Entry(normalizer),
    "ai.onnx.ml::Scaler": Entry(scaler),
}
