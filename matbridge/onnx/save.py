"""Networks as ONNX files."""

from __future__ import annotations

from pathlib import Path

import onnx

from matbridge.core.network import Network
from matbridge.errors import UnsupportedError
from matbridge.onnx.metadata import Manner, remember
from matbridge.onnx.opsets import DEFAULT
from matbridge.onnx.write import to_onnx

__all__ = ["save_onnx"]

# What a protocol buffer may hold, and so an ONNX file that stands alone.
MOST_BYTES = (1 << 31) - 1


def save_onnx(
    network: Network, path: Path, *, opset: int = DEFAULT, stateful: bool = False
) -> None:
    """Write :func:`to_onnx` to a file, with the network itself in its metadata."""
    manner = Manner(network.dtype, opset, stateful)
    model = to_onnx(network, opset=opset, stateful=stateful)
    remember(network, model, manner)
    path.write_bytes(_bytes(model))


def _bytes(model: onnx.ModelProto) -> bytes:
    if model.ByteSize() > MOST_BYTES:
        raise UnsupportedError(
            f"the model has {model.ByteSize() / 1e9:.1f} GB, an ONNX file holds at most 2.1 GB",
            mend="Convert the network to .safetensors or .pt2.",
        )
    return model.SerializeToString()
