"""A step of any kind run over time, as ONNX's Scan."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import helper

from matbridge.onnx.graph import TYPES, Builder, Data, Tensor
from matbridge.ops.backend import Backend, Loop

__all__ = ["loop"]


def loop(
    builder: Builder, backend: Backend, body: Loop, states: list[Data], sequences: list[Data]
) -> tuple[list[Tensor], list[Tensor]]:
    """See :meth:`Backend.loop`. What the step reads from outside are names of the graph around."""
    outer, builder.nodes = builder.nodes, []
    before = [Tensor(builder.fresh("state"), state.shape) for state in states]
    # Scan takes the first axis away, and puts it before the results again.
    slices = [Tensor(builder.fresh("step"), x.shape[1:]) for x in sequences]
    place = builder.integers([0], "axes")
    inputs = [builder.node("Unsqueeze", [x, place], (1, *x.shape)) for x in slices]
    after, results = body(backend, before, inputs)
    flat = [builder.node("Squeeze", [y, place], y.shape[1:]) for y in results]
    carried = [builder.node("Identity", [state], state.shape) for state in after]
    graph = helper.make_graph(
        builder.nodes,
        builder.fresh("step"),
        [_info(builder, x) for x in (*before, *slices)],
        [_info(builder, y) for y in (*carried, *flat)],
    )
    builder.nodes = outer
    steps = sequences[0].shape[0]
    shapes = [*(state.shape for state in carried), *((steps, *y.shape) for y in flat)]
    outputs = builder.nodes_with(
        "Scan", [*states, *sequences], shapes, body=graph, num_scan_inputs=len(sequences)
    )
    return outputs[len(carried) :], outputs[: len(carried)]


def _info(builder: Builder, tensor: Tensor) -> onnx.ValueInfoProto:
    shape: Sequence[int | None] = [n if isinstance(n, int) else None for n in tensor.shape]
    return helper.make_tensor_value_info(tensor.name, TYPES[builder.dtype.name], shape)
