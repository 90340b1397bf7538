"""Models of fewer bits, made by onnxruntime's own tools.

Half precision is ``onnxruntime.transformers.float16``, which inputs and outputs leave float32:
the same tool as onnxconverter-common's, where onnxruntime's own people keep it. Weights of
8 bits are ``onnxruntime.quantization``'s dynamic ones: they need no calibration, and lose less
than static ones do.
"""

from __future__ import annotations

import io
import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import onnx

from matbridge.core.writing import Writing
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.onnx.write import PORTS
from matbridge.text import not_loaded

__all__ = ["reduced"]

INSTALL = "pip install onnxruntime"
# The opset with which ONNX's operators for 8 bits came.
FIRST_INT8 = 11


def reduced(model: onnx.ModelProto, opset: int, how: Writing) -> onnx.ModelProto:
    """The model with the numbers that ``how`` asks for.

    The value at each port is no longer told. Raises MismatchError for what there is not, and
    UnsupportedError where onnxruntime is not installed or cannot do it.
    """
    if how.half and how.quantize:
        raise MismatchError("half and quantize exclude each other", mend="Choose one.")
    try:
        with _quiet():
            small = _half(model) if how.half else _quantized(model, opset, how.quantize)
    except ImportError as error:
        what = "half precision takes" if how.half else "8 bits take"
        why = not_loaded("onnxruntime", error)
        raise UnsupportedError(f"{what} onnxruntime's tools: {why}", mend=INSTALL) from None
    _forget_places(small)
    return small


def _half(model: onnx.ModelProto) -> onnx.ModelProto:
    from onnxruntime.transformers.onnx_model import OnnxModel

    small = OnnxModel(model)
    # Its own needs sympy; ONNX's, which runs in any case, is enough.
    small.disable_shape_inference()
    small.convert_float_to_float16(use_symbolic_shape_infer=False, keep_io_types=True)
    # The casts at the ends are put where there is room.
    small.topological_sort()
    onnx.checker.check_model(small.model, full_check=True)
    return small.model


def _quantized(model: onnx.ModelProto, opset: int, kind: str) -> onnx.ModelProto:
    if kind != "int8":
        raise MismatchError(f"weights are not quantized to {kind!r}", mend='Use "int8".')
    if opset < FIRST_INT8:
        raise UnsupportedError(
            f"ONNX has operators for 8 bits from opset {FIRST_INT8} on",
            mend=f"Write it in opset {FIRST_INT8} or a newer one.",
        )
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        quantize_dynamic(model, path, weight_type=QuantType.QInt8)
        return onnx.load(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the hints that these tools log and print: what they lose is measured."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(before)


def _forget_places(model: onnx.ModelProto) -> None:
    """The tools rename tensors, so only the outputs are still told."""
    for entry in model.metadata_props:
        if entry.key == PORTS:
            entry.value = json.dumps({**json.loads(entry.value), "places": {}})
