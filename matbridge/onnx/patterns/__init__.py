"""The patterns by which ONNX nodes are lifted to layers: one table, asked from the first on.

Patterns of MATLAB's exporter are asked only of its own files. What a pattern is: ../lifted.py.
"""

from __future__ import annotations

from matbridge.onnx.lifted import Pattern
from matbridge.onnx.nodes import NodeGraph
from matbridge.onnx.patterns import layout, matlab_input, standard

__all__ = ["MATLABS", "STANDARD", "patterns_for"]

# Groups as MATLAB's exporter writes them.
MATLABS: tuple[Pattern, ...] = (matlab_input.zerocenter,)

# Groups and single nodes of ONNX's own operators, whoever wrote them.
STANDARD: tuple[Pattern, ...] = (
    layout.turned,
    layout.squeeze,
    layout.unsqueeze,
    layout.flatten,
    layout.reshape,
    layout.same,
    standard.elementwise,
    standard.dropout,
    standard.matmul_add,
    standard.matmul,
    standard.gemm,
    standard.convolution,
)


def patterns_for(graph: NodeGraph) -> tuple[Pattern, ...]:
    """The patterns that are asked of this graph."""
    return (*MATLABS, *STANDARD) if graph.from_matlab else STANDARD
