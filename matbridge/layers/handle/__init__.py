"""The anonymous functions of function layers, understood as arithmetic; never executed."""

from __future__ import annotations

from matbridge.layers.handle.evaluate import evaluate
from matbridge.layers.handle.parse import Function, parse_function

__all__ = ["Function", "evaluate", "parse_function"]
