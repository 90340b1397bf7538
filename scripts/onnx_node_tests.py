"""ONNX's own backend node tests, run through matbridge: python scripts/onnx_node_tests.py

Each test is a model of a node or a few, its inputs and outputs. Of those whose operators
matbridge claims, each model is loaded as a file and run. Prints passed / claimed / total, and for
each operator; with --write the table of docs/onnx.md is written anew.
"""

import argparse
import collections
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

import matbridge
from matbridge.ops import OPERATORS, Value
from matbridge.ops.layout import numbered, unnumbered
from matbridge.torch.module import NetworkModule

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "onnx.md"
BEGIN, END = (
    "<!-- node tests: written by scripts/onnx_node_tests.py -->",
    "<!-- end of node tests -->",
)
# Types that tensors of PyTorch hold and compute with.
TYPES = {
    *(onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16),
    *(onnx.TensorProto.UINT8, onnx.TensorProto.INT8, onnx.TensorProto.INT16),
    *(onnx.TensorProto.INT32, onnx.TensorProto.INT64, onnx.TensorProto.BOOL),
}
# Tests of what is not claimed of an operator that is, by the beginning of their names.
NOT_CLAIMED = {
    "test_ai_onnx_ml_array_feature_extractor": "opset 1",
    "test_ai_onnx_ml_binarizer": "opset 1",
    "test_not_": "opset 1",
    "test_col2im_5d": "volumes",
    "test_dequantizelinear_blocked": "blocks",
    "test_quantizelinear_blocked": "blocks",
    "test_nllloss_NCd1d2d3d4d5": "7 dimensions",
    "test_batchnorm_epsilon_training": "training mode",
    "test_batchnorm_example_training": "training mode",
    "test_training_dropout": "random numbers",
}


def node_tests():
    """The node tests that come with the onnx package."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_model_tests(kind="node")


def operators_of(model):
    """The operators of a model, with their domains."""
    return {f"{n.domain}::{n.op_type}" if n.domain else n.op_type for n in model.graph.node}


def why_not(test):
    """Why a test is not claimed, "" if it is."""
    for beginning, reason in NOT_CLAIMED.items():
        if test.name.startswith(beginning):
            return reason
    absent = operators_of(test.model) - OPERATORS - {"Constant"}
    if absent:
        return f"operator {min(absent)}"
    graph = test.model.graph
    if {n.op_type for n in graph.node} <= {"Shape", "Size", "Constant"}:
        return "no data enter"
    for value in (*graph.input, *graph.output):
        if value.type.WhichOneof("value") != "tensor_type":
            return "type " + value.type.WhichOneof("value")
        if value.type.tensor_type.elem_type not in TYPES:
            kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
            return f"type {kind.lower()}"
    return ""


def run(path, inputs):
    """The outputs of the file at ``path`` as the network that it is lifted to computes them."""
    network = matbridge.load(path)
    axes = network.provenance.details["axes"]
    double = np.dtype("float64") in {array.dtype for array in inputs.values()}
    module = NetworkModule(network, "float64" if double else "float32")
    module.check = lambda values: None
    pairs = zip(axes["inputs"].items(), network.input_order, strict=True)
    values = {
        layer: labelled(inputs[tensor], labels, module.dtype) for (tensor, labels), layer in pairs
    }
    with torch.no_grad():
        results, _ = module.run({n: v for n, v in values.items() if n in network.input_names})
    return [
        arranged(v, labels) for v, labels in zip(results, axes["outputs"].values(), strict=True)
    ]


def labelled(array, axes, dtype):
    """An input as a value: dimensions without a label have size 1 and go."""
    tensor = torch.as_tensor(array.copy())
    tensor = tensor.to(dtype) if tensor.is_floating_point() else tensor
    kept = [n for n, axis in zip(tensor.shape, axes, strict=True) if axis]
    return Value(tensor.reshape(kept), unnumbered("".join(axes)))


def arranged(value, axes):
    """The data of an output in the order of the file, without what has size 1 and no label."""
    labels, data = numbered(value.dims), value.data
    for label in set(labels) - set(axes):
        data = data.squeeze(labels.index(label))
        labels = labels.replace(label, "")
    order = [labels.index(axis) for axis in axes if axis in labels and axis]
    return data.permute(order).numpy()


def as_array(tensor):
    """A tensor of a test: some come as protobuf messages."""
    message = isinstance(tensor, onnx.TensorProto)
    return onnx.numpy_helper.to_array(tensor) if message else np.asarray(tensor)


def passes(test, folder):
    """Whether every data set of a test gives what it should; else what went wrong."""
    path = folder / "test.onnx"
    path.write_bytes(test.model.SerializeToString())
    graph = test.model.graph
    for data in test.data_sets:
        inputs, outputs = ([as_array(x) for x in side] for side in data)
        names = [value.name for value in graph.input]
        try:
            results = run(path, dict(zip(names, inputs, strict=False)))
        except Exception as error:
            return f"{type(error).__name__}: {error}".splitlines()[0]
        for value, expected in zip(results, outputs, strict=True):
            expected = np.asarray(expected)
            try:
                if value.size != expected.size:
                    raise AssertionError(f"{value.shape}, not {expected.shape}")
                np.testing.assert_allclose(
                    value.reshape(expected.shape).astype(float),
                    expected.astype(float),
                    rtol=max(test.rtol, 1e-3 if expected.dtype != np.float16 else 5e-3),
                    atol=max(test.atol, 1e-6 if expected.dtype != np.float16 else 1e-3),
                )
            except AssertionError as error:
                return " ".join(str(error).split())[:200]
    return ""


def measure(tests):
    """For each test that is claimed what went wrong, "" for nothing; and why others are not."""
    failures, unclaimed = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for test in tests:
            reason = why_not(test)
            if reason:
                unclaimed[test.name] = reason
            else:
                failures[test.name] = passes(test, Path(folder))
    return failures, unclaimed


def table(tests, failures, unclaimed):
    """Passed, claimed and all tests, and for each operator, as Markdown."""
    passed = sum(not said for said in failures.values())
    counts = collections.defaultdict(lambda: [0, 0, 0])
    for test in tests:
        for operator in operators_of(test.model):
            counts[operator][0] += failures.get(test.name, "not claimed") == ""
            counts[operator][1] += test.name in failures
            counts[operator][2] += 1
    reasons = collections.Counter(unclaimed.values())
    listed = ", ".join(f"{reason} ({n})" for reason, n in sorted(reasons.items()))
    rows = [f"| {operator} | {a} | {b} | {c} |" for operator, (a, b, c) in sorted(counts.items())]
    said = f"{passed} passed / {len(failures)} claimed / {len(tests)} total"
    return "\n".join(
        [
            f"onnx {onnx.__version__}: {said}.\n",
            "| operator | passed | claimed | total |",
            "| --- | --- | --- | --- |",
            *rows,
            f"\nNot claimed: {listed}.",
        ]
    )


def write(text):
    """The table into the page, between its two marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    print(f"wrote {PAGE}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table of docs/onnx.md")
    parser.add_argument("names", nargs="*", help="only tests whose names contain one of these")
    wanted = parser.parse_args()
    tests = [t for t in node_tests() if not wanted.names or any(n in t.name for n in wanted.names)]
    failures, unclaimed = measure(tests)
    for name, said in failures.items():
        if said:
            print(f"FAILED {name}: {said}", file=sys.stderr)
    text = table(tests, failures, unclaimed)
    print(text)
    if wanted.write:
        write(text)
    return int(any(failures.values()))


if __name__ == "__main__":
    sys.exit(main())
