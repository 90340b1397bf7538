"""ONNX models that matbridge wrote, run in onnxruntime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from matbridge.core.dims import batch_first, reorder
from matbridge.onnx.write import PORTS

__all__ = ["run_onnx"]


def run_onnx(path: Path, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray] | None:
    """Run the model as it is, and once more with the value at each port as an output.

    Values are batch first, by the name of their port. None if onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    model = onnx.load(path)
    told = json.loads(next(p.value for p in model.metadata_props if p.key == PORTS))
    feed = dict(zip((value.name for value in model.graph.input), inputs, strict=True))

    def run(names: list[str] | None) -> list[np.ndarray]:
        providers = ["CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=providers)
        tensors: list[np.ndarray] = session.run(names, feed)
        return tensors

    outputs = dict(zip(told["outputs"], run(None), strict=True))
    places: dict[str, tuple[str, str]] = told["places"]
    names = list(dict.fromkeys(name for name, _ in places.values()))
    shown = {value.name for value in model.graph.output}
    # Only in a second run: what is an output cannot be fused away.
    model.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in names if name not in shown
    )
    tensors = dict(zip(names, run(names), strict=True)) if names else {}
    values = {
        port: reorder(tensors[name], dims, batch_first(dims))
        for port, (name, dims) in places.items()
    }
    return {**values, **outputs}
