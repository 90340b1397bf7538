"""Networks as ONNX files."""

from __future__ import annotations

from pathlib import Path

import onnx

from matbridge.core.network import Network
from matbridge.core.writing import Writing
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.onnx.metadata import Manner, remember
from matbridge.onnx.opsets import DEFAULT
from matbridge.onnx.reduced import reduced
from matbridge.onnx.write import STATES, to_onnx

__all__ = ["save_onnx"]

# What a protocol buffer may hold, and so an ONNX file that stands alone.
MOST_BYTES = (1 << 31) - 1


def save_onnx(network: Network, path: Path, how: Writing | None = None) -> None:
    """Write :func:`to_onnx` to a file, with the network itself in its metadata.

    In fewer bits it is another network, which is not kept there. Raises MismatchError for states
    of a network that has none, and UnsupportedError for a model that is too large for a file.
    """
    how = how or Writing()
    opset = DEFAULT if how.opset is None else how.opset
    dtype = network.dtype if how.exact else "float32"
    model = to_onnx(network, dtype, opset=opset, stateful=how.stateful)
    if how.stateful and STATES not in {entry.key for entry in model.metadata_props}:
        raise MismatchError(
            "the network has no state", mend="Only recurrent layers have one: leave out stateful."
        )
    if how.exact:
        remember(network, model, Manner(dtype, opset, how.stateful))
    else:
        model = reduced(model, opset, how)
    path.write_bytes(_bytes(model))


def _bytes(model: onnx.ModelProto) -> bytes:
    if model.ByteSize() > MOST_BYTES:
        raise UnsupportedError(
            f"the model has {model.ByteSize() / 1e9:.1f} GB, an ONNX file holds at most 2.1 GB",
            mend="Convert the network to .safetensors or .pt2.",
        )
    return model.SerializeToString()
