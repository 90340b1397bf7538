"""Input layers of MATLAB's exporter: the normalization that follows them."""

from __future__ import annotations

from matbridge.core.dims import reorder
from matbridge.layers.input import ImageInput
from matbridge.onnx.lifted import Labelled, Lifted, Lifting, with_arrays
from matbridge.onnx.nodes import Node

__all__ = ["zerocenter"]


def zerocenter(at: Lifting, node: Node) -> Lifted | None:
    """Sub of `<input>_AvgImg` (to R2019a) or `<input>_Mean`: Normalization 'zerocenter'.

    The constant is 1×C×H×W, or C×H×W in opset 6, each of C, H, W may be 1.
    """
    if node.operator != "Sub" or node.inputs[0] not in at.graph.inputs:
        return None
    mean = at.graph.constant(node.inputs[1])
    if mean is None or at.graph.only_user(node.inputs[0]) is not node:
        return None
    x = at.value(node.inputs[0])
    lengths = at.lengths(x)
    sizes = tuple(n for label in "12C" if (n := lengths.get(label)))
    if x.dims != "BCSS" or mean.ndim not in (3, 4) or len(sizes) != 3:
        return None
    layer = ImageInput(name=x.end, input_size=sizes, normalization="zerocenter")
    centred = with_arrays(layer, Mean=reorder(mean.reshape(mean.shape[-3:]), "CSS", "SSC"))
    return Lifted(replaces=(centred,), gives={node.output: Labelled(x.end, x.axes)})
