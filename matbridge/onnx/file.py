"""ONNX files: bytes to a model."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from matbridge.errors import FormatError
from matbridge.files import check_readable

__all__ = ["read_model"]


def read_model(path: Path) -> onnx.ModelProto:
    """The model in a file; FormatError if it is damaged."""
    check_readable(path)
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (DecodeError, OSError) as error:
        raise FormatError(f"the file is no ONNX model: {error}", where=path.name) from None
    if not model.graph.node and not model.graph.output:
        raise FormatError("the file is no ONNX model: it holds no graph", where=path.name)
    return model
