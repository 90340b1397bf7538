"""ONNX models that matbridge wrote, run in onnxruntime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper

from matbridge.core.dims import batch_first, reorder
from matbridge.errors import UnsupportedError
from matbridge.onnx.write import PORTS, STATES
from matbridge.text import not_loaded

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["run_onnx"]

# Every onnxruntime that matbridge stands on knows the opsets up to this one.
OLD_ENOUGH = 21


def run_onnx(path: Path, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Run the model as it is, and once more with the value at each port as an output.

    Values are batch first, by the name of their port. Raises UnsupportedError where onnxruntime
    is not installed or too old for the model.
    """
    model = onnx.load(path)
    told = {entry.key: entry.value for entry in model.metadata_props}
    ports = json.loads(told[PORTS])
    states = _initial_states(told.get(STATES, "[]"), len(inputs[0]))
    entries = [v.name for v in model.graph.input if v.name not in states]
    kinds = {v.name: v.type.tensor_type.elem_type for v in model.graph.input}
    feed = {
        name: array.astype(helper.tensor_dtype_to_np_dtype(kinds[name]), copy=False)
        for name, array in (*states.items(), *zip(entries, inputs, strict=True))
    }

    def run(names: list[str] | None) -> list[np.ndarray]:
        tensors: list[np.ndarray] = _started(model).run(names, feed)
        return tensors

    # Behind the outputs of the network stand those of its states.
    outputs = dict(zip(ports["outputs"], run(None), strict=False))
    places: dict[str, tuple[str, str]] = ports["places"]
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


def _started(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        raise UnsupportedError(not_loaded("onnxruntime", error)) from None
    options = onnxruntime.SessionOptions()
    # Opsets that it does not know yet are told below, not in its log.
    options.log_severity_level = 4
    if any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer):
        # On a CPU they would be computed in float32 wherever nodes could be joined.
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
        opset = max(entry.version for entry in model.opset_import)
        if opset <= OLD_ENOUGH:
            raise
        version = onnxruntime.__version__
        raise UnsupportedError(f"onnxruntime {version} does not know opset {opset}") from None


def _initial_states(told: str, observations: int) -> dict[str, np.ndarray]:
    """Where each state begins, for so many observations."""
    states = {}
    for state in json.loads(told):
        initial = np.array(state["initial"], np.float32)
        states[state["input"]] = np.broadcast_to(initial, (observations, *initial.shape[1:]))
    return states
