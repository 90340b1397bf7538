"""What was written, loaded again and compared with the network it came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from matbridge.core.network import Network
from matbridge.errors import MatbridgeError
from matbridge.torch.program import example_inputs
from matbridge.verify.compare import compare

__all__ = ["check"]

# A program of float32 arithmetic in another order.
TOLERANCE = 1e-4

Arrays = list[np.ndarray]


def check(network: Network, path: Path, kind: str) -> dict[str, Any]:
    """The figures of a comparison on random input; raises MatbridgeError if they differ."""
    if not network.runnable:
        return {"note": "the network does not run, so only its arrays were written"}
    inputs = example_inputs(network, torch.float32)
    with torch.no_grad():
        expected = _outputs(network.to_torch()(*inputs))
    runner = RUNNERS[kind]
    found = runner(network, path, [tensor.numpy() for tensor in inputs])
    if found is None:
        return {"note": "written; onnxruntime is not installed, so it was not run"}
    result = compare(found, expected, TOLERANCE)
    if not result.agree:
        raise MatbridgeError(
            f"what was written differs from the network by {result.max_rel:.2g}",
            mend="Nothing was kept. Please report the network.",
        )
    return result.as_dict()


def _outputs(result: Any) -> Arrays:
    results = result if isinstance(result, tuple) else (result,)
    return [tensor.numpy() for tensor in results]


def _run_program(network: Network, path: Path, inputs: Arrays) -> Arrays:
    module = torch.export.load(path).module()
    with torch.no_grad():
        return _outputs(module(*map(torch.from_numpy, inputs)))


def _run_safetensors(network: Network, path: Path, inputs: Arrays) -> Arrays:
    from matbridge.core.registry import Registry
    from matbridge.matlab.contents import load

    cards = {layer.class_name: type(layer) for layer in network.layers if layer.MATLAB}
    functions = {
        layer.name: getattr(layer, "function", None)
        for layer in network.layers
        if getattr(layer, "function", None) is not None
    }
    module = load(path, registry=Registry.builtin().with_({**cards, **functions})).to_torch()
    with torch.no_grad():
        return _outputs(module(*map(torch.from_numpy, inputs)))


def _run_onnx(network: Network, path: Path, inputs: Arrays) -> Arrays | None:
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = (entry.name for entry in session.get_inputs())
    return session.run(None, dict(zip(names, inputs, strict=True)))


RUNNERS: dict[str, Callable[[Network, Path, Arrays], Arrays | None]] = {
    "pt2": _run_program,
    "safetensors": _run_safetensors,
    "onnx": _run_onnx,
}
