"""Small ONNX models for tests: made, written, run."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

__all__ = ["MATLAB", "model_of", "run", "saved"]

# What MATLAB's exporter calls itself.
MATLAB = "MATLAB Deep Learning Toolbox Converter for ONNX Model Format"


def model_of(nodes, inputs, outputs, arrays=(), opset=17, producer="somebody"):
    """A model of nodes; inputs and outputs by name and shape, arrays by name."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in dict(arrays).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.mathworks", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name=producer)


def saved(tmp_path, model):
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def run(model, *data):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [value.name for value in session.get_inputs()]
    return session.run(None, dict(zip(names, data, strict=True)))
