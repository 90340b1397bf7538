"""Plain operators written back: the node that they were read from.

In another operator set than that of the file, onnx's version converter says what it is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, defs, helper, numpy_helper, version_converter

from matbridge.errors import UnsupportedError
from matbridge.onnx.graph import TYPES, Builder, Data, Extent, Tensor
from matbridge.ops import Operation

__all__ = ["operate"]

FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)


def operate(
    builder: Builder,
    operation: Operation,
    data: Sequence[Data | None],
    shapes: Sequence[Sequence[Extent | None]],
) -> tuple[Data, ...]:
    """The node with the results that are wanted.

    Raises UnsupportedError where the operator set that is written cannot say it.
    """
    builder.foreign = True
    names = ["" if x is None else builder.name_of(x) for x in data]
    results = builder.results(operation.op_type, shapes)
    left = iter(results)
    ends = [
        next(left).name if wanted else _unused(builder, operation, place)
        for place, wanted in enumerate(operation.wanted)
    ]
    node = helper.make_node(
        operation.op_type,
        names,
        ends,
        builder.fresh(operation.op_type),
        domain=operation.domain or None,
    )
    for name, value in sorted(operation.attributes.items()):
        node.attribute.append(_attribute(builder, name, value))
    if operation.domain:
        builder.domains[operation.domain] = operation.version
        builder.nodes.append(node)
    elif _same_meaning(operation, builder.opset):
        builder.nodes.append(node)
    else:
        _convert(builder, operation, node, [x for x in data if isinstance(x, Tensor)])
    return tuple(results)


def _unused(builder: Builder, operation: Operation, place: int) -> str:
    """The name of a result that nobody wants: none, where the operator lets it be left out.

    An unnamed part of a Split ends onnxruntime, and the process with it.
    """
    try:
        ends = defs.get_schema(operation.op_type, operation.version, operation.domain).outputs
    except defs.SchemaError:
        return ""
    end = ends[min(place, len(ends) - 1)]
    optional = end.option == defs.OpSchema.FormalParameterOption.Optional
    return "" if optional else builder.fresh("unused")


def _attribute(builder: Builder, name: str, value: object) -> onnx.AttributeProto:
    if isinstance(value, np.ndarray):
        array = value.astype(builder.dtype) if value.dtype.kind == "f" else value
        return helper.make_attribute(name, numpy_helper.from_array(array))
    if name == "to" and value in FLOATS:
        value = TYPES[builder.dtype.name]
    kind = onnx.AttributeProto.INTS if value == [] else None
    return helper.make_attribute(name, value, attr_type=kind)


# Since then two operators of one form and name expand their operands alike.
EXPANDING = 7


def _same_meaning(operation: Operation, opset: int) -> bool:
    """Whether the operator is the same in this operator set, but for the types that it takes."""
    try:
        here, there = (defs.get_schema(operation.op_type, v) for v in (opset, operation.version))
    except defs.SchemaError:
        return False
    if here.since_version == there.since_version:
        return True
    return min(opset, operation.version) >= EXPANDING and _form(here) == _form(there)


def _form(schema: defs.OpSchema) -> tuple[object, ...]:
    """Names of operands and results, attributes with what they are if a file says nothing."""
    ends = [value.name for value in (*schema.inputs, *schema.outputs)]
    options = {n: a.default_value.SerializeToString() for n, a in schema.attributes.items()}
    return ends, options


def _convert(
    builder: Builder, operation: Operation, node: onnx.NodeProto, data: Sequence[Tensor]
) -> None:
    """Append what the node is in the operator set that is written."""
    model = _alone(builder, operation, node, data)
    try:
        converted = version_converter.convert_version(model, builder.opset).graph
    except (RuntimeError, ValueError, onnx.checker.ValidationError) as error:
        raise UnsupportedError(
            f"the operator {operation.op_type} of opset {operation.version} cannot be said in "
            f"opset {builder.opset}",
            mend=f"Write it in opset {operation.version}, or convert to .pt2.",
        ) from error
    kept = {*node.input, *node.output, ""}
    fresh: dict[str, str] = {}
    for array in converted.initializer:
        if array.name not in kept:
            fresh[array.name] = builder.initializer(numpy_helper.to_array(array), "constant")
    for part in converted.node:
        for name in part.output:
            if name not in kept:
                fresh[name] = builder.fresh(part.op_type.lower())
        builder.nodes.append(_renamed(part, fresh, builder.fresh(part.op_type)))


def _renamed(node: onnx.NodeProto, names: Mapping[str, str], own: str) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = own
    copy.input[:] = [names.get(name, name) for name in node.input]
    copy.output[:] = [names.get(name, name) for name in node.output]
    return copy


def _alone(
    builder: Builder, operation: Operation, node: onnx.NodeProto, data: Sequence[Tensor]
) -> onnx.ModelProto:
    """The node as a model of its own, with its constants."""
    kind = TYPES[builder.dtype.name]
    shapes = {x.name: [n if isinstance(n, int) else None for n in x.shape] for x in data}
    arrays = itertools.compress(node.input, (n in builder.initializers for n in node.input))
    graph = helper.make_graph(
        [node],
        "alone",
        [helper.make_tensor_value_info(n, kind, shape) for n, shape in shapes.items()],
        [helper.make_tensor_value_info(n, kind, None) for n in node.output if n],
        [numpy_helper.from_array(builder.initializers[n], n) for n in dict.fromkeys(arrays)],
    )
    opsets = [helper.make_opsetid("", operation.version)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
