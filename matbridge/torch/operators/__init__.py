"""The operators of ONNX in PyTorch: a small function for each, by the kind of operator.

A function takes the :class:`Call` and the operands, None for one that is left out. It
computes every version of its operator: what versions say differently is asked of the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from matbridge.errors import LayerError, UnsupportedError
from matbridge.ops import Operation
from matbridge.torch.operators.attention import ATTENTION
from matbridge.torch.operators.call import Call, Entry, Results, Table
from matbridge.torch.operators.classical import CLASSICAL
from matbridge.torch.operators.elementwise import ELEMENTWISE
from matbridge.torch.operators.indexing import INDEXING
from matbridge.torch.operators.matrix import MATRICES
from matbridge.torch.operators.normalization import NORMALIZATIONS
from matbridge.torch.operators.recurrent import RECURRENT
from matbridge.torch.operators.reduction import REDUCTIONS
from matbridge.torch.operators.resize import RESIZE
from matbridge.torch.operators.shape import SHAPES
from matbridge.torch.operators.windows import WINDOWS

__all__ = ["TABLE", "operate"]

TABLE: Table = {
    **ELEMENTWISE,
    **REDUCTIONS,
    **SHAPES,
    **INDEXING,
    **WINDOWS,
    **RESIZE,
    **NORMALIZATIONS,
    **MATRICES,
    **RECURRENT,
    **ATTENTION,
    **CLASSICAL,
}

Operand = Tensor | np.ndarray | None


def operate(
    operation: Operation, dtype: torch.dtype, device: torch.device, *data: Operand
) -> tuple[Tensor, ...]:
    """The wanted results of one operator; UnsupportedError where torch has no such one."""
    entry = TABLE.get(operation.full_name)
    if entry is None:
        raise UnsupportedError(f"the operator {operation.full_name} cannot be run")
    operands = [
        _listed(x) if place in entry.lists else _tensor(x, dtype, device)
        for place, x in enumerate(data)
    ]
    outcome = _called(entry, Call(operation, dtype), operands)
    results: Sequence[Tensor | None] = outcome if isinstance(outcome, tuple) else (outcome,)
    pairs = zip(operation.wanted, results, strict=False)
    kept = tuple(part for wanted, part in pairs if wanted and part is not None)
    if len(kept) != sum(operation.wanted):
        raise UnsupportedError(
            f"the operator {operation.full_name} has results that cannot be computed"
        )
    return kept


def _called(entry: Entry, call: Call, operands: Sequence[Any]) -> Results:
    """What the operator gives; LayerError where a file's node asks for what there is not."""
    try:
        return entry.function(call, *operands)
    except (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise LayerError(
            f"the operator {call.operation.full_name} cannot be computed: {said}"
        ) from error


def _listed(x: Operand) -> Any:
    """Numbers as Python has them: a list, or one alone."""
    return None if x is None else x.tolist()


def _tensor(x: Operand, dtype: torch.dtype, device: torch.device) -> Tensor | None:
    if x is None or isinstance(x, Tensor):
        return x
    # A copy: constants of a layer cannot be written to, which PyTorch wants of what it shares.
    return torch.tensor(x, dtype=dtype if x.dtype.kind == "f" else None, device=device)
