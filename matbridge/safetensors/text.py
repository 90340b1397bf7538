"""Arrays as text: a safetensors file in base64, for where only text may stand."""

from __future__ import annotations

import base64

from safetensors import SafetensorError
from safetensors.numpy import load, save

from matbridge.safetensors.values import Arrays

__all__ = ["arrays_from_text", "arrays_to_text"]


def arrays_to_text(arrays: Arrays) -> str:
    """The arrays by name, "" for none."""
    return base64.b64encode(save(arrays)).decode() if arrays else ""


def arrays_from_text(text: str) -> Arrays:
    """The inverse of :func:`arrays_to_text`; ValueError for what it did not write."""
    try:
        return load(base64.b64decode(text, validate=True)) if text else {}
    except SafetensorError as error:
        raise ValueError(str(error)) from None
