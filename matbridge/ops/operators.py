"""Operators of ONNX that no layer of MATLAB's says, as they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matbridge.core.dims import Extent, missing
from matbridge.errors import LayerError
from matbridge.ops.backend import Backend, Data, Operation
from matbridge.ops.layout import Value, align, drop, numbered, rename, size

__all__ = ["OPERATORS", "operate"]

# Those that can be run, as the table of the torch backend has them.
OPERATORS: frozenset[str] = frozenset(
    """
    Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention
    AveragePool BatchNormalization BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
    Cast CastLike Ceil Celu CenterCropPad Clip Col2Im Compress Concat ConstantOfShape Conv
    ConvTranspose Cos Cosh CumProd CumSum DepthToSpace DequantizeLinear Det Div Dropout
    DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather
    GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater
    GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax Identity
    InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less
    LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxPool
    MaxUnpool Mean MeanVarianceNormalization Min Mish Mod Mul Neg NonZero Not OneHot Or
    PRelu Pad Pow QuantizeLinear RMSNormalization RNN Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize ReverseSequence RotaryEmbedding Round Scatter
    ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax
    Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh
    ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor
    ai.onnx.ml::ArrayFeatureExtractor ai.onnx.ml::Binarizer ai.onnx.ml::Normalizer
    ai.onnx.ml::Scaler
    """.split()
)

# A value and the order in which the operator takes it, its spatial labels told apart as 1, 2, 3;
# a constant; or nothing at all.
Operand = tuple[Value, str] | np.ndarray | None
# The order in which it gives a result, and the sizes that do not depend on data.
Given = tuple[str, Sequence[int | None]]


def operate(
    backend: Backend, operation: Operation, operands: Sequence[Operand], results: Sequence[Given]
) -> tuple[Value, ...]:
    """The results of an operator, each in its order.

    Dimensions that an operand has beyond its order must have size 1, and go.
    """
    data = [_taken(backend, x) if isinstance(x, tuple) else x for x in operands]
    values = [x[0] for x in operands if isinstance(x, tuple)]
    batch = _observations(backend, values)
    shapes = [
        tuple(batch if label == "B" else n for label, n in zip(dims, sizes, strict=True))
        for dims, sizes in results
    ]
    outcome = backend.operate(operation, data, shapes)
    for part, (dims, _) in zip(outcome, results, strict=True):
        if len(backend.sizes(part)) != len(dims):
            raise LayerError(
                f"the operator {operation.op_type} gave {len(backend.sizes(part))} dimensions "
                f"where {dims or 'a single number'} is expected"
            )
    return tuple(Value(part, dims) for part, (dims, _) in zip(outcome, results, strict=True))


def _taken(backend: Backend, operand: tuple[Value, str]) -> Data:
    x, dims = operand
    x = rename(backend, x, numbered(x.dims))
    beyond = missing(dims, x.dims)
    return align(backend, drop(backend, x, beyond) if beyond else x, dims).data


def _observations(backend: Backend, values: Sequence[Value]) -> Extent:
    """How many observations there are, None where no operand tells."""
    counts = [size(backend, x, "B") for x in values if "B" in x.dims]
    # One observation expands to as many as another operand has.
    several = [n for n in counts if not (isinstance(n, int) and n == 1)]
    return next(iter([*several, *counts]), None)
