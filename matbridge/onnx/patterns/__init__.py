"""The patterns by which ONNX nodes are lifted to layers: one table, asked from the first on.

Patterns of MATLAB's exporter are asked only of its own files. What a pattern is: ../lifted.py.
"""

from __future__ import annotations

from matbridge.onnx.lifted import Pattern
from matbridge.onnx.nodes import NodeGraph
from matbridge.onnx.patterns import (
    activations,
    arithmetic,
    given,
    layout,
    matlab_dense,
    matlab_input,
    matlab_windows,
    normalization,
    operators,
    recurrent,
    resizing,
    standard,
    windows,
)

__all__ = ["MATLABS", "STANDARD", "patterns_for"]

# What the caller gives comes before what the file says.
GIVEN: tuple[Pattern, ...] = (given.given, given.placeholder)

# A window that moves over spatial dimensions.
MOVING: tuple[Pattern, ...] = (standard.convolution, windows.grouped_convolution, windows.pool)

# Groups as MATLAB's exporter writes them.
MATLABS: tuple[Pattern, ...] = (
    matlab_input.normalized_input,
    matlab_dense.gemm_of_images,
    matlab_dense.whole_map,
    matlab_windows.same_at_this_size(*MOVING),
    matlab_windows.max_unpool,
)

# Groups and single nodes of ONNX's own operators, whoever wrote them.
STANDARD: tuple[Pattern, ...] = (
    recurrent.recurrent,
    layout.view,
    standard.elementwise,
    standard.dropout,
    standard.matmul_add,
    standard.matmul,
    standard.gemm,
    matlab_windows.padded(*MOVING),
    matlab_windows.pool_with_places,
    *MOVING,
    windows.global_pool,
    windows.batch_normalization,
    windows.softmax,
    activations.swish,
    activations.gelu,
    normalization.layer_normalization_by_steps,
    arithmetic.combination,
    arithmetic.affine,
    arithmetic.concatenation,
    arithmetic.scaler,
    activations.activation,
    activations.prelu,
    normalization.layer_normalization,
    normalization.image_normalization,
    normalization.reduction,
    windows.transposed_convolution,
    resizing.resized,
    resizing.depth_to_space,
    resizing.space_to_depth,
    resizing.cross_channel_normalization,
    operators.plain,
)


def patterns_for(graph: NodeGraph) -> tuple[Pattern, ...]:
    """The patterns that are asked of this graph."""
    return (*GIVEN, *(MATLABS if graph.from_matlab else ()), *STANDARD)
